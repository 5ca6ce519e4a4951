"""Who was let in, and by what."""

from dataclasses import dataclass, field
from enum import StrEnum


class Means(StrEnum):
    """What kind of credential let a caller in; they are not worth the same."""

    SESSION = "session"
    JWT = "jwt"
    API_KEY = "api_key"


@dataclass(frozen=True)
class Caller:
    """The user whom a request is about, and who stands behind it."""

    user_id: str
    means: Means = Means.SESSION
    roles: frozenset[str] = frozenset()
    impersonated_by: str | None = None
    """The administrator who is looking through this user's eyes."""
    api_key: str | None = None
    scopes: frozenset[str] = field(default=frozenset())

    @property
    def actor(self) -> str | None:
        """Who acts when it is not the user in person, as operations keep it."""
        if self.impersonated_by is not None:
            return f"impersonator:{self.impersonated_by}"
        return f"api_key:{self.api_key}" if self.api_key else None

    def actor_for(self, user_id: str) -> str | None:
        """Who acts for a user; None for the user in person."""
        return self.actor if user_id == self.user_id else f"operator:{self.user_id}"
