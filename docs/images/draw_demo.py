"""Draws ``demo.svg``, the picture in the README: the demo as a terminal shows it, played on a stack that runs.

``perennial up --no-demo`` in one terminal, then ``python docs/images/draw_demo.py .local`` in another.
"""

import io
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from local.traveling import RunningStack, play_demo

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS = 70
END = "The timeline of this customer"
"""The picture ends where the demo sums up."""

THEME = TerminalTheme(
    background=(22, 27, 34),
    foreground=(214, 220, 227),
    normal=[
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (118, 227, 234),
        (201, 209, 217),
    ],
)
"""Dark on any page; the border sets it off where the page is dark, too."""

FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="The demo in a terminal: one subscription from its trial to its end">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-ligatures: none; white-space: pre }}
{styles}
</style>
<defs>
{lines}
</defs>
<rect width="100%" height="100%" rx="10" fill="#161b22" stroke="#3d444d" stroke-width="2"/>
<g transform="translate(22, 18)">
{backgrounds}<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def main() -> None:
    """Play it, leave the table at the end out, and draw the rest."""
    played, drawn = (
        Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
        for columns in (200, COLUMNS)
    )
    play_demo(RunningStack.described_in(Path(sys.argv[1] if len(sys.argv) > 1 else ".local")), played)
    story, _, _ = played.export_text(styles=True).partition(END)
    lines = [Text.from_ansi(line) for line in story.splitlines()]
    while not lines[-1].plain.strip():
        lines.pop()
    for line in lines[1:]:
        drawn.print(line, no_wrap=True, overflow="ellipsis")
    svg = drawn.export_svg(theme=THEME, code_format=FRAME, unique_id="demo")
    PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")
    os._exit(0)  # Temporal's native threads can crash an interpreter that takes its time


if __name__ == "__main__":
    main()
