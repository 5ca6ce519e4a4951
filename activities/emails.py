"""Sending the letters that wait in `billing.notifications`, effectively once each.

A letter is claimed, sent without a connection to PostgreSQL (a slow mail server must not use up the pool that billing
needs), and marked. A crash between the server's yes and our mark repeats it with the same Message-ID when the claim has
expired. Names and addresses are read here and nowhere else; nothing that leaves these activities (arguments, results,
errors, logs) holds more than the letter's id.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.exceptions import ApplicationError

import telemetry
from activities.delivery import Answer, Delivery, envelope
from activities.letters import due_from_row
from activities.outbox import Face, Outcome, Waiting, left_behind, mark, take
from activities.relevance import why_skip
from activities.stationery import Stationery
from lifecycle.notifications import Notification, NotificationDue
from lifecycle.plans import UnknownPlan, load_catalogue
from settings import Settings

SWEEP_BATCH = 200
SWEEP_AFTER = timedelta(minutes=1)
"""Younger letters are still in the hands of the workflow that decided them."""
SWEEP_SECONDS, SEND_SECONDS = 60.0, 8.0
"""After so long no further letter is begun: the next sweep comes soon, and the workflow's step lasts 30 seconds."""
GIVE_UP_AFTER = timedelta(days=4)
"""How long a letter that the server puts off is offered again (RFC 5321 section 4.5.4.1: four to five days)."""

_log = structlog.get_logger()


class Emails:
    """The activities that send letters. Make one for a worker: making it compiles the templates."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._catalogue = load_catalogue(settings.plans_file)
        self._stationery = Stationery(settings.product_name, settings.app_url, self._plan_name)

    @activity.defn(name="emails.send")
    async def send(self, notification_ids: list[UUID]) -> None:
        """Send these letters. One that was sent, or that another sender holds right now, is left alone.

        Raises a retryable `ApplicationError` (type ``LetterDeferred``) when a letter has to be tried again.
        """
        outcomes = await self._send_all(notification_ids, SEND_SECONDS)
        waiting = [outcome.reason for outcome in outcomes if outcome.status == "pending"]
        if waiting:
            raise ApplicationError(f"{len(waiting)} letter(s) have to wait: {waiting[0]}", type="LetterDeferred")

    @activity.defn(name="emails.sweep")
    async def sweep(self) -> int:
        """Send what was left behind, a bounded batch at a time, and say how many were sent."""
        async with self._engine.connect() as connection:
            ids = (await connection.scalars(left_behind(SWEEP_AFTER, SWEEP_BATCH))).all()
        return sum(outcome.status == "sent" for outcome in await self._send_all(ids, SWEEP_SECONDS))

    async def _send_all(self, ids: Sequence[UUID], seconds: float) -> list[Outcome]:
        """In one conversation, until the server is away: then the rest would only wait for the same time-out."""
        outcomes: list[Outcome] = []
        ends = time.monotonic() + seconds
        async with Delivery(self._settings) as delivery:
            for letter_id in ids:
                activity.heartbeat()
                outcome = await self._send_one(letter_id, delivery)
                if outcome:
                    outcomes.append(outcome)
                if (outcome and outcome.server_is_away) or time.monotonic() > ends:
                    break
        return outcomes

    async def _send_one(self, letter_id: UUID, delivery: Delivery) -> Outcome | None:
        """``None`` when there is nothing to send."""
        letter = await take(self._engine, letter_id)
        if letter is None:
            return None
        outcome = await self._try(letter, delivery)
        async with self._engine.begin() as connection:
            await mark(connection, letter_id, outcome)
        kind = letter.row["kind"]
        telemetry.NOTIFICATIONS.labels(kind, outcome.status).inc()
        _log.info(
            "letter_handled", kind=kind, status=outcome.status, reason=outcome.reason, notification_id=str(letter_id)
        )
        return outcome

    async def _try(self, waiting: Waiting, delivery: Delivery) -> Outcome:
        """Check, write and hand over one letter. One that cannot be written waits for a release that can."""
        if not waiting.address:
            return Outcome("skipped", "no address")
        now = datetime.now(UTC) + (waiting.clock_offset if self._settings.lets_travel_in_time else timedelta(0))
        try:
            due = _completed(due_from_row(waiting.row), waiting)
            if reason := why_skip(due, waiting.standing, now):
                return Outcome("skipped", reason)
            letter = self._stationery.write(due, waiting.name, now)
        except Exception as error:  # its text may repeat what the letter says, so only its kind is kept
            return Outcome("pending", f"cannot be written ({type(error).__name__})")
        try:
            message = envelope(letter, waiting.id, waiting.address, waiting.name, self._settings.mail_from, now)
        except ValueError:
            return Outcome("failed", "not an address")
        return _outcome(await delivery.hand_over(message), waiting)

    def _plan_name(self, code: str) -> str:
        """As the catalogue calls it; a plan that is no longer sold still has customers, and they read its code."""
        try:
            return self._catalogue.plan(code).name
        except UnknownPlan:
            return code.replace("_", " ").title()


def _completed(due: NotificationDue, waiting: Waiting) -> NotificationDue:
    """The letter with what histories must not hold: the face of the card and the link to the invoice."""
    link = due.invoice_url or waiting.invoice_url
    if due.card_last4 or waiting.standing is None:
        return replace(due, invoice_url=link)
    on_file = waiting.standing
    face = Face(on_file.card_brand, on_file.card_last4, on_file.card_exp_month, on_file.card_exp_year)
    return replace(due, invoice_url=link, **asdict(waiting.announced_card if _about_a_card(due) else face))


def _about_a_card(due: NotificationDue) -> bool:
    return due.kind is Notification.CARD_EXPIRING


def _outcome(answer: Answer, waiting: Waiting) -> Outcome:
    if answer.accepted:
        return Outcome("sent")
    if answer.refused:
        return Outcome("failed", answer.reason)
    too_late = waiting.attempts > 0 and waiting.created_at < datetime.now(UTC) - GIVE_UP_AFTER
    if too_late and not answer.server_is_away:
        return Outcome("failed", f"gave up after {answer.reason}")
    return Outcome("pending", answer.reason, answer.server_is_away, answer.perhaps_taken)
