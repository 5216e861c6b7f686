"""Processes that an adapter started and did not end.

A process begins with a copy of its parent's environment. While a ``Household`` is open the environment of the kit
carries a mark of its own, so whatever the adapter starts can be known by that mark later, also after it has left its
group or lost its parent; what it starts without the environment is known as a descendant of this process. The mark is
one that the watchdog knows, so that it ends whatever carries it when the kit itself is killed.
A process that is dead and not yet waited for does not count. Linux: reads /proc.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from seqproof_conformance import watchdog

__all__ = ["Household"]

GRACE_S = 2.0  # a process that was told to end may take a moment
POLL_S = 0.01


def living() -> dict[int, int]:
    """Every living process, with its parent. The dead that nobody has waited for are not among them."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    found[int(entry.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    """The living processes below this one. A process whose parent died is no longer among them."""
    found, parents = {pid}, living()
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def command(pid: int) -> str:
    """The process's command line; "starting" while it has none."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        return " ".join(words.split("\0")).strip() or "starting"
    return "gone"


class Household:
    """Knows what was started while it is open; ends what is left of it when it closes."""

    def __init__(self) -> None:
        self._kit = watchdog.kit()
        self._mark = f"{self._kit.nonce}.{next(self._kit.numbers)}"
        self._before = ""
        self._known = set[int]()
        self._servers = set[str]()

    def __enter__(self) -> Self:
        self._before = os.environ.get(watchdog.MARK, "")
        self._known = descendants(os.getpid())
        self._servers = set(self._kit.at_exit)
        os.environ[watchdog.MARK] = self._mark
        self._kit.own(f"m {self._mark}")  # nothing to remove: it is enough that a watchdog is there
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._before:
            os.environ[watchdog.MARK] = self._before
        else:
            os.environ.pop(watchdog.MARK, None)
        self.end()
        self._kit.disown(f"m {self._mark}")

    def now(self) -> dict[int, str]:
        """The living processes that were started since, with their command lines."""
        nonces = {self._mark, *(set(self._kit.at_exit) - self._servers)}
        carriers = {pid for nonce in nonces for pid in watchdog.carriers(watchdog.needle(nonce, whole=True))}
        below = descendants(os.getpid()) - self._known - ({self._kit.dog.pid} if self._kit.dog else set())
        return {pid: command(pid) for pid in sorted(carriers | below)}

    def left(self) -> dict[int, str]:
        """Those that are still there after a short grace."""
        deadline = time.monotonic() + GRACE_S
        while self.now() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        time.sleep(POLL_S)  # one that was just starting had no environment to be known by
        return self.now()

    def end(self) -> None:
        """SIGKILL what is left, until nothing is, for a bounded time."""
        deadline = time.monotonic() + GRACE_S
        while (there := self.now()) and time.monotonic() < deadline:
            for pid in there:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_S)
