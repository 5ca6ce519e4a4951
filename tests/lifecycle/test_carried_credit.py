"""Credit from unused time, and who used it."""

import pytest

from lifecycle.carried_credit import BalanceMove, CarriedCredit, carried_credit


@pytest.mark.parametrize(
    ("moves", "balance", "used", "kept"),
    [
        pytest.param([(0, 0), (0, 0)], 0, [0, 0], [0, 0], id="no credit"),
        pytest.param([(0, -700), (-700, -400)], -400, [0, 300], [400, 0], id="some of it used"),
        pytest.param([(0, -700), (-700, 0), (0, 0)], 0, [0, 700, 0], [0, 0, 0], id="all of it used"),
        pytest.param([(-600, 0)], 0, [0], [0], id="a present is used"),
        pytest.param([(0, -700), (-900, 0)], 0, [0, 700], [0, 0], id="used before a present"),
        pytest.param([(0, -700)], -1200, [0], [700], id="a present beside it"),
        pytest.param([(0, -700)], 0, [0], [0], id="taken away by hand"),
        pytest.param([(0, -700), (-100, 0)], 0, [0, 100], [0, 0], id="most of it taken away by hand"),
        pytest.param([(0, 30), (30, 0)], 0, [0, 0], [0, 0], id="owed, for it was too little to charge"),
        pytest.param([(0, -100), (-100, -300), (-300, -250)], -250, [0, 0, 50], [50, 200, 0], id="the oldest first"),
    ],
)
def test_credit_from_unused_time_is_followed_to_where_it_is_used(
    moves: list[tuple[int, int]], balance: int, used: list[int], kept: list[int]
) -> None:
    expected = [CarriedCredit(*both) for both in zip(used, kept, strict=True)]
    assert carried_credit([BalanceMove(*move) for move in moves], balance) == expected
