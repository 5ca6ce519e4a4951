"""What an examination finds, in words that an operator can act upon; never a secret."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import telemetry


class Verdict(StrEnum):
    """How good it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: in which part, how good it is, and what to do when it is not."""

    part: str
    verdict: Verdict
    words: str
    remedy: str | None = None


Say = Callable[..., Finding]


def of(part: str) -> tuple[Say, Say, Say]:
    """Three ways to speak of a part: it is well, somebody should know, it must be mended."""

    def make(verdict: Verdict) -> Say:
        def say(words: str, remedy: str | None = None) -> Finding:
            return Finding(part, verdict, masked(words), remedy)

        return say

    return make(Verdict.OK), make(Verdict.WARN), make(Verdict.FAIL)


def masked(words: str) -> str:
    """One line, without what libraries put into their errors: addresses with passwords, keys."""
    line = words.strip().splitlines()[0] if words.strip() else "no reason was given"
    return telemetry.mask(None, "", line)[:300]
