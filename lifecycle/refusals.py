"""Why an intent does not fit the state it meets."""

from enum import StrEnum

from lifecycle.intents import Cancel, ChangePlan, Intent, MovePolicy, Resume, Subscribe, Timing
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
    NOTHING_TO_REFUND = "nothing_to_refund"
    UNKNOWN_INVOICE = "unknown_invoice"
    REFUND_TOO_LARGE = "refund_too_large"
    PAYMENT_DISPUTED = "payment_disputed"
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
        raise Refusal(RefusalCode.PAUSED, "The subscription is paused; add a card on the portal page, or cancel it.")
    if subscription.is_canceling:
        raise Refusal(RefusalCode.CANCELLATION_SCHEDULED, "A cancellation is scheduled; resume first.")
    if _is_same_plan(subscription, intent):
        raise Refusal(RefusalCode.SAME_PLAN, f"The plan is {intent.terms.plan} per {intent.terms.interval} already.")


def _is_same_plan(subscription: Subscription, intent: ChangePlan) -> bool:
    """Asking for what one has undoes a change that is planned; asking again for what is planned changes nothing.

    A planned upgrade may be asked for again: the customer has another card now.
    """
    planned, wanted = subscription.planned, intent.terms.lookup_key
    if planned:
        return not planned.awaits_payment and planned.terms is not None and planned.terms.lookup_key == wanted
    return subscription.terms is not None and subscription.terms.lookup_key == wanted


def _check_cancel(subscription: Subscription, intent: Cancel) -> None:
    _check_live(subscription)
    if subscription.is_canceling and intent.timing is Timing.PERIOD_END:
        raise Refusal(RefusalCode.ALREADY_CANCELING, "The cancellation is scheduled already.")


def _check_resume(subscription: Subscription) -> None:
    _check_live(subscription)
    _check_not_suspended(subscription)
    if not subscription.is_canceling:
        raise Refusal(RefusalCode.NOT_CANCELING, "No cancellation is scheduled; there is nothing to undo.")


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
