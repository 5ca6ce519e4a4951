"""A change of plan that has not happened yet: which, when, and whether it waits for a payment."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns without a default cost no rewrite of the table."""
    op.execute(
        """
        alter table billing.subscriptions
            add column planned_plan text,
            add column planned_interval text,
            add column planned_amount bigint,
            add column planned_at timestamptz,
            add column planned_invoice_url text
        """
    )


def downgrade() -> None:
    """What is planned is still at Stripe."""
    op.execute(
        """
        alter table billing.subscriptions
            drop column planned_plan,
            drop column planned_interval,
            drop column planned_amount,
            drop column planned_at,
            drop column planned_invoice_url
        """
    )
