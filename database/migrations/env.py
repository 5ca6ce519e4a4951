"""How Alembic runs here: on the connection that `database.session` holds, with its bookkeeping in our schema.

A new migration is written by hand into ``versions/``; the test that compares the database with
``database/tables.py`` says whether it is complete.
"""

from alembic import context
from sqlalchemy import Connection, text

from database import audit, reconciliation_tables  # noqa: F401  their tables belong to the same metadata
from database.tables import SCHEMA, metadata


def run(connection: Connection) -> None:
    connection.execute(text(f"create schema if not exists {SCHEMA}"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
