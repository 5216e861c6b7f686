"""How often one caller may ask: a token bucket each (the "tokens" of that name are drops, no secrets).

A bucket holds ``burst`` drops and is refilled by ``per_s`` drops a second; a request takes one or is refused. So a
caller may ask ``burst`` times at once and ``per_s`` times a second for ever. What is kept is a level and the time at
which it was true. The clock comes in as an argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable


class Rates:
    """Buckets by caller. There are as many as there are callers that were ever let in: accounts with a token."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float]) -> None:
        if not 0 < per_s < math.inf or burst < 1:
            raise ValueError("a rate is a number above 0, a burst one of at least 1")
        self.per_s = per_s
        self._burst = burst
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, who: str) -> bool:
        """Take a drop; False: there is none, and nothing was taken."""
        now = self._clock()
        level, since = self._levels.get(who, (float(self._burst), now))
        level = min(self._burst, level + (now - since) * self.per_s)
        allowed = level >= 1
        self._levels[who] = (level - allowed, now)
        return allowed
