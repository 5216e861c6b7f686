"""A smoke test from end to end: open the target, take the table of checks, close it, look for what it left behind.

    report = run("py:mine:Mine")
    report.sane, report.rows

Every call of the adapter is made on one thread and waited for; one that does not come back is named, the rest is then
skipped, and what the adapter started is ended. A blocked thread cannot be ended: ``Report.blocked`` says that the
process should end by ``os._exit``.
Source: docs/smoke.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from seqproof_conformance.adapter import Adapter, AdapterFault, Hello, TargetError, greeted
from seqproof_conformance.leftovers import Household
from seqproof_conformance.probe import DEAD, HANGS, RAISES, Insane, NotTheAdapter, Probe, Unseen, bounded, one_line
from seqproof_conformance.smoke import CHECKS, RUN, Check
from seqproof_conformance.targets import open_target
from seqproof_conformance.worker import BlockedError, Worker

__all__ = ["BOUND_S", "Blame", "Finding", "Report", "Row", "run"]

BOUND_S = 30.0
CLOSE_S = 5.0  # for the close of an adapter that hangs already
CLOSE = "close may be called twice and leaves no process behind"


class Finding(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - no secret
    FAIL = "fail"
    SERVER = "server"  # something is wrong, and not with the adapter
    SKIPPED = "skipped"


class Blame(StrEnum):
    """Whose fault a failure is."""

    NOBODY = ""
    ADAPTER = "adapter"
    ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Row:
    """One check and how it ended. ``what``: what it looks at; ``line``: what was seen; ``mend``: of a failure."""

    name: str
    what: str
    finding: Finding
    line: str
    mend: str = ""
    blame: Blame = Blame.NOBODY


@dataclass(frozen=True)
class Report:
    """What came out. ``blocked``: the call of the adapter that never came back, and whose thread is still there."""

    target: str
    server: str
    rows: tuple[Row, ...]
    blocked: str = ""

    @property
    def sane(self) -> bool:
        """Whether no check failed."""
        return not any(row.finding is Finding.FAIL for row in self.rows)

    def having(self, finding: Finding) -> list[Row]:
        """The rows that ended so, in order."""
        return [row for row in self.rows if row.finding is finding]


@dataclass
class _Smoke:
    """One smoke test under way."""

    adapter: Adapter
    worker: Worker
    bound_s: float
    rows: list[Row] = field(default_factory=list[Row])
    probe: Probe | None = None

    def take(self, check: Check) -> Row:
        """Make one check. What it raises is how it ended."""
        if why := self._why_not(check):
            return Row(check.name, check.what, Finding.SKIPPED, why)
        try:
            probe = self.probe or self._greet()
            return Row(check.name, check.what, Finding.PASS, check.look(probe))
        except Unseen as error:
            return Row(check.name, check.what, Finding.SKIPPED, one_line(str(error)))
        except NotTheAdapter as error:
            return Row(check.name, check.what, Finding.SERVER, f"{one_line(str(error))}; {RUN}")
        except (TargetError, BlockedError) as error:
            return failed(check.name, check.what, error)

    def _why_not(self, check: Check) -> str:
        if self.worker.blocked:
            return f"the adapter hangs in {self.worker.blocked}"
        before = next((row for row in self.rows if row.name == check.after), None)
        if before and before.finding in (Finding.FAIL, Finding.SKIPPED):
            return f"{before.name} failed" if before.finding is Finding.FAIL else before.line
        able = {str(item) for item in self.probe.hello.capabilities} if self.probe else set[str]()
        return f"not declared: {check.needs}" if check.needs and check.needs not in able else ""

    def _greet(self) -> Probe:
        done = self.worker.call("hello", self._hello, self.bound_s)
        self.probe = Probe(self.adapter, done.result(), self.worker, secrets.token_hex(3), self.bound_s)
        return self.probe

    def _hello(self) -> Hello:
        if hasattr(self.adapter, "check_schema"):
            setattr(self.adapter, "check_schema", True)  # noqa: B010 - no part of Adapter: only some have it
        return greeted(self.adapter)

    def close(self, household: Household) -> Row:
        """Close it twice, and look for what is left."""
        name = "close"
        if self.worker.blocked:
            self.close_anyhow()
            return Row(name, CLOSE, Finding.SKIPPED, f"the adapter hangs in {self.worker.blocked}; all was ended")
        try:
            for _ in range(2):
                bounded(self.worker, self.adapter, "close", bound_s=self.bound_s)
        except (TargetError, BlockedError) as error:
            return failed(name, CLOSE, error)
        if left := household.left():
            pid, words = next(iter(left.items()))
            many = "a process behind" if len(left) == 1 else f"{len(left)} processes behind, one"
            what = f"close leaves {many}: {pid} {words:.40}"
            return failed(name, CLOSE, Insane(what, "end what the adapter started, and wait until it is gone"))
        return Row(name, CLOSE, Finding.PASS, "closed twice; nothing is left behind")

    def close_anyhow(self) -> None:
        """Close it from another thread, when its own is blocked or the test was stopped."""
        other = Worker()
        with suppress(BlockedError):
            other.call("close", self.adapter.close, min(CLOSE_S, self.bound_s))
        self.worker.blocked = self.worker.blocked or other.blocked
        other.end()

    def withdrawn(self) -> list[Row]:
        """The rows; without any evidence that a server is there, none of them is a pass."""
        if self.probe and self.probe.seen:
            return self.rows
        why = "nothing that was sent ever came back, so it shows nothing"
        return [
            Row(row.name, row.what, Finding.SKIPPED, why) if row.finding is Finding.PASS else row for row in self.rows
        ]


def failed(name: str, what: str, error: TargetError | BlockedError) -> Row:
    """The row of a check that failed, with its mend and whose fault it is."""
    line, mend, blame = one_line(str(error)), DEAD, Blame.ENVIRONMENT
    match error:
        case BlockedError():
            line, mend, blame = f"the adapter's {line}", HANGS, Blame.ADAPTER
        case Insane():
            mend, blame = error.mend, Blame.ADAPTER
        case AdapterFault():
            mend = RAISES if "raised" in line else "write it as in seqproof_conformance.adapter"
            blame = Blame.ADAPTER
        case _:
            pass
    return Row(name, what, Finding.FAIL, line, mend, blame)


def run(target: str, bound_s: float = BOUND_S, tick: Callable[[str], None] = lambda _check: None) -> Report:
    """Make all checks. ``bound_s``: the longest wait for one call; ``tick`` is told each check before it is made.

    Raises UnknownTarget and TargetError when there is nothing to check: the target cannot be opened. What ``tick``
    raises ends the test; the target is closed then, too.
    """
    worker = Worker()
    with Household() as household:
        adapter = _opened(target, worker, bound_s)
        smoke = _Smoke(adapter, worker, bound_s)
        closed = False
        try:
            for check in CHECKS:
                tick(check.name)
                smoke.rows.append(smoke.take(check))
            tick("close")
            smoke.rows.append(smoke.close(household))
            closed = True
        finally:
            if not closed:
                smoke.close_anyhow()
            worker.end()
    server = smoke.probe.hello.server if smoke.probe else ""
    return Report(target, one_line(server), tuple(smoke.withdrawn()), worker.blocked)


def _opened(target: str, worker: Worker, bound_s: float) -> Adapter:
    """The adapter. Raises UnknownTarget, TargetError."""
    try:
        done = worker.call("opening", lambda: open_target(target), bound_s)
    except BlockedError as error:
        raise AdapterFault(f"{target}: {error}; {HANGS}") from None
    raised = done.exception()
    if raised and not isinstance(raised, Exception):  # it would end the kit instead
        raise AdapterFault(f"{target}: opening it raised {type(raised).__name__}; let it make an adapter") from raised
    return done.result()
