"""Keys for a team's own servers, and who asked when it was not the user in person."""

from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Operations from before were asked for by their users, or by an operator whom the intent names."""
    op.execute(
        """
        create table billing.api_keys (
            id uuid not null,
            name text not null,
            digest text not null,
            scopes text[] not null,
            created_at timestamptz not null default now(),
            created_by text not null,
            last_used_at timestamptz,
            revoked_at timestamptz,
            constraint api_keys_pkey primary key (id),
            constraint api_keys_digest_key unique (digest)
        )
        """
    )
    op.execute(
        "comment on table billing.api_keys is"
        " 'Keys with which a team''s own servers act for a named user: a digest of the secret, and what it may do'"
    )
    op.execute("alter table billing.operations add column actor text")


def downgrade() -> None:
    """Every key is worthless then."""
    op.execute("alter table billing.operations drop column actor")
    op.execute("drop table billing.api_keys")
