"""Which of our own errors become which problem."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from activities.customers import UnknownUser
from activities.gateway import StripeAway, StripeRefused
from activities.pages import NoCustomer
from api.methods import answer_http_with_methods
from api.problems import Problem, answer, answer_invalid, answer_problem
from database.entries import MalformedEvent
from database.ledger import LedgerAway
from lifecycle.plans import CurrencyNotOffered, UnknownPlan
from lifecycle.refusals import Refusal
from workflows.door import Unavailable

log = structlog.get_logger(__name__)

TRY_AGAIN = "Please try again in a moment."


def install(app: FastAPI) -> None:
    """Let every error that a customer, Stripe or an outage can cause be answered as what it is."""
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(HTTPException, answer_http_with_methods)
    for error in (OperationalError, InterfaceError, PoolTimeout, LedgerAway, Unavailable):
        app.add_exception_handler(error, answer_outage)
    app.add_exception_handler(StripeAway, answer_stripe_away)
    app.add_exception_handler(StripeRefused, answer_stripe_refused)
    app.add_exception_handler(MalformedEvent, answer_malformed_event)
    app.add_exception_handler(UnknownPlan, answer_unknown_plan)
    app.add_exception_handler(CurrencyNotOffered, answer_currency_not_offered)
    app.add_exception_handler(NoCustomer, answer_no_customer)
    app.add_exception_handler(UnknownUser, answer_unknown_user)
    app.add_exception_handler(Refusal, answer_refusal)


async def answer_outage(_: Request, error: Exception) -> JSONResponse:
    """PostgreSQL or Temporal is away: nothing is lost, the same request may come again."""
    log.warning("dependency_away", reason=type(error).__name__)
    return answer(Problem("temporarily_unavailable", TRY_AGAIN))


async def answer_stripe_away(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StripeAway)
    log.warning("stripe_away", reason=str(error))
    headers = {"Retry-After": str(round(error.retry_after))} if error.retry_after else {}
    return answer(Problem("payment_provider_away", TRY_AGAIN, headers=headers))


async def answer_stripe_refused(_: Request, error: Exception) -> JSONResponse:
    """Our own request was wrong or the account is not set up: an operator must look, the customer cannot mend it."""
    log.error("stripe_refused", reason=str(error))
    return answer(Problem("payment_provider_refused", "The payment provider refused this; we have been told."))


async def answer_malformed_event(_: Request, error: Exception) -> JSONResponse:
    return answer(Problem("malformed_event", str(error)))


async def answer_unknown_plan(_: Request, error: Exception) -> JSONResponse:
    reason = str(error)
    return answer(Problem("unknown_plan", reason, errors=[{"field": "plan", "reason": reason}]))


async def answer_currency_not_offered(_: Request, error: Exception) -> JSONResponse:
    reason = str(error)
    return answer(Problem("currency_not_offered", reason, errors=[{"field": "currency", "reason": reason}]))


async def answer_no_customer(_: Request, __: Exception) -> JSONResponse:
    return answer(Problem("no_customer", "You have no billing account yet; subscribe first."))


async def answer_refusal(_: Request, error: Exception) -> JSONResponse:
    """A question about something that would be refused."""
    assert isinstance(error, Refusal)
    return answer(Problem(error.code, error.detail))


async def answer_unknown_user(_: Request, __: Exception) -> JSONResponse:
    """The account was deleted between the session's check and the call."""
    return answer(Problem("not_signed_in", "This account no longer exists."))
