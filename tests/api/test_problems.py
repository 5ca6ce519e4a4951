import json

import pytest
from fastapi import APIRouter, Depends, FastAPI

from api.auth import anybody, require_policies
from api.problems import KINDS, Problem
from local.betterauth import SignedInUser
from tests.api.conftest import Api, as_user, assert_problem, make_settings, running_api

BODY = json.dumps({"plan": "BASIC", "interval": "month"})


async def test_an_unknown_path_is_404(shared_api: Api) -> None:
    for path in ("/", "/billing", "/billing/nothing", "/billing/plans/"):
        assert_problem(await shared_api.client.get(path), 404, "not_found")


async def test_a_wrong_method_is_405_and_names_the_right_ones(shared_api: Api) -> None:
    response = await shared_api.client.put("/billing/plans")

    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET"
    both = await shared_api.client.put("/billing/subscriptions")
    assert both.headers["allow"] == "DELETE, POST"


@pytest.mark.parametrize(
    "body", [b"{", b"{'plan': 'BASIC'}", b"\xff\xfe", b'{"plan":' * 5000, b"[1,"], ids=lambda body: repr(body[:12])
)
async def test_a_body_that_is_not_json_is_400(shared_api: Api, member: SignedInUser, body: bytes) -> None:
    headers = as_user(member) | {"Content-Type": "application/json"}

    response = await shared_api.client.post("/billing/subscriptions", content=body, headers=headers)

    assert response.status_code == 400
    assert_problem(response, 400, response.json()["code"])
    assert response.json()["code"] in {"malformed_json", "malformed_request"}


@pytest.mark.parametrize("body", [b"null", b"[]", b"7", b'"BASIC"', b"{}", b""])
async def test_json_of_the_wrong_shape_is_422(shared_api: Api, member: SignedInUser, body: bytes) -> None:
    headers = as_user(member) | {"Content-Type": "application/json"}

    response = await shared_api.client.post("/billing/subscriptions", content=body, headers=headers)

    assert_problem(response, 422, "invalid_request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", None])
async def test_a_body_of_another_kind_is_415(shared_api: Api, member: SignedInUser, kind: str | None) -> None:
    headers = as_user(member) | ({"Content-Type": kind} if kind else {})

    response = await shared_api.client.post("/billing/subscriptions", content=BODY, headers=headers)

    assert_problem(response, 415, "unsupported_media_type")


async def test_a_body_beyond_the_limit_is_413_on_every_route(shared_api: Api, member: SignedInUser) -> None:
    headers = as_user(member) | {"Content-Type": "application/json"}
    huge = json.dumps({"plan": "B" * shared_api.settings.request_max_bytes})

    for path in ("/billing/subscriptions", "/billing/checkout", "/billing/portal"):
        assert_problem(await shared_api.client.post(path, content=huge, headers=headers), 413, "body_too_large")


async def test_a_bug_of_ours_is_500_and_says_nothing(api: Api, ada: SignedInUser) -> None:
    api.door.says = ZeroDivisionError("secret insides of ours")

    response = await api.client.post(
        "/billing/subscriptions", json={"plan": "BASIC", "interval": "month"}, headers=as_user(ada)
    )

    assert assert_problem(response, 500, "internal_error") == Problem("internal_error").body()
    assert response.headers["x-request-id"]


async def test_every_answer_carries_a_request_id_and_a_harmless_one_is_kept(shared_api: Api) -> None:
    async def answered(given: str) -> str:
        response = await shared_api.client.get("/healthz", headers={"X-Request-Id": given})
        return response.headers["x-request-id"]

    assert await answered("from-the-proxy.1") == "from-the-proxy.1"
    for hostile in ("two words", "x" * 129, "a\tb", ""):
        assert await answered(hostile) != hostile


async def test_a_route_without_a_policy_stops_the_start() -> None:
    app = FastAPI(openapi_url=None)
    router = APIRouter()
    router.add_api_route("/open", lambda: None, dependencies=[Depends(anybody)])
    app.include_router(router)
    require_policies(app)
    router.add_api_route("/forgotten", lambda: None)

    with pytest.raises(RuntimeError, match="/forgotten"):
        require_policies(app)


async def test_every_kind_is_a_good_status_and_a_title() -> None:
    for name, kind in KINDS.items():
        assert 400 <= kind.status <= 599, name
        assert kind.title


async def test_readiness_says_what_is_down(api: Api) -> None:
    assert (await api.client.get("/readyz")).json() == {"status": "ok", "checks": {"postgres": "ok", "temporal": "ok"}}

    api.temporal[0] = False
    response = await api.client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "down", "checks": {"postgres": "ok", "temporal": "down"}}
    assert (await api.client.get("/healthz")).json()["status"] == "ok"
    assert (await api.client.get("/billing/plans")).status_code == 200


async def test_a_database_that_is_nowhere_leaves_the_process_alive() -> None:
    nowhere = "postgresql://postgres:x@127.0.0.1:1/nothing"
    async with running_api(make_settings(nowhere)) as api:
        assert (await api.client.get("/healthz")).status_code == 200
        ready = await api.client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["postgres"]) == (503, "down")
        refused = await api.client.get("/billing/subscriptions/me", headers={"Authorization": f"Bearer {'a' * 32}"})
        assert_problem(refused, 503, "temporarily_unavailable")
