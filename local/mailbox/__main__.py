"""``python -m local.mailbox --smtp-port N --http-port M --state DIR``: catch letters on this machine and show them."""

import argparse
import asyncio
from pathlib import Path

import uvicorn

from local.mailbox.catcher import HOST, Catcher, Outage, listen
from local.mailbox.letterbox import Letterbox
from local.mailbox.pages import create_app


async def serve(smtp_port: int, http_port: int, state: Path) -> None:
    """Until SIGTERM or Ctrl-C. Letters lie in ``state/mail``; both ports are loopback's."""
    letterbox, outage = Letterbox(state / "mail"), Outage()
    smtp = await listen(Catcher(letterbox, outage), smtp_port)
    pages = uvicorn.Config(
        create_app(letterbox, outage), host=HOST, port=http_port, access_log=False, log_level="warning",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    async with smtp:
        await uvicorn.Server(pages).serve()


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
