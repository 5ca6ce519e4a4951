"""The catalogue: plans, their prices and the rules that go with them."""

import tomllib
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from lifecycle.policy import Policy, days, read_policy


class Interval(StrEnum):
    """How often a price is charged; Stripe's words."""

    MONTH = "month"
    YEAR = "year"

    def after(self, moment: datetime) -> datetime:
        """One interval later, as Stripe counts: the same day, or the last one of a shorter month.

        https://docs.stripe.com/billing/subscriptions/billing-cycle
        """
        years, month = divmod(moment.month, 12) if self is Interval.MONTH else (1, moment.month - 1)
        year = moment.year + years
        day = min(moment.day, monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day)


class TrialWithoutCard(StrEnum):
    """What Stripe does when a trial ends and there is no card.

    https://docs.stripe.com/billing/subscriptions/trials#create-free-trials-without-payment
    """

    CANCEL = "cancel"
    PAUSE = "pause"
    CREATE_INVOICE = "create_invoice"


@dataclass(frozen=True)
class Terms:
    """One price of one plan with its rules: all that an intent needs to know of the catalogue.

    ``amount`` is in minor units of ``currency`` for one ``interval``. ``lookup_key`` finds the price in Stripe.
    """

    plan: str
    interval: Interval
    lookup_key: str
    amount: int
    currency: str
    trial_days: int
    trial_without_card: TrialWithoutCard
    policy: Policy

    def is_same_offer(self, other: "Terms | None") -> bool:
        """The same plan at the same price, whatever rules came with it."""
        return other is not None and (self.plan, self.interval, self.amount, self.currency) == (
            other.plan,
            other.interval,
            other.amount,
            other.currency,
        )


def terms_that_hold(before: Terms | None, seen: Terms | None) -> Terms | None:
    """The terms after a look at Stripe that saw ``seen``, None when it saw nothing new.

    Another plan is sold under the rules that it has today. Another price or interval of the same plan is the same deal,
    however it came about, and keeps the rules that it was sold under.
    """
    if before is None or seen is None:
        return seen or before
    return replace(seen, policy=before.policy) if seen.plan == before.plan else seen


@dataclass(frozen=True)
class Plan:
    """What a customer can choose."""

    code: str
    name: str
    description: str
    trial_days: int
    trial_without_card: TrialWithoutCard
    prices: Mapping[Interval, int]
    features: tuple[str, ...]
    policy: Policy


class UnknownPlan(LookupError):
    """No such plan, or the plan has no price for that interval; the message says which and what there is."""


class InvalidCatalogue(ValueError):
    """The plans file does not say what it must; the message names the place."""


@dataclass(frozen=True)
class Catalogue:
    """All plans of an installation, in the order of the file."""

    currency: str
    plans: tuple[Plan, ...]

    def plan(self, code: str) -> Plan:
        """The plan with this code (upper case); raises `UnknownPlan`."""
        for plan in self.plans:
            if plan.code == code:
                return plan
        known = ", ".join(plan.code for plan in self.plans)
        raise UnknownPlan(f"There is no plan {code!r}; choose one of {known}.")

    def terms(self, code: str, interval: Interval) -> Terms:
        """The price of a plan for an interval, with its rules; raises `UnknownPlan`."""
        plan = self.plan(code)
        if interval not in plan.prices:
            offered = ", ".join(plan.prices)
            raise UnknownPlan(f"{plan.code} has no price per {interval}; it is sold per {offered}.")
        return Terms(
            plan=plan.code,
            interval=interval,
            lookup_key=lookup_key(plan.code, interval),
            amount=plan.prices[interval],
            currency=self.currency,
            trial_days=plan.trial_days,
            trial_without_card=plan.trial_without_card,
            policy=plan.policy,
        )

    def all_terms(self) -> list[Terms]:
        """Every price that is sold."""
        return [self.terms(plan.code, interval) for plan in self.plans for interval in plan.prices]


def lookup_key(code: str, interval: Interval) -> str:
    """The name of a price in Stripe: ``pro_month``.

    https://docs.stripe.com/products-prices/manage-prices#lookup-keys
    """
    return f"{code.lower()}_{interval}"


def load_catalogue(path: Path) -> Catalogue:
    """Read the plans file; raises `InvalidCatalogue` with the place that is wrong."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCatalogue(f"{path.name} cannot be read: {error}") from error
    try:
        version, rules = document["version"], document["policy"]
        plans = tuple(_plan(code, entry, version, rules) for code, entry in document["plans"].items())
        return Catalogue(currency=document["currency"], plans=plans)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidCatalogue(f"{path.name} is incomplete or wrong at {error}") from error


def _plan(code: str, entry: Mapping[str, object], version: int, rules: Mapping[str, object]) -> Plan:
    """A plan may have rules of its own in ``[plans.CODE.policy]``; what it does not name is as for all."""
    prices, own = entry["prices"], entry.get("policy", {})
    if not isinstance(own, dict):
        raise ValueError(f"plans.{code}.policy: a table of rules is needed")
    features = entry.get("features", [])
    if not isinstance(prices, dict) or not prices:
        raise ValueError(f"plans.{code}.prices: at least one price is needed")
    for interval, amount in prices.items():
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise ValueError(f"plans.{code}.prices.{interval}: a whole number of minor units is needed")
    if not isinstance(features, list):
        raise ValueError(f"plans.{code}.features: a list is needed")
    return Plan(
        code=code,
        name=str(entry["name"]),
        description=str(entry.get("description", "")),
        trial_days=days(entry, "trial_days"),
        trial_without_card=TrialWithoutCard(str(entry["trial_without_card"])),
        prices={Interval(interval): amount for interval, amount in prices.items()},
        features=tuple(str(feature) for feature in features),
        policy=read_policy(version, {**rules, **own}),
    )
