"""Meeting a subscription in the middle of its life: it was sold before we were there, or we lost sight of it."""

from dataclasses import replace
from datetime import datetime

from lifecycle.expiring_cards import reminded_of_card
from lifecycle.facts import Facts
from lifecycle.subscription import Subscription


def met_in_the_middle(before: Subscription, facts: Facts, now: datetime) -> Subscription:
    """The state of a subscription that is met at ``now``: wherever it stands is where it begins, no surprise.

    Who is past due already has the whole grace from now on, unless ``before`` knows since when. A reminder of the
    trial's end, or of an expiring card, whose moment has passed was somebody else's to send.
    """
    known, _, _ = before.after(facts, adopted_at=now)
    reminder = known.trial_reminder_at
    reminded_for = known.trial_ends_at if reminder and reminder <= now else known.trial_reminded_for
    known = reminded_of_card(known, now)
    return replace(known, needs_attention=before.needs_attention, trial_reminded_for=reminded_for)


def left_as_it_stands(met: Subscription, before: Subscription) -> Subscription:
    """Meeting changes nothing at Stripe: the card in use stays, and charges that somebody else tried end no grace."""
    was_late_before = before.past_due_since is not None
    promised = met.grace_promised_until if was_late_before else met.grace_ends_at
    return replace(met, offered_card=None, grace_promised_until=promised)
