"""The card form that the pages share: read, checked field by field, and what a decline says beside which field.

A number never leaves the request: it is looked up among the test cards, and no page shows it again.
"""

import re
from datetime import UTC, datetime
from typing import Any

from ..billing import cards
from ..protocol.errors import StripeError

Object = dict[str, Any]
Fields = dict[str, str]
SUGGESTED = {
    "4242 4242 4242 4242": "pays",
    "5555 5555 5555 4444": "pays (Mastercard)",
    "4000 0000 0000 3220": "asks for 3-D Secure, then pays",
    "4000 0025 0000 3155": "asks for 3-D Secure when it is set up",
    "4000 0084 0000 1629": "asks for 3-D Secure, then is declined",
    "4000 0000 0000 0002": "is declined",
    "4000 0000 0000 9995": "has insufficient funds",
    "4000 0000 0000 0069": "has expired",
    "4000 0000 0000 0127": "has another security code",
    "4000 0000 0000 0119": "fails in processing",
    "4000 0000 0000 0341": "can be saved, then is declined",
    "4000 0000 0000 0259": "pays, then the payment is disputed",
}
"""Some of https://docs.stripe.com/testing, with what they do."""
NOT_A_TEST_CARD = (
    "Your card was declined. Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://docs.stripe.com/testing."
)
NOT_AUTHENTICATED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
FIELD_OF = {"incorrect_cvc": "cvc", "expired_card": "expiry"}
"""Where a decline is shown; the others belong to the card as a whole."""


def read(given: Fields) -> tuple[Object, Fields]:
    """Parameters of a new payment method, and a sentence for each field that is wrong."""
    number = re.sub(r"[\s-]", "", given.get("number", ""))
    month, year = _expiry(given.get("expiry", ""))
    cvc, name, postal = (given.get(field, "").strip() for field in ("cvc", "name", "postal_code"))
    wrong = {
        "number": _number_fault(number),
        "expiry": _expiry_fault(month, year),
        "cvc": _cvc_fault(cvc, number),
        "name": "" if name else "Enter the name on the card.",
        "postal_code": "" if re.fullmatch(r"[\w -]{3,12}", postal) else "Your postal code is incomplete.",
    }
    details = {"name": name[:200], "address": {"postal_code": postal}}
    if given.get("email"):
        details["email"] = given["email"].strip()
    card = {"number": number, "exp_month": month, "exp_year": year, "cvc": cvc}
    errors = {field: fault for field, fault in wrong.items() if fault}
    return {"type": "card", "card": card, "billing_details": details}, errors


def _number_fault(number: str) -> str:
    if not re.fullmatch(r"[0-9]*", number) or len(number) > 19:
        return "Your card number is invalid."
    if len(number) < 13:
        return "Your card number is incomplete."
    if not luhn(number):
        return "Your card number is invalid."
    return "" if number in cards.BY_NUMBER else NOT_A_TEST_CARD


def luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1 fits."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _expiry(given: str) -> tuple[int, int]:
    """``12/34``, ``12 / 2034`` or ``1234``; zeros when it is none of them."""
    found = re.fullmatch(r"\s*([0-9]{1,2})\s*[/-]\s*((?:20)?[0-9]{2})\s*|([0-9]{2})([0-9]{2})", given)
    if not found:
        return 0, 0
    month, year = int(found[1] or found[3]), int(found[2] or found[4])
    return month, year if year > 99 else 2000 + year


def _expiry_fault(month: int, year: int) -> str:
    """A card is good until the end of its month, by the real date: no test clock reaches a card."""
    if not 1 <= month <= 12:
        return "Your card's expiration date is incomplete."
    now = datetime.now(UTC)
    if year < now.year:
        return "Your card's expiration year is in the past."
    if (year, month) < (now.year, now.month):
        return "Your card's expiration date is in the past."
    return "" if year < now.year + 50 else "Your card's expiration year is invalid."


def _cvc_fault(cvc: str, number: str) -> str:
    length = 4 if number.startswith(("34", "37")) else 3
    return "" if re.fullmatch(rf"[0-9]{{{length}}}", cvc) else "Your card's security code is incomplete."


def faults(errors: Fields) -> Fields:
    """A sentence, or nothing, for every field of the form."""
    return {"code": "", "email": "", "number": "", "expiry": "", "cvc": "", "name": "", "postal_code": "", **errors}


def values(given: Object) -> Object:
    """What is filled in already: never a number nor a security code."""
    return {name: given.get(name) or "" for name in ("email", "expiry", "name", "postal_code")}


def decline(refusal: StripeError) -> Fields:
    """The sentence for a decline, by the field where it is shown."""
    error = refusal.error
    more = " Try a different card." if error.get("code") == "card_declined" else ""
    return {FIELD_OF.get(error.get("code", ""), "number"): f"{error['message']}{more}"}
