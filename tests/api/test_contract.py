from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from api.app import create_app
from api.problems import KINDS
from tests.api.conftest import make_settings

METHODS = {"get", "post", "patch", "delete", "put"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(make_settings("postgresql://nobody@127.0.0.1:1/none")).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield f"{method.upper()} {path}", item[method]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the document's components at hand: pydantic's references work in place."""
    return {**schema, "components": document["components"]}


def check(document: dict[str, Any], schema: dict[str, Any], example: object) -> None:
    jsonschema.Draft202012Validator(
        resolved(document, schema), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(example)


def test_the_routes_are_the_ones_that_were_promised(document: dict[str, Any]) -> None:
    assert {name for name, _ in operations(document)} == {
        "GET /billing/plans",
        "GET /billing/subscriptions/me",
        "GET /billing/subscriptions/me/timeline",
        "GET /billing/entitlements",
        "GET /billing/projects/{project_id}/entitlements",
        "POST /billing/projects/{project_id}/check",
        "PUT /billing/projects/{project_id}",
        "DELETE /billing/projects/{project_id}",
        "PUT /billing/projects/{project_id}/members/{user_id}",
        "DELETE /billing/projects/{project_id}/members/{user_id}",
        "POST /billing/subscriptions",
        "PATCH /billing/subscriptions/plan",
        "POST /billing/subscriptions/preview",
        "DELETE /billing/subscriptions",
        "POST /billing/subscriptions/resume",
        "POST /billing/subscriptions/convert",
        "POST /billing/checkout",
        "POST /billing/portal",
        "GET /billing/operations/{operation_id}",
        "GET /billing/export",
        "DELETE /billing/account",
        "POST /billing/admin/users/{user_id}/refunds",
        "POST /billing/admin/users/{user_id}/trial",
        "POST /billing/admin/users/{user_id}/policy",
        "GET /billing/admin/operations/{operation_id}",
        "GET /billing/admin/users/{user_id}/subscription",
        "GET /billing/admin/users/{user_id}/timeline",
        "GET /billing/admin/users/{user_id}/letters",
        "POST /billing/admin/users/{user_id}/letters/{letter_id}/resend",
        "GET /billing/admin/audit",
        "POST /billing/webhooks/stripe",
        "GET /healthz",
        "GET /readyz",
    }


def test_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("description"), f"{name} is not described"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    for reference in walk(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_route_says_what_it_is_who_may_and_what_can_go_wrong(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    schemes = set(document["components"]["securitySchemes"])
    open_to_all = {"GET /billing/plans", "GET /healthz", "GET /readyz"}
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        assert all(set(way) <= schemes for way in operation.get("security", [])), name
        assert bool(operation.get("security")) is (name not in open_to_all), name
        problems = [response for status, response in operation["responses"].items() if int(status) >= 400]
        assert problems, name
        if {"session": []} in operation.get("security", []):
            assert {"401", "503"} <= set(operation["responses"]), name


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    seen = 0
    for _, operation in operations(document):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                for example in content.get("examples", {}).values():
                    check(document, content["schema"], example["value"])
                    assert example["value"]["code"] in KINDS
                    seen += 1
    for schema in document["components"]["schemas"].values():
        for example in schema.get("examples", []):
            check(document, schema, example)
            seen += 1
        for field in schema.get("properties", {}).values():
            for example in field.get("examples", []):
                check(document, field, example)
                seen += 1
    assert seen > 100


def test_problems_are_problem_json_and_nothing_else_is(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            kinds = set(response.get("content", {}))
            if int(status) < 400 or (name, status) == ("GET /readyz", "503"):
                assert "application/problem+json" not in kinds, (name, status)
            else:
                assert kinds == {"application/problem+json"}, (name, status)
