"""What Stripe says at one moment, reduced to what the rules need: ids, moments and amounts, nothing personal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lifecycle.plans import Terms
from lifecycle.statuses import Status


class InvoiceStatus(StrEnum):
    """https://docs.stripe.com/invoicing/overview#invoice-statuses"""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@dataclass(frozen=True)
class Invoice:
    """The invoice that counts. ``amount`` is what is due, in minor units; ``next_attempt_at`` None: no further try.

    ``attempts`` are Stripe's: the first try, whoever made it, and those that it has made by itself since.
    ``is_latest``: the subscription has none after it; else later ones are drafts that wait for it.
    ``due_at`` is set for customers who pay by invoice instead of by card (``collection_method`` send_invoice).
    ``needs_new_card``: the bank will not take this card again, however often it is asked.
    """

    id: str
    status: InvoiceStatus
    amount: int
    currency: str
    attempts: int = 0
    finalized_at: datetime | None = None
    due_at: datetime | None = None
    next_attempt_at: datetime | None = None
    action_required: bool = False
    needs_new_card: bool = False
    is_latest: bool = True

    @property
    def is_owed(self) -> bool:
        """Finalized, not paid, and still meant to be."""
        return self.status is InvoiceStatus.OPEN and self.amount > 0

    @property
    def is_forgiven(self) -> bool:
        """Somebody at Stripe decided that it need not be paid."""
        return self.status in {InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE}

    def is_newer_than(self, known: "Invoice") -> bool:
        """Billed since that one; an older one comes into view again when a later one is paid, or a draft follows."""
        return self.id != known.id and self.is_latest

    @property
    def late_since(self) -> datetime | None:
        """When it should have been paid: a card is charged as soon as the invoice is final."""
        return self.due_at or self.finalized_at


@dataclass(frozen=True)
class Card:
    """The payment method that the next charge will use; brand and digits stay in PostgreSQL."""

    id: str
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True)
class PlannedChange:
    """A change of plan that Stripe knows of and that has not happened.

    ``at`` is when it happens, or, while it ``awaits_payment`` of ``invoice_id``, when it is forgotten.
    ``terms`` is None for a price of none of our plans. ``quantity`` is how many seats it will be. ``superseded`` is the
    schedule that still holds it at Stripe, although an upgrade was granted in its place.
    """

    price: str
    at: datetime
    terms: Terms | None = None
    awaits_payment: bool = False
    invoice_id: str | None = None
    quantity: int = 1
    superseded: str | None = None


class EndReason(StrEnum):
    """Why Stripe says that a subscription ended (``cancellation_details.reason``)."""

    REQUESTED = "cancellation_requested"
    PAYMENT_FAILED = "payment_failed"
    DISPUTED = "payment_disputed"
    CANCELED_BY_RETENTION = "canceled_by_retention_policy"


NO_CARD = ""
"""What is there, or was tried, when there is no card."""


@dataclass(frozen=True)
class Facts:
    """One look at a Stripe subscription, its latest invoice and its card.

    ``owner_id`` is the user whom its metadata names, ``price`` Stripe's id of the price. ``terms`` is None when it is
    the one already known, or when no plan of ours has it, as ``unknown_price`` then says. ``card`` is what Stripe will
    charge next; ``newer_card`` is one that the customer has got since and the subscription does not use yet, and
    ``customer_default`` what the customer has chosen last, however old that card is: `NO_CARD` when there is none, None
    in a look that did not ask.
    ``trial_card_is_anothers``: it is in a trial, and another user has had a trial with the same card.
    ``trial_is_repeated``: it is in a trial that one of our pages offered before this very user had one elsewhere.
    ``quantity`` is how many times the price is charged: the seats. ``has_discount``: less than the price is charged.
    """

    subscription_id: str
    customer_id: str
    status: Status
    price: str
    started_at: datetime
    period_starts_at: datetime
    period_ends_at: datetime
    owner_id: str | None = None
    terms: Terms | None = None
    unknown_price: bool = False
    trial_ends_at: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    invoice: Invoice | None = None
    card: Card | None = None
    newer_card: Card | None = None
    planned: PlannedChange | None = None
    trial_card_is_anothers: bool = False
    quantity: int = 1
    trial_is_repeated: bool | None = None
    customer_default: str | None = None
    has_discount: bool | None = None

    @property
    def has_had_its_trial(self) -> bool:
        """The person behind this trial, or its card, has had one before."""
        return self.trial_card_is_anothers or bool(self.trial_is_repeated)

    @property
    def owed(self) -> Invoice | None:
        """The latest invoice when it must be paid. That of an upgrade need not be: unpaid, it is forgotten."""
        of_upgrade = self.planned is not None and self.planned.awaits_payment
        return self.invoice if self.invoice and self.invoice.is_owed and not of_upgrade else None

    @property
    def is_leaving(self) -> bool:
        """A cancellation is scheduled."""
        return self.cancel_at_period_end or self.cancel_at is not None
