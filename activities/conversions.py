"""From free to paid at Stripe: a trial that ends now, a pause that is over, or a trial that ends on another day.

https://docs.stripe.com/billing/subscriptions/trials, https://docs.stripe.com/billing/subscriptions/pause
"""

from typing import TYPE_CHECKING

import stripe
from temporalio import activity

from activities.attaching import card_on_file, make_default, use_for
from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.open_payment import decline_code
from activities.orders import Changed, ConvertOrder, TrialEndOrder
from activities.plans_ahead import id_of
from activities.snapshots import moment
from activities.verdicts import operation_of, verdict_on
from activities.voiding import open_invoices, void
from lifecycle.refusals import RefusalCode

if TYPE_CHECKING:
    from stripe.params import SubscriptionResumeParams, SubscriptionUpdateParams


class Conversions:
    """Ends trials and pauses."""

    def __init__(self, stripe_client: Stripe) -> None:
        self._stripe = stripe_client

    @activity.defn(name="payments.convert")
    async def convert(self, order: ConvertOrder) -> Changed:
        """Charge the first period now; granted when it is paid. Declined, the trial or the pause stays as it was."""
        try:
            return await self._converted(order)
        except stripe.CardError as error:
            return Changed(declined=decline_code(error))
        except StripeRefused as refusal:
            if refusal.param == "payment_method" or refusal.code.startswith("payment_method"):
                return Changed(refused=RefusalCode.PAYMENT_METHOD_INVALID)
            raise

    @activity.defn(name="payments.move_trial_end")
    async def move_trial_end(self, order: TrialEndOrder) -> None:
        """Set the end; now, Stripe charges what is on file, or does what the plan says for no card.

        A trial that has just ended there stays ended: its first period is paid, and would be given away.
        """
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(order.subscription_id)
        ends_at = int(order.ends_at.timestamp()) if order.ends_at else "now"
        if found.status != "trialing" or found.trial_end == ends_at:
            return
        params: SubscriptionUpdateParams = {"trial_end": ends_at, "proration_behavior": "none"}  # type: ignore[typeddict-item]  # Stripe's own Literal["now"] | int
        with answers(), keyed(f"{order.operation_id}/trial_end") as key:
            await self._stripe.v1.subscriptions.update_async(order.subscription_id, params, {"idempotency_key": key})

    async def _converted(self, order: ConvertOrder) -> Changed:
        with answers():
            found = await self._stripe.v1.subscriptions.retrieve_async(order.subscription_id)
        if found.status not in {"trialing", "paused"}:
            return Changed()
        pending = found.pending_update
        if not (pending and operation_of(pending.metadata) == order.operation_id):
            if not await self._has_card(order, found):
                return Changed(refused=RefusalCode.PAYMENT_METHOD_REQUIRED)
            found = await (self._go_on(order, found) if order.is_paused else self._end_trial(order))
        return await verdict_on(self._stripe, order.operation_id, found) if found.pending_update else Changed()

    async def _has_card(self, order: ConvertOrder, found: stripe.Subscription) -> bool:
        """The named card is put to use first; without one, what the subscription or the customer has."""
        if order.payment_method:
            await use_for(self._stripe, order.operation_id, found, order.payment_method)
            return True
        if id_of(found.default_payment_method):
            return True
        on_file, is_default = await card_on_file(self._stripe, order.customer_id)
        if on_file and not is_default:
            await make_default(self._stripe, order.operation_id, order.customer_id, on_file)
        return on_file is not None

    async def _end_trial(self, order: ConvertOrder) -> stripe.Subscription:
        params: SubscriptionUpdateParams = {
            "trial_end": "now",
            "proration_behavior": "none",
            "payment_behavior": "pending_if_incomplete",
            "metadata": {"operation_id": order.operation_id},
        }
        with answers(), keyed(f"{order.operation_id}/convert") as key:
            return await self._stripe.v1.subscriptions.update_async(
                order.subscription_id, params, {"idempotency_key": key}
            )

    async def _go_on(self, order: ConvertOrder, paused: stripe.Subscription) -> stripe.Subscription:
        """A new cycle from now; Stripe keeps it paused until the invoice is paid.

        No day is charged twice: what was open when the account paused it is void first, and who has paid that
        meanwhile goes on with the period it is for.
        """
        await self._void_what_was_open(order)
        new_cycle: SubscriptionResumeParams = {
            "billing_cycle_anchor": {"type": "now"},
            "payment_behavior": "resume_on_payment_success",
        }
        same_cycle: SubscriptionResumeParams = {
            "billing_cycle_anchor": {"type": "unchanged"},
            "proration_behavior": "none",
        }
        is_paid = await self._is_paid(order, paused)
        with answers(), keyed(f"{order.operation_id}/go_on") as key:
            return await self._stripe.v1.subscriptions.resume_async(
                order.subscription_id, same_cycle if is_paid else new_cycle, {"idempotency_key": key}
            )

    async def _void_what_was_open(self, order: ConvertOrder) -> None:
        """The invoice that was open and those before it; not a later one, which may be this operation's own."""
        if order.open_invoice_id is None:
            return
        still_open = [str(invoice.id) for invoice in await open_invoices(self._stripe, order.subscription_id)]
        if order.open_invoice_id in still_open:
            for invoice_id in still_open[: still_open.index(order.open_invoice_id) + 1]:
                await void(self._stripe, f"{order.operation_id}/{invoice_id}", invoice_id)

    async def _is_paid(self, order: ConvertOrder, paused: stripe.Subscription) -> bool:
        """Paused after the last try, and what was tried is paid all the same, for a time that is not over.

        The subscription's own period ended with the pause.
        """
        latest = id_of(paused.latest_invoice)
        if latest is None or order.now is None or _why_paused(paused) != "final_payment_failure":
            return False
        with answers():
            invoice = await self._stripe.v1.invoices.retrieve_async(latest)
        paid_until = max((moment(line.period.end) for line in invoice.lines.data), default=order.now)
        return invoice.status == "paid" and paid_until > order.now


def _why_paused(subscription: stripe.Subscription) -> str | None:
    """https://docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure"""
    paused = getattr(getattr(subscription, "status_details", None), "paused", None)
    return str(paused.subscription.type) if paused else None
