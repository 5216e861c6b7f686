"""Load: senders and phones on threads, as many as one likes, while somebody kills the server; all of it judged.

Every client is simple. A *sender* sends one message after another to its account and repeats one that had no answer,
with its client id. A *phone* asks with what it holds, again and again; now and then its reply is lost. When the server
is gone they wait until it is back. What each asked and got is recorded in real-time order under one lock, and handed to
a judge as it comes, so a run of hours needs no more memory than the judge.

Beside the judge stands a plain count, which shares no code with it: a message that was acknowledged is *lost* when no
phone ever got it, although at the end a new phone asked for everything; a message is *given again* when a recv(c) had
been answered and a recv that began later held a seq at or below c.

The threads run at their own pace, so no two runs are the same. What is recorded is exact all the same.
Source: requirements SEQ-3, SEQ-5, SND-1, CNF-4, CNF-5; docs/protocol.md, "What a kill is".
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

import msgspec

from seqproof_conformance.adapter import Kills, TargetError
from seqproof_model import history as h
from seqproof_model.profile import Profile

BACK_S = 60.0  # a server that is not back by then does not come back
PAGES_AT_MOST = 100_000


class Listener(Protocol):
    """Who is told each event: a judge, or whoever has one."""

    profile: Profile

    def feed(self, event: h.Event) -> object:
        """Take the next event."""


J = TypeVar("J", bound=Listener)


class Requests(Protocol):
    """What is asked of a server under load: three calls of an adapter."""

    def reset(self, account: str) -> None:
        """Make an account fresh."""

    def send(self, account: str, sender: str, client_id: str, body: str) -> h.Answer:
        """Send."""
        ...

    def recv(self, account: str, phone: str, seq_cli: int) -> h.Answer:
        """Receive."""
        ...


@dataclass(frozen=True)
class Shape:
    """How much load: ``senders`` and ``phones`` are spread over the accounts.

    ``loses``: of how many replies to a phone one is lost; 0: none is.
    """

    accounts: int = 4
    senders: int = 4
    phones: int = 4
    loses: int = 10


@dataclass
class Tally:
    """The plain count. ``acknowledged``: (account, body) of messages; ``held``: those that reached a phone."""

    acknowledged: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    held: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    confirmed: dict[str, int] = field(default_factory=dict[str, int])
    given_again: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    answers: int = 0
    unanswered: int = 0

    @property
    def lost(self) -> list[tuple[str, str]]:
        """Acknowledged messages that no phone ever got. Ask after ``Load.finish``."""
        return sorted(self.acknowledged - self.held)


class Load(Generic[J]):
    """Clients under way on one server. ``record`` gets every event, in order, one thread at a time.

    ``operations``: how many were numbered before.
    """

    def __init__(
        self,
        adapter: Requests,
        judge: J,
        record: Callable[[h.Event], None],
        shape: Shape,
        seed: int = 0,
        token: str = "load",  # noqa: S107 - part of account names, no secret
        operations: int = 0,
    ) -> None:
        self.adapter, self.judge, self.shape = adapter, judge, shape
        self.tally = Tally()
        self._record = record
        self._base = judge.profile.before_first
        self._lock = threading.Condition()
        self._up, self._stop = threading.Event(), threading.Event()
        self.operations = operations
        self._failed: list[BaseException] = []
        self.accounts = [f"{token}-{number}" for number in range(shape.accounts)]
        jobs: list[tuple[Callable[[int, random.Random], None], int]]
        jobs = [(self._sender, number) for number in range(shape.senders)]
        jobs += [(self._phone, number) for number in range(shape.phones)]
        self._threads = [
            threading.Thread(target=self._guarded, args=(job, number, random.Random(f"{seed} {at}")))
            for at, (job, number) in enumerate(jobs)
        ]

    # ------------------------------------------------------------ from outside

    def start(self) -> None:
        """Make the accounts fresh and let the clients run."""
        for account in self.accounts:
            self.adapter.reset(account)
        self._up.set()
        for thread in self._threads:
            thread.start()

    def await_answers(self, more: int) -> None:
        """Wait until so many more requests had a definite answer. Raises what a client raised; TargetError."""
        if not self.answered(more, BACK_S):
            raise TargetError(f"the server gave not even {more} answers in {BACK_S:g} s")

    def answered(self, more: int, seconds: float) -> bool:
        """Wait at most so long for so many more definite answers; say whether they came. Raises as ``finish`` does."""
        with self._lock:
            wanted = self.tally.answers + more
            enough = self._lock.wait_for(lambda: self.tally.answers >= wanted or bool(self._failed), seconds)
        self._raise()
        return enough

    def kill(self) -> None:
        """Kill the server under its requests, and start it again on its store."""
        kills = cast("Kills", self.adapter)
        self._up.clear()
        self._event(h.Kill())
        kills.kill()
        kills.restart()
        self._event(h.Restart())
        self._up.set()

    def finish(self) -> bool:
        """End the clients; then a new phone of each account asks for everything. Raises what a client raised.

        Returns whether each was answered to the end.
        """
        self.stop()
        self._raise()
        ended = [self._drained(account) for account in self.accounts]
        return all(ended)

    def _drained(self, account: str) -> bool:
        held = self._base
        for _ in range(PAGES_AT_MOST):
            answer = self._recv(account, "last", held, delivered=True)
            if not isinstance(answer, h.Ok) or not answer.rows:
                return isinstance(answer, h.Ok)
            held = answer.rows[-1][0]
        return False

    def stop(self) -> None:
        """End the clients."""
        self._stop.set()
        self._up.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _raise(self) -> None:
        if self._failed:
            raise self._failed[0]

    # ------------------------------------------------------------ the clients

    def _guarded(self, job: Callable[[int, random.Random], None], number: int, rng: random.Random) -> None:
        try:
            job(number, rng)
        except BaseException as error:
            with self._lock:
                self._failed.append(error)
                self._lock.notify_all()

    def _sender(self, number: int, _: random.Random) -> None:
        account, sent = self.accounts[number % len(self.accounts)], 0
        while not self._stop.is_set():
            sent += 1
            words = f"s{number}", f"c{sent}", f"m{number}-{sent}"
            while isinstance(self._send(account, *words), h.Indefinite | h.Refused) and not self._stop.is_set():
                self._up.wait(BACK_S)

    def _phone(self, number: int, rng: random.Random) -> None:
        account, held = self.accounts[number % len(self.accounts)], self._base
        while not self._stop.is_set():
            delivered = rng.randrange(self.shape.loses) > 0 if self.shape.loses else True
            answer = self._recv(account, f"p{number}", held, delivered=delivered)
            if not isinstance(answer, h.Ok):
                self._up.wait(BACK_S)
            elif delivered and answer.rows:
                held = max(held, answer.rows[-1][0])

    # ------------------------------------------------------------ requests and events

    def _send(self, account: str, sender: str, client_id: str, body: str) -> h.Answer:
        event = self._begin(lambda number: h.Send(number, account, body, sender, client_id))
        answer = self._end(event, self.adapter.send(account, sender, client_id, body))
        if isinstance(answer, h.Ok):
            with self._lock:
                self.tally.acknowledged.add((account, body))
        return answer

    def _recv(self, account: str, phone: str, seq_cli: int, *, delivered: bool) -> h.Answer:
        confirmed = self.tally.confirmed.get(account, self._base)
        event = self._begin(lambda number: h.Recv(number, account, phone, seq_cli))
        answer = self.adapter.recv(account, phone, seq_cli)
        if isinstance(answer, h.Ok) and not delivered:
            answer = msgspec.structs.replace(answer, delivered=False)
        answer = self._end(event, answer)
        if isinstance(answer, h.Ok):
            with self._lock:
                self._count(account, seq_cli, confirmed, answer)
        return answer

    def _count(self, account: str, seq_cli: int, confirmed: int, answer: h.Ok) -> None:
        rows = answer.rows or ()
        self.tally.given_again += [(account, seq) for seq, _ in rows if seq <= confirmed]
        self.tally.confirmed[account] = max(seq_cli, self.tally.confirmed.get(account, self._base))
        if answer.delivered:
            self.tally.held |= {(account, body) for _, body in rows}

    def _begin(self, make: Callable[[int], h.Send | h.Recv]) -> int:
        with self._lock:
            self.operations += 1
            self._told(make(self.operations))
            return self.operations

    def _end(self, operation: int, answer: h.Answer) -> h.Answer:
        answer = msgspec.structs.replace(answer, id=operation)
        with self._lock:
            self._told(answer)
            definite = not isinstance(answer, h.Indefinite)
            self.tally.answers += definite
            self.tally.unanswered += not definite
            self._lock.notify_all()
        return answer

    def _event(self, event: h.Event) -> None:
        with self._lock:
            self._told(event)

    def _told(self, event: h.Event) -> None:
        self._record(event)
        self.judge.feed(event)
