"""Why an intent does not fit the state it meets."""

from enum import StrEnum

from lifecycle.intents import (
    Cancel,
    ChangePlan,
    Convert,
    Intent,
    MovePolicy,
    MoveTrialEnd,
    Resume,
    Subscribe,
    Timing,
)
from lifecycle.plan_changes import quantity_after
from lifecycle.plans import Terms
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription


class RefusalCode(StrEnum):
    """Stable names of refusals, for programs."""

    ALREADY_SUBSCRIBED = "already_subscribed"
    PAYMENT_INCOMPLETE = "payment_incomplete"
    NO_SUBSCRIPTION = "no_subscription"
    SAME_PLAN = "same_plan"
    PREVIEW_STALE = "preview_stale"
    PAST_DUE = "past_due"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    ALREADY_CANCELING = "already_canceling"
    NOT_CANCELING = "not_canceling"
    PAUSED = "paused"
    TRIAL_ALREADY_USED = "trial_already_used"
    TRIAL_TOO_LONG = "trial_too_long"
    PAYMENT_METHOD_REQUIRED = "payment_method_required"
    PAYMENT_METHOD_INVALID = "payment_method_invalid"
    PROMOTION_CODE_INVALID = "promotion_code_invalid"
    NOT_TRIALING = "not_trialing"
    NOTHING_TO_REFUND = "nothing_to_refund"
    UNKNOWN_INVOICE = "unknown_invoice"
    REFUND_TOO_LARGE = "refund_too_large"
    PAYMENT_DISPUTED = "payment_disputed"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    CURRENCY_LOCKED = "currency_locked"
    TAX_LOCATION_REQUIRED = "tax_location_required"
    POLICY_UNCHANGED = "policy_unchanged"


class Refusal(Exception):
    """An intent that does not fit; nothing was changed. ``str(refusal)`` tells people what to do instead."""

    def __init__(self, code: RefusalCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def check(subscription: Subscription, intent: Intent) -> None:
    """Raise `Refusal` when the intent does not fit the subscription as it stands."""
    match intent:
        case Subscribe():
            _check_subscribe(subscription, intent)
        case ChangePlan():
            _check_change_plan(subscription, intent)
        case Cancel():
            _check_cancel(subscription, intent)
        case Resume():
            _check_resume(subscription)
        case Convert():
            _check_convert(subscription)
        case MoveTrialEnd():
            _check_trialing(subscription)
        case MovePolicy():
            _check_move_policy(subscription, intent)


def _check_subscribe(subscription: Subscription, intent: Subscribe) -> None:
    if subscription.status is Status.INCOMPLETE:
        raise Refusal(
            RefusalCode.PAYMENT_INCOMPLETE,
            "A subscription is waiting for its first payment; confirm that payment or cancel it first.",
        )
    if subscription.status.is_live:
        raise Refusal(
            RefusalCode.ALREADY_SUBSCRIBED,
            "There is a subscription already; change its plan instead of subscribing again.",
        )
    check_currency(subscription.currency, intent.terms.currency)
    check_quantity(intent.terms, intent.quantity)
    if intent.trial_days is None:
        return
    if intent.trial_days > intent.terms.trial_days:
        raise Refusal(
            RefusalCode.TRIAL_TOO_LONG,
            f"{intent.terms.plan} has a trial of at most {intent.terms.trial_days} days.",
        )
    if intent.trial_days > 0 and subscription.trial_used:
        raise Refusal(
            RefusalCode.TRIAL_ALREADY_USED,
            "The trial was used already; subscribe with trial_period_days 0 and a payment method.",
        )


def _check_change_plan(subscription: Subscription, intent: ChangePlan) -> None:
    _check_live(subscription)
    _check_not_suspended(subscription)
    if subscription.status in {Status.PAST_DUE, Status.UNPAID}:
        raise Refusal(RefusalCode.PAST_DUE, "An invoice is open; pay it first, then change the plan.")
    if subscription.status is Status.INCOMPLETE:
        raise Refusal(RefusalCode.PAYMENT_INCOMPLETE, "The first payment is open; confirm it first.")
    if subscription.status is Status.PAUSED:
        raise Refusal(RefusalCode.PAUSED, "The subscription is paused; convert it with a card first, or cancel it.")
    if subscription.is_canceling:
        raise Refusal(RefusalCode.CANCELLATION_SCHEDULED, "A cancellation is scheduled; resume first.")
    check_currency(subscription.currency, intent.terms.currency)
    check_quantity(intent.terms, intent.quantity)
    if _is_same_plan(subscription, intent):
        raise Refusal(RefusalCode.SAME_PLAN, f"The plan is {intent.terms.plan} per {intent.terms.interval} already.")


def check_currency(own: str | None, wanted: str) -> None:
    """Raise `Refusal` when a customer is charged in another currency; ``own`` None: in none so far.

    https://docs.stripe.com/invoicing/multi-currency-customers
    """
    if own is not None and wanted != own:
        raise Refusal(
            RefusalCode.CURRENCY_LOCKED, f"This customer is charged in {own}, and that stays so; leave currency out."
        )


def check_quantity(terms: Terms, quantity: int | None) -> None:
    """Raise `Refusal` when a plan is not sold in so many seats; None asks for no number."""
    if quantity is None or quantity <= terms.max_quantity:
        return
    limit = f"is sold for at most {terms.max_quantity}" if terms.max_quantity > 1 else "is not sold by quantity"
    raise Refusal(RefusalCode.QUANTITY_TOO_LARGE, f"{terms.plan} {limit}; {quantity} were asked for.")


def _is_same_plan(subscription: Subscription, intent: ChangePlan) -> bool:
    """Asking for what one has undoes a change that is planned; asking again for what is planned changes nothing.

    A planned upgrade may be asked for again: the customer has another card now.
    """
    planned, seats = subscription.planned, quantity_after(subscription, intent.terms, intent.quantity)
    if planned and planned.awaits_payment:
        return False
    there, number = (planned.terms, planned.quantity) if planned else (subscription.terms, subscription.seats)
    return there is not None and (there.lookup_key, number) == (intent.terms.lookup_key, seats)


def _check_cancel(subscription: Subscription, intent: Cancel) -> None:
    _check_live(subscription)
    if subscription.is_canceling and intent.timing is Timing.PERIOD_END:
        raise Refusal(RefusalCode.ALREADY_CANCELING, "The cancellation is scheduled already.")


def _check_resume(subscription: Subscription) -> None:
    _check_live(subscription)
    _check_not_suspended(subscription)
    if not subscription.is_canceling and subscription.status is not Status.PAUSED:
        raise Refusal(RefusalCode.NOT_CANCELING, "No cancellation is scheduled; there is nothing to undo.")


def _check_convert(subscription: Subscription) -> None:
    _check_live(subscription)
    _check_not_suspended(subscription)
    if subscription.is_canceling:
        raise Refusal(RefusalCode.CANCELLATION_SCHEDULED, "A cancellation is scheduled; resume first.")
    if subscription.status is not Status.PAUSED:
        _check_trialing(subscription)


def _check_trialing(subscription: Subscription) -> None:
    _check_live(subscription)
    if subscription.status is not Status.TRIALING:
        raise Refusal(RefusalCode.NOT_TRIALING, f"There is no trial to end; the subscription is {subscription.status}.")


def _check_move_policy(subscription: Subscription, intent: MovePolicy) -> None:
    """Who has changed the plan since was sold the new one under its rules of today."""
    _check_live(subscription)
    terms = subscription.terms
    if terms is None or terms.plan != intent.plan or terms.policy == intent.policy:
        raise Refusal(RefusalCode.POLICY_UNCHANGED, "The subscription is under the rules of today already.")


def _check_not_suspended(subscription: Subscription) -> None:
    if subscription.is_suspended:
        raise Refusal(RefusalCode.PAYMENT_DISPUTED, "A payment is disputed, so this subscription is being ended.")


def _check_live(subscription: Subscription) -> None:
    if not subscription.status.is_live:
        raise Refusal(RefusalCode.NO_SUBSCRIPTION, "There is no running subscription; subscribe first.")
