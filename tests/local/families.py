"""Which processes a program started, and whether they are gone."""

import psutil

from local.waiting import until


def family(pid: int | None = None) -> list[psutil.Process]:
    """Everything below this process (ours when none is named) that is alive."""
    return [process for process in psutil.Process(pid).children(recursive=True) if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """It runs; one that has ended and waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def gone(processes: list[psutil.Process], *, within: float = 10) -> None:
    """Wait until none of them is alive."""

    async def all_gone() -> bool:
        return not any(map(is_alive, processes))

    await until(all_gone, within=within, what=f"still alive: {[process.pid for process in processes]}")
