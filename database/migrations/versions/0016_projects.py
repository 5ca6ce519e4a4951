"""Projects and who is in them, for teams that keep that here."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A project is there as long as it has an owner, and it has one."""
    op.execute(
        """
        create table billing.project_members (
            project_id text not null,
            user_id text not null,
            role text not null,
            added_at timestamptz not null default now(),
            constraint project_members_pkey primary key (project_id, user_id),
            constraint project_members_role_known check (role in ('owner', 'admin', 'member'))
        )
        """
    )
    op.execute("create index project_members_of_user on billing.project_members (user_id, role)")
    op.execute("create unique index project_members_owner on billing.project_members (project_id) where role = 'owner'")
    op.execute(
        "comment on table billing.project_members is 'Who is in which project; the owner''s plan is what it lives on'"
    )


def downgrade() -> None:
    """Nobody is in any project any more."""
    op.execute("drop table billing.project_members")
