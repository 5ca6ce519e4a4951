"""A load generator: keep-alive connections that each send the next request when the last answer is whole.

Our own, on raw sockets: an HTTP client library spends more CPU on a request than the servers measured here, and on
two cores that is taken from them.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from local.ports import HOST

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"
LONGEST_SECONDS = 300


@dataclass
class Answers:
    """What came back: how long each answer took (seconds), their statuses, and how long it took altogether."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times) / self.seconds

    def at(self, share: float) -> float:
        """The time (ms) within which this share of the answers came."""
        return sorted(self.times)[min(len(self.times) - 1, int(share * len(self.times)))] * 1000


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], answers: Answers) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the server closed a connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        length = _LENGTH.search(head)
        if not end or (length and len(body) < int(length[1])):
            return
        self._answers.times.append(time.perf_counter() - self._began)
        self._answers.statuses[int(head[9:12])] += 1
        self._received = b""
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)


async def load(port: int, requests: Iterable[bytes], connections: int) -> Answers:
    """Send all requests over so many connections, each one at a time."""
    answers, waiting = Answers(), iter(requests)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    async with asyncio.timeout(LONGEST_SECONDS):
        made = [loop.create_connection(lambda: _Caller(waiting, answers), HOST, port) for _ in range(connections)]
        callers = [protocol for _, protocol in await asyncio.gather(*made)]
        await asyncio.gather(*(caller.ended for caller in callers))
    answers.seconds = time.perf_counter() - began
    return answers


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One HTTP request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + HEAD_END + body
