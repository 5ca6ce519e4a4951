"""Every line of an installation over TLS, with a certificate authority that lives as long as the test."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.server import configuration
from database.session import make_engine, migrate
from local import betterauth
from local.ports import any_free
from tests.api.conftest import Server, make_settings, new_database
from tests.fixtures.certificates import Authority
from tests.fixtures.databases import SERVICE

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.asynccontextmanager
async def https_api(authority: Authority, host: str) -> AsyncIterator[int]:
    certificate, key = authority.issue(host)
    port = any_free()
    settings = make_settings(NOWHERE, api_port=port, api_tls_certificate=certificate, api_tls_key=key)
    config = configuration(create_app(settings), settings)
    config.loop = "none"
    server = Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await task


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


async def test_the_api_serves_https_itself(authority: Authority) -> None:
    async with (
        https_api(authority, "127.0.0.1") as port,
        httpx.AsyncClient(verify=trusting(authority), base_url=f"https://127.0.0.1:{port}") as client,
    ):
        response = await client.get("/healthz")

    assert response.json() == {"status": "ok", "checks": {}}
    assert response.headers["strict-transport-security"].startswith("max-age=")


async def test_nobody_talks_to_it_in_the_clear_in_an_old_way_or_under_another_name(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with https_api(authority, "billing.example.com") as port:
        for context in (trusting(authority), trusting(stranger)):
            async with httpx.AsyncClient(verify=context) as client:
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                    await client.get(f"https://127.0.0.1:{port}/healthz")
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.HTTPError):
                await client.get(f"http://127.0.0.1:{port}/healthz")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=_old())


def _old() -> ssl.SSLContext:
    """A client that knows TLS 1.1 and nothing newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_the_server_offers_nothing_older_than_tls_1_2(authority: Authority) -> None:
    certificate, key = authority.issue("localhost")
    settings = make_settings(NOWHERE, api_tls_certificate=certificate, api_tls_key=key)
    config: uvicorn.Config = configuration(create_app(settings), settings)
    config.load()

    assert config.ssl is not None
    assert config.ssl.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not config.proxy_headers


@contextlib.asynccontextmanager
async def secured(address: str, files: tuple[Path, Path]) -> AsyncIterator[tuple[int, list[str | None]]]:
    """A PostgreSQL that takes TLS only, before one that was built without it; its port, and the versions spoken.

    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
    """
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    spoken: list[str | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readexactly(8) == GSS_REQUEST:
                writer.write(b"N")
            writer.write(b"S")
            await writer.start_tls(context)
            spoken.append(writer.get_extra_info("ssl_object").version())
            inner = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_pour(reader, inner[1]), _pour(inner[0], writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], spoken


GSS_REQUEST = (8).to_bytes(4, "big") + (80877104).to_bytes(4, "big")


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


async def test_postgresql_is_asked_who_it_is(authority: Authority, postgres_url: str, tmp_path: Path) -> None:
    """``sslmode=verify-full`` and ``sslrootcert`` of the address hold for the engine and for migrations."""
    stranger = Authority(tmp_path, "stranger")
    async with (
        new_database(postgres_url, "template0") as plain,
        secured(urlsplit(plain).netloc.rpartition("@")[2], authority.issue("localhost")) as (port, spoken),
    ):
        by_name = re.sub(r"@[^/]+", f"@localhost:{port}", plain)
        by_address = by_name.replace("localhost", "127.0.0.1")
        good = f"{by_name}?sslmode=verify-full&sslrootcert={authority.file}"
        await asyncio.to_thread(betterauth.create_tables, plain)

        await asyncio.to_thread(migrate, good, SERVICE)
        engine = make_engine(make_settings(good))
        async with engine.connect() as connection:
            assert (await connection.execute(text("select count(*) from billing.events"))).scalar() == 0
        await engine.dispose()
        assert len(spoken) >= 2
        assert set(spoken) <= {"TLSv1.2", "TLSv1.3"}

        await _refused(f"{by_address}?sslmode=verify-full&sslrootcert={authority.file}", "does not match host name")
        await _refused(f"{by_name}?sslmode=verify-full&sslrootcert={stranger.file}", "certificate verify failed")


async def _refused(url: str, why: str) -> None:
    engine = make_engine(make_settings(url))
    with pytest.raises(OperationalError, match=why):
        async with engine.connect():
            pass
    await engine.dispose()
    with pytest.raises(OperationalError, match=why):
        await asyncio.to_thread(migrate, url)
