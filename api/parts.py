"""What a request can reach: built once when the API starts, handed to every request, closed when it stops."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.pages import CheckoutOpened, PromotionChoice, RequiredAction
from activities.previews import OpenInvoice, Quote
from api.identity import Identity
from api.rate_limits import RateLimits
from database.cache import Cache
from database.ledger import Ledger
from database.membership import Memberships
from lifecycle import intents
from lifecycle.leaving import PeriodPayment
from lifecycle.plans import Catalogue, Interval, Terms
from settings import Settings


class Door(Protocol):
    """The way to a customer's workflow."""

    async def ask(self, user_id: str, request: intents.Request, deadline: float) -> intents.Outcome | None:
        """The outcome of an intent, or None when it is still being worked on after ``deadline`` seconds.

        Raises `lifecycle.refusals.Refusal` when it does not fit, `workflows.door.Unavailable` when nobody answers.
        """


class Previews(Protocol):
    """What something would cost; see `activities.previews.Previews`."""

    async def of_upgrade(self, subscription_id: str, terms: Terms, quantity: int, at: datetime) -> Quote: ...

    async def of_first_charge(self, user_id: str, terms: Terms, quantity: int, promotion_code: str | None) -> Quote: ...

    async def code_outlasts(self, promotion_code: str, interval: Interval) -> bool: ...

    async def of_next_charge(
        self, subscription_id: str, terms: Terms, quantity: int, at: datetime, change: Quote | None = None
    ) -> Quote: ...

    async def paid_for_period(self, subscription_id: str) -> list[PeriodPayment]: ...

    async def open_invoices(self, subscription_id: str) -> list[OpenInvoice]: ...


class Relay(Protocol):
    """Hands ledger rows to workflows, in the background."""

    def wake(self) -> None:
        """There is a new row."""

    async def run(self) -> None:
        """Hand over what is pending, for ever."""


class Pages(Protocol):
    """Stripe's own pages; see `activities.pages.Pages`."""

    async def open_checkout(
        self,
        user_id: str,
        terms: Terms,
        trial: int | datetime,
        success_url: str,
        cancel_url: str,
        operation_id: str,
        promotion: PromotionChoice,
        quantity: int,
    ) -> CheckoutOpened: ...

    async def open_portal(
        self, user_id: str, return_url: str, operation_id: str, *, is_customer: bool = False
    ) -> str: ...

    async def required_action(self, user_id: str) -> RequiredAction | None: ...

    async def has_lost_customer(self, user_id: str) -> bool: ...


@dataclass(frozen=True)
class Outside:
    """What stands behind the API: the workflows, Stripe's pages and whether Temporal answers."""

    door: Door
    pages: Pages
    relay: Relay
    previews: Previews
    temporal_answers: Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Parts:
    """Everything a route may use."""

    settings: Settings
    engine: AsyncEngine
    ledger: Ledger
    catalogue: Catalogue
    clock: Callable[[], datetime]
    outside: Outside
    identity: Identity
    rate_limits: RateLimits
    memberships: Memberships
    cache: Cache
    plans_answer: bytes
    """What everybody is told of the catalogue, which is read at the start and stays as it is."""

    def customer_now(self, clock_offset_seconds: int) -> datetime:
        """The time on a customer's own clock; in production that is the wall's, whatever a row says."""
        if self.settings.mode == "production":
            return self.clock()
        return self.clock() + timedelta(seconds=clock_offset_seconds)


async def parts_of(request: Request) -> Parts:
    """The parts that the lifespan laid into every request's state."""
    parts: Parts = request.state.parts
    return parts


PartsIn = Annotated[Parts, Depends(parts_of)]
