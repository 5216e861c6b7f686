"""Plays a scenario on a phone: takes its steps, keeps what waits on the wire, looks at the phone after every step.

``PhonePlay`` is one play. Requests of the phone wait in a queue until a step decides their fate; a reply that was lost
waits in another, in case a step lets it arrive late. After each step the phone's marks and messages are looked up, so
that a fault shows at the step that causes it.

After the last step comes the *fair end*, which makes a fault visible that was only caused: the connection is up, every
request is answered, no tip comes, and time passes, three times as long as the phone may take. What is due has then
arrived. A phone that asks for ever is answered so often, and no more until time passes.
Source: docs/phones.md.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from seqproof_conformance.phone_adapter import Handset, PhoneAdapter
from seqproof_conformance.phone_world import World
from seqproof_model import phone_history as ph
from seqproof_model import phone_scenario as ps
from seqproof_model.phone_judge import PhoneJudge
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.phone_words import Asks, PhoneCapability, PhoneHello, Reaction, Reply, Request, Sends
from seqproof_model.verdict import Violation

ROUNDS, ANSWERS = 3, 40


@dataclass(frozen=True)
class PhonePlayed:
    """A scenario, played. ``steps``: how many were taken before the violation, all of them if there is none.

    ``idle``: the first step that had nothing to act on, None if there is none: without it the play is the same.
    """

    scenario: PhoneScenario
    events: tuple[ph.Event, ...]
    violation: Violation | None
    steps: int
    idle: int | None


class PhoneRunner:
    """Plays scenarios on one phone. ``counts`` adds up what was observed; ``write`` gets every event."""

    def __init__(
        self, adapter: PhoneAdapter, hello: PhoneHello, write: Callable[[ph.Event], None] = lambda _event: None
    ) -> None:
        self.handset = Handset(adapter)
        self.hello = hello
        self.write = write
        self.counts: Counter[str] = Counter()
        self.events = 0
        self.calls = 0
        self._numbers = itertools.count(1)

    def why_not(self, scenario: PhoneScenario) -> str:
        """Why it cannot be played on this phone, or ""."""
        missing = sorted(scenario.needs - set(map(str, self.hello.capabilities)))
        return f"the phone does not declare {', '.join(missing)}" if missing else ""

    def play(self, scenario: PhoneScenario) -> PhonePlayed:
        """Play it on a new phone. Raises AdapterFault, TargetError."""
        play = PhonePlay(self.handset, self.hello, scenario, PhoneJudge(self.hello, self.counts), self.write)
        try:
            return play.whole()
        finally:
            self.events += len(play.events)


class PhonePlay:
    """One play."""

    def __init__(
        self,
        handset: Handset,
        hello: PhoneHello,
        scenario: PhoneScenario,
        judge: PhoneJudge,
        write: Callable[[ph.Event], None],
    ) -> None:
        self.handset, self.hello, self.scenario, self.judge, self._write = handset, hello, scenario, judge, write
        self.adapter = handset.adapter
        self.world = World(scenario)
        self.events: list[ph.Event] = []
        self.waiting: list[tuple[int, Request, int]] = []  # our number, the request, the epoch in which it left
        self.late: list[tuple[int, int, Reply]] = []  # our number, the phone's, the reply
        self.account = ""
        self.connected = True
        self.numbers = itertools.count(1)

    def whole(self) -> PhonePlayed:
        """Take every step, then the fair end."""
        steps, idle = self.scenario.steps, None
        self.handset.reset()
        self.happened(ph.Scenario(self.scenario.name))
        for taken, step in enumerate(steps, 1):
            if not self.take(step) and idle is None:
                idle = taken - 1
            self.look()
            if self.judge.violation:
                return PhonePlayed(self.scenario, tuple(self.events), self.judge.violation, taken, idle)
        if self.account:
            self.rest()
        return PhonePlayed(self.scenario, tuple(self.events), self.judge.violation, len(steps), idle)

    def happened(self, event: ph.Event) -> None:
        """Write an event down, and have it judged."""
        self.events.append(event)
        self._write(event)
        self.judge.feed(event)

    # ---------------------------------------------------------------- steps

    def take(self, step: ps.Step) -> bool:
        """Take one step; whether it had anything to act on."""
        match step:
            case ps.Message():
                for _ in range(step.count):
                    self.happened(self.world.message(step.account, step.body))
                return True
            case ps.Other():
                before = self.world.server(step.account).marks
                self.happened(self.world.other(step.account))
                return self.world.server(step.account).marks != before
            case ps.Restore():
                self.happened(self.world.restore(step.account, step.keep))
                return True
            case ps.Start():
                return self.start(step.account)
            case _:
                return bool(self.account) and self.while_it_runs(step)

    def start(self, account: str) -> bool:
        """Start the app, once."""
        if self.account:
            return False
        self.account = account
        self.happened(ph.Started(account))
        self.said(self.handset.begin(account=account))
        return True

    def while_it_runs(self, step: ps.Step) -> bool:
        """Steps that need an app that was started."""
        match step:
            case ps.Answer():
                return self.answer(step)
            case ps.Late():
                return self.arrive_late()
            case ps.Tip():
                if not self.connected:
                    return False
                self.happened(ph.Tipped(step.account))
                self.did("tip", lambda: self.adapter.tip(step.account))
            case ps.Wait():
                self.wait(step.ms)
            case ps.Kill():
                self.kill()
            case ps.Down() | ps.Up():
                return self.connect(up=isinstance(step, ps.Up))
            case ps.Pull():
                self.happened(ph.Pulled())
                self.did("sync", self.adapter.sync)
            case ps.Login():
                if step.account == self.account:
                    return False
                self.account = step.account
                self.happened(ph.LoggedIn(step.account))
                self.did("login", lambda: self.adapter.login(step.account))
            case ps.Say():
                self.say(step.body)
            case _:
                raise AssertionError(step)
        return True

    def say(self, body: str) -> None:
        """The user sends."""
        if not body:
            self.world.bodies += 1
            body = f"hi{self.world.bodies}"
        self.happened(ph.Said(self.account, body))
        self.did("send", lambda: self.adapter.send(body))

    def did(self, what: str, call: Callable[[], Reaction]) -> None:
        """Let something happen to the phone, and take up what it says."""
        self.said(self.handset.did(what, call))

    def said(self, reaction: Reaction) -> None:
        """Requests that the phone put on the wire begin to wait; without a connection they are lost at once."""
        for request in reaction.requests:
            number = next(self.numbers)
            if isinstance(request, Sends):
                self.happened(ph.Posted(number, request.account, request.client_id, request.body))
            else:
                self.happened(ph.Asked(number, request.account, request.seq_cli, request.epoch))
            self.waiting.append((number, request, self.world.server(request.account).epochs))
        if not self.connected:
            self.drop()

    def drop(self) -> None:
        """What waits is lost, because there is no connection."""
        lost, self.waiting = self.waiting, []
        for number, _, _ in lost:
            self.happened(ph.Lost(number))

    def connect(self, *, up: bool) -> bool:
        """The connection breaks, or is there again."""
        if up is self.connected:
            return False
        self.connected = up
        if not up:
            self.drop()
        self.happened(ph.Connected(up))
        self.did("online" if up else "offline", self.adapter.online if up else self.adapter.offline)
        return True

    def kill(self) -> None:
        """Kill the phone, and start it again; it is connected then."""
        self.handset.kill()
        self.again()

    def again(self) -> None:
        """It was killed just now: start it again."""
        self.waiting.clear()
        self.late.clear()
        self.happened(ph.Killed())
        if not self.connected:
            self.connected = True
            self.happened(ph.Connected(up=True))
        self.happened(ph.Started(self.account, again=True))
        self.said(self.handset.begin(account=None))

    def answer(self, step: ps.Answer) -> bool:
        """Decide the fate of a request that waits."""
        if not self.waiting:
            return False
        number, request, era = self.waiting.pop(-1 if step.newest else 0)
        if step.lose == "request":
            self.happened(ph.Lost(number))
            self.did("lost", lambda: self.adapter.lost(request.id))
            return True
        stale = isinstance(request, Asks) and self._stale(request, era)
        reply, besides = self.world.serve(request, stale=stale)
        for event in besides:
            self.happened(event)
        self.happened(ph.Served(number, reply))
        if step.lose == "reply":
            if PhoneCapability.LATE in self.hello.capabilities:
                self.late.append((number, request.id, reply))
            self.happened(ph.Lost(number))
            self.did("lost", lambda: self.adapter.lost(request.id))
            return True
        self.happened(ph.Arrived(number, dies=step.die_after is not None))
        if step.die_after is None:
            self.did("reply", lambda: self.adapter.reply(request.id, reply))
        else:
            self.handset.did("reply", lambda: self.adapter.reply(request.id, reply, step.die_after), dies=True)
            self.again()
        return True

    def _stale(self, request: Asks, era: int) -> bool:
        """Whether the phone's seq_cli is one of an epoch that is over, as far as it can know."""
        server = self.world.server(request.account)
        known = self.judge.inbox(request.account).epoch
        return request.seq_cli > 0 and (era != server.epochs or known != server.epoch)

    def arrive_late(self) -> bool:
        """The oldest lost reply arrives after all."""
        if not self.late or not self.connected:
            return False
        number, own, reply = self.late.pop(0)
        self.happened(ph.Arrived(number, late=True))
        self.did("reply", lambda: self.adapter.reply(own, reply))
        return True

    def wait(self, ms: int | None = None) -> None:
        """Time passes, as long as it may take at most; the phone is looked at whenever something may be overdue."""
        hello = self.hello
        whole = ms or max(hello.retry_ms, hello.poll_ms or 0) + hello.patience_ms
        now = 0
        for until in sorted({hello.patience_ms, hello.retry_ms, whole}):
            if now < until <= whole:
                if now:
                    self.look()
                if self.judge.violation:
                    return
                self._elapse(until - now)
                now = until

    def _elapse(self, ms: int) -> None:
        self.happened(ph.Elapsed(ms))
        self.did("elapse", lambda: self.adapter.elapse(ms))

    # ---------------------------------------------------------------- looking, and the end

    def look(self) -> None:
        """Look up the phone's marks and messages."""
        if not self.account or self.judge.violation:
            return
        for account in self.scenario.accounts:
            self.happened(ph.Marks(account, self.handset.seq_cli(account)))
            self.happened(ph.Holds(account, self.handset.held(account)))

    def rest(self) -> None:
        """The fair end."""
        self.connect(up=True)
        self.look()
        for _ in range(ROUNDS):
            self.answer_all()
            if self.judge.violation:
                return
            self.wait()
            self.look()
        self.answer_all()
        self.happened(ph.Rested())

    def answer_all(self) -> None:
        """Answer whatever waits, and what comes of it."""
        for _ in range(ANSWERS + len(self.world.servers) * self._backlog()):
            if not self.waiting or self.judge.violation:
                return
            self.answer(ps.Answer())
            self.look()

    def _backlog(self) -> int:
        return 2 * sum(len(server.rows) for server in self.world.servers.values())
