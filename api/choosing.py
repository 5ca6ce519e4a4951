"""What a caller chose from the catalogue, checked before anything is asked of a workflow or of Stripe."""

from api.problems import Problem
from lifecycle.plans import Catalogue, Interval, Terms
from lifecycle.refusals import Refusal, check_quantity


def chosen(catalogue: Catalogue, plan: str, interval: Interval, quantity: int | None) -> Terms:
    """The price that was chosen; raises `UnknownPlan`, or a problem that names the field."""
    terms = catalogue.terms(plan, interval)
    try:
        check_quantity(terms, quantity)
    except Refusal as refusal:
        errors = [{"field": "quantity", "reason": refusal.detail}]
        raise Problem(refusal.code, refusal.detail, errors=errors) from None
    return terms
