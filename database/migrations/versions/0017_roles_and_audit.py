"""Who did what with other people's subscriptions, and why. The rights on it are `perennial migrate`'s to give."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

AUDIT = """
create table billing.audit (
    id bigint generated always as identity,
    at timestamptz default now() not null,
    actor text not null,
    act text not null,
    subject text,
    reason text,
    detail jsonb default '{}' not null,
    operation_id uuid,
    request_id text,
    primary key (id),
    constraint audit_reason_bounded check (char_length(reason) <= 500)
);
create index audit_of_subject on billing.audit (subject, id);
create index audit_by_actor on billing.audit (actor, id);
comment on table billing.audit is 'Privileged acts: who, what, about whom, and why; ids only, append-only';
"""


def upgrade() -> None:
    """Empty: what was done before is in the timeline."""
    op.execute(AUDIT)


def downgrade() -> None:
    op.execute("drop table billing.audit")
