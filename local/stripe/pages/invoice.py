"""The hosted invoice page and the receipt (https://docs.stripe.com/invoicing/hosted-invoice-page)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..billing import payments
from ..protocol.errors import StripeError, missing
from ..resources import payment_intents, payment_methods
from . import card_form
from .site import Fields, Site

Object = dict[str, Any]
NO_PDF = (
    "A PDF of the invoice is not emulated by the local Stripe. Everything that it would say is on the invoice's page."
)


def register(site: Site) -> None:
    page = InvoicePage(site)
    site.get("/i/{account}/{secret}", page.show)
    site.post("/i/{account}/{secret}", page.pay)
    site.get("/i/{account}/{secret}/pdf", page.pdf)
    site.get("/receipts/{id}", page.receipt)


class InvoicePage:
    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world

    def _invoice(self, request: Request) -> Object:
        secret = f"secret_{request.path_params['secret']}"
        found = (one for one in self.world.store.all("invoice") if one["_secret"] == secret)
        invoice = next(found, None)
        if invoice is None or invoice["hosted_invoice_url"] is None:
            raise missing("invoice", request.path_params["secret"])
        return invoice

    def show(self, request: Request) -> Response:
        invoice = self._invoice(request)
        failed = request.query_params.get("redirect_status") == "failed"
        errors = {"number": self._why_failed(invoice)} if failed and invoice["status"] == "open" else {}
        return self._page(invoice, errors, {})

    def pay(self, request: Request, given: Fields) -> Response:
        """With a saved card (``method``) or a new one. An invoice that is paid already is only shown."""
        invoice, here = self._invoice(request), request.url.path
        intent = payments.intent_of(self.world, invoice)
        if invoice["status"] != "open" or intent is None:
            return self.site.go(here)
        saved = given.get("method")
        card, errors = ({}, {}) if saved else card_form.read(given)
        if errors:
            return self._page(invoice, errors, given, 422)
        try:
            with self.world.transaction():
                method = saved or payment_methods.create(self.world, card)["id"]
                self._confirm(invoice, intent, method, f"{self.world.url}{here}")
        except StripeError as refusal:
            if refusal.status != 402:
                raise
            return self._page(invoice, card_form.decline(refusal), {**given, "failed": saved or ""}, 402)
        waits = intent["status"] == "requires_action"
        return self.site.go(intent["next_action"]["redirect_to_url"]["url"] if waits else here)

    def _confirm(self, invoice: Object, intent: Object, method: str, back: str) -> None:
        """A subscription keeps the card with which its invoice is paid."""
        params = {"payment_method": method, "return_url": back}
        if invoice["parent"] and invoice["parent"]["type"] == "subscription_details":
            params["setup_future_usage"] = "off_session"
        payment_intents.confirm(self.world, intent["id"], params)

    def _why_failed(self, invoice: Object) -> str:
        intent = payments.intent_of(self.world, invoice) or {}
        return str((intent.get("last_payment_error") or {}).get("message", card_form.NOT_AUTHENTICATED))

    def _page(self, invoice: Object, errors: Fields, values: Object, status: int = 200) -> Response:
        intent = payments.intent_of(self.world, invoice)
        charge = self.world.store.get((intent or {}).get("latest_charge") or "")
        return self.site.page(
            "invoice.html",
            status,
            invoice=invoice,
            receipt=charge["receipt_url"] if charge else None,
            saved=self.world.store.where("payment_method", "customer", invoice["customer"]),
            preferred=(payments.method_for(self.world, invoice) or {}).get("id"),
            payable=invoice["status"] == "open" and intent is not None,
            discounts=_discounts(self.world, invoice),
            from_balance=invoice["starting_balance"] - (invoice["ending_balance"] or 0),
            errors=card_form.faults(errors),
            failed_saved=bool(values.get("failed")),
            values=card_form.values(values),
            suggested=card_form.SUGGESTED,
        )

    def pdf(self, request: Request) -> Response:
        invoice = self._invoice(request)
        return self.site.message("No PDF", NO_PDF, 501, ("To the invoice", invoice["hosted_invoice_url"]))

    def receipt(self, request: Request) -> Response:
        charge = self.world.find("charge", request.path_params["id"])
        intent = self.world.store.get(charge["payment_intent"] or "") or {}
        invoice = self.world.store.get(intent.get("_invoice") or "")
        if not charge["paid"]:
            raise missing("receipt", charge["id"])
        return self.site.page("receipt.html", charge=charge, invoice=invoice)


def _discounts(world: Any, invoice: Object) -> list[tuple[str, int]]:
    """The name and the amount of each discount that reduced the invoice."""
    found = []
    for one in invoice["total_discount_amounts"] or []:
        discount = world.store.get(one["discount"]) or {}
        coupon = world.store.get((discount.get("source") or {}).get("coupon") or "") or {}
        found.append((coupon.get("name") or coupon.get("id") or "Discount", one["amount"]))
    return found
