"""How the API is served: uvicorn's settings, with TLS of its own when there is a certificate."""

import asyncio
import ssl
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from settings import Settings

DRAIN_SECONDS = 15
LARGEST_HEAD = 65_536
"""Bytes of a request line and its headers; a JWT of Better-Auth's needs 8 kB."""
HEAD_SECONDS = 15.0
"""How long a connection may keep us waiting for the next request's headers once it has begun to say something."""
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"  # RFC 6585
)


class BoundedHead(HttpToolsProtocol):
    """Ends a connection whose request line and headers do not end: httptools would gather them for ever, and uvicorn
    waits a bounded time only for a connection that says nothing at all after an answer."""

    head_seconds = HEAD_SECONDS
    _is_in_head = False
    _head_bytes = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Somebody connects, and has to say what they want."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Whatever arrives; the read in which a request begins is bounded by itself and not counted."""
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)
        self._watch()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """What follows is the body, which `api.envelope` bounds."""
        self._is_in_head = False
        super().on_headers_complete()

    def _watch(self) -> None:
        """The clock runs, and more bytes do not set it back, until there is a request to work on."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._calm()
        elif self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self.transport.close)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """The server of one installation. Forwarded headers are for `api.forwarding`: uvicorn would believe loopback."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=BoundedHead,
        log_config=None,
        access_log=False,  # every request has its own line from `api.envelope`
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        ssl_certfile=settings.api_tls_certificate,
        ssl_keyfile=settings.api_tls_key,
        ssl_context_factory=_modern if settings.api_tls_certificate else None,
    )


def _modern(_: uvicorn.Config, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """TLS 1.2 and newer, whatever OpenSSL was built to allow (RFC 9325 section 3.1.1)."""
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
