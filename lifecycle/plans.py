"""The catalogue: plans, their prices and the rules that go with them."""

import tomllib
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from lifecycle.grants import PROJECTS, SEATS, Grants, check_names, read_grants
from lifecycle.policy import Policy, days, read_policy
from lifecycle.pricing import TaxBehavior, read_currency, read_max_quantity, read_prices, read_prices_in, read_tax


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
    """What happens when a trial ends and there is no card.

    https://docs.stripe.com/billing/subscriptions/trials#create-free-trials-without-payment
    """

    CANCEL = "cancel"
    PAUSE = "pause"
    CREATE_INVOICE = "create_invoice"
    FREE = "free"
    """The customer goes on with the plan's ``fallback``, which costs nothing."""

    @property
    def at_stripe(self) -> str:
        """Stripe's ``trial_settings.end_behavior.missing_payment_method``; it knows no free plan, so we begin that."""
        return "cancel" if self is TrialWithoutCard.FREE else self.value


@dataclass(frozen=True)
class Terms:
    """One price of one plan with its rules: all that an intent needs to know of the catalogue.

    ``amount`` is in minor units of ``currency`` for one seat and one ``interval``. ``lookup_key`` finds the price in
    Stripe. ``max_quantity`` is how many seats may be asked for; 1: the plan is not sold by seats. ``tax`` says whether
    tax is on top of the amount or in it; None: Stripe is not asked to calculate any. ``fallback`` is the free plan of
    those whose trial ends without a card.
    """

    plan: str
    interval: Interval
    lookup_key: str
    amount: int
    currency: str
    trial_days: int
    trial_without_card: TrialWithoutCard
    policy: Policy
    fallback: "Terms | None" = None
    max_quantity: int = 1
    tax: TaxBehavior | None = None

    @property
    def is_free(self) -> bool:
        """Nothing is ever charged, so no card is needed."""
        return self.amount == 0

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
    """What a customer can choose. ``prices`` are in the catalogue's currency, ``prices_in`` in others.

    ``features`` are texts for people; what programs may count on is in ``grants``.
    """

    code: str
    name: str
    description: str
    trial_days: int
    trial_without_card: TrialWithoutCard
    prices: Mapping[Interval, int]
    features: tuple[str, ...]
    policy: Policy
    fallback: str | None = None
    max_quantity: int = 1
    prices_in: Mapping[str, Mapping[Interval, int]] = field(default_factory=dict)
    grants: Grants = field(default_factory=Grants)


class UnknownPlan(LookupError):
    """No such plan, or the plan has no price for that interval; the message says which and what there is."""


class CurrencyNotOffered(LookupError):
    """The plan is not sold in that currency; the message says in which it is."""


class InvalidCatalogue(ValueError):
    """The plans file does not say what it must; the message names the place."""


@dataclass(frozen=True)
class Catalogue:
    """All plans of an installation, in the order of the file. ``currency`` is charged when nobody says another."""

    currency: str
    plans: tuple[Plan, ...]
    tax: TaxBehavior | None = None

    def plan(self, code: str) -> Plan:
        """The plan with this code (upper case); raises `UnknownPlan`."""
        for plan in self.plans:
            if plan.code == code:
                return plan
        known = ", ".join(plan.code for plan in self.plans)
        raise UnknownPlan(f"There is no plan {code!r}; choose one of {known}.")

    @property
    def limit_names(self) -> tuple[str, ...]:
        """Everything that some plan limits, and what is counted here whether it does or not."""
        named = (name for plan in self.plans for name in plan.grants.limits)
        return tuple(dict.fromkeys((PROJECTS, SEATS, *named)))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Every feature that some plan grants."""
        return tuple(dict.fromkeys(name for plan in self.plans for name in plan.grants.features))

    def prices_of(self, plan: Plan) -> dict[str, Mapping[Interval, int]]:
        """Amounts by currency and interval, the default currency first."""
        return {self.currency: plan.prices, **plan.prices_in}

    def terms(self, code: str, interval: Interval, currency: str | None = None) -> Terms:
        """The price of a plan for an interval, with its rules, in the default currency unless another is named.

        Raises `UnknownPlan`, `CurrencyNotOffered`.
        """
        plan, wanted = self.plan(code), currency or self.currency
        sold = self.prices_of(plan)
        if wanted not in sold:
            raise CurrencyNotOffered(f"{plan.code} is not sold in {wanted}; it is sold in {', '.join(sold)}.")
        if interval not in sold[wanted]:
            offered, where = ", ".join(sold[wanted]), f" in {wanted}" if currency else ""
            raise UnknownPlan(f"{plan.code} has no price per {interval}{where}; it is sold per {offered}.")
        return self._terms(plan, interval, sold[wanted][interval], wanted)

    def terms_at(self, code: str, interval: Interval, amount: int | None, currency: str) -> Terms:
        """The terms of a price that somebody has: perhaps an older one, or in a currency that is offered no longer.

        Raises `UnknownPlan`, also for an interval that the plan is no longer sold in.
        """
        plan = self.plan(code)
        amounts = {code: prices[interval] for code, prices in self.prices_of(plan).items() if interval in prices}
        known = amounts.get(currency) if amount is None else amount
        if not amounts or known is None:
            raise UnknownPlan(f"{plan.code} has no price per {interval} in {currency}.")
        return self._terms(plan, interval, known, currency)

    def _terms(self, plan: Plan, interval: Interval, amount: int, currency: str) -> Terms:
        return Terms(
            plan=plan.code,
            interval=interval,
            lookup_key=lookup_key(plan.code, interval, None if currency == self.currency else currency),
            amount=amount,
            currency=currency,
            trial_days=plan.trial_days,
            trial_without_card=plan.trial_without_card,
            policy=plan.policy,
            fallback=self._free(plan.fallback, currency) if plan.fallback else None,
            max_quantity=plan.max_quantity,
            tax=self.tax,
        )

    def _free(self, code: str, currency: str) -> Terms:
        """The price of a free plan for whoever pays in this currency, perhaps one that is offered no longer."""
        plan = self.plan(code)
        return self._terms(plan, next(iter(plan.prices)), 0, currency)

    def all_terms(self) -> list[Terms]:
        """Every price that is sold."""
        return [
            self.terms(plan.code, interval, currency)
            for plan in self.plans
            for currency, prices in self.prices_of(plan).items()
            for interval in prices
        ]


def lookup_key(code: str, interval: Interval, currency: str | None = None) -> str:
    """The name of a price in Stripe: ``pro_month``, or ``pro_month_eur`` in another currency than the default one.

    https://docs.stripe.com/products-prices/manage-prices#lookup-keys
    """
    return "_".join(part for part in (code.lower(), interval, currency) if part)


def load_catalogue(path: Path) -> Catalogue:
    """Read the plans file; raises `InvalidCatalogue` with the place that is wrong."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCatalogue(f"{path.name} cannot be read: {error}") from error
    try:
        version, rules = document["version"], document["policy"]
        currency = read_currency("currency", document["currency"])
        plans = tuple(_plan(code, entry, version, rules, currency) for code, entry in document["plans"].items())
        catalogue = Catalogue(currency=currency, plans=plans, tax=read_tax(document.get("tax", {})))
        _check_fallbacks(catalogue)
        check_names({plan.code: plan.grants for plan in plans})
        return catalogue
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidCatalogue(f"{path.name} is incomplete or wrong at {error}") from error


def _plan(code: str, entry: Mapping[str, object], version: int, rules: Mapping[str, object], currency: str) -> Plan:
    """A plan may have rules of its own in ``[plans.CODE.policy]``; what it does not name is as for all."""
    own = entry.get("policy", {})
    prices = read_prices(f"plans.{code}.prices", entry["prices"], currency)
    others = read_prices_in(f"plans.{code}.prices_in", entry.get("prices_in", {}), currency)
    if not isinstance(own, dict):
        raise ValueError(f"plans.{code}.policy: a table of rules is needed")
    features = entry.get("features", [])
    if not isinstance(features, list):
        raise ValueError(f"plans.{code}.features: a list is needed")
    max_quantity = read_max_quantity(f"plans.{code}.max_quantity", entry.get("max_quantity", 1))
    return Plan(
        code=code,
        name=str(entry["name"]),
        description=str(entry.get("description", "")),
        trial_days=days(entry, "trial_days"),
        trial_without_card=TrialWithoutCard(str(entry["trial_without_card"])),
        prices=_by_interval(prices),
        features=tuple(str(feature) for feature in features),
        policy=read_policy(version, {**rules, **own}),
        fallback=str(entry["fallback"]) if "fallback" in entry else None,
        max_quantity=max_quantity,
        prices_in={currency: _by_interval(prices) for currency, prices in others.items()},
        grants=read_grants(f"plans.{code}", entry.get("grants", []), entry.get("limits", {}), max_quantity),
    )


def _by_interval(prices: Mapping[str, int]) -> dict[Interval, int]:
    return {Interval(interval): amount for interval, amount in prices.items()}


def _check_fallbacks(catalogue: Catalogue) -> None:
    """Whoever falls back must land on a plan that costs nothing, in the same currency, and leads nowhere else."""
    for plan in catalogue.plans:
        falls = plan.trial_without_card is TrialWithoutCard.FREE
        if falls != (plan.fallback is not None):
            raise ValueError(f'plans.{plan.code}.fallback: goes with trial_without_card = "free", and only with it')
        if plan.fallback is None:
            continue
        free = next((one for one in catalogue.plans if one.code == plan.fallback), None)
        amounts = (
            [amount for prices in catalogue.prices_of(free).values() for amount in prices.values()] if free else []
        )
        if free is None or any(amounts) or free.fallback:
            raise ValueError(f"plans.{plan.code}.fallback: {plan.fallback!r} is not a plan whose prices are all 0")
        missing = catalogue.prices_of(plan).keys() - catalogue.prices_of(free).keys()
        if missing:
            raise ValueError(f"plans.{plan.code}.fallback: {free.code} has no price in {', '.join(sorted(missing))}")
