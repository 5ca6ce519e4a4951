"""A letter is one sender's at a time, and nobody waits for a mail server that hangs."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.emails import Emails
from database.session import make_engine
from lifecycle.notifications import Notification
from local.mailbox.catcher import Catcher
from local.waiting import until
from settings import Settings
from tests.activities.post_office import (
    Hangs,
    PostOffice,
    age,
    claimed,
    customer,
    decide,
    letter,
    send,
    sweep,
)
from tests.api.conftest import Blocked


async def test_two_senders_send_one_letter(engine: AsyncEngine, settings: Settings, post: PostOffice) -> None:
    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    senders = [Emails(engine, settings) for _ in range(6)]
    await asyncio.gather(*(send(sender, due) for sender in senders))
    assert len(post.caught) == 1
    await send(senders[0], due)
    assert len(post.caught) == 1


async def test_a_crash_after_the_servers_yes_repeats_the_same_letter_when_nobody_can_be_sending_it(
    database: str, engine: AsyncEngine, emails: Emails, post: PostOffice
) -> None:
    away = Blocked(database)

    class TakesTheDatabaseAway(Catcher):
        async def handle_DATA(self, *conversation: Any) -> str:
            answer = await super().handle_DATA(*conversation)
            away.__enter__()
            return answer

    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    await post.close()
    await post.open(TakesTheDatabaseAway(post.letterbox, post.outage))
    with pytest.raises(DBAPIError) as crash:
        await send(emails, due)
    away.__exit__()
    assert "ada@example.com" not in str(crash.value)
    assert (await letter(engine, due)).status == "pending"

    await post.close()
    await post.open()
    await send(emails, due)
    await age(engine, due, timedelta(minutes=2))
    assert await sweep(emails) == 0
    assert len(post.caught) == 1, "repeated while somebody might still be sending it"

    await claimed(engine, due, timedelta(minutes=4))
    await send(emails, due)
    repeated, first = post.caught
    assert first.message_id == repeated.message_id
    assert (first.repeat, repeated.repeat) == (False, True)
    assert (await letter(engine, due)).status == "sent"


async def test_letters_that_hang_leave_the_database_to_others(
    engine: AsyncEngine, settings: Settings, post: PostOffice
) -> None:
    server = Hangs(post.letterbox, post.outage)
    await post.close()
    await post.open(server)
    await customer(engine)
    letters = [await decide(engine, Notification.WELCOME, f"sub_{number}") for number in range(10)]
    small = make_engine(settings.model_copy(update={"database_pool_size": 2}), application_name="small")
    sending = [asyncio.create_task(send(Emails(small, settings), due)) for due in letters]

    async def all_hang() -> bool:
        return server.hanging == 10

    await until(all_hang, within=20, what="letters wait for one another")
    async with asyncio.timeout(2), small.connect() as connection:
        held = "select count(*) from pg_stat_activity where application_name = 'small' and state like 'idle in%'"
        assert (await connection.execute(text(held))).scalar() == 0
    server.goes_on.set()
    await asyncio.gather(*sending)
    await small.dispose()
    assert {(await letter(engine, due)).status for due in letters} == {"sent"}


async def test_a_server_that_takes_letters_and_says_so_too_late_gets_them_seldom(
    engine: AsyncEngine, emails: Emails, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.delivery.HAND_OVER_SECONDS", 0.5)
    server = Hangs(post.letterbox, post.outage)
    await post.close()
    await post.open(server)
    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    with pytest.raises(ApplicationError, match="TimeoutError"):
        await send(emails, due)
    await age(engine, due, timedelta(minutes=2), attempts=1)

    await sweep(emails)
    await claimed(engine, due, timedelta(minutes=5))
    await sweep(emails)
    assert len(post.caught) == 1
    await claimed(engine, due, timedelta(minutes=7))
    await sweep(emails)
    assert len({caught.message_id for caught in post.caught}) == 1
    assert len(post.caught) == 2
    assert (await letter(engine, due)).attempts == 2
    server.goes_on.set()
