"""``python -m local.mailbox --smtp-port N --http-port M --state DIR``: catch letters on this machine and show them."""

import argparse
import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from local.mailbox.catcher import HOST, Catcher, Outage, listen
from local.mailbox.letterbox import Letterbox
from local.mailbox.pages import create_app


class PageServer(uvicorn.Server):
    """Stops when it is told to; uvicorn's own way raises the signal again, and the SMTP side could not close."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Until SIGTERM or Ctrl-C, which end the serving and nothing else."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(smtp_port: int, http_port: int, state: Path) -> None:
    """Until SIGTERM or Ctrl-C. Letters lie in ``state/mail``; both ports are loopback's."""
    letterbox, outage = Letterbox(state / "mail"), Outage()
    smtp = await listen(Catcher(letterbox, outage), smtp_port)
    app = create_app(letterbox, outage)
    pages = uvicorn.Config(app, HOST, http_port, access_log=False, log_level="warning", timeout_graceful_shutdown=2)
    await PageServer(pages).serve()
    smtp.close()  # a conversation that is still open is not waited for: its sender tries again


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m local.mailbox", description="Catch letters and show them.")
    parser.add_argument("--smtp-port", type=int, required=True, help="where letters are taken")
    parser.add_argument("--http-port", type=int, required=True, help="where they are shown")
    parser.add_argument("--state", type=Path, required=True, help="the directory that they are kept in")
    options = parser.parse_args()
    asyncio.run(serve(options.smtp_port, options.http_port, options.state))


if __name__ == "__main__":
    main()
