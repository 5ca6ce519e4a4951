"""``perennial up``: start the stack, show it, keep it alive until somebody asks it to stop."""

import asyncio
import os
import signal
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from local import ports, postcard
from local.processes import ProgramFailed
from local.progress import Steps
from local.state import NotOurs, State, StateInUse
from local.supervision import Supervision

if TYPE_CHECKING:
    from local.stack import Stack

Story = Callable[[Mapping[str, str], Mapping[str, str], Console], Awaitable[None]]
"""Something to play on a running stack (its environment and the app's, its addresses) first: the demo."""


@dataclass(frozen=True)
class Wishes:
    """What the caller of ``perennial up`` decided."""

    directory: Path
    ports: Mapping[str, int | None]
    fresh: bool = False
    story: Story | None = None


def up(wishes: Wishes, console: Console) -> int:
    """Run the stack until SIGINT, SIGTERM or SIGHUP; the exit code for the shell."""
    try:
        with State.opened(wishes.directory, fresh=wishes.fresh) as state:
            chosen, moved = ports.choose(wishes.ports)
            for sentence in moved:
                console.print(f"  [yellow]![/] {sentence}", highlight=False, soft_wrap=True)
            from local.stack import Stack  # with half of the project behind it: not before it is clear that we can

            return asyncio.run(_live(Stack(state, chosen, Supervision(_say(console))), wishes.story, console))
    except (StateInUse, NotOurs, ports.PortRefused) as refusal:
        console.print(f"[red]✗[/] {escape(str(refusal))}", highlight=False, soft_wrap=True)
        return 2


async def _live(stack: "Stack", story: Story | None, console: Console) -> int:
    life = asyncio.ensure_future(_stand(stack, story, console))
    _on_signals(life.cancel, console)
    try:
        await life
    except asyncio.CancelledError:
        pass
    except Exception as error:
        _explain(error, stack.state, console)
        return 1
    finally:
        with console.status("Stopping …"):
            await stack.stop()
    console.print("  Stopped; nothing is left running.", style="dim")
    return 0


def _explain(error: Exception, state: State, console: Console) -> None:
    """What went wrong, in a line where that is enough; the whole of it goes to a log."""
    state.log("up").write_text("".join(traceback.format_exception(error)))
    headline, _, log = str(error).partition("\n")
    if not isinstance(error, ProgramFailed):
        step = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
        headline, log = f"{step}{type(error).__name__}: {headline}", f"More in {state.directory / 'logs'}."
    console.print(f"[red]✗[/] {escape(headline)}", highlight=False, soft_wrap=True)
    console.print(log, style="dim", markup=False, highlight=False, soft_wrap=True)


async def _stand(stack: "Stack", story: Story | None, console: Console) -> None:
    with Steps(console) as steps:
        await stack.start(steps)
    if story is not None:
        await _play(story, stack, console)
    postcard.show(stack.addresses, stack.people[0], console)
    postcard.farewell(stack.state.stack_file, console)
    await asyncio.Event().wait()


async def _play(story: Story, stack: "Stack", console: Console) -> None:
    """A story that goes wrong is told; the stack stays up, or nobody could look why."""
    try:
        await story(stack.environment | stack.app_environment, stack.addresses, console)
    except Exception as error:
        _explain(error, stack.state, console)


def _on_signals(stop: Callable[[], object], console: Console) -> None:
    """The first signal asks; the second leaves at once, and the leashes clear up within seconds."""
    asked = False

    def heard() -> None:
        nonlocal asked
        if asked:
            console.show_cursor(True)
            os._exit(130)
        asked = True
        stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, heard)


def _say(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(f"  [yellow]![/] {escape(line)}", highlight=False, soft_wrap=True)
