"""What a caller chose from the catalogue, checked before anything is asked of a workflow or of Stripe."""

from api.bodies import Choice
from api.problems import Problem
from lifecycle.plans import Catalogue, Interval, Terms
from lifecycle.refusals import Refusal, check_currency, check_quantity


def chosen(catalogue: Catalogue, choice: Choice, interval: Interval, own: str | None) -> Terms:
    """The price that was chosen, in the currency that the caller is charged in (``own``), if there is one already.

    Raises `UnknownPlan`, `CurrencyNotOffered`, or a problem that names the field.
    """
    field = "currency"
    try:
        check_currency(own, choice.currency or own or catalogue.currency)
        terms = catalogue.terms(choice.plan, interval, choice.currency or own)
        field = "quantity"
        check_quantity(terms, choice.quantity)
    except Refusal as refusal:
        raise Problem(refusal.code, refusal.detail, errors=[{"field": field, "reason": refusal.detail}]) from None
    return terms
