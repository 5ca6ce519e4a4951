"""Payloads that only who has the keys can read, with keys that rotate."""

import base64
import secrets
from typing import Any

import pytest
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from settings import Settings
from tests.api.conftest import make_settings
from tests.histories.saved import history_of
from worker import SANDBOX
from workflows.encryption import KEY_ID, NONCE_BYTES, CannotDecrypt, Encryption
from workflows.payloads import DATA_CONVERTER, converter_for
from workflows.subscription import SubscriptionWorkflow

OLD, NEW = (secrets.token_bytes(32) for _ in range(2))
SAID = {"user": "ada", "plan": "BASIC"}


def listed(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


def with_keys(keys: str | None) -> Settings:
    return make_settings("postgresql://nobody@127.0.0.1:1/none", payload_keys=keys)


async def encrypted(**keys: bytes) -> Payload:
    (payload,) = await converter_for(with_keys(listed(**keys))).encode([SAID])
    return payload


async def read(payload: Payload, **keys: bytes) -> Any:
    (value,) = await converter_for(with_keys(listed(**keys))).decode([payload])
    return value


async def test_what_is_written_is_read_and_shows_nothing() -> None:
    one, same = await encrypted(first=OLD), await encrypted(first=OLD)

    assert await read(one, first=OLD) == SAID
    for trace in (b"ada", b"BASIC", b"json"):
        assert trace not in one.SerializeToString()
    assert one.data != same.data, "nobody sees that two are equal"
    assert one.data[:NONCE_BYTES] != same.data[:NONCE_BYTES]
    assert dict(one.metadata) == {"encoding": b"binary/encrypted", KEY_ID: b"first"}


async def test_keys_rotate() -> None:
    before = await encrypted(old=OLD)
    after = await encrypted(new=NEW, old=OLD)

    assert after.metadata[KEY_ID] == b"new"
    assert [await read(payload, new=NEW, old=OLD) for payload in (before, after)] == [SAID, SAID]
    with pytest.raises(CannotDecrypt, match="no key 'old'"):
        await read(before, new=NEW)


async def test_what_was_written_in_clear_stays_readable() -> None:
    (clear,) = await DATA_CONVERTER.encode([SAID])
    assert await read(clear, first=OLD) == SAID
    assert converter_for(with_keys(None)) is DATA_CONVERTER


async def test_histories_of_before_replay_when_an_installation_begins_to_encrypt() -> None:
    converter = converter_for(with_keys(listed(first=OLD)))
    replayer = Replayer(workflows=[SubscriptionWorkflow], data_converter=converter, workflow_runner=SANDBOX)
    await replayer.replay_workflow(history_of("whole_life"))


@pytest.mark.parametrize("place", [0, NONCE_BYTES, -1])
async def test_what_was_changed_is_refused(place: int) -> None:
    payload = await encrypted(first=OLD)
    changed = bytearray(payload.data)
    changed[place] ^= 1
    payload.data = bytes(changed)
    with pytest.raises(CannotDecrypt, match="was changed"):
        await read(payload, first=OLD)


async def test_a_payload_cannot_be_given_to_another_key_nor_be_cut_short() -> None:
    payload = await encrypted(one=OLD)
    payload.metadata[KEY_ID] = b"two"
    with pytest.raises(CannotDecrypt):
        await read(payload, two=OLD)
    with pytest.raises(CannotDecrypt):
        Encryption({"one": OLD}).decrypted(Payload(metadata=dict((await encrypted(one=OLD)).metadata), data=b"short"))


async def test_failures_hide_their_message_and_where_they_happened() -> None:
    converter = converter_for(with_keys(listed(first=OLD)))
    failure = Failure()
    try:
        raise ApplicationError("ada@example.com was refused", {"card": "4242"})
    except ApplicationError as error:
        await converter.encode_failure(error, failure)

    for trace in (b"ada@", b"4242", b"test_encryption"):
        assert trace not in failure.SerializeToString()
    back = await converter.decode_failure(failure)
    assert str(back) == "ada@example.com was refused"


@pytest.mark.parametrize(
    "keys",
    ["first", "first:", ":AAAA", "first:AAAA", "first:not base64!", f"a b:{base64.b64encode(OLD).decode()}",
     f"{listed(first=OLD)},{listed(first=NEW)}", f"{listed(first=OLD)},second:c2hvcnQ="],
    ids=range(8),
)  # fmt: skip
def test_keys_that_are_none_are_refused_without_showing_them(keys: str) -> None:
    with pytest.raises(ValidationError) as refused:
        with_keys(keys)
    told = refused.value.errors(include_input=False, include_url=False)[0]["msg"]
    assert "32 bytes" in told
    assert base64.b64encode(OLD).decode() not in str(refused.value)
