"""A look at Stripe: at our own subscription, or at one that was begun elsewhere and may become ours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.orders import Look
from lifecycle.abandoned_checkouts import AbandonedCheckout
from lifecycle.disputes import Dispute
from lifecycle.events import EventHint
from lifecycle.facts import Facts
from lifecycle.refunds import Refund
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from workflows import steps


@dataclass(frozen=True)
class Seen:
    """What there is to see. ``is_new``: a subscription we did not know. ``concern``: why a person should look.

    ``seconds`` are subscriptions that this customer began beside the one that runs. ``replaced`` is a free one, in
    whose place this one comes.
    """

    facts: Facts | None = None
    is_new: bool = False
    concern: str | None = None
    seconds: tuple[str, ...] = ()
    replaced: str | None = None


async def look_at_stripe(
    subscription: Subscription, hints: Sequence[EventHint], *, begun: str | None, may_adopt: bool
) -> Seen:
    """One answer for all hints. ``begun`` names a subscription that was just made for this customer.

    Somebody else's subscription, one with a price that is not ours, and one that nobody says whose it is beside a
    running one are never adopted: they are a concern. A second one that names this very user is taken back.
    """
    if subscription.forgotten_at and begun is None:
        return Seen()  # late news of a user who is forgotten
    own, concern = begun or subscription.stripe_subscription_id, None
    theirs: list[Facts] = []
    begins = begun is None and (not subscription.status.is_live or subscription.is_cardless)
    is_free = begun is None and subscription.is_free
    for other in dict.fromkeys(hint.subscription_id for hint in hints):
        if other is None or other == own:
            continue
        seen = await _fetch(Look(subscription.user_id, other))
        if seen.facts is None or not seen.facts.status.is_live:
            concern = concern or (seen.concern if seen.facts else None)
            continue
        if (subscription.is_cardless or is_free) and seen.facts.status is Status.INCOMPLETE:
            continue  # the trial or free plan goes on until the bank has confirmed the payment
        why_not = _why_not_ours(seen.facts, subscription, may_adopt=may_adopt)
        concern = concern or why_not
        if why_not is None:
            theirs.append(seen.facts)
            if begins and not workflow.patched("take-back-a-second"):
                break
    if theirs and begins:
        first, *others = sorted(theirs, key=lambda facts: facts.started_at)
        return _beside(Seen(first, is_new=True, concern=concern), first.subscription_id, others, subscription.user_id)
    paid = [facts for facts in theirs if facts.terms and not facts.terms.is_free]
    if is_free and paid:
        first, *others = sorted(paid, key=lambda facts: facts.started_at)
        seen = Seen(first, is_new=True, concern=concern, replaced=own)
        return _beside(seen, first.subscription_id, others, subscription.user_id)
    seen = Seen()
    if own is not None:
        is_new = own != subscription.stripe_subscription_id
        seen = await _fetch(Look(subscription.user_id, own, None if is_new else subscription.price))
        seen = replace(seen, is_new=is_new)
    return _beside(replace(seen, concern=concern or seen.concern), own, theirs, subscription.user_id)


def _beside(seen: Seen, own: str | None, others: Sequence[Facts], user_id: str) -> Seen:
    """The same, with what runs beside it: to be taken back when it says that it is this user's, else a concern."""
    seconds, concern = [], seen.concern
    for facts in others:
        if facts.owner_id == user_id and workflow.patched("take-back-a-second"):
            seconds.append(facts.subscription_id)
        else:
            beside = f"{facts.subscription_id} is {facts.status} beside {own}"
            concern = concern or f"{beside}: this customer has two subscriptions"
    return replace(seen, concern=concern, seconds=tuple(seconds))


async def look_at_disputes(hints: Sequence[EventHint]) -> list[Dispute]:
    """The present of every dispute that was hinted at, each once."""
    ids = dict.fromkeys(hint.dispute_id for hint in hints if hint.dispute_id)
    found = [await steps.fetch_dispute(dispute_id) for dispute_id in ids]
    return [dispute for dispute in found if dispute]


async def look_at_refunds(hints: Sequence[EventHint]) -> list[Refund]:
    """Every refund of each charge that was hinted at."""
    ids = dict.fromkeys(hint.refund_id for hint in hints if hint.refund_id)
    return [refund for refund_id in ids for refund in await steps.fetch_refunds(refund_id)]


async def look_at_checkouts(subscription: Subscription, hints: Sequence[EventHint]) -> list[AbandonedCheckout]:
    """The Checkout pages that expired and are to be reminded of; of who has a subscription, or is forgotten, none."""
    if subscription.status.is_live or subscription.forgotten_at:
        return []
    ids = dict.fromkeys(hint.session_id for hint in hints if hint.session_id)
    found = [await steps.fetch_abandoned_checkout(subscription.user_id, session_id) for session_id in ids]
    return [abandoned for abandoned in found if abandoned][-1:]


async def _fetch(look: Look) -> Seen:
    try:
        facts = await steps.fetch(look)
    except ActivityError as error:
        if not isinstance(error.cause, ApplicationError) or error.cause.type != "Unreadable":
            raise
        return Seen(concern=f"{look.subscription_id} cannot be read: {error.cause.message}")
    if facts is None:
        return Seen(concern=f"Stripe knows no subscription {look.subscription_id}")
    if facts.unknown_price:
        return Seen(facts, concern=f"{facts.price} is a price of none of our plans")
    return Seen(facts)


def _why_not_ours(facts: Facts, subscription: Subscription, *, may_adopt: bool) -> str | None:
    """Another product may share the Stripe account, and a person may have moved a subscription between users."""
    if not may_adopt:
        return f"{facts.subscription_id} names {subscription.user_id}, whom we do not know"
    if facts.owner_id not in {None, subscription.user_id}:
        return f"{facts.subscription_id} belongs to {facts.owner_id}"
    if subscription.stripe_customer_id not in {None, facts.customer_id}:
        return f"{facts.subscription_id} belongs to another Stripe customer, {facts.customer_id}"
    if facts.unknown_price:
        return f"{facts.subscription_id} has a price of none of our plans, {facts.price}"
    return None
