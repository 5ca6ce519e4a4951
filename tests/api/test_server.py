"""What the server itself refuses, before any of our code is asked."""

import asyncio
import socket

import pytest

from api.server import LARGEST_HEAD, configuration
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
    async def app(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    config = configuration(app, make_settings(database))  # type: ignore[arg-type]  # an application of ASGI
    config.lifespan, config.loop = "off", "none"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))

        async def is_up() -> bool:
            return server.started

        await until(is_up, within=10, what="the server does not start")
        said = await answered(listening.getsockname()[1], *pieces)
        server.should_exit = True
        await task

    assert said.split(b" ")[1:2] in ([status], [] if status == b"431" else [status])
