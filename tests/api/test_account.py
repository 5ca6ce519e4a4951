"""What is held on the caller: complete, in the form of the contract, and nobody else's."""

import json
from typing import Any

import jsonschema
import pytest

from api.app import create_app
from database.tables import metadata
from lifecycle.intents import Forget, Outcome, Result
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, make_settings

HELD = """
insert into billing.customers (user_id, stripe_customer_id, trial_used_at) values ('{user}', 'cus_{user}', now());
insert into billing.subscriptions (user_id, stripe_customer_id, stripe_subscription_id, status, plan, seq)
    values ('{user}', 'cus_{user}', 'sub_{user}', 'active', 'BASIC', 1);
insert into billing.timeline (user_id, seq, position, at, entry, cause, detail)
    select '{user}', n, 0, now(), 'renewed', 'event', '{{"of": "{user}"}}' from generate_series(1, 1200) as n;
insert into billing.operations (id, user_id, idempotency_key, kind, fingerprint, status, answer)
    values (gen_random_uuid(), '{user}', 'a-{user}', 'cancel', 'f', 'succeeded', '{{"plan": "BASIC"}}'),
        (gen_random_uuid(), '{user}', 'b-{user}', 'portal', 'f', 'succeeded', '{{"url": "https://portal/secret"}}');
insert into billing.notifications (id, user_id, kind, occasion, data, status)
    values (gen_random_uuid(), '{user}', 'welcome', 'sub_{user}', '{{"card_last4": "4242"}}', 'sent');
insert into billing.cards (payment_method_id, user_id, brand, last4) values ('pm_{user}', '{user}', 'visa', '4242');
insert into billing.invoice_links (invoice_id, user_id, url) values ('in_{user}', '{user}', 'https://invoice/{user}');
insert into billing.trial_claims (kind, digest, user_id) values ('email', 'digest-of-{user}', '{user}');
insert into billing.project_members (project_id, user_id, role) values ('p_{user}', '{user}', 'owner'),
    ('shared', '{user}', 'member');
insert into billing.events (id, type, created_at, livemode, user_id)
    values ('evt_{user}', 'invoice.paid', now(), false, '{user}');
"""
TOLD_IN = {
    "customers": "customer",
    "subscriptions": "subscription",
    "timeline": "timeline",
    "operations": "operations",
    "notifications": "letters",
    "cards": "cards",
    "invoice_links": "invoice_links",
    "trial_claims": "trial_claims",
    "project_members": "memberships",
    "events": "events",
}


def hold(api: Api, user: SignedInUser) -> None:
    for statement in HELD.format(user=user.id).split(";\n"):
        if statement.strip():
            api.rows(statement)


async def exported(api: Api, user: SignedInUser) -> dict[str, Any]:
    answer = await api.client.get("/billing/export", headers=as_user(user))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def test_every_table_that_names_a_user_is_in_the_export() -> None:
    about_users = {table.name for table in metadata.tables.values() if "user_id" in table.columns}
    assert about_users == set(TOLD_IN)


async def test_the_export_holds_every_row_of_the_caller_and_none_of_anybody_else(
    api: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    hold(api, ada)
    hold(api, bob)

    told = await exported(api, ada)

    for table, name in TOLD_IN.items():
        rows = told[name] if isinstance(told[name], list) else [told[name]]
        (kept,) = api.rows(f"select count(*) as rows from billing.{table} where user_id = %s", ada.id)
        assert len(rows) == kept["rows"], name
    assert [line["seq"] for line in told["timeline"]] == list(range(1, 1201))
    text = json.dumps(told)
    assert bob.id not in text
    assert ada.token not in text
    assert "portal/secret" not in text


async def test_the_export_is_what_the_contract_says(api: Api, ada: SignedInUser) -> None:
    hold(api, ada)
    document = create_app(make_settings("postgresql://nobody@127.0.0.1:1/none")).openapi()
    shown = document["paths"]["/billing/export"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    jsonschema.Draft202012Validator({**shown, "components": document["components"]}).validate(await exported(api, ada))


async def test_who_never_came_near_billing_gets_an_empty_export(api: Api, ada: SignedInUser) -> None:
    told = await exported(api, ada)

    assert (told["user_id"], told["customer"], told["subscription"], told["timeline"]) == (ada.id, None, None, [])


async def test_nobody_exports_without_a_session(api: Api) -> None:
    assert_problem(await api.client.get("/billing/export"), 401, "not_signed_in")
    assert_problem(await api.client.delete("/billing/account"), 401, "not_signed_in")


async def test_to_be_forgotten_is_asked_of_the_workflow_once(api: Api, ada: SignedInUser) -> None:
    api.door.says = Outcome(Result.DONE, "forgotten")

    first = await api.client.delete("/billing/account", headers=as_user(ada, "bye"))
    again = await api.client.delete("/billing/account", headers=as_user(ada, "bye"))

    assert first.status_code == again.status_code == 200, first.text
    assert first.json() == again.json() == {"forgotten": True}
    (asked,) = api.door.carried_out
    assert asked.intent == Forget()


@pytest.mark.parametrize(
    ("says", "status", "code"),
    [(None, 202, None), (Outcome(Result.FAILED, "payment_provider_refused"), 502, "payment_provider_refused")],
)
async def test_what_stripe_has_not_confirmed_is_not_called_forgotten(
    api: Api, ada: SignedInUser, says: Outcome | None, status: int, code: str | None
) -> None:
    api.door.says = says

    answer = await api.client.delete("/billing/account", headers=as_user(ada))

    assert answer.status_code == status
    if code:
        assert_problem(answer, status, code)
    else:
        (kept,) = api.rows("select intent from billing.operations where promised_at is not null")
        assert kept["intent"]["kind"] == "forget"
