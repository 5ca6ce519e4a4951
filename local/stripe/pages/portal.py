"""The customer portal: its home, and what all its pages need (https://docs.stripe.com/customer-management)."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from ..billing import lifecycle, payments
from ..protocol.errors import invalid, missing
from ..resources import billing_portal
from .site import Site

Object = dict[str, Any]
DONE = {
    "updated": "Your plan has been updated.",
    "scheduled": "Your subscription will be canceled at the end of the period.",
    "canceled": "Your subscription has been canceled.",
    "renewed": "Your subscription will not be canceled.",
    "paused": "Your subscription is paused.",
    "resumed": "Your subscription goes on.",
    "card": "Your card has been saved.",
    "removed": "The card has been removed.",
    "default": "Your default card has been changed.",
    "details": "Your details have been saved.",
    "unpaid": "The payment was not completed, so your plan has not changed.",
}
FIRST_PAGE = {
    "customer_update": "details",
    "payment_method_update": "cards/add",
    "subscription_cancel": "{}/cancel",
    "subscription_pause": "{}/pause",
    "subscription_update": "{}/update",
    "subscription_update_confirm": "{}/update/{}",
}
"""Where a flow begins; its subscription, then its price."""


class Visit:
    """One customer's time in the portal: who, with what rights, on the way to what."""

    def __init__(self, site: Site, request: Request) -> None:
        self.site, self.world = site, site.world
        self.session = self.world.find(billing_portal.KIND, request.path_params["id"])
        self.home = f"/p/session/{self.session['id']}"
        self.customer = self.world.find("customer", self.session["customer"])
        self.features = self.world.store.objects[self.session["configuration"]]["features"]
        self.profile = self.world.store.objects[self.session["configuration"]]["business_profile"]
        self.flow: Object | None = None if self.session.get("_flow_done") else self.session["flow"]

    def subscription(self, request: Request, feature: str | None = None) -> Object:
        """One of the customer's own, when the feature is allowed."""
        if feature:
            self.require(feature)
        found = self.world.find("subscription", request.path_params["subscription"])
        if found["customer"] != self.customer["id"]:
            raise missing("subscription", found["id"])
        return found

    def require(self, feature: str) -> None:
        if not self.features[feature]["enabled"]:
            raise invalid("The shop does not offer this here.", status=403)

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        back = None if self.flow else self.home
        return self.site.page(template, status, visit=self, home=self.home, back=back, **facts)

    def finish(self, done: str) -> Response:
        """Home with a word of what was done, or where the flow of this session says."""
        if self.flow is None:
            return self.site.go(f"{self.home}?{urlencode({'done': done})}")
        with self.world.transaction():
            self.world.store.edit(self.session)["_flow_done"] = True
        after = self.flow["after_completion"]
        if after["type"] == "redirect":
            return self.site.go(after["redirect"]["return_url"])
        if after["type"] == "hosted_confirmation":
            return self.site.go(f"{self.home}/done?{urlencode({'done': done})}")
        return self.site.go(f"{self.home}?{urlencode({'done': done})}")

    def first_page(self) -> str:
        assert self.flow is not None
        about = self.flow.get(self.flow["type"]) or {}
        price = about["items"][0]["price"] if about.get("items") else ""
        quantity = f"?quantity={about['items'][0]['quantity']}" if about.get("items") else ""
        path = FIRST_PAGE[self.flow["type"]].format(about.get("subscription"), price)
        return f"{self.home}/{path}{quantity}"


def register(site: Site) -> None:
    portal = Portal(site)
    site.get("/p/session/{id}", portal.home)
    site.get("/p/session/{id}/done", portal.done)


class Portal:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def home(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        if visit.flow:
            return self.site.go(visit.first_page())
        store, customer = self.world.store, visit.customer
        found = store.where("subscription", "customer", customer["id"])
        return visit.page(
            "portal.html",
            done=DONE.get(request.query_params.get("done", "")),
            subscriptions=[self._shown(visit, one) for one in found if one["status"] != "incomplete_expired"],
            cards=store.where("payment_method", "customer", customer["id"]),
            preferred=customer["invoice_settings"]["default_payment_method"],
            invoices=[one for one in store.where("invoice", "customer", customer["id"]) if one["hosted_invoice_url"]],
        )

    def _shown(self, visit: Visit, subscription: Object) -> Object:
        """What the home page says of one subscription, and what may be done with it."""
        over, status = subscription["status"] in lifecycle.OVER, subscription["status"]
        items = subscription["items"]["data"]
        ends = subscription["cancel_at"]
        features = visit.features
        open_invoice = self._unpaid(subscription)
        return {
            "it": subscription,
            "items": items,
            "over": over,
            "renews": None if over or ends or status in ("paused", "incomplete") else items[0]["current_period_end"],
            "card": lifecycle.default_method(self.world, subscription),
            "unpaid": open_invoice,
            "may_update": features["subscription_update"]["enabled"] and status in ("active", "trialing") and not ends,
            "may_cancel": features["subscription_cancel"]["enabled"] and not over and not ends,
            "may_renew": bool(ends) and not over,
            "may_pause": features["subscription_pause"]["enabled"] and status == "active" and not ends,
            "may_resume": features["subscription_pause"]["enabled"] and status == "paused",
        }

    def _unpaid(self, subscription: Object) -> Object | None:
        invoice = self.world.store.get(subscription["latest_invoice"] or "")
        if invoice and invoice["status"] == "open" and payments.intent_of(self.world, invoice):
            return invoice
        return None

    def done(self, request: Request) -> Response:
        """The confirmation at the end of a flow."""
        visit = Visit(self.site, request)
        after = (visit.session["flow"] or {}).get("after_completion") or {}
        message = (after.get("hosted_confirmation") or {}).get("custom_message")
        text = message or DONE.get(request.query_params.get("done", ""), "Your changes have been saved.")
        link = ("Back to the shop", visit.session["return_url"]) if visit.session["return_url"] else None
        return self.site.message("Done", text, 200, link)
