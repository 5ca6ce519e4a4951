"""Sending letters: real PostgreSQL, a real SMTP server (the local mailbox), no mocks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError

from activities.emails import Emails
from database.tables import cards, customers, notifications
from lifecycle.notifications import Notification
from local.mailbox.catcher import Catcher
from settings import Settings
from tests.activities.post_office import (
    ACTIVE,
    INVOICE,
    PAST_DUE,
    SOON,
    TRIALING,
    PostOffice,
    age,
    customer,
    decide,
    letter,
    send,
    sweep,
)
from tests.fixtures.databases import setting_up


async def test_letters_wait_while_the_server_is_down_and_go_out_once(
    engine: AsyncEngine, emails: Emails, post: PostOffice
) -> None:
    await customer(engine)
    letters = [await decide(engine, Notification.WELCOME, f"sub_{n}") for n in range(3)]
    await post.close()
    for _ in range(2):
        with pytest.raises(ApplicationError) as wait:
            await send(emails, *letters)
        assert not wait.value.non_retryable
    assert [(await letter(engine, due)).attempts for due in letters] == [2, 0, 0]  # the others were not made to wait

    await post.open()
    await send(emails, *letters)
    await send(emails, *letters)
    assert len(post.caught) == 3
    assert {(await letter(engine, due)).status for due in letters} == {"sent"}


async def test_a_server_that_says_later_is_asked_later(engine: AsyncEngine, emails: Emails, post: PostOffice) -> None:
    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    post.outage.last(3600)
    with pytest.raises(ApplicationError, match="smtp 451"):
        await send(emails, due)
    assert (await letter(engine, due)).last_error == "smtp 451"
    post.outage.last(0)
    await send(emails, due)
    assert len(post.caught) == 1


@pytest.mark.parametrize(("answer", "status"), [("450 greylisted", "failed"), ("530 sign in first", "pending")])
async def test_a_recipient_who_is_always_put_off_is_given_up_after_days(
    engine: AsyncEngine, emails: Emails, post: PostOffice, answer: str, status: str
) -> None:
    class PutsOff(Catcher):
        async def handle_RCPT(self, *conversation: Any) -> str:
            return answer

    await post.close()
    await post.open(PutsOff(post.letterbox, post.outage))
    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    with pytest.raises(ApplicationError, match="smtp"):
        await send(emails, due)
    assert (await letter(engine, due)).status == "pending"
    await age(engine, due, timedelta(days=5), attempts=9)
    assert await sweep(emails) == 0
    assert (await letter(engine, due)).status == status


@pytest.mark.parametrize("address", ["bounce@example.com", "ada at home", "a@b\r\nBcc: c@example.com", "Ada@"])
async def test_an_address_that_cannot_work_fails_for_good(
    engine: AsyncEngine, emails: Emails, post: PostOffice, address: str
) -> None:
    await customer(engine, address=address)
    due = await decide(engine, Notification.WELCOME)
    with capture_logs() as logs:
        await send(emails, due)
    row = await letter(engine, due)
    assert (row.status, row.attempts) == ("failed", 1)
    assert address not in row.last_error + str(logs)
    await send(emails, due)
    assert (await letter(engine, due)).attempts == 1
    assert not post.caught


async def test_one_refused_letter_does_not_stop_the_next(engine: AsyncEngine, emails: Emails, post: PostOffice) -> None:
    await customer(engine, address="bounce@example.com")
    refused = await decide(engine, Notification.WELCOME)
    await send(emails, refused)
    async with setting_up(engine) as connection:
        await connection.execute(text("""update "user" set email = 'ada@example.com'"""))
        await connection.execute(update(notifications).values(status="pending"))
    await send(emails, refused, await decide(engine, Notification.PLAN_CHANGED, "sub_1/2"))
    assert len(post.caught) == 2


async def test_nobody_to_write_to(engine: AsyncEngine, emails: Emails, post: PostOffice) -> None:
    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    async with setting_up(engine) as connection:
        await connection.execute(text('delete from "user"'))
    await send(emails, due)
    row = await letter(engine, due)
    assert (row.status, row.last_error) == ("skipped", "no address")


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "Ada\r\nBcc: everyone@example.com", 'A"<b@c.example>, x']
)
async def test_a_hostile_name_is_harmless(engine: AsyncEngine, emails: Emails, post: PostOffice, name: str) -> None:
    await customer(engine, name=name)
    await send(emails, await decide(engine, Notification.WELCOME))
    [caught] = post.caught
    assert caught.recipients == ("ada@example.com",)
    headers = dict(caught.headers)
    assert "Bcc" not in headers
    assert headers["To"].count("@") == 1
    assert "<script" not in caught.html
    assert "Bcc" not in caught.text


@pytest.mark.parametrize(("amount", "currency", "reads"), [(3000, "jpy", "¥3,000"), (3000, "kwd", "KWD 3.000")])
async def test_the_amount_is_right_in_every_currency(
    engine: AsyncEngine, emails: Emails, post: PostOffice, amount: int, currency: str, reads: str
) -> None:
    await customer(engine, **PAST_DUE)
    await send(emails, await decide(engine, Notification.PAYMENT_FAILED, "in_1/1", amount=amount, currency=currency))
    [caught] = post.caught
    assert caught.subject == f"Your payment of {reads} didn’t go through"
    assert f"Amount due: {reads}\n" in caught.text
    assert INVOICE in caught.text


async def test_a_card_letter_shows_the_card_that_the_occasion_names(
    engine: AsyncEngine, emails: Emails, post: PostOffice
) -> None:
    await customer(engine, **ACTIVE)
    face = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2026}
    async with setting_up(engine) as connection:
        await connection.execute(insert(cards).values(payment_method_id="pm_1", user_id="user_1", **face))
    await send(emails, await decide(engine, Notification.CARD_EXPIRING, "pm_1/2027-01"))
    assert post.caught[0].subject == "Your Visa ending in 4242 expires at the end of December 2026"


async def test_a_card_that_was_replaced_meanwhile_is_not_announced(engine: AsyncEngine, emails: Emails) -> None:
    await customer(engine, **{**ACTIVE, "card_last4": "1881"})
    face = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2026}
    async with setting_up(engine) as connection:
        await connection.execute(insert(cards).values(payment_method_id="pm_1", user_id="user_1", **face))
    due = await decide(engine, Notification.CARD_EXPIRING, "pm_1/2027-01")
    await send(emails, due)
    assert (await letter(engine, due)).last_error == "another card is on file"


async def test_a_time_traveller_gets_letters_of_their_own_day(
    engine: AsyncEngine, emails: Emails, post: PostOffice
) -> None:
    await customer(engine, **TRIALING)
    async with setting_up(engine) as connection:
        await connection.execute(insert(customers).values(user_id="user_1", clock_offset_seconds=2 * 86_400))
    in_time = await decide(engine, Notification.TRIAL_ENDING, "sub_1/x", trial_ends_at=SOON)
    await send(emails, in_time)
    assert abs(post.caught[0].dated - (datetime.now(UTC) + timedelta(days=2))) < timedelta(minutes=1)

    async with setting_up(engine) as connection:
        await connection.execute(update(customers).values(clock_offset_seconds=4 * 86_400))
    too_late = await decide(engine, Notification.TRIAL_ENDING, "sub_1/y", trial_ends_at=SOON)
    await send(emails, too_late)
    assert (await letter(engine, too_late)).last_error == "trial is over"


async def test_in_production_nobody_travels_in_time_whatever_a_row_says(
    engine: AsyncEngine, settings: Settings, post: PostOffice
) -> None:
    await customer(engine, **TRIALING)
    async with setting_up(engine) as connection:
        await connection.execute(insert(customers).values(user_id="user_1", clock_offset_seconds=30 * 86_400))
    due = await decide(engine, Notification.TRIAL_ENDING, "sub_1/x", trial_ends_at=SOON)

    await send(Emails(engine, settings.model_copy(update={"mode": "production"})), due)

    assert abs(post.caught[0].dated - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_sweep_sends_what_was_left_behind(engine: AsyncEngine, emails: Emails, post: PostOffice) -> None:
    await customer(engine)
    young = await decide(engine, Notification.WELCOME, "sub_young")
    old = await decide(engine, Notification.WELCOME, "sub_old")
    oldest = await decide(engine, Notification.PLAN_CHANGED, "sub_oldest")
    stubborn = await decide(engine, Notification.PAYMENT_RECOVERED, "sub_stubborn")
    await age(engine, old, timedelta(minutes=5))
    await age(engine, oldest, timedelta(minutes=9))
    await age(engine, stubborn, timedelta(minutes=99), attempts=7)
    assert await sweep(emails) == 3
    sent = [caught.message_id for caught in reversed(post.caught)]
    assert sent == [f"<{due}@perennial.example>" for due in (oldest, old, stubborn)]
    assert (await letter(engine, young)).status == "pending"
    assert await sweep(emails) == 0


async def test_a_letter_that_cannot_be_written_waits_for_a_release_that_can(
    engine: AsyncEngine, emails: Emails, post: PostOffice
) -> None:
    await customer(engine)
    strange = await decide(engine, Notification.WELCOME)
    fine = await decide(engine, Notification.PLAN_CHANGED)
    async with setting_up(engine) as connection:
        await connection.execute(update(notifications).where(notifications.c.id == strange).values(kind="birthday"))
    with pytest.raises(ApplicationError, match=r"cannot be written \(ValueError\)"):
        await send(emails, strange, fine)
    assert (await letter(engine, fine)).status == "sent"


async def test_no_letter_travels_in_the_clear_where_encryption_is_asked_for(
    engine: AsyncEngine, settings: Settings, post: PostOffice
) -> None:
    await customer(engine)
    due = await decide(engine, Notification.WELCOME)
    careful = Emails(engine, settings.model_copy(update={"smtp_security": "starttls"}))
    with pytest.raises(ApplicationError):
        await send(careful, due)
    assert not post.caught


async def test_logs_and_errors_hold_nothing_personal(engine: AsyncEngine, emails: Emails, post: PostOffice) -> None:
    await customer(engine, name="Ada Lovelace")
    due = await decide(engine, Notification.WELCOME)
    post.outage.last(3600)
    with capture_logs() as logs, pytest.raises(ApplicationError) as wait:
        await send(emails, due)
    told = f"{logs} {wait.value!r} {wait.value.__cause__!r} {wait.value.details}"
    assert str(due) in told
    assert "ada" not in told.lower()
