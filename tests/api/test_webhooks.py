import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.api.conftest import Api, Blocked, assert_problem, make_settings, running_api
from tests.api.signing import event, signature, signed

DOOR = "/billing/webhooks/stripe"
DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000


async def deliver(api: Api, body: dict[str, Any] | bytes, **how: Any) -> Any:
    return await api.client.post(DOOR, **signed(body, **how))


def stored(api: Api) -> list[dict[str, Any]]:
    return api.rows("select * from billing.events order by received_at, id")


async def test_an_event_is_on_disk_before_it_is_acknowledged_and_the_relay_knows(api: Api) -> None:
    invoice = event(
        "invoice.paid",
        event_id="evt_paid",
        customer="cus_1",
        parent={"subscription_details": {"subscription": "sub_1", "metadata": {"user_id": "user_1"}}},
    )

    response = await deliver(api, invoice)

    assert (response.status_code, response.json()) == (200, {"received": True})
    (row,) = stored(api)
    assert row["status"] == "pending"
    assert (row["user_id"], row["stripe_customer_id"], row["stripe_subscription_id"]) == ("user_1", "cus_1", "sub_1")
    assert (row["object_id"], row["api_version"], row["livemode"]) == ("in_1", "2026-10-28.endive", False)
    assert api.relay.woken == 1


async def test_a_doubled_event_changes_nothing(api: Api) -> None:
    twice = event(metadata={"user_id": "user_1"})
    assert (await deliver(api, twice)).status_code == 200
    before = stored(api)

    assert (await deliver(api, twice)).status_code == 200

    assert stored(api) == before
    assert api.relay.woken == 1


MINE: dict[str, Any] = {"metadata": {"user_id": "u"}}
SUBSCRIPTION: dict[str, Any] = MINE | {"id": "sub_2", "object": "subscription"}
CHECKOUT: dict[str, Any] = MINE | {"object": "checkout.session"}


@pytest.mark.parametrize(
    ("kind", "thing", "owner", "subscription", "status"),
    [
        ("customer.subscription.updated", SUBSCRIPTION, "u", "sub_2", "pending"),
        ("checkout.session.completed", CHECKOUT | {"subscription": "sub_3"}, "u", "sub_3", "pending"),
        ("checkout.session.completed", CHECKOUT | {"subscription": {"id": "sub_4"}}, "u", "sub_4", "pending"),
        ("invoice.paid", {"customer": "cus_known"}, "known", None, "pending"),
        ("invoice.paid", {"customer": {"id": "cus_known", "object": "customer"}}, "known", None, "pending"),
        ("customer.updated", {"id": "cus_known", "object": "customer"}, "known", None, "pending"),
        ("invoice.paid", {"customer": "cus_stranger"}, None, None, "orphan"),
        ("charge.dispute.created", {"object": "dispute"}, None, None, "orphan"),
        ("invoice.paid", {"metadata": {"user_id": 7}, "customer": ["x"], "parent": "odd"}, None, None, "orphan"),
        ("invoice.paid", {"metadata": {"user_id": "x\x00y"}, "customer": "c" * 999}, None, None, "orphan"),
        ("product.updated", MINE, "u", None, "ignored"),
        ("something.new", {}, None, None, "ignored"),
    ],
)
async def test_who_an_event_is_about_and_whether_anybody_must_act(
    api: Api, kind: str, thing: dict[str, Any], owner: str | None, subscription: str | None, status: str
) -> None:
    api.rows("insert into billing.customers (user_id, stripe_customer_id) values ('known', 'cus_known')")

    assert (await deliver(api, event(kind, **thing))).status_code == 200

    (row,) = stored(api)
    assert (row["user_id"], row["stripe_subscription_id"], row["status"]) == (owner, subscription, status)


async def test_a_detached_card_still_names_whose_it_was(api: Api) -> None:
    detached = event("payment_method.detached", previous={"customer": "cus_9"}, customer=None)

    await deliver(api, detached)

    assert stored(api)[0]["stripe_customer_id"] == "cus_9"


async def test_both_secrets_are_good_while_one_replaces_the_other(api: Api) -> None:
    assert (await deliver(api, event(), secret="whsec_new_secret")).status_code == 200
    assert (await deliver(api, event(), secret="whsec_old_secret")).status_code == 200
    assert_problem(await deliver(api, event(), secret="whsec_retired"), 400, "bad_signature")
    assert len(stored(api)) == 2


HOSTILE: list[tuple[str, Callable[[], tuple[bytes, dict[str, str]]], str]] = []


def hostile(name: str, code: str) -> Callable[[Callable[[], tuple[bytes, str | None]]], None]:
    def add(make: Callable[[], tuple[bytes, str | None]]) -> None:
        def request() -> tuple[bytes, dict[str, str]]:
            body, header = make()
            return body, {} if header is None else {"Stripe-Signature": header}

        HOSTILE.append((name, request, code))

    return add


def well_signed(body: bytes) -> tuple[bytes, str]:
    return body, signature(body, "whsec_new_secret")


BODY = json.dumps(event(event_id="evt_hostile")).encode()

hostile("no signature", "bad_signature")(lambda: (BODY, None))
hostile("an empty signature", "bad_signature")(lambda: (BODY, ""))
hostile("a signature of nonsense", "bad_signature")(lambda: (BODY, "====,,,t=,v1="))
hostile("a moment that is no number", "bad_signature")(lambda: (BODY, "t=now,v1=abc"))
hostile("a moment of five thousand digits", "bad_signature")(lambda: (BODY, f"t={'9' * 4000},v1=abc"))
hostile("a header without end", "bad_signature")(lambda: (BODY, "v1=" + "a" * 5000))
hostile("the signature of another body", "bad_signature")(lambda: (BODY + b" ", signature(BODY, "whsec_new_secret")))
hostile("the wrong secret", "bad_signature")(lambda: (BODY, signature(BODY, "whsec_guess")))
hostile("only the old scheme", "bad_signature")(lambda: (BODY, signature(BODY, "whsec_new_secret").replace("v1", "v0")))
hostile("signed long ago", "stale_signature")(lambda: (BODY, signature(BODY, "whsec_new_secret", time.time() - 301)))
hostile("signed in the future", "stale_signature")(
    lambda: (BODY, signature(BODY, "whsec_new_secret", time.time() + 305))
)
hostile("signed at the end of days", "stale_signature")(lambda: (BODY, signature(BODY, "whsec_new_secret", 10**18)))
hostile("not JSON", "malformed_json")(lambda: well_signed(b"id=evt_1"))
hostile("another moment beside it", "malformed_json")(
    lambda: (b"id=evt_1", signature(b"id=evt_1", "whsec_new_secret").replace(",", "=5,", 1))
)
hostile("nothing", "malformed_json")(lambda: well_signed(b""))
hostile("not UTF-8", "bad_signature")(lambda: well_signed(b'{"id": "\xff\xfe"}'))
hostile("half a surrogate", "malformed_json")(lambda: well_signed(b'{"id": "\\ud800"}'))
hostile("nested without end", "malformed_json")(lambda: well_signed(DEEP))
for shape in (b"null", b"[]", b"7", b'"event"', b"{}", b'{"object": "event"}'):
    hostile(f"JSON but no event: {shape.decode()}", "malformed_event")(lambda shape=shape: well_signed(shape))
for name, change in {
    "without an id": {"id": None},
    "with an id that is a list": {"id": ["evt_1"]},
    "with an id without end": {"id": "e" * 256},
    "with a NUL in its id": {"id": "evt\x00"},
    "without a type": {"type": None},
    "created in words": {"created": "yesterday"},
    "created never": {"created": True},
    "created beyond all calendars": {"created": 10**15},
    "created before time": {"created": -1},
    "with data that is a list": {"data": []},
    "without an object": {"data": {"object": None}},
    "of the thin kind": {"object": "v2.core.event"},
}.items():
    hostile(f"an event {name}", "malformed_event")(
        lambda change=change: well_signed(json.dumps(event(event_id="evt_hostile") | change).encode())
    )


@pytest.mark.parametrize(("make", "code"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
async def test_a_hostile_delivery_is_400_and_stores_nothing(
    shared_api: Api, make: Callable[[], tuple[bytes, dict[str, str]]], code: str
) -> None:
    body, headers = make()

    response = await shared_api.client.post(DOOR, content=body, headers=headers)

    assert_problem(response, 400, code)
    assert stored(shared_api) == []
    assert shared_api.relay.woken == 0


async def test_a_signature_beyond_ascii_is_refused_like_any_other(shared_api: Api) -> None:
    headers = [(b"Stripe-Signature", b"t=1,v1=\xc3\xa9")]

    assert_problem(await shared_api.client.post(DOOR, content=BODY, headers=headers), 400, "bad_signature")


async def test_an_oversized_body_is_refused_by_what_was_sent_not_by_what_was_said(shared_api: Api) -> None:
    limit = shared_api.settings.webhook_max_bytes

    async def streamed(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 65_536):
            yield b" " * min(65_536, size - start)

    headers = {"Stripe-Signature": "t=1,v1=a"}
    just_fits = await shared_api.client.post(DOOR, content=streamed(limit), headers=headers)
    one_more = await shared_api.client.post(DOOR, content=streamed(limit + 1), headers=headers)
    declared = await shared_api.client.post(DOOR, content=b" " * (limit + 1), headers=headers)

    assert_problem(just_fits, 400, "bad_signature")
    assert_problem(one_more, 413, "body_too_large")
    assert_problem(declared, 413, "body_too_large")


async def test_a_hundred_doors_at_once_keep_every_event_once(api: Api) -> None:
    events = [event(event_id=f"evt_{number}", metadata={"user_id": "user_1"}) for number in range(200)]

    responses = await asyncio.gather(*(deliver(api, one) for one in [*events, *events[:50]]))

    assert {response.status_code for response in responses} == {200}
    assert {row["id"] for row in stored(api)} == {one["id"] for one in events}
    assert api.relay.woken == 200
    inserts = [statement for statement, _ in api.statements if "insert into billing.events" in statement]
    assert len(inserts) < 125, "events that arrive together share a commit"


async def test_a_database_that_is_away_lets_stripe_send_again(api: Api) -> None:
    one = event(event_id="evt_kept", metadata={"user_id": "user_1"})
    with Blocked(api.database):
        response = await deliver(api, one)
        assert_problem(response, 503, "temporarily_unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert api.relay.woken == 0

    assert (await deliver(api, one)).status_code == 200
    assert [row["id"] for row in stored(api)] == ["evt_kept"]


async def test_events_are_taken_with_no_secret_configured_only_to_be_refused(database: str) -> None:
    async with running_api(make_settings(database, stripe_webhook_secrets="")) as api:
        assert_problem(await deliver(api, event(), secret=""), 400, "bad_signature")
