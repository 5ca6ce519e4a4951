"""Rounds of comparing everything with Stripe, and when a subscription began, which is how both lists are ordered."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RECONCILIATIONS = """
create table billing.reconciliations (
    id bigint generated always as identity,
    started_at timestamptz default now() not null,
    finished_at timestamptz,
    is_scheduled boolean not null,
    place jsonb,
    looked_at integer default 0 not null,
    agreed integer default 0 not null,
    repaired integer default 0 not null,
    needs_person integer default 0 not null,
    unreachable integer default 0 not null,
    problems jsonb default '[]' not null,
    primary key (id)
);
create index reconciliations_finished on billing.reconciliations (finished_at desc) where finished_at is not null;
create index reconciliations_unfinished on billing.reconciliations (started_at) where finished_at is null;
comment on table billing.reconciliations is
    'Rounds in which every subscription is compared with Stripe: how far, how many, and what was found';
"""
BY_START = """
create index subscriptions_by_start on billing.subscriptions (coalesce(started_at, created_at))
    where status not in ('canceled', 'incomplete_expired')
"""


def upgrade() -> None:
    """Rows of before get their start with their next save; until then they are found by when they were written."""
    op.execute(RECONCILIATIONS)
    op.execute("alter table billing.subscriptions add column started_at timestamptz")
    op.execute(BY_START)


def downgrade() -> None:
    op.execute("drop index billing.subscriptions_by_start")
    op.execute("alter table billing.subscriptions drop column started_at")
    op.execute("drop table billing.reconciliations")
