"""What the workflow hands to its activities and gets back: ids, moments and amounts, nothing personal."""

from dataclasses import dataclass, field
from datetime import datetime

from lifecycle.intents import CancelReason, Outcome
from lifecycle.notifications import NotificationDue
from lifecycle.plan_changes import ChangeTiming
from lifecycle.plans import Terms
from lifecycle.subscription import Subscription


@dataclass(frozen=True)
class Look:
    """Fetch the present from Stripe; ``price`` is the one known, whose terms need not be sent again."""

    user_id: str
    subscription_id: str
    price: str | None = None


@dataclass(frozen=True)
class SubscribeOrder:
    """Begin a subscription under this operation; ``trial_days`` is settled (0: none).

    ``trial_ends_at`` instead is the end of a trial that runs already. ``only_with_card``: without a card on file
    nothing is begun. ``goes_on``: the customer is in a trial or pause of ours, so an earlier try that waits for the
    bank is given up, and this card may have had a trial before.
    """

    operation_id: str
    user_id: str
    terms: Terms
    trial_days: int
    payment_method: str | None = None
    promotion_code: str | None = None
    trial_ends_at: datetime | None = None
    only_with_card: bool = False
    goes_on: bool = False
    quantity: int = 1

    @property
    def needs_card(self) -> bool:
        """Something is charged at once, or the order says so."""
        return self.only_with_card or not (self.trial_days or self.trial_ends_at or self.terms.is_free)


@dataclass(frozen=True)
class LeaveOrder:
    """Whoever leaves a trial of ours leaves no first payment behind that a bank could still let through."""

    operation_id: str
    user_id: str


@dataclass(frozen=True)
class Subscribed:
    """What Stripe made of the order. ``declined`` is its decline code: the first payment failed.

    ``refused`` names what was wrong with the order (`lifecycle.refusals.RefusalCode`); then nothing was made.
    ``without_card``: nothing was made because there is no card. ``action_required``: the first payment waits for the
    customer's word at the bank. ``paid_before``: it is one that an earlier try has begun, on the terms of that try.
    """

    subscription_id: str | None = None
    declined: str | None = None
    refused: str | None = None
    without_card: bool = False
    action_required: bool = False
    paid_before: bool = False


@dataclass(frozen=True)
class ChangeOrder:
    """Move a subscription to another price, in the way that its ``timing`` says. ``quantity`` None: the seats stay."""

    operation_id: str
    subscription_id: str
    terms: Terms
    timing: ChangeTiming
    proration_date: datetime | None = None
    payment_method: str | None = None
    quantity: int | None = None


@dataclass(frozen=True)
class Changed:
    """``declined`` is Stripe's decline code, ``refused`` a `RefusalCode`; in both cases the old price stands.

    ``action_required``: the old price stands until the customer has confirmed the payment at the bank.
    """

    declined: str | None = None
    refused: str | None = None
    action_required: bool = False


@dataclass(frozen=True)
class SupersededOrder:
    """Let go of the schedule of a change that an upgrade has taken the place of."""

    operation_id: str
    schedule_id: str


@dataclass(frozen=True)
class ConvertOrder:
    """Let a subscription that is trialing or paused at Stripe be paid from now on, with this card if one is named.

    ``open_invoice_id`` is what was owed when it was paused; ``now`` is the customer's own time.
    """

    operation_id: str
    customer_id: str
    subscription_id: str
    is_paused: bool = False
    payment_method: str | None = None
    open_invoice_id: str | None = None
    now: datetime | None = None


@dataclass(frozen=True)
class TrialEndOrder:
    """Let the trial end at this moment, or now (None)."""

    operation_id: str
    subscription_id: str
    ends_at: datetime | None = None


@dataclass(frozen=True)
class CancelOrder:
    """End a subscription, now or when its period is over.

    ``open_invoice_id`` is voided first, so that nobody who leaves is charged; with ``unless_paid`` the subscription
    lives on if that invoice turns out to be paid.
    """

    operation_id: str
    subscription_id: str
    at_period_end: bool
    reason: CancelReason | None = None
    open_invoice_id: str | None = None
    unless_paid: bool = False


@dataclass(frozen=True)
class Canceled:
    """``paid_meanwhile``: the open invoice was paid before it could be voided, so a give-up was called off."""

    paid_meanwhile: bool = False


@dataclass(frozen=True)
class ResumeOrder:
    """Undo a scheduled cancellation; ``by_date`` when it was set as a date, not as the end of the period."""

    operation_id: str
    subscription_id: str
    by_date: bool


@dataclass(frozen=True)
class CardOrder:
    """Use this payment method from now on, and pay what is open with it; ``invoice_id`` None: nothing is owed."""

    operation_id: str
    customer_id: str
    subscription_id: str
    payment_method: str
    invoice_id: str | None = None


@dataclass(frozen=True)
class CardUsed:
    """``declined`` is Stripe's decline code for the first open invoice that the card did not pay."""

    declined: str | None = None


@dataclass(frozen=True)
class CollectOrder:
    """Stop collecting for a subscription whose ``invoice_id`` is unpaid, or take it up again."""

    operation_id: str
    subscription_id: str
    invoice_id: str = ""


@dataclass(frozen=True)
class TakeBackOrder:
    """End a subscription that was begun beside the one that runs, and give back what was paid for it."""

    user_id: str
    customer_id: str
    subscription_id: str


@dataclass(frozen=True)
class TakenBack:
    """``refunded`` in minor units of ``currency``; ``kept`` is what could not be given back."""

    refunded: int = 0
    currency: str = ""
    kept: int = 0


@dataclass(frozen=True)
class Beginning:
    """What a life begins with: what outlived the one before, and how this installation runs it.

    ``is_known_user``: Better-Auth has such a user.

    ``stripe_subscription_id`` is there when PostgreSQL knows a running subscription that Temporal has lost;
    ``remembered`` is then all that its row says, so that the story goes on where it was written down last.
    ``now`` is the customer's own time when it is not the wall clock's (time travel on the local stack).
    ``currency`` is the one that the customer has been charged in since their first subscription.
    ``disputes`` and ``refunds`` are those that the timeline tells of already, with their last known status.
    """

    seq: int
    trial_used: bool
    continue_as_new_after_events: int
    is_known_user: bool = True
    stripe_customer_id: str | None = None
    stripe_subscription_id: str | None = None
    now: datetime | None = None
    disputes: dict[str, str] | None = None
    refunds: dict[str, str] | None = None
    remembered: Subscription | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the timeline: a cause (event, intent, timer or person) and what followed from it."""

    entry: str
    at: datetime
    cause: str
    cause_id: str | None = None
    from_status: str | None = None
    to_status: str | None = None
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Saving:
    """Everything one decision changes, written in one transaction and guarded by ``subscription.seq``."""

    subscription: Subscription
    entries: list[Entry] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    notifications: list[NotificationDue] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """The ids of letters that now wait to be sent."""

    notification_ids: list[str] = field(default_factory=list)
