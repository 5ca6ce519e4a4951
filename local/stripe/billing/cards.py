"""Stripe's published test cards (https://docs.stripe.com/testing): what each does when it is attached or charged."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ..protocol.errors import StripeError, card_error
from .cards_abroad import NUMBERS

MESSAGES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "fraudulent": "Your card was declined.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


PARAMS = {"expired_card": "exp_month", "incorrect_cvc": "cvc"}
"""Which field of the card form an error belongs to (https://docs.stripe.com/api/errors#errors-param)."""


@dataclass(frozen=True)
class Card:
    number: str
    brand: str = "visa"
    attach: str | None = None
    """Decline code when it is attached to a customer."""
    charge: str | None = None
    """Decline code of every charge."""
    on_session: bool = False
    """The customer has to authenticate when present."""
    off_session: bool = False
    """The customer has to authenticate although absent, unless the card was set up."""
    funding: str = "credit"
    fails_authentication: bool = False
    country: str = "US"
    dispute: str | None = None
    """The reason for which every paid charge is disputed at once, or ``inquiry``."""
    refund: str | None = None
    """``pending`` refunds succeed later, ``failing`` ones fail later."""

    @property
    def fingerprint(self) -> str:
        """The same for the same number, as Stripe's is; nothing of the number can be read from it."""
        return sha256(self.number.encode()).hexdigest()[:16]

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _declining(number: str, decline: str) -> Card:
    return Card(number, attach=decline, charge=decline)


CARDS = {
    "visa": Card("4242424242424242"),
    "visa_debit": Card("4000056655665556", funding="debit"),
    "mastercard": Card("5555555555554444", "mastercard"),
    "mastercard_debit": Card("5200828282828210", "mastercard", funding="debit"),
    "mastercard_prepaid": Card("5105105105105100", "mastercard", funding="prepaid"),
    "amex": Card("378282246310005", "amex"),
    # Numbers that have no token of their own.
    "amex 2": Card("371449635398431", "amex"),
    "mastercard 2-series": Card("2223003122003222", "mastercard"),
    "discover 2": Card("6011000990139424", "discover"),
    "discover debit": Card("6011981111111113", "discover", funding="debit"),
    "diners 14 digits": Card("36227206271667", "diners"),
    "unionpay debit": Card("6200000000000047", "unionpay", funding="debit"),
    "unionpay 19 digits": Card("6205500000000000004", "unionpay"),
    **{country: Card(number, country=country.upper()) for country, number in NUMBERS.items()},
    "discover": Card("6011111111111117", "discover"),
    "diners": Card("3056930009020004", "diners"),
    "jcb": Card("3566002020360505", "jcb"),
    "unionpay": Card("6200000000000005", "unionpay"),
    "chargeCustomerFail": Card("4000000000000341", charge="generic_decline"),
    "chargeDeclined": _declining("4000000000000002", "generic_decline"),
    "visa_chargeDeclined": _declining("4000000000000002", "generic_decline"),
    "chargeDeclinedInsufficientFunds": _declining("4000000000009995", "insufficient_funds"),
    "visa_chargeDeclinedInsufficientFunds": _declining("4000000000009995", "insufficient_funds"),
    "chargeDeclinedLostCard": _declining("4000000000009987", "lost_card"),
    "visa_chargeDeclinedLostCard": _declining("4000000000009987", "lost_card"),
    "chargeDeclinedStolenCard": _declining("4000000000009979", "stolen_card"),
    "visa_chargeDeclinedStolenCard": _declining("4000000000009979", "stolen_card"),
    "chargeDeclinedFraudulent": _declining("4100000000000019", "fraudulent"),
    "radarBlock": _declining("4100000000000019", "fraudulent"),
    "riskLevelElevated": Card("4000000000009235"),
    "visa_chargeDeclinedVelocityLimitExceeded": _declining("4000000000006975", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": _declining("4000000000000069", "expired_card"),
    "chargeDeclinedIncorrectCvc": _declining("4000000000000127", "incorrect_cvc"),
    "chargeDeclinedProcessingError": _declining("4000000000000119", "processing_error"),
    "authenticationRequired": Card("4000002760003184", on_session=True, off_session=True),
    "authenticationRequiredOnSetup": Card("4000002500003155", on_session=True, off_session=True),
    "authenticationRequiredSetupForOffSession": Card("4000003800000446", on_session=True),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "4000008260003178", charge="insufficient_funds", on_session=True
    ),
    "threeDSecureRequired": Card("4000000000003063", on_session=True),
    "threeDSecure2Required": Card("4000000000003220", on_session=True, off_session=True),
    "threeDSecureRequiredChargeDeclined": Card("4000008400001629", charge="generic_decline", on_session=True),
    "threeDSecureOptional": Card("4000000000003055"),
    "bypassPending": Card("4000000000000077"),
    "bypassPendingInternational": Card("4000003720000278", country="IE"),
    "createDispute": Card("4000000000000259", dispute="fraudulent"),
    "visa_createDispute": Card("4000000000000259", dispute="fraudulent"),
    "createDisputeProductNotReceived": Card("4000000000002685", dispute="product_not_received"),
    "visa_createDisputeProductNotReceived": Card("4000000000002685", dispute="product_not_received"),
    "createDisputeInquiry": Card("4000000000001976", dispute="inquiry"),
    "visa_createDisputeInquiry": Card("4000000000001976", dispute="inquiry"),
    "pendingRefund": Card("4000000000007726", refund="pending"),
    "refundFail": Card("4000000000005126", refund="failing"),
}
ALWAYS_AUTHENTICATES = {"4000002760003184"}
"""Asks for authentication for every charge, set up or not."""
BY_NUMBER = {card.number: name for name, card in reversed(CARDS.items())}


def by_token(token: str) -> tuple[str, Card] | None:
    """``pm_card_visa`` or ``tok_visa`` → the card of that name."""
    for prefix in ("pm_card_", "tok_"):
        name = token.removeprefix(prefix)
        if name != token and name in CARDS:
            return name, CARDS[name]
    return None


def codes(decline: str) -> tuple[str, str | None, str]:
    """The error's ``code``, ``decline_code`` and message (https://docs.stripe.com/declines/codes)."""
    if decline in ("expired_card", "incorrect_cvc", "processing_error"):
        return decline, decline if decline != "incorrect_cvc" else "incorrect_cvc", MESSAGES[decline]
    if decline == "authentication_required":
        return decline, decline, MESSAGES[decline]
    return "card_declined", decline, MESSAGES.get(decline, MESSAGES["card_declined"])


def decline(code: str, **extra: Any) -> StripeError:
    error_code, decline_code, message = codes(code)
    return card_error(message, error_code, decline_code, param=PARAMS.get(error_code), **extra)
