"""No SQL is put together from values: every statement is a constant, or made of constants with a reason beside it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import ROOT

ROOMS = ("lifecycle", "database", "activities", "workflows", "api", "commands")
FILES = sorted(
    [
        *(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts),
        *ROOT.glob("*.py"),
    ]
)
OF_THE_TEAM = "_CAST.sub('\\\\1 ::', plain)"
"""The team's own question who is in a project: one SELECT, run read-only (`database.membership`)."""
WRITES_SQL = {"text", "SQL", "exec_driver_sql", "literal_column"}
EXECUTES = {"execute", "executemany", "stream", "scalar", "scalars"}


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_statement_is_constant(file: Path) -> None:
    assert list(faults(file.read_text())) == []


@pytest.mark.parametrize(
    "code",
    [
        'def f(user): return text(f"select {user}")',
        'def f(user): return text("select " + user)',
        'def f(user): return text("select %s" % user)',
        'def f(user): return text("select {}".format(user))',
        "def f(query): return text(query)",
        'A = "select 1"\ndef f(A): return text(A)',
        'def f(c, user): c.execute(f"select {user}")',
        'def f(c, user): c.execute("select " + user)',
        'def f(c, user): c.exec_driver_sql("select %s" % user)',
        'def f(user): return sql.SQL(f"select {user}")',
        'A = "a"\nB = text(f"select {A}")',
        'def f(A): return text(f"select {A}")  # noqa: S608  shadowed',
        'A = input()\nB = text(f"select {A}")  # noqa: S608  not a constant',
        'A = "a"\nB = text(f"select {A}")  # noqa: S608',
    ],
)
def test_what_is_put_together_is_found(code: str) -> None:
    assert list(faults(code))


@pytest.mark.parametrize(
    "code",
    [
        'A = text("select :a")',
        'A = "a, b"\nB = text(f"select {A}")  # noqa: S608  the columns are a constant above',
        'def f(c): c.execute(text("select :a"), {"a": 1})',
        'A = "select 1"\nB = text(A)',
        'from database.people import A\nB = text(f"select {A}")  # noqa: S608  a constant there',
        "def f(c, row): c.execute(row.on_conflict_do_nothing())",
        'def f(who): return sql.SQL("grant x to {}").format(who)',
    ],
)
def test_what_is_constant_is_not(code: str) -> None:
    assert list(faults(code)) == []


def faults(code: str) -> Iterator[str]:
    """Where a statement is put together, in words."""
    tree, lines = ast.parse(code), code.splitlines()
    constants = _constants(tree)
    local = {argument.arg for node in ast.walk(tree) if isinstance(node, ast.arguments) for argument in _all(node)}
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
        statement = call.args[0]
        if name in EXECUTES and not isinstance(statement, ast.JoinedStr | ast.BinOp):
            continue  # a clause, which was made somewhere else
        if name not in WRITES_SQL | EXECUTES or _is_constant(statement) or ast.unparse(statement) == OF_THE_TEAM:
            continue
        if isinstance(statement, ast.Name) and statement.id in constants - local:
            continue
        reason = any("# noqa: S608  " in line for line in lines[call.lineno - 1 : (call.end_lineno or call.lineno)])
        parts = {part.value.id if isinstance(part.value, ast.Name) else "?" for part in _formatted(statement)}
        if not (parts and parts <= constants - local and reason):
            yield f"line {call.lineno}: {ast.unparse(statement)[:80]}"


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _formatted(node: ast.expr) -> list[ast.FormattedValue]:
    return (
        [part for part in node.values if isinstance(part, ast.FormattedValue)]
        if isinstance(node, ast.JoinedStr)
        else []
    )


def _all(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _constants(tree: ast.Module) -> set[str]:
    """Names that a module gives a string once and for all, also one made of enumerations of ours."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names if alias.name.isupper()}
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and not _calls_out(node.value):
            found.add(node.targets[0].id)
    return found


def _calls_out(node: ast.expr) -> bool:
    """Whether a value is more than strings joined together."""
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    return any(not (isinstance(call.func, ast.Attribute) and call.func.attr == "join") for call in calls)
