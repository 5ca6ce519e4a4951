"""An operator is asked "why was I charged?", and reads the whole story: cause, decision and effect."""

import json
from typing import Any

import pytest

from settings import Settings
from tests.fixtures.worlds import Mailbox, World, settings_for
from tests.stories.test_reconciling_by_hand import perennial
from workflows.door import workflow_id
from workflows.subscription import SubscriptionWorkflow


@pytest.fixture
def world_settings(database: str, temporal_server: str, local_stripe: str, mailbox: Mailbox) -> Settings:
    return settings_for(database, temporal_server, local_stripe, mailbox)


def decided(story: dict[str, Any], entry: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The step with this line, and the line."""
    return next(
        (step, decision) for step in story["steps"] for decision in step["decisions"] if decision["entry"] == entry
    )


async def test_a_life_is_told_in_full_when_temporal_has_forgotten_it(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=7)
    await ada.travel(days=8)
    await ada.use_card("pm_card_chargeCustomerFail")
    await ada.travel(days=32)
    refused = await ada.ask("PATCH", "/subscriptions/plan", {"plan": "PRO", "interval": "month"})
    assert refused.status_code == 409, "she has to pay first"
    await ada.use_card("pm_card_visa")
    await world.stripe.v1.invoices.pay_async((await ada.stripe_subscription())["latest_invoice"])
    await ada.wait_for_status("active")
    await ada.settled()
    handle = world.client.get_workflow_handle_for(SubscriptionWorkflow.run, workflow_id(ada.id))
    await handle.signal(SubscriptionWorkflow.acknowledge, "operator-7")
    await ada.settled()
    await ada.ask("DELETE", "/subscriptions?timing=now&reason=unused")
    await ada.letters()
    await handle.result()

    code, said = await perennial(world, "timeline", ada.id, "--json")
    story = json.loads(said)

    assert code == 0
    trial, line = decided(story, "trial_started")
    assert (trial["causes"][0]["kind"], trial["causes"][0]["what"]) == ("intent", "subscribe")
    assert (line["from_status"], line["to_status"]) == ("none", "trialing")
    assert line["detail"]["access_after"] == "granted (trial)"
    assert [(letter["kind"], letter["status"]) for letter in trial["letters"]] == [("welcome", "sent")]

    failed, line = decided(story, "payment_failed")
    assert {cause["kind"] for cause in failed["causes"]} == {"event"}
    assert all(cause["what"].partition(".")[0] in {"invoice", "customer"} for cause in failed["causes"])
    assert (line["detail"]["amount"], line["detail"]["attempts"], line["detail"]["grace_days"]) == (
        "1000 usd",
        "1",
        "14",
    )
    assert line["detail"]["access_after"] == "granted (grace)"
    assert line["detail"]["letters"] == "payment_failed"
    assert failed["letters"][0]["kind"] == "payment_failed"

    no, _ = next(
        (step, cause) for step in story["steps"] for cause in step["causes"] if cause.get("code") == "past_due"
    )
    assert no["decisions"] == [], "it was refused at the door"

    acknowledged, _ = decided(story, "acknowledged")
    assert acknowledged["causes"][0] == {"kind": "person", "id": "operator-7"}
    _, left = decided(story, "canceled")
    assert left["detail"]["reason"] == "unused"

    code, said = await perennial(world, "timeline", ada.id)
    print(said)
    assert code == 0
    for words in (
        "payment failed  active → past_due",
        "grace days 14",
        "$10.00",
        "access granted (paid) → granted (grace) until",
        "✉ payment failed  sent",
        "change plan",
        "refused: past_due",
        "person  operator-7",
        "canceled",
    ):
        assert words in said, words


async def test_the_customer_reads_the_same_in_short(world: World) -> None:
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()

    answer = await ada.ask("GET", "/subscriptions/me/timeline")

    (entry,) = answer.json()["entries"]
    assert entry["detail"]["amount"] == "1000 usd"
    assert not {"policy", "letters", "max_payment_attempts"} & entry["detail"].keys()


async def test_nothing_is_told_of_nobody(world: World) -> None:
    code, said = await perennial(world, "timeline", "nobody")

    assert (code, said.strip()) == (1, "Nothing is known of nobody.")
