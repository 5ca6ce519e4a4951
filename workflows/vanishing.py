"""Users whom the app has deleted without a word to us are forgotten here, too, after a time to think better of it."""

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from database.audit import Act
from database.identities import miss_users, vanished_users
from lifecycle.intents import Forget
from settings import Settings
from workflows.operating import ask_for
from workflows.promises import DEADLINE_SECONDS, Door

BATCH = 50
FEW = 20
SHARE = 0.1
"""More than a few, and more than this share of all customers, do not vanish in one day: somebody lost a table."""

_log = structlog.get_logger(__name__)


class Vanishing:
    """An activity of every few minutes."""

    def __init__(self, engine: AsyncEngine, door: Door, settings: Settings) -> None:
        self._engine = engine
        self._door = door
        self._hours = settings.vanished_after_hours

    @activity.defn(name="vanishing.forget")
    async def forget(self) -> int:
        """Forget who has been gone for long enough; answers how many are done. What is not, is promised."""
        everybody, missing = await miss_users(self._engine)
        if missing > max(FEW, everybody * SHARE):
            _log.error("too_many_users_vanished", customers=everybody, missing=missing)
            return 0
        done = 0
        for user_id, since in await vanished_users(self._engine, self._hours, BATCH):
            activity.heartbeat(done)
            done += await self._has_forgotten(user_id, f"vanished/{since:%Y-%m-%dT%H:%M:%S}")
        return done

    async def _has_forgotten(self, user_id: str, key: str) -> bool:
        act = Act("upkeep:identities", "forget", user_id)
        try:
            asked = await ask_for(self._engine, self._door, user_id, Forget(), act, key=key, deadline=DEADLINE_SECONDS)
        except Exception as error:  # one who cannot be forgotten now must not keep the others
            _log.warning("forgetting_waits", user_id=user_id, reason=type(error).__name__)
            return False
        return asked.outcome is not None
