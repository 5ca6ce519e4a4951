"""``perennial api-key``: a secret that is shown once, a list without secrets, an end."""

import re

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli import app

WIDE = {"COLUMNS": "240", "TERM": "dumb"}


@pytest.fixture
def environment(database: str) -> dict[str, str]:
    return WIDE | {
        "PERENNIAL_MODE": "local",
        "PERENNIAL_DATABASE_URL": database,
        "PERENNIAL_STRIPE_API_KEY": "sk_test_none",
        "PERENNIAL_AUTH_SECRET": "none",
    }


def run(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, ["api-key", *words], env=environment)


def test_a_key_is_made_listed_and_revoked(environment: dict[str, str]) -> None:
    made = run(
        environment,
        "create",
        "checkout server",
        "--scope",
        "subscriptions:read",
        "--by",
        "grace",
        "--audit-reason",
        "ticket 7",
    )
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    assert re.fullmatch(r"prnl_[A-Za-z0-9_-]{43}", secret)
    (key_id,) = re.findall(r"^[0-9a-f-]{36}", made.stderr)

    listed = run(environment, "list").output
    for shown in (key_id, "checkout server", "subscriptions:read", "grace", "never"):
        assert shown in listed
    assert secret not in listed

    assert run(environment, "revoke", key_id, "--by", "ada").exit_code == 0
    assert "revoked 2" in run(environment, "list").output
    again = run(environment, "revoke", key_id, "--audit-reason", "again")
    assert (again.exit_code, again.output.strip()) == (1, "There is no such key, or it was revoked before.")
    with psycopg.connect(environment["PERENNIAL_DATABASE_URL"]) as connection:
        acts = connection.execute("select actor, act, reason, detail from billing.audit order by id").fetchall()
    assert acts == [
        ("cli:grace", "create_api_key", "ticket 7", {"key": key_id, "scopes": "subscriptions:read"}),
        ("cli:ada", "revoke_api_key", None, {"key": key_id}),
    ]


@pytest.mark.parametrize("words", [("name", "--scope", "admin"), ("name",), ("", "--scope", "subscriptions:read")])
def test_a_key_without_a_name_or_a_scope_that_exists_is_not_made(
    environment: dict[str, str], words: tuple[str, ...]
) -> None:
    assert run(environment, "create", *words).exit_code != 0
    assert "prnl_" not in run(environment, "list").output
    assert not re.search(r"[0-9a-f-]{36}", run(environment, "list").output)
