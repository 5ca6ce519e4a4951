"""From Stripe's objects to facts: nothing personal passes this door."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import stripe

from activities.open_payment import OpenPayment
from lifecycle.facts import NO_CARD, Card, EndReason, Facts, Invoice, InvoiceStatus, PlannedChange
from lifecycle.plans import Catalogue, Interval, Terms, UnknownPlan
from lifecycle.statuses import Status


class Unreadable(Exception):
    """Stripe says something that this release does not know; looking again shows the same. A person must see it."""


def facts_from(
    subscription: stripe.Subscription,
    catalogue: Catalogue,
    *,
    known_price: str | None,
    invoice: stripe.Invoice | None,
    payment: OpenPayment,
    planned: PlannedChange | None = None,
    trial_card_is_anothers: bool = False,
    trial_is_repeated: bool | None = None,
) -> Facts:
    """One subscription, with its payment methods expanded, and the ``invoice`` that counts, as facts.

    Periods are on the items since API version 2025-03-31.basil; all items of ours share one period.
    """
    item = subscription["items"].data[0]
    price = item.price
    terms = None if price.id == known_price else terms_of(price, catalogue)
    if terms and not is_taxed(subscription):
        terms = replace(terms, tax=None)  # sold before the switch was turned
    details = subscription.cancellation_details
    return Facts(
        subscription_id=subscription.id,
        customer_id=_id(subscription.customer),
        status=_status(subscription.status),
        price=price.id,
        started_at=moment(subscription.created),
        owner_id=subscription.metadata.to_dict().get("user_id") if subscription.metadata else None,
        period_starts_at=moment(item.current_period_start),
        period_ends_at=moment(item.current_period_end),
        terms=terms,
        unknown_price=terms is None and price.id != known_price,
        trial_ends_at=_moment(subscription.trial_end),
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancel_at=_moment(subscription.cancel_at),
        ended_at=_moment(subscription.ended_at),
        end_reason=_end_reason(details.reason if details else None),
        invoice=_invoice(invoice, payment, latest=subscription.latest_invoice),
        card=_card(payment_method_of(subscription)),
        newer_card=_card(newer_payment_method_of(subscription)),
        planned=planned,
        trial_card_is_anothers=trial_card_is_anothers,
        trial_is_repeated=trial_is_repeated,
        quantity=seats_of(item),
        customer_default=_preferred(subscription),
        has_discount=has_discount(subscription) or None,
    )


def terms_of(price: stripe.Price, catalogue: Catalogue) -> Terms | None:
    """The plan that a price belongs to, at the price's own amount; None for a price that is not ours.

    The metadata names the plan also after the lookup key has moved on to a newer price.
    """
    marks = price.metadata.to_dict() if price.metadata else {}
    try:
        return catalogue.terms_at(marks["plan"], Interval(marks["interval"]), price.unit_amount, price.currency)
    except (KeyError, ValueError, UnknownPlan):
        return None


def is_taxed(subscription: stripe.Subscription) -> bool:
    """Whether Stripe calculates tax on this subscription's invoices."""
    automatic = getattr(subscription, "automatic_tax", None)
    return bool(automatic and automatic.enabled)


def has_discount(subscription: stripe.Subscription) -> bool:
    """Whether something is taken off what is charged next; a code that is used up is no longer there.

    https://docs.stripe.com/api/subscriptions/object#subscription_object-discounts
    """
    return any(getattr(one, "discounts", None) for one in (subscription, subscription["items"].data[0]))


def seats_of(item: Any) -> int:
    """How many times an item's price is charged; a metered one has no number and counts as one."""
    quantity = getattr(item, "quantity", None)
    return 1 if quantity is None else int(quantity)


def payment_method_of(subscription: stripe.Subscription) -> stripe.PaymentMethod | None:
    """What the next charge will use: the subscription's own, else the customer's default.

    https://docs.stripe.com/api/subscriptions/object#subscription_object-default_payment_method
    """
    if isinstance(subscription.default_payment_method, stripe.PaymentMethod):
        return subscription.default_payment_method
    return _default_of_customer(subscription)


def newer_payment_method_of(subscription: stripe.Subscription) -> stripe.PaymentMethod | None:
    """The customer's default when it came after the subscription's own, as after a visit to the portal."""
    own, chosen = subscription.default_payment_method, _default_of_customer(subscription)
    if not isinstance(own, stripe.PaymentMethod) or chosen is None or chosen.id == own.id:
        return None
    return chosen if chosen.created >= own.created else None


def _preferred(subscription: stripe.Subscription) -> str | None:
    """The id of the customer's default; None where the customer was not shown."""
    customer = subscription.customer
    if not isinstance(customer, stripe.Customer) or getattr(customer, "deleted", False):
        return None
    default = _default_of_customer(subscription)
    return default.id if default else NO_CARD


def _default_of_customer(subscription: stripe.Subscription) -> stripe.PaymentMethod | None:
    customer = subscription.customer
    if not isinstance(customer, stripe.Customer) or getattr(customer, "deleted", False):
        return None
    settings = customer.invoice_settings
    chosen = settings.default_payment_method if settings else None
    return chosen if isinstance(chosen, stripe.PaymentMethod) else None


def moment(seconds: int) -> datetime:
    """A Unix time of Stripe's as an aware moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def _invoice(invoice: stripe.Invoice | None, payment: OpenPayment, *, latest: Any) -> Invoice | None:
    if invoice is None:
        return None
    return Invoice(
        id=str(invoice.id),
        status=_invoice_status(invoice.status or "draft"),
        amount=invoice.amount_due,
        currency=invoice.currency,
        attempts=invoice.attempt_count,
        finalized_at=_moment(invoice.status_transitions.finalized_at),
        due_at=_moment(invoice.due_date),
        next_attempt_at=_moment(invoice.next_payment_attempt),
        action_required=payment.action_required,
        needs_new_card=payment.needs_new_card,
        is_latest=latest is not None and _id(latest) == invoice.id,
    )


def _card(method: stripe.PaymentMethod | None) -> Card | None:
    if method is None:
        return None
    card = getattr(method, "card", None)
    return Card(method.id, card.exp_month, card.exp_year) if card else Card(method.id)


def _id(reference: Any) -> str:
    return reference if isinstance(reference, str) else str(reference.id)


def _status(value: str) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise Unreadable(f"subscription status {value!r}") from None


def _invoice_status(value: str) -> InvoiceStatus:
    try:
        return InvoiceStatus(value)
    except ValueError:
        raise Unreadable(f"invoice status {value!r}") from None


def _end_reason(value: str | None) -> EndReason | None:
    """Stripe may add reasons; one we do not know explains no less than none."""
    return EndReason(value) if value in set(EndReason) else None
