"""What histories must not hold: the face of a card and the link to an open invoice."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CARDS = """
create table billing.cards (
    payment_method_id text not null,
    user_id text not null,
    brand text,
    last4 text,
    exp_month smallint,
    exp_year smallint,
    primary key (payment_method_id)
);
create index cards_of_user on billing.cards (user_id);
comment on table billing.cards is
    'What a customer recognises a card by; histories hold only its id';
"""

INVOICE_LINKS = """
create table billing.invoice_links (
    invoice_id text not null,
    user_id text not null,
    url text not null,
    created_at timestamptz default now() not null,
    primary key (invoice_id)
);
create index invoice_links_of_user on billing.invoice_links (user_id);
comment on table billing.invoice_links is
    'Where an open invoice is paid: whoever has the link sees the invoice, so histories hold only its id';
"""


def upgrade() -> None:
    """Two side tables, written when Stripe is looked at."""
    op.execute(CARDS)
    op.execute(INVOICE_LINKS)


def downgrade() -> None:
    """Both can be filled again from Stripe."""
    op.execute("drop table billing.invoice_links")
    op.execute("drop table billing.cards")
