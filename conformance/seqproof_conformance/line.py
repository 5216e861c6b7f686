"""The line to the target: every call of the adapter and every event of the history passes here, and nowhere else.

A call has its blame: what an adapter raises, or returns that is no answer, is the adapter's fault (``AdapterFault``),
unless it says that its environment is to blame (``TargetError``). A call may run on a thread of its own, so that
requests overlap; events are recorded by one thread, in the order in which they are told.
Source: docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TypeVar, cast

from seqproof_conformance.adapter import (
    Adapter,
    AdapterFault,
    BeginsSend,
    Kills,
    RecvsRaw,
    Talks,
    TargetError,
    Tips,
    checked,
    checked_tips,
)
from seqproof_conformance.wire import Fault, FaultKind, Wires
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.verdict import Violation

SILENT_AT_MOST = 8  # requests in a row without a definite answer; each may have cost a timeout
LONGEST_S = 120.0  # a call on a thread that takes longer than any bound an adapter should have
BLOCKED_S = 0.25  # a request that a held send blocks has not ended after that, or after so many times a usual one
BLOCKED_TIMES = 20
POLL_S = 0.02
T = TypeVar("T")


@dataclass
class Flight:
    """A call under way. ``finish`` ends it: waits for the thread, or commits a send that was held.

    ``landed`` waits at most so many seconds, and says whether ``finish`` would not have to wait for the thread.
    """

    finish: Callable[[], h.Answer]
    landed: Callable[[float], bool]


@dataclass
class Doubts:
    """What happened that no verdict can be built on: requests without an answer, stores that failed by themselves."""

    requests: int = 0
    unanswered: int = 0
    store_failures: int = 0
    last_why: str = ""

    def add(self, other: Doubts) -> None:
        """Add those of another line."""
        self.requests += other.requests
        self.unanswered += other.unanswered
        self.store_failures += other.store_failures
        self.last_why = other.last_why or self.last_why

    def lines(self) -> list[str]:
        """A line for each kind that there was."""
        of = f"of {self.requests} requests"
        found = [f"{self.unanswered} {of} had no definite answer, the last: {self.last_why}"] * (self.unanswered > 0)
        refused = f"{self.store_failures} {of} were refused by a store that nobody made fail"
        return found + [refused] * (self.store_failures > 0)


@dataclass
class Line:
    """One target, its history and its judges. ``judges[0]`` decides; the others only watch.

    ``threads``: the adapter can be called from several at once. ``untold``: by account, tips that came when those of
    another account were asked for. In seconds of the ``clock``: ``killing_s``, how long kills and restarts took in all;
    ``tipping_s``, ``tippings``: logins, logouts and looks at the tips, and how many; ``calling_s``, ``calls``: the same
    of the requests that were waited for.
    """

    adapter: Adapter
    judges: list[Judge]
    record: Callable[[h.Event], None]
    threads: bool = False
    operations: int = 0
    silent: int = 0
    doubts: Doubts = field(default_factory=Doubts)
    killing_s: float = 0.0
    tipping_s: float = 0.0
    calling_s: float = 0.0
    calls: int = 0
    tippings: int = 0
    clock: Callable[[], float] = time.perf_counter
    untold: dict[str, list[h.Tip]] = field(default_factory=dict[str, list[h.Tip]])

    def operation(self) -> int:
        """A number for the next operation."""
        self.operations += 1
        return self.operations

    def event(self, event: h.Event) -> Violation | None:
        """Record an event, let the judges see it, and return what the first of them finds."""
        self.record(event)
        first, *others = self.judges
        found = first.feed(event)
        for judge in others:
            judge.feed(event)
        return found

    # ------------------------------------------------------------ requests

    def call(self, request: h.Send | h.Recv, account: str) -> h.Answer:
        """Make a request and wait for its answer."""
        self.doubts.requests += 1
        began = self.clock()
        answer = self._call(request, account)
        self.calling_s += self.clock() - began
        self.calls += 1
        return answer

    @property
    def patience_s(self) -> float:
        """How long a request is waited for, in seconds, before it is taken to be blocked by a send that is held."""
        return min(BLOCKED_S, BLOCKED_TIMES * self.calling_s / self.calls) if self.calls else BLOCKED_S

    def begin(self, request: h.Send | h.Recv, account: str) -> Flight:
        """Make a request on a thread of its own. Returns once the thread runs."""
        self.doubts.requests += 1
        answer = _on_a_thread(lambda: self._call(request, account))
        name = "send" if isinstance(request, h.Send) else "recv"
        return Flight(lambda: _landed(answer, name), lambda seconds: _done(answer, seconds))

    def begin_delayed(self, request: h.Send | h.Recv, account: str, after: int, behind: bool) -> Flight:
        """Make a request whose reply is held on the wire, once ``after`` bytes of it passed, until it is finished.

        Returns when the reply is held (the server has surely done it), or when there will be none. ``behind``: a send
        is held, and may block this one.
        """
        wires = cast("Wires", self.adapter)
        self.ask("fail_next_reply", wires.fail_next_reply, Fault(FaultKind.HOLD_REPLY, after))
        flight = self.begin(request, account)
        for _ in range(int((max(POLL_S, self.patience_s) if behind else LONGEST_S) / POLL_S)):
            if self.ask("holds_reply", wires.holds_reply, POLL_S) or flight.landed(0):
                break

        def finish() -> h.Answer:
            self.ask("release_reply", wires.release_reply)
            return flight.finish()

        return Flight(finish, flight.landed)

    def begin_held(self, request: h.Send, account: str) -> Flight:
        """Begin a send that the target holds half-way, until it is finished.

        Where there are threads it may have to wait, for another that is held: it has ``landed`` when it is held itself.
        """
        self.doubts.requests += 1
        adapter = cast("BeginsSend", self.adapter)
        words = (account, request.sender, request.client_id, request.body)

        def begin() -> object:
            return self.ask("begin_send", adapter.begin_send, *words)

        begun = _on_a_thread(begin) if self.threads else _at_once(begin)
        if _done(begun, self.patience_s):
            begun.result()  # what it raised is raised here

        def finish() -> h.Answer:
            return checked("commit_send", self.ask("commit_send", adapter.commit_send, _landed(begun, "begin_send")))

        return Flight(finish, lambda seconds: _done(begun, seconds))

    def _call(self, request: h.Send | h.Recv, account: str) -> h.Answer:
        adapter = self.adapter
        if isinstance(request, h.Send):
            words = (account, request.sender, request.client_id, request.body)
            return checked("send", self.ask("send", adapter.send, *words))
        return checked("recv", self.ask("recv", adapter.recv, account, request.phone, request.seq_cli))

    def ask(self, name: str, call: Callable[..., object], *words: object) -> object:
        """Call the adapter; what it raises is the adapter's fault, unless it says that it is the environment's."""
        try:
            return call(*words)
        except (TargetError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise AdapterFault(f"the adapter's {name} raised {type(error).__name__}: {error}") from error

    # ------------------------------------------------------------ kills

    def kill(self) -> None:
        """Kill the server."""
        self.killing_s += self._timed("kill", cast("Kills", self.adapter).kill)[1]

    def restart(self) -> None:
        """Start it again."""
        self.killing_s += self._timed("restart", cast("Kills", self.adapter).restart)[1]

    def _timed(self, name: str, call: Callable[..., object], *words: object) -> tuple[object, float]:
        began = self.clock()
        return self.ask(name, call, *words), self.clock() - began

    def recv_raw(self, request: h.RecvRaw, account: str) -> h.Answer:
        """Make a recv with any text for its seq_cli, and wait for its answer."""
        self.doubts.requests += 1
        adapter = cast("RecvsRaw", self.adapter)
        return checked("recv", self.ask("recv_raw", adapter.recv_raw, account, request.phone, request.raw))

    # ------------------------------------------------------------ tips

    def login(self, account: str, phone: str) -> None:
        """Let a phone log in."""
        self._tipping("login", cast("Tips", self.adapter).login, account, phone)

    def logout(self, account: str, phone: str) -> None:
        """Let it log out."""
        self._tipping("logout", cast("Tips", self.adapter).logout, account, phone)

    def tips(self, accounts: Collection[str]) -> list[h.Tip]:
        """All tips of these accounts since this was last asked for them; those of others are kept until asked for."""
        for tip in checked_tips(self._tipping("tips", cast("Tips", self.adapter).tips)):
            self.untold.setdefault(tip.account, []).append(tip)
        return [tip for account in sorted(accounts) for tip in self.untold.pop(account, ())]

    def _tipping(self, name: str, call: Callable[..., object], *words: object) -> object:
        said, took_s = self._timed(name, call, *words)
        self.tipping_s += took_s
        self.tippings += 1
        return said

    # ------------------------------------------------------------ what the evidence cannot decide

    def notice(self, answer: h.Answer, *, armed: bool) -> None:
        """Count what the evidence cannot decide; a server that is gone, or hangs, ends the run. Raises TargetError."""
        if isinstance(answer, h.Refused) and answer.code is h.Code.UNREACHABLE:
            raise TargetError(f"the server refuses connections, though nobody killed it{self._tail()}")
        silent = isinstance(answer, h.Indefinite)
        self.silent = self.silent + 1 if silent else 0
        self.doubts.unanswered += silent
        if isinstance(answer, h.Indefinite):
            self.doubts.last_why = answer.why
            if self.silent >= SILENT_AT_MOST:
                what = f"{SILENT_AT_MOST} requests in a row had no definite answer, the last: {answer.why}"
                raise TargetError(f"the server hangs: {what}{self._tail()}")
        self.doubts.store_failures += isinstance(answer, h.Refused) and answer.code is h.Code.STORE and not armed

    def _tail(self) -> str:
        words = self.adapter.last_words() if isinstance(self.adapter, Talks) else []
        return f"; its last words: {words[-1]}" if words else ""


def _at_once(call: Callable[[], T]) -> Future[T]:
    done = Future[T]()
    done.set_result(call())
    return done


def _on_a_thread(call: Callable[[], T]) -> Future[T]:
    """Begin a call on a thread of its own. Returns once the thread runs."""
    result, runs = Future[T](), threading.Event()

    def fly() -> None:
        runs.set()
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=fly, name="seqproof-request", daemon=True).start()
    runs.wait()
    return result


def _done(result: Future[T], seconds: float) -> bool:
    return result in wait([result], seconds).done


def _landed(result: Future[T], name: str) -> T:
    try:
        return result.result(LONGEST_S)
    except TimeoutError:
        late = f"the adapter's {name} did not return within {LONGEST_S:g} s; it must bound its waits"
        raise AdapterFault(late) from None
