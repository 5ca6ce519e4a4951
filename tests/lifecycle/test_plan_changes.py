"""When a change of plan takes effect."""

from dataclasses import replace

import pytest

from lifecycle.facts import Facts, InvoiceStatus, PlannedChange
from lifecycle.intents import ChangePlan
from lifecycle.moves import Move
from lifecycle.plan_changes import ChangeTiming, timing_of
from lifecycle.plans import Interval, Terms
from lifecycle.refusals import Refusal, check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, PRO, after, day, invoice, paid


def yearly(terms: Terms) -> Terms:
    return replace(terms, interval=Interval.YEAR, lookup_key=f"{terms.plan.lower()}_year", amount=terms.amount * 10)


PRICES = {"BASIC": BASIC, "PRO": PRO, "BASIC a year": yearly(BASIC), "PRO a year": yearly(PRO)}
TABLE = """
BASIC        > PRO          | when_paid
BASIC        > BASIC a year | when_paid
BASIC        > PRO a year   | when_paid
BASIC a year > PRO          | when_paid
BASIC a year > PRO a year   | when_paid
PRO          > PRO a year   | when_paid
PRO          > BASIC        | at_period_end
PRO          > BASIC a year | at_period_end
PRO a year   > BASIC        | at_period_end
PRO a year   > BASIC a year | at_period_end
BASIC a year > BASIC        | at_period_end
PRO a year   > PRO          | at_period_end
"""
UPGRADE = PlannedChange("pro_month", day(11), PRO, awaits_payment=True, invoice_id="in_2")
DOWNGRADE = PlannedChange("basic_month", day(31), BASIC)


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_more_is_granted_when_it_is_paid_and_less_when_the_period_is_over(line: str) -> None:
    move, _, expected = (part.strip() for part in line.partition("|"))
    before, _, then = (part.strip() for part in move.partition(">"))
    assert timing_of(Status.ACTIVE, PRICES[before], PRICES[then]) == expected
    assert timing_of(Status.TRIALING, PRICES[before], PRICES[then]) is ChangeTiming.IN_TRIAL


def waiting(planned: PlannedChange | None) -> Facts:
    """Paid up on BASIC; the latest invoice is the upgrade's when there is one."""
    owed = invoice(InvoiceStatus.OPEN, id="in_2", amount=1500)
    return paid(planned=planned, **({"invoice": owed} if planned and planned.awaits_payment else {}))


def moves(before: Subscription, facts: Facts) -> list[Move]:
    return before.after(facts)[1]


def test_a_plan_for_later_is_told_when_it_is_made_dropped_or_replaced() -> None:
    calm, upgrading = after(paid()), after(paid(), waiting(UPGRADE))

    assert moves(calm, waiting(UPGRADE)) == [Move.PLAN_CHANGE_PLANNED]
    assert moves(upgrading, waiting(UPGRADE)) == []
    assert moves(upgrading, waiting(replace(UPGRADE, price="enterprise_month"))) == [Move.PLAN_CHANGE_PLANNED]
    assert moves(upgrading, waiting(None)) == [Move.PLAN_CHANGE_DROPPED]


def test_a_plan_that_came_true_is_told_as_the_change_that_it_is() -> None:
    upgrading = after(paid(), waiting(UPGRADE))
    assert moves(upgrading, paid(price="pro_month", terms=PRO)) == [Move.PLAN_CHANGED]


def test_the_invoice_of_an_upgrade_is_not_owed() -> None:
    upgrading = after(paid(), waiting(UPGRADE))
    assert upgrading.status is Status.ACTIVE
    assert upgrading.invoice is None
    assert upgrading.planned == UPGRADE
    assert UPGRADE.at in upgrading.deadlines


@pytest.mark.parametrize(
    ("planned", "wanted", "code"),
    [
        (None, BASIC, "same_plan"),
        (None, PRO, ""),
        (UPGRADE, BASIC, ""),  # thinks better of it
        (UPGRADE, PRO, ""),  # has a better card
        (DOWNGRADE, PRO, ""),
    ],
)
def test_what_may_be_asked_for_while_a_change_is_planned(
    planned: PlannedChange | None, wanted: Terms, code: str
) -> None:
    assert _refusal(after(paid(), waiting(planned)), wanted) == code


def test_a_downgrade_that_is_planned_already_is_refused() -> None:
    on_pro = after(paid(price="pro_month", terms=PRO, planned=DOWNGRADE))
    assert _refusal(on_pro, BASIC) == "same_plan"
    assert _refusal(on_pro, PRO) == ""


def _refusal(subscription: Subscription, wanted: Terms) -> str:
    try:
        check(subscription, ChangePlan(wanted))
    except Refusal as refusal:
        return refusal.code.value
    return ""
