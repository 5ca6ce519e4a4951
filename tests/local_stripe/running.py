"""A local Stripe in a process of its own, as a user starts it."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.local_stripe.patience import until


class RunningStripe:
    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "local.stripe", "--port", str(self.port), "--state", str(self.state)]
        process = subprocess.Popen(command)
        until(self._answers, "the local Stripe answers", seconds=60)
        return process

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._start()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)

    def control(self, path: str, body: dict[str, object] | None = None) -> httpx.Response:
        url = f"{self.url}/_local/{path}"
        return httpx.get(url) if body is None else httpx.post(url, json=body)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
