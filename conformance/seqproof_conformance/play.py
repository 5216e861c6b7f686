"""One scenario under way on a target: the phones, the network between them and the server, and what was asked so far.

Names in the history are the scenario's own; ``prefix`` makes them the server's, so that each scenario has accounts that
no other has. A play can be stopped at a kill and go on after it, so that many plays share one kill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import msgspec

from seqproof_conformance.adapter import AdapterFault, Backups, FailsStore, Presets, Trims
from seqproof_conformance.line import Flight, Line
from seqproof_conformance.wire import Fault, FaultKind, Wires
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.profile import Profile
from seqproof_model.scenario import Lost, Moment, Scenario
from seqproof_model.verdict import Violation

PAGES_AT_MOST = 10_000  # a drain that goes on longer is a server that never ends


@dataclass
class Phone:
    """What a phone durably knows: the largest seq it received."""

    name: str
    seq_cli: int

    def accept(self, rows: tuple[tuple[int, str], ...]) -> None:
        """Store a reply's rows, then move seq_cli, only upward (DEV-3)."""
        self.seq_cli = max([self.seq_cli, *(seq for seq, _ in rows)])


@dataclass(frozen=True)
class Played:
    """What happened. ``events`` are the scenario's own; ``steps``: how many steps were begun."""

    scenario: Scenario
    events: tuple[h.Event, ...]
    violation: Violation | None
    steps: int


@dataclass
class _UnderWay:
    """A request on its way to the server, or a reply on its way to a phone."""

    account: str
    phone: Phone
    seq_cli: int = 0
    operation: int = 0
    rows: tuple[tuple[int, str], ...] = ()


@dataclass
class _Overlapping:
    """A request that has begun and not ended. ``killed``: the server was killed meanwhile.

    ``held``: by the target, half-way; ``behind``: it did not end while a send was held, so it may wait for that.
    """

    event: h.Send | h.Recv
    flight: Flight | None  # None: the request is lost
    lose: Lost
    phone: Phone | None
    killed: bool = False
    held: bool = False
    behind: bool = False


@dataclass
class Play:
    """One scenario under way."""

    line: Line
    profile: Profile
    scenario: Scenario
    prefix: str
    events: list[h.Event] = field(default_factory=list[h.Event])
    violation: Violation | None = None
    steps: int = 0
    phones: dict[tuple[str, str], Phone] = field(default_factory=dict[tuple[str, str], Phone])
    accounts: set[str] = field(default_factory=set[str])
    under_way: dict[str, _UnderWay] = field(default_factory=dict[str, _UnderWay])
    overlapping: dict[str, _Overlapping] = field(default_factory=dict[str, _Overlapping])
    sent: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict[str, list[tuple[str, str, str]]])
    client_ids: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    fresh: int = 0
    bodies: int = 0
    logged_in: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    backed: bool = False
    orders: int = 0  # to fail the next store, that no send has met yet

    # ------------------------------------------------------------ the course of it

    def until_kill(self, *, mark: bool) -> bool:
        """Take steps until the next one is a kill, or the end, or a violation. Returns whether a kill is next.

        ``mark``: say in the history whose steps follow. Raises TargetError, AdapterFault.
        """
        if mark:
            self.event(h.Mark(self.scenario.name))
        while not self.violation and self.steps < len(self.scenario.steps):
            step = self.scenario.steps[self.steps]
            if isinstance(step, sc.Kill):
                return True
            self.steps += 1
            self._take(step)
        self._finish()
        return False

    def killed(self, *events: h.Event) -> None:
        """The kill that comes next was done, for all plays at once; ``events`` are recorded already."""
        self.steps += 1
        self.events += events
        self.logged_in.clear()
        for flying in self.overlapping.values():
            flying.killed = True

    def _finish(self) -> None:
        """Nothing outlives its scenario: what overlaps, who is logged in, an order to fail that no send has met."""
        for name in sorted(self.overlapping, key=lambda name: not self.overlapping[name].held):
            self._end(name)
        shown = len(self.events)
        for account, phone in sorted(self.logged_in):
            self._connect(sc.Logout(phone=phone, account=account))
        if self.violation:
            del self.events[shown:]  # a counterexample ends with its violation
        if self.orders:  # after a violation too: the next scenario must not meet it
            self._request(self._sending(sc.Send(account="spent")), Lost.NOTHING)

    @property
    def played(self) -> Played:
        """What happened so far."""
        return Played(self.scenario, tuple(self.events), self.violation, self.steps)

    def _take(self, step: sc.Step) -> None:
        match step:
            case sc.Send():
                for _ in range(step.count):
                    self._request(self._sending(step), step.lose, kill=step.kill, after=step.after)
                    if self.violation:
                        return
            case sc.Recv():
                self._recv(step)
            case sc.RecvRaw():
                self._raw(step)
            case sc.Drain():
                self._drain(step)
            case sc.Ask():
                phone = self._phone(step.account, step.phone)
                self.under_way[step.request] = _UnderWay(self._account(step.account), phone, phone.seq_cli)
            case sc.Arrive() | sc.Deliver():
                self._late(step)
            case sc.Begin():
                self._begin(step)
            case sc.End():
                self._end(step.request)
            case sc.Preset() | sc.Trim() | sc.FailStore():
                self._administer(step)
            case sc.Backup() | sc.Restore():
                self._back(step)
            case sc.Login() | sc.Logout():
                self._connect(step)
            case sc.Tips():
                self._tips()
            case sc.Kill():
                raise AssertionError("kills are taken by the runner, for all plays at once")

    # ------------------------------------------------------------ requests

    def _sending(self, step: sc.Send) -> h.Send:
        account = self._account(step.account)
        sent = self.sent.setdefault(account, [])
        if step.repeat and len(sent) >= step.age:
            sender, client_id, body = sent[-step.age]
        else:
            self.bodies += 1
            sender, body = step.sender, step.body or f"{self.prefix}.m{self.bodies}"
            self.client_ids[account, sender] += 1
            client_id = f"c{self.client_ids[account, sender]}"
            sent.append((sender, client_id, body))
        return h.Send(self.line.operation(), account, body, sender, client_id)

    def _asking(self, step: sc.Recv) -> tuple[h.Recv, Phone]:
        if step.fresh:
            self.fresh += 1
        phone = self._phone(step.account, f"F{self.fresh}" if step.fresh else step.phone)
        q = phone.seq_cli if step.seq_cli is None else step.seq_cli
        return h.Recv(self.line.operation(), self._account(step.account), phone.name, q), phone

    def _recv(self, step: sc.Recv) -> None:
        event, phone = self._asking(step)
        self._ask(event, phone, step.lose, step.hold, step.kill, step.after)

    def _raw(self, step: sc.RecvRaw) -> None:
        """Any text for a seq_cli. No answer is in doubt here: a malformed one may be answered with anything."""
        account = self._account(step.account)
        event = h.RecvRaw(self.line.operation(), account, step.phone, step.raw)
        self.event(event)
        answer = msgspec.structs.replace(self.line.recv_raw(event, self._whole_name(account)), id=event.id)
        self.event(answer)
        if isinstance(answer, h.Refused) and answer.code is h.Code.UNREACHABLE:
            self.line.notice(answer, armed=False)

    def _drain(self, step: sc.Drain) -> None:
        for _ in range(PAGES_AT_MOST):
            event, phone = self._asking(sc.Recv(phone=step.phone, account=step.account))
            answer = self._ask(event, phone)
            if self.violation or not isinstance(answer, h.Ok) or not answer.rows:
                return

    def _ask(
        self,
        event: h.Recv,
        phone: Phone,
        lose: Lost = Lost.NOTHING,
        hold: str = "",
        kill: Moment = Moment.NEVER,
        after: int = 0,
    ) -> h.Answer:
        answer = self._request(event, Lost.REPLY if hold else lose, kill=kill, after=after)
        if isinstance(answer, h.Ok) and answer.rows:
            if hold:
                self.under_way[hold] = _UnderWay(event.account, phone, event.seq_cli, event.id, answer.rows)
            elif lose is Lost.NOTHING:
                phone.accept(answer.rows)
        return answer

    def _late(self, step: sc.Arrive | sc.Deliver) -> None:
        name = step.request if isinstance(step, sc.Arrive) else step.reply
        item = self.under_way.get(name)
        if item is None:
            return  # an empty or refused reply leaves nothing under way
        if not step.keep:
            del self.under_way[name]
        if isinstance(step, sc.Arrive):
            event = h.Recv(self.line.operation(), item.account, item.phone.name, item.seq_cli)
            self._ask(event, item.phone, step.lose, step.hold)
        else:
            self.event(h.Delivered(item.operation))
            item.phone.accept(item.rows)

    def _request(self, event: h.Send | h.Recv, lose: Lost, *, kill: Moment = Moment.NEVER, after: int = 0) -> h.Answer:
        """One request and its answer, as events; the server is not called when the request is lost."""
        if kill is not Moment.NEVER:
            return self._killed_around(event, lose, kill)
        self.event(event)
        if lose in sc.ON_THE_WIRE:
            return self._broken(event, lose, after)
        account = self._whole_name(event.account)
        if lose is Lost.REQUEST:
            return self._answered(event, LOST, lose, notice=False)
        if self.line.threads and self._holding:
            return self._behind(event, lose, self.line.begin(event, account))
        return self._answered(event, self.line.call(event, account), lose, notice=True)

    def _broken(self, event: h.Send | h.Recv, lose: Lost, after: int) -> h.Answer:
        """A request whose connection breaks. A refusal cannot have been read where not a byte of the reply came."""
        fault = Fault(FaultKind(lose), after)
        self.line.ask("fail_next_reply", cast("Wires", self.line.adapter).fail_next_reply, fault)
        answer = self.line.call(event, self._whole_name(event.account))
        if isinstance(answer, h.Refused) and not after:
            raise AdapterFault(f"the adapter took a connection that broke for a definite refusal: {answer!r:.60}")
        return self._answered(event, answer, lose, notice=False)

    def _behind(self, event: h.Send | h.Recv, lose: Lost, flight: Flight) -> h.Answer:
        """A request beside a held send. A server may make it wait for that send: then it stays under way."""
        if flight.landed(self.line.patience_s):
            return self._answered(event, flight.finish(), lose, notice=True)
        phone = self._phone(event.account, event.phone) if isinstance(event, h.Recv) else None
        self.overlapping[f"behind {event.id}"] = _Overlapping(event, flight, lose, phone, behind=True)
        return h.Indefinite("it waits for a send that is held")

    def _answered(self, event: h.Send | h.Recv, answer: h.Answer, lose: Lost, *, notice: bool) -> h.Answer:
        if isinstance(answer, h.Ok) and lose is Lost.REPLY:
            answer = msgspec.structs.replace(answer, delivered=False)
        answer = msgspec.structs.replace(answer, id=event.id)
        self.event(answer)
        if notice:
            self.line.notice(answer, armed=self.orders > 0)
        if isinstance(answer, h.Refused) and answer.code is h.Code.STORE:
            self.orders = max(0, self.orders - 1)
        return answer

    def _killed_around(self, event: h.Send | h.Recv, lose: Lost, moment: Moment) -> h.Answer:
        """The server is killed before, during or right after a request, and started again."""
        account = self._whole_name(event.account)
        if moment is Moment.BEFORE:
            self.line.kill()
            self.event(h.Kill())
            self.event(event)
            answer = self.line.call(event, account)
            if isinstance(answer, h.Ok):
                raise AdapterFault(f"the adapter answered {answer!r:.60} although it had killed its server")
        elif moment is Moment.DURING:
            self.event(event)
            flight = self.line.begin(event, account)
            self.event(h.Kill())
            self.line.kill()
            answer = flight.finish()
        else:
            self.event(event)
            answer = self.line.call(event, account)
            self.line.kill()
        answer = self._answered(event, answer, lose, notice=False)
        if moment is Moment.AFTER:
            self.event(h.Kill())
        self.line.restart()
        self.event(h.Restart())
        return answer

    # ------------------------------------------------------------ requests that overlap

    def _begin(self, step: sc.Begin) -> None:
        """A request begins and stays open. One of a name that is open ends that first."""
        if step.request in self.overlapping:
            self._end(step.request)
            if self.violation:
                return
        event, phone = (self._sending(step.what), None) if isinstance(step.what, sc.Send) else self._asking(step.what)
        self.event(event)
        account, lost = self._whole_name(event.account), step.what.lose is Lost.REQUEST
        held = step.held and isinstance(event, h.Send) and not lost
        flight = None
        if held:
            flight = self.line.begin_held(cast("h.Send", event), account)
        elif step.what.lose is Lost.HOLD_REPLY:
            flight = self.line.begin_delayed(event, account, step.what.after, self._holding)
        elif not lost:
            flight = self.line.begin(event, account)
        self.overlapping[step.request] = _Overlapping(event, flight, step.what.lose, phone, held=held)

    @property
    def _holding(self) -> bool:
        return any(each.held for each in self.overlapping.values())

    def _end(self, name: str) -> None:
        flying = self.overlapping.pop(name, None)
        if flying is None:
            return
        patience = 0 if flying.held else self.line.patience_s
        if flying.flight and self._holding and not flying.flight.landed(patience):
            self.overlapping[name] = replace(flying, held=False, behind=True)  # it cannot end before the other does
            return
        answer = flying.flight.finish() if flying.flight else LOST
        notice = flying.flight is not None and not flying.killed
        answer = self._answered(flying.event, answer, flying.lose, notice=notice)
        if flying.phone and isinstance(answer, h.Ok) and answer.rows and answer.delivered:
            flying.phone.accept(answer.rows)
        if flying.held:
            self._catch_up()

    def _catch_up(self) -> None:
        """A held send has ended: what had to wait for it ends now, whatever the server let go on first."""
        while not self._holding:
            behind = {name: each.flight for name, each in self.overlapping.items() if each.behind and each.flight}
            if not behind:
                return
            first = (name for name, flight in behind.items() if flight.landed(self.line.patience_s))
            self._end(next(first, next(iter(behind))))

    # ------------------------------------------------------------ what is not a request

    def _administer(self, step: sc.Preset | sc.Trim | sc.FailStore) -> None:
        adapter, ask = self.line.adapter, self.line.ask
        if isinstance(step, sc.FailStore):
            ask("fail_next_store", cast("FailsStore", adapter).fail_next_store)
            self.event(h.FailStore())
            self.orders += 1
            return
        account = self._account(step.account)
        if isinstance(step, sc.Trim):
            ask("trim", cast("Trims", adapter).trim, self._whole_name(account))
            self.event(h.Trim(account))
            return
        seq = start_of(step, self.profile)
        ask("preset_seq", cast("Presets", adapter).preset_seq, self._whole_name(account), seq)
        self.event(h.Preset(account, seq))

    def _back(self, step: sc.Backup | sc.Restore) -> None:
        """A backup, or the way back to it; what was under way is over, as at a kill."""
        adapter = cast("Backups", self.line.adapter)
        if isinstance(step, sc.Backup):
            self.line.ask("backup", adapter.backup)
            self.event(h.Backup())
            self.backed = True
        elif self.backed:
            self.line.ask("restore", adapter.restore)
            self.event(h.Restore())
            for flying in self.overlapping.values():
                flying.killed = True

    def _connect(self, step: sc.Login | sc.Logout) -> None:
        account = self._account(step.account)
        if isinstance(step, sc.Login):
            self.logged_in.add((account, step.phone))
            self.line.login(self._whole_name(account), step.phone)
            self.event(h.Login(account, step.phone))
        else:
            self.logged_in.discard((account, step.phone))
            self.event(h.Logout(account, step.phone))
            self.line.logout(self._whole_name(account), step.phone)

    def _tips(self) -> None:
        """Take the tips of this play's accounts."""
        own = {self._whole_name(account): account for account in sorted(self.accounts)}
        tips = [msgspec.structs.replace(tip, account=own[tip.account]) for tip in self.line.tips(own)]
        if own:  # an event that names no account would speak of those of all scenarios
            self.event(h.Tips(tuple(tips), tuple(own.values())))

    # ------------------------------------------------------------ names and events

    def _account(self, name: str) -> str:
        if name not in self.accounts:
            self.accounts.add(name)
            self.line.ask("reset", self.line.adapter.reset, self._whole_name(name))
        return name

    def _phone(self, account: str, name: str) -> Phone:
        self._account(account)
        return self.phones.setdefault((account, name), Phone(name, self.profile.before_first))

    def event(self, event: h.Event) -> None:
        """Record an event, and let the judges see it under the account's full name."""
        self.events.append(event)
        whole = event
        if isinstance(event, h.Send | h.Recv | h.RecvRaw | h.Preset | h.Trim | h.Login | h.Logout):
            whole = msgspec.structs.replace(event, account=self._whole_name(event.account))
        elif isinstance(event, h.Tips):
            tips = (msgspec.structs.replace(tip, account=self._whole_name(tip.account)) for tip in event.tips)
            whole = h.Tips(tuple(tips), tuple(map(self._whole_name, event.accounts)))
        violation = self.line.event(whole)
        if violation and self.violation is None:
            self.violation = violation

    def _whole_name(self, account: str) -> str:
        return f"{self.prefix}-{account}"


LOST = h.Refused(h.Code.UNREACHABLE, detail="lost on its way")


def start_of(step: sc.Preset, profile: Profile) -> int:
    """The seq_svr that a preset asks for."""
    return step.seq if step.below_top is None else profile.seq_max - step.below_top


def side_by_side(scenario: Scenario) -> bool:
    """Whether a scenario can be played beside others: it kills in steps of their own, which all can share.

    A store that is to fail fails whichever send comes next, so that nothing may come in between. A restore takes all
    accounts back.
    """
    kinds = {type(step) for step in scenario.steps}
    around = any(isinstance(s, sc.Send | sc.Recv) and s.kill is not Moment.NEVER for s in scenario.steps)
    return not around and sc.Restore not in kinds and not kinds >= {sc.Kill, sc.FailStore}


def in_groups(scenarios: list[Scenario], size: int) -> Iterator[list[Scenario]]:
    """Groups of at most ``size`` that are played together, in order; what must be played alone is alone."""
    group: list[Scenario] = []
    for scenario in scenarios:
        if group and (len(group) >= size or not side_by_side(scenario) or not side_by_side(group[0])):
            yield group
            group = []
        group.append(scenario)
    if group:
        yield group
