"""Refunds at Stripe: what can be given back, giving it back once, and what was given back elsewhere.

https://docs.stripe.com/api/refunds
"""

from typing import TYPE_CHECKING, Any

import stripe
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.refund_orders import PaymentWish, Refunded, RefundOrder
from lifecycle.refunds import Refund, Refundable
from lifecycle.refusals import RefusalCode

if TYPE_CHECKING:
    from stripe.params import InvoiceListParams, RefundCreateParams

_MOST = 100
"""Refunds of one charge; nobody has more."""
_REFUSALS = {
    "charge_already_refunded": RefusalCode.NOTHING_TO_REFUND,
    "charge_disputed": RefusalCode.PAYMENT_DISPUTED,
}


class Refunds:
    """Gives money back, and sees what was given back."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="refunds.find")
    async def find(self, wish: PaymentWish) -> Refundable:
        """The payment that is meant and what is left of it; only one of this very customer's."""
        invoice = await (self._invoice(wish, wish.invoice_id) if wish.invoice_id else self._last_paid(wish))
        if invoice is None:
            missing = RefusalCode.UNKNOWN_INVOICE if wish.invoice_id else RefusalCode.NOTHING_TO_REFUND
            return Refundable(refused=missing)
        charge_id = await charge_of(self._stripe, str(invoice.id))
        if charge_id is None:
            return Refundable(refused=RefusalCode.NOTHING_TO_REFUND)
        with answers():
            charge = await self._stripe.v1.charges.retrieve_async(charge_id)
        return Refundable(charge.id, charge.amount - charge.amount_refunded, charge.currency)

    @activity.defn(name="refunds.give")
    async def give(self, order: RefundOrder) -> Refunded:
        """Refund once under the operation, however often it is tried, and however long ago the first try was."""
        made = await self._of_charge(order.charge_id)
        if any(refund.operation_id == order.operation_id for refund in made):
            return Refunded(made)
        marks = {"operation_id": order.operation_id, "user_id": order.user_id}
        params: RefundCreateParams = {
            "charge": order.charge_id,
            "amount": order.amount,
            "metadata": marks | ({"by": order.by} if order.by else {}),
        }
        if order.reason:
            params["reason"] = order.reason.value
        try:
            name = f"{order.operation_id}/refund" + (f"/{order.charge_id}" if order.one_of_several else "")
            with answers(), keyed(name) as key:
                await self._stripe.v1.refunds.create_async(params, {"idempotency_key": key})
        except StripeRefused as refusal:
            if refusal.param == "amount":  # somebody else was quicker
                return Refunded(refused=RefusalCode.REFUND_TOO_LARGE)
            if refusal.code in _REFUSALS:
                return Refunded(refused=_REFUSALS[refusal.code])
            raise
        return Refunded(await self._of_charge(order.charge_id))

    @activity.defn(name="refunds.fetch")
    async def fetch(self, refund_id: str) -> list[Refund]:
        """The refunds of a charge, named by itself or by one of them; none when Stripe knows no such thing."""
        try:
            if refund_id.startswith(("ch_", "py_")):
                return await self._of_charge(refund_id)
            with answers():
                found = await self._stripe.v1.refunds.retrieve_async(refund_id)
            return [_read(found)] if found.charge is None else await self._of_charge(_id(found.charge))
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":
                return []
            raise

    async def _invoice(self, wish: PaymentWish, invoice_id: str) -> stripe.Invoice | None:
        """One of this customer's, also of a Stripe customer that the user had before."""
        try:
            with answers():
                found = await self._stripe.v1.invoices.retrieve_async(invoice_id)
        except StripeRefused as refusal:
            if refusal.code == "resource_missing":
                return None
            raise
        details = found.parent.subscription_details if found.parent else None
        owner = details.metadata.to_dict().get("user_id") if details and details.metadata else None
        customer = _id(found.customer) if found.customer else None
        return found if customer == wish.customer_id or owner == wish.user_id else None

    async def _last_paid(self, wish: PaymentWish) -> stripe.Invoice | None:
        """The newest that money was paid for: a trial's is paid with nothing."""
        asked: InvoiceListParams = {"customer": wish.customer_id, "status": "paid", "limit": 100}
        with answers():
            found = await self._stripe.v1.invoices.list_async(asked)
        return next((invoice for invoice in found.data if invoice.amount_paid > 0), None)

    async def _of_charge(self, charge_id: str) -> list[Refund]:
        with answers():
            found = await self._stripe.v1.refunds.list_async({"charge": charge_id, "limit": _MOST})
        return [_read(refund) for refund in reversed(found.data)]


async def charge_of(stripe_client: Stripe, invoice_id: str) -> str | None:
    """What an invoice was paid with; paid in some other way, there is no charge to give back.

    https://docs.stripe.com/api/invoice-payment
    """
    with answers():
        payments = await stripe_client.v1.invoice_payments.list_async(
            {"invoice": invoice_id, "status": "paid", "expand": ["data.payment.payment_intent"], "limit": 1}
        )
    for one in payments.data:
        intent = getattr(one.payment, "payment_intent", None)
        charge = getattr(intent, "latest_charge", None) or getattr(one.payment, "charge", None)
        return _id(charge) if charge else None
    return None


def _read(refund: stripe.Refund) -> Refund:
    marks = refund.metadata.to_dict() if refund.metadata else {}
    return Refund(
        id=refund.id,
        charge_id=_id(refund.charge) if refund.charge else "",
        amount=refund.amount,
        currency=refund.currency,
        status=refund.status or "succeeded",
        reason=refund.reason,
        operation_id=marks.get("operation_id"),
        by=marks.get("by"),
    )


def _id(reference: Any) -> str:
    return reference if isinstance(reference, str) else str(reference.id)
