"""What was paid for the period that runs, and how much of it has not been given back."""

from typing import TYPE_CHECKING, Any

import stripe
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.plans_ahead import id_of
from activities.refunds import charge_of
from activities.snapshots import moment
from lifecycle.carried_credit import BalanceMove, CarriedCredit, carried_credit
from lifecycle.leaving import PaidTime, PeriodPayment, is_backed

if TYPE_CHECKING:
    from stripe.params import InvoiceListParams

_MONEY_STAYS = {"won", "warning_closed", "prevented"}
"""Disputes that are over and took nothing. https://docs.stripe.com/api/disputes/object#dispute_object-status"""


class PaidPeriods:
    """Looks at payments; changes nothing."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="payments.of_period")
    async def of_period(self, subscription_id: str) -> list[PeriodPayment]:
        """The payments for time that is not over, the oldest first, and whatever else the money for it came from: a
        customer who moved to a cheaper interval pays with the credit of what was paid before. None unless it is active.
        """
        try:
            with answers():
                found = await self._stripe.v1.subscriptions.retrieve_async(subscription_id, {"expand": ["customer"]})
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return []
        if found.status != "active":
            return []
        return await self._payments(found, await self._paid_invoices(found))

    async def _paid_invoices(self, found: stripe.Subscription) -> list[stripe.Invoice]:
        """The oldest first, with those of subscriptions that this user had before: a credit outlives them."""
        asked: InvoiceListParams = {"customer": _customer(found).id, "status": "paid", "limit": 100}
        with answers():
            paid = await self._stripe.v1.invoices.list_async(asked)
        return [invoice for invoice in reversed(paid.data) if _is_of_the_same_user(invoice, found)]

    async def _payments(self, found: stripe.Subscription, invoices: list[stripe.Invoice]) -> list[PeriodPayment]:
        moves = [BalanceMove(invoice.starting_balance, invoice.ending_balance or 0) for invoice in invoices]
        credits = carried_credit(moves, getattr(_customer(found), "balance", 0))
        payments: list[PeriodPayment] = []
        for invoice, credit in reversed(list(zip(invoices, credits, strict=True))):
            could_back = invoice.amount_paid and not is_backed(payments)
            if _lines_left(invoice, found) or credit.kept or could_back:
                payments.insert(0, await self._payment(invoice, credit, found))
        return payments

    async def _payment(
        self, invoice: stripe.Invoice, credit: CarriedCredit, found: stripe.Subscription
    ) -> PeriodPayment:
        """Nothing is left of an invoice that no charge was made for."""
        lines: list[Any] = _lines_left(invoice, found)
        periods = [line.period for line in lines or invoice.lines.data]
        charge = await self._charge(invoice)
        return PeriodPayment(
            invoice_id=str(invoice.id),
            charge_id=charge.id if charge else "",
            left=_left(charge, invoice) if charge else 0,
            currency=invoice.currency,
            starts_at=moment(min((period.start for period in periods), default=invoice.created)),
            ends_at=moment(max((period.end for period in periods), default=invoice.created)),
            is_disputed=charge is not None and charge.disputed and await self._is_disputed(charge.id),
            lines=[PaidTime(_price(line), moment(line.period.start), moment(line.period.end)) for line in lines],
            price=max(invoice.total, sum(map(_price, invoice.lines.data))),
            carried=credit.used,
            kept=credit.kept,
            period_starts_at=moment(found["items"].data[0].current_period_start),
        )

    async def _charge(self, invoice: stripe.Invoice) -> stripe.Charge | None:
        charge_id = await charge_of(self._stripe, str(invoice.id)) if invoice.amount_paid else None
        if charge_id is None:
            return None
        with answers():
            return await self._stripe.v1.charges.retrieve_async(charge_id)

    async def _is_disputed(self, charge_id: str) -> bool:
        with answers():
            disputes = await self._stripe.v1.disputes.list_async({"charge": charge_id, "limit": 100})
        return any(dispute.status not in _MONEY_STAYS for dispute in disputes.data)


def _customer(found: stripe.Subscription) -> Any:
    return found.customer


def _lines_left(invoice: stripe.Invoice, found: stripe.Subscription) -> list[Any]:
    """The lines of this subscription for time that is not over when its period began that runs.

    The period that an invoice is for is that of its lines: the invoice's own is the one before.
    https://docs.stripe.com/api/invoices/object#invoice_object-period_end
    """
    details = invoice.parent.subscription_details if invoice.parent else None
    if details is None or id_of(details.subscription) != found.id:
        return []
    began = found["items"].data[0].current_period_start
    return [line for line in invoice.lines.data if line.period.end > began and _price(line)]


def _price(line: Any) -> int:
    """Less discounts, and with the tax that is not in it already."""
    off = sum(discount.amount for discount in line.discount_amounts or [])
    tax = sum(tax.amount for tax in line.taxes or [] if tax.tax_behavior == "exclusive")
    return int(line.amount - off + tax)


def _left(charge: stripe.Charge, invoice: stripe.Invoice) -> int:
    """What went back to the card, or as an operator's credit note onto the balance, is not given back again."""
    return max(charge.amount - max(charge.amount_refunded, invoice.post_payment_credit_notes_amount), 0)


def _is_of_the_same_user(invoice: stripe.Invoice, found: stripe.Subscription) -> bool:
    details = invoice.parent.subscription_details if invoice.parent else None
    if details is None or invoice.currency != found.currency:
        return False
    user_id = found.metadata.to_dict().get("user_id")
    owner = details.metadata.to_dict().get("user_id") if details.metadata else None
    return id_of(details.subscription) == found.id or (user_id is not None and owner == user_id)
