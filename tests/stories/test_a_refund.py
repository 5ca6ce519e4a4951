"""Money goes back to a customer: by an administrator, in parts, twice, from Stripe's dashboard, and in vain.

A refund is no cancellation: whoever gets money back keeps the subscription. https://docs.stripe.com/refunds
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from typing import Any

import httpx
import psycopg
import pytest

from local.waiting import until
from settings import ROOT
from tests.fixtures.books import contradictions, differences, sweep
from tests.fixtures.worlds import PATIENCE_SECONDS, Customer, World


async def administrator(world: World) -> Customer:
    """Somebody with Better-Auth's role."""
    grace = await world.customer("Grace Hopper")
    async with await psycopg.AsyncConnection.connect(world.database) as connection:
        await connection.execute("""update "user" set role = 'support,admin' where id = %s""", [grace.id])
    return grace


async def refund(grace: Customer, ada: Customer, key: str | None = None, **body: Any) -> httpx.Response:
    return await grace.ask("POST", f"/admin/users/{ada.id}/refunds", body, key)


async def paying(world: World) -> Customer:
    """A customer who paid 10.00 for a month."""
    ada = await world.customer()
    await ada.subscribe("BASIC", trial_period_days=0)
    await ada.settled()
    return ada


async def given_back(ada: Customer) -> list[int]:
    """The amounts in Stripe's own books, oldest first."""
    charges = await ada.world.stripe.v1.charges.list_async({"customer": await ada.stripe_customer_id()})
    made = [
        refund.amount
        for charge in reversed(charges.data)
        for refund in reversed((await ada.world.stripe.v1.refunds.list_async({"charge": charge.id})).data)
    ]
    return made


async def lines(ada: Customer) -> list[dict[str, Any]]:
    """What the timeline tells of refunds."""
    answer = await ada.ask("GET", "/subscriptions/me/timeline?limit=100")
    return [line for line in answer.json()["entries"] if line["entry"].startswith("refund")]


async def all_events_applied(ada: Customer) -> None:
    async def is_so() -> bool:
        rows = await ada.world.rows("select status from billing.events where type in ('charge.refunded')")
        return bool(rows) and all(row.status == "applied" for row in rows)

    await until(is_so, within=PATIENCE_SECONDS, what="the event of a refund was not applied")


async def test_a_refund_in_two_parts_never_exceeds_what_was_paid_and_the_subscription_goes_on(world: World) -> None:
    ada, grace = await paying(world), await administrator(world)

    part = await refund(grace, ada, amount=400, reason="requested_by_customer")
    too_much = await refund(grace, ada, amount=601)
    rest = await refund(grace, ada)
    nothing_left = await refund(grace, ada)
    await all_events_applied(ada)

    assert part.status_code == 201, part.text
    assert (part.json()["amount"], part.json()["currency"], part.json()["status"]) == (400, "usd", "succeeded")
    assert (too_much.status_code, too_much.json()["code"]) == (422, "refund_too_large")
    assert (rest.status_code, rest.json()["amount"]) == (201, 600)
    assert (nothing_left.status_code, nothing_left.json()["code"]) == (409, "nothing_to_refund")
    assert await given_back(ada) == [400, 600]
    told = await lines(ada)
    assert [(line["cause"], line["detail"]["amount"]) for line in told] == [("intent", "400"), ("intent", "600")]
    assert not any("by" in line["detail"] for line in told), "who it was is told to operators"
    kept = await world.rows("select detail from billing.timeline where entry = 'refunded' order by seq")
    assert [row.detail["by"] for row in kept] == [grace.id, grace.id]
    assert (await ada.mine())["access"]["granted"]
    assert await differences(world, ada) == []

    await ada.travel(days=32)
    assert (await ada.timeline())[-1] == "renewed"
    assert await contradictions(world, ada) == []


async def test_two_clicks_on_refund_give_back_once(world: World) -> None:
    ada, grace = await paying(world), await administrator(world)

    answers = await asyncio.gather(*[refund(grace, ada, "click", amount=300) for _ in range(4)])
    later = await refund(grace, ada, "click", amount=300)
    another = await refund(grace, ada, "click", amount=301)

    assert [answer.status_code for answer in [*answers, later]] == [201] * 5
    assert len({answer.json()["id"] for answer in [*answers, later]}) == 1
    assert (another.status_code, another.json()["code"]) == (422, "idempotency_key_reused")
    assert await given_back(ada) == [300]


async def test_a_refund_whose_answer_is_lost_is_not_made_again(world: World) -> None:
    ada, grace = await paying(world), await administrator(world)
    for fault in ("reset_after", "error_after"):
        await world.at_stripe("/faults", {"fault": fault, "method": "POST", "path": "/v1/refunds", "count": 1})

        answer = await refund(grace, ada, amount=200)

        assert answer.status_code in {201, 202}, answer.text

    async def both_are_told() -> bool:
        return [line["detail"]["amount"] for line in await lines(ada)] == ["200", "200"]

    await until(both_are_told, within=PATIENCE_SECONDS, what="the refunds were not told")
    assert await given_back(ada) == [200, 200]


async def test_an_operator_refunds_by_command(world: World) -> None:
    ada = await paying(world)

    first = await command(world, "refund", ada.id, "--amount", "250", "--key", "ticket-1")
    again = await command(world, "refund", ada.id, "--amount", "250", "--key", "ticket-1")
    other = await command(world, "refund", ada.id, "--amount", "251", "--key", "ticket-1")
    too_much = await command(world, "refund", ada.id, "--amount", "751")

    assert first[0] == again[0] == 0, first
    assert first[1] == again[1]
    assert "250 usd" in first[1]
    assert other == (1, "This key was used for something else; take another one.")
    assert too_much[0] == 1
    assert too_much[1].startswith("refund_too_large")
    assert await given_back(ada) == [250]


async def command(world: World, *words: str, stripe_api_url: str | None = None) -> tuple[int, str]:
    """`perennial …` in a process of its own: how it ended and what it said."""
    secret = {"database_url", "stripe_api_key", "auth_secret"}
    told = {name: getattr(world.settings, name).get_secret_value() for name in secret}
    told |= {name: getattr(world.settings, name) for name in ("mode", "temporal_address", "temporal_task_queue")}
    environment = {f"PERENNIAL_{name.upper()}": str(value) for name, value in told.items()}
    environment["PERENNIAL_STRIPE_API_URL"] = stripe_api_url or str(world.settings.stripe_api_url)
    environment["PERENNIAL_DATABASE_URL"] = environment["PERENNIAL_DATABASE_URL"].replace("+psycopg", "")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "cli.py", *words, cwd=ROOT, env=os.environ | environment, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().strip()


async def test_a_refund_from_stripes_dashboard_is_told_once(world: World) -> None:
    ada = await paying(world)
    charges = await world.stripe.v1.charges.list_async({"customer": await ada.stripe_customer_id()})

    await world.stripe.v1.refunds.create_async({"charge": charges.data[0].id, "amount": 250})
    await world.stripe.v1.refunds.create_async({"charge": charges.data[0].id, "amount": 150, "reason": "duplicate"})
    await all_events_applied(ada)

    told = await lines(ada)
    assert [(line["cause"], line["detail"]["amount"]) for line in told] == [("event", "250"), ("event", "150")]
    assert told[1]["detail"]["reason"] == "duplicate"
    assert await ada.status() == "active"


async def test_a_refund_after_the_customer_has_left_is_told_once(world: World) -> None:
    ada, grace = await paying(world), await administrator(world)
    await ada.ask("DELETE", "/subscriptions?timing=now")
    await ada.settled()

    answer = await refund(grace, ada)
    await all_events_applied(ada)
    await sweep(world)

    assert answer.status_code == 201, answer.text
    assert await ada.timeline() == ["subscribed", "canceled", "refunded"]
    assert await given_back(ada) == [1000]
    assert await ada.status() == "canceled"


async def test_an_invoice_is_refunded_that_is_not_the_last_one(world: World) -> None:
    ada, grace = await paying(world), await administrator(world)
    await ada.travel(days=32)
    first, second = await ada.invoices()
    stranger = await paying(world)
    (others,) = await stranger.invoices()

    answer = await refund(grace, ada, invoice=first["id"], amount=100)
    not_hers = await refund(grace, ada, invoice=others["id"])
    nobodys = await refund(grace, ada, invoice="in_nobodys")

    assert answer.status_code == 201, answer.text
    payments = await world.stripe.v1.invoice_payments.list_async({"invoice": first["id"]})
    charge = await world.stripe.v1.charges.retrieve_async(answer.json()["charge"])
    assert charge.payment_intent == payments.data[0].payment.payment_intent
    assert second["status"] == "paid"
    assert {(one.status_code, one.json()["code"]) for one in (not_hers, nobodys)} == {(404, "unknown_invoice")}
    assert await given_back(stranger) == []


async def test_a_refund_that_fails_at_the_bank_calls_a_person(world: World) -> None:
    ada, grace = await world.customer(), await administrator(world)
    await ada.subscribe("BASIC", card="pm_card_refundFail", trial_period_days=0)
    await ada.settled()

    await refund(grace, ada)
    await ada.travel(hours=1)

    async def failed() -> bool:
        return [line["entry"] for line in await lines(ada)] == ["refunded", "refund_failed"]

    await until(failed, within=PATIENCE_SECONDS, what="nobody heard that the refund failed")
    (row,) = await world.rows("select needs_attention from billing.subscriptions where user_id = :id", id=ada.id)
    assert "give the money back some other way" in row.needs_attention


@pytest.mark.parametrize("role", ["user", "support", "administrator"])
async def test_only_administrators_give_money_back(world: World, role: str) -> None:
    ada = await paying(world)
    async with await psycopg.AsyncConnection.connect(world.database) as connection:
        await connection.execute("""update "user" set role = %s where id = %s""", [role, ada.id])

    answer = await refund(ada, ada)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await given_back(ada) == []


async def test_who_never_paid_has_nothing_to_get_back(world: World) -> None:
    grace, ada, trialing = await administrator(world), await world.customer(), await world.customer()
    await trialing.subscribe("BASIC")

    unknown = await refund(grace, ada)
    in_trial = await refund(grace, trialing)

    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_customer")
    assert (in_trial.status_code, in_trial.json()["code"]) == (409, "nothing_to_refund")
