"""The runner: takes a scenario's steps with a real target. The only impure place between a scenario and its history.

It plays the phones and the network itself and speaks to the target through its adapter. So a lost reply is: call the
server, keep the answer from the phone. A lost request is: do not call. Both are exact and the same for every transport.
Every event goes to ``record`` (the history on disk) and to the judges before the next step begins. Requests go out one
at a time; a request begins, for the history, when it reaches the server.

Whose fault is it? An answer that no conforming server gives is the *server's*. An adapter that raises, or that returns
what is no answer, is the *adapter's* (``AdapterFault``). A server that is gone although nobody killed it, or cannot be
started, is the *environment's* (``TargetError``). Anything else is the *kit's*.
Source: docs/architecture.md; docs/protocol.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import msgspec

from seqproof_conformance.adapter import (
    Adapter,
    AdapterFault,
    FailsStore,
    Hello,
    Kills,
    Presets,
    Talks,
    TargetError,
    Trims,
)
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile
from seqproof_model.scenario import Lost, Scenario
from seqproof_model.verdict import Violation

PAGES_AT_MOST = 10_000  # a drain that goes on longer is a server that never ends
SILENT_AT_MOST = 8  # requests in a row without a definite answer; each may have cost a timeout


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
class Runner:
    """Plays scenarios one after another on one target, each on accounts of its own.

    ``token`` makes account names unique on a server that keeps them. ``judges[0]`` decides; the others only watch.
    """

    adapter: Adapter
    hello: Hello
    profile: Profile
    judges: list[Judge]
    record: Callable[[h.Event], None]
    token: str = "t"  # noqa: S105 - part of account names, no secret
    operations: int = 0
    scenarios: int = 0
    requests: int = 0
    silent: int = 0
    unanswered: int = 0
    store_failures: int = 0
    last_why: str = ""

    def why_not(self, scenario: Scenario) -> str:
        """Why the steps cannot be taken on this target under this profile, or ""."""
        missing = sorted(scenario.needs - {str(capability) for capability in self.hello.capabilities})
        if missing:
            return f"the target does not declare {', '.join(missing)}"
        low, high = self.profile.before_first, self.profile.seq_max
        for step in scenario.steps:
            if isinstance(step, sc.Preset) and not low <= self.start_of(step) <= high:
                return f"{sc.notation(step)} lies outside {low}..{high}, where seq_svr can be"
        return ""

    def notice(self, answer: h.Answer, *, armed: bool) -> None:
        """Count what the evidence cannot decide: no answer, or a failing store that nobody made fail."""
        silent = isinstance(answer, h.Indefinite)
        self.silent = self.silent + 1 if silent else 0
        self.unanswered += silent
        if isinstance(answer, h.Indefinite):
            self.last_why = answer.why
        self.store_failures += isinstance(answer, h.Refused) and answer.code is h.Code.STORE and not armed

    def undecided(self) -> list[str]:
        """What happened that no verdict can be built on, a line each."""
        lines: list[str] = []
        if self.unanswered:
            lines.append(
                f"{self.unanswered} of {self.requests} requests had no definite answer, the last: {self.last_why}"
            )
        if self.store_failures:
            lines.append(
                f"{self.store_failures} of {self.requests} requests were refused by a store that nobody made fail"
            )
        return lines

    def start_of(self, step: sc.Preset) -> int:
        """The seq_svr that a preset asks for."""
        return step.seq if step.below_top is None else self.profile.seq_max - step.below_top

    def play(self, scenario: Scenario) -> Played:
        """Take the steps until the end or the first violation. Raises TargetError, AdapterFault."""
        self.scenarios += 1
        play = _Play(self, scenario, f"{self.token}-{self.scenarios}")
        play.event(h.Mark(scenario.name))
        taken = 0
        for step in scenario.steps:
            taken += 1
            play.take(step)
            if play.violation:
                break
        return Played(scenario, tuple(play.events), play.violation, taken)


@dataclass
class _UnderWay:
    """A request on its way to the server, or a reply on its way to a phone."""

    account: str
    phone: Phone
    seq_cli: int = 0
    operation: int = 0
    rows: tuple[tuple[int, str], ...] = ()


@dataclass
class _Play:
    """One scenario under way. Names in the history are the scenario's own; ``prefix`` makes them the server's."""

    runner: Runner
    scenario: Scenario
    prefix: str
    events: list[h.Event] = field(default_factory=list[h.Event])
    violation: Violation | None = None
    phones: dict[tuple[str, str], Phone] = field(default_factory=dict[tuple[str, str], Phone])
    accounts: set[str] = field(default_factory=set[str])
    under_way: dict[str, _UnderWay] = field(default_factory=dict[str, _UnderWay])
    sent: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict[str, list[tuple[str, str, str]]])
    client_ids: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    fresh: int = 0
    bodies: int = 0
    store_armed: bool = False

    def take(self, step: sc.Step) -> None:
        match step:
            case sc.Send():
                for _ in range(step.count):
                    self._send(step)
                    if self.violation:
                        return
            case sc.Recv():
                self._recv(step)
            case sc.Drain():
                self._drain(step)
            case sc.Ask():
                phone = self._phone(step.account, step.phone)
                self.under_way[step.request] = _UnderWay(self._account(step.account), phone, phone.seq_cli)
            case sc.Arrive() | sc.Deliver():
                self._late(step)
            case sc.Kill():
                self._kill()
            case sc.Preset() | sc.Trim() | sc.FailStore():
                self._administer(step)

    # ------------------------------------------------------------ requests

    def _send(self, step: sc.Send) -> None:
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
        event = h.Send(self._operation(), account, body, sender, client_id)
        self._request(event, step.lose)

    def _recv(self, step: sc.Recv) -> None:
        if step.fresh:
            self.fresh += 1
        phone = self._phone(step.account, f"F{self.fresh}" if step.fresh else step.phone)
        q = phone.seq_cli if step.seq_cli is None else step.seq_cli
        self._ask(self._account(step.account), phone, q, step.lose, step.hold)

    def _drain(self, step: sc.Drain) -> None:
        phone = self._phone(step.account, step.phone)
        for _ in range(PAGES_AT_MOST):
            answer = self._ask(self._account(step.account), phone, phone.seq_cli)
            if self.violation or not isinstance(answer, h.Ok) or not answer.rows:
                return

    def _ask(self, account: str, phone: Phone, q: int, lose: Lost = Lost.NOTHING, hold: str = "") -> h.Answer:
        event = h.Recv(self._operation(), account, phone.name, q)
        answer = self._request(event, Lost.REPLY if hold else lose)
        if isinstance(answer, h.Ok) and answer.rows:
            if hold:
                self.under_way[hold] = _UnderWay(account, phone, q, event.id, answer.rows)
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
            self._ask(item.account, item.phone, item.seq_cli, step.lose, step.hold)
        else:
            self.event(h.Delivered(item.operation))
            item.phone.accept(item.rows)

    def _request(self, event: h.Send | h.Recv, lose: Lost) -> h.Answer:
        """One request and its answer, as events; the server is not called when the request is lost."""
        self.event(event)
        if lose is Lost.REQUEST:
            answer: h.Answer = h.Refused(h.Code.UNREACHABLE, detail="lost on its way")
        else:
            answer = self._call(event)
            if isinstance(answer, h.Ok) and lose is Lost.REPLY:
                answer = msgspec.structs.replace(answer, delivered=False)
        answer = msgspec.structs.replace(answer, id=event.id)
        self.event(answer)
        if lose is not Lost.REQUEST:
            self._alive(answer)
        return answer

    def _alive(self, answer: h.Answer) -> None:
        """A server that is gone, or hangs, ends the run; the history has its last answer. Raises TargetError."""
        if isinstance(answer, h.Refused) and answer.code is h.Code.UNREACHABLE:
            raise TargetError(f"the server refuses connections, though nobody killed it{_tail(self.runner.adapter)}")
        self.runner.notice(answer, armed=self.store_armed)
        if isinstance(answer, h.Indefinite) and self.runner.silent >= SILENT_AT_MOST:
            what = f"{SILENT_AT_MOST} requests in a row had no definite answer, the last: {answer.why}"
            raise TargetError(f"the server hangs: {what}{_tail(self.runner.adapter)}")

    def _call(self, event: h.Send | h.Recv) -> h.Answer:
        adapter = self.runner.adapter
        self.runner.requests += 1
        account = f"{self.prefix}-{event.account}"
        if isinstance(event, h.Send):
            words: tuple[object, ...] = (account, event.sender, event.client_id, event.body)
            answer = self._ask_of("send", adapter.send, *words)
        else:
            answer = self._ask_of("recv", adapter.recv, account, event.phone, event.seq_cli)
        return _checked(answer, event)

    # ------------------------------------------------------------ what is not a request

    def _kill(self) -> None:
        adapter = cast("Kills", self.runner.adapter)
        self.event(h.Kill())
        self._ask_of("kill", adapter.kill)
        self._ask_of("restart", adapter.restart)
        self.event(h.Restart())

    def _ask_of(self, name: str, call: Callable[..., object], *words: object) -> object:
        """Call the adapter; what it raises is the adapter's fault, unless it says that it is the environment's."""
        try:
            return call(*words)
        except (TargetError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise AdapterFault(f"the adapter's {name} raised {type(error).__name__}: {error}") from error

    def _administer(self, step: sc.Preset | sc.Trim | sc.FailStore) -> None:
        adapter = self.runner.adapter
        if isinstance(step, sc.FailStore):
            self._ask_of("fail_next_store", cast("FailsStore", adapter).fail_next_store)
            self.event(h.FailStore())
            self.store_armed = True
            return
        account = self._account(step.account)
        if isinstance(step, sc.Trim):
            self._ask_of("trim", cast("Trims", adapter).trim, f"{self.prefix}-{account}")
            self.event(h.Trim(account))
            return
        seq = self.runner.start_of(step)
        self._ask_of("preset_seq", cast("Presets", adapter).preset_seq, f"{self.prefix}-{account}", seq)
        self.event(h.Preset(account, seq))

    # ------------------------------------------------------------ names and events

    def _operation(self) -> int:
        self.runner.operations += 1
        return self.runner.operations

    def _account(self, name: str) -> str:
        if name not in self.accounts:
            self.accounts.add(name)
            self._ask_of("reset", self.runner.adapter.reset, f"{self.prefix}-{name}")
        return name

    def _phone(self, account: str, name: str) -> Phone:
        self._account(account)
        return self.phones.setdefault((account, name), Phone(name, self.runner.profile.before_first))

    def event(self, event: h.Event) -> None:
        """Record an event, and let the judges see it under the account's full name."""
        self.events.append(event)
        whole = self._whole(event)
        self.runner.record(whole)
        first, *others = self.runner.judges
        violation = first.feed(whole)
        for judge in others:
            judge.feed(whole)
        if violation and self.violation is None:
            self.violation = violation

    def _whole(self, event: h.Event) -> h.Event:
        if isinstance(event, h.Send | h.Recv | h.Preset | h.Trim):
            return msgspec.structs.replace(event, account=f"{self.prefix}-{event.account}")
        return event


def _checked(answer: object, event: h.Send | h.Recv) -> h.Answer:
    """The answer, if it is one; else the adapter is at fault."""
    name = "send" if isinstance(event, h.Send) else "recv"
    if not isinstance(answer, h.Ok | h.Refused | h.Indefinite):
        raise AdapterFault(f"the adapter's {name} returned {answer!r:.60}; it must return Ok, Refused or Indefinite")
    try:
        checked = msgspec.convert(msgspec.structs.asdict(answer), type(answer))
        h.encode(checked)
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError) as error:
        raise AdapterFault(f"the adapter's {name} returned a malformed {type(answer).__name__}: {error}") from None
    if name == "recv" and isinstance(checked, h.Ok) and checked.rows is None:
        raise AdapterFault("the adapter's recv returned Ok without rows; nothing due is rows=()")
    return checked


def _tail(adapter: Adapter) -> str:
    words = adapter.last_words() if isinstance(adapter, Talks) else []
    return f"; its last words: {words[-1]}" if words else ""
