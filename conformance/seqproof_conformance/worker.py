"""A thread for what may never return: each call is waited for, and no longer than its bound.

A thread that blocks cannot be ended from outside; it can only be left alone. So the waiting is done here and the
calling there, and a call that does not come back is known by its name while the rest of the process goes on. All calls
of a worker run on its one thread, in order: some things may only be used by the thread that made them (an SQLite
connection, an event loop), and a run calls an adapter from one thread, too.

A process with a blocked worker ends by ``os._exit``, after it has closed and flushed what it can: at an ordinary exit
the interpreter and the blocked thread can trip over each other.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

__all__ = ["BlockedError", "Worker", "alive"]

NAME = "seqproof-worker"
LEAVE_S = 1.0
T = TypeVar("T")


class BlockedError(Exception):
    """A call did not return within its bound. The worker is of no more use; ``what`` names the call."""

    def __init__(self, what: str, bound_s: float) -> None:
        super().__init__(f"{what} did not return within {bound_s:g} s")
        self.what = what


class Worker:
    """One thread. ``blocked``: the name of the call that never came back, "" while all is well."""

    def __init__(self) -> None:
        self.blocked = ""
        self._bound_s = 0.0
        self._jobs = queue.SimpleQueue[Callable[[], None] | None]()
        self._thread = threading.Thread(target=self._work, name=NAME, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def begin(self, call: Callable[[], T]) -> Future[T]:
        """Let the thread make this call next; do not wait."""
        future = Future[T]()

        def job() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # who waits looks at it; nothing ends the thread
                future.set_exception(error)

        self._jobs.put(job)
        return future

    def wait(self, what: str, future: Future[T], bound_s: float) -> Future[T]:
        """Wait until the call is over, whatever it returned or raised. ``bound_s`` in seconds. Raises BlockedError."""
        if not self.blocked and not wait([future], bound_s).done:
            self.blocked, self._bound_s = what, bound_s
        if self.blocked:
            raise BlockedError(self.blocked, self._bound_s)
        return future

    def call(self, what: str, call: Callable[[], T], bound_s: float) -> Future[T]:
        """Make a call and wait for it. Returns a future that is done. Raises BlockedError."""
        if self.blocked:
            raise BlockedError(self.blocked, self._bound_s)
        return self.wait(what, self.begin(call), bound_s)

    def end(self) -> None:
        """Let the thread end. One that is blocked is left alone."""
        self._jobs.put(None)
        if not self.blocked:
            self._thread.join(LEAVE_S)


def alive() -> set[threading.Thread]:
    """The threads of workers that have not ended. After all workers were ended: those that are still in a call."""
    return {thread for thread in threading.enumerate() if thread.name == NAME}
