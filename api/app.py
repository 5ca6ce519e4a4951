"""The API as one application: `create_app` builds it from settings, and nothing happens on import."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from typing import TypedDict

import structlog
from fastapi import Depends, FastAPI
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

import telemetry
from api import (
    account,
    admin,
    auditing,
    checkout,
    entitlements,
    failures,
    health,
    operations,
    plans,
    previews,
    project_entitlements,
    projects,
    subscriptions,
    support,
    webhooks,
)
from api.auth import require_policies
from api.contract import DESCRIPTION, TAGS, write_contract
from api.early_refusals import EarlyRefusals
from api.envelope import BodyLimit, Envelope, TimeLimit
from api.forwarding import Forwarding
from api.holding import holding
from api.hosts import Hosts
from api.identity import Identity
from api.origins import Origins
from api.outside import connect_outside
from api.parts import Outside, Parts
from api.queries import known_queries
from api.rate_limits import counting
from api.response_headers import ResponseHeaders, docs_policy
from api.views import view_plans
from database.cache import open_cache
from database.ledger import Ledger
from database.membership import Memberships
from database.reading import read_ledger_lag
from database.reconciliation import read_age
from database.session import make_engine
from lifecycle.plans import Catalogue, load_catalogue
from settings import Settings
from workflows.door import Unavailable

VERSION = "0.1.0"
PAUSE_SECONDS = 5.0
MARGIN_SECONDS = 5.0
"""What a request may take beside waiting for the workflow; then a part has fallen silent in the middle of it."""

log = structlog.get_logger(__name__)

Connect = Callable[[Settings, AsyncEngine, Catalogue], AbstractAsyncContextManager[Outside]]


class State(TypedDict):
    """What the lifespan lays into every request."""

    parts: Parts


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings, *, connect: Connect = connect_outside, clock: Callable[[], datetime] = wall_clock
) -> FastAPI:
    """The API of one installation. It starts, reads and takes webhooks also while Temporal is away."""
    catalogue = load_catalogue(settings.plans_file)
    plans_answer = view_plans(catalogue).model_dump_json().encode()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        engine = make_engine(settings, application_name="perennial-api")
        ledger = Ledger(engine)
        memberships = Memberships(engine, settings.project_members, settings.project_members_file)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            await memberships.try_out()
            cache = await stack.enter_async_context(open_cache(settings))
            outside = await stack.enter_async_context(connect(settings, engine, catalogue))
            await stack.enter_async_context(_meanwhile(outside.relay.run))
            await stack.enter_async_context(_meanwhile(partial(_measure_lag, engine)))
            await stack.enter_async_context(ledger.writing())
            identity = await stack.enter_async_context(Identity.opened(settings, engine))
            rate_limits = await stack.enter_async_context(counting(settings))
            yield State(
                parts=Parts(
                    settings,
                    engine,
                    ledger,
                    catalogue,
                    clock,
                    outside,
                    identity,
                    rate_limits,
                    memberships,
                    cache,
                    plans_answer,
                )
            )

    app = FastAPI(
        title="Perennial",
        version=VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        dependencies=[Depends(known_queries), Depends(holding)],
    )
    app.router.routes.append(webhooks.DOOR)
    for room in (
        webhooks,
        subscriptions,
        entitlements,
        project_entitlements,
        previews,
        plans,
        checkout,
        operations,
        projects,
        account,
        admin,
        support,
        auditing,
        health,
    ):  # the busiest first
        app.include_router(room.router)
    failures.install(app)
    require_policies(app)
    app.openapi = lambda: write_contract(app)  # type: ignore[method-assign]  # FastAPI's own way to extend the document
    app.add_middleware(
        BodyLimit, limit=settings.request_max_bytes, limits_by_path={webhooks.PATH: settings.webhook_max_bytes}
    )
    app.add_middleware(TimeLimit, seconds=settings.request_deadline_seconds + MARGIN_SECONDS)
    app.add_middleware(Origins, allowed=settings.web_origins)
    app.add_middleware(Hosts, hosts=settings.hosts)
    app.add_middleware(EarlyRefusals)
    app.add_middleware(Envelope)
    docs = (str(app.docs_url), docs_policy(str(app.openapi_url), f"{app.title} - Swagger UI"))
    app.add_middleware(ResponseHeaders, origins=settings.web_origins, docs=docs)
    app.add_middleware(Forwarding, proxies=settings.trusted_proxies)
    return app


@contextlib.asynccontextmanager
async def _meanwhile(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do something in the background as long as the block lasts, beginning again when it breaks."""
    task = asyncio.create_task(_again_and_again(work))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Unavailable:
            log.warning("temporal_away")
        except Exception:  # whatever it is, the API must go on serving
            log.exception("background_work_broke")
        await asyncio.sleep(PAUSE_SECONDS)


async def _measure_lag(engine: AsyncEngine) -> None:
    """While the database is away the last value stands."""
    with contextlib.suppress(SQLAlchemyError, OSError):
        telemetry.LEDGER_LAG.set(await read_ledger_lag(engine))
        telemetry.RECONCILIATION_AGE.set(await read_age(engine))
