"""What an operator reads in the Temporal Web UI: every handler, step and timer says what it is for."""

import base64
import json
from typing import Any

import pytest

from tests.histories import saved
from workflows.subscription import SubscriptionWorkflow
from workflows.upkeep import CatchUpWorkflow, RetentionWorkflow, SweepWorkflow


@pytest.mark.parametrize("workflow", [SubscriptionWorkflow, SweepWorkflow, CatchUpWorkflow, RetentionWorkflow])
def test_every_signal_update_and_query_has_a_description(workflow: type) -> None:
    definition = workflow.__dict__["__temporal_workflow_definition"]
    handlers = [*definition.signals.values(), *definition.updates.values(), *definition.queries.values()]
    assert all(handler.description for handler in handlers), handlers


def test_the_subscription_can_be_told_asked_and_read() -> None:
    definition = SubscriptionWorkflow.__dict__["__temporal_workflow_definition"]
    assert set(definition.signals) == {"stripe_events", "acknowledge"}
    assert set(definition.updates) == {"ask"}
    assert set(definition.queries) == {"state"}


@pytest.mark.parametrize("name", saved.names())
def test_every_step_and_timer_has_a_summary(name: str) -> None:
    events = json.loads(saved.text_of(name))["events"]
    shown = ("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED", "EVENT_TYPE_TIMER_STARTED")
    assert [event["eventId"] for event in events if event["eventType"] in shown and not _summary(event)] == []


def test_a_summary_says_what_the_step_is_about() -> None:
    whole_life = [_summary(event) for event in json.loads(saved.text_of("whole_life"))["events"]]
    assert "subscribe to basic_month" in whole_life
    assert "change to pro_month" in whole_life
    assert "cancel when the period is over" in whole_life
    assert "the trial reminder" in whole_life
    assert any(summary.startswith("look at sub_") for summary in whole_life)


def _summary(event: dict[str, Any]) -> str:
    payload = event.get("userMetadata", {}).get("summary", {}).get("data", "")
    return str(json.loads(base64.b64decode(payload))) if payload else ""
