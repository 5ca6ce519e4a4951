"""What a workflow hands to the refunding activities and gets back."""

from dataclasses import dataclass, field

from lifecycle.intents import RefundReason
from lifecycle.refunds import Refund


@dataclass(frozen=True)
class PaymentWish:
    """Which payment is meant: that of an invoice, else the customer's last one."""

    user_id: str
    customer_id: str
    invoice_id: str | None = None


@dataclass(frozen=True)
class RefundOrder:
    """Give back so much of a charge, in minor units, under this operation.

    ``one_of_several``: the operation gives back more than one charge, each once.
    """

    operation_id: str
    user_id: str
    charge_id: str
    amount: int
    reason: RefundReason | None = None
    by: str | None = None
    one_of_several: bool = False


@dataclass(frozen=True)
class Refunded:
    """All refunds of the charge, oldest first, with the new one; or why there is none (`RefusalCode`)."""

    refunds: list[Refund] = field(default_factory=list)
    refused: str | None = None
