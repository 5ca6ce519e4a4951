"""Better-Auth's part on one machine: its tables, its users and the sessions that it would have handed out.

The statements are what Better-Auth 1.7.25 with the ``bearer`` and ``admin`` plugins writes for PostgreSQL
(``getMigrations(options).compileMigrations()``), made repeatable.
"""

import base64
import hashlib
import hmac
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import psycopg

TABLES = """
create table if not exists "user" (
    "id" text not null primary key,
    "name" text not null,
    "email" text not null unique,
    "emailVerified" boolean not null,
    "image" text,
    "createdAt" timestamptz default CURRENT_TIMESTAMP not null,
    "updatedAt" timestamptz default CURRENT_TIMESTAMP not null,
    "role" text,
    "banned" boolean,
    "banReason" text,
    "banExpires" timestamptz
);
create table if not exists "session" (
    "id" text not null primary key,
    "expiresAt" timestamptz not null,
    "token" text not null unique,
    "createdAt" timestamptz default CURRENT_TIMESTAMP not null,
    "updatedAt" timestamptz not null,
    "ipAddress" text,
    "userAgent" text,
    "userId" text not null references "user" ("id") on delete cascade,
    "impersonatedBy" text
);
create table if not exists "account" (
    "id" text not null primary key,
    "accountId" text not null,
    "providerId" text not null,
    "userId" text not null references "user" ("id") on delete cascade,
    "accessToken" text,
    "refreshToken" text,
    "idToken" text,
    "accessTokenExpiresAt" timestamptz,
    "refreshTokenExpiresAt" timestamptz,
    "scope" text,
    "password" text,
    "createdAt" timestamptz default CURRENT_TIMESTAMP not null,
    "updatedAt" timestamptz not null
);
create table if not exists "verification" (
    "id" text not null primary key,
    "identifier" text not null,
    "value" text not null,
    "expiresAt" timestamptz not null,
    "createdAt" timestamptz default CURRENT_TIMESTAMP not null,
    "updatedAt" timestamptz default CURRENT_TIMESTAMP not null
);
create index if not exists "session_userId_idx" on "session" ("userId");
create index if not exists "account_userId_idx" on "account" ("userId");
create index if not exists "verification_identifier_idx" on "verification" ("identifier");
"""


@dataclass(frozen=True)
class SignedInUser:
    """A user with a live session, and the two ways a client presents it."""

    id: str
    name: str
    email: str
    token: str
    cookie: str


def create_tables(url: str) -> None:
    """Better-Auth's tables in schema ``public``; those that are there stay as they are."""
    with psycopg.connect(url) as connection:
        connection.execute(TABLES)


def sign_in(url: str, *, name: str, email: str, secret: str, role: str = "user") -> SignedInUser:
    """The user of this address (made when new) with a session good for a week; an earlier session is kept alive."""
    with psycopg.connect(url) as connection:
        user_id = _user(connection, name, email, role)
        token = _session(connection, user_id)
    return SignedInUser(id=user_id, name=name, email=email, token=token, cookie=session_cookie(token, secret))


def signed(token: str, secret: str) -> str:
    """``token.signature``: standard padded base64 of HMAC-SHA256 with the secret's UTF-8 bytes as key."""
    signature = hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()
    return f"{token}.{base64.b64encode(signature).decode()}"


def session_cookie(token: str, secret: str, prefix: str = "better-auth") -> str:
    """The ``Cookie`` header's content, percent-encoded as JavaScript's ``encodeURIComponent`` does."""
    value = quote(signed(token, secret), safe="!'()*~-._")
    return f"{prefix}.session_token={value}"


def new_id() -> str:
    """An id or token as Better-Auth makes them: 32 letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32))


def _user(connection: psycopg.Connection, name: str, email: str, role: str) -> str:
    statement = """
        insert into "user" ("id", "name", "email", "emailVerified", "role", "banned")
        values (%s, %s, %s, true, %s, false)
        on conflict ("email") do update set "email" = excluded."email"
        returning "id"
    """
    return str(_value(connection, statement, (new_id(), name, email, role)))


def _session(connection: psycopg.Connection, user_id: str) -> str:
    renewed = """
        update "session" set "expiresAt" = now() + interval '7 days', "updatedAt" = now()
        where "token" = (select "token" from "session" where "userId" = %s order by "createdAt" limit 1)
        returning "token"
    """
    if token := _value(connection, renewed, (user_id,)):
        return str(token)
    opened = """
        insert into "session" ("id", "expiresAt", "token", "updatedAt", "ipAddress", "userAgent", "userId")
        values (%s, now() + interval '7 days', %s, now(), '127.0.0.1', 'perennial up', %s)
        returning "token"
    """
    return str(_value(connection, opened, (new_id(), new_id(), user_id)))


def _value(connection: psycopg.Connection, statement: str, parameters: Sequence[str]) -> object:
    row = connection.execute(statement.encode(), parameters).fetchone()
    return row[0] if row else None
