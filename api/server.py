"""How the API is served: uvicorn's settings, with TLS of its own when there is a certificate."""

import ssl
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from settings import Settings

DRAIN_SECONDS = 15


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """The server of one installation. Forwarded headers are for `api.forwarding`: uvicorn would believe loopback."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http="httptools",
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
