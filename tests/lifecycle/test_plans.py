from pathlib import Path

import pytest

from lifecycle.plans import CurrencyNotOffered, Interval, InvalidCatalogue, UnknownPlan, load_catalogue

WELL_FORMED = """
version = 3
currency = "eur"
[policy]
grace_days = 7
max_payment_attempts = 4
trial_reminder_days = 3
short_trial_reminder_days = 1
[plans.SOLO]
name = "Solo"
trial_days = 10
trial_without_card = "pause"
prices = { month = 900 }
"""
PRODUCT_CATALOGUE = Path(__file__).parents[2] / "plans.toml"


def test_a_price_is_sold_with_the_rules_of_its_day(tmp_path: Path) -> None:
    terms = load_catalogue(_file(tmp_path, WELL_FORMED)).terms("SOLO", Interval.MONTH)
    assert (terms.amount, terms.currency, terms.lookup_key) == (900, "eur", "solo_month")
    assert (terms.policy.version, terms.policy.grace_days) == (3, 7)


@pytest.mark.parametrize(
    ("line", "instead", "place"),
    [
        ("grace_days = 7", "", "grace_days"),
        ("grace_days = 7", "grace_days = -1", "grace_days"),
        ("grace_days = 7", "grace_days = 900", "grace_days"),
        ("grace_days = 7", 'grace_days = "week"', "grace_days"),
        ("grace_days = 7", "grace_days = true", "grace_days"),
        ("max_payment_attempts = 4", "max_payment_attempts = 0", "max_payment_attempts"),
        ("trial_days = 10", "trial_days = 1.5", "trial_days"),
        ('trial_without_card = "pause"', 'trial_without_card = "hope"', "hope"),
        ('trial_without_card = "pause"', 'trial_without_card = "free"', "plans.SOLO.fallback: goes with"),
        (
            'trial_without_card = "pause"',
            'trial_without_card = "pause"\nfallback = "FREE"',
            "plans.SOLO.fallback: goes with",
        ),
        ('trial_without_card = "pause"', 'trial_without_card = "free"\nfallback = "SOLO"', "all 0"),
        ("prices = { month = 900 }", "prices = {}", "plans.SOLO.prices"),
        ("prices = { month = 900 }", "prices = 9", "plans.SOLO.prices"),
        ("prices = { month = 900 }", "prices = { month = 9.5 }", "plans.SOLO.prices.month"),
        ("prices = { month = 900 }", "prices = { fortnight = 900 }", "fortnight"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nfeatures = 3", "plans.SOLO.features"),
        ('name = "Solo"', "", "name"),
        ('currency = "eur"', "", "currency"),
        ("grace_days = 7", 'grace_days = 7\non_dispute = "pray"', "pray"),
        ("grace_days = 7", 'grace_days = 7\nafter_grace = "hope"', "hope"),
        ("grace_days = 7", 'grace_days = 7\nrefund_on_cancel = "some"', "some"),
        ("grace_days = 7", "grace_days = 7\ncard_reminder_days = -1", "card_reminder_days"),
        ("grace_days = 7", "grace_days = 7\nabandoned_checkout_reminder = 1", "abandoned_checkout_reminder"),
        ("grace_days = 7", "grace_days = 7\ngrace_hours = 7", "grace_hours: there is no such rule"),
        ("prices = { month = 900 }", "prices = { month = 900 }\npolicy = 7", "plans.SOLO.policy"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nmax_quantity = 0", "plans.SOLO.max_quantity"),
        ("prices = { month = 900 }", 'prices = { month = 900 }\nmax_quantity = "5"', "plans.SOLO.max_quantity"),
        ('currency = "eur"', 'currency = "EUR"', "currency: a currency is three small letters"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nprices_in = 5", "plans.SOLO.prices_in"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nprices_in.usd = {}", "plans.SOLO.prices_in.usd"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nprices_in.euro = { month = 9 }", "prices_in.euro"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nprices_in.eur = { month = 9 }", "are the plan's"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nprices_in.usd = { month = -9 }", "prices_in.usd.month"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nprices_in.kwd = { month = 2555 }", "in steps of 10"),
        ("[policy]", "[tax]\nautomatic = 1\n[policy]", "tax.automatic"),
        ("[policy]", '[tax]\nautomatic = true\nbehavior = "none"\n[policy]', "none"),
        ("[policy]", "[tax]\nrate = 19\n[policy]", "tax.rate: there is no such switch"),
        ("prices = { month = 900 }", "prices = { month = 900 }\ngrants = 3", "plans.SOLO.grants"),
        ("prices = { month = 900 }", 'prices = { month = 900 }\ngrants = ["Big Help"]', "plans.SOLO.grants"),
        ("prices = { month = 900 }", 'prices = { month = 900 }\ngrants = ["seats"]', "seats is the name of a limit"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nlimits = 3", "plans.SOLO.limits"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nlimits = { tasks = -1 }", "plans.SOLO.limits.tasks"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nlimits = { tasks = true }", "plans.SOLO.limits.tasks"),
        ("prices = { month = 900 }", 'prices = { month = 900 }\nlimits = { tasks = "many" }', "SOLO.limits.tasks"),
        ("prices = { month = 900 }", "prices = { month = 900 }\nlimits = { Tasks = 3 }", "plans.SOLO.limits.Tasks"),
        (
            "prices = { month = 900 }",
            "prices = { month = 900 }\nmax_quantity = 5\nlimits = { seats = 5 }",
            "SOLO.limits.seats: the plan is sold by seats",
        ),
        ("version = 3", "", "version"),
        ("version = 3", "version = ", "line 2"),
        ("[policy]", "[rules]", "policy"),
    ],
)
def test_a_mistake_in_the_plans_file_is_named_with_its_place(
    tmp_path: Path, line: str, instead: str, place: str
) -> None:
    with pytest.raises(InvalidCatalogue, match=place) as refused:
        load_catalogue(_file(tmp_path, WELL_FORMED.replace(line, instead)))
    assert "plans.toml" in str(refused.value)


def test_a_plan_may_have_patience_of_its_own(tmp_path: Path) -> None:
    own = '[plans.SOLO.policy]\ngrace_days = 21\nafter_grace = "unpaid"\nrefund_on_cancel = "prorated"\n'
    own += "card_reminder_days = 3\nabandoned_checkout_reminder = true\n"
    policy = load_catalogue(_file(tmp_path, WELL_FORMED + own)).terms("SOLO", Interval.MONTH).policy
    assert (policy.grace_days, policy.after_grace, policy.max_payment_attempts) == (21, "unpaid", 4)
    assert (policy.refund_on_cancel, policy.card_reminder_days, policy.abandoned_checkout_reminder) == (
        "prorated",
        3,
        True,
    )


def test_rules_that_a_file_does_not_name_are_what_was_done_before_there_were_any(tmp_path: Path) -> None:
    policy = load_catalogue(_file(tmp_path, WELL_FORMED)).terms("SOLO", Interval.MONTH).policy
    assert (policy.refund_on_cancel, policy.card_reminder_days, policy.abandoned_checkout_reminder) == (
        "none",
        7,
        False,
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalogue, match=r"missing\.toml cannot be read"):
        load_catalogue(tmp_path / "missing.toml")


def test_a_plan_or_interval_that_is_not_sold_says_what_is(tmp_path: Path) -> None:
    catalogue = load_catalogue(_file(tmp_path, WELL_FORMED))
    with pytest.raises(UnknownPlan, match="'GOLD'; choose one of SOLO"):
        catalogue.plan("GOLD")
    with pytest.raises(UnknownPlan, match="SOLO has no price per year; it is sold per month"):
        catalogue.terms("SOLO", Interval.YEAR)


def test_the_catalogue_that_is_shipped_is_whole() -> None:
    keys = [terms.lookup_key for terms in load_catalogue(PRODUCT_CATALOGUE).all_terms()]
    assert [key for key in keys if key.count("_") == 1] == [
        "basic_month", "basic_year", "pro_month", "pro_year", "enterprise_month", "enterprise_year", "free_year",
    ]  # fmt: skip
    assert {"basic_month_eur", "basic_year_jpy", "enterprise_year_eur"} < set(keys)


def test_what_plans_grant_is_read_with_them(tmp_path: Path) -> None:
    more = 'grants = ["priority_support"]\nlimits = { tasks = 5, projects = "unlimited" }\n'
    catalogue = load_catalogue(_file(tmp_path, WELL_FORMED + more))

    grants = catalogue.plan("SOLO").grants
    assert [grants.limit(name, 1) for name in ("tasks", "projects", "seats", "rockets")] == [5, "unlimited", 1, 0]
    assert grants.limit("seats", 7) == 7
    assert (catalogue.limit_names, catalogue.feature_names) == (("projects", "seats", "tasks"), ("priority_support",))


def test_a_plan_that_is_sold_in_several_currencies_has_a_price_in_each(tmp_path: Path) -> None:
    catalogue = load_catalogue(_file(tmp_path, f"{WELL_FORMED}[plans.SOLO.prices_in.usd]\nmonth = 1000\nyear = 9000\n"))

    assert [terms.lookup_key for terms in catalogue.all_terms()] == ["solo_month", "solo_month_usd", "solo_year_usd"]
    dollars = catalogue.terms("SOLO", Interval.MONTH, "usd")
    assert (dollars.amount, dollars.currency, dollars.policy.grace_days) == (1000, "usd", 7)
    with pytest.raises(CurrencyNotOffered, match="SOLO is not sold in chf; it is sold in eur, usd"):
        catalogue.terms("SOLO", Interval.MONTH, "chf")
    with pytest.raises(UnknownPlan, match="SOLO has no price per year in eur; it is sold per month"):
        catalogue.terms("SOLO", Interval.YEAR, "eur")


@pytest.mark.parametrize(
    ("table", "tax"),
    [
        ("", None),
        ('[tax]\nautomatic = false\nbehavior = "inclusive"\n', None),
        ("[tax]\nautomatic = true\n", "exclusive"),
        ('[tax]\nautomatic = true\nbehavior = "inclusive"\n', "inclusive"),
    ],
)
def test_tax_is_calculated_by_stripe_when_the_switch_is_turned(tmp_path: Path, table: str, tax: str | None) -> None:
    catalogue = load_catalogue(_file(tmp_path, WELL_FORMED + table))
    assert catalogue.terms("SOLO", Interval.MONTH).tax == tax


def test_a_price_that_somebody_has_is_known_after_it_is_offered_no_longer(tmp_path: Path) -> None:
    catalogue = load_catalogue(_file(tmp_path, WELL_FORMED))

    old = catalogue.terms_at("SOLO", Interval.MONTH, 700, "chf")

    assert (old.amount, old.currency, old.lookup_key) == (700, "chf", "solo_month_chf")
    with pytest.raises(UnknownPlan):
        catalogue.terms_at("SOLO", Interval.YEAR, 700, "eur")
    with pytest.raises(UnknownPlan):
        catalogue.terms_at("SOLO", Interval.MONTH, None, "chf")


def _file(folder: Path, text: str) -> Path:
    path = folder / "plans.toml"
    path.write_text(text)
    return path
