"""The customer portal's home (https://docs.stripe.com/customer-management)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..billing import lifecycle, payments
from . import portal_later
from .portal_visit import DONE, Visit
from .site import Site

Object = dict[str, Any]


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
            "planned": portal_later.planned(self.world, subscription),
            "may_update": features["subscription_update"]["enabled"]
            and status in ("active", "trialing")
            and not ends
            and len(items) == 1
            and subscription["schedule"] is None,
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
