import json
import logging
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

import telemetry
from tests.api.conftest import make_settings
from tests.fixtures.logs import log_plainly


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    log_plainly()
    structlog.contextvars.clear_contextvars()


def set_up(**changes: Any) -> None:
    telemetry.set_up_logging(make_settings("postgresql://x@y/z", log_format="json", **changes))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("logging_as_it_was")
def test_ours_and_the_libraries_lines_are_json_with_the_same_context(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    structlog.contextvars.bind_contextvars(request_id="r1", operation_id="o1")

    structlog.get_logger("ours").info("saved", seq=3)
    logging.getLogger("uvicorn.error").warning("theirs %s", "too", extra={"color_message": "no"})

    ours, theirs = lines(capsys)
    assert (ours["event"], ours["seq"], ours["level"], ours["logger"]) == ("saved", 3, "info", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("theirs too", "warning", "uvicorn.error")
    for line in (ours, theirs):
        assert (line["request_id"], line["operation_id"]) == ("r1", "o1")
        assert line["timestamp"].endswith("Z")
        assert "color_message" not in line


@pytest.mark.usefixtures("logging_as_it_was")
def test_secrets_and_addresses_do_not_get_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    log = structlog.get_logger("ours")

    log.info("asked", authorization="Bearer abc", stripe_signature="t=1", client_secret="pi_1_secret_2", plan="PRO")
    logging.getLogger("lib").warning(
        "sk_live_KeyKey whsec_HookHook to ada@example.com at postgresql://u:pw@db.example.com/x"
    )
    for let_in in ("prnl_Opens-It", "x.session_token=Opens.It%3D; y", "eyJhbGci.Opens-It.x_y"):
        logging.getLogger("lib").warning(let_in)
    try:
        name = "Ada Lovelace"
        raise ValueError(f"about {'ada'}@example.com")
    except ValueError:
        log.exception("broke", plan="PRO")
        assert name

    text = capsys.readouterr().err
    asked, *_, broke = [json.loads(line) for line in text.splitlines()]
    assert (asked["plan"], asked["authorization"]) == ("PRO", "[redacted]")
    assert broke["exception"][0]["exc_type"] == "ValueError"
    for private in ("abc", "t=1", "pi_1", "KeyKey", "HookHook", "ada@", "pw@", "db.example", "Lovelace", "Opens"):
        assert private not in text


def test_metrics_of_ours_and_of_temporals_core_are_on_ports_of_their_own() -> None:
    ours, theirs = free_port(), free_port()

    telemetry.serve_metrics("127.0.0.1", ours)
    runtime = telemetry.make_temporal_runtime(f"127.0.0.1:{theirs}")

    assert runtime
    assert "perennial_ledger_lag_seconds" in scrape(ours)
    assert isinstance(scrape(theirs), str)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        return str(response.read().decode())
