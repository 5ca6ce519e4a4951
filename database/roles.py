"""What the service's own role may do in PostgreSQL: granted by `perennial migrate`, which also takes back what is more.

API, worker and operators' commands connect as this role; only migrations connect as the owner of the schema. Whoever
gets hold of the service's password can neither change a table nor what is written down for good.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import Connection, sql

from database.excess import excess, unfitness

READ = "select"
APPEND = "select, insert"
KEEP = "select, insert, update"
OWN = "select, insert, update, delete"

TABLES = {
    "customers": KEEP,
    "subscriptions": KEEP,
    "timeline": READ,
    "audit": READ,
    "notifications": KEEP,
    "operations": OWN,  # retention
    "events": OWN,  # retention
    "cards": OWN,  # forgetting
    "invoice_links": OWN,  # forgetting
    "trial_claims": APPEND,
    "api_keys": KEEP,
    "project_members": OWN,
    "cursors": KEEP,
    "reconciliations": KEEP,
    "alembic_version": READ,
}
"""Every table of the schema ``billing``; a table that is missing here is closed to the service."""

_WRITTEN_DOWN = ("user_id", "seq", "position", "at", "entry", "cause", "cause_id", "from_status", "to_status", "detail")
ADDED = {
    "timeline": _WRITTEN_DOWN,
    "audit": ("actor", "act", "subject", "reason", "detail", "operation_id", "request_id"),
}
"""Where rows are added to and not changed, with the columns that the service fills in. Number and moment of a row are
PostgreSQL's, so that nothing can be dated back or put where nobody looks."""

VIEWS = {"users": ("id", "key", "name", "email")}

IDENTITIES = {
    "user": ("id", "name", "email", "emailVerified", "role", "banned", "banExpires"),
    "session": ("token", "userId", "expiresAt", "createdAt", "impersonatedBy"),
    "member": ("id", "userId", "organizationId", "role", "createdAt"),
    "team": ("id", "organizationId"),
    "teamMember": ("userId", "teamId"),
}
"""Columns of Better-Auth's tables that the service reads; tables and columns that an app does not have are left out.

https://www.better-auth.com/docs/concepts/database, https://www.better-auth.com/docs/plugins/organization
"""

SECRETS = (
    *("account", "verification", "jwks", "twoFactor", "passkey", "apikey", "deviceCode", "ssoProvider"),
    *("oauthApplication", "oauthClient", "oauthAccessToken", "oauthRefreshToken"),
)
"""Tables of Better-Auth and its plugins that are closed to the service: passwords, keys, tokens. An app's own tables
may be opened for reading, for a query who is in a project."""

_BETTER_AUTHS: Mapping[str, tuple[str, ...]] = IDENTITIES | dict.fromkeys(SECRETS, ())

_WRITES = {table: set(rights.split(", ")) - {READ} for table, rights in TABLES.items()}
_READS = {("public", table): columns for table, columns in _BETTER_AUTHS.items()} | {
    ("billing", view): columns for view, columns in VIEWS.items()
}

_ROLE = """
select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as is_mighty,
    pg_has_role(oid, current_user, 'member') as is_member,
    has_schema_privilege(oid, 'public', 'create') as may_create,
    (
        select rolsuper or (rolcreaterole and pg_has_role(rolname, found.oid, 'member with admin option'))
        from pg_roles where rolname = current_user
    ) as is_administrated
from pg_roles as found where rolname = %s
"""
_COLUMNS = """
select attname, has_column_privilege(%(role)s, attrelid, attnum, 'select') as readable,
    pg_has_role(current_user, relowner, 'usage') as is_ours
from pg_attribute join pg_class on pg_class.oid = attrelid
where relnamespace = 'public'::regnamespace and relname = %(table)s and attnum > 0 and not attisdropped
order by attnum
"""

_WRITABLE = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
    and pg_has_role(current_user, relowner, 'usage')
    and (
        has_table_privilege(%(role)s, oid, 'insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(%(role)s, oid, 'insert, update, references')
    )
order by relname
"""

Statement = sql.Composed


class CannotGrant(RuntimeError):
    """The role is not fit, or somebody else has to grant something; the message says what to do."""


def grant_service(connection: Connection[Any], role: str, limits: Mapping[str, int]) -> list[str] | None:
    """Give a role what the service needs and no more; answers what a person should know, None: there is no such role.

    ``limits`` are timeouts in milliseconds, which also bind whoever connects without our own settings. All of it is one
    transaction, so a service that runs meanwhile notices nothing. Raises `CannotGrant`.
    """
    with connection.transaction():
        found = connection.execute(_ROLE, [role]).fetchone()
        if found is None:
            return None
        is_mighty, is_member, may_create, is_administrated = found
        if is_mighty or is_member:
            raise CannotGrant(f"The role {role} may do more than the service should: it is the owner's, or an admin's.")
        for words in unfitness(connection, role):
            raise CannotGrant(words)
        limited = _limits(role, limits) if is_administrated else ()  # else whoever made the role has set them
        for statement in (*_ours(role), *_identities(connection, role), *limited):
            connection.execute(statement)
        for words in excess(connection, role, _WRITES, ADDED.keys(), _READS):
            raise CannotGrant(words)
    return [f"{role} may create tables in schema public: revoke create on schema public from public;"] * may_create


def _ours(role: str) -> Iterator[Statement]:
    """Everything in our schema, from nothing up."""
    who = sql.Identifier(role)
    yield sql.SQL("revoke all on all tables in schema billing from {}, public cascade").format(who)
    yield sql.SQL("revoke all on all sequences in schema billing from {}, public cascade").format(who)
    yield sql.SQL("revoke all on all functions in schema billing from {}, public cascade").format(who)
    yield sql.SQL("revoke all on schema billing from {}, public cascade").format(who)
    yield sql.SQL("grant execute on function billing.key_of_user to {}").format(who)
    yield sql.SQL("grant usage on schema billing to {}").format(who)
    for table, rights in TABLES.items():
        named = sql.SQL(", ").join(map(sql.SQL, rights.split(", ")))
        yield sql.SQL("grant {} on {} to {}").format(named, sql.Identifier("billing", table), who)
    for table, columns in ADDED.items():
        added = sql.SQL("grant insert ({}) on {} to {}")
        yield added.format(_listed(columns), sql.Identifier("billing", table), who)
    for view, columns in VIEWS.items():
        yield _reading(sql.Identifier("billing", view), columns, who)


def _identities(connection: Connection[Any], role: str) -> Iterator[Statement]:
    """What is missing or too much at Better-Auth's tables, whoever made them and whenever.

    Raises `CannotGrant` with the statement when they are another role's to grant.
    """
    who = sql.Identifier(role)
    for (table,) in connection.execute(_WRITABLE, {"role": role}).fetchall():
        named = sql.Identifier("public", table)
        writing = sql.SQL("revoke insert, update, delete, truncate, references, trigger on {} from {} cascade")
        yield writing.format(named, who)
    for table, wanted in _BETTER_AUTHS.items():
        columns = connection.execute(_COLUMNS, {"role": role, "table": table}).fetchall()
        needed = {name for name, _, _ in columns} & set(wanted)
        readable = {name for name, is_readable, _ in columns if is_readable}
        if readable == needed:
            continue
        named = sql.Identifier("public", table)
        grant = _reading(named, sorted(needed, key=wanted.index), who)
        if all(is_ours for *_, is_ours in columns):
            yield sql.SQL("revoke all on {} from {} cascade").format(named, who)
            if needed:
                yield grant
        elif needed - readable:
            raise CannotGrant(f"Better-Auth's tables belong to another role; as that one: {grant.as_string()};")


def _reading(table: sql.Identifier, columns: Sequence[str], who: sql.Identifier) -> Statement:
    return sql.SQL("grant select ({}) on {} to {}").format(_listed(columns), table, who)


def _listed(columns: Sequence[str]) -> Statement:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _limits(role: str, limits: Mapping[str, int]) -> Iterator[Statement]:
    for name, value in limits.items():
        change = sql.SQL("alter role {} set {} = {}")
        yield change.format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value))
