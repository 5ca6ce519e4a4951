"""Everything that the settings lead to, asked once: does it answer, is it what this release needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from commands.findings import Finding, of
from commands.stripe_examined import examine_stripe

if TYPE_CHECKING:
    from settings import Settings

PATIENCE_SECONDS = 10.0
REMEDY = "is the address right, is it up, and is the way open?"
IDENTITY_COLUMNS = {
    "user": {"id", "name", "email", "emailVerified", "role", "banned", "banExpires"},
    "session": {"token", "userId", "expiresAt"},
}
"""What is read of Better-Auth's tables."""

Examination = Callable[["Settings"], AsyncIterator[Finding]]


async def examine_parts(settings: "Settings") -> list[Finding]:
    """Each part by itself and all at the same time: one that is away does not hide the others."""
    parts: dict[str, Examination] = {
        "PostgreSQL": _postgres,
        "Temporal": _temporal,
        "Stripe": examine_stripe,
        "Mail": _mail,
        "Redis": _redis,
    }
    found = await asyncio.gather(*(_examined(name, ask(settings)) for name, ask in parts.items()))
    return [one for part in found for one in part]


async def _examined(part: str, answers: AsyncIterator[Finding]) -> list[Finding]:
    _, _, fail = of(part)
    found = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for one in answers:
                found.append(one)
    except TimeoutError:
        found.append(fail(f"does not answer within {PATIENCE_SECONDS:.0f} s", REMEDY))
    except Exception as error:  # whatever a library raises is what an operator needs to know
        words = str(getattr(error, "orig", None) or f"{type(error).__name__}: {error}")
        found.append(fail(words, REMEDY))
    return found


async def _postgres(settings: "Settings") -> AsyncIterator[Finding]:
    from sqlalchemy import text

    from database.session import make_engine

    ok, warn, fail = of("PostgreSQL")
    engine = make_engine(settings, application_name="perennial-doctor")
    try:
        async with engine.connect() as connection:
            version = (await connection.execute(text("show server_version"))).scalar()
            tls = (await connection.execute(text(_TLS))).scalar()
            yield ok(f"answers, version {version}, {tls or 'without TLS'}")
            if mighty := (await connection.execute(text(_MIGHTY))).scalar():
                say = fail if settings.mode == "production" else warn
                remedy = "connect as a role that owns nothing; the runbook's page on roles says how to go over to it"
                yield say(f"the service connects as {mighty}, which may change what is written down for good", remedy)
            columns = {(row.table_name, row.column_name) for row in await connection.execute(text(_COLUMNS))}
            for table, needed in IDENTITY_COLUMNS.items():
                missing = sorted(name for name in needed if (table, name) not in columns)
                if missing:
                    remedy = (
                        "let your app make Better-Auth's tables (with its admin plugin), and let this role read them"
                    )
                    yield fail(f'"{table}" has no {", ".join(missing)} that we may read', remedy)
            has_schema = (await connection.execute(text("select to_regclass('billing.alembic_version')"))).scalar()
            query = text("select version_num from billing.alembic_version")
            revision = (await connection.execute(query)).scalar() if has_schema else None
        yield _revision(revision)
    finally:
        await engine.dispose()


_TLS = "select version from pg_stat_ssl where pid = pg_backend_pid()"
_MIGHTY = """
    select current_user from pg_roles where rolname = current_user and (
        rolsuper
        or exists (select from pg_namespace where nspname = 'billing' and pg_has_role(current_user, nspowner, 'member'))
    )
"""
"""The role that is connected, if it is a superuser or the schema's owner."""
_COLUMNS = """
    select table_name, column_name from information_schema.columns
    where table_schema = 'public' and table_name in ('user', 'session')
"""


def _revision(found: str | None) -> Finding:
    from database.session import newest_revision

    ok, warn, fail = of("PostgreSQL")
    newest = newest_revision() or ""
    if found == newest:
        return ok(f"the schema is that of this release ({newest})")
    if found is None:
        return fail("there is no schema yet", "run: perennial migrate")
    if found > newest:
        return warn(f"the schema ({found}) is newer than this release ({newest})", "upgrade the programs")
    return fail(f"the schema is at {found}; this release needs {newest}", "run: perennial migrate")


async def _temporal(settings: "Settings") -> AsyncIterator[Finding]:
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError, RPCStatusCode

    from production import temporal_finding
    from workflows.connection import connect, is_encrypted, target

    ok, warn, fail = of("Temporal")
    where = target(settings)
    try:
        client = await connect(settings)
    except RuntimeError:  # so says the SDK when it cannot connect, with all that its native half knows
        yield fail(f"{where['target_host']} does not answer", "is the address right, and Temporal up?")
        return
    namespace = client.namespace
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        yield fail(f"there is no namespace {namespace}", f"temporal operator namespace create --namespace {namespace}")
        return
    yield ok(f"answers, namespace {namespace}, {'TLS' if is_encrypted(where) else 'without TLS'}")
    exposed = temporal_finding(str(where["target_host"]), has_tls=is_encrypted(where))
    if exposed and settings.temporal_profile:
        yield (fail if exposed.is_grave else warn)(f"{exposed.setting} {exposed.words}")
    async for one in _search_attributes(client, namespace):
        yield one


async def _search_attributes(client: object, namespace: str) -> AsyncIterator[Finding]:
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

    from workflows.showing import ATTRIBUTES

    ok, _, fail = of("Temporal")
    request = ListSearchAttributesRequest(namespace=namespace)
    answer = await client.operator_service.list_search_attributes(request)  # type: ignore[attr-defined]
    there = {**answer.custom_attributes, **answer.system_attributes}
    missing = [key for key in ATTRIBUTES if there.get(key.name) != int(key.indexed_value_type)]
    for key in missing:
        kind = key.indexed_value_type.name.title()
        command = f"temporal operator search-attribute create --namespace {namespace} --name {key.name} --type {kind}"
        yield fail(f"search attribute {key.name} is not there as {kind}", command)
    if not missing:
        yield ok(f"all {len(ATTRIBUTES)} search attributes are there")


async def _mail(settings: "Settings") -> AsyncIterator[Finding]:
    from activities.delivery import Delivery

    ok, _, _ = of("Mail")
    async with Delivery(settings) as delivery:
        await delivery.greet()
    how = {"none": "without TLS", "starttls": "STARTTLS", "tls": "TLS"}[settings.smtp_security]
    signed_in = ", signed in" if settings.smtp_username else ""
    yield ok(f"{settings.smtp_host}:{settings.smtp_port} answers, {how}{signed_in}")


async def _redis(settings: "Settings") -> AsyncIterator[Finding]:
    from redis.asyncio import Redis, SSLConnection

    from database.redis_pool import redis_pool

    ok, _, _ = of("Redis")
    pool = redis_pool(settings, PATIENCE_SECONDS)  # the other parts are asked, and loaded, at the same time
    if pool is None:
        yield ok("none is configured; each process counts and remembers for itself")
        return
    async with contextlib.aclosing(pool), Redis(connection_pool=pool) as client:
        await client.ping()
        version = (await client.info("server")).get("redis_version")
    way = "TLS" if issubclass(pool.connection_class, SSLConnection) else "without TLS"
    yield ok(f"answers, version {version}, {way}")
