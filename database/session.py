"""The way to PostgreSQL: an engine for the program, migrations for its schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from database.roles import grant_service
from settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"

STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_SECONDS = 5
POOL_TIMEOUT_SECONDS = 5
IDLE_TRANSACTION_TIMEOUT_MS = 30_000
LIMITS = {
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "lock_timeout": LOCK_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": IDLE_TRANSACTION_TIMEOUT_MS,
}

_MIGRATION_LOCK = 0x70657265_6E6E6961  # "perennia": one migration at a time in a database


def make_engine(settings: Settings, *, application_name: str = "perennial") -> AsyncEngine:
    """A pool of connections that never wait for ever, with every session in UTC.

    ``application_name`` is what ``pg_stat_activity`` shows. Nothing connects until the first statement;
    a connection that died in the pool (PostgreSQL restarted) is noticed when it is taken and replaced.
    """
    options = {"timezone": "UTC", **LIMITS}
    return create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,  # an error message must not carry what a customer sent
        connect_args={
            "application_name": application_name,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "keepalives_idle": 30,
            "tcp_user_timeout": STATEMENT_TIMEOUT_MS,  # a server that vanished without a word is noticed, too
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )


def migrate(url: str, service_role: str | None = None) -> list[str] | None:
    """Bring the schema ``billing`` to the newest revision, and give the service's role its rights.

    ``url`` is a ``postgresql://`` address of a role that may create the schema. At the newest already, only rights are
    repaired. Answers what a person should know of the role; None: there is no such role, or none was named. Two at once
    are safe: the second waits for the first. Raises `RuntimeError` with what to do when Better-Auth's tables are not
    there yet, or when the role is not fit.
    """
    with _alone(url) as connection:
        _run(connection, "upgrade", "head")
        if service_role is None:
            return None
        with connection.begin():
            return grant_service(connection.connection.driver_connection, service_role, LIMITS)  # type: ignore[arg-type]


def roll_back(url: str, revision: str = "base") -> None:
    """Undo migrations down to ``revision``; ``base`` drops every table of ours with its rows."""
    with _alone(url) as connection:
        _run(connection, "downgrade", revision)


def migration_config() -> Config:
    """Alembic's configuration without a file: there is nothing in it that an installation decides."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def newest_revision() -> str | None:
    """The migration that this release expects."""
    return ScriptDirectory.from_config(migration_config()).get_current_head()


def _run(connection: Connection, direction: str, revision: str) -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """A connection on which nobody else migrates this database meanwhile."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"application_name": "perennial-migrate", "connect_timeout": CONNECT_TIMEOUT_SECONDS},
    )
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.commit()
    engine.dispose()
