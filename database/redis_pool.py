"""The way to Redis, which keeps nothing that cannot be lost: nobody waits for it long."""

from redis.asyncio import BlockingConnectionPool

from settings import Settings

PATIENCE_SECONDS = 0.25
LINES = 32
"""Connections of one process; whoever gets none in time does without."""


def redis_pool(settings: Settings, patience: float = PATIENCE_SECONDS) -> BlockingConnectionPool | None:
    """Connections, none of them made yet; over TLS only to a server whose certificate carries its name. None without
    a Redis. ``patience`` is in seconds, for a connection and for an answer."""
    if settings.redis_url is None:
        return None
    url = settings.redis_url.get_secret_value()
    options: dict[str, object] = {"socket_timeout": patience, "socket_connect_timeout": patience}
    if url.startswith("rediss:"):
        options |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        if settings.ca_file:
            options["ssl_ca_certs"] = str(settings.ca_file)
    return BlockingConnectionPool.from_url(url, max_connections=LINES, timeout=patience, **options)
