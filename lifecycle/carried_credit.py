"""Credit that unused time left on the customer's balance: which invoices used it, and what is still there.

A change to a cheaper period makes such a credit, and later invoices are paid from it before a card is charged:
https://docs.stripe.com/billing/customer/balance. Credit from anywhere else on the balance was paid by nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BalanceMove:
    """The customer's balance before and after an invoice, in minor units; credit is what is below nothing."""

    before: int
    after: int


@dataclass(frozen=True)
class CarriedCredit:
    """What an invoice was paid with of such credit, and what is ``kept`` on the balance of the credit that it made."""

    used: int
    kept: int


def carried_credit(moves: Sequence[BalanceMove], balance: int) -> list[CarriedCredit]:
    """For each invoice, the oldest first; ``balance`` is the customer's now. The oldest credit is used first, and
    before any that was given by hand. What was taken off the balance by hand is gone."""
    kept: list[int] = []
    used: list[int] = []
    for move in moves:
        before, after = _credit(move.before), _credit(move.after)
        _take(kept, sum(kept) - before)
        used.append(_take(kept, before - after))
        kept.append(max(after - before, 0))
    _take(kept, sum(kept) - _credit(balance))
    return [CarriedCredit(*both) for both in zip(used, kept, strict=True)]


def _credit(balance: int) -> int:
    return max(-balance, 0)


def _take(kept: list[int], amount: int) -> int:
    """Of the oldest first; how much of it was there."""
    taken = 0
    for index, there in enumerate(kept):
        part = min(there, max(amount - taken, 0))
        kept[index] -= part
        taken += part
    return taken
