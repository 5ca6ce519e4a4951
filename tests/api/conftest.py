"""The API as customers meet it: a real server on a real port, over real PostgreSQL; behind it, fakes with memory."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
import uvicorn
from psycopg.rows import dict_row
from sqlalchemy import event

from activities.gateway import StripeRefused
from activities.pages import CheckoutOpened, NoCustomer, PromotionChoice, RequiredAction
from activities.previews import OpenInvoice, Quote
from api.app import create_app
from api.parts import Outside
from lifecycle import intents
from lifecycle.intents import Outcome, Result
from lifecycle.leaving import PeriodPayment
from lifecycle.plans import Interval, Terms
from local import betterauth
from settings import Settings
from tests.fixtures.databases import as_service, as_superuser

AUTH_SECRET = "a-better-auth-secret-of-this-test"
_numbers = itertools.count(1)
WEBHOOK_SECRETS = ("whsec_new_secret", "whsec_old_secret")


class FakeDoor:
    """Workflows with memory: an operation is carried out once, whoever asks again gets the same."""

    def __init__(self) -> None:
        self.carried_out: list[intents.Request] = []
        self.says: Outcome | Exception | None = Outcome(Result.DONE)
        self.meanwhile: Callable[[str, intents.Request], None] = lambda user_id, request: None
        self._known: dict[str, Outcome | Exception | None] = {}

    async def ask(self, user_id: str, request: intents.Request, deadline: float) -> Outcome | None:
        if request.operation_id not in self._known:
            self.carried_out.append(request)
            self.meanwhile(user_id, request)
            if not isinstance(self.says, Outcome):
                return self._give(self.says)
            self._known[request.operation_id] = self.says
        return self._give(self._known[request.operation_id])

    def _give(self, answer: Outcome | Exception | None) -> Outcome | None:
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakePages:
    """Stripe's pages with memory: one page an operation."""

    def __init__(self) -> None:
        self.opened: dict[str, dict[str, Any]] = {}
        self.breaks: Exception | None = None
        self.customers: set[str] = set()
        self.action: RequiredAction | None = None

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
    ) -> CheckoutOpened:
        if promotion.code == "NOPE":
            raise StripeRefused("promotion_code_unknown")
        if self.breaks:
            raise self.breaks
        self.opened.setdefault(operation_id, {"user_id": user_id, "terms": terms, "trial": trial, "quantity": quantity})
        number = list(self.opened).index(operation_id) + 1
        return CheckoutOpened(f"cs_test_{number}", f"https://checkout.stripe.test/{number}")

    async def open_portal(self, user_id: str, return_url: str, operation_id: str, *, is_customer: bool = False) -> str:
        if self.breaks:
            raise self.breaks
        if user_id not in self.customers and not is_customer:
            raise NoCustomer(user_id)
        self.opened.setdefault(operation_id, {"user_id": user_id, "return_url": return_url})
        return f"https://portal.stripe.test/{list(self.opened).index(operation_id) + 1}"

    async def has_lost_customer(self, user_id: str) -> bool:
        return False

    async def required_action(self, user_id: str) -> RequiredAction | None:
        return self.action


class FakePreviews:
    """Stripe's arithmetic, as far as a test says."""

    def __init__(self) -> None:
        self.due = 1500
        self.asked: list[tuple[str, str, datetime | None]] = []
        self.paid: list[PeriodPayment] = []
        self.open: list[OpenInvoice] = []

    async def of_upgrade(self, subscription_id: str, terms: Terms, quantity: int, at: datetime) -> Quote:
        self.asked.append((subscription_id, terms.lookup_key, at))
        return Quote(self.due, self.due)

    async def of_first_charge(self, user_id: str, terms: Terms, quantity: int, promotion_code: str | None) -> Quote:
        if promotion_code == "NOPE":
            raise StripeRefused("promotion_code_unknown")
        self.asked.append((user_id, terms.lookup_key, None))
        return Quote(self.due, self.due)

    async def code_outlasts(self, promotion_code: str, interval: Interval) -> bool:
        return False

    async def of_next_charge(
        self, subscription_id: str, terms: Terms, quantity: int, at: datetime, change: Quote | None = None
    ) -> Quote:
        return Quote(terms.amount * quantity, terms.amount * quantity)

    async def paid_for_period(self, subscription_id: str) -> list[PeriodPayment]:
        return self.paid

    async def open_invoices(self, subscription_id: str) -> list[OpenInvoice]:
        return self.open


class FakeRelay:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    async def run(self) -> None:
        await asyncio.Event().wait()


@dataclass
class Api:
    """A running API and what stands behind it."""

    url: str
    client: httpx.AsyncClient
    settings: Settings
    database: str
    door: FakeDoor
    pages: FakePages
    relay: FakeRelay
    previews: FakePreviews
    temporal: list[bool]
    now: list[datetime]
    statements: list[tuple[str, Any]] = field(default_factory=list)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.database, row_factory=dict_row, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def row(self, statement: str, *values: Any) -> dict[str, Any]:
        (row,) = self.rows(statement, *values)
        return row

    def subscribed(self, user_id: str, **columns: Any) -> None:
        """Put a projection where the workflow would have saved it."""
        shown = {"user_id": user_id, "status": "active", "plan": "BASIC", "interval": "month", "amount": 1000,
                 "currency": "usd", "seq": 1} | columns  # fmt: skip
        names = ", ".join(shown)
        marks = ", ".join(["%s"] * len(shown))
        fresh = ", ".join(f"{name} = excluded.{name}" for name in shown)
        self.rows(
            f"insert into billing.subscriptions ({names}) values ({marks}) on conflict (user_id) do update set {fresh}",
            *shown.values(),
        )


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to pytest


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """A real server for an application; its address."""
    server = Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            access_log=False,
            http="httptools",
            lifespan="on",
            proxy_headers=False,
            server_header=False,
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


def make_settings(database: str, **changes: Any) -> Settings:
    defaults: dict[str, Any] = {
        "mode": "local",
        "database_url": as_service(database),
        "stripe_api_key": "sk_test_key",
        "stripe_webhook_secrets": ",".join(WEBHOOK_SECRETS),
        "auth_secret": AUTH_SECRET,
        "request_deadline_seconds": 2,
        "auth_cache_seconds": 0,
        **dict.fromkeys(("rate_reads", "rate_writes", "rate_anonymous", "rate_failed_sign_ins"), "off"),
        "allowed_return_origins": "https://app.example.com, http://localhost:3000, https://a.example",
    }
    if changes.get("mode") == "production":
        defaults |= {
            "stripe_webhook_secrets": "whsec_ofThisTestAlone0123456789",
            "public_url": "https://billing.example.com",
            "app_url": "https://app.example.com",
            "trusted_proxies": "10.0.0.0/8",
            "trusted_hosts": "127.0.0.1",
        }
    return Settings(**(defaults | changes))


@contextlib.asynccontextmanager
async def running_api(settings: Settings) -> AsyncIterator[Api]:
    """The API over the fakes."""
    door, pages, relay, previews = FakeDoor(), FakePages(), FakeRelay(), FakePreviews()
    temporal, now, statements = [True], [], []

    @contextlib.asynccontextmanager
    async def connect(_: Settings, engine: Any, __: Any) -> AsyncIterator[Outside]:
        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            statements.append((statement, parameters))

        event.listen(engine.sync_engine, "before_cursor_execute", note)

        async def temporal_answers() -> bool:
            return temporal[0]

        yield Outside(door, pages, relay, previews, temporal_answers)

    app = create_app(settings, connect=connect, clock=lambda: now[0] if now else datetime.now(UTC))
    database = as_superuser(settings.database_url.get_secret_value().replace("+psycopg", ""))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield Api(url, client, settings, database, door, pages, relay, previews, temporal, now, statements)


@pytest_asyncio.fixture
async def api(database: str) -> AsyncIterator[Api]:
    """A running API in local mode."""
    async with running_api(make_settings(database)) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def shared_api(postgres_url: str, migrated_template: str) -> AsyncIterator[Api]:
    """One API for the many requests of a module that leave no trace."""
    async with new_database(postgres_url, migrated_template) as url, running_api(make_settings(url)) as running:
        yield running


@pytest.fixture
def member(shared_api: Api) -> betterauth.SignedInUser:
    """A signed-in user of the shared API."""
    return betterauth.sign_in(shared_api.database, name="Mary", email="mary@example.com", secret=AUTH_SECRET)


@contextlib.asynccontextmanager
async def new_database(postgres_url: str, template: str) -> AsyncIterator[str]:
    name = f"api_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy".encode())
        yield f"{postgres_url.rpartition('/')[0]}/{name}"
        connection.execute(f"drop database {name} with (force)".encode())


class Blocked:
    """A database that lets nobody in: as good as a PostgreSQL that is away."""

    def __init__(self, database: str) -> None:
        server, _, self._name = database.rpartition("/")
        self._admin = f"{server}/postgres"

    def __enter__(self) -> None:
        self._run(f"alter database {self._name} with allow_connections false")
        self._run(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self._name}'")

    def __exit__(self, *_: object) -> None:
        self._run(f"alter database {self._name} with allow_connections true")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def ada(database: str) -> betterauth.SignedInUser:
    """A user with a live session."""
    return betterauth.sign_in(database, name="Ada Lovelace", email="ada@example.com", secret=AUTH_SECRET)


@pytest.fixture
def bob(database: str) -> betterauth.SignedInUser:
    """Another user."""
    return betterauth.sign_in(database, name="Bob Babbage", email="bob@example.com", secret=AUTH_SECRET)


def as_user(user: betterauth.SignedInUser, key: str | None = None) -> dict[str, str]:
    """Headers of a request of this user's."""
    headers = {"Authorization": f"Bearer {user.token}"}
    return headers | ({"Idempotency-Key": key} if key else {})


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The response is this problem, in the form that RFC 9457 gives it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert body["title"]
    assert body["type"].startswith("urn:perennial:problem:")
    return dict(body)
