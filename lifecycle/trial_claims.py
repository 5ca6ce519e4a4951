"""One free trial a person: by the user, by the e-mail address in its plainest form, and by the card.

What is kept is a digest, so that the claim outlives the user without saying who it was.
"""

import hashlib
from enum import StrEnum

_IGNORES_DOTS = {"gmail.com", "googlemail.com"}
"""https://support.google.com/mail/answer/7436150"""


class ClaimKind(StrEnum):
    """What a trial was taken with."""

    EMAIL = "email"
    CARD = "card"


def plainest(email: str) -> str:
    """The mailbox behind an address: no capitals, no ``+tag``, no dots where the provider ignores them.

    A sub-address (RFC 5233) reaches the same mailbox; so do Gmail's dots and its second name.
    """
    local, _, domain = email.strip().lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _IGNORES_DOTS:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def digest_of_email(email: str) -> str:
    """SHA-256 of the plainest form, in hexadecimal."""
    return _digest(plainest(email))


def digest_of_card(fingerprint: str) -> str:
    """SHA-256 of Stripe's fingerprint, which is the same for the same number throughout an account.

    https://docs.stripe.com/api/payment_methods/object#payment_method_object-card-fingerprint
    """
    return _digest(fingerprint)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
