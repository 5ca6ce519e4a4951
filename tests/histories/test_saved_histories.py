"""Workflows that are in the middle of a life must go on after every release."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.worker import Replayer

from tests.histories import saved
from worker import SANDBOX
from workflows.payloads import DATA_CONVERTER
from workflows.subscription import SubscriptionWorkflow

STUCK = """
{name} no longer replays: every running workflow that took these steps would be stuck on its next task after this
release, with TemporalReportedProblems set, until the old code is back.
Guard the new steps by `if workflow.patched("what-changed"):`, keep the old ones in the `else`, and record a new
history beside this one (tests/histories/record.py). Do not record this one again.

{reason}
"""
CHANGED = """
The commands in {name}.json are not those of its fingerprint: the file was recorded again or edited. Executions that
run now still carry the OLD commands; if those no longer replay, they would be stuck after this release.
Put the old file back and guard the change by `workflow.patched`; save what is new under a new name. If nobody can
be running the old commands any more, take note of the new ones with `saved.write_fingerprints()`.
"""
PRIVATE = {
    "an e-mail address": r"[\w.+-]+@[\w-]+\.\w+",
    "a name": r"Ada|Lovelace",
    "a link": r"https?://",
    "the face of a card": r"last4|\bvisa\b|\b(?:4242|0341)\b",
    "a client secret": r"_secret_|client_secret|sk_test|whsec_",
    "a place on a machine": r"/(?:work|home|root|tmp|Users)/|site-packages",
}


@pytest.mark.parametrize("name", saved.names())
async def test_a_saved_history_replays(name: str) -> None:
    replayer = Replayer(workflows=[SubscriptionWorkflow], data_converter=DATA_CONVERTER, workflow_runner=SANDBOX)
    try:
        await replayer.replay_workflow(saved.history_of(name))
    except Exception as error:
        pytest.fail(STUCK.format(name=name, reason=str(error)[:600]), pytrace=False)


@pytest.mark.parametrize("name", saved.names())
def test_a_saved_history_is_the_one_that_was_recorded(name: str) -> None:
    assert saved.commands_in(name) == saved.fingerprints()[name], CHANGED.format(name=name)


def test_the_stories_that_must_replay_are_there() -> None:
    assert set(saved.names()) == set(saved.fingerprints())
    told = {name.rstrip("_0123456789") for name in saved.names()}
    assert told >= {"whole_life", "gave_up", "trial_extended", "declined", "adopted", "many_histories"}
    assert saved.commands_in("many_histories_1")[-1] == "continued as new"


@pytest.mark.parametrize("name", saved.names())
def test_a_history_holds_nothing_personal(name: str) -> None:
    for text in _texts(json.loads(saved.text_of(name))):
        for what, pattern in PRIVATE.items():
            assert not re.search(pattern, text), f"{name}.json holds {what}: {text[:200]}"


def _texts(value: Any) -> Iterator[str]:
    """Every text in a history, payloads decoded."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ([base64.b64decode(item).decode()] if key == "data" and isinstance(item, str) else _texts(item))
    elif isinstance(value, str) and not value.isdigit():  # sizes and numbers of events
        yield value
