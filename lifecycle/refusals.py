"""Why an intent does not fit the state it meets."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """Stable names of refusals, for programs."""

    ALREADY_SUBSCRIBED = "already_subscribed"
    PAYMENT_INCOMPLETE = "payment_incomplete"
    NO_SUBSCRIPTION = "no_subscription"
    SAME_PLAN = "same_plan"
    PAST_DUE = "past_due"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    ALREADY_CANCELING = "already_canceling"
    NOT_CANCELING = "not_canceling"
    PAUSED = "paused"
    TRIAL_ALREADY_USED = "trial_already_used"
    TRIAL_TOO_LONG = "trial_too_long"
    PAYMENT_METHOD_REQUIRED = "payment_method_required"
    PAYMENT_METHOD_INVALID = "payment_method_invalid"


class Refusal(Exception):
    """An intent that does not fit; nothing was changed. ``str(refusal)`` tells people what to do instead."""

    def __init__(self, code: RefusalCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
