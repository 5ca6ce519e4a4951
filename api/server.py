"""How the API is served: uvicorn's settings, with TLS of its own when there is a certificate."""

import ssl
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from settings import Settings

DRAIN_SECONDS = 15
LARGEST_HEAD = 65_536
"""Bytes of a request line and its headers; a JWT of Better-Auth's needs 8 kB."""
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"  # RFC 6585
)


class BoundedHead(HttpToolsProtocol):
    """Ends a connection whose request line and headers do not end: httptools would gather them for ever."""

    _is_in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Whatever arrives; the read in which a request begins is bounded by itself and not counted."""
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """What follows is the body, which `api.envelope` bounds."""
        self._is_in_head = False
        super().on_headers_complete()


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
