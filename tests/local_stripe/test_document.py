"""docs/local-stripe.md says what is so: every call, every fault, every address, and examples that work."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from local.stripe.faults import CALLS, WEBHOOKS
from local.stripe.inventory import written
from local.stripe.server import create_app
from tests.local_stripe.running import RunningStripe

DOCUMENT = (Path(__file__).parents[2] / "docs" / "local-stripe.md").read_text()


def test_the_table_is_the_table_of_routes() -> None:
    assert written(DOCUMENT) == DOCUMENT, "run: python -m local.stripe.inventory --write docs/local-stripe.md"


def test_every_fault_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert CALLS.items() | WEBHOOKS.items() <= set(rows)


def test_every_address_of_the_control_api_is_listed(tmp_path: Path) -> None:
    app = create_app(tmp_path, url="http://127.0.0.1")
    routes = {route.path for route in app.routes if isinstance(route, Route) and route.path.startswith("/_local")}
    listed = {address.partition("?")[0] for address in re.findall(r"(/_local/[^\s`]*)`", DOCUMENT)}
    listed = {address.replace("/payment_intents/{id}/auth", "/{kind}/{id}/auth") for address in listed}
    assert routes <= listed


def examples() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStripe]:
    server = RunningStripe(tmp_path_factory.mktemp("document"))
    yield server
    server.kill()


@pytest.mark.parametrize("example", examples())
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_example_works(lonely: RunningStripe, example: str) -> None:
    command = example.replace("http://127.0.0.1:12111", lonely.url).replace("curl ", "curl --fail-with-body -sS ")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
