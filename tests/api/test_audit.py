# ruff: noqa: F811  fixtures of another file
"""Every privileged act leaves a row with its actor and reason, or does not happen."""

import json
from typing import Any

import psycopg
import pytest

from api.auditing import act_for
from api.callers import Caller, Means
from database.audit import Act
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, make_settings, running_api
from tests.api.keys_of_an_app import running_app
from tests.api.test_admin import grace, payer, refund  # noqa: F401  fixtures


def rows(api: Api) -> list[dict[str, Any]]:
    return api.rows("select * from billing.audit order by id")


async def test_a_refund_is_written_down_once_with_its_reason(
    api: Api, grace: SignedInUser, payer: SignedInUser
) -> None:
    told = {"amount": 400, "invoice": "in_1", "reason": "duplicate"}
    for reason in ("ticket 1234", "ticket 1234, again"):
        answer = await refund(api, grace, payer.id, "key-1", **told, audit_reason=reason)
        assert answer.status_code == 201, answer.text

    (row,) = rows(api)
    assert (row["actor"], row["act"], row["subject"], row["reason"]) == (grace.id, "refund", payer.id, "ticket 1234")
    assert row["detail"] == {"amount": "400", "invoice": "in_1", "why": "duplicate"}
    assert row["operation_id"] == api.row("select id from billing.operations")["id"]
    assert row["request_id"]
    assert "ticket" not in str(api.door.carried_out), "why stays in PostgreSQL"


async def test_without_the_row_nothing_happens(api: Api, grace: SignedInUser, payer: SignedInUser) -> None:
    operation = (await refund(api, grace, payer.id)).json()
    api.door.carried_out.clear()
    api.rows("revoke insert on billing.audit from perennial_service")

    refused = [
        await refund(api, grace, payer.id, "another"),
        await api.client.get("/billing/admin/audit", headers=as_user(grace)),
        await api.client.get(
            f"/billing/admin/operations/{api.rows('select id from billing.operations')[0]['id']}",
            headers=as_user(grace),
        ),
    ]

    assert operation["id"]
    assert {answer.status_code // 100 for answer in refused} == {5}
    assert api.door.carried_out == []
    assert len(api.rows("select id from billing.operations")) == 1, "the operation was not begun either"


async def test_moved_trials_and_policies_and_reading_are_acts(
    api: Api,
    grace: SignedInUser,
    ada: SignedInUser,
) -> None:
    api.subscribed(ada.id, status="trialing")
    headers = as_user(grace)

    moved = await api.client.post(
        f"/billing/admin/users/{ada.id}/trial", json={"ends_at": None, "audit_reason": "asked for it"}, headers=headers
    )
    await api.client.post(f"/billing/admin/users/{ada.id}/policy", headers=headers)
    await api.client.post(f"/billing/admin/users/{ada.id}/policy", json={"audit_reason": "new terms"}, headers=headers)
    operation = api.rows("select id from billing.operations")[0]["id"]
    await api.client.get(f"/billing/admin/operations/{operation}", headers=headers)

    assert moved.status_code == 200, moved.text
    assert [(row["act"], row["subject"], row["reason"]) for row in rows(api)] == [
        ("move_trial_end", ada.id, "asked for it"),
        ("move_policy", ada.id, None),
        ("move_policy", ada.id, "new terms"),
        ("read_operation", ada.id, None),
    ]
    assert rows(api)[1]["detail"]["plan"] == "BASIC"


async def test_what_a_user_does_himself_is_no_act(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id)
    assert (await api.client.delete("/billing/subscriptions", headers=as_user(ada))).status_code == 200
    assert rows(api) == []


async def test_administrators_read_it_page_by_page_and_that_is_written_down(
    api: Api,
    grace: SignedInUser,
    ada: SignedInUser,
) -> None:
    for number in range(5):
        api.rows(
            "insert into billing.audit (actor, act, subject) values (%s, 'refund', %s)", f"op-{number % 2}", ada.id
        )

    async def page(**query: Any) -> dict[str, Any]:
        answer = await api.client.get("/billing/admin/audit", params=query, headers=as_user(grace))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    first = await page(subject=ada.id, actor="op-0", limit=2)
    second = await page(subject=ada.id, actor="op-0", limit=2, cursor=first["next_cursor"])

    assert [act["actor"] for act in first["acts"] + second["acts"]] == ["op-0"] * 3
    assert second["next_cursor"] is None
    mine = await page(actor=grace.id)
    assert [(act["act"], act["subject"]) for act in mine["acts"]] == [("read_audit", ada.id)] * 2
    everything = await page()
    assert len(everything["acts"]) == 8


@pytest.mark.parametrize("query", ["cursor=0", "cursor=x", "limit=101", "actor=a%00b", "subject=", f"cursor={2**63}"])
async def test_hostile_questions_are_refused(api: Api, grace: SignedInUser, query: str) -> None:
    answer = await api.client.get(f"/billing/admin/audit?{query}", headers=as_user(grace))
    assert_problem(answer, 422, "invalid_request")
    assert rows(api) == []


async def test_only_administrators_read_it(api: Api, ada: SignedInUser) -> None:
    assert_problem(await api.client.get("/billing/admin/audit", headers=as_user(ada)), 403, "forbidden")
    assert_problem(await api.client.get("/billing/admin/audit"), 401, "not_signed_in")


@pytest.mark.parametrize("reason", ["", "x" * 501, "a\nb", "a\x00b", 7])
async def test_a_reason_is_one_bounded_line(api: Api, grace: SignedInUser, payer: SignedInUser, reason: Any) -> None:
    assert_problem(await refund(api, grace, payer.id, audit_reason=reason), 422, "invalid_request")


async def test_the_user_sees_what_was_done(api: Api, grace: SignedInUser, payer: SignedInUser) -> None:
    body = {"amount": 400, "audit_reason": "she called"}
    path, named = f"/billing/admin/users/{payer.id}/refunds", as_user(grace, "my-key")
    assert (await api.client.post(path, json=body, headers=named)).status_code == 201
    person = [payer.id, json.dumps({"by": grace.id, "amount": "400"})]
    api.rows(
        "insert into billing.timeline (user_id, seq, position, at, entry, cause, cause_id, detail) "
        f"values (%s, 1, 9, now(), 'policy_moved', 'person', '{grace.id}', %s)",
        *person,
    )

    mine = await api.client.get("/billing/subscriptions/me/timeline", headers=as_user(payer))
    assert "policy_moved" in mine.text
    assert grace.id not in mine.text
    answer = await api.client.get("/billing/export", headers=as_user(payer))

    assert [(act["act"], act["detail"]) for act in answer.json()["audit"]] == [("refund", {"amount": "400"})]
    assert "she called" not in answer.text
    assert grace.id not in answer.text


@pytest.mark.parametrize(
    ("caller", "act"),
    [
        (Caller("ada"), None),
        (Caller("ada", impersonated_by="grace"), Act("grace", "cancel", "ada", detail={"as": "impersonator"})),
        (Caller("ada", Means.API_KEY, api_key="k1"), Act("api_key:k1", "cancel", "ada", detail={"as": "api_key"})),
    ],
)
def test_a_write_in_somebodys_name_is_an_act(caller: Caller, act: Act | None) -> None:
    assert act_for(caller, "ada", "cancel") == act


async def test_whoever_acts_for_a_user_is_written_down_also_without_a_key(
    database: str, ada: SignedInUser, bob: SignedInUser
) -> None:
    async with running_app() as app, running_api(make_settings(database, auth_url=app.url)) as api:
        eyes = {"Authorization": f"Bearer {app.sign(ada.id, impersonatedBy=bob.id)}"}
        api.subscribed(ada.id, plan="PRO")

        made = await api.client.put("/billing/projects/p1", headers=eyes)

        assert made.status_code == 201, made.text
        for page in ("subscriptions/me", "export", "subscriptions/me/timeline"):
            assert (await api.client.get(f"/billing/{page}", headers=eyes)).status_code == 200
        acts = api.rows("select actor, act, subject, detail ->> 'route' as route from billing.audit order by id")
        assert {(act["actor"], act["subject"]) for act in acts} == {(bob.id, ada.id)}
        assert [(act["act"], act["route"]) for act in acts] == [
            ("create_project", None),
            ("read_as_user", "/billing/subscriptions/me"),
            ("read_as_user", "/billing/export"),
            ("read_as_user", "/billing/subscriptions/me/timeline"),
        ]


async def test_a_supporter_who_looks_is_seen(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.rows("""update "user" set role = 'support' where id = %s""", bob.id)
    api.subscribed(ada.id)

    for page in ("subscription", "timeline", "letters"):
        assert (await api.client.get(f"/billing/admin/users/{ada.id}/{page}", headers=as_user(bob))).status_code == 200

    acts = api.rows("select actor, act, subject from billing.audit order by id")
    assert [(act["act"], act["actor"], act["subject"]) for act in acts] == [
        (f"read_{page}", bob.id, ada.id) for page in ("subscription", "timeline", "letters")
    ]


def test_nobody_changes_it_afterwards(api: Api) -> None:
    url = api.settings.database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (b"update billing.audit set reason = ''", b"delete from billing.audit"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
