"""The letters a customer can get, and what each one may say."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Notification(StrEnum):
    """One kind of letter; it is sent once per occasion."""

    WELCOME = "welcome"
    TRIAL_ENDING = "trial_ending"
    TRIAL_EXTENDED = "trial_extended"
    TRIAL_PAUSED = "trial_paused"
    TRIAL_REFUSED = "trial_refused"
    MOVED_TO_FREE_PLAN = "moved_to_free_plan"
    PAYMENT_FAILED = "payment_failed"
    ACTION_REQUIRED = "action_required"
    PAYMENT_RECOVERED = "payment_recovered"
    PLAN_CHANGED = "plan_changed"
    PLAN_CHANGE_SCHEDULED = "plan_change_scheduled"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    CANCELED = "canceled"
    CARD_EXPIRING = "card_expiring"
    ABANDONED_CHECKOUT = "abandoned_checkout"


@dataclass(frozen=True)
class NotificationDue:
    """A letter to be written: what it is about, without a word on who gets it.

    ``occasion`` makes it unique for the user and kind (a period, an invoice and try, an operation).
    ``amount`` is in minor units of ``currency``, for all seats, and so is ``refunded``, which was given back to who
    leaves. ``quantity`` is the number of seats where that is worth a word: more than one, or another than the
    ``previous_quantity``. ``needs_new_card``: trying the same card again is of no use. ``plus_tax``: tax comes on top
    of the amount. ``before_discounts``: it is a price, and less than that will be charged.
    Name and address are looked up only when it is sent.
    """

    kind: Notification
    occasion: str
    plan: str | None = None
    previous_plan: str | None = None
    interval: str | None = None
    amount: int | None = None
    currency: str | None = None
    trial_ends_at: datetime | None = None
    access_until: datetime | None = None
    next_charge_at: datetime | None = None
    next_attempt_at: datetime | None = None
    grace_ends_at: datetime | None = None
    invoice_url: str | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    card_exp_month: int | None = None
    card_exp_year: int | None = None
    needs_new_card: bool | None = None
    refunded: int | None = None
    quantity: int | None = None
    previous_quantity: int | None = None
    plus_tax: bool | None = None
    before_discounts: bool | None = None
