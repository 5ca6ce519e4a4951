"""The local mailbox: what it catches, what it shows, and what a letter cannot do to whoever reads it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
import pytest_asyncio

from local.mailbox.catcher import Catcher, Outage, listen
from local.mailbox.letterbox import Letterbox
from local.mailbox.pages import create_app
from local.ports import any_free
from local.waiting import until


@dataclass
class Mailbox:
    """The mailbox with both its doors open, and a browser at one of them."""

    port: int
    letterbox: Letterbox
    browser: httpx.AsyncClient

    async def send(self, message: EmailMessage | bytes, to: str = "ada@example.com") -> None:
        await aiosmtplib.send(message, sender="a@example.com", recipients=[to], hostname="127.0.0.1", port=self.port)

    async def newest(self) -> str:
        return (await self.browser.get("/api/messages")).json()[0]["id"]


@pytest_asyncio.fixture
async def mailbox(tmp_path: Path) -> AsyncIterator[Mailbox]:
    letterbox, outage = Letterbox(tmp_path / "mail"), Outage()
    transport = httpx.ASGITransport(create_app(letterbox, outage))
    server = await listen(Catcher(letterbox, outage))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
        yield Mailbox(server.sockets[0].getsockname()[1], letterbox, browser)
    server.close()
    await server.wait_closed()


def letter(subject: str = "Hello", html: str = "<p>Good day</p>", message_id: str = "<1@example.com>") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@example.com", "ada@example.com"
    message["Message-ID"] = message_id
    message.set_content("Good day\n")
    message.add_alternative(html, subtype="html")
    return message


async def test_a_letter_is_caught_listed_and_shown(mailbox: Mailbox) -> None:
    await mailbox.send(letter("Grüße, Ada"))
    [caught] = (await mailbox.browser.get("/api/messages")).json()
    assert (caught["subject"], caught["to"], caught["text"]) == ("Grüße, Ada", ["ada@example.com"], "Good day\n")
    assert caught["message_id"] == "<1@example.com>"
    page = (await mailbox.browser.get("/")).text
    assert "Grüße, Ada" in page
    assert "ada@example.com" in page
    assert "Local mailbox" in page
    shown = f"/letters/{caught['id']}"
    assert f'src="{shown}/body"' in (await mailbox.browser.get(shown)).text
    assert "Good day" in (await mailbox.browser.get(f"{shown}?view=text")).text
    assert "Message-ID" in (await mailbox.browser.get(f"{shown}?view=headers")).text
    assert (await mailbox.browser.get("/letters/1")).status_code == 404


async def test_newest_first_and_by_recipient(mailbox: Mailbox) -> None:
    for subject, to in [("one", "ada@example.com"), ("two", "Grace@example.com"), ("three", "ada@example.com")]:
        await mailbox.send(letter(subject), to)
    assert [one["subject"] for one in (await mailbox.browser.get("/api/messages")).json()] == ["three", "two", "one"]
    graces = (await mailbox.browser.get("/api/messages", params={"to": "grace@example.com"})).json()
    assert [one["subject"] for one in graces] == ["two"]
    page = (await mailbox.browser.get("/", params={"to": "ada@example.com"})).text
    assert re.findall(r'class="subject">(\w+)', page) == ["three", "one"]


async def test_the_same_message_id_is_shown_as_repeated(mailbox: Mailbox) -> None:
    for _ in range(2):
        await mailbox.send(letter())
    repeats = [one["repeat"] for one in (await mailbox.browser.get("/api/messages")).json()]
    assert repeats == [True, False]
    assert (await mailbox.browser.get("/")).text.count(">repeated<") == 1


async def test_a_hostile_letter_is_only_shown(mailbox: Mailbox) -> None:
    attack = "<script>alert(1)</script>"
    await mailbox.send(letter(f"{attack} & co", f"{attack}<form action=/api/messages><img src=https://example.com/x>"))
    shown = f"/letters/{await mailbox.newest()}"
    for page in ("/", shown, f"{shown}?view=text", f"{shown}?view=headers", f"/?to={attack}"):
        answer = await mailbox.browser.get(page)
        assert "<script" not in answer.text
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"' in (await mailbox.browser.get(shown)).text
    body = await mailbox.browser.get(f"{shown}/body")
    rights = body.headers["content-security-policy"]
    assert "sandbox allow-popups" in rights
    assert "allow-scripts" not in rights
    assert "allow-same-origin" not in rights
    assert "default-src 'none'" in rights
    assert body.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00no header at all",
        b"Subject: =?utf-8?b?broken\r\nTo: <<>>,,@\r\nDate: yesterday\r\n\r\nbody",
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=no\r\n\r\nhi",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Message-ID: <" + b"a" * 900 + b"\r\nReferences: " + b"<" * 900 + b"\r\n\r\n.",
    ],
)
async def test_a_broken_letter_can_still_be_looked_at(mailbox: Mailbox, raw: bytes) -> None:
    await mailbox.send(raw)
    shown = f"/letters/{await mailbox.newest()}"
    for page in ("/", shown, f"{shown}?view=html", f"{shown}?view=text", f"{shown}?view=headers", f"{shown}/body"):
        assert (await mailbox.browser.get(page)).status_code == 200


async def test_a_mistyped_address_is_refused(mailbox: Mailbox) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await mailbox.send(letter(), to="bounce@example.com")
    assert refusal.value.recipients[0].code == 550


async def test_an_outage_is_played_and_ends(mailbox: Mailbox) -> None:
    assert (await mailbox.browser.post("/api/outage", json={"seconds": 60})).status_code == 200
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refusal:
        await mailbox.send(letter())
    assert refusal.value.code == 451
    assert "Playing an outage" in (await mailbox.browser.get("/")).text
    await mailbox.browser.post("/api/outage", json={"seconds": 0})
    await mailbox.send(letter())
    assert len(mailbox.letterbox.letters()) == 1


@pytest.mark.parametrize("seconds", [-1, 1e9, "soon", None])
async def test_an_outage_needs_a_sensible_length(mailbox: Mailbox, seconds: object) -> None:
    assert (await mailbox.browser.post("/api/outage", json={"seconds": seconds})).status_code == 422


async def test_other_sites_cannot_reach_it(mailbox: Mailbox) -> None:
    assert (await mailbox.browser.get("/", headers={"host": "evil.example"})).status_code == 400
    form = {"content-type": "text/plain"}
    assert (await mailbox.browser.post("/api/outage", content='{"seconds": 9}', headers=form)).status_code == 415


async def test_letters_are_thrown_away_when_asked(mailbox: Mailbox) -> None:
    await mailbox.send(letter())
    assert (await mailbox.browser.delete("/api/messages")).status_code == 204
    assert (await mailbox.browser.get("/api/messages")).json() == []
    await mailbox.send(letter())
    assert [one["repeat"] for one in (await mailbox.browser.get("/api/messages")).json()] == [False]


async def test_letters_survive_a_kill_and_it_stops_when_asked(tmp_path: Path) -> None:
    smtp, http = any_free(), any_free()
    ports = ("--smtp-port", str(smtp), "--http-port", str(http))
    command = (sys.executable, "-m", "local.mailbox", *ports, "--state", str(tmp_path))

    async def started() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        await until(answers, within=20, what="the mailbox answers")
        return process

    async def answers() -> bool:
        try:
            return (await browser.get("/api/messages")).is_success
        except httpx.TransportError:
            return False

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http}") as browser:
        process = await started()
        await Mailbox(smtp, Letterbox(tmp_path / "unused"), browser).send(letter("Stays"))
        process.kill()
        await process.communicate()
        process = await started()
        assert [one["subject"] for one in (await browser.get("/api/messages")).json()] == ["Stays"]
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            _, complaints = await process.communicate()
        assert (process.returncode, complaints) == (0, b"")
