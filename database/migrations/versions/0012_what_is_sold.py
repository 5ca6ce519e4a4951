"""How many seats a subscription has."""

from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty until the next look counts them."""
    op.execute("alter table billing.subscriptions add column quantity integer, add column planned_quantity integer")


def downgrade() -> None:
    """Stripe knows them; they are counted again after the next upgrade."""
    op.execute("alter table billing.subscriptions drop column quantity, drop column planned_quantity")
