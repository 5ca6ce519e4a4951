"""Projects and the people in them, as many as the owner's plan has room for, also when many ask at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from database.membership import InvalidMembershipQuery
from local.betterauth import SignedInUser, sign_in
from tests.api.conftest import AUTH_SECRET, Api, as_user, assert_problem, in_days, make_settings, running_api
from tests.fixtures.databases import SERVICE


def user(api: Api, name: str) -> SignedInUser:
    return sign_in(api.database, name=name, email=f"{name.lower()}@example.com", secret=AUTH_SECRET)


async def ask(
    api: Api, who: SignedInUser, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
) -> httpx.Response:
    return await api.client.request(method, f"/billing/projects/{path}", json=body, headers=as_user(who, key))


async def join(api: Api, who: SignedInUser, project: str, member: SignedInUser, role: str = "member") -> httpx.Response:
    return await ask(api, who, "PUT", f"{project}/members/{member.id}", {"role": role})


async def check(api: Api, who: SignedInUser, project: str, **body: Any) -> dict[str, Any]:
    answer = await ask(api, who, "POST", f"{project}/check", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def projects(api: Api) -> list[tuple[str, str, str]]:
    rows = api.rows("select project_id, user_id, role from billing.project_members order by added_at, user_id")
    return [(row["project_id"], row["user_id"], row["role"]) for row in rows]


async def test_a_project_is_made_once_and_gives_its_room_back(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, plan="FREE", amount=0)

    made = await ask(api, ada, "PUT", "p1")
    again = await ask(api, ada, "PUT", "p1")
    another = await ask(api, ada, "PUT", "p2")
    gone = await ask(api, ada, "DELETE", "p1")
    now_there_is_room = await ask(api, ada, "PUT", "p2")

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    assert (made.json()["project_id"], made.json()["role"]) == ("p1", "owner")
    problem = assert_problem(another, 403, "limit_reached")
    assert problem["errors"] == [{"field": "projects", "reason": "limit_reached"}]
    assert (gone.status_code, gone.content, now_there_is_room.status_code) == (204, b"", 201)
    assert projects(api) == [("p2", ada.id, "owner")]


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (None, "no_subscription"),
        ({"status": "canceled"}, "canceled"),
        ({"status": "past_due", "grace_ends_at": in_days(-1)}, "grace_ended"),
        ({"status": "trialing", "trial_ends_at": in_days(-1)}, "trial_ended"),
        ({"plan": "RETIRED"}, "not_in_plan"),
    ],
)
async def test_without_access_there_is_no_room(
    api: Api, ada: SignedInUser, standing: dict[str, Any] | None, reason: str
) -> None:
    if standing is not None:
        api.subscribed(ada.id, **standing)

    refused = assert_problem(await ask(api, ada, "PUT", "p1"), 403, "limit_reached")

    assert refused["errors"] == [{"field": "projects", "reason": reason}]
    assert projects(api) == []


async def test_many_at_once_get_no_more_projects_than_the_plan_has(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, plan="BASIC")

    answers = await asyncio.gather(*(ask(api, ada, "PUT", f"p{number}") for number in range(24)))

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [403] * 21
    assert len(projects(api)) == 3


async def test_many_at_once_get_no_more_seats_than_were_bought(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=4)
    for project in ("p1", "p2"):
        await ask(api, ada, "PUT", project)
    people = [user(api, f"Person{number}") for number in range(12)]

    answers = await asyncio.gather(
        *(join(api, ada, f"p{1 + number % 2}", person) for number, person in enumerate(people))
    )

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [403] * 9
    assert len({person for _, person, _ in projects(api)}) == 4, "the owner has a seat, too"


async def test_one_id_is_one_project_whoever_is_quicker(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    for who in (ada, bob):
        api.subscribed(who.id, plan="PRO")

    answers = await asyncio.gather(*(ask(api, who, "PUT", "same") for who in (ada, bob) * 4))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 200, 200, 201, 404, 404, 404, 404]
    assert len(projects(api)) == 1


async def test_a_person_takes_one_seat_in_all_of_an_owners_projects(
    api: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=2)
    for project in ("p1", "p2"):
        await ask(api, ada, "PUT", project)
    eve = user(api, "Eve")

    assert (await join(api, ada, "p1", bob)).status_code == 201
    assert (await join(api, ada, "p2", bob)).status_code == 201
    refused = assert_problem(await join(api, ada, "p2", eve), 403, "limit_reached")
    assert refused["detail"] == "The plan has room for 2 seats, and there are 2."

    await ask(api, ada, "DELETE", f"p1/members/{bob.id}")
    assert (await join(api, ada, "p2", eve)).status_code == 403, "he is still in the other one"
    await ask(api, ada, "DELETE", f"p2/members/{bob.id}")
    assert (await join(api, ada, "p2", eve)).status_code == 201


async def test_roles_change_also_when_there_are_more_people_than_seats(
    api: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=2)
    await ask(api, ada, "PUT", "p1")
    await join(api, ada, "p1", bob)
    api.subscribed(ada.id, plan="PRO", quantity=1)

    changed = await join(api, ada, "p1", bob, "admin")

    assert (changed.status_code, changed.json()["role"]) == (200, "admin")
    assert (await check(api, bob, "p1", feature="seats"))["remaining"] == 0


async def test_nobody_becomes_owner_or_stops_being_it(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=5)
    await ask(api, ada, "PUT", "p1")
    await join(api, ada, "p1", bob, "admin")

    assert_problem(await ask(api, ada, "PUT", f"p1/members/{bob.id}", {"role": "owner"}), 422, "invalid_request")
    assert_problem(await join(api, bob, "p1", ada), 403, "forbidden")
    assert_problem(await ask(api, bob, "DELETE", f"p1/members/{ada.id}"), 403, "forbidden")
    assert_problem(await ask(api, ada, "DELETE", f"p1/members/{ada.id}"), 403, "forbidden")
    assert_problem(await ask(api, ada, "PUT", "p1/members/nobody", {"role": "member"}), 404, "not_found")


async def test_rows_that_a_project_left_behind_let_nobody_into_the_next(
    api: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    api.rows("insert into billing.project_members (project_id, user_id, role) values ('p1', %s, 'admin')", bob.id)
    api.subscribed(ada.id)
    assert_problem(await ask(api, bob, "GET", "p1/entitlements"), 404, "not_found")

    assert (await ask(api, ada, "PUT", "p1")).status_code == 201

    assert_problem(await ask(api, bob, "GET", "p1/entitlements"), 404, "not_found")


async def test_a_key_is_answered_as_it_was_the_first_time(api: Api, ada: SignedInUser) -> None:
    api.subscribed(ada.id, plan="FREE", amount=0)

    made = [await ask(api, ada, "PUT", "p1", key="make") for _ in range(2)]
    refused = [await ask(api, ada, "PUT", "p2", key="more") for _ in range(2)]
    gone = [await ask(api, ada, "DELETE", "p1", key="away") for _ in range(2)]
    late = await ask(api, ada, "PUT", "p2", key="more")

    assert [answer.status_code for answer in made + gone] == [201, 201, 204, 204]
    assert made[0].json() == made[1].json()
    assert refused[0].json() == refused[1].json() == assert_problem(late, 403, "limit_reached")
    assert_problem(await ask(api, ada, "PUT", "p3", key="make"), 422, "idempotency_key_reused")


async def test_members_hear_what_the_owners_plan_grants_and_nothing_of_the_owner(
    api: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=3, status="active", card_last4="4242")
    await ask(api, ada, "PUT", "p1")
    await join(api, ada, "p1", bob)
    ends = in_days(2)
    api.subscribed(
        ada.id, plan="PRO", quantity=3, status="past_due", grace_ends_at=ends, stripe_customer_id="cus_ada",
        open_invoice_id="in_1", open_invoice_url="https://invoice.stripe.com/i/ada",
    )  # fmt: skip

    told = await ask(api, bob, "GET", "p1/entitlements")

    assert set(told.json()) == {"project_id", "role", "plan", "access", "features", "limits"}
    assert (told.json()["role"], told.json()["access"]["reason"]) == ("member", "grace")
    assert told.json()["limits"] == {"projects": 50, "seats": 3, "tasks": 10000}
    for secret in (ada.id, ada.email, ada.name, "cus_ada", "invoice.stripe", "4242"):
        assert secret not in told.text
    api.now.append(ends + timedelta(seconds=1))
    told = await ask(api, bob, "GET", "p1/entitlements")
    assert (told.json()["access"]["granted"], told.json()["features"]) == (False, [])


async def test_whether_one_more_fits(api: Api, ada: SignedInUser, bob: SignedInUser) -> None:
    api.subscribed(ada.id, plan="PRO", quantity=2, cancel_at_period_end=True, current_period_ends_at=in_days(9))
    await ask(api, ada, "PUT", "p1")
    await join(api, ada, "p1", bob)
    until = api.row("select current_period_ends_at as at from billing.subscriptions")["at"]

    projects_left = await check(api, bob, "p1", feature="projects", quantity=49)
    assert projects_left.pop("until") == until.isoformat().replace("+00:00", "Z")
    reason = {"reason": "cancellation_scheduled"}
    assert projects_left == {"allowed": True, "limit": 50, "used": 1, "remaining": 49} | reason
    assert not (await check(api, bob, "p1", feature="projects", quantity=50))["allowed"]
    full = {"allowed": False, "reason": "limit_reached", "until": None, "limit": 2, "used": 2, "remaining": 0}
    assert await check(api, bob, "p1", feature="seats") == full
    assert (await check(api, bob, "p1", feature="tasks", used=9_999))["remaining"] == 1
    assert not (await check(api, bob, "p1", feature="tasks", quantity=2, used=9_999))["allowed"]
    assert (await check(api, bob, "p1", feature="tasks", quantity=10_000))["allowed"]
    assert not (await check(api, bob, "p1", feature="tasks", quantity=10_001))["allowed"]
    assert (await check(api, bob, "p1", feature="priority_support"))["allowed"]
    named = {"allowed": False, "reason": "not_in_plan", "until": None, "limit": None, "used": None, "remaining": None}
    assert await check(api, bob, "p1", feature="named_contact") == named

    api.now.append(until)
    denied = await check(api, bob, "p1", feature="tasks", used=0)
    assert (denied["allowed"], denied["reason"], denied["limit"]) == (False, "period_ended", 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"feature": "rockets"}, "unknown_entitlement"),
        ({"feature": "projects", "used": 0}, "invalid_request"),
        ({"feature": "seats", "used": 0}, "invalid_request"),
        ({"feature": "tasks", "quantity": 0}, "invalid_request"),
        ({"feature": "tasks", "quantity": -5}, "invalid_request"),
        ({"feature": "tasks", "quantity": 10**13}, "invalid_request"),
        ({"feature": "tasks", "quantity": 1.5}, "invalid_request"),
        ({"feature": "tasks", "used": -1}, "invalid_request"),
        ({"feature": "tasks", "owner_id": "bob"}, "invalid_request"),
        ({"feature": "tasks'; drop table x"}, "invalid_request"),
        ({}, "invalid_request"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    api: Api, ada: SignedInUser, body: dict[str, Any], code: str
) -> None:
    api.subscribed(ada.id)
    await ask(api, ada, "PUT", "p1")

    assert_problem(await ask(api, ada, "POST", "p1/check", body), 422, code)


@pytest_asyncio.fixture
async def elsewhere(database: str, tmp_path: Path) -> AsyncIterator[Api]:
    """An API of a team that keeps its members in a table of its own."""
    file = tmp_path / "membership.sql"
    file.write_text("select boss as owner_id, 'member' as role from seats where p = :project_id and person = :user_id")
    settings = make_settings(database, project_members="custom", project_members_file=file)
    with pytest.raises(InvalidMembershipQuery, match='relation "seats" does not exist'):
        async with create_app(settings).router.lifespan_context(None):
            pass
    async with running_api(make_settings(database)) as plain:
        plain.rows("create table seats (p text, person text, boss text)")
        plain.rows(f"grant select on seats to {SERVICE}")
    async with running_api(settings) as api:
        yield api


async def test_members_who_are_kept_elsewhere_are_changed_and_counted_there(
    elsewhere: Api, ada: SignedInUser, bob: SignedInUser
) -> None:
    elsewhere.subscribed(ada.id, plan="PRO", quantity=3)
    elsewhere.rows("insert into seats values ('p1', %s, %s)", bob.id, ada.id)

    told = await ask(elsewhere, bob, "GET", "p1/entitlements")
    assert (told.json()["role"], told.json()["limits"]["seats"]) == ("member", 3)
    assert_problem(await ask(elsewhere, ada, "GET", "p1/entitlements"), 404, "not_found")
    assert (await check(elsewhere, bob, "p1", feature="seats", used=2))["remaining"] == 1
    assert not (await check(elsewhere, bob, "p1", feature="projects", quantity=51))["allowed"]

    for method, path in (("PUT", "p1"), ("DELETE", "p1"), ("DELETE", f"p1/members/{bob.id}")):
        assert_problem(await ask(elsewhere, bob, method, path), 409, "kept_elsewhere")
    assert_problem(await join(elsewhere, bob, "p1", ada), 409, "kept_elsewhere")
    assert_problem(await elsewhere.client.put("/billing/projects/p1"), 401, "not_signed_in")
