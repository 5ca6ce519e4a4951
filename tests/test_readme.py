"""What the documents say is so: the diagram, the commands, the endpoints, the names of settings, the links."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr
from typer.main import get_command

from api.app import create_app
from cli import app
from lifecycle.moves import mermaid
from local.ports import PORTS
from settings import ROOT, Settings

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
HTTP_METHODS = {"get", "put", "post", "patch", "delete"}

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|(?:src|href)=\"(?P<attribute>[^\"]+)\"")
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[`/ ])(?P<program>perennial|make) (?P<words>[a-z][^`\n]*)", re.MULTILINE)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Every ``perennial …`` and ``make …`` in code, with the words that follow; comments and prose are left out."""
    code = FENCE.findall(text) + re.findall(r"`[^`\n]+`", FENCE.sub("", text))
    for piece in code:
        for match in COMMAND.finditer(re.sub(r"#.*", "", piece)):
            yield match["program"], match["words"].strip()


def document_id(document: Path) -> str:
    return str(document.relative_to(ROOT))


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def test_the_diagram_is_the_table_of_moves() -> None:
    between = README.partition("<!-- moves:begin -->")[2].partition("<!-- moves:end -->")[0]
    assert between.strip() == f"```mermaid\n{mermaid()}\n```"


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_id)
def test_every_command_exists(document: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for program, words in commands(document.read_text()):
        if program == "make":
            assert words.split()[0] in targets, f"make {words}"
        else:
            assert_is_a_command(words)


def assert_is_a_command(words: str) -> None:
    """A subcommand that exists, with options that it has."""
    command = get_command(app)
    known = {"--help"}
    for word in words.split():
        if isinstance(command, typer.core.TyperGroup) and not word.startswith("-"):
            assert word in command.commands, f"perennial {words}"
            command = command.commands[word]
            known = {"--help"} | {option for parameter in command.params for option in parameter.opts}
        elif word.startswith("-"):
            assert word in known, f"perennial {words}: {word}"
    assert not isinstance(command, typer.core.TyperGroup), f"perennial {words} names no command"


def test_the_endpoints_are_those_of_the_contract() -> None:
    settings = Settings(
        mode="local",
        database_url=SecretStr("postgresql://nobody@127.0.0.1/none"),
        stripe_api_key=SecretStr("sk_test_none"),
        auth_secret=SecretStr("none"),
    )
    paths = create_app(settings).openapi()["paths"]
    offered = {(method.upper(), path) for path, methods in paths.items() for method in HTTP_METHODS & methods.keys()}
    told = re.findall(r"^\| `([A-Z]+)` \| `(/[^`]+)` \|", README, re.MULTILINE)
    assert sorted(told) == sorted(offered)


def test_the_ports_are_those_of_the_stack() -> None:
    told = re.findall(r"^\| ([^|]+) \| `(--[a-z-]+)` \| `(\w+)` \| (\d+) \|$", README, re.MULTILINE)
    assert told == [(port.use, port.option, port.variable, str(port.default)) for port in PORTS.values()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_id)
def test_every_variable_is_read_by_somebody(document: Path) -> None:
    known = {f"PERENNIAL_{field.upper()}" for field in Settings.model_fields} | {p.variable for p in PORTS.values()}
    known |= {
        f"PERENNIAL_{name}" for name in ("EXAMPLES", "SEED", "LIFE")
    }  # of tests/stories/test_anything_can_happen.py
    assert set(re.findall(r"\bPERENNIAL_[A-Z][A-Z_]*[A-Z]\b", document.read_text())) <= known


def test_the_runbook_lists_every_setting_with_its_default() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    told = dict(re.findall(r"^\| `PERENNIAL_(\w+)` \| ([^|]*) \|", runbook, re.MULTILINE))
    assert told == {name.upper(): shown_default(name) for name in Settings.model_fields}


def shown_default(name: str) -> str:
    """How the runbook's table shows what a setting is when nobody sets it."""
    field = Settings.model_fields[name]
    if field.is_required():
        return "**required**"
    if name == "plans_file":
        return "`plans.toml`"
    return f"`{field.default}`" if field.default not in (None, ()) else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_id)
def test_every_link_inside_leads_somewhere(document: Path) -> None:
    for match in LINK.finditer(FENCE.sub("", document.read_text())):
        target = match["target"] or match["attribute"]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(there), f"{target}: no such heading"
