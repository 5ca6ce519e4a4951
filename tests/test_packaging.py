"""The project installs beside its dependencies, from locks that work anywhere, and its rooms keep their walls."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OUR_NAMES = {Path(name).stem for name in PROJECT["tool"]["hatch"]["build"]["only-include"] if name != "plans.toml"}
LOCKS = ("requirements.lock", "requirements-runtime.lock")


def declared(*extras: str) -> set[str]:
    """What pyproject asks for, as canonical names."""
    project = PROJECT["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def locked(lock: str) -> dict[str, str]:
    """Name and version of everything that a lock file pins."""
    pinned = re.findall(r"^([a-zA-Z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pinned}


def test_no_dependency_owns_one_of_our_top_level_names() -> None:
    owners = importlib.metadata.packages_distributions()
    taken = {name: set(owners.get(name, ())) - {"perennial"} for name in OUR_NAMES}
    assert {name: who for name, who in taken.items() if who} == {}


def test_everything_that_is_ours_is_packaged() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages | {path.stem for path in ROOT.glob("*.py")} == OUR_NAMES


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_and_names_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-f)\b", text, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries if not entry.startswith("#"))


def test_the_lock_of_the_real_better_auth_pins_exact_versions_and_names_no_registry() -> None:
    folder = ROOT / "tests" / "betterauth"
    asked = json.loads((folder / "package.json").read_text())["dependencies"]
    locked_ones = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert {name: locked_ones[f"node_modules/{name}"]["version"] for name in asked} == asked
    for name, package in locked_ones.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
    assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text()


def test_the_locks_cover_what_pyproject_asks_for_and_agree() -> None:
    everything, runtime = (locked(lock) for lock in LOCKS)
    assert declared("local", "dev") <= set(everything)
    assert declared() <= set(runtime)
    assert runtime.items() <= everything.items(), "the image runs what the tests ran"


def test_the_lock_fits_what_pyproject_allows() -> None:
    pinned = locked("requirements.lock")
    project = PROJECT["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), line


def test_imports_point_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]  # in-process it silences all loggers
    report = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stdout + report.stderr


@pytest.mark.parametrize("module", ["worker", "settings", "telemetry"])
def test_a_module_of_the_product_never_imports_its_stand_ins(module: str) -> None:
    """import-linter sees packages only; these are single files."""
    assert "local" not in imported(ROOT / f"{module}.py")


def test_the_command_imports_its_stand_ins_only_where_they_are_installed() -> None:
    tree = ast.parse((ROOT / "cli.py").read_text())
    guards = [ast.unparse(node.test) for node in tree.body if isinstance(node, ast.If) and "local" in ast.unparse(node)]
    assert guards == ["importlib.util.find_spec('local') is not None"]
    assert "local" not in {name for node in tree.body if not isinstance(node, ast.If) for name in names_in(node)}


def imported(file: Path) -> set[str]:
    return names_in(ast.parse(file.read_text()))


def names_in(tree: ast.AST) -> set[str]:
    """The top-level names that some code imports."""
    nodes = list(ast.walk(tree))
    plain = {alias.name.partition(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module).partition(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
