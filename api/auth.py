"""Who may call a route: every route names one of the policies here.

`require_policies` refuses to start an API with a route that names none. What was presented is read in
`api.credentials`, whose it is in `api.identity`.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.routing import iter_route_contexts

from api.callers import Caller, Means
from api.credentials import presented
from api.parts import Parts, PartsIn
from api.problems import Problem
from database.api_keys import Scope
from database.audit import Act, write_act_first

ADMINISTRATOR = "admin"
SUPPORTER = "support"
_SAFE_METHODS = frozenset({"GET", "HEAD"})


async def signed_in(request: Request, parts: PartsIn) -> Caller:
    """A user, by session or JWT; servers with an API key are not enough."""
    return _within(await _caller(request, parts))


async def subscription_reader(request: Request, parts: PartsIn) -> Caller:
    """A user, or a server that may read a user's subscription."""
    return _within(await _caller(request, parts), Scope.SUBSCRIPTIONS_READ)


async def subscription_writer(request: Request, parts: PartsIn) -> Caller:
    """A user, or a server that may change a user's subscription."""
    return _within(await _caller(request, parts), Scope.SUBSCRIPTIONS_WRITE)


async def operation_reader(request: Request, parts: PartsIn) -> Caller:
    """A user, or a server that may read or change: whoever was told to come back for an outcome."""
    return _within(await _caller(request, parts), Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE)


async def entitlements_reader(request: Request, parts: PartsIn) -> Caller:
    """A user, or a server that may ask what a user's plan grants."""
    return _within(await _caller(request, parts), Scope.ENTITLEMENTS_READ)


async def in_person(request: Request, parts: PartsIn) -> Caller:
    """The user in person, by a session: neither a JWT, which outlives signing out, nor somebody who acts for them."""
    return _in_person(await _caller(request, parts, anew=True))


async def administrator(request: Request, parts: PartsIn) -> Caller:
    """Who has Better-Auth's role ``admin`` at this moment, in person."""
    return _with_role(_in_person(await _caller(request, parts, anew=True)), ADMINISTRATOR)


async def supporter(request: Request, parts: PartsIn) -> Caller:
    """Who has the role ``support`` or ``admin``, in person: to read about anybody, and to send a letter again."""
    return _with_role(_in_person(await _caller(request, parts, anew=True)), SUPPORTER, ADMINISTRATOR)


async def anybody(request: Request, parts: PartsIn) -> None:
    """The policy of a route that shows nothing of anybody."""
    await parts.rate_limits.admit_anonymous(request)


async def whoever_runs_this() -> None:
    """The policy of probes: they show nothing of anybody either, and must always be answered."""


async def stripe_itself() -> None:
    """The policy of the webhook door: the signature in the request is the credential."""


CallerIn = Annotated[Caller, Depends(signed_in)]
ReaderIn = Annotated[Caller, Depends(subscription_reader)]
WriterIn = Annotated[Caller, Depends(subscription_writer)]
OperationReaderIn = Annotated[Caller, Depends(operation_reader)]
EntitlementsIn = Annotated[Caller, Depends(entitlements_reader)]
InPersonIn = Annotated[Caller, Depends(in_person)]
AdministratorIn = Annotated[Caller, Depends(administrator)]
SupporterIn = Annotated[Caller, Depends(supporter)]
_POLICIES = (
    signed_in,
    subscription_reader,
    subscription_writer,
    operation_reader,
    entitlements_reader,
    in_person,
    administrator,
    supporter,
    anybody,
    whoever_runs_this,
    stripe_itself,
)


def check_payment_method(caller: Caller, payment_method: str | None) -> None:
    """A request without a card may pass; for one with a card see `check_brings_card`."""
    if payment_method is not None:
        check_brings_card(caller)


def check_brings_card(caller: Caller) -> None:
    """A card is brought by the user in person, or by a server that may bring cards."""
    if caller.means is Means.API_KEY:
        _within(caller, Scope.PAYMENT_METHODS_WRITE)
    else:
        _in_person(caller)


def require_policies(app: FastAPI) -> None:
    """Raise `RuntimeError` with the routes that do not say who may call them."""
    bare = [
        context.path
        for context in iter_route_contexts(app.routes)
        if context.include_in_schema and not any(call in _POLICIES for call in _calls(context.dependant))
    ]
    if bare:
        raise RuntimeError(f"routes without a policy: {bare}")


async def _caller(request: Request, parts: PartsIn, *, anew: bool = False) -> Caller:
    """Whoever presents a good credential; anything else is 401. A write asks its source each time."""
    credential = presented(request, parts.settings)
    anew = anew or request.method not in _SAFE_METHODS
    try:
        caller = await parts.identity.caller(credential, anew=anew) if credential else None
    except Problem as problem:
        if problem.kind == "forbidden":  # a good key that names nobody
            await parts.rate_limits.admit_failure(request)
        raise
    if caller is None:
        await _count_stranger(request, parts, has_credential=credential is not None)
        raise Problem("not_signed_in", "Sign in and send the session cookie or a Bearer token.")
    structlog.contextvars.bind_contextvars(user_id=caller.user_id)
    if caller.actor:
        structlog.contextvars.bind_contextvars(actor=caller.actor)
    request.state.caller = caller
    await parts.rate_limits.admit(request, caller.user_id)
    if caller.impersonated_by is not None and request.method in _SAFE_METHODS:
        seen = {"route": request.scope["route"].path}
        await write_act_first(parts.engine, Act(caller.impersonated_by, "read_as_user", caller.user_id, detail=seen))
    return caller


async def _count_stranger(request: Request, parts: Parts, *, has_credential: bool) -> None:
    """A wrong credential is counted apart from none."""
    if has_credential:
        await parts.rate_limits.admit_failure(request)
    else:
        await parts.rate_limits.admit_anonymous(request)


def _within(caller: Caller, *scopes: Scope) -> Caller:
    """What a key does not name it may not do (one of the scopes is enough); users may whatever is their own."""
    if caller.means is not Means.API_KEY or not caller.scopes.isdisjoint(scopes):
        return caller
    named = " or ".join(scopes)
    detail = f"This API key has no scope {named}." if named else "An API key is not enough for this."
    raise Problem("forbidden", detail)


def _in_person(caller: Caller) -> Caller:
    if caller.impersonated_by is not None:
        raise Problem("forbidden", "Not while you are looking through somebody else's eyes.")
    if caller.means is not Means.SESSION:
        raise Problem("session_required", "This needs the user's own session; sign in and send its cookie or token.")
    return caller


def _with_role(caller: Caller, *roles: str) -> Caller:
    if caller.roles.isdisjoint(roles):
        raise Problem("forbidden", f"This needs the role {' or '.join(roles)}.")
    return caller


def _calls(dependant: Any) -> Iterator[object]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)
