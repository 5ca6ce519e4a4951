"""Idempotency keys (https://docs.stripe.com/api/idempotent_requests).

The first answer is kept, errors included, and given again for a day. Refusals of a parameter are not kept,
because the endpoint had not begun.
"""

import hashlib
import time
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ..journal import Journal
from .errors import StripeError

KEPT_SECONDS = 86400
LONGEST = 255


class Answer(NamedTuple):
    fingerprint: str
    status: int
    body: bytes
    stored: float


class Idempotency:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.in_flight: set[str] = set()
        self.answers: dict[str, Answer] = {}
        rows = journal.db.execute("select key, fingerprint, status, body, stored from answers order by stored")
        for key, *answer in rows:
            self.answers[key] = Answer(*answer)

    def replay(self, key: str, fingerprint: str, path: str) -> Answer | None:
        """The kept answer for a key, or the refusal of a key that is busy or was used for something else."""
        self._prune()
        if key in self.in_flight:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                "submitted twice, and the other request is still going through): " + key.partition(":")[2],
                type="idempotency_error",
                code="idempotency_key_in_use",
                replayable=False,
            )
        answer = self.answers.get(key)
        if answer and answer.fingerprint != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key.partition(':')[2]}' if you meant to execute a different request.",
                type="idempotency_error",
                replayable=False,
            )
        return answer

    def keep(self, key: str, fingerprint: str, status: int, body: bytes) -> None:
        self.answers[key] = Answer(fingerprint, status, body, time.time())
        values = (key, time.time(), fingerprint, status, body)
        self.journal.write("insert or replace into answers values (?, ?, ?, ?, ?)", values)

    def _prune(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        while self.answers:
            key = next(iter(self.answers))
            if self.answers[key].stored > oldest:
                return
            del self.answers[key]
            self.journal.write("delete from answers where key = ?", (key,))


def fingerprint(path: str, body: bytes) -> str:
    """The same parameters in another order are the same request."""
    given = sorted(parse_qsl(body.decode(errors="replace"), keep_blank_values=True), key=itemgetter(0))
    return hashlib.sha256(f"{path}\n{urlencode(given)}".encode(errors="replace")).hexdigest()


def refuse_unless_short(key: str) -> None:
    if len(key) > LONGEST:
        raise StripeError(400, f"Idempotency keys can be at most {LONGEST} characters long.", replayable=False)
