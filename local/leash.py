"""Keeps one program on a leash: whoever let go of the other end, the program goes too.

Run as a script of its own (``python -I -S leash.py --leash FD … -- COMMAND``), with the reading end of a pipe whose
writing end only the owner holds. The kernel closes the owner's end however the owner dies, kill -9 included, on Linux
and macOS alike; the leash then asks the program to stop, and after a short grace kills its whole process group.
SIGTERM to the leash asks the program to stop and leaves it all the time it needs.

Standard library only and one thread, so that forking is safe; ``-I -S`` keep its start near 10 ms.
"""

import argparse
import contextlib
import ctypes
import os
import pwd
import select
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

GRACE_SECONDS = 3.0
"""How long a program may take to stop once its owner is gone."""

PR_SET_PDEATHSIG = 1


def main() -> int:
    options = _arguments()
    os.set_inheritable(options.leash, False)
    if options.lock is not None:
        os.set_inheritable(options.lock, False)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    leash = os.getpid()
    child = os.fork()
    if child == 0:
        _become(options, leash)
    if options.pid_file is not None:
        options.pid_file.write_text(f"{child}\n")
    return _watch(child, options.leash, wake, getattr(signal, options.stop_signal))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leash", type=int, required=True, help="the reading end of the owner's pipe")
    parser.add_argument("--lock", type=int, help="a locked file to hold open for as long as the program runs")
    parser.add_argument("--stop-signal", default="SIGTERM", help="how this program is asked to stop")
    parser.add_argument("--user", help="run as this user (when we are root)")
    parser.add_argument("--pid-file", type=Path, help="where to write the program's process id")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def _become(options: argparse.Namespace, leash: int) -> NoReturn:
    """In the forked child: a process group of its own, fewer rights, and then the program itself."""
    try:
        os.setpgid(0, 0)
        if options.user:
            account = pwd.getpwnam(options.user)
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        _die_with(leash)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvp(options.command[0], options.command)
    except OSError as error:
        print(f"cannot start {options.command[0]}: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def _die_with(leash: int) -> None:
    """On Linux even a kill -9 of the leash itself takes the program along (after setuid, which would clear it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != leash:
            os._exit(127)


def _watch(child: int, leash: int, wake: int, stop_signal: signal.Signals) -> int:
    """Wait for the program's end, passing on whoever asks for it; returns what a shell would see."""
    watched, deadline = [leash, wake], None
    while True:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(watched, [], [], timeout)
        asked = wake in ready and set(os.read(wake, 512)) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill_group(child)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if leash in ready:
            watched, deadline = [wake], time.monotonic() + GRACE_SECONDS
        if asked or leash in ready:
            os.kill(child, stop_signal)
        if deadline is not None and time.monotonic() >= deadline:
            _kill_group(child)
            deadline = None


def _kill_group(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
