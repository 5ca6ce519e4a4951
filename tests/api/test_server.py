"""What the server itself refuses, before any of our code is asked."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api.server import LARGEST_HEAD, BoundedHead, configuration
from local.waiting import until
from tests.api.conftest import Server, make_settings


async def answered(port: int, *pieces: bytes) -> bytes:
    """What is said on one connection, piece by piece, until the server closes it or has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        said = await asyncio.wait_for(reader.read(65_536), 10)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return said


async def at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def served(database: str, app: ASGIApp) -> AsyncIterator[int]:
    """An application served as the API is; its port."""
    config = configuration(app, make_settings(database))  # type: ignore[arg-type]  # an application of ASGI
    config.lifespan, config.loop = "off", "none"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))

        async def is_up() -> bool:
            return server.started

        await until(is_up, within=10, what="the server does not start")
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"y" * LARGEST_HEAD * 8], b"431"),
        ([b"GET /", b"y" * LARGEST_HEAD * 8], b"431"),
        ([b"GET / HTTP/1.1\r\nhost: a\r\n", b"x: y\r\n" * LARGEST_HEAD], b"431"),
        ([b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"y" * 30_000, b"\r\n\r\n"], b"200"),
        ([b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n\r\n", b"y" * 500_000], b"200"),
    ],
    ids=["one header", "the address", "many headers", "long", "a body"],
)
async def test_a_head_that_does_not_end_ends_the_connection(database: str, pieces: list[bytes], status: bytes) -> None:
    async with served(database, at_once) as port:
        said = await answered(port, *pieces)

    assert said.split(b" ")[1:2] in ([status], [] if status == b"431" else [status])


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"", b""),
        (b"GET /", b""),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: y", b""),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: y", b"y"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nx: y", b"y"),
        (b"\r\n", b"\r\n"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50000\r\n\r\n", b"y"),
    ],
    ids=["nothing", "half a line", "half a head", "a trickle", "after an answer", "empty lines", "an answered body"],
)
async def test_a_head_that_takes_for_ever_ends_the_connection(
    database: str, monkeypatch: pytest.MonkeyPatch, begun: bytes, more: bytes
) -> None:
    monkeypatch.setattr(BoundedHead, "head_seconds", 0.3)
    async with served(database, at_once) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)

        async def is_closed() -> bool:
            writer.write(more)
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(reader.read(65_536), 0.05)
            return reader.at_eof() or reader.exception() is not None

        await until(is_closed, within=4, what="the connection is not closed")
        writer.close()


async def test_a_request_that_is_there_may_take_its_time(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHead, "head_seconds", 0.2)
    others_are_gone = asyncio.Event()

    async def in_time(scope: Scope, receive: Receive, send: Send) -> None:
        await others_are_gone.wait()
        await at_once(scope, receive, send)

    async with served(database, in_time) as port:
        waiting = asyncio.create_task(answered(port, b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{"))
        assert await answered(port, b"GET /") == b""
        others_are_gone.set()

        assert (await waiting).startswith(b"HTTP/1.1 200 ")
