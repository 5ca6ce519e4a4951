"""Changing the plan in the portal (https://docs.stripe.com/customer-management/configure-portal)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import StripeError
from . import portal_change, portal_later, words
from .portal_visit import Visit
from .site import Fields, Site

Object = dict[str, Any]
FRESH = 3600
"""Seconds for which the prorations that were shown are the ones that are charged."""


def register(site: Site) -> None:
    pages = PlanPages(site)
    path = "/p/session/{id}/{subscription}/update"
    site.get(path, pages.choose)
    site.get(path + "/{price}", pages.confirm)
    site.post(path + "/{price}", pages.change)


class PlanPages:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def choose(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_update")
        item = portal_change.the_item(subscription)
        update = visit.features["subscription_update"]
        plans = [
            self.world.store.objects[price]
            for product in update.get("products") or []
            for price in product["prices"]
            if price in self.world.store.objects
        ]
        names = {one["id"]: self._name(one) for one in plans}
        return visit.page(
            "portal_plans.html",
            subscription=subscription,
            item=item,
            plans=[one for one in plans if one["active"] and one["currency"] == subscription["currency"]],
            names=names,
            changes_quantity="quantity" in update["default_allowed_updates"],
            changes_price="price" in update["default_allowed_updates"],
        )

    def _name(self, price: Object) -> str:
        return str((self.world.store.get(price["product"]) or {}).get("name", price["product"]))

    def confirm(self, request: Request) -> Response:
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_update")
        return self._confirm(visit, subscription, request, request.query_params.get("quantity"))

    def _confirm(
        self,
        visit: Visit,
        subscription: Object,
        request: Request,
        quantity: str | None,
        error: str = "",
        status: int = 200,
    ) -> Response:
        price = request.path_params["price"]
        price = price if price != "chosen" else request.query_params.get("price", "")
        change = portal_change.of(visit, subscription, price, quantity)
        item = portal_change.the_item(subscription)
        if change["items"][0]["price"] == item["price"]["id"] and change["items"][0]["quantity"] == item["quantity"]:
            return self.site.message("Nothing to change", "This is your plan already.", 200, ("Back", visit.home))
        chosen, wanted = self.world.store.objects[change["items"][0]["price"]], change["items"][0]["quantity"]
        names = {chosen["id"]: self._name(chosen), item["price"]["id"]: self._name(item["price"])}
        about = {"subscription": subscription, "item": item, "plan": chosen, "quantity": wanted, "names": names}
        if portal_later.waits(visit.features["subscription_update"], item, chosen, wanted):
            return visit.page("portal_later.html", at=item["current_period_end"], **about)
        at = self.world.now(subscription["_clock"])
        preview, at_once = portal_change.preview(self.world, subscription, change, at)
        return visit.page(
            "portal_confirm.html",
            status,
            **about,
            preview=preview,
            at_once=at_once,
            at=at,
            ends_trial="trial_end" in change,
            card=_payer(self.world, subscription),
            error=error,
        )

    def change(self, request: Request, given: Fields) -> Response:
        """Granted only when it is paid. A decline changes nothing; a bank that asks decides."""
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_update")
        price, quantity = given.get("price", request.path_params["price"]), given.get("quantity")
        change = portal_change.of(visit, subscription, price, quantity)
        item, (entry,) = portal_change.the_item(subscription), change["items"]
        plan = self.world.store.objects[entry["price"]]
        if portal_later.waits(visit.features["subscription_update"], item, plan, entry["quantity"]):
            return self._later(visit, subscription, item, entry)
        shown = int(given["at"]) if given.get("at", "").isdecimal() and len(given["at"]) < 12 else 0
        now = self.world.now(subscription["_clock"])
        if subscription["status"] == "active" and 0 <= now - shown <= FRESH:
            change["proration_date"] = max(shown, subscription["items"]["data"][0]["current_period_start"])
        try:
            with self.world.transaction():
                back = f"{self.world.url}{visit.home}/answered"
                waiting = portal_change.make(self.world, subscription, change, back)
        except StripeError as refusal:
            if refusal.status != 402 and "default payment method" not in str(refusal):
                raise
            return self._confirm(visit, subscription, request, quantity, _sentence(refusal), 402)
        if waiting:
            return self.site.go(waiting["next_action"]["redirect_to_url"]["url"])
        return visit.finish("updated")

    def _later(self, visit: Visit, subscription: Object, item: Object, entry: Object) -> Response:
        if subscription["schedule"] is None:
            with self.world.transaction():
                portal_later.plan(self.world, subscription, item, entry["price"], entry["quantity"])
        return visit.finish("later")


def _sentence(refusal: StripeError) -> str:
    if refusal.status == 402:
        return str(refusal)
    return "There is no card to pay with. Please add one first."


def _payer(world: Any, subscription: Object) -> str | None:
    """The card that pays for it, in words."""
    customer = world.store.objects[subscription["customer"]]
    chosen = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    method = world.store.get(chosen or "")
    return words.card(method) if method else None
