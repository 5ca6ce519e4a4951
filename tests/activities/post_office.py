"""A customer, a letter that is due, and a post office to catch it."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.emails import Emails
from activities.letters import row_from_due
from database.tables import notifications, subscriptions
from lifecycle.notifications import Notification, NotificationDue
from local.mailbox.catcher import Catcher, Outage, listen
from local.mailbox.letterbox import Caught, Letterbox
from tests.fixtures.databases import setting_up

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
INVOICE = "https://invoice.stripe.com/i/acct_1/in_1"
ON_FILE = {"card_brand": "visa", "card_last4": "4242", "card_exp_month": 12, "card_exp_year": 2026}
TRIALING = {"status": "trialing", "plan": "PRO", "trial_ends_at": SOON, **ON_FILE}
ACTIVE = {"status": "active", "plan": "PRO", **ON_FILE}
PAST_DUE = {"status": "past_due", "plan": "PRO", "open_invoice_id": "in_1", "open_invoice_url": INVOICE, **ON_FILE}
ENDING = {**ACTIVE, "cancel_at_period_end": True, "cancel_at": SOON}
CANCELED = {**ACTIVE, "status": "canceled"}


@dataclass
class PostOffice:
    """The mailbox's SMTP side inside the test."""

    letterbox: Letterbox
    outage: Outage = field(default_factory=Outage)
    server: asyncio.Server | None = None
    port: int = 0

    async def open(self, catcher: Catcher | None = None) -> None:
        self.server = await listen(catcher or Catcher(self.letterbox, self.outage), self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self.server:
            self.server.close()
            await self.server.wait_closed()

    @property
    def caught(self) -> list[Caught]:
        return self.letterbox.letters()


class Hangs(Catcher):
    """Takes a letter, and says so when it pleases."""

    def __init__(self, letterbox: Letterbox, outage: Outage) -> None:
        super().__init__(letterbox, outage)
        self.goes_on = asyncio.Event()
        self.hanging = 0

    async def handle_DATA(self, *conversation: Any) -> str:
        answer = await super().handle_DATA(*conversation)
        self.hanging += 1
        await self.goes_on.wait()
        return answer


async def customer(engine: AsyncEngine, address: str = "ada@example.com", name: str = "Ada", **standing: Any) -> None:
    """A signed-up user, and where the subscription stands."""
    person = """insert into "user" (id, name, email, "emailVerified") values ('user_1', :name, :email, true)"""
    async with setting_up(engine) as connection:
        await connection.execute(text(person), {"name": name, "email": address})
        await connection.execute(insert(subscriptions).values(user_id="user_1", seq=1, **(standing or ACTIVE)))


async def decide(engine: AsyncEngine, kind: Notification, occasion: str = "sub_1", **facts: Any) -> UUID:
    """A letter is due: the row that the workflow's save leaves."""
    row = row_from_due("user_1", NotificationDue(kind, occasion, **{"plan": "PRO", **facts}))
    async with setting_up(engine) as connection:
        await connection.execute(insert(notifications).values(**row))
    return row["id"]


async def letter(engine: AsyncEngine, letter_id: UUID) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(select(notifications).where(notifications.c.id == letter_id))).one()


async def age(engine: AsyncEngine, letter_id: UUID, by: timedelta, attempts: int = 0) -> None:
    older = {"created_at": datetime.now(UTC) - by, "attempts": attempts}
    async with setting_up(engine) as connection:
        await connection.execute(update(notifications).where(notifications.c.id == letter_id).values(**older))


async def claimed(engine: AsyncEngine, letter_id: UUID, ago: timedelta) -> None:
    moment = {"claimed_at": datetime.now(UTC) - ago}
    async with setting_up(engine) as connection:
        await connection.execute(update(notifications).where(notifications.c.id == letter_id).values(**moment))


async def send(emails: Emails, *letters: UUID) -> None:
    await ActivityEnvironment().run(emails.send, list(letters))


async def sweep(emails: Emails) -> int:
    return await ActivityEnvironment().run(emails.sweep)
