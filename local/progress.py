"""What the terminal shows while the stack starts: a line a step, turning while it works, ticked with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn


class Steps:
    """The steps under way. Outside a terminal each is one plain line when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = Progress(
            TextColumn(" "),
            SpinnerColumn("dots", style="cyan", finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            TextColumn("[dim]{task.fields[took]}[/]"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._lines.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.stop()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """The block is this step; it is ticked when the block ends well, and disappears when it does not."""
        task = self._lines.add_task(name, total=1, took="")
        started = time.monotonic()
        try:
            yield
        except BaseException as error:
            self._lines.remove_task(task)
            error.add_note(name)
            raise
        self._tick(task, name, time.monotonic() - started)

    def _tick(self, task: TaskID, name: str, took: float) -> None:
        self._lines.update(task, completed=1, took=f"{took:.1f} s")
        if not self._console.is_terminal:
            self._console.print(f"  ✓ {name} {took:.1f} s", highlight=False)
