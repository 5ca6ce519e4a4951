import json
import logging
import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

import telemetry
from local.betterauth import SignedInUser
from tests.api.conftest import AUTH_SECRET, Api, as_user
from tests.api.signing import event, signed
from tests.fixtures.logs import log_plainly


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    log_plainly()


@pytest.mark.usefixtures("logging_as_it_was")
async def test_nothing_private_of_a_request_is_logged(
    api: Api, ada: SignedInUser, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.set_up_logging(api.settings.model_copy(update={"log_format": "json"}))
    headers = as_user(ada) | {"Cookie": f"better-auth.session_token={ada.token}.x", "X-Request-Id": "known"}
    invoice = event("invoice.paid", customer="cus_1", customer_email="ada@example.com", customer_name="Ada Lovelace")
    await api.client.get("/billing/subscriptions/me?email=ada@example.com", headers=headers)
    await api.client.post("/billing/checkout", json={"plan": "ada@example.com"}, headers=headers)
    await api.client.post("/billing/webhooks/stripe", **signed(invoice))
    await api.client.post("/billing/webhooks/stripe", **signed(invoice, secret="whsec_guess"))
    api.door.says = ValueError("about ada@example.com")
    await api.client.post("/billing/subscriptions/resume", headers=headers)

    text = capsys.readouterr().err
    logged = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in logged if line["event"] == "request"]
    assert [line["status"] for line in requests] == [422, 422, 200, 400, 500]
    assert requests[0]["request_id"] == "known"
    assert requests[1]["user_id"] == ada.id
    assert requests[2]["event_id"] == invoice["id"]
    assert any(line["event"] == "request_broke" and line["exception"] for line in logged)
    for private in ("Lovelace", "ada@example.com", ada.token, AUTH_SECRET, "whsec_", "sk_test", "cus_1"):
        assert private not in text


def _sample(name: str, labels: dict[str, str]) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_deliveries_are_counted_by_what_became_of_them(api: Api) -> None:
    outcomes = ["pending", "doubled", "orphan", "ignored", "refused_bad_signature"]
    outcomes += ["refused_stale_signature", "refused_body_too_large"]
    before = {outcome: _sample("perennial_webhooks_total", {"outcome": outcome}) for outcome in outcomes}
    mine = event("invoice.paid", metadata={"user_id": "u"})
    door = "/billing/webhooks/stripe"

    for one in (mine, mine, event("invoice.paid"), event("something.new")):
        await api.client.post(door, **signed(one))
    await api.client.post(door, **signed(mine, secret="whsec_guess"))
    await api.client.post(door, **signed(mine, at=time.time() - 3600))
    await api.client.post(door, content=b" " * (api.settings.webhook_max_bytes + 1))

    after = {outcome: _sample("perennial_webhooks_total", {"outcome": outcome}) for outcome in outcomes}
    assert {outcome: after[outcome] - before[outcome] for outcome in outcomes} == dict.fromkeys(outcomes, 1.0)


async def test_requests_are_timed_by_the_routes_template_never_by_the_path(api: Api) -> None:
    def count(route: str, method: str = "GET", status: str = "401") -> float:
        labels = {"method": method, "route": route, "status": status}
        return _sample("perennial_request_seconds_count", labels)

    template = "/billing/operations/{operation_id}"
    before = count(template), count("unmatched", "other", "404")

    await api.client.get("/billing/operations/0b8f4f0e-6c1e-4a38-9f0a-2d8f6c1e7b55")
    await api.client.request("PURGE", "/coffee")

    assert (count(template), count("unmatched", "other", "404")) == (before[0] + 1, before[1] + 1)
