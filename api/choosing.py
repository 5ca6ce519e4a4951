"""What a caller chose from the catalogue, checked before anything is asked of a workflow or of Stripe."""

from collections.abc import Mapping
from typing import Any

from api.bodies import Choice
from api.parts import Parts
from api.problems import Problem
from database.reading import CustomerStanding
from lifecycle.plans import Catalogue, Interval, Terms
from lifecycle.refusals import Refusal, check_currency, check_quantity
from lifecycle.statuses import Status


def chosen_interval(row: Mapping[str, Any] | None, asked: str | None) -> Interval:
    """The interval asked for, else the present one; monthly where there is none, and for whoever pays nothing yet.

    Where there is no subscription, the workflow says so.
    """
    if asked is not None:
        return Interval(asked)
    is_paying = row is not None and row["interval"] in set(Interval) and row["amount"] != 0
    return Interval(row["interval"]) if row is not None and is_paying else Interval.MONTH


async def own_currency(parts: Parts, user_id: str, standing: CustomerStanding, asked: str | None) -> str | None:
    """The currency that the caller is bound to; None: they may choose.

    It is that of their customer in Stripe. When another one is asked for, nothing runs and that customer has been
    deleted there, the next one is bound to nothing yet.
    """
    own = standing.own_currency
    if own is None or asked in {None, own} or standing.is_live:
        return own
    return None if await parts.outside.pages.has_lost_customer(user_id) else own


def chosen(
    catalogue: Catalogue, choice: Choice, interval: Interval, own: str | None, row: Mapping[str, Any] | None = None
) -> Terms:
    """The price that was chosen, in the currency that the caller is charged in (``own``), if there is one already.

    Otherwise in that of the subscription that runs (``row``), which may be a trial that nothing was charged for yet.
    Raises `UnknownPlan`, `CurrencyNotOffered`, or a problem that names the field.
    """
    field = "currency"
    own = own or (row["currency"] if row and Status(row["status"] or "none").is_live else None)
    currency = choice.currency or own
    try:
        check_currency(own, currency or catalogue.currency)
        terms = catalogue.terms(choice.plan, interval, currency)
        field = "quantity"
        check_quantity(terms, choice.quantity)
    except Refusal as refusal:
        raise Problem(refusal.code, refusal.detail, errors=[{"field": field, "reason": refusal.detail}]) from None
    return terms
