"""Idempotency keys (https://docs.stripe.com/api/idempotent_requests).

The first answer is kept, errors included, and given again for a day of the wall clock (see :mod:`..wall_clock`),
whatever a test clock says. Refusals of a parameter are not kept, because the endpoint had not begun; nor is what
never got there: 401, 409, 429.
"""

import hashlib
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ..journal import Journal
from ..wall_clock import WallClock
from .errors import StripeError

KEPT_SECONDS = 86400
LONGEST = 255


class Answer(NamedTuple):
    fingerprint: str
    """The endpoint, a line break, and a digest of the parameters."""
    status: int
    body: bytes
    stored: float
    request: str
    """The id of the request that was answered first."""


class Idempotency:
    def __init__(self, journal: Journal, wall: WallClock) -> None:
        self.journal, self.wall = journal, wall
        self.in_flight: set[str] = set()
        self.answers: dict[str, Answer] = {}
        rows = journal.db.execute("select key, fingerprint, status, body, stored, request from answers order by stored")
        for key, *answer in rows:
            self.answers[key] = Answer(*answer)

    def replay(self, key: str, fingerprint: str) -> Answer | None:
        """The kept answer for a key, or the refusal of a key that is busy or was used for something else."""
        self._prune()
        name = key.partition(":")[2]
        if key in self.in_flight:
            raise key_in_use(name)
        answer = self.answers.get(key)
        if answer and answer.fingerprint != fingerprint:
            raise _used_for_something_else(name, answer.fingerprint, fingerprint)
        return answer

    def keep(self, key: str, fingerprint: str, status: int, body: bytes, request: str) -> None:
        now = self.wall.now()
        self.answers[key] = Answer(fingerprint, status, body, now, request)
        sql = (
            "insert or replace into answers (key, stored, fingerprint, status, body, request) values (?, ?, ?, ?, ?, ?)"
        )
        self.journal.write(sql, (key, now, fingerprint, status, body, request))

    def _prune(self) -> None:
        oldest = self.wall.now() - KEPT_SECONDS
        while self.answers:
            key = next(iter(self.answers))
            if self.answers[key].stored > oldest:
                return
            del self.answers[key]
            self.journal.write("delete from answers where key = ?", (key,))


def fingerprint(endpoint: str, body: bytes) -> str:
    """The same parameters in another order are the same request."""
    given = sorted(parse_qsl(body.decode(errors="replace"), keep_blank_values=True), key=itemgetter(0))
    return f"{endpoint}\n{hashlib.sha256(urlencode(given).encode(errors='replace')).hexdigest()}"


def refuse_unless_short(key: str) -> None:
    if len(key) > LONGEST:
        raise StripeError(400, f"Idempotency keys can be at most {LONGEST} characters long.", replayable=False)


def key_in_use(key: str) -> StripeError:
    return StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. If you submit a request with the "
        "same key after the other one has finished, you will get its answer.",
        type="idempotency_error",
        code="idempotency_key_in_use",
        replayable=False,
    )


def _used_for_something_else(key: str, first: str, now: str) -> StripeError:
    endpoints = [one.partition("\n")[0] for one in (first, now)]
    same = "with the same parameters they were first used with"
    if endpoints[0] != endpoints[1]:
        same = f"for the same endpoint they were first used for ('{endpoints[0]}' vs '{endpoints[1]}')"
    return StripeError(
        400,
        f"Keys for idempotent requests can only be used {same}. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
        replayable=False,
    )
