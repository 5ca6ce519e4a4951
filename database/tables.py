"""What everybody reads, as tables: schema ``billing``, beside Better-Auth's own tables in ``public``.

Times are ``timestamptz`` (aware UTC), money is integers in minor units beside a currency,
and ids of Stripe are plain unique columns, never keys that others refer to. ``database/migrations`` creates them;
a test keeps both equal.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from lifecycle.projects import Role
from lifecycle.statuses import Status
from lifecycle.trial_claims import ClaimKind

SCHEMA = "billing"
metadata = MetaData(schema=SCHEMA)


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({allowed})", name=name)


EVENT_STATUSES = ("pending", "delivered", "applied", "ignored", "orphan")
OPERATION_STATUSES = ("pending", "succeeded", "refused", "declined", "action_required", "failed")

customers = Table(
    "customers",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("stripe_customer_id", Text, unique=True),
    _moment("trial_used_at"),
    Column("test_clock_id", Text),
    Column("clock_offset_seconds", BigInteger, nullable=False, server_default=text("0")),
    _now("created_at"),
    _moment("forgotten_at"),
    Column("former_customer_id", Text),
    _moment("missing_since"),
    Column("identity_hash", Text),
    Column("currency", Text),
    CheckConstraint("clock_offset_seconds >= 0", name="customers_clock_never_behind"),
    Index("customers_missing", "missing_since", postgresql_where=text("missing_since is not null")),
    comment="Who a user is to Stripe, and what outlives one subscription",
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("stripe_customer_id", Text, unique=True),
    Column("stripe_subscription_id", Text, unique=True),
    Column("plan", Text),
    Column("interval", Text),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("status", Text),
    _moment("trial_ends_at"),
    _moment("current_period_starts_at"),
    _moment("current_period_ends_at"),
    Column("cancel_at_period_end", Boolean, nullable=False, server_default=text("false")),
    _moment("cancel_at"),
    Column("cancel_reason", Text),
    _moment("ended_at"),
    _moment("past_due_since"),
    _moment("grace_ends_at"),
    Column("open_invoice_id", Text),
    Column("open_invoice_url", Text),
    Column("open_invoice_amount", BigInteger),
    _moment("next_payment_attempt_at"),
    Column("action_required", Boolean, nullable=False, server_default=text("false")),
    Column("card_brand", Text),
    Column("card_last4", Text),
    Column("card_exp_month", SmallInteger),
    Column("card_exp_year", SmallInteger),
    Column("needs_attention", Text),
    Column("seq", BigInteger, nullable=False),
    _now("created_at"),
    _now("updated_at"),
    Column("planned_plan", Text),
    Column("planned_interval", Text),
    Column("planned_amount", BigInteger),
    _moment("planned_at"),
    Column("planned_invoice_url", Text),
    _moment("started_at"),
    _moment("suspended_at"),
    Column("quantity", Integer),
    Column("planned_quantity", Integer),
    Column("policy", JSONB),
    _one_of("status", Status, "subscriptions_status_known"),
    Index(
        "subscriptions_by_start",
        text("coalesce(started_at, created_at)"),
        postgresql_where=text("status not in ('canceled', 'incomplete_expired')"),
    ),
    comment="The projection: one row a user, written only by that user's workflow",
)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    _moment("created_at", nullable=False),
    _now("received_at"),
    Column("api_version", Text),
    Column("livemode", Boolean, nullable=False),
    Column("object_id", Text),
    Column("stripe_customer_id", Text),
    Column("stripe_subscription_id", Text),
    Column("user_id", Text),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    _moment("delivered_at"),
    _moment("applied_at"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _moment("next_attempt_at"),
    _one_of("status", EVENT_STATUSES, "events_status_known"),
    Index("events_pending", "received_at", postgresql_where=text("status = 'pending'")),
    Index("events_open_of_user", "user_id", postgresql_where=text("status in ('pending', 'delivered')")),
    Index("events_of_user", "user_id", "received_at"),
    Index("events_by_age", "received_at", postgresql_using="brin"),
    Index("events_orphans", "received_at", postgresql_where=text("status = 'orphan'")),
    comment="The ledger of Stripe's events: pending, delivered, applied, ignored (nothing to do) or orphan (no owner)",
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    _moment("at", nullable=False),
    _now("recorded_at"),
    Column("entry", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("cause_id", Text),
    Column("from_status", Text),
    Column("to_status", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    UniqueConstraint("user_id", "seq", "position", name="timeline_once"),
    comment="What happened to a customer, in order; append-only",
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("data", JSONB, nullable=False, server_default=text("'{}'")),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    _now("created_at"),
    _moment("sent_at"),
    _moment("claimed_at"),
    UniqueConstraint("user_id", "kind", "occasion", name="notifications_once"),
    Index("notifications_pending", "created_at", postgresql_where=text("status = 'pending'")),
    comment="Letters due and sent: one a user, kind and occasion",
)

operations = Table(
    "operations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("result", JSONB),
    _now("created_at"),
    _moment("completed_at"),
    Column("answer", JSONB),
    Column("intent", JSONB),
    _moment("promised_at"),
    _moment("asked_at"),
    Column("actor", Text),
    _moment("busy_until"),
    Index("operations_by_age", "created_at", postgresql_using="brin"),
    Index("operations_promised", "asked_at", postgresql_where=text("status = 'pending' and promised_at is not null")),
    _one_of("status", OPERATION_STATUSES, "operations_status_known"),
    UniqueConstraint("user_id", "idempotency_key", name="operations_once"),
    comment="Intents by Idempotency-Key: pending or how they ended, with the outcome to answer again",
)

cards = Table(
    "cards",
    metadata,
    Column("payment_method_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("brand", Text),
    Column("last4", Text),
    Column("exp_month", SmallInteger),
    Column("exp_year", SmallInteger),
    Index("cards_of_user", "user_id"),
    comment="What a customer recognises a card by; histories hold only its id",
)

invoice_links = Table(
    "invoice_links",
    metadata,
    Column("invoice_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    _now("created_at"),
    Index("invoice_links_of_user", "user_id"),
    comment="Where an open invoice is paid: whoever has the link sees the invoice, so histories hold only its id",
)

trial_claims = Table(
    "trial_claims",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    _now("claimed_at"),
    _one_of("kind", ClaimKind, "trial_claims_kind_known"),
    Index("trial_claims_of_user", "user_id"),
    comment="What a free trial was taken with, as digests: one trial each",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _now("created_at"),
    Column("created_by", Text, nullable=False),
    _moment("last_used_at"),
    _moment("revoked_at"),
    comment="Keys with which a team's own servers act for a named user: a digest of the secret, and what it may do",
)

project_members = Table(
    "project_members",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    _now("added_at"),
    _one_of("role", Role, "project_members_role_known"),
    Index("project_members_of_user", "user_id", "role"),
    Index("project_members_owner", "project_id", unique=True, postgresql_where=text("role = 'owner'")),
    comment="Who is in which project; the owner's plan is what it lives on",
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Text, nullable=False),
    comment="How far a catch-up has read",
)
