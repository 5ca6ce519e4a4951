"""What all pages of the portal need: whose visit it is, with what rights, on the way to what."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import invalid, missing
from ..resources import billing_portal
from .site import Site

Object = dict[str, Any]
DONE = {
    "updated": "Your plan has been updated.",
    "later": "Your plan will change at the end of the period.",
    "kept": "Your plan stays as it is.",
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
