"""What the stack sets up in PostgreSQL before the product starts: its database and its people."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from database.session import LIMITS
from local import betterauth
from local.ports import HOST

DATABASE = "perennial"
OWNER = "perennial"
SERVICE = "perennial_service"
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Linus Torvalds", "Barbara Liskov")


def address(port: int, role: str, password: str) -> str:
    """What the owner (migrations, the app) or the service (everything else) connects to."""
    return f"postgresql://{role}:{password}@{HOST}:{port}/{DATABASE}"


def create_database(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """A database with the two roles that an installation has: its owner, and the service, which owns nothing."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role in (OWNER, SERVICE):
            known = connection.execute("select from pg_roles where rolname = %s", (role,)).fetchone()
            change = sql.SQL(
                "alter role {} login password {}" if known is not None else "create role {} login password {}"
            )
            connection.execute(change.format(sql.Identifier(role), sql.Literal(passwords[role])))
        if connection.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
            made = sql.SQL("create database {} owner {}")
            connection.execute(made.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
        for name, value in LIMITS.items():
            limit = sql.SQL("alter role {} set {} = {}")
            connection.execute(limit.format(sql.Identifier(SERVICE), sql.Identifier(name), sql.Literal(value)))


def make_cards_new(url: str) -> None:
    """Everybody who tries the stack pays with the same few test cards and is a stranger: each may have a trial."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("delete from billing.trial_claims where kind = 'card'")


def sign_in_people(url: str, secret: str) -> list[betterauth.SignedInUser]:
    """The demo users, each with a live session."""
    return [
        betterauth.sign_in(url, name=name, email=f"{name.split()[0].lower()}@example.com", secret=secret)
        for name in PEOPLE
    ]
