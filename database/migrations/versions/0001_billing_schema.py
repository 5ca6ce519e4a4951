"""The schema as it began: customers, the projection, the ledger of events, what happened, letters and intents."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("cursors", "operations", "notifications", "timeline", "events", "subscriptions", "customers")

CUSTOMERS = """
create table billing.customers (
    user_id text not null,
    stripe_customer_id text,
    trial_used_at timestamptz,
    test_clock_id text,
    clock_offset_seconds bigint default 0 not null,
    created_at timestamptz default now() not null,
    primary key (user_id),
    constraint customers_clock_never_behind check (clock_offset_seconds >= 0),
    unique (stripe_customer_id)
);
comment on table billing.customers is 'Who a user is to Stripe, and what outlives one subscription';
"""

SUBSCRIPTIONS = """
create table billing.subscriptions (
    user_id text not null,
    stripe_customer_id text,
    stripe_subscription_id text,
    plan text,
    interval text,
    amount bigint,
    currency text,
    status text,
    trial_ends_at timestamptz,
    current_period_starts_at timestamptz,
    current_period_ends_at timestamptz,
    cancel_at_period_end boolean default false not null,
    cancel_at timestamptz,
    cancel_reason text,
    ended_at timestamptz,
    past_due_since timestamptz,
    grace_ends_at timestamptz,
    open_invoice_id text,
    open_invoice_url text,
    open_invoice_amount bigint,
    next_payment_attempt_at timestamptz,
    action_required boolean default false not null,
    card_brand text,
    card_last4 text,
    card_exp_month smallint,
    card_exp_year smallint,
    needs_attention text,
    seq bigint not null,
    created_at timestamptz default now() not null,
    updated_at timestamptz default now() not null,
    primary key (user_id),
    constraint subscriptions_status_known check (status in (
        'none', 'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled'
    )),
    unique (stripe_customer_id),
    unique (stripe_subscription_id)
);
comment on table billing.subscriptions is 'The projection: one row a user, written only by that user''s workflow';
"""

EVENTS = """
create table billing.events (
    id text not null,
    type text not null,
    created_at timestamptz not null,
    received_at timestamptz default now() not null,
    api_version text,
    livemode boolean not null,
    object_id text,
    stripe_customer_id text,
    stripe_subscription_id text,
    user_id text,
    status text default 'pending' not null,
    delivered_at timestamptz,
    applied_at timestamptz,
    primary key (id),
    constraint events_status_known check (status in ('pending', 'delivered', 'applied', 'ignored', 'orphan'))
);
create index events_orphans on billing.events (received_at) where status = 'orphan';
create index events_pending on billing.events (received_at) where status = 'pending';
comment on table billing.events is
    'The ledger of Stripe''s events: pending, delivered, applied, ignored (nothing to do) or orphan (no owner)';
"""

TIMELINE = """
create table billing.timeline (
    id bigint generated always as identity,
    user_id text not null,
    seq bigint not null,
    position smallint not null,
    at timestamptz not null,
    recorded_at timestamptz default now() not null,
    entry text not null,
    cause text not null,
    cause_id text,
    from_status text,
    to_status text,
    detail jsonb default '{}' not null,
    primary key (id),
    constraint timeline_once unique (user_id, seq, position)
);
comment on table billing.timeline is 'What happened to a customer, in order; append-only';
"""

NOTIFICATIONS = """
create table billing.notifications (
    id uuid not null,
    user_id text not null,
    kind text not null,
    occasion text not null,
    data jsonb default '{}' not null,
    status text default 'pending' not null,
    attempts integer default 0 not null,
    last_error text,
    created_at timestamptz default now() not null,
    sent_at timestamptz,
    primary key (id),
    constraint notifications_once unique (user_id, kind, occasion)
);
create index notifications_pending on billing.notifications (created_at) where status = 'pending';
comment on table billing.notifications is 'Letters due and sent: one a user, kind and occasion';
"""

OPERATIONS = """
create table billing.operations (
    id uuid not null,
    user_id text not null,
    idempotency_key text not null,
    kind text not null,
    fingerprint text not null,
    status text default 'pending' not null,
    result jsonb,
    created_at timestamptz default now() not null,
    completed_at timestamptz,
    primary key (id),
    constraint operations_status_known check (status in (
        'pending', 'succeeded', 'refused', 'declined', 'action_required', 'failed'
    )),
    constraint operations_once unique (user_id, idempotency_key)
);
comment on table billing.operations is
    'Intents by Idempotency-Key: pending or how they ended, with the outcome to answer again';
"""

CURSORS = """
create table billing.cursors (
    name text not null,
    position text not null,
    primary key (name)
);
comment on table billing.cursors is 'How far a catch-up has read';
"""

USERS = """
create view billing.users as
select id, name, email, image as avatar, "createdAt" as created_at, "updatedAt" as updated_at from public."user";
comment on view billing.users is 'People, as Better-Auth keeps them; read only what a letter needs';
"""


def upgrade() -> None:
    need_identities()
    for statement in (CUSTOMERS, SUBSCRIPTIONS, EVENTS, TIMELINE, NOTIFICATIONS, OPERATIONS, CURSORS, USERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop view billing.users")
    for table in TABLES:
        op.execute(f"drop table billing.{table}")


def need_identities() -> None:
    """Names and addresses are Better-Auth's; without its table there is nobody to bill."""
    if op.get_bind().exec_driver_sql("""select to_regclass('public."user"')""").scalar() is None:
        raise RuntimeError(
            'Better-Auth\'s table public."user" is not in this database. '
            "Run its own migration first (npx @better-auth/cli migrate), then migrate again."
        )
