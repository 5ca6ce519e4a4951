"""Webhooks that come twice, out of order or never, at random but the same way for the same seed."""

import random
from dataclasses import dataclass, field


@dataclass
class Chaos:
    """``double``, ``reorder`` and ``drop`` are probabilities for one delivery."""

    seed: int = 0
    double: float = 0.0
    reorder: float = 0.0
    drop: float = 0.0
    dice: random.Random = field(default_factory=random.Random)

    def set(self, seed: int, double: float, reorder: float, drop: float) -> None:
        self.seed, self.double, self.reorder, self.drop = seed, double, reorder, drop
        self.dice = random.Random(seed)

    def copies(self) -> int:
        """How often to deliver: 0 is never, although the event stays in the log."""
        if self.drop and self.dice.random() < self.drop:
            return 0
        return 2 if self.double and self.dice.random() < self.double else 1

    def delay(self) -> float:
        """Seconds to step aside, so that later events overtake this one."""
        if self.reorder and self.dice.random() < self.reorder:
            return self.dice.uniform(0.05, 0.5)
        return 0.0
