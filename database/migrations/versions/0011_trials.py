"""One trial a mailbox and a card, and trials that Stripe does not know of."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever had a trial before has claimed it as a user; mailboxes and cards are claimed from now on."""
    op.execute(
        """
        create table billing.trial_claims (
            kind text not null,
            digest text not null,
            user_id text not null,
            claimed_at timestamptz not null default now(),
            constraint trial_claims_pkey primary key (kind, digest),
            constraint trial_claims_kind_known check (kind in ('email', 'card'))
        )
        """
    )
    op.execute("create index trial_claims_of_user on billing.trial_claims (user_id)")
    op.execute(
        "comment on table billing.trial_claims is 'What a free trial was taken with, as digests: one trial each'"
    )


def downgrade() -> None:
    """From then on one trial a user, whatever mailbox and card."""
    op.execute("drop table billing.trial_claims")
