"""Projects and who is in them: the roles, and what each may do."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in a project. The owner's plan is what everybody in it lives on."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"

    @property
    def invites(self) -> bool:
        """May add people, remove them and give them roles; the owner's own place is nobody's to give."""
        return self in {Role.OWNER, Role.ADMIN}


def role_called(name: str | None) -> Role:
    """A role by the name that somebody else's table has; one that is not ours is no more than a member's."""
    return Role(name) if name in set(Role) else Role.MEMBER
