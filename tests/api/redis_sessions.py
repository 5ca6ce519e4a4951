"""Sessions in Redis, as Better-Auth writes them; ``tests/betterauth`` shows that it does."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from local.betterauth import SignedInUser, new_id


def moment(days: float) -> str:
    """A moment so many days ahead, as JavaScript writes it."""
    at = datetime.now(UTC) + timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def session_of(user: SignedInUser, token: str, days: float = 7, **more: Any) -> dict[str, Any]:
    """The value of a session's key."""
    session = {"id": new_id(), "token": token, "userId": user.id, "expiresAt": moment(days), "createdAt": moment(-1)}
    return {
        "session": session | {"updatedAt": moment(-1)} | more,
        "user": {"id": user.id, "name": user.name, "email": user.email, "role": "user", "banned": False},
    }


async def sign_in(redis: Redis, user: SignedInUser, **more: Any) -> str:
    """A session of this user's that is only in Redis; its token."""
    token = new_id()
    await keep(redis, token, session_of(user, token, **more))
    return token


async def keep(redis: Redis, token: str, stored: object) -> None:
    """Put a value where Better-Auth would."""
    text = stored if isinstance(stored, str) else json.dumps(stored)
    await redis.set(f"better-auth:{token}", text, ex=604_800)
