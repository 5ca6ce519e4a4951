"""What was paid for the period that runs, and how much of it has not been given back."""

from typing import Any

import stripe
from temporalio import activity

from activities.gateway import Stripe, StripeRefused, answers
from activities.refunds import charge_of
from activities.snapshots import moment
from lifecycle.leaving import PeriodPayment

_MONEY_STAYS = {"won", "warning_closed", "prevented"}
"""Disputes that are over and took nothing. https://docs.stripe.com/api/disputes/object#dispute_object-status"""


class PaidPeriods:
    """Looks at payments; changes nothing."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="payments.of_period")
    async def of_period(self, subscription_id: str) -> list[PeriodPayment]:
        """The payments for time that is not over, a renewal's and those of upgrades since; none unless it is active.

        The period that an invoice is for is that of its lines: the invoice's own is the one before.
        https://docs.stripe.com/api/invoices/object#invoice_object-period_end
        """
        try:
            with answers():
                found = await self._stripe.v1.subscriptions.retrieve_async(subscription_id)
        except StripeRefused as refusal:
            if refusal.code != "resource_missing":
                raise
            return []
        if found.status != "active":
            return []
        with answers():
            paid = await self._stripe.v1.invoices.list_async(
                {"subscription": subscription_id, "status": "paid", "limit": 100}
            )
        period_end = found["items"].data[0].current_period_end
        payments = [await self._payment(invoice, period_end) for invoice in reversed(paid.data) if invoice.amount_paid]
        return [payment for payment in payments if payment]

    async def _payment(self, invoice: stripe.Invoice, period_end: int) -> PeriodPayment | None:
        """None for an invoice of a former period, and for one that no charge was made for."""
        lines: list[Any] = [line for line in invoice.lines.data if line.period.end >= period_end]
        charge_id = await charge_of(self._stripe, str(invoice.id)) if lines else None
        if charge_id is None:
            return None
        with answers():
            charge = await self._stripe.v1.charges.retrieve_async(charge_id)
        return PeriodPayment(
            invoice_id=str(invoice.id),
            charge_id=charge.id,
            left=charge.amount - charge.amount_refunded,
            currency=charge.currency,
            starts_at=moment(min(line.period.start for line in lines)),
            ends_at=moment(max(line.period.end for line in lines)),
            is_disputed=charge.disputed and await self._is_disputed(charge.id),
        )

    async def _is_disputed(self, charge_id: str) -> bool:
        with answers():
            disputes = await self._stripe.v1.disputes.list_async({"charge": charge_id, "limit": 100})
        return any(dispute.status not in _MONEY_STAYS for dispute in disputes.data)
