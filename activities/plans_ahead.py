"""Changes of plan that Stripe holds for later: an upgrade until it is paid, a downgrade until the period is over.

https://docs.stripe.com/billing/subscriptions/pending-updates,
https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from typing import TYPE_CHECKING, Any

import stripe

from activities.gateway import Stripe, StripeRefused, answers
from activities.keys import keyed
from activities.orders import ChangeOrder
from activities.snapshots import moment, seats_of, terms_of
from activities.voiding import void
from lifecycle.facts import PlannedChange
from lifecycle.plans import Catalogue

if TYPE_CHECKING:
    from stripe.params import (
        SubscriptionScheduleUpdateParams,
        SubscriptionScheduleUpdateParamsPhase,
        SubscriptionScheduleUpdateParamsPhaseDiscount,
    )

_GIVES_WAY_TO = "gives_way_to"
"""In a schedule's metadata: the operation that takes its place once the subscription's metadata names it too."""


async def planned_change(
    stripe_client: Stripe, subscription: stripe.Subscription, catalogue: Catalogue
) -> PlannedChange | None:
    """What will become of the subscription's price; ``latest_invoice`` is that of an upgrade that waits.

    A conversion that waits for its payment keeps the price.
    """
    pending = subscription.pending_update
    if pending:
        item = (pending.subscription_items or subscription["items"].data)[0]
        price = item.price
        return PlannedChange(
            price=price.id,
            at=moment(pending.expires_at),
            terms=terms_of(price, catalogue),
            awaits_payment=True,
            invoice_id=id_of(subscription.latest_invoice),
            quantity=seats_of(item),
        )
    schedule_id = id_of(subscription.schedule)
    return await _scheduled(stripe_client, subscription, schedule_id, catalogue) if schedule_id else None


async def _scheduled(
    stripe_client: Stripe, subscription: stripe.Subscription, schedule_id: str, catalogue: Catalogue
) -> PlannedChange | None:
    """The next phase, if there is one; the last one simply goes on."""
    with answers():
        schedule = await stripe_client.v1.subscription_schedules.retrieve_async(
            schedule_id, {"expand": ["phases.items.price"]}
        )
    later = _later_phases(schedule)
    if not later:
        return None
    item: Any = later[0]["items"][0]
    tried, granted = _mark(schedule.metadata, _GIVES_WAY_TO), _mark(subscription.metadata, "operation_id")
    return PlannedChange(
        price=item.price.id,
        at=moment(later[0].start_date),
        terms=terms_of(item.price, catalogue),
        quantity=seats_of(item),
        superseded=schedule_id if tried and tried == granted else None,
    )


async def is_planned_by(stripe_client: Stripe, operation_id: str, subscription: stripe.Subscription) -> bool:
    """Whether this operation has attached its schedule already, with all its phases."""
    schedule_id = id_of(subscription.schedule)
    if schedule_id is None:
        return False
    with answers():
        schedule = await stripe_client.v1.subscription_schedules.retrieve_async(schedule_id)
    return _mark(schedule.metadata, "operation_id") == operation_id


async def plan_for_period_end(
    stripe_client: Stripe, order: ChangeOrder, subscription: stripe.Subscription, price_id: str, former: str | None
) -> None:
    """Let Stripe swap the price when the period is over: nothing of ours need be awake then.

    ``former`` is the schedule that was dropped for this one; naming it makes the key another after a try that broke off
    between the schedule and its phases.
    """
    schedules = stripe_client.v1.subscription_schedules
    name = f"{order.operation_id}/schedule" + (f"/after/{former}" if former else "")
    with answers(), keyed(name) as key:
        schedule = await schedules.create_async({"from_subscription": subscription.id}, {"idempotency_key": key})
    now = schedule.phases[0]
    quantity = seats_of(now["items"][0]) if order.quantity is None else order.quantity
    as_it_is: SubscriptionScheduleUpdateParamsPhase = {
        "items": [_item(item.price, seats_of(item)) for item in now["items"]],
        "start_date": now.start_date,
        "end_date": now.end_date,
        "proration_behavior": "none",
    }
    then: SubscriptionScheduleUpdateParamsPhase = {
        "items": [_item(price_id, quantity)],
        "duration": {"interval": order.terms.interval.value, "interval_count": 1},
        "proration_behavior": "none",
    }
    kept: list[SubscriptionScheduleUpdateParamsPhaseDiscount] = [
        {"discount": discount} for entry in now.discounts or [] if (discount := id_of(entry.discount))
    ]
    if kept:
        as_it_is["discounts"] = then["discounts"] = kept
    params: SubscriptionScheduleUpdateParams = {
        "end_behavior": "release",
        "phases": [as_it_is, then],
        "metadata": {"operation_id": order.operation_id},
    }
    with answers(), keyed(f"{name}/phases") as key:
        await schedules.update_async(schedule.id, params, {"idempotency_key": key})


async def drop(stripe_client: Stripe, operation_id: str, subscription: stripe.Subscription) -> bool:
    """Forget what was planned; True when there was something, so that what was read before is of the past.

    Also a schedule that has done its work goes: while it is attached, Stripe takes no cancellation but through it.
    An upgrade that was paid in this very moment stands.
    """
    schedule_id = id_of(subscription.schedule)
    await forget_upgrade(stripe_client, operation_id, subscription)
    if schedule_id:
        await release(stripe_client, operation_id, schedule_id)
    return bool(subscription.pending_update or schedule_id)


async def forget_upgrade(stripe_client: Stripe, operation_id: str, subscription: stripe.Subscription) -> bool:
    """Void the upgrade that waits; True when there was one. What is planned for the end of the period stays."""
    invoice_id = id_of(subscription.latest_invoice)
    if subscription.pending_update and invoice_id:
        await void(stripe_client, f"{operation_id}/upgrade", invoice_id)
    return bool(subscription.pending_update)


async def let_give_way(stripe_client: Stripe, operation_id: str, subscription: stripe.Subscription) -> None:
    """What is planned stays unless this operation is granted, and says so; a schedule that has done its work goes.

    Stripe keeps a schedule beside a pending update, and forgets the update when the schedule's time comes:
    https://docs.stripe.com/billing/subscriptions/pending-updates-reference
    """
    schedule_id, schedules = id_of(subscription.schedule), stripe_client.v1.subscription_schedules
    if schedule_id is None:
        return
    with answers():
        schedule = await schedules.retrieve_async(schedule_id)
    if not _later_phases(schedule):
        await release(stripe_client, operation_id, schedule_id)
        return
    with answers(), keyed(f"{operation_id}/give_way/{schedule_id}") as key:
        await schedules.update_async(schedule_id, {"metadata": {_GIVES_WAY_TO: operation_id}}, {"idempotency_key": key})


async def release(stripe_client: Stripe, operation_id: str, schedule_id: str) -> None:
    """Let the subscription go on without its schedule; one that is over stays so."""
    schedules = stripe_client.v1.subscription_schedules
    try:
        with answers(), keyed(f"{operation_id}/release/{schedule_id}") as key:
            await schedules.release_async(schedule_id, None, {"idempotency_key": key})
    except StripeRefused:
        with answers():
            found = await schedules.retrieve_async(schedule_id)
        if found.status not in {"released", "completed", "canceled"}:
            raise


def id_of(reference: Any) -> str | None:
    """The id of what Stripe may have expanded."""
    return reference if isinstance(reference, str) or reference is None else str(reference.id)


def _later_phases(schedule: stripe.SubscriptionSchedule) -> list[Any]:
    current = schedule.current_phase
    return [phase for phase in schedule.phases if current and phase.start_date > current.start_date]


def _mark(metadata: stripe.StripeObject | None, name: str) -> str | None:
    return metadata.to_dict().get(name) if metadata else None


def _item(price: Any, quantity: int) -> Any:
    return {"price": id_of(price), "quantity": quantity}
