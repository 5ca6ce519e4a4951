"""One owner's projects while nobody else changes them: what is counted stays true until what follows is written."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from database.reading import SUBSCRIPTION
from lifecycle.projects import Role

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('perennial/projects/' || :owner_id, 0))")
_COUNT = text("select count(*) from billing.project_members where user_id = :owner_id and role = 'owner'")
_SEATS = text(
    """
    select count(distinct people.user_id) as taken,
        coalesce(bool_or(people.user_id = cast(:user_id as text)), false) as is_among_them
    from billing.project_members as own
    join billing.project_members as people using (project_id)
    where own.user_id = :owner_id and own.role = 'owner'
    """
)
_PLACE = text(
    """
    select own.role, own.added_at
    from billing.project_members as own
    join billing.project_members as boss on boss.project_id = own.project_id and boss.role = 'owner'
    where own.project_id = :project_id and own.user_id = :user_id and boss.user_id = :owner_id
    """
)
_LEFT_BEHIND = text(
    """
    delete from billing.project_members
    where project_id = :project_id and not exists (
        select from billing.project_members as boss where boss.project_id = :project_id and boss.role = 'owner'
    )
    """
)
_FOUND = text(
    """
    insert into billing.project_members (project_id, user_id, role) values (:project_id, :owner_id, 'owner')
    on conflict do nothing
    returning added_at
    """
)
_DELETE = text("delete from billing.project_members where project_id = :project_id")
_SEAT = text(
    """
    insert into billing.project_members (project_id, user_id, role) values (:project_id, :user_id, :role)
    on conflict (project_id, user_id) do update set role = excluded.role
    returning added_at
    """
)
_UNSEAT = text("delete from billing.project_members where project_id = :project_id and user_id = :user_id")
_USER = text("select exists (select from billing.users where key = billing.key_of_user(:user_id))")


class OwnersProjects:
    """What an owner has, as long as the transaction lasts."""

    def __init__(self, connection: AsyncConnection, owner_id: str) -> None:
        self._connection = connection
        self.owner_id = owner_id

    async def subscription(self) -> dict[str, Any] | None:
        """The owner's projection; see `database.reading.read_subscription`."""
        row = (await self._connection.execute(SUBSCRIPTION, {"user_id": self.owner_id})).mappings().one_or_none()
        return None if row is None else dict(row)

    async def count(self) -> int:
        """How many projects there are."""
        return int((await self._connection.execute(_COUNT, {"owner_id": self.owner_id})).scalar_one())

    async def seats(self, user_id: str) -> tuple[int, bool]:
        """How many people are in all of the owner's projects, the owner among them, and whether this one is.

        A person takes one seat, however many projects they are in.
        """
        values = {"owner_id": self.owner_id, "user_id": user_id}
        row = (await self._connection.execute(_SEATS, values)).one()
        return max(row.taken, 1), row.is_among_them or user_id == self.owner_id

    async def place(self, project_id: str, user_id: str) -> tuple[Role, datetime] | None:
        """A person's role in a project of this owner, and since when."""
        values = {"project_id": project_id, "user_id": user_id, "owner_id": self.owner_id}
        row = (await self._connection.execute(_PLACE, values)).one_or_none()
        return None if row is None else (Role(row.role), row.added_at)

    async def begin(self, project_id: str) -> datetime | None:
        """A new project of this owner; None: the id is somebody else's.

        Rows that a project without an owner left behind let nobody into the new one.
        """
        await self._connection.execute(_LEFT_BEHIND, {"project_id": project_id})
        values = {"project_id": project_id, "owner_id": self.owner_id}
        begun: datetime | None = (await self._connection.execute(_FOUND, values)).scalar()
        return begun

    async def end(self, project_id: str) -> None:
        """Nobody is in it any more."""
        await self._connection.execute(_DELETE, {"project_id": project_id})

    async def seat(self, project_id: str, user_id: str, role: Role) -> datetime:
        """Let a person in, or give them another role; answers since when they are in."""
        values = {"project_id": project_id, "user_id": user_id, "role": role.value}
        since: datetime = (await self._connection.execute(_SEAT, values)).scalar_one()
        return since

    async def unseat(self, project_id: str, user_id: str) -> None:
        """A person is in it no more."""
        await self._connection.execute(_UNSEAT, {"project_id": project_id, "user_id": user_id})

    async def is_user(self, user_id: str) -> bool:
        """Whether the app knows such a user."""
        return bool((await self._connection.execute(_USER, {"user_id": user_id})).scalar())


@contextlib.asynccontextmanager
async def projects_of(engine: AsyncEngine, owner_id: str) -> AsyncIterator[OwnersProjects]:
    """Change one owner's projects, one change after the other, so that two at once cannot exceed a limit.

    All of it is undone when the block raises.
    """
    async with engine.begin() as connection:
        await connection.execute(_LOCK, {"owner_id": owner_id})
        yield OwnersProjects(connection, owner_id)


async def count_projects(engine: AsyncEngine, owner_id: str) -> int:
    """How many projects an owner has now; another moment may have more."""
    async with engine.connect() as connection:
        return await OwnersProjects(connection, owner_id).count()


async def count_seats(engine: AsyncEngine, owner_id: str) -> int:
    """How many people are in an owner's projects now, the owner among them."""
    async with engine.connect() as connection:
        taken, _ = await OwnersProjects(connection, owner_id).seats(owner_id)
    return taken
