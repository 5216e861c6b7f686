"""Requests that overlap: schedules are exact where the target holds sends, and sound where threads run."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from seqproof_conformance import overlaps
from seqproof_conformance.adapter import AdapterFault, Hello
from seqproof_conformance.line import BLOCKED_S, BLOCKED_TIMES
from seqproof_conformance.play import in_groups
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model import scenario as sc
from seqproof_model.hello import Capability
from seqproof_model.history import Answer, Indefinite, Ok, Refused
from seqproof_model.scenario import Begin, End, Moment, Scenario
from seqproof_reference import faulty
from seqproof_reference.core import Core

Build = Callable[..., Any]
S1, S2 = Begin("s1", held=True), Begin("s2", held=True)
A, SEND = sc.Recv(), sc.Send()


def kinds(events: tuple[h.Event, ...]) -> list[str]:
    return [type(event).__name__ for event in events if not isinstance(event, h.Mark)]


def test_a_held_send_is_open_until_its_end(bench: Build) -> None:
    events = bench("mutant:AT_COMMIT").runner.play(Scenario("t", (S1, SEND, A, End("s1"), A))).events
    assert kinds(events) == ["Send", "Send", "Ok", "Recv", "Ok", "Ok", "Recv", "Ok"]
    assert [event.seq for event in events if isinstance(event, Ok) and event.rows is None] == [1, 2]
    assert [event.id for event in events if isinstance(event, Ok)] == [2, 3, 1, 4]


def test_what_is_never_ended_is_ended_with_its_scenario(bench: Build) -> None:
    events = bench("mutant:AT_COMMIT").runner.play(Scenario("t", (S1, S2))).events
    assert kinds(events) == ["Send", "Send", "Ok", "Ok"]


def test_an_end_of_nothing_is_nothing_and_a_name_used_again_ends_the_first(bench: Build) -> None:
    events = bench("mutant:AT_COMMIT").runner.play(Scenario("t", (End("s1"), S1, S1, End("s1")))).events
    assert kinds(events) == ["Send", "Ok", "Send", "Ok"]


def test_a_kill_leaves_a_held_send_open_and_that_is_no_doubt_about_the_run(bench: Build) -> None:
    made = bench("mutant:AT_COMMIT")
    events = made.runner.play(Scenario("t", (S1, sc.Kill(), End("s1"), A))).events
    assert kinds(events) == ["Send", "Kill", "Restart", "Indefinite", "Recv", "Ok"]
    assert made.runner.line.doubts.unanswered == 0


def test_the_reply_of_an_overlapping_recv_reaches_its_phone_at_its_end(bench: Build) -> None:
    class Threads(Core):
        def hello(self) -> Hello:
            return Hello("t", super().hello().capabilities | {Capability.OVERLAP})

    steps = (SEND, Begin("A1", A), SEND, End("A1"), A)
    events = bench(Threads()).runner.play(Scenario("t", steps)).events
    asked = [event.seq_cli for event in events if isinstance(event, h.Recv)]
    assert asked[0] == 0
    assert asked[1] in (1, 2)  # the thread may have run before the second send, or after it


@pytest.mark.parametrize("name", ["AT_COMMIT", "HORIZON"])
def test_a_correct_server_passes_every_schedule(bench: Build, name: str) -> None:
    runner = bench(f"mutant:{name}").runner
    playable = [scenario for scenario in overlaps.scenarios() if not runner.why_not(scenario)]
    assert len(playable) > 200
    for group in in_groups(playable, 100):
        assert [played.violation for played in runner.play_together(group) if played.violation] == []


@pytest.mark.parametrize("name", ["ALLOC_BEFORE_VISIBLE", "ALLOC_RACE", "TWO_ALLOCATORS"])
def test_an_overlapping_fault_is_caught_in_the_same_way_each_time(bench: Build, name: str) -> None:
    def found() -> list[tuple[str, str]]:
        runner = bench(f"mutant:{name}").runner
        plays = (runner.play(scenario) for scenario in overlaps.held(kills=False))
        return [(played.scenario.name, played.violation.requirement) for played in plays if played.violation]

    once = found()
    assert once
    assert once == found()
    assert {requirement for _, requirement in once} <= faulty.find(name).expected


MOMENTS = {
    Moment.BEFORE: ["Kill", "Send", "Refused", "Restart"],
    Moment.AFTER: ["Send", "Ok", "Kill", "Restart"],
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_falls_where_it_is_told_to(bench: Build, moment: Moment) -> None:
    events = bench("mutant:CORRECT").runner.play(Scenario("t", (sc.Send(kill=moment), A))).events
    assert kinds(events) == [*MOMENTS[moment], "Recv", "Ok"]


def test_a_kill_during_a_request_leaves_either_outcome(bench: Build) -> None:
    with opened("reference") as (adapter, _):
        for _ in range(3):
            events = bench(adapter).runner.play(Scenario("t", (sc.Send(kill=Moment.DURING), A))).events
            assert kinds(events)[:2] == ["Send", "Kill"]
            assert isinstance(events[3], Ok | Indefinite | Refused)


def test_an_adapter_that_answers_for_a_dead_server_is_at_fault(bench: Build) -> None:
    class Liar(Core):
        def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
            self.up = True
            return super().send(account, sender, client_id, body)

    with pytest.raises(AdapterFault, match="although it had killed its server"):
        bench(Liar()).runner.play(Scenario("t", (sc.Send(kill=Moment.BEFORE),)))


def at_random(rng: random.Random) -> Scenario:
    """Up to five requests under way at once, beginning and ending in any order, with plain ones in between."""
    steps: list[sc.Step] = [sc.Send(count=rng.randint(1, 3))]
    begun: list[str] = []
    for number in range(rng.randint(3, 8)):
        begun.append(f"o{number}")
        what: list[sc.Send | sc.Recv] = [SEND, SEND, A, sc.Recv(phone="B"), sc.Recv(lose=sc.Lost.REPLY)]
        steps += [Begin(begun[-1], rng.choice(what)), *rng.sample(what, rng.randint(0, 2))]
        while begun and rng.random() < 0.4:
            steps.append(End(begun.pop(rng.randrange(len(begun)))))
    rng.shuffle(begun)
    return Scenario("random", (*steps, *map(End, begun), *overlaps.TAIL))


def test_200_random_overlapping_runs_on_the_reference_raise_no_alarm(bench: Build) -> None:
    rng = random.Random(11)
    with opened("reference") as (adapter, _):
        made = bench(adapter)
        for played in made.runner.play_together([at_random(rng) for _ in range(200)]):
            assert played.violation is None, played.scenario.notation()
    open_now = at_most = 0
    for event in made.recorded:
        open_now += isinstance(event, h.Send | h.Recv) - isinstance(event, Ok | Refused | Indefinite)
        at_most = max(at_most, open_now)
    assert at_most >= 5


class RowLock(Core):
    """A server whose held send holds a lock of the account: what comes later waits for it, as in a database."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.waited = 0

    def hello(self) -> Hello:
        return Hello("t", super().hello().capabilities | {Capability.OVERLAP, Capability.BEGIN_SEND})

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        return self.commit_send(self.begin_send(account, sender, client_id, body))

    def begin_send(self, *words: str) -> tuple[str, ...]:
        self.waited += self.lock.locked()
        assert self.lock.acquire(timeout=20)
        return words

    def commit_send(self, begun: tuple[str, ...]) -> Answer:
        try:
            return super().send(*begun)
        finally:
            self.lock.release()


@pytest.mark.parametrize("between", [(SEND,), (SEND, A, SEND), (S2, End("s2")), (S2, SEND), (SEND, S2, SEND, A)])
def test_what_a_held_send_makes_wait_goes_on_when_it_ends(bench: Build, between: tuple[sc.Step, ...]) -> None:
    server = RowLock()
    made = bench(server)
    played = made.runner.play(Scenario("t", (S1, *between, End("s1"), *overlaps.TAIL)))
    assert played.violation is None
    assert server.waited > 0
    assert made.runner.line.doubts.unanswered == 0
    count = Counter(kinds(played.events))
    assert count["Ok"] == count["Send"] + count["Recv"]


def test_a_reply_that_is_delayed_lets_others_in_and_ends_with_its_request(bench: Build) -> None:
    steps = (
        sc.Send(count=2),
        A,
        Begin("late", sc.Recv(lose=sc.Lost.HOLD_REPLY)),
        SEND,
        sc.Recv(phone="B"),
        End("late"),
    )
    assert Scenario("t", steps).notation() == "s*2 A late[A/d s B ]late"
    assert Scenario("t", steps).needs == {"overlap", "wire"}
    with opened("reference") as (adapter, _):
        played = bench(adapter).runner.play(Scenario("t", (*steps, A)))
    assert played.violation is None
    answers = [event for event in played.events if isinstance(event, Ok)]
    assert [answer.id for answer in answers] == [1, 2, 3, 5, 6, 4, 7], "the delayed reply comes last"
    assert [len(answer.rows) for answer in answers if answer.rows is not None] == [2, 1, 0, 1]


def test_only_a_request_that_begins_can_be_delayed() -> None:
    alone = sc.encode(Scenario("t", (sc.Recv(lose=sc.Lost.HOLD_REPLY),)))
    with pytest.raises(sc.ScenarioError, match="A/d: only a request of a begin step"):
        sc.decode(alone)


@pytest.mark.parametrize("target", ["reference", "valkey:aof=yes"])
def test_a_connection_that_breaks_anywhere_or_delays_fails_no_correct_server(bench: Build, target: str) -> None:
    with opened(target) as (adapter, _):
        made = bench(adapter)
        for scenario in overlaps.on_the_wire():
            assert made.runner.play(scenario).violation is None, scenario.notation()
        assert made.runner.line.doubts.unanswered == 0
    lost = [event for event in made.recorded if isinstance(event, Indefinite)]
    assert len(lost) >= 12, "at least every fault before the first byte and after it"


@pytest.mark.parametrize("text", ["s1{ s ]s1", "s1{ s A ]s1 A"])
def test_scheduled_overlap_reads_as_in_the_catalogue(text: str) -> None:
    steps: dict[str, sc.Step] = {"s1{": S1, "s": SEND, "A": A, "]s1": End("s1")}
    assert Scenario("t", tuple(steps[word] for word in text.split())).notation() == text


def test_patience_with_a_request_that_may_be_blocked_grows_with_what_requests_take(bench: Build) -> None:
    line = bench("mutant:CORRECT").runner.line
    assert line.patience_s == BLOCKED_S  # nothing is known yet
    line.calling_s, line.calls = 0.006, 3
    assert line.patience_s == pytest.approx(BLOCKED_TIMES * 0.002)
    line.calling_s, line.calls = 9.0, 3
    assert line.patience_s == BLOCKED_S
