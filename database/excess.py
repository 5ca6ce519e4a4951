"""What makes a role unfit for the service, in words with the statement that mends it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from psycopg import Connection, sql

_MEMBERSHIPS = """
with recursive above as (
    select roleid, roleid as direct from pg_auth_members
    where member = (select oid from pg_roles where rolname = %(role)s)
    union
    select further.roleid, direct from pg_auth_members as further join above on further.member = above.roleid
)
select group_.rolname, pg_get_userbyid(direct) from above join pg_roles as group_ on group_.oid = roleid
where rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
    or (
        starts_with(rolname, 'pg_')
        and rolname not in ('pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables')
    )
order by 1
"""
"""Roles whose rights are not on single tables; those that only watch are left.

https://www.postgresql.org/docs/current/predefined-roles.html
"""
_CREATES = "select current_database() where has_database_privilege(%(role)s, current_database(), 'create')"
_OWNS = """
select pg_describe_object(classid, objid, 0), current_user from pg_shdepend
where deptype = 'o' and refclassid = 'pg_authid'::regclass
    and refobjid = (select oid from pg_roles where rolname = %(role)s)
    and dbid = (select oid from pg_database where datname = current_database())
    and classid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass)
    and not (
        classid = 'pg_class'::regclass and exists (select from pg_class where oid = objid and relpersistence = 't')
    )
order by 1
"""
"""Temporary tables are a command's that runs meanwhile."""
_ANOTHERS = """
select pg_describe_object(kind, id, 0), pg_get_userbyid(owner), current_user
from (
    select 'pg_namespace'::regclass, oid, nspowner from pg_namespace where nspname = 'billing'
    union all
    select 'pg_class'::regclass, oid, relowner from pg_class
    where relnamespace = 'billing'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'pg_proc'::regclass, oid, proowner from pg_proc where pronamespace = 'billing'::regnamespace
) as things (kind, id, owner)
where not pg_has_role(current_user, owner, 'usage')
order by kind, id
"""
_RIGHTS = """
select nspname, relname, pg_class.oid, pg_get_userbyid(relowner),
    array(
        select one from unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as one
        where has_table_privilege(%(role)s, pg_class.oid, one)
    ),
    array(
        select one from unnest(array['insert', 'update', 'references']) as one
        where has_any_column_privilege(%(role)s, pg_class.oid, one)
    ),
    array(
        select attname::text from pg_attribute
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped
            and has_column_privilege(%(role)s, pg_class.oid, attnum, 'select')
    )
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where nspname in ('billing', 'public') and relkind in ('r', 'p', 'v', 'm', 'f')
order by nspname, relname
"""
_GRANTEES = """
select distinct grantee = 0, case when grantee = 0 then 'public' else pg_get_userbyid(grantee) end
from (
    select (aclexplode(relacl)).grantee from pg_class where oid = %(table)s
    union all
    select (aclexplode(attacl)).grantee from pg_attribute where attrelid = %(table)s
) as granted
where grantee = 0 or pg_has_role(%(role)s, grantee, 'member')
order by 1, 2
"""


def unfitness(connection: Connection[Any], role: str) -> Iterator[str]:
    """What no grant and no revoke on tables would mend, the gravest first."""
    who = {"role": role}
    for group, direct in connection.execute(_MEMBERSHIPS, who):
        mended = sql.SQL("revoke {} from {}").format(sql.Identifier(direct), sql.Identifier(role))
        words = f"The role {role} may do more than the service should: it is in {group}."
        yield f"{words} {_told('an administrator', mended)}"
    for thing, owner in connection.execute(_OWNS, who):
        mended = sql.SQL("reassign owned by {} to {}").format(sql.Identifier(role), sql.Identifier(owner))
        yield f"The role {role} owns {thing}, and the service should own nothing. {_told('an administrator', mended)}"
    for (database,) in connection.execute(_CREATES, who):
        mended = sql.SQL("revoke create on database {} from {}, public").format(*map(sql.Identifier, (database, role)))
        yield f"The role {role} may make schemas in this database. {_told('its owner', mended)}"
    for thing, owner, wanted in connection.execute(_ANOTHERS):
        words = f"What the service has in the database belongs to {owner}."
        yield f"{words} As an administrator: alter {thing} owner to {sql.Identifier(wanted).as_string()};"


def excess(
    connection: Connection[Any],
    role: str,
    writes: Mapping[str, Collection[str]],
    adds: Collection[str],
    reads: Mapping[tuple[str, str], Collection[str]],
) -> Iterator[str]:
    """Rights that are left, whoever granted them: to the role, to a group that it is in, or to everybody.

    ``writes`` are what the tables of our schema may be written by, ``adds`` those where single columns may be inserted,
    ``reads`` the columns to which reading is confined. Nothing may be written elsewhere.
    """
    for schema, table, oid, owner, whole, partly, readable in connection.execute(_RIGHTS, {"role": role}).fetchall():
        is_ours = schema == "billing"
        may = set(writes.get(table, ())) if is_ours else set()
        in_part = may | ({"insert"} if is_ours and table in adds else set())
        columns = reads.get((schema, table), readable)
        more = {*set(whole) - may, *set(partly) - in_part, *({"select"} if set(readable) - set(columns) else ())}
        if more:
            named = sql.Identifier(schema, table)
            mended = sql.SQL("revoke all on {} from {}").format(named, _grantees(connection, role, oid))
            again = [name for name in columns if name in readable] if not is_ours else []
            if again:
                read = sql.SQL(", ").join(map(sql.Identifier, again))
                mended += sql.SQL("; grant select ({}) on {} to {}").format(read, named, sql.Identifier(role))
            words = f"The role {role} may do more than the service should: {', '.join(sorted(more))} on"
            yield f"{words} {named.as_string()}. {_told(owner, mended)}"


def _grantees(connection: Connection[Any], role: str, table: int) -> sql.Composed:
    granted = connection.execute(_GRANTEES, {"role": role, "table": table}).fetchall()
    names = [sql.SQL("public") if is_everybody else sql.Identifier(name) for is_everybody, name in granted]
    return sql.SQL(", ").join(names or [sql.Identifier(role)])


def _told(who: str, statement: sql.Composed) -> str:
    return f"As {who}: {statement.as_string()};"
