"""Finding old rows without reading the whole table, so that they can be discarded."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rows lie in the order they came, so a BRIN index of a few kB finds the old ones and costs an insert nothing.

    https://www.postgresql.org/docs/current/brin.html
    """
    op.execute("create index events_by_age on billing.events using brin (received_at)")
    op.execute("create index operations_by_age on billing.operations using brin (created_at)")


def downgrade() -> None:
    """Discarding reads whole tables then."""
    op.execute("drop index billing.operations_by_age")
    op.execute("drop index billing.events_by_age")
