"""What Temporal's sandbox would find out by loading our workflows anew for each customer, found out once.

A workflow that asks the machine for the time, for chance or for anything else would go another way when it is replayed.
https://docs.temporal.io/develop/python/workflows/python-sdk-sandbox
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import ROOT

STORY = "workflows.subscription"
FORBIDDEN_MODULES = {
    "glob", "http", "httpx", "io", "os", "pathlib", "random", "secrets", "select", "shutil", "signal", "socket",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
FORBIDDEN_NAMES = {"now", "utcnow", "today", "uuid1", "uuid4", "open", "input", "getenv", "urandom", "to_thread"}
OWN_CLOCKS = {"workflow", "clock"}
"""``workflow.now()`` and the customer's clock, which is made of it, are the same in every replay."""


def path_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rooms_of_the_story() -> list[str]:
    """Every module of ours whose code runs in a workflow; activities are only named there."""
    found, waiting = set[str](), [STORY]
    while waiting:
        module = waiting.pop()
        if module in found or module.split(".")[0] not in {"workflows", "lifecycle"} or not path_of(module).exists():
            continue
        found.add(module)
        waiting += imported(ast.parse(path_of(module).read_text()))
    return sorted(found)


def breaches(source: str) -> list[str]:
    tree = ast.parse(source)
    found = [f"imports {name}" for name in imported(tree) if name.split(".")[0] in FORBIDDEN_MODULES]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called, owner = node.func, None
        if isinstance(called, ast.Attribute):
            owner = called.value.attr if isinstance(called.value, ast.Attribute) else getattr(called.value, "id", None)
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
        if name in FORBIDDEN_NAMES and owner not in OWN_CLOCKS:
            found.append(f"calls {ast.unparse(called)}")
    return found


@pytest.mark.parametrize("module", rooms_of_the_story())
def test_what_runs_in_a_workflow_asks_the_machine_for_nothing(module: str) -> None:
    if module == "lifecycle.plans":  # reads the plans file, for those who are outside
        assert breaches(path_of(module).read_text()) == ["imports pathlib", "imports pathlib.Path"]
    else:
        assert breaches(path_of(module).read_text()) == []


def test_the_whole_story_is_looked_at() -> None:
    assert {"workflows.life", "workflows.steps", "workflows.looking", "lifecycle.subscription"} <= set(
        rooms_of_the_story()
    )


@pytest.mark.parametrize(
    "line",
    [
        "import random",
        "from time import monotonic",
        "at = datetime.now(UTC)",
        "at = date.today()",
        "key = uuid.uuid4()",
        "rows = open('file')",
        "import os.path",
    ],
)
def test_a_breach_is_seen(line: str) -> None:
    assert breaches(line) != []


def test_a_workflows_own_clock_is_none() -> None:
    assert breaches("at = workflow.now()\nthen = self.life.clock.now()\nthen = self.clock.now()") == []
