"""What the timeline tells already of disputes and refunds, so that a life begun for one more does not tell it again."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from lifecycle.disputes import DISPUTE_LINES, status_told_by
from lifecycle.refunds import REFUND_LINES

_TOLD = text(
    """
    select entry, detail from billing.timeline
    where user_id = :user_id and entry = any(:entries) order by seq, position
    """
)


@dataclass(frozen=True)
class Told:
    """The last status of each that was told, by its id; None: nothing was."""

    disputes: dict[str, str] | None
    refunds: dict[str, str] | None


async def read_told(connection: AsyncConnection, user_id: str) -> Told:
    """Read by the timeline's own index; a user has few such lines."""
    entries = [*DISPUTE_LINES, *REFUND_LINES]
    rows = (await connection.execute(_TOLD, {"user_id": user_id, "entries": entries})).all()
    disputes = {
        row.detail["dispute"]: status_told_by(row.entry, row.detail) for row in rows if row.entry in DISPUTE_LINES
    }
    refunds = {row.detail["refund"]: row.detail["status"] for row in rows if row.entry in REFUND_LINES}
    return Told(disputes or None, refunds or None)
