"""What the stack sets up in PostgreSQL before the product starts: its database and its people."""

import psycopg
from psycopg import sql

from local import betterauth
from local.ports import HOST

DATABASE = "perennial"
PEOPLE = ("Ada Lovelace", "Grace Hopper", "Linus Torvalds", "Barbara Liskov")


def address(port: int, password: str) -> str:
    """What the product connects to."""
    return f"postgresql://{DATABASE}:{password}@{HOST}:{port}/{DATABASE}"


def create_database(superuser_url: str, password: str) -> None:
    """A database owned by an ordinary role, as an installation would have it; nothing happens when it is there."""
    name = sql.Identifier(DATABASE)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(sql.SQL("drop role if exists {}").format(name))
            connection.execute(sql.SQL("create role {} login password {}").format(name, sql.Literal(password)))
            connection.execute(sql.SQL("create database {} owner {}").format(name, name))


def sign_in_people(url: str, secret: str) -> list[betterauth.SignedInUser]:
    """The demo users, each with a live session."""
    return [
        betterauth.sign_in(url, name=name, email=f"{name.split()[0].lower()}@example.com", secret=secret)
        for name in PEOPLE
    ]
