from collections.abc import Mapping
from dataclasses import replace

import pytest

from lifecycle.cardless import begin
from lifecycle.facts import InvoiceStatus
from lifecycle.intents import Cancel, ChangePlan, Convert, Intent, MoveTrialEnd, Resume, Subscribe, Timing
from lifecycle.refusals import Refusal, check
from lifecycle.statuses import Status
from lifecycle.subscription import Subscription
from tests.lifecycle.looks import BASIC, BEGAN, PRO, after, day, invoice, look, over, paid, someone, trial, unpaid_since

CUSTOMERS: Mapping[str, Subscription] = {
    "none": someone(),
    "incomplete": after(look(Status.INCOMPLETE, invoice=invoice(InvoiceStatus.OPEN))),
    "incomplete_expired": after(look(Status.INCOMPLETE_EXPIRED)),
    "trialing": after(trial()),
    "trialing, cardless": begin(someone(), BASIC, 14, BEGAN)[0],
    "trialing, leaving": after(trial(cancel_at_period_end=True)),
    "active": after(paid()),
    "active, leaving": after(paid(cancel_at_period_end=True)),
    "active, leaving on a date": after(paid(cancel_at=day(20))),
    "suspended": replace(after(paid()), suspended_at=day(10)),
    "past_due": after(paid(), unpaid_since(day(31))),
    "past_due, leaving": after(paid(), unpaid_since(day(31), cancel_at=day(50))),
    "unpaid": after(paid(), look(Status.UNPAID)),
    "paused": after(paid(), look(Status.PAUSED)),
    "canceled": after(paid(), over(day(31))),
}
INTENTS: Mapping[str, Intent] = {
    "subscribe": Subscribe(BASIC),
    "to PRO": ChangePlan(PRO),
    "to BASIC": ChangePlan(BASIC),
    "cancel": Cancel(),
    "cancel now": Cancel(Timing.NOW),
    "resume": Resume(),
    "convert": Convert(),
    "move trial": MoveTrialEnd(),
}
FITS = ""
TABLE = """
                          | subscribe          | to PRO                 | to BASIC               | cancel            | cancel now      | resume           | convert                | move trial
none                      |                    | no_subscription        | no_subscription        | no_subscription   | no_subscription | no_subscription  | no_subscription        | no_subscription
incomplete                | payment_incomplete | payment_incomplete     | payment_incomplete     |                   |                 | not_canceling    | not_trialing           | not_trialing
incomplete_expired        |                    | no_subscription        | no_subscription        | no_subscription   | no_subscription | no_subscription  | no_subscription        | no_subscription
trialing                  | already_subscribed |                        | same_plan              |                   |                 | not_canceling    |                        |
trialing, cardless        | already_subscribed |                        | same_plan              |                   |                 | not_canceling    |                        |
trialing, leaving         | already_subscribed | cancellation_scheduled | cancellation_scheduled | already_canceling |                 |                  | cancellation_scheduled |
active                    | already_subscribed |                        | same_plan              |                   |                 | not_canceling    | not_trialing           | not_trialing
active, leaving           | already_subscribed | cancellation_scheduled | cancellation_scheduled | already_canceling |                 |                  | cancellation_scheduled | not_trialing
active, leaving on a date | already_subscribed | cancellation_scheduled | cancellation_scheduled | already_canceling |                 |                  | cancellation_scheduled | not_trialing
suspended                 | already_subscribed | payment_disputed       | payment_disputed       |                   |                 | payment_disputed | payment_disputed       | not_trialing
past_due                  | already_subscribed | past_due               | past_due               |                   |                 | not_canceling    | not_trialing           | not_trialing
past_due, leaving         | already_subscribed | past_due               | past_due               | already_canceling |                 |                  | cancellation_scheduled | not_trialing
unpaid                    | already_subscribed | past_due               | past_due               |                   |                 | not_canceling    | not_trialing           | not_trialing
paused                    | already_subscribed | paused                 | paused                 |                   |                 |                  |                        | not_trialing
canceled                  |                    | no_subscription        | no_subscription        | no_subscription   | no_subscription | no_subscription  | no_subscription        | no_subscription
"""  # noqa: E501  a table is read across


def _table() -> list[tuple[str, str, str]]:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip("\n").splitlines()]
    return [(row[0], asked, code) for row in rows for asked, code in zip(head[1:], row[1:], strict=True)]


@pytest.mark.parametrize(("customer", "asked", "code"), _table())
def test_which_intent_is_refused_in_which_status(customer: str, asked: str, code: str) -> None:
    assert _refusal(CUSTOMERS[customer], INTENTS[asked]) == code


def test_the_table_is_whole() -> None:
    cells = {(customer, asked) for customer, asked, _ in _table()}
    assert cells == {(customer, asked) for customer in CUSTOMERS for asked in INTENTS}
    assert {subscription.status for subscription in CUSTOMERS.values()} == set(Status)


@pytest.mark.parametrize(
    ("trial_used", "days", "code"),
    [
        (False, None, FITS),
        (False, 0, FITS),
        (False, 14, FITS),
        (False, 15, "trial_too_long"),
        (True, None, FITS),
        (True, 0, FITS),
        (True, 1, "trial_already_used"),
        (True, 15, "trial_too_long"),
    ],
)
def test_a_trial_is_had_once_and_never_longer_than_the_plan_gives(
    trial_used: bool, days: int | None, code: str
) -> None:
    assert _refusal(replace(someone(), trial_used=trial_used), Subscribe(BASIC, trial_days=days)) == code


def test_a_customers_currency_is_fixed_from_the_first_subscription_on_also_in_later_lives() -> None:
    euros = replace(BASIC, currency="eur", lookup_key="basic_month_eur")
    paying = after(paid(terms=euros))
    back = after(over(day(31), terms=euros), of=paying).next_life()

    assert (someone().currency, paying.currency, back.currency) == (None, "eur", "eur")
    assert _refusal(someone(), Subscribe(euros)) == FITS
    assert _refusal(back, Subscribe(euros)) == FITS
    assert _refusal(back, Subscribe(BASIC)) == "currency_locked"
    assert _refusal(paying, ChangePlan(PRO)) == "currency_locked"
    assert paying.forgotten(day(32)).currency is None


def test_a_refusal_tells_people_what_to_do() -> None:
    with pytest.raises(Refusal, match="pay it first") as refused:
        check(CUSTOMERS["past_due"], ChangePlan(PRO))
    assert str(refused.value) == refused.value.detail


def _refusal(subscription: Subscription, intent: Intent) -> str:
    try:
        check(subscription, intent)
    except Refusal as refusal:
        return refusal.code.value
    return FITS
