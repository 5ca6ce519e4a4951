"""A Checkout page that nobody finished: the user is free, and may be reminded once, if the plan's rule says so."""

from dataclasses import dataclass

from lifecycle.lines import Line
from lifecycle.notifications import Notification, NotificationDue
from lifecycle.plans import Terms

LINE = "checkout_abandoned"


@dataclass(frozen=True)
class AbandonedCheckout:
    """A page that expired, with the terms that it offered, of a user whom its rule reminds.

    ``former`` is the subscription that the user had last; None: there never was one.
    """

    session_id: str
    terms: Terms
    former: str | None = None


def occasion_after(former: str | None) -> str:
    """What the reminder is about, the same until the user has subscribed again: at most one is sent until then."""
    return f"after/{former or 'nothing'}"


def reminder_of(abandoned: AbandonedCheckout) -> tuple[Line, NotificationDue]:
    """The line of the timeline, and the letter."""
    terms = abandoned.terms
    detail = {
        "session": abandoned.session_id,
        "plan": f"{terms.plan} per {terms.interval}",
        "rule": "abandoned_checkout_reminder = true",
        "policy_version": str(terms.policy.version),
    }
    due = NotificationDue(
        kind=Notification.ABANDONED_CHECKOUT,
        occasion=occasion_after(abandoned.former),
        plan=terms.plan,
        interval=terms.interval,
        amount=terms.amount,
        currency=terms.currency,
    )
    return Line(LINE, detail), due
