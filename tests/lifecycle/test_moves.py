import pytest

from lifecycle.moves import MOVES, Move, mermaid, moves_to
from lifecycle.statuses import Status

THE_TABLE = {
    ("none", "trialing"): ["trial_started"],
    ("none", "active"): ["subscribed"],
    ("none", "incomplete"): ["payment_pending"],
    ("incomplete", "active"): ["first_payment_received"],
    ("incomplete", "incomplete_expired"): ["first_payment_expired"],
    ("incomplete", "canceled"): ["canceled"],
    ("trialing", "active"): ["trial_converted", "moved_to_free_plan"],
    ("trialing", "past_due"): ["payment_failed"],
    ("trialing", "paused"): ["trial_paused_without_card"],
    ("trialing", "canceled"): ["canceled", "trial_ended_without_card"],
    ("active", "trialing"): ["trial_extended"],
    ("active", "past_due"): ["payment_failed"],
    ("active", "unpaid"): ["left_unpaid"],
    ("active", "paused"): ["paused"],
    ("active", "canceled"): ["canceled", "replaced", "gave_up"],
    ("past_due", "active"): ["payment_recovered", "invoice_forgiven"],
    ("past_due", "paused"): ["paused"],
    ("past_due", "unpaid"): ["left_unpaid"],
    ("past_due", "canceled"): ["canceled", "gave_up"],
    ("unpaid", "active"): ["payment_recovered", "invoice_forgiven"],
    ("unpaid", "canceled"): ["canceled", "gave_up"],
    ("paused", "active"): ["resumed"],
    ("paused", "past_due"): ["payment_failed"],
    ("paused", "canceled"): ["canceled"],
}


@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("target", Status)
def test_which_moves_lead_from_one_status_to_another(source: Status, target: Status) -> None:
    assert moves_to(source, target) == THE_TABLE.get((source, target), [])


@pytest.mark.parametrize(
    ("source", "move", "target"),
    [
        (Status.TRIALING, Move.TRIAL_CONVERTED, Status.ACTIVE),
        (Status.TRIALING, Move.TRIAL_EXTENDED, Status.TRIALING),
        (Status.ACTIVE, Move.PAYMENT_FAILED, Status.PAST_DUE),
        (Status.PAST_DUE, Move.PAYMENT_RECOVERED, Status.ACTIVE),
        (Status.PAST_DUE, Move.GAVE_UP, Status.CANCELED),
        (Status.ACTIVE, Move.PLAN_CHANGED, Status.ACTIVE),
    ],
)
def test_the_moves_that_customers_were_promised(source: Status, move: Move, target: Status) -> None:
    assert MOVES[source][move] is target


def test_every_move_can_happen_and_a_life_that_is_over_knows_none() -> None:
    assert {move for moves in MOVES.values() for move in moves} == set(Move)
    assert set(MOVES) == set(Status)
    assert {status for status, moves in MOVES.items() if not moves} == {status for status in Status if status.is_over}


def test_every_status_but_none_is_reached() -> None:
    reached = {target for moves in MOVES.values() for target in moves.values()}
    assert reached == set(Status) - {Status.NONE}


def test_the_diagram_has_one_arrow_for_each_pair_of_statuses() -> None:
    lines = [line.strip() for line in mermaid().splitlines()[1:]]
    arrows = [line.partition(":")[0].split(" --> ") for line in lines]
    drawn = {tuple(arrow) for arrow in arrows}
    expected = {
        ("[*]" if source is Status.NONE else source.value, target.value)
        for source, moves in MOVES.items()
        for target in moves.values()
        if target is not source
    }
    assert drawn == expected | {("canceled", "[*]"), ("incomplete_expired", "[*]")}
    assert len(arrows) == len(drawn)
