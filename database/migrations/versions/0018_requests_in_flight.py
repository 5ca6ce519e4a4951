"""One request at a time under an Idempotency-Key."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty: nobody is at work on what was begun before."""
    op.execute("alter table billing.operations add column busy_until timestamptz")


def downgrade() -> None:
    """Requests under one key then join each other."""
    op.execute("alter table billing.operations drop column busy_until")
