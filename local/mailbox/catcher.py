"""The SMTP side: takes every letter, unless it plays a server in trouble."""

import asyncio
import time

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mailbox.letterbox import Letterbox

HOST = "127.0.0.1"
LARGEST_LETTER = 5_000_000
REFUSED = "bounce@"
"""Addresses that begin with this do not exist here: they are refused for good, as a mistyped one would be."""


class Outage:
    """While it lasts, no letter is taken: the sender hears 451, come back later."""

    def __init__(self) -> None:
        self._until = 0.0

    def last(self, seconds: float) -> None:
        """Begin now and end after so many seconds; 0 ends it."""
        self._until = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """0 when the server is well."""
        return max(0.0, self._until - time.monotonic())


class Catcher:
    """What aiosmtpd asks at each step of a conversation."""

    def __init__(self, letterbox: Letterbox, outage: Outage) -> None:
        self._letterbox = letterbox
        self._outage = outage

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """A sender knocks."""
        if self._outage.seconds_left:
            return "451 4.3.0 The local mailbox plays an outage, try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """A recipient is named."""
        if address.lower().startswith(REFUSED):
            return f"550 5.1.1 <{address}> nobody of that name here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The letter itself; the answer is given when it is safe."""
        content = envelope.content
        self._letterbox.keep(content.encode() if isinstance(content, str) else content or b"", envelope.rcpt_tos)
        return "250 OK, caught"


async def listen(catcher: Catcher, port: int = 0) -> asyncio.Server:
    """Take letters on a loopback port; 0 lets the kernel choose."""
    loop = asyncio.get_running_loop()

    def conversation() -> SMTP:
        return SMTP(
            catcher,
            data_size_limit=LARGEST_LETTER,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="local mailbox",
            loop=loop,
            timeout=60,
        )

    return await loop.create_server(conversation, HOST, port)
