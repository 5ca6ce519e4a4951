"""Bandit and ruff's security rules over the product; whatever they take exception to wrongly has a reason here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from settings import ROOT

PRODUCT = ("api", "commands", "workflows", "activities", "database", "lifecycle")
MODULES = ("cli.py", "worker.py", "settings.py", "production.py", "telemetry.py")
CONSTANTS = "only constants of the module are put in; what varies is bound"
EXCEPTIONS = {
    ("B608", "database/api_keys.py"): CONSTANTS,
    ("B608", "database/deliveries.py"): CONSTANTS,
    ("B608", "database/identities.py"): CONSTANTS,
    ("B608", "database/operations.py"): CONSTANTS,
    ("B608", "database/people.py"): CONSTANTS,
    ("B608", "database/policies.py"): CONSTANTS,
    ("B701", "activities/stationery.py"): "escaping is off for text/plain only",
    ("B704", "activities/stationery.py"): "made of our own constants; what varies is escaped",
}
NOT_OURS = {"B101": "asserts tell type checkers what a handler was registered for; no check of input is one"}


def bandit() -> set[tuple[str, str]]:
    """What it found: the rule, and the file."""
    command = [
        sys.executable,
        "-m",
        "bandit",
        "-q",
        "-f",
        "json",
        "--skip",
        ",".join(NOT_OURS),
        "-r",
        *PRODUCT,
        *MODULES,
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(ended.stdout)
    assert report["errors"] == []
    return {(one["test_id"], one["filename"].removeprefix("./")) for one in report["results"]}


def test_bandit_finds_nothing_that_has_no_reason_and_every_reason_is_needed() -> None:
    assert bandit() == set(EXCEPTIONS)


def test_ruffs_security_rules_find_nothing_in_the_product() -> None:
    command = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--no-cache",
        "--select",
        "S",
        "--ignore",
        "S101",
        *PRODUCT,
        *MODULES,
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("room", [*PRODUCT, *MODULES])
def test_every_silenced_rule_says_why(room: str) -> None:
    files = (ROOT / room).rglob("*.py") if (ROOT / room).is_dir() else [ROOT / room]
    for file in files:
        for line in file.read_text().splitlines():
            assert "nosec" not in line, "exceptions of bandit are in the table above"
            silenced = re.search(r"# noqa: S\d+(.*)", line)
            assert silenced is None or silenced[1].strip(), f"{file.name}: {line.strip()}"
