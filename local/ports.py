"""Which loopback ports the stack listens on."""

import socket

HOST = "127.0.0.1"


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
