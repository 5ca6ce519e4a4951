"""What can be known about the deployment without an engine to run it."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.temporal import NAMESPACE, SEARCH_ATTRIBUTES
from settings import ROOT, Settings

COMPOSE_FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "worker", "migrate")
ONE_SHOTS = ("migrate", "temporal-schema", "temporal-namespace")
EXAMPLE = (ROOT / ".env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
EXACT_TAG = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?")

# https://github.com/compose-spec/compose-spec/blob/main/spec.md: the part of it that our file uses
TOP_LEVEL = {"name", "services", "configs", "volumes", "networks"}
SERVICE = {
    **{"image": str, "build": str, "command": list, "entrypoint": list, "restart": str, "init": bool},
    **{"read_only": bool, "tmpfs": list, "cap_drop": list, "security_opt": list, "networks": list},
    **{"environment": dict, "ports": list, "stop_grace_period": str, "depends_on": dict, "healthcheck": dict},
    **{"configs": list, "volumes": list, "shm_size": str, "profiles": list},
}
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period", "disable"}
CONDITIONS = {"service_healthy", "service_completed_successfully", "service_started"}
DURATION = re.compile(r"\d+(ms|s|m|h)")


def texts(value: object) -> Iterator[str]:
    """Every string in a part of the compose file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def variables() -> dict[str, list[str]]:
    """Each ``${NAME…}`` of the file, with what follows the name every time."""
    found: dict[str, list[str]] = {}
    for text in texts(COMPOSE):
        for match in VARIABLE.finditer(text):
            found.setdefault(match["name"], []).append(match["rest"])
    return found


def test_the_file_has_only_the_parts_that_compose_knows() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == TOP_LEVEL


@pytest.mark.parametrize("service", list(SERVICES.values()), ids=list(SERVICES))
def test_a_service_is_made_of_what_compose_knows(service: dict[str, Any]) -> None:
    for key, value in service.items():
        assert key in SERVICE, f"compose knows no {key!r}"
        assert isinstance(value, SERVICE[key]), f"{key} is a {type(value).__name__}"
    health = service.get("healthcheck", {})
    assert set(health) <= HEALTHCHECK
    if "test" in health:
        assert health["test"][0] in {"CMD", "CMD-SHELL"}
    durations = [health.get(key) for key in ("interval", "timeout", "start_period")]
    for duration in [*durations, service.get("stop_grace_period")]:
        assert duration is None or DURATION.fullmatch(duration)
    assert all(isinstance(value, str | None) for value in service.get("environment", {}).values())


@pytest.mark.parametrize("service", list(SERVICES.values()), ids=list(SERVICES))
def test_a_service_refers_only_to_what_is_there(service: dict[str, Any]) -> None:
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert {config["source"] for config in service.get("configs", [])} <= set(COMPOSE["configs"])
    assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"])
    for needed, how in service.get("depends_on", {}).items():
        assert how["condition"] in CONDITIONS
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[needed]["healthcheck"], f"{needed} cannot become healthy"
        if how["condition"] == "service_completed_successfully":
            assert needed in ONE_SHOTS, f"{needed} never completes"


@pytest.mark.parametrize("service", list(SERVICES.values()), ids=list(SERVICES))
def test_images_are_pinned_and_ports_stay_on_loopback_unless_asked(service: dict[str, Any]) -> None:
    assert EXACT_TAG.fullmatch(service["image"])
    for port in service.get("ports", []):
        assert port.startswith(("127.0.0.1:", "${PERENNIAL_BIND:-127.0.0.1}:"))


def test_base_images_are_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert bases
    assert all(EXACT_TAG.fullmatch(base) for base in bases)


@pytest.mark.parametrize("name", OURS)
def test_every_environment_name_of_ours_is_a_setting(name: str) -> None:
    fields = {f"PERENNIAL_{field.upper()}" for field in Settings.model_fields}
    assert set(SERVICES[name]["environment"]) <= fields
    assert set(re.findall(r"PERENNIAL_[A-Z_]+(?==)", DOCKERFILE)) <= fields


def test_the_settings_that_the_file_gives_make_a_production_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICES["api"]["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, VARIABLE.sub(_filled_in, value))

    settings = Settings()  # type: ignore[call-arg]

    assert settings.mode == "production"
    assert settings.smtp_username is None
    assert settings.api_port == 8000, "the port that the file publishes"


def _filled_in(match: re.Match[str]) -> str:
    """A default, else the hint's own example, else anything; a secret is long and random."""
    if match["rest"].startswith(":-"):
        return match["rest"].removeprefix(":-")
    example = re.search(r"e\.g\. (\S+)$", match["rest"])
    prefix = "whsec_" if "whsec_" in match["rest"] else ""
    return example[1] if example else f"{prefix}Vq3xW8n0pLr5sT2uYb7cZd4eFg6hJk9m"


def test_every_variable_is_in_the_example_and_none_is_there_for_nothing() -> None:
    documented = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, flags=re.MULTILINE))
    passed_through = {name for name, value in SERVICES["api"]["environment"].items() if value is None}
    assert documented == set(variables()) | passed_through


def test_no_secret_has_a_default() -> None:
    for name, uses in variables().items():
        if re.search("PASSWORD|SECRET|KEY", name):
            assert all(use.startswith(":?") and len(use) > 2 for use in uses), f"{name} must be required, with a hint"
            assert re.search(rf"^{name}=$", EXAMPLE, flags=re.MULTILINE), f"{name} must be empty in .env.example"
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|PWD|SECRET|KEY|AUTH", name) and value is not None:
                assert value.startswith("${"), f"{name} holds a literal"


@pytest.mark.parametrize("name", OURS)
def test_commands_name_what_exists(name: str) -> None:
    match SERVICES[name]["command"]:
        case ["python", "-m", module]:
            exists = (ROOT / module / "__main__.py").exists() or (ROOT / f"{module}.py").exists()
        case ["perennial", command]:
            from cli import app

            exists = command in {_name(known) for known in app.registered_commands}
        case other:
            raise AssertionError(f"what is {other}?")
    assert exists


def _name(command: Any) -> str | None:
    return command.name or (command.callback and command.callback.__name__)


def test_temporal_gets_our_namespace_search_attributes_and_shards() -> None:
    script = SERVICES["temporal-namespace"]["command"][0]
    assert f"namespace create --namespace {NAMESPACE} " in script
    assert dict(re.findall(r"(\w+):(Keyword|Bool|Datetime|Int|Double|Text)\b", script)) == SEARCH_ATTRIBUTES
    assert SERVICES["api"]["environment"]["PERENNIAL_TEMPORAL_NAMESPACE"] == NAMESPACE
    assert SERVICES["temporal"]["environment"]["NUM_HISTORY_SHARDS"] == "512"


def test_the_image_holds_the_product_without_the_stand_ins_and_runs_as_nobody_special() -> None:
    copied = {name for line in re.findall(r"^COPY (?!-)(.+)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "local", "benchmarks"}
    modules = {path.name for path in ROOT.glob("*.py")}
    assert packages | modules | {"plans.toml", "requirements-runtime.lock"} == copied
    assert copied == set(re.findall("^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert re.search(r"^USER \d+:\d+$", DOCKERFILE, re.MULTILINE)


def test_no_environment_file_is_checked_in() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    assert ".env" in ignored
    assert not stat.S_IMODE(Path(COMPOSE_FILE).stat().st_mode) & 0o111
