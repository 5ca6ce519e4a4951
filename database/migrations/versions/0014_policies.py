"""The rules that each subscription was sold under, so that they are known when its workflow is lost."""

from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty until the next save of each subscription; until then its workflow alone knows them."""
    op.execute("alter table billing.subscriptions add column policy jsonb")


def downgrade() -> None:
    """Workflows keep the rules they carry; one that is lost then goes on under those of the catalogue."""
    op.execute("alter table billing.subscriptions drop column policy")
