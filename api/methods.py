"""Which methods a path has: the framework's own 405 knows those of the first route only (RFC 9110 section 15.5.6)."""

from collections.abc import Mapping
from functools import lru_cache
from re import Pattern
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api.problems import answer_http


async def answer_http_with_methods(request: Request, error: Exception) -> JSONResponse:
    """See `api.problems.answer_http`; a 405 names every method of the path."""
    response = await answer_http(request, error)
    if isinstance(error, HTTPException) and error.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    path = request.scope["path"]
    return {method for pattern, methods in _table(request.app).items() if pattern.match(path) for method in methods}


@lru_cache(maxsize=4)
def _table(app: FastAPI) -> Mapping[Pattern[str], frozenset[str]]:
    found: dict[Pattern[str], frozenset[str]] = {}
    for context in iter_route_contexts(app.routes):
        route: Any = context
        pattern = compile_path(route.path)[0]
        found[pattern] = found.get(pattern, frozenset()) | frozenset(route.methods or ())
    return found
