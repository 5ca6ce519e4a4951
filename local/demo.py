"""The demo: one customer's life in a minute, through the public REST API and Stripe's webhooks only.

What the customer does on Stripe's pages (a new card) is done there; everything else is a
request that any frontend would send. Between the steps the customer's time is moved ahead.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
from rich.console import Console

from activities.gateway import open_stripe
from database.session import make_engine
from local import accounts, betterauth, configuration
from local.customer import Customer, at_home
from local.narration import Narrator
from local.time_travel import TimeTravel
from settings import Settings
from workflows.connection import connect

Chapter = Callable[[Customer, Narrator], Awaitable[None]]


async def sign_up(ada: Customer, narrator: Narrator) -> None:
    """A 14-day trial with a card on file."""
    body = {"plan": "BASIC", "interval": "month", "trial_period_days": 14, "payment_method": "pm_card_visa"}
    await ada.asks("POST", "/subscriptions", body)
    narrator.tell("Ada signs up for BASIC with a 14-day trial", await ada.becomes("trialing"), await ada.new_letters())


async def reminder(ada: Customer, narrator: Narrator) -> None:
    """Three days before the first charge."""
    narrator.time_passes("11 days", await ada.waits(days=11, hours=1))
    narrator.tell("The trial is about to end", await ada.stands(), await ada.new_letters())


async def first_charge(ada: Customer, narrator: Narrator) -> None:
    """The trial ends and the card is charged."""
    narrator.time_passes("3 days", await ada.waits(days=3, hours=2))
    narrator.tell("The trial ends, the card is charged", await ada.becomes("active"))


async def renewal(ada: Customer, narrator: Narrator) -> None:
    """A month later, without anybody doing anything."""
    narrator.time_passes("a month", await ada.waits(days=31))
    narrator.tell("The subscription renews by itself", await ada.becomes("active"))


async def failure(ada: Customer, narrator: Narrator) -> None:
    """The card dies; access stays through grace."""
    await ada.new_card("pm_card_chargeCustomerFail")
    narrator.time_passes("a month", await ada.waits(days=31))
    narrator.tell("The card fails; access stays through grace", await ada.becomes("past_due"), await ada.new_letters())


async def recovery(ada: Customer, narrator: Narrator) -> None:
    """A new card pays the open invoice by itself."""
    await ada.new_card("pm_card_mastercard")
    narrator.tell("A new card pays the open invoice", await ada.becomes("active"), await ada.new_letters())


async def upgrade(ada: Customer, narrator: Narrator) -> None:
    """What is left of the old plan is credited, the difference charged."""
    await ada.asks("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    paid = await ada.latest_invoice()
    story = f"Ada upgrades to PRO; the difference of {paid.amount_paid / 100:.2f} {paid.currency.upper()} is charged"
    narrator.tell(story, await ada.becomes("active"), await ada.new_letters())


async def farewell(ada: Customer, narrator: Narrator) -> None:
    """Canceled for the end of the period, which is paid."""
    await ada.asks("DELETE", "/subscriptions?timing=period_end&reason=unused")
    narrator.tell("Ada cancels; what is paid stays hers", await ada.stands(), await ada.new_letters())
    narrator.time_passes("a month", await ada.waits(days=31))
    narrator.tell("The period is over", await ada.becomes("canceled"), await ada.new_letters())


CHAPTERS: tuple[Chapter, ...] = (
    sign_up,
    reminder,
    first_charge,
    renewal,
    failure,
    recovery,
    upgrade,
    farewell,
)


async def play(environment: Mapping[str, str], addresses: Mapping[str, str], console: Console) -> None:
    """Tell the whole story on a running stack; raises `StoryWentWrong` or ``TimeoutError`` with what was missing."""
    settings = configuration.settings(environment)
    async with _ada(settings, environment["APP_DATABASE_URL"], addresses) as ada:
        narrator = Narrator(console)
        narrator.begin(ada.user.name, ada.user.email)
        for chapter in CHAPTERS:
            await chapter(ada, narrator)
        timeline = await ada.asks("GET", "/subscriptions/me/timeline?limit=100")
        narrator.end(
            timeline["entries"],
            f"{addresses['temporal_ui']}/workflows/subscription%2F{ada.user.id}",
            addresses["mailbox"],
        )


@asynccontextmanager
async def _ada(settings: Settings, app_database: str, addresses: Mapping[str, str]) -> AsyncIterator[Customer]:
    """A new customer who has just signed in to the web app."""
    email, secret = f"ada.{uuid4().hex[:6]}@example.org", settings.auth_secret.get_secret_value()
    user = await at_home(
        lambda: asyncio.to_thread(betterauth.sign_in, app_database, name="Ada Lovelace", email=email, secret=secret)
    )
    engine = make_engine(settings, application_name="perennial-demo")
    await asyncio.to_thread(accounts.make_cards_new, app_database)
    try:
        async with (
            open_stripe(settings) as stripe_client,
            httpx.AsyncClient(base_url=addresses["api"], timeout=30, trust_env=False) as http,
        ):
            travel = TimeTravel(settings, await at_home(lambda: connect(settings)), stripe_client, engine)
            yield Customer(user, http, stripe_client, travel, addresses["mailbox"])
        await asyncio.to_thread(accounts.make_cards_new, app_database)
    finally:
        await engine.dispose()
