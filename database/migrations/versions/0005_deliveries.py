"""When an event is to be handed over next, so that nobody waits for a customer who cannot be told."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = """
alter table billing.events
    add column attempts integer default 0 not null,
    add column next_attempt_at timestamptz
"""
INDEX = """
create index events_open_of_user on billing.events (user_id) where status in ('pending', 'delivered')
"""


def upgrade() -> None:
    """What waits already is due at once."""
    op.execute(COLUMNS)
    op.execute(INDEX)


def downgrade() -> None:
    """Everything that waits is due at once again."""
    op.execute("drop index billing.events_open_of_user")
    op.execute("alter table billing.events drop column attempts, drop column next_attempt_at")
