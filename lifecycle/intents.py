"""What a customer can ask for, and what comes of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from lifecycle.plans import Terms
from lifecycle.policy import Policy
from lifecycle.statuses import Status


class Timing(StrEnum):
    """When a cancellation takes effect."""

    PERIOD_END = "period_end"
    NOW = "now"


class CancelReason(StrEnum):
    """Why customers leave, as Stripe lists it.

    https://docs.stripe.com/api/subscriptions/cancel#cancel_subscription-cancellation_details-feedback
    """

    CUSTOMER_SERVICE = "customer_service"
    LOW_QUALITY = "low_quality"
    MISSING_FEATURES = "missing_features"
    OTHER = "other"
    SWITCHED_SERVICE = "switched_service"
    TOO_COMPLEX = "too_complex"
    TOO_EXPENSIVE = "too_expensive"
    UNUSED = "unused"


@dataclass(frozen=True)
class Subscribe:
    """Begin a subscription. ``trial_days`` None means the plan's own trial when it is still to be had.

    ``promotion_code`` is what the customer typed, ``quantity`` the number of seats. ``may_be_cardless``: a trial may
    begin without a card, and then Stripe is told of it only when there is one.
    """

    terms: Terms
    trial_days: int | None = None
    payment_method: str | None = None
    kind: Literal["subscribe"] = "subscribe"
    promotion_code: str | None = None
    may_be_cardless: bool = False
    quantity: int = 1


@dataclass(frozen=True)
class ChangePlan:
    """Move to another price or number of seats; what is left of the old one is credited (proration).

    ``proration_date`` is the moment for which the customer was shown what that costs. ``payment_method`` is put to use
    first, as for somebody who comes from a free plan. ``quantity`` None: the seats stay, as far as the plan allows
    (`lifecycle.plan_changes.quantity_after`).
    """

    terms: Terms
    kind: Literal["change_plan"] = "change_plan"
    proration_date: datetime | None = None
    payment_method: str | None = None
    quantity: int | None = None


@dataclass(frozen=True)
class Cancel:
    """End the subscription, when its period is over or at once."""

    timing: Timing = Timing.PERIOD_END
    reason: CancelReason | None = None
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True)
class Resume:
    """Undo a cancellation that has not taken effect; without one, go on after a pause."""

    kind: Literal["resume"] = "resume"


@dataclass(frozen=True)
class Convert:
    """Begin to pay now: end the trial, or go on after a pause, with ``payment_method`` or the card on file."""

    payment_method: str | None = None
    kind: Literal["convert"] = "convert"


@dataclass(frozen=True)
class MoveTrialEnd:
    """Let the trial end at another moment, or now (None). Operators ask; ``by`` is the operator's id."""

    ends_at: datetime | None = None
    by: str | None = None
    kind: Literal["move_trial_end"] = "move_trial_end"


class RefundReason(StrEnum):
    """Why money goes back. https://docs.stripe.com/api/refunds/create#create_refund-reason"""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


@dataclass(frozen=True)
class RefundPayment:
    """Give back a payment, all that is left or ``amount`` in minor units; the subscription goes on. Operators ask.

    Without ``invoice_id`` it is the customer's last payment. ``by`` is the operator's id.
    """

    amount: int | None = None
    invoice_id: str | None = None
    reason: RefundReason | None = None
    by: str | None = None
    kind: Literal["refund"] = "refund"


@dataclass(frozen=True)
class Forget:
    """End everything in Stripe at once, then forget the user; there is no way back. ``by`` is an operator's id."""

    by: str | None = None
    kind: Literal["forget"] = "forget"


@dataclass(frozen=True)
class MovePolicy:
    """Move a subscription to ``plan`` to the rules which that plan has today. ``by`` is the operator's id."""

    plan: str
    policy: Policy
    by: str | None = None
    kind: Literal["move_policy"] = "move_policy"


Intent = Subscribe | ChangePlan | Cancel | Resume | Convert | MoveTrialEnd | RefundPayment | Forget | MovePolicy


class Result(StrEnum):
    """How an intent ended."""

    DONE = "done"
    REFUSED = "refused"
    """It did not fit the state; nothing changed."""
    DECLINED = "declined"
    """The bank said no; nothing is owed."""
    ACTION_REQUIRED = "action_required"
    """The customer must confirm the payment at the bank."""
    FAILED = "failed"
    """Stripe refused it for a reason the customer cannot mend; an operator is told."""


@dataclass(frozen=True)
class Outcome:
    """The answer to an intent; kept under its operation, so that asking again gives the same answer.

    ``code`` is stable and machine-readable (see `lifecycle.refusals.RefusalCode`, Stripe's decline codes, or
    ``authentication_required``); ``detail`` is a sentence for people. What lets the customer confirm a payment
    (link, client secret) is not here: it is fetched when it is shown, so that no history holds it.
    """

    result: Result
    code: str | None = None
    detail: str | None = None
    status: Status | None = None
    effective_at: datetime | None = None


@dataclass(frozen=True)
class Request:
    """An intent with the name of its operation: asked twice under one name, it is carried out once."""

    operation_id: str
    intent: Intent
