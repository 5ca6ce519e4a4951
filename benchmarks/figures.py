"""What is measured beside time, and how it is told: CPU and memory of processes, medians with their spread, tables."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from statistics import median

import psutil


def cpu_seconds(pid: int) -> float:
    """CPU time (user and system) that a process and its children have used."""
    process = psutil.Process(pid)
    return sum(_own(one) for one in [process, *process.children(recursive=True)])


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """The median, then the smallest and the largest of several rounds."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as Markdown has it, so that it can be kept as it is."""
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def describe_machine() -> None:
    """When and on what this ran; the load says whether anybody else was at work."""
    memory = psutil.virtual_memory().total / 2**30
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    print(f"{moment} · {os.cpu_count()} cores, {memory:.0f} GiB · Python {platform.python_version()} · load {load}")


class Meter:
    """CPU time of some processes between two moments."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._began = self._now()

    def used(self) -> dict[str, float]:
        """Seconds of CPU by name since the meter was made."""
        return {name: seconds - self._began[name] for name, seconds in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()}


def column(rounds: Sequence[object], value: Callable[..., float], form: str = ",.0f") -> str:
    """One figure of every round, as median and spread."""
    return spread([value(one) for one in rounds], form)


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
