"""The saved histories: what real workflows wrote, kept so that every later version must still be able to read it."""

import json
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

FOLDER = Path(__file__).parent
FINGERPRINTS = FOLDER / "fingerprints.json"

_NAMES_OF_COMMANDS = {
    "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED": "activity",
    "EVENT_TYPE_MARKER_RECORDED": "local activity",
    "EVENT_TYPE_TIMER_STARTED": "timer",
    "EVENT_TYPE_TIMER_CANCELED": "timer canceled",
    "EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": "search attributes",
    "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED": "update accepted",
    "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED": "update completed",
    "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW": "continued as new",
    "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED": "completed",
    "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED": "failed",
}


def names() -> list[str]:
    """Every saved history, by its file."""
    return sorted(path.stem for path in FOLDER.glob("*.json") if path != FINGERPRINTS)


def text_of(name: str) -> str:
    """A history as it was saved."""
    return (FOLDER / f"{name}.json").read_text()


def history_of(name: str) -> WorkflowHistory:
    """A history as the replayer takes it."""
    return WorkflowHistory.from_json(name, text_of(name))


def commands_in(name: str) -> list[str]:
    """What the workflow decided, in order."""
    decided = [_command(event) for event in json.loads(text_of(name))["events"]]
    return [command for command in decided if command]


def fingerprints() -> dict[str, list[str]]:
    """The commands that each saved history is known to hold."""
    return dict(json.loads(FINGERPRINTS.read_text()))


def save(name: str, history: WorkflowHistory) -> None:
    """Write a history without the names of machines, processes and files."""
    document = _without_machines(json.loads(history.to_json()))
    (FOLDER / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


def write_fingerprints() -> None:
    """Take note of what the saved histories hold now."""
    FINGERPRINTS.write_text(json.dumps({name: commands_in(name) for name in names()}, indent=1) + "\n")


def _command(event: dict[str, Any]) -> str | None:
    kind = _NAMES_OF_COMMANDS.get(event["eventType"])
    if kind == "activity":
        return f"{kind} {event['activityTaskScheduledEventAttributes']['activityType']['name']}"
    return kind


def _without_machines(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_machines(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "recorded" if key == "identity" else _without_machines(item)
        for key, item in value.items()
        if key not in {"stackTrace", "stickyAttributes"}
    }
