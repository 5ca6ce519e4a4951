"""The codec server as Temporal's Web UI calls it, and as a stranger's web page would like to."""

import base64
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads

from api.codec_server import MOST_BYTES, NotSafe, create_codec_server
from settings import Settings
from tests.api.conftest import make_settings, serving
from workflows.payloads import converter_for

UI = "http://127.0.0.1:8080"
TOKEN = "a-token-of-this-test-only"
KEY = f"first:{base64.b64encode(secrets.token_bytes(32)).decode()}"
JSON = {"Content-Type": "application/json", "X-Namespace": "billing"}


def settings_with(**more: Any) -> Settings:
    return make_settings("postgresql://nobody@127.0.0.1:1/none", payload_keys=KEY, **more)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[httpx.AsyncClient]:
    app = create_codec_server(settings_with(), "127.0.0.1")
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield client


async def payloads(*values: object) -> dict[str, Any]:
    """As the Web UI sends them: https://docs.temporal.io/production-deployment/data-encryption"""
    written = await converter_for(settings_with()).encode(values)
    return dict(json.loads(json_format.MessageToJson(Payloads(payloads=written))))


def data_of(answer: httpx.Response) -> list[bytes]:
    return [base64.b64decode(payload["data"]) for payload in answer.json()["payloads"]]


async def test_the_web_ui_reads(server: httpx.AsyncClient) -> None:
    asked = await payloads({"plan": "BASIC"}, "ada")

    answer = await server.post("/decode", json=asked, headers=JSON | {"Origin": UI})

    assert data_of(answer) == [b'{"plan":"BASIC"}', b'"ada"']
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["cache-control"] == "no-store"
    preflight = {"Origin": UI, "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "content-type,x-namespace,authorization"}  # fmt: skip
    assert (await server.options("/decode", headers=preflight)).status_code == 200


async def test_what_is_encoded_is_decoded_again(server: httpx.AsyncClient) -> None:
    clear = {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IjEi"}]}
    encoded = (await server.post("/encode", json=clear)).json()
    assert encoded != clear
    assert (await server.post("/decode", json=encoded)).json() == clear


async def test_a_payload_of_a_key_that_is_gone_does_not_hide_the_others(server: httpx.AsyncClient) -> None:
    asked = await payloads("readable", "lost")
    asked["payloads"][1]["metadata"]["encryption-key-id"] = base64.b64encode(b"gone").decode()

    answer = await server.post("/decode", json=asked)

    assert data_of(answer)[0] == b'"readable"'
    assert answer.json()["payloads"][1] == asked["payloads"][1]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (JSON | {"Origin": "https://evil.example"}, b'{"payloads":[]}', 403),
        (JSON | {"Origin": "null"}, b'{"payloads":[]}', 403),
        ({"Content-Type": "text/plain"}, b'{"payloads":[]}', 415),
        ({}, b'{"payloads":[]}', 415),
        (JSON, b"{", 400),
        (JSON, b"\xff\xfe", 400),
        (JSON, b'{"payloads":[{"data":7}]}', 400),
        (JSON, b'{"other":[]}', 400),
        (JSON, b" " * (MOST_BYTES + 1), 413),
    ],
)
async def test_strangers_and_nonsense_are_refused(
    server: httpx.AsyncClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await server.post("/decode", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers.get("access-control-allow-origin") in {None, UI}
    assert (await server.get("/decode")).status_code == 405


async def test_beyond_this_machine_it_wants_a_token() -> None:
    with pytest.raises(NotSafe, match="PERENNIAL_CODEC_TOKEN"):
        create_codec_server(settings_with(), "0.0.0.0")
    with pytest.raises(NotSafe, match="PERENNIAL_PAYLOAD_KEYS"):
        create_codec_server(make_settings("postgresql://nobody@127.0.0.1:1/none"), "127.0.0.1")

    app = create_codec_server(settings_with(codec_token=TOKEN), "0.0.0.0")
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        for shown in (None, "", "Bearer", "Bearer x", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN}x"):
            headers = JSON | ({"Authorization": shown} if shown is not None else {})
            assert (await client.post("/decode", json={"payloads": []}, headers=headers)).status_code == 401
        headers = JSON | {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.post("/decode", json={"payloads": []}, headers=headers)).status_code == 200
