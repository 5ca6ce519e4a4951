"""Ids of users as text, whatever Better-Auth makes them of: ``advanced.database.generateId``.

https://www.better-auth.com/docs/concepts/database#id-generation
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TYPE = """
select format_type(atttypid, null) from pg_attribute
where attrelid = 'public."user"'::regclass and attname = 'id' and not attisdropped
"""
UUID = ("uuid", "case when id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then cast(id as uuid) end")
NUMBER = ("bigint", "case when id ~ '^(0|[1-9][0-9]{0,17})$' then cast(id as bigint) end")
KEYS = {"uuid": UUID, "smallint": NUMBER, "integer": NUMBER, "bigint": NUMBER}
"""What an id is looked up as and how it is made of text, null where it can be nobody's; else it is text itself."""

USERS = """
create {replaced} view billing.users as
select cast(id as text) as id, name, email, image as avatar, "createdAt" as created_at, "updatedAt" as updated_at,
    {key} as key
from public."user"
"""
USERS_BEFORE = """
create view billing.users as
select id, name, email, image as avatar, "createdAt" as created_at, "updatedAt" as updated_at from public."user"
"""
COMMENT = "comment on view billing.users is 'People, as Better-Auth keeps them; read only what a letter needs'"


def upgrade() -> None:
    """Our tables hold ids as text. By ``key`` a user is found through the index of Better-Auth's own table."""
    kept_as = op.get_bind().exec_driver_sql(TYPE).scalar()
    key_type, key = KEYS.get(kept_as, ("text", "id"))
    op.execute(
        f"create function billing.key_of_user(id text) returns {key_type} "
        f"language sql immutable parallel safe as $$ select {key} $$"
    )
    op.execute("comment on function billing.key_of_user is 'What a user of this id is looked up by in billing.users'")
    if kept_as != "text":
        op.execute("drop view billing.users")
    replaced = "or replace" if kept_as == "text" else ""  # which keeps the rights of a service that runs meanwhile
    op.execute(USERS.format(replaced=replaced, key="id" if kept_as in KEYS else "cast(id as text)"))
    op.execute(COMMENT)


def downgrade() -> None:
    op.execute("drop view billing.users")
    op.execute("drop function billing.key_of_user")
    op.execute(USERS_BEFORE)
    op.execute(COMMENT)
