"""A line that a rule asks the timeline for: what was decided, and what the rule went by."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """``entry`` names it; ``detail`` holds ids, amounts and the rule with its inputs, nothing personal."""

    entry: str
    detail: dict[str, str] = field(default_factory=dict)
