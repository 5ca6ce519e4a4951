from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from lifecycle.access import Standing, access_at
from lifecycle.facts import Card, EndReason, Facts, Invoice, InvoiceStatus
from lifecycle.letters import letters_due
from lifecycle.moves import MOVES
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, BEGAN, PRO, after, day, someone

NAMES_THAT_STAY = {source: set(moves.values()) for source, moves in MOVES.items()}

moments = st.integers(0, 400).map(day)
maybe = st.none() | moments
invoices = st.none() | st.builds(
    Invoice,
    id=st.sampled_from(["in_1", "in_2"]),
    status=st.sampled_from(InvoiceStatus),
    amount=st.sampled_from([0, 1000]),
    currency=st.just("usd"),
    attempts=st.integers(0, 9),
    finalized_at=maybe,
    next_attempt_at=maybe,
    action_required=st.booleans(),
)
prices = st.sampled_from([("basic_month", BASIC, False), ("pro_month", PRO, False), ("price_x", None, True)])


@st.composite
def looks(draw: st.DrawFn) -> Facts:
    """Anything Stripe might say, likely or not."""
    price, terms, unknown = draw(prices)
    starts = draw(moments)
    return Facts(
        subscription_id="sub_1",
        customer_id="cus_1",
        status=draw(st.sampled_from([status for status in Status if status is not Status.NONE])),
        price=price,
        started_at=BEGAN,
        period_starts_at=starts,
        period_ends_at=starts + timedelta(days=31),
        terms=terms,
        unknown_price=unknown,
        trial_ends_at=draw(maybe),
        cancel_at_period_end=draw(st.booleans()),
        cancel_at=draw(maybe),
        ended_at=draw(maybe),
        end_reason=draw(st.none() | st.sampled_from(EndReason)),
        invoice=draw(invoices),
        card=draw(st.none() | st.builds(Card, st.just("pm_1"), st.integers(1, 12), st.integers(2026, 2027))),
        customer_default=draw(st.none() | st.sampled_from(["pm_1", "pm_2", "pm_3"])),
    )


many_looks = st.lists(looks(), min_size=1, max_size=8)


@given(many_looks)
def test_a_status_moves_along_the_table_or_the_customer_is_flagged(history: list[Facts]) -> None:
    here = someone()
    for facts in history:
        there, moves, surprise = here.after(facts)
        assert there.status is facts.status
        if surprise:
            assert moves == []
            assert there.needs_attention == surprise
        else:
            assert there.status in NAMES_THAT_STAY[here.status] | {here.status}
            assert {MOVES[here.status].get(move, here.status) for move in moves} <= {here.status, there.status}
        here = there


@given(many_looks)
def test_a_doubled_look_changes_nothing(history: list[Facts]) -> None:
    here = after(*history)
    assert here.after(history[-1]) == (here, [], None)


@given(many_looks, st.randoms(use_true_random=False))
def test_the_order_of_earlier_looks_does_not_matter(history: list[Facts], random: object) -> None:
    *earlier, last = history
    shuffled = list(earlier)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _as_stripe_has_it(after(*earlier, last)) == _as_stripe_has_it(after(*shuffled, last))


@given(many_looks)
def test_a_letter_is_due_once_an_occasion_however_often_we_look(history: list[Facts]) -> None:
    doubled = [facts for facts in history for _ in range(2)]
    assert [kind for kind, _ in _told(doubled)] == [kind for kind, _ in _told(history)]


@given(many_looks, st.integers(0, 100))
def test_nobody_has_access_after_trial_grace_or_a_scheduled_end(history: list[Facts], days_late: int) -> None:
    here = after(*history)
    ends = {Status.TRIALING: here.trial_ends_at, Status.PAST_DUE: here.grace_ends_at}.get(here.status, here.cancel_at)
    if ends is not None:
        assert not access_at(_standing(here), ends + timedelta(days=days_late)).granted


@given(many_looks, st.integers(0, 100))
def test_grace_is_never_longer_than_promised(history: list[Facts], days: int) -> None:
    *earlier, last = history
    first_failure = replace(last, status=Status.PAST_DUE)
    here = after(*(replace(facts, status=Status.ACTIVE) for facts in earlier), first_failure, first_failure)
    if here.past_due_since and access_at(_standing(here), here.past_due_since + timedelta(days=days)).granted:
        assert days < BASIC.policy.grace_days


def _as_stripe_has_it(subscription: Subscription) -> Subscription:
    """All but what remembers the way: first failure, trial once had, flag, terms of an unknown price, and cards."""
    known = replace(subscription, past_due_since=None, trial_used=False, needs_attention=None, terms=None)
    return replace(known, tried_card=None, offered_card=None, customer_default=None)


def _told(history: list[Facts]) -> list[tuple[str, str]]:
    """Every letter of a life, as it is named; each look is saved, so each has a number of its own."""
    here, told = someone(), []
    for facts in history:
        there, moves, _ = here.after(facts)
        there = replace(there, seq=here.seq + 1)
        told += [(due.kind.value, due.occasion) for due in letters_due(here, there, moves)]
        here = there
    return list(dict.fromkeys(told))


def _standing(here: Subscription) -> Standing:
    return Standing(
        here.status,
        here.trial_ends_at,
        here.period_ends_at,
        here.cancel_at_period_end,
        here.cancel_at,
        here.grace_ends_at,
    )
