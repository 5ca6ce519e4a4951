"""What makes an installation unfit for customers and money, judged from its settings alone.

`settings.Settings` refuses to exist with a grave finding in production mode, so no program starts; ``perennial doctor``
tells all of them at once. A finding names a setting and never its value.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit

if TYPE_CHECKING:
    from pydantic import SecretStr

    from settings import Settings

SHORTEST_SECRET = 32
"""Better-Auth asks for as much: https://www.better-auth.com/docs/reference/options#secret"""
_WELL_KNOWN = (
    "better-auth-secret-1",
    "changeme",
    "change-me",
    "change_me",
    "demo",
    "example",
    "placeholder",
    "your-",
    "default",
)
_FEWEST_CHARACTERS = 8
_WEBHOOK_PREFIX = "whsec_"
_SHORTEST_WEBHOOK_SECRET = 24
"""What follows the prefix; Stripe's own have 32 characters, those of its command line 64."""
_WIDEST_NETWORK = {4: 8, 6: 7}
"""Bits of 10.0.0.0/8 and fc00::/7, the widest that are anybody's own: RFC 1918 section 3, RFC 4193 section 3.1."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INSIDE = (".internal", ".local", ".localhost", ".lan", ".home.arpa", ".svc")
_ENCRYPTED = ("require", "verify-ca", "verify-full")
_UNASKED = {("ssl_cert_reqs", "none"), *(("ssl_check_hostname", no) for no in ("0", "f", "false", "n", "no"))}
"""What of a Redis address switches off that its server shows who it is; the values are those that redis-py reads."""
_NEVER = ("about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source", "ws", "wss")
"""Schemes that no customer may ever be sent to."""


@dataclass(frozen=True)
class Finding:
    """One thing about a setting; a grave one keeps programs from starting in production mode."""

    setting: str
    words: str
    is_grave: bool = True


def findings(settings: "Settings") -> list[Finding]:
    """Everything that production takes exception to, the order of the settings kept."""
    return [*_addresses(settings), *_secrets(settings), *_laptop(settings), *_lines_out(settings)]


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers write an origin (RFC 6454 section 6.2); of an app's own scheme ``myapp://``.

    Raises `ValueError` for what is no such address.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if not scheme or "://" not in url or scheme in _NEVER or "@" in parts.netloc or "\\" in url:
        raise ValueError("must be an address such as https://app.example.com")
    if scheme not in _DEFAULT_PORTS:
        return f"{scheme}://"
    if not parts.hostname:
        raise ValueError("must be an address such as https://app.example.com")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[scheme]) else f":{parts.port}"
    return f"{scheme}://{host}{port}"


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or a network in CIDR notation; raises `ValueError`."""
    return ipaddress.ip_network(text, strict=False)


def is_loopback(host: str) -> bool:
    """This very machine, also by a socket in the file system."""
    if host in {"", "localhost"} or host.startswith(("/", "@")) or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """A network of one's own: private addresses, names without a dot, and names that no public zone has."""
    if is_loopback(host) or "." not in host.strip("."):
        return ":" not in host or is_loopback(host) or _is_private(host)
    return host.endswith(_INSIDE) or _is_private(host)


def temporal_finding(address: str, *, has_tls: bool) -> Finding | None:
    """Histories hold ids and amounts, and whoever reaches Temporal can end subscriptions."""
    host = address.rpartition(":")[0].strip("[]") or address
    if has_tls or is_loopback(host):
        return None
    if is_near(host):
        return Finding("temporal_address", "has no TLS; nobody else may reach that network", is_grave=False)
    return Finding("temporal_address", "leads out of your network without TLS; use a profile with TLS or an API key")


def serves_https(settings: "Settings") -> bool:
    """Whether customers reach the API over TLS: its own, or that of a proxy whose word is taken."""
    return settings.api_tls_certificate is not None or bool(settings.trusted_proxies)


def stripe_mode(key: str) -> bool | None:
    """Whether a key, be it of an account or of an organization, moves real money (``livemode``); None when it does not
    say: https://docs.stripe.com/keys"""
    kind, _, rest = key.partition("_")
    mode = rest.removeprefix("org_").partition("_")[0] if kind in {"sk", "rk"} else ""
    return {"live": True, "test": False}.get(mode)


def _addresses(settings: "Settings") -> Iterator[Finding]:
    for name in ("public_url", "app_url"):
        if urlsplit(getattr(settings, name)).scheme != "https":
            yield Finding(name, "must be an https address in production mode")
    for name in ("auth_url", "auth_jwks_url"):
        url = getattr(settings, name)
        if url and urlsplit(url).scheme != "https":
            yield Finding(name, "must be https in production mode: whoever answers there says who everybody is")
    for name in ("allowed_origins", "allowed_return_origins"):
        if any(_is_plain(origin) for origin in getattr(settings, name)):
            yield Finding(name, "has an http address: whoever is on the way puts a page of their own there; use https")
    if any(_is_everybody(proxy) for proxy in settings.trusted_proxies):
        words = "takes anybody for a proxy, so that anybody names the address they come from; name your proxy's alone"
        yield Finding("trusted_proxies", words)
    if not serves_https(settings):
        remedy = "set PERENNIAL_API_TLS_CERTIFICATE and …_KEY, or PERENNIAL_TRUSTED_PROXIES to your TLS proxy's address"
        if stripe_mode(settings.stripe_api_key.get_secret_value()):
            yield Finding("stripe_api_key", f"is a live key, and the API is not served over TLS: {remedy}")
        else:
            yield Finding("public_url", f"is served without TLS as far as the API can tell: {remedy}", is_grave=False)


def _is_plain(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _is_everybody(network: str) -> bool:
    """No proxy has so much of the internet; two halves of it are as good as all."""
    found = network_of(network)
    return found.prefixlen < _WIDEST_NETWORK[found.version]


def _secrets(settings: "Settings") -> Iterator[Finding]:
    for name, secret in (("auth_secret", settings.auth_secret), ("codec_token", settings.codec_token)):
        for fault in _faults([secret] if secret is not None else [], SHORTEST_SECRET):
            yield Finding(name, f"is {fault}; make another, for instance: openssl rand -base64 32")
    for fault in _faults(settings.auth_previous_secrets, SHORTEST_SECRET):
        yield Finding("auth_previous_secrets", f"has one that is {fault}; leave it out, for what it signs is let in")
    remedy = "set it to the signing secret of your endpoint (whsec_…)"
    if not settings.stripe_webhook_secrets:
        yield Finding("stripe_webhook_secrets", f"is empty, so every webhook would be turned away; {remedy}")
    for fault in _faults(settings.stripe_webhook_secrets, _SHORTEST_WEBHOOK_SECRET, _WEBHOOK_PREFIX):
        yield Finding("stripe_webhook_secrets", f"has one that is {fault}; {remedy}")
    match stripe_mode(settings.stripe_api_key.get_secret_value()):
        case False:
            yield Finding("stripe_api_key", "is a test key: nobody will be charged", is_grave=False)
        case None:
            yield Finding("stripe_api_key", "is neither sk_… nor rk_…: not a secret key of Stripe's", is_grave=False)


def _faults(secrets: Iterable["SecretStr"], shortest: int, prefix: str = "") -> Iterator[str]:
    """Why a stranger could come upon them; nothing of a secret that is random characters after its prefix."""
    for secret in secrets:
        text = secret.get_secret_value()
        random = text.removeprefix(prefix)
        if not text.startswith(prefix):
            yield f"not of the kind {prefix}…"
        elif any(known in random.lower() for known in _WELL_KNOWN):
            yield "known to everybody"
        elif len(random) < shortest or len(set(random)) < _FEWEST_CHARACTERS:
            yield f"too short or too plain: at least {shortest} random characters"


def _laptop(settings: "Settings") -> Iterator[Finding]:
    if settings.stripe_api_url:
        yield Finding("stripe_api_url", "is for the local Stripe; unset it in production mode")
    if settings.stripe_test_clocks:
        yield Finding("stripe_test_clocks", "lets customers travel in time; unset it in production mode")


def _lines_out(settings: "Settings") -> Iterator[Finding]:
    yield from _database(settings.database_url.get_secret_value())
    if not settings.temporal_profile:  # what a profile brings is judged where it is read
        found = temporal_finding(settings.temporal_address, has_tls=False)
        if found:
            yield found
    if settings.smtp_security == "none":
        if settings.smtp_password:
            yield Finding("smtp_security", "is none, and the password would travel in the clear; use starttls or tls")
        elif not is_near(settings.smtp_host):
            yield Finding("smtp_security", "is none: letters travel in the clear", is_grave=False)
    redis = urlsplit(settings.redis_url.get_secret_value()) if settings.redis_url else None
    if redis and not is_near(redis.hostname or ""):
        if redis.scheme == "redis":
            yield Finding("redis_url", "leads out of your network without TLS; use rediss://")
        elif _UNASKED & {(name, value.lower()) for name, value in parse_qsl(redis.query)}:
            words = "leads out of your network, and whoever answers is believed: leave out what its ?ssl_… switches off"
            yield Finding("redis_url", words)


def _database(url: str) -> Iterator[Finding]:
    query = parse_qs(urlsplit(url).query)
    mode = query.get("sslmode", ["prefer"])[-1]
    far = [host for host in _database_hosts(url) if not is_near(host)]
    if far and mode not in _ENCRYPTED:
        yield Finding("database_url", "leads out of your network without TLS; add ?sslmode=verify-full&sslrootcert=…")
    elif far and mode != "verify-full":
        yield Finding(
            "database_url", f"says sslmode={mode}: whoever answers is believed; verify-full asks who it is", False
        )


def _database_hosts(url: str) -> list[str]:
    """Several are possible: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS"""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    with_ports = parts.netloc.rpartition("@")[2].split(",")
    named = [one.partition("]")[0][1:] if one.startswith("[") else one.partition(":")[0] for one in with_ports]
    for name in ("host", "hostaddr"):
        named += ",".join(query.get(name, [])).split(",")
    return [one for one in named if one]


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_link_local
