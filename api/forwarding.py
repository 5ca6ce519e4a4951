"""Who a request comes from when a proxy stands before us: believed from configured proxies only.

RFC 7239 (``Forwarded``) and its older cousins ``X-Forwarded-For`` and ``X-Forwarded-Proto``.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from production import network_of

MOST_HOPS = 32
"""The right-most count; whoever writes more before them, writes for nobody."""
_SCHEMES = {"http", "https"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Hop:
    """One step of the way as a proxy tells it; None what it does not tell."""

    address: Address | None
    scheme: str | None


class Forwarding:
    """Puts the client's own address and scheme in place of the proxy's, for everything behind."""

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self._app = app
        self._networks = [network_of(one) for one in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._networks and scope.get("client"):
            peer = _address(scope["client"][0])
            if peer is not None and self._is_trusted(peer):
                scope = self._as_told(scope, peer)
        await self._app(scope, receive, send)

    def _as_told(self, scope: Scope, peer: Address) -> Scope:
        """A proxy writes one kind of header. Where there are both and they differ, one is the client's invention."""
        headers = Headers(scope=scope)
        told = [hops for hops in (_forwarded(headers), _x_forwarded(headers)) if hops]
        seen = {self._client(hops, peer) for hops in told}
        if len(seen) != 1:
            return scope
        hop = seen.pop()
        return {**scope, "client": (str(hop.address), 0), "scheme": hop.scheme or scope["scheme"]}

    def _client(self, hops: Sequence[Hop], peer: Address) -> Hop:
        """The right-most that is no proxy of ours: what is left of it, it may have invented."""
        last = Hop(peer, None)
        for hop in reversed(hops):
            if hop.address is None:
                return Hop(last.address, hop.scheme or last.scheme)
            last = Hop(hop.address, hop.scheme or last.scheme)
            if not self._is_trusted(hop.address):
                break
        return last

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _forwarded(headers: Headers) -> list[Hop]:
    hops = []
    for element in _nearest(headers, "forwarded"):
        told = (pair.partition("=") for pair in element.split(";"))
        pairs = {name.strip().lower(): value.strip().strip('"') for name, _, value in told}
        hops.append(Hop(_address(pairs.get("for", "")), _scheme(pairs.get("proto", ""))))
    return hops


def _x_forwarded(headers: Headers) -> list[Hop]:
    """The scheme is the nearest proxy's word: it is the one who took the request."""
    schemes = _nearest(headers, "x-forwarded-proto")
    scheme = _scheme(schemes[-1].strip()) if schemes else None
    hops = [Hop(_address(one.strip()), None) for one in _nearest(headers, "x-forwarded-for")]
    if scheme is None:
        return hops
    if not hops:
        return [Hop(None, scheme)]
    return [Hop(hop.address, scheme) for hop in hops]


def _nearest(headers: Headers, name: str) -> list[str]:
    line = ",".join(headers.getlist(name))
    return line.rsplit(",", MOST_HOPS)[-MOST_HOPS:] if line else []


def _scheme(text: str) -> str | None:
    return text.lower() if text.lower() in _SCHEMES else None


def _address(text: str) -> Address | None:
    """An address with or without its port; IPv4 in IPv6's clothes is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
