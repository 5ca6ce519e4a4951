"""Where caught letters are kept: one ``.eml`` file each, named by the moment it came, so a restart finds them again.

Letters come from anywhere and may be malformed on purpose: whatever is wrong with one, it is kept and can be shown.
"""

import email
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_ENVELOPE = b"X-Mailbox-Recipients: "


@dataclass(frozen=True)
class Caught:
    """One letter as it lies in the box; ``dated`` is what the letter itself says, ``repeat`` that its id came before.

    ``recipients`` are those of the envelope: who really gets it, whatever the headers say.
    """

    id: str
    message_id: str
    recipients: tuple[str, ...]
    subject: str
    sender: str
    received_at: datetime
    dated: datetime | None
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    repeat: bool


class Letterbox:
    """Every letter that was caught, in order of arrival."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._letters: dict[str, Caught] = {}
        self._message_ids: set[str] = set()
        for path in sorted(directory.glob("*.eml")):
            self._file(path.stem, path.read_bytes())

    def keep(self, content: bytes, recipients: list[str]) -> Caught:
        """Write the letter down, then say that it is here: a file is complete or not there at all."""
        name = f"{time.time_ns():020d}"
        raw = _ENVELOPE + ", ".join(recipients).encode() + b"\r\n" + content
        unfinished = self._directory / f"{name}.part"
        unfinished.write_bytes(raw)
        os.replace(unfinished, self._directory / f"{name}.eml")
        return self._file(name, raw)

    def letters(self, recipient: str | None = None) -> list[Caught]:
        """Newest first; those to one recipient, in whatever case the address is written."""
        wanted = recipient.lower() if recipient else None
        newest_first = reversed(self._letters.values())
        return [one for one in newest_first if wanted is None or wanted in map(str.lower, one.recipients)]

    def letter(self, id: str) -> Caught | None:
        """One letter by the name of its file."""
        return self._letters.get(id)

    def recipients(self) -> list[str]:
        """Everybody who got a letter, those with the newest first."""
        return list(dict.fromkeys(address for one in self.letters() for address in one.recipients))

    def empty(self) -> None:
        """Throw all letters away."""
        for id in list(self._letters):
            (self._directory / f"{id}.eml").unlink(missing_ok=True)
            del self._letters[id]
        self._message_ids.clear()

    def _file(self, id: str, raw: bytes) -> Caught:
        envelope, _, content = raw.partition(b"\r\n")
        message = email.message_from_bytes(content, EmailMessage, policy=default)
        message_id = _header(message, "Message-ID")
        caught = Caught(
            id=id,
            message_id=message_id,
            recipients=tuple(envelope.removeprefix(_ENVELOPE).decode("utf-8", "replace").split(", ")),
            subject=_header(message, "Subject"),
            sender=_header(message, "From"),
            received_at=datetime.fromtimestamp(int(id) / 1e9, UTC),
            dated=_survives(lambda: message["Date"].datetime),
            text=_body(message, "plain"),
            html=_body(message, "html"),
            headers=tuple((name, _header(message, name)) for name in dict.fromkeys(message.keys())),
            repeat=message_id in self._message_ids,
        )
        self._letters[id] = caught
        if message_id:
            self._message_ids.add(message_id)
        return caught


def _survives(read: Callable[[], T]) -> T | None:
    """The parser of the standard library stumbles over some broken letters in many ways."""
    try:
        return read()
    except Exception:
        return None


def _header(message: EmailMessage, name: str) -> str:
    values = _survives(lambda: [" ".join(str(value).split()) for value in message.get_all(name, [])])
    return "(unreadable)" if values is None else "\n".join(values)


def _body(message: EmailMessage, kind: str) -> str:
    part = _survives(lambda: message.get_body((kind,)))
    content = _survives(part.get_content) if part else ""
    return content.replace("\r\n", "\n") if isinstance(content, str) else "(unreadable)"
