"""What letters say, and how they are kept as rows."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from activities import wording
from activities.letters import due_from_row, letter_id, row_from_due
from activities.stationery import Letter, Stationery
from lifecycle.notifications import Notification, NotificationDue

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
INVOICE = "https://invoice.stripe.com/i/acct_1/test_1?s=ap&t=2"
BILLING = "https://app.example.com/billing"
FACTS = NotificationDue(
    kind=Notification.WELCOME,
    occasion="sub_1",
    plan="PRO",
    previous_plan="BASIC",
    interval="month",
    amount=3000,
    currency="usd",
    trial_ends_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
    access_until=datetime(2026, 12, 2, 9, tzinfo=UTC),
    next_charge_at=datetime(2026, 12, 3, 9, tzinfo=UTC),
    next_attempt_at=datetime(2026, 12, 4, 9, tzinfo=UTC),
    grace_ends_at=datetime(2026, 12, 5, 9, tzinfo=UTC),
    invoice_url=INVOICE,
    card_brand="visa",
    card_last4="4242",
    card_exp_month=11,
    card_exp_year=2027,
)
TRIAL_ENDS, ACCESS_UNTIL, NEXT_CHARGE, NEXT_TRY = (f"{day} December 2026" for day in (1, 2, 3, 4))
CARD, PRICE = "Visa ending in 4242", "$30.00 per month"
MUST_SAY = {
    Notification.WELCOME: ("Pro", PRICE, TRIAL_ENDS, NEXT_CHARGE, CARD, BILLING),
    Notification.TRIAL_ENDING: ("Pro", PRICE, TRIAL_ENDS, NEXT_CHARGE, CARD, BILLING),
    Notification.TRIAL_EXTENDED: ("Pro", PRICE, TRIAL_ENDS, BILLING),
    Notification.TRIAL_PAUSED: ("Pro", PRICE, BILLING),
    Notification.TRIAL_REFUSED: ("Pro", BILLING),
    Notification.MOVED_TO_FREE_PLAN: ("Basic", "Pro", BILLING),
    Notification.PAYMENT_FAILED: ("Pro", "$30.00", CARD, NEXT_TRY, ACCESS_UNTIL, INVOICE),
    Notification.ACTION_REQUIRED: ("Pro", "$30.00", ACCESS_UNTIL, INVOICE),
    Notification.PAYMENT_RECOVERED: ("Pro", "$30.00", NEXT_CHARGE, BILLING),
    Notification.PLAN_CHANGED: ("Basic", "Pro", PRICE, NEXT_CHARGE, BILLING),
    Notification.PLAN_CHANGE_SCHEDULED: ("Basic", "Pro", PRICE, NEXT_CHARGE, BILLING),
    Notification.CANCELLATION_SCHEDULED: ("Pro", ACCESS_UNTIL, BILLING),
    Notification.CANCELED: ("Pro", ACCESS_UNTIL, BILLING),
    Notification.ABANDONED_CHECKOUT: ("Pro", PRICE, BILLING),
    Notification.CARD_EXPIRING: (CARD, "November 2027", NEXT_CHARGE, BILLING),
}


@pytest.fixture(scope="module")
def stationery() -> Stationery:
    return Stationery("Perennial", "https://app.example.com/", str.title)


def spoken(letter: Letter) -> str:
    """The HTML as it is read: unescaped where a link needs it, dates with ordinary spaces."""
    return letter.html.replace("\u00a0", " ").replace("&amp;", "&")


def visible(letter: Letter) -> str:
    """The words of the HTML alone."""
    return re.sub(r"(?s)<style.*?</style>|<!--.*?-->|<[^>]*>", "\n", letter.html)


@pytest.mark.parametrize("kind", Notification)
def test_every_letter_states_its_facts_in_text_and_html(stationery: Stationery, kind: Notification) -> None:
    letter = stationery.write(replace(FACTS, kind=kind), "Ada Lovelace", NOW)
    for fact in MUST_SAY[kind]:
        assert fact in letter.text
        assert fact in spoken(letter)
    assert "Hi Ada Lovelace," in letter.text
    assert "\n" not in letter.subject
    assert 10 < len(letter.subject) <= 78


@pytest.mark.parametrize("kind", Notification)
@pytest.mark.parametrize("due", [FACTS, NotificationDue(Notification.WELCOME, "sub_1")], ids=["all", "none"])
def test_no_letter_shows_its_seams(stationery: Stationery, kind: Notification, due: NotificationDue) -> None:
    letter = stationery.write(replace(due, kind=kind), None, NOW)
    for written in (letter.subject, letter.text, visible(letter)):
        assert not re.search(r"{{|{%|}}|%}|None|Undefined|datetime|&amp;lt;|\w {2,}\w| [.,]", written)
    assert letter.text.count("http") == 1
    assert len(re.findall(r"<a\b", letter.html)) == 1


@pytest.mark.parametrize("kind", Notification)
def test_a_letter_loads_nothing_from_outside(stationery: Stationery, kind: Notification) -> None:
    html = stationery.write(replace(FACTS, kind=kind), "Ada", NOW).html
    assert not re.search(r"<img|<link|@import|url\(|<script|background=", html)


@pytest.mark.parametrize("last4", [pytest.param("4242", id="with_a_card"), pytest.param(None, id="without_a_card")])
def test_a_trial_that_ends_on_a_free_plan_asks_for_no_card_and_announces_no_payment(
    stationery: Stationery, last4: str | None
) -> None:
    free = replace(FACTS, kind=Notification.TRIAL_ENDING, plan="FREE", amount=0, next_charge_at=None, card_last4=last4)
    letter = stationery.write(free, "Ada", NOW)
    assert f"Your trial ends on {TRIAL_ENDS}. After that, you keep the Free plan, which costs nothing." in letter.text
    for written in (letter.subject, letter.text, visible(letter)):
        assert not re.search("pay|Visa|charge|card|Free trial ends", written)


def test_a_change_in_a_trial_settles_nothing(stationery: Stationery) -> None:
    change = replace(FACTS, kind=Notification.PLAN_CHANGED)
    in_trial, after_it = stationery.write(change, "Ada", NOW), stationery.write(change, "Ada", NOW + timedelta(days=99))

    assert f"Nothing is charged before your trial ends on {TRIAL_ENDS}." in in_trial.text
    assert "difference in price" not in in_trial.text
    assert "Any difference in price for the current period is settled" in after_it.text


def test_the_last_automatic_try_is_called_so(stationery: Stationery) -> None:
    due = replace(FACTS, kind=Notification.PAYMENT_FAILED, next_attempt_at=None)
    assert "This was the last automatic try" in stationery.write(due, "Ada", NOW).text


def test_a_card_that_the_bank_refuses_for_good_is_not_promised_another_try(stationery: Stationery) -> None:
    letter = stationery.write(replace(FACTS, kind=Notification.PAYMENT_FAILED, needs_new_card=True), "Ada", NOW)
    assert "pay with another card" in " ".join(letter.text.split())
    assert "try again" not in letter.text
    assert NEXT_TRY not in letter.text
    assert "Pay $30.00 with another card" in letter.html


def test_access_ends_with_grace_or_the_scheduled_end_whichever_is_first(stationery: Stationery) -> None:
    grace = datetime(2026, 11, 30, tzinfo=UTC)
    due = replace(FACTS, kind=Notification.PAYMENT_FAILED, grace_ends_at=grace)
    assert "Access until: 30 November 2026" in stationery.write(due, "Ada", NOW).text


def test_a_trial_without_a_card_asks_for_one(stationery: Stationery) -> None:
    due = replace(FACTS, kind=Notification.TRIAL_ENDING, card_last4=None)
    text = stationery.write(due, "Ada", NOW).text
    assert "add one by then" in text
    assert "first payment" not in text.lower()


def test_an_end_in_the_past_is_told_as_past(stationery: Stationery) -> None:
    due = replace(FACTS, kind=Notification.CANCELED, access_until=datetime(2026, 11, 20, tzinfo=UTC))
    letter = stationery.write(due, "Ada", NOW)
    assert letter.subject == "Your Pro subscription has ended"
    assert "access ended on 20 November 2026" in letter.text


def test_the_end_says_what_was_refunded(stationery: Stationery) -> None:
    ended = replace(FACTS, kind=Notification.CANCELED, access_until=datetime(2026, 11, 20, tzinfo=UTC))
    assert "refunded" not in stationery.write(ended, "Ada", NOW).text
    letter = stationery.write(replace(ended, refunded=1267), "Ada", NOW)
    assert "We have refunded $12.67" in letter.text
    assert "Refunded: $12.67" in letter.text
    assert "$12.67" in letter.html


def test_a_card_that_expires_and_one_that_has_expired_are_told_apart(stationery: Stationery) -> None:
    soon = replace(FACTS, kind=Notification.CARD_EXPIRING, card_exp_month=11, card_exp_year=2027)
    past = replace(soon, card_exp_month=9, card_exp_year=2026)
    assert "expires at the end of November 2027" in stationery.write(soon, "Ada", NOW).subject
    letter = stationery.write(past, "Ada", NOW)
    assert letter.subject.endswith("has expired")
    assert "expired at the end of September 2026" in " ".join(letter.text.split())
    assert "before your next payment" in " ".join(letter.text.split())


def test_a_link_that_is_not_one_leads_to_the_billing_page(stationery: Stationery) -> None:
    due = replace(FACTS, kind=Notification.PAYMENT_FAILED, invoice_url="javascript:alert(1)")
    letter = stationery.write(due, "Ada", NOW)
    assert "javascript" not in letter.html + letter.text
    assert BILLING in letter.text


def test_a_plan_name_with_markup_stays_text() -> None:
    stationery = Stationery("A & B <i>", "https://app.example.com", lambda _: "<b>Pro</b> & more")
    letter = stationery.write(FACTS, "Ada", NOW)
    assert "<b>" not in letter.html
    assert "&lt;b&gt;Pro&lt;/b&gt; &amp; more" in letter.html
    assert "A &amp; B &lt;i&gt;" in letter.html
    assert "&amp;amp;" not in letter.html
    assert "<b>Pro</b> & more" in letter.text


@pytest.mark.parametrize(
    ("amount", "currency", "reads"),
    [
        (3000, "usd", "$30.00"),
        (123456789, "EUR", "€1,234,567.89"),
        (5, "gbp", "£0.05"),
        (3000, "jpy", "¥3,000"),
        (1234567, "krw", "₩1,234,567"),
        (3000, "kwd", "KWD 3.000"),
        (1234560, "bhd", "BHD 1,234.560"),
        (500, "isk", "ISK 5"),
        (150000, "ugx", "UGX 1,500"),
        (9900, "chf", "CHF 99.00"),
        (0, "usd", "$0.00"),
        (-1050, "usd", "−$10.50"),
    ],
)
def test_money_reads_as_it_does_in_its_country(amount: int, currency: str, reads: str) -> None:
    assert wording.money(amount, currency) == reads


@pytest.mark.parametrize(
    ("typed", "greeted"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\r\nBcc: all@example.com ", ""),
        ("Ada\nLovelace", "Ada Lovelace"),
        ("Win at evil.com", ""),
        ("http://evil", ""),
        ("\u202eecalevoL", "ecalevoL"),
        ("Dr. J. O'Neill-Smith", "Dr. J. O'Neill-Smith"),
        ("李小龙", "李小龙"),
        ("x" * 61, ""),
        (None, ""),
    ],
)
def test_a_name_is_used_only_when_it_is_one(typed: str | None, greeted: str) -> None:
    assert wording.plain_name(typed) == greeted


def test_a_letter_is_the_same_after_a_stay_in_the_database() -> None:
    row = row_from_due("user_1", FACTS)
    assert due_from_row(row) == FACTS
    assert row["id"] == letter_id("user_1", Notification.WELCOME, "sub_1")
    assert row["data"]["trial_ends_at"] == "2026-12-01T09:00:00+00:00"
    assert "kind" not in row["data"]
    assert row_from_due("user_1", NotificationDue(Notification.CANCELED, "sub_1"))["data"] == {}


def test_the_id_depends_on_user_kind_and_occasion_only() -> None:
    letter = row_from_due("user_1", FACTS)["id"]
    assert row_from_due("user_1", replace(FACTS, amount=1))["id"] == letter
    others = [("user_2", FACTS), ("user_1", replace(FACTS, kind=Notification.CANCELED))]
    others.append(("user_1", replace(FACTS, occasion="sub_2")))
    assert letter not in {row_from_due(user, due)["id"] for user, due in others}


def test_facts_of_a_newer_release_are_left_out() -> None:
    row = row_from_due("user_1", FACTS)
    row["data"] |= {"discount": 5}
    assert due_from_row(row) == FACTS


@pytest.mark.parametrize(
    ("kind", "now", "before", "sentence"),
    [
        (Notification.PLAN_CHANGED, 5, 3, "Your Pro plan now has 5 seats instead of 3."),
        (Notification.PLAN_CHANGED, 1, 3, "Your Pro plan now has 1 seat instead of 3."),
        (Notification.PLAN_CHANGE_SCHEDULED, 2, 3, "you’re on Pro with 2 seats at $30.00 per month."),
        (Notification.WELCOME, 3, None, "Seats: 3"),
        (Notification.TRIAL_ENDING, 3, None, "Seats: 3"),
    ],
)
def test_a_letter_to_a_team_says_how_many_seats(
    stationery: Stationery, kind: Notification, now: int, before: int | None, sentence: str
) -> None:
    due = replace(FACTS, kind=kind, previous_plan=None, quantity=now, previous_quantity=before)
    assert sentence in stationery.write(due, "Ada", NOW).text


@pytest.mark.parametrize(
    ("more", "price"),
    [
        ({"plus_tax": True}, "$30.00 per month plus tax"),
        ({"before_discounts": True}, "$30.00 per month before discounts"),
        ({"plus_tax": True, "before_discounts": True}, "$30.00 per month before discounts and tax"),
    ],
    ids=["tax", "discount", "both"],
)
def test_a_price_says_what_else_there_is_to_what_is_charged(
    stationery: Stationery, more: dict[str, bool], price: str
) -> None:
    letter = stationery.write(replace(FACTS, **more), "Ada", NOW)  # type: ignore[arg-type]
    assert f"Price: {price}\n" in letter.text
