"""Whatever was paid and changed before, who leaves gets back no more than they paid, and none of it twice."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.carried_credit import BalanceMove, carried_credit
from lifecycle.leaving import PaidTime, PeriodPayment, shares_due
from lifecycle.policy import RefundOnCancel
from tests.lifecycle.looks import BEGAN
from tests.lifecycle.test_leaving import sold_under

moments = st.integers(0, 400 * 86_400).map(lambda second: BEGAN + timedelta(seconds=second))
lines_of_any_kind = st.builds(PaidTime, amount=st.integers(-20_000, 20_000), starts_at=moments, ends_at=moments)
payments_of_any_kind = st.lists(
    st.builds(
        PeriodPayment,
        invoice_id=st.just("in_1"),
        charge_id=st.just("ch_1"),
        left=st.integers(0, 20_000),
        currency=st.just("jpy"),
        starts_at=moments,
        ends_at=moments,
        lines=st.none() | st.lists(lines_of_any_kind, max_size=4),
        price=st.integers(-20_000, 20_000),
        carried=st.integers(0, 20_000),
        kept=st.integers(0, 20_000),
        period_starts_at=st.none() | moments,
    ),
    max_size=5,
)


@given(payments_of_any_kind, moments, st.sampled_from(RefundOnCancel))
def test_no_charge_gives_more_than_is_left_of_it_and_what_is_kept_as_credit_is_not_given(
    payments: list[PeriodPayment], now: datetime, rule: RefundOnCancel
) -> None:
    numbered = [replace(payment, charge_id=f"ch_{number}") for number, payment in enumerate(payments)]
    left = {payment.charge_id: payment.left for payment in numbered}
    shares = shares_due(sold_under(rule), numbered, None, now)
    assert all(0 < share.amount <= left[share.charge_id] for share in shares)
    kept = sum(payment.kept for payment in numbered)
    assert sum(share.amount for share in shares) <= max(sum(left.values()) - kept, 0)


old_payments = st.builds(
    PeriodPayment,
    invoice_id=st.just("in_1"),
    charge_id=st.just("ch_1"),
    left=st.integers(0, 20_000),
    currency=st.just("usd"),
    starts_at=moments,
    ends_at=moments,
).filter(lambda payment: payment.starts_at < payment.ends_at)


@given(st.lists(old_payments, max_size=4), moments)
def test_what_was_recorded_before_lines_were_told_gives_what_it_gave(
    payments: list[PeriodPayment], now: datetime
) -> None:
    def unused(payment: PeriodPayment) -> int:
        whole = payment.ends_at - payment.starts_at
        return payment.left * max(min(payment.ends_at - now, whole), timedelta(0)) // whole

    gave = [unused(payment) for payment in payments]
    prorated = shares_due(sold_under(RefundOnCancel.PRORATED), payments, None, now)
    assert [share.amount for share in prorated] == [amount for amount in gave if amount]
    full = shares_due(sold_under(RefundOnCancel.FULL), payments, None, now)
    assert [share.amount for share in full] == [payment.left for payment in payments if payment.left]


@dataclass
class Ledger:
    """What Stripe writes for somebody who changes the interval again and again."""

    payments: list[PeriodPayment] = field(default_factory=list)
    moves: list[BalanceMove] = field(default_factory=list)
    period: PaidTime | None = None
    balance: int = 0
    charged: int = 0
    used: float = 0.0

    def change(self, at: datetime, price: int, days: int) -> None:
        """Out of the running period and into another."""
        lines = [PaidTime(price, at, at + timedelta(days=days))]
        if self.period:
            unused = self.period.worth(at)
            self.used += float(self.period.amount - unused)
            lines.append(PaidTime(-round(unused), at, self.period.ends_at))
        total, before = sum(line.amount for line in lines), self.balance
        paid, self.balance = max(before + total, 0), min(before + total, 0)
        self.period, self.charged = lines[0], self.charged + paid
        self.moves.append(BalanceMove(before, self.balance))
        name = str(len(self.payments))
        invoice = PeriodPayment(name, name, paid, "usd", at, lines[0].ends_at, lines=lines, price=total)
        self.payments.append(invoice)

    def given_back(self, rule: RefundOnCancel, at: datetime) -> int:
        """To who leaves then."""
        assert self.period
        credits = carried_credit(self.moves, self.balance)
        payments = [
            replace(one, carried=credit.used, kept=credit.kept, period_starts_at=self.period.starts_at)
            for one, credit in zip(self.payments, credits, strict=True)
        ]
        return sum(share.amount for share in shares_due(sold_under(rule), payments, None, at))


changes = st.tuples(st.integers(0, 27 * 86_400), st.integers(100, 50_000), st.sampled_from([28, 31, 365]))


@given(st.lists(changes, min_size=1, max_size=6), st.integers(0, 27 * 86_400))
def test_however_often_the_interval_changes_we_keep_what_the_time_that_was_used_costs(
    steps: list[tuple[int, int, int]], last: int
) -> None:
    ledger, now = Ledger(), BEGAN
    for seconds, price, days in steps:
        now += timedelta(seconds=seconds)
        ledger.change(now, price, days)
    assert ledger.period
    began, now = now, now + timedelta(seconds=last)
    unused = float(ledger.period.worth(now))
    used = ledger.used + ledger.period.amount - unused

    back = ledger.given_back(RefundOnCancel.PRORATED, now)
    of_the_period = ledger.given_back(RefundOnCancel.FULL, now)

    roundings = len(steps) + 1
    assert ledger.charged + ledger.balance - back == pytest.approx(used, abs=roundings)
    assert of_the_period == pytest.approx(ledger.period.amount, abs=roundings)
    assert back <= ledger.given_back(RefundOnCancel.PRORATED, began) + roundings
