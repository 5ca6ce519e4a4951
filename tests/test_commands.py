"""A command that cannot do its work says in a line what is away, and ends with 1."""

import pytest
from typer.testing import CliRunner

from cli import app

NOWHERE = {
    "PERENNIAL_MODE": "local",
    "PERENNIAL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "PERENNIAL_STRIPE_API_KEY": "sk_test_none",
    "PERENNIAL_STRIPE_API_URL": "http://127.0.0.1:1",
    "PERENNIAL_TEMPORAL_ADDRESS": "127.0.0.1:1",
    "PERENNIAL_AUTH_SECRET": "none",
}


@pytest.mark.parametrize(
    ("words", "away"),
    [
        (["timeline", "ada"], "PostgreSQL: connection failed"),
        (["import"], "PostgreSQL: connection failed"),
        (["reconcile", "--user", "ada"], "PostgreSQL: connection failed"),
        (["reconcile", "--all", "--dry-run"], "PostgreSQL: connection failed"),
        (["plans", "push"], "PostgreSQL: connection failed"),
        (["acknowledge", "ada"], "PostgreSQL: connection failed"),
    ],
)
def test_what_is_away_is_named(words: list[str], away: str) -> None:
    ended = CliRunner().invoke(app, words, env=NOWHERE)

    assert ended.exit_code == 1
    assert ended.output.startswith(away)
    assert "Traceback" not in ended.output


def test_one_or_all_but_not_neither_nor_both() -> None:
    for words in (["reconcile"], ["reconcile", "--all", "--user", "ada"]):
        ended = CliRunner().invoke(app, words, env=NOWHERE)

        assert (ended.exit_code, ended.output.strip()) == (1, "Name one user with --user, or ask for --all.")
