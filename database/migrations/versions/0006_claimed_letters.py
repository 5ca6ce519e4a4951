"""Who is sending a letter says so in its row, and holds no lock meanwhile."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Letters that wait are nobody's yet."""
    op.execute("alter table billing.notifications add column claimed_at timestamptz")


def downgrade() -> None:
    """A letter that is being sent meanwhile may be sent twice."""
    op.execute("alter table billing.notifications drop column claimed_at")
