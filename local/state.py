"""The folder where one stack keeps everything it has to remember, ``.local/`` unless told otherwise.

Whoever holds its lock is the one stack that runs on it. The lock is the kernel's (``flock``), so a kill -9 frees it;
each program's leash holds it too, so it is free only when the last program of a killed stack is gone.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

LEFT_OVER_SECONDS = 10
"""How long to wait for the programs of a stack that was killed; their leashes give them three."""


class StateInUse(Exception):
    """Another stack runs on this folder."""


class NotOurs(Exception):
    """The folder holds something else; nothing in it is touched."""


@dataclass(frozen=True)
class State:
    """An opened state folder; ``lock`` is the descriptor of its locked file."""

    directory: Path
    lock: int

    @classmethod
    @contextmanager
    def opened(cls, directory: Path, *, fresh: bool = False) -> Iterator[Self]:
        """The folder, made when missing, ours alone inside the block; ``fresh`` empties it first.

        Raises ``StateInUse`` while another stack runs on it, ``NotOurs`` for a folder with other things in it.
        """
        directory = directory.resolve()
        if directory.exists() and any(directory.iterdir()) and not (directory / "lock").exists():
            raise NotOurs(f"{directory} is not a folder of Perennial's; choose another with --state.")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(directory / "lock") as lock:
            state = cls(directory, lock)
            if fresh:
                state._forget()
            state._open_logs()
            try:
                yield state
            finally:
                state.stack_file.unlink(missing_ok=True)

    @property
    def stack_file(self) -> Path:
        """Addresses, demo users and settings of the stack; there only while it runs."""
        return self.directory / "stack.json"

    def log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.directory / "pids" / name

    def secret(self, name: str, length: int = 32) -> str:
        """A random secret of this folder's own, the same ever after."""
        known = self._secrets()
        if name not in known:
            self.keep_secret(name, secrets.token_hex(length))
        return self._secrets()[name]

    def known_secret(self, name: str) -> str | None:
        return self._secrets().get(name)

    def keep_secret(self, name: str, value: str) -> None:
        """Remember a secret that somebody else made."""
        write_private(self.directory / "secrets.json", self._secrets() | {name: value})

    def _secrets(self) -> dict[str, str]:
        with contextlib.suppress(FileNotFoundError):
            content: dict[str, str] = json.loads((self.directory / "secrets.json").read_text())
            return content
        return {}

    def _forget(self) -> None:
        for entry in self.directory.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _open_logs(self) -> None:
        """Logs are of this run only, so that they stay small."""
        for name in ("logs", "pids"):
            shutil.rmtree(self.directory / name, ignore_errors=True)
            (self.directory / name).mkdir()
        self.stack_file.unlink(missing_ok=True)


def write_private(file: Path, content: Mapping[str, Any]) -> None:
    """JSON that only we may read, whole or not at all."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
    new.replace(file)


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, file.parent)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, directory: Path) -> None:
    """Lock it; when its owner was killed, its programs are on their way out and we wait for them."""
    deadline = time.monotonic() + LEFT_OVER_SECONDS
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        owner = os.pread(descriptor, 20, 0).decode().strip()
        if (owner and _is_alive(int(owner))) or time.monotonic() > deadline:
            raise StateInUse(
                f"A stack is running on {directory} already (process {owner}). "
                "Stop it first, or give this one a folder of its own with --state."
            )
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
