"""What was asked and answered with 202, so that it outlives the memory of a Temporal server."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = """
alter table billing.operations
    add column intent jsonb,
    add column promised_at timestamptz,
    add column asked_at timestamptz
"""
INDEX = """
create index operations_promised on billing.operations (asked_at)
    where status = 'pending' and promised_at is not null
"""


def upgrade() -> None:
    """Operations that are pending already were never promised in writing; their keys still join them."""
    op.execute(COLUMNS)
    op.execute(INDEX)


def downgrade() -> None:
    """What was promised and is still pending waits for its client to ask again."""
    op.execute("drop index billing.operations_promised")
    op.execute("alter table billing.operations drop column intent, drop column promised_at, drop column asked_at")
