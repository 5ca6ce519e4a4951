"""Letters leave over TLS to a server that proves its name, or they wait."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from activities.delivery import Answer, Delivery
from tests.api.conftest import make_settings
from tests.fixtures.certificates import Authority


class Office:
    """Keeps what was handed over, and whether it came over TLS."""

    def __init__(self) -> None:
        self.caught: list[bool] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.caught.append(server.transport.get_extra_info("cipher") is not None)
        return "250 OK"


@contextlib.asynccontextmanager
async def open_office(files: tuple[Path, Path], security: str) -> AsyncIterator[tuple[Office, int]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    office = Office()

    def make() -> SMTP:
        options: dict[str, Any] = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}
        return SMTP(office, authenticator=lambda *_: AuthResult(success=True), auth_require_tls=False, **options)

    implicit = context if security == "tls" else None
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=implicit)
    async with server:
        yield office, server.sockets[0].getsockname()[1]


async def hand_over(port: int, security: str, authority: Authority, host: str = "localhost") -> Answer:
    settings = make_settings(
        "postgresql://nobody@127.0.0.1:1/none",
        **{"smtp_host": host, "smtp_port": port, "smtp_security": security, "ca_file": authority.file},
        **{"smtp_username": "perennial", "smtp_password": "pw"},
    )
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "billing@example.com", "ada@example.com", "Hello"
    letter.set_content("Hello")
    async with Delivery(settings) as delivery:
        return await delivery.hand_over(letter)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_letter_goes_to_a_server_that_proves_its_name(tmp_path: Path, security: str) -> None:
    ours, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    async with open_office(ours.issue("localhost"), security) as (office, port):
        assert (await hand_over(port, security, ours)).accepted
        unknown = await hand_over(port, security, stranger)
        another_name = await hand_over(port, security, ours, host="127.0.0.1")

    assert office.caught == [True]
    for answer in (unknown, another_name):
        assert not answer.accepted
        assert answer.server_is_away
        assert not answer.refused, "it waits until somebody has put the certificate right"


async def test_a_server_without_tls_gets_neither_letter_nor_password(tmp_path: Path) -> None:
    ours = Authority(tmp_path)
    async with open_office(ours.issue("localhost"), "none") as (office, port):
        answer = await hand_over(port, "starttls", ours)

    assert not answer.accepted
    assert office.caught == []
