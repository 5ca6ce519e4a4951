"""``python -m local.stripe --port N --state DIR [--fresh]``"""

import argparse
import signal
import sys
from pathlib import Path

from .server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="local.stripe", description="A local stand-in for Stripe's REST API.")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--state", type=Path, default=Path(".local/stripe"), help="where the state is kept")
    parser.add_argument("--fresh", action="store_true", help="forget what was there")
    given = parser.parse_args()
    # uvicorn raises the signal again when it has stopped: that is a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(given.port, given.state, fresh=given.fresh)


if __name__ == "__main__":
    main()
