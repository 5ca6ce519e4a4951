import asyncio
from typing import Any

import httpx
import pytest

from activities.gateway import StripeAway
from activities.pages import RequiredAction
from lifecycle import intents
from lifecycle.intents import Cancel, ChangePlan, Outcome, Result, Resume, Subscribe, Timing
from lifecycle.plans import Interval
from lifecycle.refusals import Refusal, RefusalCode
from local.betterauth import SignedInUser
from tests.api.conftest import Api, Blocked, as_user, assert_problem
from workflows.door import Unavailable

SUBSCRIPTIONS = "/billing/subscriptions"
BASIC = {"plan": "BASIC", "interval": "month"}


async def subscribe(api: Api, user: SignedInUser, key: str | None = None, **body: Any) -> httpx.Response:
    return await api.client.post(SUBSCRIPTIONS, json=BASIC | body, headers=as_user(user, key))


def saves(api: Api, **columns: Any) -> None:
    """Let the workflow save its projection and close its operation, as it does before it answers."""

    def save(user_id: str, request: intents.Request) -> None:
        api.subscribed(user_id, **columns)
        api.rows(
            """update billing.operations set status = 'succeeded', result = '{"result": "done"}' where id = %s""",
            request.operation_id,
        )

    api.door.meanwhile = save


async def test_subscribing_answers_with_the_subscription_as_it_stands_now(api: Api, ada: SignedInUser) -> None:
    saves(api, status="trialing")

    response = await subscribe(api, ada, trial_period_days=7, plan="basic")

    assert response.status_code == 201
    assert response.json() == (await api.client.get(f"{SUBSCRIPTIONS}/me", headers=as_user(ada))).json()
    (request,) = api.door.carried_out
    assert isinstance(request.intent, Subscribe)
    assert (request.intent.terms.lookup_key, request.intent.trial_days) == ("basic_month", 7)


async def test_every_write_becomes_its_intent(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, interval="year")
    headers = as_user(ada)

    answers = [
        await api.client.patch(f"{SUBSCRIPTIONS}/plan", json={"plan": "PRO"}, headers=headers),
        await api.client.patch(f"{SUBSCRIPTIONS}/plan", json={"plan": "PRO", "interval": "month"}, headers=headers),
        await api.client.delete(SUBSCRIPTIONS, headers=headers),
        await api.client.delete(f"{SUBSCRIPTIONS}?timing=now&reason=too_expensive", headers=headers),
        await api.client.post(f"{SUBSCRIPTIONS}/resume", headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    stays, moves, later, now, resumed = [request.intent for request in api.door.carried_out]
    assert isinstance(stays, ChangePlan)
    assert isinstance(moves, ChangePlan)
    assert (stays.terms.interval, moves.terms.interval) == (Interval.YEAR, Interval.MONTH)
    assert later == Cancel(Timing.PERIOD_END)
    assert now == Cancel(Timing.NOW, intents.CancelReason.TOO_EXPENSIVE)
    assert resumed == Resume()


async def test_one_key_is_one_subscription_however_often_it_is_asked(api: Api, ada: SignedInUser) -> None:
    saves(api, status="trialing")

    first = await subscribe(api, ada, "my-key")
    again = await subscribe(api, ada, "my-key", plan="basic")
    api.subscribed(ada.id, status="canceled")  # months later, when the workflow is long gone
    months_later = await subscribe(api, ada, "my-key")

    assert len(api.door.carried_out) == 1
    for response in (again, months_later):
        assert (response.status_code, response.json()) == (201, first.json())


async def test_many_clicks_at_once_are_one_operation(api: Api, ada: SignedInUser) -> None:
    saves(api, status="trialing")

    responses = await asyncio.gather(*(subscribe(api, ada, "my-key") for _ in range(10)))

    done = [response for response in responses if response.status_code == 201]
    for response in responses:
        if response not in done:
            assert_problem(response, 409, "request_in_flight")
            assert response.headers["retry-after"] == "1"
    assert done
    assert len(api.door.carried_out) == 1
    assert api.row("select count(*) as n from billing.operations")["n"] == 1
    assert (await subscribe(api, ada, "my-key")).json() == done[0].json()


async def test_a_request_that_is_worked_on_is_not_begun_a_second_time(api: Api, ada: SignedInUser) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(_: str, request: intents.Request, __: float) -> Outcome:
        begun.set()
        await may_end.wait()
        return Outcome(Result.DONE)

    saves(api)
    api.door.ask = slowly  # type: ignore[method-assign]
    first = asyncio.create_task(subscribe(api, ada, "my-key"))
    await asyncio.wait_for(begun.wait(), 10)

    second = await subscribe(api, ada, "my-key")
    other = await subscribe(api, ada, "my-key", plan="PRO")

    assert_problem(second, 409, "request_in_flight")
    assert_problem(other, 422, "idempotency_key_reused")
    may_end.set()
    api.subscribed(ada.id)
    assert (await first).status_code == 201


async def test_a_hold_whose_process_has_died_ends_by_itself(api: Api, ada: SignedInUser) -> None:
    api.door.says = Unavailable()
    assert (await subscribe(api, ada, "my-key")).status_code == 503
    api.door.says = Outcome(Result.DONE)
    saves(api)
    api.rows("update billing.operations set busy_until = now() + interval '1 hour'")
    assert_problem(await subscribe(api, ada, "my-key"), 409, "request_in_flight")

    api.rows("update billing.operations set busy_until = now() - interval '1 second'")

    assert (await subscribe(api, ada, "my-key")).status_code == 201


async def test_a_key_belongs_to_one_request(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id)
    await subscribe(api, ada, "my-key")

    other_body = await subscribe(api, ada, "my-key", plan="PRO")
    other_path = await api.client.post(f"{SUBSCRIPTIONS}/resume", headers=as_user(ada, "my-key"))

    for response in (other_body, other_path):
        assert_problem(response, 422, "idempotency_key_reused")
    assert len(api.door.carried_out) == 1


async def test_a_key_belongs_to_one_user(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    for user in (ada, bob):
        api.subscribed(user.id)
        assert (await subscribe(api, user, "same-key")).status_code == 201

    assert len(api.door.carried_out) == 2


@pytest.mark.parametrize("key", ["two words", "k" * 256])
async def test_a_key_that_cannot_be_one_is_named(shared_api: Api, member: SignedInUser, key: str) -> None:
    problem = assert_problem(await subscribe(shared_api, member, key), 422, "invalid_request")

    assert problem["errors"][0]["field"] == "Idempotency-Key"


async def test_a_slow_outcome_is_202_and_asking_again_joins_it(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.door.says = None

    accepted = await subscribe(api, ada, "my-key")

    assert accepted.status_code == 202
    place = accepted.headers["location"]
    assert accepted.json()["status"] == "pending"
    kept = api.row("select intent, promised_at from billing.operations")
    assert (kept["intent"]["kind"], kept["intent"]["terms"]["plan"]) == ("subscribe", "BASIC")
    assert kept["promised_at"], "a 202 that is not kept in writing"
    assert (await api.client.get(place, headers=as_user(ada))).json()["id"] == accepted.json()["id"]
    assert_problem(await api.client.get(place, headers=as_user(bob)), 404, "not_found")
    assert_problem(await api.client.get(place), 401, "not_signed_in")

    api.door.says = Outcome(Result.DONE)
    saves(api)
    assert (await subscribe(api, ada, "my-key")).status_code == 201
    assert {request.operation_id for request in api.door.carried_out} == {accepted.json()["id"]}
    assert (await api.client.get(place, headers=as_user(ada))).json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("code", "status"),
    [(RefusalCode.ALREADY_SUBSCRIBED, 409), (RefusalCode.NO_SUBSCRIPTION, 404), (RefusalCode.TRIAL_TOO_LONG, 422)],
)
@pytest.mark.parametrize("early", [True, False], ids=["by the validator", "by the work"])
async def test_a_refusal_says_why_and_says_it_again(
    api: Api, ada: SignedInUser, code: RefusalCode, status: int, early: bool
) -> None:
    refusal = Refusal(code, "It does not fit.")
    api.door.says = refusal if early else Outcome(Result.REFUSED, code.value, "It does not fit.")

    first = await subscribe(api, ada, "my-key")
    again = await subscribe(api, ada, "my-key")

    assert assert_problem(first, status, code.value)["detail"] == "It does not fit."
    assert again.json() == first.json()
    assert len(api.door.carried_out) == 1


async def test_every_refusal_has_an_answer(shared_api: Api, member: SignedInUser) -> None:
    for code in RefusalCode:
        shared_api.door.says = Refusal(code, "No.")
        assert (await subscribe(shared_api, member)).json()["code"] == code.value
    shared_api.door.says = Outcome(Result.DONE)


async def test_a_declined_card_is_402_with_the_banks_reason(api: Api, ada: SignedInUser) -> None:
    api.door.says = Outcome(Result.DECLINED, "insufficient_funds")

    problem = assert_problem(await subscribe(api, ada), 402, "insufficient_funds")

    assert problem["type"].endswith(":payment_declined")
    assert "card" in problem["detail"]


async def test_a_payment_to_confirm_is_402_with_where_to_confirm_it(api: Api, ada: SignedInUser) -> None:
    api.door.says = Outcome(Result.ACTION_REQUIRED, "authentication_required")
    api.pages.action = RequiredAction("authentication_required", "https://invoice.stripe.com/i/1", "pi_1_secret_x")

    problem = assert_problem(await subscribe(api, ada, "my-key"), 402, "action_required")

    assert problem["required_action"]["url"] == "https://invoice.stripe.com/i/1"
    assert problem["required_action"]["client_secret"] == "pi_1_secret_x"
    kept = api.rows("select * from billing.operations")
    assert "pi_1_secret_x" not in str(kept)


async def test_what_stripe_refuses_is_502_without_a_word_of_its_insides(api: Api, ada: SignedInUser) -> None:
    api.door.says = Outcome(Result.FAILED, "price_missing", "No such price: 'price_123'")

    response = await subscribe(api, ada)

    assert_problem(response, 502, "payment_provider_refused")
    assert "price" not in response.text


@pytest.mark.parametrize(
    ("away", "code"), [(Unavailable(), "temporarily_unavailable"), (StripeAway("x"), "payment_provider_away")]
)
async def test_an_outage_is_503_and_the_same_key_works_afterwards(
    api: Api, ada: SignedInUser, away: Exception, code: str
) -> None:
    api.door.says = away
    response = await subscribe(api, ada, "my-key")
    assert_problem(response, 503, code)
    assert int(response.headers["retry-after"]) > 0
    assert api.row("select promised_at from billing.operations")["promised_at"] is None, "the client comes again itself"

    api.door.says = Outcome(Result.DONE)
    saves(api)
    assert (await subscribe(api, ada, "my-key")).status_code == 201


async def test_a_database_that_is_away_is_503_and_then_fine_again(api: Api, ada: SignedInUser) -> None:
    saves(api)
    with Blocked(api.database):
        response = await subscribe(api, ada, "my-key")
        assert_problem(response, 503, "temporarily_unavailable")
        assert "retry-after" in response.headers

    assert (await subscribe(api, ada, "my-key")).status_code == 201


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"plan": "GOLD"}, "unknown_plan", "plan"),
        ({"plan": ""}, "invalid_request", "plan"),
        ({"plan": "B" * 33}, "invalid_request", "plan"),
        ({"plan": "BASIC\x00"}, "invalid_request", "plan"),
        ({"plan": "ΒASIC"}, "invalid_request", "plan"),
        ({"plan": 7}, "invalid_request", "plan"),
        ({"plan": None}, "invalid_request", "plan"),
        ({"interval": "week"}, "invalid_request", "interval"),
        ({"trial_period_days": 15}, "trial_too_long", "trial_period_days"),
        ({"trial_period_days": -1}, "invalid_request", "trial_period_days"),
        ({"trial_period_days": "7"}, "invalid_request", "trial_period_days"),
        ({"trial_period_days": True}, "invalid_request", "trial_period_days"),
        ({"trial_period_days": 7.0}, "invalid_request", "trial_period_days"),
        ({"payment_method": "4242424242424242"}, "invalid_request", "payment_method"),
        ({"payment_method": "pm_1; drop"}, "invalid_request", "payment_method"),
        ({"amount": 1}, "invalid_request", "amount"),
    ],
)
async def test_a_wrong_field_is_named_and_never_repeated(
    shared_api: Api, member: SignedInUser, body: dict[str, Any], code: str, field: str
) -> None:
    problem = assert_problem(await subscribe(shared_api, member, **body), 422, code)

    assert [error["field"] for error in problem["errors"]] == [field]
    if field == "payment_method":
        assert str(body[field]) not in str(problem)


async def test_an_unknown_plan_names_the_plans_and_a_long_trial_its_limit(
    shared_api: Api, member: SignedInUser
) -> None:
    assert "BASIC, PRO, ENTERPRISE" in (await subscribe(shared_api, member, plan="GOLD")).json()["detail"]
    assert "14 days" in (await subscribe(shared_api, member, trial_period_days=15)).json()["detail"]


@pytest.mark.parametrize("query", ["timing=later", "reason=boredom", "timming=now", "timing="])
async def test_a_cancellation_that_is_misspelt_cancels_nothing(
    shared_api: Api, member: SignedInUser, query: str
) -> None:
    before = len(shared_api.door.carried_out)

    response = await shared_api.client.delete(f"{SUBSCRIPTIONS}?{query}", headers=as_user(member))

    assert_problem(response, 422, "invalid_request")
    assert len(shared_api.door.carried_out) == before
