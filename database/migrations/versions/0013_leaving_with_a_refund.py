"""The rules that a subscription was sold under, for whoever is to be told what they mean for this customer."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty until the next save: then what the plans file says today is shown."""
    op.execute("alter table billing.subscriptions add column policy jsonb")


def downgrade() -> None:
    """The workflows keep the rules themselves."""
    op.execute("alter table billing.subscriptions drop column policy")
