"""How many seats a subscription has, and which currency a customer is charged in."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Seats are empty until the next look counts them; a customer's currency is that of what they have or had."""
    op.execute("alter table billing.subscriptions add column quantity integer, add column planned_quantity integer")
    op.execute("alter table billing.customers add column currency text")
    op.execute(
        """
        update billing.customers set currency = subscriptions.currency
        from billing.subscriptions
        where subscriptions.user_id = customers.user_id and customers.forgotten_at is null
        """
    )


def downgrade() -> None:
    """Stripe knows both; they are read again after the next upgrade."""
    op.execute("alter table billing.customers drop column currency")
    op.execute("alter table billing.subscriptions drop column quantity, drop column planned_quantity")
