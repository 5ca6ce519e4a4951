"""Changing the plan in the portal (https://docs.stripe.com/customer-management/configure-portal)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..billing import payments
from ..protocol.errors import StripeError, card_error, invalid, missing
from ..resources import invoice_preview, subscriptions
from . import words
from .portal import Visit
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
        (item,) = _one_item(subscription)
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
        change = self._change(visit, subscription, price, quantity)
        (item,) = _one_item(subscription)
        if change["items"][0]["price"] == item["price"]["id"] and change["items"][0]["quantity"] == item["quantity"]:
            return self.site.message("Nothing to change", "This is your plan already.", 200, ("Back", visit.home))
        chosen = self.world.store.objects[change["items"][0]["price"]]
        at = self.world.now(subscription["_clock"])
        preview, at_once = self._preview(subscription, change, at)
        return visit.page(
            "portal_confirm.html",
            status,
            subscription=subscription,
            item=item,
            plan=chosen,
            names={chosen["id"]: self._name(chosen), item["price"]["id"]: self._name(item["price"])},
            quantity=change["items"][0]["quantity"],
            preview=preview,
            at_once=at_once,
            at=at,
            ends_trial="trial_end" in change,
            card=payments_card(self.world, subscription),
            error=error,
        )

    def _change(self, visit: Visit, subscription: Object, price: str, quantity: str | None) -> Object:
        """The parameters of the update, as the configuration wants it."""
        (item,), update = _one_item(subscription), visit.features["subscription_update"]
        allowed = {item["price"]["id"], *(one for product in update.get("products") or [] for one in product["prices"])}
        if price not in allowed or price not in self.world.store.objects:
            raise missing("price", price)
        wanted = int(quantity) if quantity and quantity.isdecimal() and len(quantity) < 7 else item["quantity"]
        if wanted != item["quantity"] and "quantity" not in update["default_allowed_updates"]:
            raise invalid("The shop does not offer another quantity here.")
        change: Object = {"items": [{"id": item["id"], "price": price, "quantity": max(wanted, 1)}]}
        change["proration_behavior"] = update["proration_behavior"]
        if update["billing_cycle_anchor"] == "now":
            change["billing_cycle_anchor"] = {"type": "now"}
        if subscription["status"] == "trialing" and update["trial_update_behavior"] == "end_trial":
            change["trial_end"] = "now"
        return change

    def _preview(self, subscription: Object, change: Object, at: int) -> tuple[Object, bool]:
        """The invoice of the change, and whether it is due at once or with the next period."""
        details: Object = {**change}
        if "billing_cycle_anchor" in details:
            details["billing_cycle_anchor"] = "now"
        if subscription["status"] == "active":
            details["proration_date"] = at
        with self.world.transaction():
            before = subscription["latest_invoice"]
            with self.world.rehearsal():
                params = {**change, "payment_behavior": "default_incomplete"}
                after = subscriptions.update(self.world, subscription["id"], params)["latest_invoice"]
            params = {"subscription": subscription["id"], "subscription_details": details}
            return invoice_preview.create_preview(self.world, params), after != before

    def change(self, request: Request, given: Fields) -> Response:
        """Granted only when it is paid. A decline changes nothing; a bank that asks decides."""
        visit = Visit(self.site, request)
        subscription = visit.subscription(request, "subscription_update")
        price, quantity = given.get("price", request.path_params["price"]), given.get("quantity")
        change = self._change(visit, subscription, price, quantity)
        shown = int(given["at"]) if given.get("at", "").isdecimal() and len(given["at"]) < 12 else 0
        now = self.world.now(subscription["_clock"])
        if subscription["status"] == "active" and 0 <= now - shown <= FRESH:
            change["proration_date"] = max(shown, subscription["items"]["data"][0]["current_period_start"])
        try:
            with self.world.transaction():
                intent = self._update(subscription, change)
                if intent and intent["status"] == "requires_action":
                    self._send_back_to(intent, visit)
        except StripeError as refusal:
            if refusal.status != 402 and "default payment method" not in str(refusal):
                raise
            return self._confirm(visit, subscription, request, quantity, _sentence(refusal), 402)
        if intent and intent["status"] == "requires_action":
            return self.site.go(f"/3ds/{intent['id']}")
        return visit.finish("updated")

    def _update(self, subscription: Object, change: Object) -> Object | None:
        before = subscription["latest_invoice"]
        params = {**change, "payment_behavior": "pending_if_incomplete"}
        updated = subscriptions.update(self.world, subscription["id"], params)
        if updated["latest_invoice"] == before:
            return None
        intent = payments.intent_of(self.world, self.world.store.objects[updated["latest_invoice"]])
        error = (intent or {}).get("last_payment_error")
        if intent and error and intent["status"] == "requires_payment_method":
            # Nothing is kept: the plan stays, and no invoice waits for a payment.
            raise card_error(error["message"], error["code"], error.get("decline_code"), keeps_effects=False)
        return intent

    def _send_back_to(self, intent: Object, visit: Visit) -> None:
        page = f"{self.world.url}/3ds/{intent['id']}"
        back = f"{self.world.url}{visit.home}/answered"
        self.world.store.edit(intent)["next_action"] = {
            "redirect_to_url": {"return_url": back, "url": page},
            "type": "redirect_to_url",
        }


def _sentence(refusal: StripeError) -> str:
    if refusal.status == 402:
        return str(refusal)
    return "There is no card to pay with. Please add one first."


def _one_item(subscription: Object) -> list[Object]:
    """https://docs.stripe.com/customer-management#limitations"""
    items: list[Object] = subscription["items"]["data"]
    if len(items) != 1:
        raise invalid("A subscription with several products cannot be changed in the portal.")
    return items


def payments_card(world: Any, subscription: Object) -> str | None:
    """The card that pays for it, in words."""
    customer = world.store.objects[subscription["customer"]]
    chosen = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    method = world.store.get(chosen or "")
    return words.card(method) if method else None
