"""Suspended subscriptions, users who are forgotten or have vanished, and whose name and address Stripe was told of."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New columns are empty, which is what they mean for everybody so far."""
    op.execute("alter table billing.subscriptions add column suspended_at timestamptz")
    op.execute(
        """
        alter table billing.customers
            add column forgotten_at timestamptz,
            add column former_customer_id text,
            add column missing_since timestamptz,
            add column identity_hash text
        """
    )
    op.execute("create index customers_missing on billing.customers (missing_since) where missing_since is not null")
    op.execute("create index events_of_user on billing.events (user_id, received_at)")


def downgrade() -> None:
    """Whoever is suspended has access again until their subscription has ended in Stripe."""
    op.execute("drop index billing.events_of_user")
    op.execute("drop index billing.customers_missing")
    op.execute(
        """
        alter table billing.customers
            drop column forgotten_at, drop column former_customer_id, drop column missing_since,
            drop column identity_hash
        """
    )
    op.execute("alter table billing.subscriptions drop column suspended_at")
