"""Every route about a project, walked by everybody who may come: what each is answered is one table."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from api.app import create_app
from local.betterauth import SignedInUser, sign_in
from tests.api.conftest import AUTH_SECRET, Api, as_user, assert_problem, make_settings

PROJECT = "/billing/projects/{project_id}"
WHO = ("nobody", "other", "operator", "former", "member", "admin", "owner")
"""``operator`` has Better-Auth's role admin, which is none in a project; ``former`` was removed."""

# Who:                                nobody other operator former member admin owner
ROUTES: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", f"{PROJECT}/entitlements"): (401, 404, 404, 404, 200, 200, 200),
    ("POST", f"{PROJECT}/check"): (401, 404, 404, 404, 200, 200, 200),
    ("PUT", PROJECT): (401, 404, 404, 404, 403, 403, 200),
    ("PUT", f"{PROJECT}/members/{{user_id}}"): (401, 404, 404, 404, 403, 201, 201),
    ("DELETE", f"{PROJECT}/members/{{user_id}}"): (401, 404, 404, 404, 403, 204, 204),
    ("DELETE", PROJECT): (401, 404, 404, 404, 403, 403, 204),
}
BODIES = {"/check": {"feature": "tasks"}, "/members/{user_id}": {"role": "member"}}


@dataclass
class Team:
    """A project of Grace's and everybody around it; all have plans with room."""

    api: Api
    people: dict[str, SignedInUser]
    guest: SignedInUser
    invited: SignedInUser


@pytest_asyncio.fixture
async def team(api: Api) -> AsyncIterator[Team]:
    people = {}
    for name in (*WHO[1:], "guest", "invited"):
        role = "admin" if name == "operator" else "user"
        email = f"{name}@example.com"
        people[name] = sign_in(api.database, name=name, email=email, secret=AUTH_SECRET, role=role)
        api.subscribed(people[name].id, plan="ENTERPRISE")
    for name in ("owner", "admin", "member", "guest", "former"):
        role = name if name in {"owner", "admin"} else "member"
        insert = "insert into billing.project_members (project_id, user_id, role) values ('ours', %s, %s)"
        api.rows(insert, people[name].id, role)
    api.rows("delete from billing.project_members where user_id = %s", people["former"].id)
    yield Team(api, people, people["guest"], people["invited"])


async def walk(team: Team, route: tuple[str, str], who: str, project: str) -> Any:
    method, path = route
    target = team.invited if method == "PUT" else team.guest
    body = BODIES.get(path.removeprefix(PROJECT)) if method in {"PUT", "POST"} else None
    headers = as_user(team.people[who]) if who in team.people else {}
    address = path.format(project_id=project, user_id=target.id)
    return await team.api.client.request(method, address, json=body, headers=headers)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_who_may_do_what(team: Team, route: tuple[str, str], who: str) -> None:
    before = team.api.rows("select * from billing.project_members order by project_id, user_id")

    answer = await walk(team, route, who, "ours")

    expected = ROUTES[route][WHO.index(who)]
    assert answer.status_code == expected, answer.text
    if expected >= 400:
        assert_problem(answer, expected, {401: "not_signed_in", 403: "forbidden", 404: "not_found"}[expected])
        assert team.api.rows("select * from billing.project_members order by project_id, user_id") == before


@pytest.mark.parametrize("who", ["other", "operator", "former"])
@pytest.mark.parametrize("route", [route for route in ROUTES if route != ("PUT", PROJECT)], ids=" ".join)
async def test_a_project_of_others_looks_like_one_that_is_not_there(
    team: Team, route: tuple[str, str], who: str
) -> None:
    others, none = [await walk(team, route, who, project) for project in ("ours", "not-there")]

    assert (others.status_code, others.json()) == (none.status_code, none.json())
    kept = [{name: one.headers[name] for name in one.headers if "id" not in name} for one in (others, none)]
    assert kept[0].keys() == kept[1].keys()


async def test_everybody_may_leave_but_the_owner(team: Team) -> None:
    for who, expected in (("member", 204), ("admin", 204), ("owner", 403)):
        person = team.people[who]
        path = f"/billing/projects/ours/members/{person.id}"
        answer = await team.api.client.delete(path, headers=as_user(person))
        assert answer.status_code == expected, who


def test_the_table_has_every_route_about_a_project() -> None:
    document = create_app(make_settings("postgresql://nobody@127.0.0.1:1/none")).openapi()
    offered = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert {route for route in offered if "project" in route[1]} == set(ROUTES)
