"""The contract against a machine that reads it and lies: two users, every route, and nothing of one for the other."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from lifecycle.intents import ChangePlan, Convert, Outcome, Request, Result, Subscribe
from local.betterauth import SignedInUser
from tests.api.conftest import Api, in_days, make_settings, running_api

SECONDS, SECONDS_OF_ADMIN = 28, 8
LIMITS = ("reads", "writes", "anonymous", "failed_sign_ins", "webhooks")
CONFIG = """
seed = 7
[auth.wfc]
path = "users.json"
peers = ["ada", "bob"]
[checks]
object_level_authorization.enabled = true
# what is well written may still be refused: a plan nobody sells, a key used before, a declined card, no signature
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "402", "403", "404", "409", "422"]
"""


def users(folder: Path, **people: SignedInUser) -> None:
    """https://schemathesis.readthedocs.io/en/stable/guides/object-level-authorization/"""
    entries = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {user.token}"}]}
        for name, user in people.items()
    ]
    (folder / "users.json").write_text(json.dumps({"auth": entries}))


MAY_BE_REFUSED = (
    Outcome(Result.DONE),
    None,
    Outcome(Result.REFUSED, "past_due", "An invoice is open."),
    Outcome(Result.DECLINED, "insufficient_funds", "The bank declined."),
    None,
    Outcome(Result.ACTION_REQUIRED),
)
IS_DONE = (Outcome(Result.DONE), None)


def answer_in_every_way(api: Api) -> None:
    """Workflows whose outcomes take turns; None takes longer than its request, which makes an operation to ask for."""
    charged, free = itertools.cycle(MAY_BE_REFUSED), itertools.cycle(IS_DONE)

    def carry_out(user_id: str, request: Request) -> None:
        api.door.says = next(charged if isinstance(request.intent, (Subscribe, ChangePlan, Convert)) else free)
        api.subscribed(user_id, stripe_subscription_id="sub_1", current_period_ends_at=in_days(20))

    api.door.meanwhile = carry_out


async def explored(api: Api, folder: Path, seconds: int, *options: str) -> tuple[int, str]:
    (folder / "schemathesis.toml").write_text(CONFIG)
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "--config-file", "schemathesis.toml", "run", f"{api.url}/openapi.json", "--checks", "all"]
    command += ["--max-time", str(seconds), "--no-color", "--max-examples", "12", "--continue-on-failure", *options]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest_asyncio.fixture
async def unlimited(database: str) -> AsyncIterator[Api]:
    """An API that does not mind how often it is asked."""
    off = {f"rate_{name}": "off" for name in LIMITS}
    async with running_api(make_settings(database, **off)) as api:
        answer_in_every_way(api)
        yield api


async def test_two_users_and_every_route(unlimited: Api, ada: SignedInUser, bob: SignedInUser, tmp_path: Path) -> None:
    users(tmp_path, ada=ada, bob=bob)

    code, output = await explored(unlimited, tmp_path, SECONDS)

    assert code == 0, output[-20_000:]
    paths = (await unlimited.client.get("/openapi.json")).json()["paths"]
    assert f"{sum(len(path) for path in paths.values())} selected" in output
    assert unlimited.row("select count(*) from billing.operations")["count"] > 20, "writes were carried out"


async def test_administrators(unlimited: Api, ada: SignedInUser, bob: SignedInUser, tmp_path: Path) -> None:
    unlimited.rows("""update "user" set role = 'admin'""")
    users(tmp_path, ada=ada, bob=bob)

    only = ("--include-path-regex", "/billing/admin", "--exclude-checks", "object_level_authorization")
    code, output = await explored(unlimited, tmp_path, SECONDS_OF_ADMIN, *only)

    assert code == 0, output[-20_000:]
