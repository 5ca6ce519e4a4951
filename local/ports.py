"""Which loopback ports the stack listens on: fixed and documented ones, unless somebody is there already."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"
TRIES = 200


@dataclass(frozen=True)
class Port:
    """One port of the stack: what listens there, the option that moves it, and where it is otherwise."""

    use: str
    option: str
    default: int

    @property
    def variable(self) -> str:
        """The environment's way to say the option: ``--api-port`` is ``PERENNIAL_LOCAL_API_PORT``."""
        return "PERENNIAL_LOCAL_" + self.option.removeprefix("--").replace("-", "_").upper()


PORTS = {
    "api": Port("the API", "--api-port", 8000),
    "temporal": Port("Temporal", "--temporal-port", 7233),
    "ui": Port("Temporal's Web UI", "--ui-port", 8233),
    "stripe": Port("the local Stripe", "--stripe-port", 12111),
    "mail": Port("the mailbox page", "--mail-port", 8025),
    "smtp": Port("the mailbox's SMTP", "--smtp-port", 1025),
    "postgres": Port("PostgreSQL", "--postgres-port", 54329),
    "redis": Port("Redis", "--redis-port", 63790),
    "metrics": Port("the API's metrics", "--metrics-port", 9464),
    "worker_metrics": Port("the worker's metrics", "--worker-metrics-port", 9465),
    "worker_temporal_metrics": Port("the worker's metrics of Temporal", "--worker-temporal-metrics-port", 9466),
}


class PortRefused(Exception):
    """A port that was asked for by name cannot be had."""


def choose(asked: Mapping[str, int | None]) -> tuple[dict[str, int], list[str]]:
    """A port for each of ``PORTS``, and a sentence for each default that was taken and had to move.

    A port that was asked for is used or refused (``PortRefused``), never replaced.
    """
    chosen: dict[str, int] = {}
    for name, number in asked.items():
        if number is not None:
            chosen[name] = _as_asked(PORTS[name], number, set(chosen.values()))
    moved: list[str] = []
    for name, port in PORTS.items():
        if name in chosen:
            continue
        chosen[name] = _near(port, set(chosen.values()))
        if chosen[name] != port.default:
            moved.append(
                f"Port {port.default} is taken, so {port.use} is on {chosen[name]} ({port.option} chooses another)."
            )
    return chosen, moved


def is_free(port: int) -> bool:
    """Nobody answers on this loopback port and we may listen on it.

    Asked both ways: macOS lets us bind beside a listener on all addresses, and a port may be held without listening.
    """
    with socket.socket() as caller:
        caller.settimeout(0.2)
        if caller.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """A port that the kernel finds free at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _as_asked(port: Port, number: int, others: set[int]) -> int:
    if not 0 < number < 65_536:
        raise PortRefused(f"{number} is not a port; {port.option} (or {port.variable}) needs one from 1 to 65535.")
    if number in others:
        raise PortRefused(f"Port {number} is asked for twice; {port.option} (or {port.variable}) needs one of its own.")
    if not is_free(number):
        raise PortRefused(
            f"Port {number} for {port.use} is taken by another program. "
            f"Free it, or choose another with {port.option} (or {port.variable})."
        )
    return number


def _near(port: Port, others: set[int]) -> int:
    """The default, or the next free port above it: easier to remember than any other."""
    for number in range(port.default, min(port.default + TRIES, 65_536)):
        if number not in others and is_free(number):
            return number
    return any_free()
