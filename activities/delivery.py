"""Handing letters to the SMTP server, and reading its answer."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import aiosmtplib

from activities import wording
from activities.stationery import Letter
from settings import Settings

_TIMEOUT_SECONDS = 15
HAND_OVER_SECONDS = 20.0
"""For a whole conversation about one letter: a server that answers each line late must not take all day."""
# Answers with a 5 that are about us (not signed in, wrong order, no TLS) and not about this letter.
_ABOUT_US = frozenset((503, 521, 530, 534, 535, 538))


@dataclass(frozen=True)
class Answer:
    """What became of handing over one letter.

    ``refused`` means never (the recipient or the letter was turned down); not accepted and not refused means later.
    ``server_is_away`` says that the next letter would fare no better. ``reason`` holds no address and no text of the
    server, which likes to repeat addresses. ``perhaps_taken``: the letter was offered, and then nothing was heard.
    """

    reason: str | None = None
    refused: bool = False
    server_is_away: bool = False
    perhaps_taken: bool = False

    @property
    def accepted(self) -> bool:
        """The server said yes: the letter is its responsibility now (RFC 5321 section 4.2.5)."""
        return self.reason is None


def envelope(
    letter: Letter, letter_id: UUID, address: str, name: str | None, sender: str, now: datetime
) -> EmailMessage:
    """The letter with its headers; raises `ValueError` when the address is none.

    The Message-ID is made from the letter's id: a repeat after a crash is recognisably the same letter.
    """
    from_name, from_address = parseaddr(sender)
    message = EmailMessage(policy=SMTP_POLICY)
    message["Subject"] = letter.subject
    message["From"] = Address(from_name, addr_spec=from_address)
    message["To"] = _recipient(address, name)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{letter_id}@{from_address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes in answer
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message.set_content(letter.text, cte="quoted-printable")  # an old server may not take eight bits
    message.add_alternative(letter.html, subtype="html")
    return message


def _recipient(address: str, name: str | None) -> Address:
    try:
        recipient = Address(wording.plain_name(name), addr_spec=address)
    except (MessageError, IndexError) as error:
        raise ValueError("not an address") from error
    if not recipient.username or not recipient.domain:
        raise ValueError("not an address")
    return recipient


class Delivery:
    """One conversation with the SMTP server: opened for the first letter, kept for the next ones."""

    def __init__(self, settings: Settings) -> None:
        password = settings.smtp_password
        self._smtp = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            local_hostname=parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost",
            timeout=_TIMEOUT_SECONDS,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=None if settings.smtp_security == "none" else _trust(settings.ca_file),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._smtp.close()

    async def greet(self) -> None:
        """Connect, with TLS and sign-in as configured, and take leave; raises what went wrong."""
        await self._smtp.connect()
        await self._smtp.quit()

    async def hand_over(self, message: EmailMessage) -> Answer:
        """Offer one letter to the server and say what it answered."""
        offered = False
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                if not self._smtp.is_connected:
                    await self._smtp.connect()
                offered = True
                await self._smtp.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            return _judge(refusal.recipients[0].code)
        except aiosmtplib.SMTPNotSupported:
            return Answer("the server cannot reach this address", refused=True)
        except aiosmtplib.SMTPDataError as refusal:
            return _judge(refusal.code)
        except aiosmtplib.SMTPResponseException as refusal:
            return Answer(f"smtp {refusal.code}", server_is_away=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = f"smtp unreachable ({type(error).__name__})"
            return Answer(reason, server_is_away=True, perhaps_taken=offered)
        return Answer()


@lru_cache(maxsize=4)
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whom to believe; reading the system's authorities takes longer than a letter."""
    return ssl.create_default_context(cafile=ca_file)


def _judge(code: int) -> Answer:
    """RFC 5321 section 4.2.1: 4 means not now, 5 means never."""
    about_us = code in _ABOUT_US
    return Answer(f"smtp {code}", refused=code >= 500 and not about_us, server_is_away=about_us)
