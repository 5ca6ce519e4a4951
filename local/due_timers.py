"""Timers of a workflow that are due by its own clock and have not fired yet."""

from datetime import UTC, datetime
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowHandle

NEWEST = 500
"""How many events to look back at most: a workflow of ours sets its timer anew after every wakening."""


async def has_due_timer(client: Client, handle: WorkflowHandle[Any, Any], now: datetime) -> bool:
    """Whether one should have fired by ``now``. A leap in time is over before the server's timers have noticed it."""
    asked = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=handle.id), maximum_page_size=NEWEST
    )
    newest = await client.workflow_service.get_workflow_execution_history_reverse(asked)
    over = set[int]()
    for event in newest.history.events:
        match event.event_type:
            case EventType.EVENT_TYPE_TIMER_FIRED:
                over.add(event.timer_fired_event_attributes.started_event_id)
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                over.add(event.timer_canceled_event_attributes.started_event_id)
            case EventType.EVENT_TYPE_TIMER_STARTED if event.event_id not in over and _fires_at(event) <= now:
                return True
    return False


def _fires_at(event: HistoryEvent) -> datetime:
    started = event.event_time.ToDatetime(tzinfo=UTC)
    return started + event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
