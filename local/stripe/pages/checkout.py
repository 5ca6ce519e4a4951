"""The hosted checkout page (https://docs.stripe.com/payments/checkout)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..protocol.errors import StripeError
from ..resources import checkout_completion, checkout_discounts, payment_methods
from ..resources.checkout_session import KIND
from ..world import World
from . import card_form, words
from .site import Fields, Site

Object = dict[str, Any]
DAY = 86400


def register(site: Site) -> None:
    page = CheckoutPage(site)
    site.get("/c/pay/{id}", page.show)
    site.post("/c/pay/{id}", page.pay)
    site.post("/c/pay/{id}/code", page.use_code)


class CheckoutPage:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def show(self, request: Request) -> Response:
        session = self.world.find(KIND, request.path_params["id"])
        back_from_bank = request.query_params.get("redirect_status")
        if session["status"] == "complete" and back_from_bank:
            return self.site.go(success_url(session))
        if session["status"] != "open":
            return self._over(session)
        errors = {"number": self._why_failed(session)} if back_from_bank == "failed" else {}
        return self._form(session, errors, session.get("_given") or {})

    def pay(self, request: Request, given: Fields) -> Response:
        """The button. A session that is over already only shows so: nobody pays twice."""
        session = self.world.find(KIND, request.path_params["id"])
        if session["status"] != "open":
            return self.site.go(request.url.path)
        card, errors = card_form.read(given) if checkout_completion.needs_card(session) else (None, {})
        email = self._email(session) or given.get("email", "").strip()
        if "@" not in email:
            errors["email"] = "Enter your e-mail address."
        if errors:
            return self._form(session, errors, given, 422)
        try:
            with self.world.transaction():
                waiting = self._submit(session, card, {**given, "email": email})
        except StripeError as refusal:
            if refusal.status != 402:
                raise
            return self._form(session, card_form.decline(refusal), given, 402)
        return self.site.go(waiting["next_action"]["redirect_to_url"]["url"] if waiting else success_url(session))

    def use_code(self, request: Request, given: Fields) -> Response:
        """A promotion code is taken, or taken back; the sums follow."""
        session = self.world.find(KIND, request.path_params["id"])
        page = f"/c/pay/{session['id']}"
        if session["status"] != "open":
            return self.site.go(page)
        try:
            with self.world.transaction():
                if "remove" in given:
                    checkout_discounts.remove_code(self.world, session)
                else:
                    checkout_discounts.apply_code(self.world, session, given.get("code", ""))
        except StripeError as refusal:
            return self._form(session, {"code": str(refusal)}, {"code": given.get("code", "")}, 422)
        return self.site.go(page)

    def _submit(self, session: Object, card: Object | None, given: Fields) -> Object | None:
        method = None
        if card:
            card["billing_details"]["email"] = given["email"]
            method = payment_methods.create(self.world, card)
        details: Object = {"email": given["email"], "name": given.get("name", "").strip() or None}
        details["address"] = method["billing_details"]["address"] if method else None
        return checkout_completion.submit(self.world, session, method, details)

    def _email(self, session: Object) -> str:
        customer = self.world.store.get(session["customer"] or "")
        return (customer or {}).get("email") or session["customer_email"] or ""

    def _why_failed(self, session: Object) -> str:
        intent = self.world.store.get(session.get("_intent") or "") or {}
        error = intent.get("last_payment_error") or intent.get("last_setup_error") or {}
        code = error.get("code", "")
        return (
            card_form.NOT_AUTHENTICATED
            if code.endswith("authentication_failure")
            else error.get("message", card_form.NOT_AUTHENTICATED)
        )

    def _form(self, session: Object, errors: Fields, values: Object, status: int = 200) -> Response:
        return self.site.page(
            "checkout.html",
            status,
            session=session,
            lines=session.get("_lines", []),
            trial=_trial(self.world, session),
            balance=_balance_used(self.world, session),
            discount=_discount(self.world, session),
            code=values.get("code", ""),
            needs_card=checkout_completion.needs_card(session),
            email=self._email(session),
            errors=card_form.faults(errors),
            values=card_form.values(values),
            suggested=card_form.SUGGESTED,
        )

    def _over(self, session: Object) -> Response:
        link: tuple[str, str] | None = None
        if session["status"] == "complete":
            link, done = ("Go on", success_url(session)), "This checkout session is complete. Nothing more is charged."
            return self.site.message("All done", done, 200, link)
        if session["cancel_url"]:
            link = ("Back to the shop", session["cancel_url"])
        text = "Nothing was charged. Please start again where you came from."
        return self.site.message("This checkout session has expired", text, 200, link)


def success_url(session: Object) -> str:
    """https://docs.stripe.com/payments/checkout/custom-success-page"""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _trial(world: World, session: Object) -> Object | None:
    """When a trial ends, and its days as far as they are known."""
    data = session["_data"]
    if data.get("trial_period_days"):
        return {
            "days": data["trial_period_days"],
            "ends": world.now(session["_clock"]) + data["trial_period_days"] * DAY,
        }
    return {"days": None, "ends": int(data["trial_end"])} if data.get("trial_end") else None


def _balance_used(world: World, session: Object) -> int:
    """How much of the total a customer's credit balance pays (https://docs.stripe.com/billing/customer/balance)."""
    customer = world.store.get(session["customer"] or "")
    if not customer or session["mode"] != "subscription":
        return 0
    total, credit = int(session["amount_total"]), max(0, -int(customer["balance"]))
    return min(total, credit)


def _discount(world: World, session: Object) -> Object | None:
    """The code or the coupon's name, what it takes off, and whether the customer may take it back."""
    for entry in session["discounts"] or []:
        promotion = world.store.get(entry["promotion_code"] or "")
        coupon = world.store.get(promotion["promotion"]["coupon"] if promotion else entry["coupon"]) or {}
        off = f"{coupon['percent_off']:g}% off" if coupon.get("percent_off") else None
        if coupon.get("amount_off"):
            off = f"{words.money(coupon['amount_off'], coupon['currency'])} off"
        name = promotion["code"] if promotion else coupon.get("name") or coupon.get("id")
        return {"name": name, "off": off, "lasts": _lasts(coupon), "typed": promotion is not None}
    return None


def _lasts(coupon: Object) -> str:
    """How long a subscription has it (https://docs.stripe.com/api/coupons/object#coupon_object-duration)."""
    if coupon.get("duration") == "repeating":
        months = coupon["duration_in_months"]
        return f"for {months} month{'s' if months > 1 else ''}"
    return {"forever": "for good", "once": "once"}.get(coupon.get("duration", ""), "")
