"""Who is in a project, and whose plan it lives on: one question, asked of our own table or of somebody else's.

The question is one SELECT in a file. Where it is not ours, it runs in a transaction that cannot write.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import TextClause, text
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from lifecycle.projects import Role, role_called

SHIPPED = Path(__file__).parent / "membership_sources"
KEPT_HERE = "perennial"

_ASIDE = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)"""
    r"""|(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)""",
    re.DOTALL,
)
_CAST = re.compile(r"(:(?:project_id|user_id))::")
_NOBODY = "00000000-0000-0000-0000-000000000000"
_ASKED = {"project_id", "user_id"}
_ANSWERED = {"owner_id", "role"}


class InvalidMembershipQuery(ValueError):
    """The question is not one that can be asked; the message says what is wrong."""


@dataclass(frozen=True)
class Membership:
    """A person's place in a project. ``owner_id`` is whose plan counts."""

    project_id: str
    user_id: str
    role: Role
    owner_id: str


class Memberships:
    """The one way to learn who is in a project."""

    def __init__(self, engine: AsyncEngine, source: str = KEPT_HERE, file: Path | None = None) -> None:
        """``source`` is a shipped question, or ``custom`` with its ``file``; raises `InvalidMembershipQuery`."""
        self.is_kept_here = source == KEPT_HERE
        self._statement = read_question(file or SHIPPED / f"{source}.sql")
        quick = {"isolation_level": "AUTOCOMMIT"}  # our own needs no transaction around it; others' is fenced in
        self._asking = engine.execution_options(**(quick if self.is_kept_here else {"postgresql_readonly": True}))

    async def of(self, project_id: str, user_id: str) -> Membership | None:
        """The user's place in the project; None: not in it, or no such project, which is the same to whoever asks.

        An id that cannot be one where they are kept (it is no UUID there, say) is no project either.
        """
        values = {"project_id": project_id, "user_id": user_id}
        try:
            async with self._asking.connect() as connection:
                row = (await connection.execute(self._statement, values)).mappings().first()
        except DataError:
            return None
        if row is None or not row["owner_id"]:
            return None
        return Membership(project_id, user_id, role_called(row["role"]), str(row["owner_id"]))

    async def try_out(self) -> None:
        """Ask once about nobody; raises `InvalidMembershipQuery` with what PostgreSQL says against the question.

        While PostgreSQL is away nothing can be said, nor where ids have a form that nobody's has not.
        """
        if self.is_kept_here:
            return
        try:
            async with self._asking.connect() as connection:
                answer = await connection.execute(self._statement, {"project_id": _NOBODY, "user_id": _NOBODY})
                missing = _ANSWERED - set(answer.keys())
        except (OperationalError, InterfaceError, PoolTimeout, DataError, OSError):
            return
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            raise InvalidMembershipQuery(f"PostgreSQL refuses the question who is in a project: {reason}") from None
        if missing:
            raise InvalidMembershipQuery(f"the question does not answer {', '.join(sorted(missing))}")


def read_question(file: Path) -> TextClause:
    """One SELECT with ``:project_id`` and ``:user_id`` that answers ``owner_id`` and ``role``.

    Raises `InvalidMembershipQuery`. This is for whoever mistypes; that it is one statement and writes nothing is what
    PostgreSQL's extended protocol and a read-only transaction see to.
    """
    try:
        written = file.read_text()
    except OSError as error:
        raise InvalidMembershipQuery(f"{file.name} cannot be read: {error}") from error
    plain = _ASIDE.sub(lambda found: " " if found["comment"] else found[0], written).strip().removesuffix(";")
    bare = _ASIDE.sub("''", plain)
    if not re.match(r"(select|with)\b", bare, re.IGNORECASE):
        raise InvalidMembershipQuery(f"{file.name}: a single SELECT is needed")
    if ";" in bare:
        raise InvalidMembershipQuery(f"{file.name}: there is more than one statement")
    statement = text(_CAST.sub(r"\1 ::", plain))  # SQLAlchemy takes `:name::type` for no parameter
    asked = set(statement.compile().params)
    if asked != _ASKED:
        raise InvalidMembershipQuery(f"{file.name}: :project_id and :user_id are needed, and no other")
    return statement
