"""Where a run ends although more could be played: at the first violation (``-x``), or when its time is up.

Both are asked for before each scenario, so no scenario is cut short, and what was played is judged as always. A known
failure does not count as the first: otherwise nobody with a baseline would get beyond it. At the first violation only
the looking ends, and what was found is still shortened. When the time is up the shortening ends too.

The clock is an argument: a function that returns seconds and never goes back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from seqproof_conformance.suite import SHORTENING, Enough, Watcher


@dataclass
class Limits:
    """The limits of one run, from now on. ``known``: requirements whose failure is no reason to stop."""

    first: bool = False
    seconds: float | None = None
    known: frozenset[str] = frozenset()
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)
    found: str = ""

    def __post_init__(self) -> None:
        self.began = self.clock()

    def watching(self, watcher: Watcher) -> Watcher:
        """Return a watcher that tells the other one everything, and says when it is enough."""

        def tick(what: str) -> None:
            watcher.tick(what)
            self.check(what)

        def failed(requirement: str) -> None:
            watcher.failed(requirement)
            if requirement not in self.known:
                self.found = self.found or requirement

        return replace(watcher, tick=tick, failed=failed)

    def check(self, what: str) -> None:
        """Raise Enough when nothing more is to be played; ``what`` is what would come next."""
        if self.seconds is not None and self.clock() - self.began >= self.seconds:
            raise Enough(f"the time was up (--max-time {self.seconds:g}): not everything was played")
        if self.first and self.found and what != SHORTENING:
            raise Enough(f"stopped at the first violation, {self.found} (-x): not everything was played")
