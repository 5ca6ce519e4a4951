"""What needs Better-Auth's role admin: denied by default, and asked anew with every request."""

from typing import Any

import httpx
import pytest

from lifecycle.intents import Outcome, RefundPayment, RefundReason, Result
from lifecycle.refusals import Refusal, RefusalCode
from local import betterauth
from local.betterauth import SignedInUser
from tests.api.conftest import AUTH_SECRET, Api, as_user, assert_problem

GIVEN = """
insert into billing.timeline (user_id, seq, position, at, entry, cause, cause_id, detail)
values (%s, 7, 0, now(), 'refunded', 'intent', %s,
    '{"refund": "re_1", "charge": "ch_1", "amount": "400", "currency": "usd", "status": "succeeded"}')
"""


@pytest.fixture
def grace(api: Api) -> SignedInUser:
    """An administrator."""
    return betterauth.sign_in(
        api.database, name="Grace", email="grace@example.com", secret=AUTH_SECRET, role="support, admin"
    )


@pytest.fixture
def payer(api: Api, ada: SignedInUser) -> SignedInUser:
    """A user who is a customer."""
    api.rows("insert into billing.customers (user_id, stripe_customer_id) values (%s, 'cus_1')", ada.id)
    api.door.meanwhile = lambda user_id, request: api.rows(GIVEN, user_id, request.operation_id) and None
    api.door.says = Outcome(Result.DONE, "refunded")
    return ada


async def refund(api: Api, by: SignedInUser, of: str, key: str | None = None, **body: Any) -> httpx.Response:
    return await api.client.post(f"/billing/admin/users/{of}/refunds", json=body, headers=as_user(by, key))


async def test_an_administrator_gives_money_back(api: Api, grace: SignedInUser, payer: SignedInUser) -> None:
    body = {"amount": 400, "reason": "duplicate", "invoice": "in_1"}
    first = await refund(api, grace, payer.id, "ticket-1", **body)
    again = await refund(api, grace, payer.id, "ticket-1", **body)

    assert first.status_code == again.status_code == 201, first.text
    assert first.json() == again.json()
    assert (first.json()["id"], first.json()["amount"]) == ("re_1", 400)
    (asked,) = api.door.carried_out
    assert asked.intent == RefundPayment(400, "in_1", RefundReason.DUPLICATE, grace.id)


@pytest.mark.parametrize("role", [None, "", "user", "adm", "administrator", "admin2,supporter"])
async def test_everybody_else_is_told_403_and_nothing_is_asked(
    api: Api, grace: SignedInUser, payer: SignedInUser, role: str | None
) -> None:
    api.rows('update "user" set role = %s where id = %s', role, grace.id)

    assert_problem(await refund(api, grace, payer.id), 403, "forbidden")
    assert_problem(
        await api.client.get(f"/billing/admin/operations/{'0' * 8}-0000-0000-0000-{'0' * 12}", headers=as_user(grace)),
        403,
        "forbidden",
    )
    assert api.door.carried_out == []


async def test_a_banned_administrator_and_a_stranger_are_not_signed_in(
    api: Api, grace: SignedInUser, payer: SignedInUser
) -> None:
    api.rows('update "user" set banned = true where id = %s', grace.id)

    assert_problem(await refund(api, grace, payer.id), 401, "not_signed_in")
    assert_problem(await api.client.post(f"/billing/admin/users/{payer.id}/refunds", json={}), 401, "not_signed_in")


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 1.5},
        {"amount": "400"},
        {"reason": "because"},
        {"invoice": "sub_1"},
        {"currency": "usd"},
    ],
)
async def test_what_cannot_be_a_refund_is_refused_before_it_is_asked(
    api: Api, grace: SignedInUser, payer: SignedInUser, body: dict[str, Any]
) -> None:
    assert_problem(await refund(api, grace, payer.id, **body), 422, "invalid_request")
    assert api.door.carried_out == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("nothing_to_refund", 409), ("refund_too_large", 422), ("unknown_invoice", 404), ("payment_disputed", 409)],
)
async def test_a_refusal_of_the_workflow_has_its_own_code(
    api: Api, grace: SignedInUser, payer: SignedInUser, code: str, status: int
) -> None:
    api.door.says = Refusal(RefusalCode(code), "why")
    assert_problem(await refund(api, grace, payer.id), status, code)


async def test_a_refund_that_takes_longer_is_found_by_its_operation(
    api: Api, grace: SignedInUser, payer: SignedInUser
) -> None:
    api.door.says = None
    answer = await refund(api, grace, payer.id)
    assert answer.status_code == 202

    found = await api.client.get(f"/billing/admin/operations/{answer.json()['id']}", headers=as_user(grace))
    assert (found.status_code, found.json()["kind"], found.json()["status"]) == (200, "refund", "pending")
    (promised,) = api.rows("select intent from billing.operations where promised_at is not null")
    assert promised["intent"]["kind"] == "refund"


async def test_who_never_paid_has_no_workflow_begun(api: Api, grace: SignedInUser) -> None:
    assert_problem(await refund(api, grace, "nobody"), 404, "no_customer")
    assert api.door.carried_out == []
