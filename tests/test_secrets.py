"""Secrets stay in: API and worker as programs that fail in every way they can, and everything they say is searched."""

import asyncio
import base64
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client

from local import betterauth
from local.ports import HOST, any_free
from local.temporal import Temporal
from local.waiting import until
from settings import ROOT, Settings
from tests.fixtures.databases import as_service

SECRETS = {
    "STRIPE_API_KEY": "not_a_key_xylophone_stripe_1234567890",
    "STRIPE_WEBHOOK_SECRETS": "whsec_xylophonehook1,whsec_xylophonehook2",
    "AUTH_SECRET": "xylophone-better-auth-secret-0123456789",
    "SMTP_PASSWORD": "xylophone-smtp-password",
    "REDIS_URL": "redis://user:xylophone-redis@127.0.0.1:1/0",
    "PAYLOAD_KEYS": f"first:{b64encode(b'xylophone-payload-key-0123456789').decode()}",
    "CODEC_TOKEN": "xylophone-codec-token",
}
DATABASE_PASSWORD = "xylophone-database-password"
WORDS = ("secret", "password", "_key", "token", "database_url", "redis_url")
NO_SECRETS = {"auth_cookie_prefix", "api_tls_key"}
"""The second is where a key lies, and not the key."""


def pieces() -> set[str]:
    """Each secret whole, in parts, in base64."""
    whole = {DATABASE_PASSWORD, *(part for value in SECRETS.values() for part in value.split(","))}
    whole |= {SECRETS["PAYLOAD_KEYS"].partition(":")[2], "xylophone"}
    return whole | {b64encode(value.encode()).decode().rstrip("=") for value in whole}


def assert_nothing_gets_out(said: str) -> None:
    found = {piece for piece in pieces() if piece.lower() in said.lower()}
    assert not found, found


def environment(**decided: object) -> dict[str, str]:
    ports = {name: any_free() for name in ("api_metrics_port", "worker_metrics_port", "worker_temporal_metrics_port")}
    told = {"mode": "local", "temporal_address": f"{HOST}:1", "log_level": "debug", "log_format": "json",
            "database_url": f"postgresql://somebody:{DATABASE_PASSWORD}@{HOST}:1/none", "api_port": any_free(),
            "stripe_api_url": f"http://{HOST}:1", "smtp_username": "perennial",
            "app_url": "https://app.example.com"} | ports | decided  # fmt: skip
    ours = {f"PERENNIAL_{name.upper()}": str(value) for name, value in told.items()}
    secret = {f"PERENNIAL_{name}": value for name, value in SECRETS.items()}
    return {"PATH": os.defpath, "NO_PROXY": "*"} | secret | ours


@contextlib.asynccontextmanager
async def running(module: str, variables: Mapping[str, str]) -> AsyncIterator[bytearray]:
    """A program, and what it has said so far."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=ROOT, env=variables, stdout=PIPE, stderr=STDOUT
    )
    said = bytearray()

    async def listen() -> None:
        assert process.stdout
        while part := await process.stdout.read(65_536):
            said.extend(part)

    listening = asyncio.create_task(listen())
    try:
        yield said
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
        await listening


async def says(said: bytearray, *words: str) -> None:
    async def all_of_them() -> bool:
        return all(word.encode() in said for word in words)

    try:
        await until(all_of_them, within=60, what="it does not say so")
    except TimeoutError:
        raise AssertionError(f"{words} not in {said.decode()[-3000:]}") from None


def test_every_secret_is_one_that_hides_itself() -> None:
    named = {name for name in Settings.model_fields if any(word in name for word in WORDS)} - NO_SECRETS
    assert named >= {"database_url", "stripe_api_key", "auth_secret", "payload_keys"}
    for name in named:
        assert "SecretStr" in repr(Settings.model_fields[name].annotation), name
    fields = {name.removeprefix("PERENNIAL_").lower(): value for name, value in environment().items()}
    settings = Settings.model_validate({name: fields[name] for name in Settings.model_fields if name in fields})
    assert_nothing_gets_out(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}")


@pytest.mark.parametrize("module", ["worker", "api"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"database_url": f"mysql://somebody:{DATABASE_PASSWORD}@{HOST}/none"},
        {"payload_keys": "first:xylophone"},
        {"mode": "production"},
        {"api_port": "many"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_settings_that_are_wrong(module: str, wrong: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=ROOT, env=environment(**wrong), stdout=PIPE, stderr=STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode
    assert b"ValidationError" in said or b"validation error" in said
    assert_nothing_gets_out(said.decode())


async def test_an_api_that_nothing_answers(database: str) -> None:
    wrong = as_service(database).replace("a-password-for-tests", DATABASE_PASSWORD)
    variables = environment(database_url=wrong)
    async with running("api", variables) as said, httpx.AsyncClient(timeout=30, trust_env=False) as http:
        url = f"http://{HOST}:{variables['PERENNIAL_API_PORT']}"
        await until(lambda: _answers(http, url), within=60, what="the API does not answer")
        answers = [
            await http.get(f"{url}/readyz"),
            await http.get(f"{url}/billing/subscriptions/me", headers={"Authorization": f"Bearer {'x' * 32}"}),
            await http.post(f"{url}/billing/webhooks/stripe", json={}, headers={"Stripe-Signature": "t=1,v1=00"}),
        ]
        assert [answer.status_code for answer in answers] == [503, 503, 400]
        await says(said, "OperationalError")

    assert_nothing_gets_out(said.decode())
    assert_nothing_gets_out("".join(answer.text for answer in answers))


async def test_an_api_whose_temporal_is_away_and_whom_stripe_does_not_know(database: str, local_stripe: str) -> None:
    ada = betterauth.sign_in(database, name="Ada", email="ada@example.com", secret=SECRETS["AUTH_SECRET"])
    variables = environment(database_url=as_service(database), stripe_api_url=local_stripe)
    async with running("api", variables) as said, httpx.AsyncClient(timeout=60, trust_env=False) as http:
        url = f"http://{HOST}:{variables['PERENNIAL_API_PORT']}"
        await until(lambda: _answers(http, url), within=60, what="the API does not answer")
        pages = {"success_url": "https://app.example.com/", "cancel_url": "https://app.example.com/"}
        choice = {"plan": "BASIC", "interval": "month"}
        answers = [
            await http.post(f"{url}/billing/{path}", json=body, headers={"Cookie": ada.cookie})
            for path, body in (
                ("subscriptions", choice),
                ("checkout", choice | pages),
            )
        ]
        assert {answer.status_code for answer in answers} == {503}, [answer.text for answer in answers]
        await says(said, "request")

    assert_nothing_gets_out(said.decode())
    assert ada.token not in said.decode()
    assert_nothing_gets_out("".join(answer.text for answer in answers))


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await http.get(f"{url}/healthz")).status_code == 200
    return False


async def test_a_worker_without_temporal() -> None:
    async with running("worker", environment()) as said:
        await says(said, "temporal_away")
    assert_nothing_gets_out(said.decode())


@pytest_asyncio.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[Temporal]:
    async with Temporal(log=tmp_path / "temporal.log", database=tmp_path / "temporal.db") as server:
        yield server


@pytest_asyncio.fixture
async def unfriendly_mail() -> AsyncIterator[int]:
    """The port of a mail server that refuses to let us in, and repeats what it was told."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := (await reader.readline()).strip():
            if line.upper().startswith(b"EHLO"):
                writer.write(b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n")
            elif line.upper().startswith(b"QUIT"):
                break
            else:
                told = line + b" " + _opened(line.split()[-1])
                writer.write(b"535 5.7.8 not with " + told.replace(b"\x00", b" ") + b"\r\n")
        writer.close()

    server = await asyncio.start_server(talk, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def _opened(word: bytes) -> bytes:
    with contextlib.suppress(ValueError):
        return base64.b64decode(word, validate=True)
    return b""


async def test_a_worker_that_stripe_and_the_mail_server_turn_away(
    database: str, temporal: Temporal, local_stripe: str, unfriendly_mail: int
) -> None:
    ada = betterauth.sign_in(database, name="Ada", email="ada@example.com", secret=SECRETS["AUTH_SECRET"])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into billing.subscriptions (user_id, status, plan, seq) values (%s, 'active', 'BASIC', 1)", [ada.id]
        )
        connection.execute(
            "insert into billing.notifications (id, user_id, kind, occasion, data, created_at) values "
            "(gen_random_uuid(), %s, 'welcome', 'sub_1', '{\"plan\": \"BASIC\"}', now() - interval '10 minutes')",
            [ada.id],
        )
    variables = environment(
        database_url=as_service(database), temporal_address=temporal.address, stripe_api_url=local_stripe,
        smtp_port=unfriendly_mail, smtp_security="none", sweep_seconds=1, catch_up_seconds=1, identities_seconds=1,
    )  # fmt: skip

    async def letter_failed() -> bool:
        with psycopg.connect(database) as connection:
            return bool(connection.execute("select from billing.notifications where last_error is not null").fetchall())

    async with running("worker", variables) as said:
        await says(said, "worker_started", "(401)")
        await until(letter_failed, within=60, what="the mail server was not asked")

    with psycopg.connect(database) as connection:
        kept = connection.execute("select last_error from billing.notifications").fetchall()
    assert kept
    assert_nothing_gets_out(said.decode())
    assert_nothing_gets_out(str(kept))
    assert_nothing_gets_out(await _kept_by(temporal))


async def _kept_by(temporal: Temporal) -> str:
    """All histories of upkeep, with the failures in them."""
    client = await Client.connect(temporal.address, namespace="billing")
    told = []
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        told.append(json.loads((await handle.fetch_history()).to_json()))
        told.append(str((await handle.describe()).raw_description))
    return json.dumps(told)
