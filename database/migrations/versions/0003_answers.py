"""What was answered to an intent, so that asking again with its key reads the same."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Operations that ended before have no answer yet; it is made from the present when they are asked again."""
    op.execute("alter table billing.operations add column answer jsonb")


def downgrade() -> None:
    """Asking again then answers from the present."""
    op.execute("alter table billing.operations drop column answer")
