"""Two servers under the same load, turn and turn about, so that whatever else the machine does hits both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.figures import Meter, column, show, spread
from benchmarks.load import Answers, load
from benchmarks.stage import Stage, pid_of
from local.parts import Part

WARM_UP_ROUNDS = 2


@dataclass(frozen=True)
class Contestant:
    """A server and how the requests of one turn are made for it."""

    name: str
    part: Part
    port: int
    requests: Callable[[], Sequence[bytes]]


@dataclass(frozen=True)
class Turn:
    """What one turn showed; CPU in seconds a request."""

    answers: Answers
    server_cpu: float
    postgres_cpu: float


async def compete(
    stage: Stage, bare: Contestant, ours: Contestant, rounds: int, connections: int
) -> dict[str, list[Turn]]:
    """Rounds of one turn each, whoever began last begins second; the first rounds warm up and are not counted."""
    turns: dict[str, list[Turn]] = {bare.name: [], ours.name: []}
    for number in range(rounds + WARM_UP_ROUNDS):
        for one in (bare, ours) if number % 2 else (ours, bare):
            turn = await _turn(stage, one, connections)
            if number >= WARM_UP_ROUNDS:
                turns[one.name].append(turn)
    return turns


def report(turns: dict[str, list[Turn]]) -> None:
    """Medians with the smallest and largest round, then ours divided by the bare one's of the same round."""
    head = ["", "answers/s", "p50 ms", "p99 ms", "server CPU µs/request", "PostgreSQL CPU µs/request"]
    rows = [[name, *_figures(rounds)] for name, rounds in turns.items()]
    bare, ours = turns.values()
    rows.append(["ours / bare, round by round", *_ratios(bare, ours)])
    show("Median of the rounds (smallest–largest)", head, rows)


async def _turn(stage: Stage, one: Contestant, connections: int) -> Turn:
    requests = one.requests()
    meter = Meter({"server": pid_of(one.part), "postgres": pid_of(stage.postgres)})
    answers = await load(one.port, requests, connections)
    used = meter.used()
    assert set(answers.statuses) == {200}, answers.statuses
    return Turn(answers, used["server"] / len(requests), used["postgres"] / len(requests))


_MEASURES: list[tuple[Callable[[Turn], float], str]] = [
    (lambda turn: turn.answers.rate, ",.0f"),
    (lambda turn: turn.answers.at(0.5), ".1f"),
    (lambda turn: turn.answers.at(0.99), ".1f"),
    (lambda turn: turn.server_cpu * 1e6, ",.0f"),
    (lambda turn: turn.postgres_cpu * 1e6, ",.0f"),
]


def _figures(rounds: Sequence[Turn]) -> list[str]:
    return [column(rounds, measure, form) for measure, form in _MEASURES]


def _ratios(bare: Sequence[Turn], ours: Sequence[Turn]) -> list[str]:
    pairs = list(zip(ours, bare, strict=True))
    return [spread([measure(one) / measure(other) for one, other in pairs], ".2f") for measure, _ in _MEASURES]
