"""Clients that send half a request: they are told that it is theirs, and nobody takes it for an outage of ours."""

import asyncio
import json
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from api.envelope import CLIENT_LEFT, TimeLimit
from api.webhooks import PATH as DOOR
from local.waiting import until
from tests.api.conftest import Api, make_settings, running_api

SUBSCRIBE = "/billing/subscriptions"


async def said_to_half(url: str, path: str) -> tuple[bytes, dict[str, Any]]:
    """Head and body of what is answered to a body of which one byte of fifty comes, until the connection ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(half(host, path))
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = said.partition(b"\r\n\r\n")
    return head.lower(), json.loads(body)


def half(host: str, path: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", "Content-Length: 50")
    return "\r\n".join([*lines, "", "{"]).encode()


@pytest.mark.parametrize("path", [SUBSCRIBE, DOOR])
async def test_a_body_that_does_not_arrive_is_the_clients_fault(
    database: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("api.app.MARGIN_SECONDS", 0.2)
    async with running_api(make_settings(database, request_deadline_seconds=0.2)) as api:
        head, body = await said_to_half(api.url, path)

    assert head.startswith(b"http/1.1 408 ")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head, "what comes later is no new request"
    assert body["code"] == "request_timeout"


async def test_a_part_of_ours_that_falls_silent_is_not() -> None:
    answered: list[Message] = []

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        assert not (await receive())["more_body"]
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    await TimeLimit(silent, seconds=0.05)({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)

    assert answered[0]["status"] == 503


@pytest.mark.parametrize("path", [SUBSCRIBE, DOOR])
async def test_a_client_that_leaves_in_the_middle_is_no_fault_of_ours(api: Api, path: str) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    left, broken = answered(path, CLIENT_LEFT), answered(path, 500)
    with structlog.testing.capture_logs() as logged:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(half(host, path))
        await writer.drain()
        writer.close()

        async def is_accounted_for() -> bool:
            return answered(path, CLIENT_LEFT) + answered(path, 500) > left + broken

        await until(is_accounted_for, within=10, what="the request does not end")

    assert answered(path, CLIENT_LEFT) == left + 1
    assert [line["status"] for line in logged if line["event"] == "request"] == [CLIENT_LEFT]
    assert not [line for line in logged if line["log_level"] == "error"]


def answered(path: str, status: int) -> float:
    labels = {"method": "POST", "route": path, "status": str(status)}
    return REGISTRY.get_sample_value("perennial_request_seconds_count", labels) or 0.0
