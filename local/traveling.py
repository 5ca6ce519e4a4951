"""Commands on a stack that runs: play the demo again, move a customer ahead in time."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console

from activities.gateway import open_stripe
from database.session import make_engine
from local import configuration
from local.demo import play
from local.time_travel import TimeTravel
from workflows.connection import connect


class NoStack(Exception):
    """No stack has written its addresses into this state folder."""


@dataclass(frozen=True)
class RunningStack:
    """What ``stack.json`` says of a stack that runs: addresses, settings and the demo users' ids by first name."""

    addresses: Mapping[str, str]
    environment: Mapping[str, str]
    users: Mapping[str, str]

    @classmethod
    def described_in(cls, directory: Path) -> "RunningStack":
        """Read ``stack.json``; raises `NoStack` with what to do when there is none."""
        try:
            found = json.loads((directory / "stack.json").read_text())
        except FileNotFoundError:
            raise NoStack(f"No stack runs on {directory}; start one with `perennial up`.") from None
        return cls(
            found["addresses"], found["environment"], {name: user["id"] for name, user in found["users"].items()}
        )

    def user_id(self, name: str) -> str:
        """The id of a demo user, or the name itself when it is an id already."""
        return self.users.get(name.lower(), name)


def play_demo(stack: RunningStack, console: Console) -> None:
    """Play the demo once more, with a new customer."""
    asyncio.run(play(stack.environment, stack.addresses, console))


def fast_forward(stack: RunningStack, user_id: str, duration: timedelta) -> tuple[list[datetime], datetime]:
    """Move one customer ahead; answers the stops on the way and the customer's time at the end."""

    async def travel() -> tuple[list[datetime], datetime]:
        settings = configuration.settings(stack.environment)
        engine = make_engine(settings, application_name="perennial-fast-forward")
        try:
            async with open_stripe(settings) as stripe_client:
                traveler = TimeTravel(settings, await connect(settings), stripe_client, engine)
                return await traveler.fast_forward(user_id, duration), await traveler.now(user_id)
        finally:
            await engine.dispose()

    return asyncio.run(travel())
