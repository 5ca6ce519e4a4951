"""Cards and details in the portal. A new card becomes the one that pays for everything.

https://docs.stripe.com/customer-management/configure-portal
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import StripeError
from ..resources import customers, payment_methods, setup_intent, setup_intents, subscriptions
from ..world import World
from . import card_form
from .portal_visit import Visit
from .site import Fields, Site

Object = dict[str, Any]
ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


def register(site: Site) -> None:
    pages = CardPages(site)
    path = "/p/session/{id}"
    site.get(path + "/cards/add", pages.ask)
    site.post(path + "/cards/add", pages.add)
    site.post(path + "/cards/{card}/default", pages.prefer)
    site.post(path + "/cards/{card}/remove", pages.remove)
    site.get(path + "/details", pages.details)
    site.post(path + "/details", pages.save_details)
    site.get(path + "/answered", pages.answered)


class CardPages:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def ask(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        visit.require("payment_method_update")
        failed = request.query_params.get("redirect_status") == "failed"
        return self._form(visit, {"number": card_form.NOT_AUTHENTICATED} if failed else {}, {})

    def _form(self, visit: Visit, errors: Fields, values: Object, status: int = 200) -> Response:
        return visit.page(
            "portal_card.html",
            status,
            errors=card_form.faults(errors),
            values=card_form.values(values),
            suggested=card_form.SUGGESTED,
        )

    def add(self, request: Request, given: Fields) -> Response:
        visit = Visit(self.site, request)
        visit.require("payment_method_update")
        card, errors = card_form.read(given)
        if errors:
            return self._form(visit, errors, given, 422)
        try:
            with self.world.transaction():
                intent = self._set_up(visit, card)
        except StripeError as refusal:
            if refusal.status != 402:
                raise
            return self._form(visit, card_form.decline(refusal), given, 402)
        if intent["status"] == "requires_action":
            return self.site.go(intent["next_action"]["redirect_to_url"]["url"])
        return visit.finish("card")

    def _set_up(self, visit: Visit, card: Object) -> Object:
        method = payment_methods.create(self.world, card)
        intent = setup_intent.new(self.world, visit.customer["id"], _pays_for_everything=True)
        back = f"{self.world.url}{visit.home}/answered"
        confirmed = setup_intents.confirm(
            self.world, intent["id"], {"payment_method": method["id"], "return_url": f"{back}?card=1"}
        )
        use_from_now_on(self.world, confirmed)
        return confirmed

    def answered(self, request: Request) -> Response:
        """Back from the bank's page."""
        visit = Visit(self.site, request)
        passed, card = request.query_params.get("redirect_status") == "succeeded", "card" in request.query_params
        if card:
            return visit.finish("card") if passed else self.site.go(f"{visit.home}/cards/add?redirect_status=failed")
        return visit.finish("updated") if passed else self.site.go(f"{visit.home}?done=unpaid")

    def prefer(self, request: Request, given: Fields) -> Response:
        visit = Visit(self.site, request)
        visit.require("payment_method_update")
        method = payment_methods.owned(self.world, request.path_params["card"], visit.customer["id"], "card")
        with self.world.transaction():
            pay_with(self.world, visit.customer["id"], method["id"])
        return visit.finish("default")

    def remove(self, request: Request, given: Fields) -> Response:
        visit = Visit(self.site, request)
        visit.require("payment_method_update")
        if request.path_params["card"] == visit.customer["invoice_settings"]["default_payment_method"]:
            text = "This card pays for your subscription. Make another one the default first."
            return self.site.message("The card stays", text, 409, ("Back", visit.home))
        method = self.world.store.get(request.path_params["card"])
        if method and method.get("customer") == visit.customer["id"]:
            with self.world.transaction():
                payment_methods.detach(self.world, method["id"], {})
        return visit.finish("removed")

    def details(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        visit.require("customer_update")
        known = visit.customer
        values = {name: known[name] or "" for name in ("name", "email", "phone")}
        values |= {name: (known["address"] or {}).get(name) or "" for name in ADDRESS}
        return self._details(visit, values, "")

    def _details(self, visit: Visit, values: Fields, error: str, status: int = 200) -> Response:
        allowed = visit.features["customer_update"]["allowed_updates"]
        return visit.page("portal_details.html", status, allowed=allowed, values=values, error=error, address=ADDRESS)

    def save_details(self, request: Request, given: Fields) -> Response:
        visit = Visit(self.site, request)
        visit.require("customer_update")
        allowed = visit.features["customer_update"]["allowed_updates"]
        changes: Object = {name: given[name].strip()[:500] for name in ("name", "email", "phone") if name in given}
        changes = {name: value for name, value in changes.items() if name in allowed}
        if "email" in changes and "@" not in changes["email"]:
            return self._details(
                visit,
                {name: given.get(name, "") for name in ("name", "email", "phone", *ADDRESS)},
                "Enter your e-mail address.",
                422,
            )
        if "address" in allowed and any(name in given for name in ADDRESS):
            changes["address"] = {name: given.get(name, "").strip()[:500] for name in ADDRESS}
        with self.world.transaction():
            customers.update(self.world, visit.customer["id"], changes)
        return visit.finish("details")


def use_from_now_on(world: World, intent: Object) -> None:
    """The card that the portal set up pays from now on."""
    if intent.get("_pays_for_everything") and intent["status"] == "succeeded":
        pay_with(world, intent["customer"], intent["payment_method"])


setup_intents.when_authenticated.append(use_from_now_on)


def pay_with(world: World, customer: str, method: str) -> None:
    """The customer's default, also where a subscription has one of its own, which would go first."""
    customers.update(world, customer, {"invoice_settings": {"default_payment_method": method}})
    for subscription in world.store.where("subscription", "customer", customer):
        own = subscription["default_payment_method"]
        if own not in (None, method) and not subscription["ended_at"]:
            subscriptions.update(world, subscription["id"], {"default_payment_method": method})
