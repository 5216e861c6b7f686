"""The quotient is that of the explored model, its tours take all of it, and what a run took is counted as it was."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from seqproof_conformance import quotient
from seqproof_conformance.adapter import Adapter
from seqproof_conformance.campaign import campaign
from seqproof_conformance.quotient import Move, Node, Taken, Transition, tours, transitions
from seqproof_conformance.runner import Played, Runner
from seqproof_model import history as h
from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines.state_space import StateSpace, all_states
from seqproof_model.network import CORRECT
from seqproof_model.profile import Profile, find
from seqproof_model.scenario import Preset, Scenario
from seqproof_model.scope import Scope
from seqproof_model.script import events
from seqproof_model.state import Channel
from seqproof_reference import faulty
from seqproof_reference.core import Core

Build = Callable[..., Any]
KILL = frozenset({"kill"})
STRICT = find("strict")
SMALL = Profile("small", first_seq=5, seq_max=7)
PROFILES = {"strict": STRICT, "gappy": find("gappy"), "first_seq 100": Profile("later", first_seq=100), "small": SMALL}


# ---------------------------------------------------------------- it is the quotient of the model's graph


@cache
def explored(scope: Scope) -> StateSpace:
    return all_states(Bounded(CORRECT, scope))


def projected(scope: Scope, messages: int) -> set[Transition]:
    """The steps of an explored model, with no restore before them, as one account's server sees them."""
    space = explored(scope)
    svr, confirmed = (space.columns[name].tolist() for name in ("svr", "confirmed"))
    marks = [Node(*pair) for pair in zip(svr, confirmed, strict=True)]
    sources: list[int] = space.graph.source.tolist()
    targets: list[int] = space.graph.target.tolist()
    labels: list[int] = space.graph.label.tolist()
    edges = [(s, t, space.instances[label]) for s, t, label in zip(sources, targets, labels, strict=True)]
    edges = [edge for edge in edges if edge[2].action.name != "restore"]
    reached, before, found = {0}, 0, set[Transition]()
    while before != len(reached):  # a state may be reached from one that comes after it
        before = len(reached)
        reached |= {target for source, target, _ in edges if source in reached}
    for source, target, instance in edges:
        at, seen = marks[source], as_seen(space, source, instance) if source in reached else None
        if seen and at.svr <= messages and (seen[0] is not Move.SEND or at.svr < messages):
            found.add(Transition(at, *seen, marks[target]))
    return found


def as_seen(space: StateSpace, state: int, instance: Instance) -> tuple[Move, int] | None:
    """What the server sees of a step; None where it sees nothing, or what no phone that counts could ask."""
    match instance.action.effect:
        case "send":
            return Move.SEND, 0
        case "crash":
            return Move.KILL, 0
        case "serve":
            content: list[Any] = space.bounded.slots(space.number(state), Channel.REQUESTS, instance.phone)
            return Move.RECV, content[instance.slot or 0][1].seq_cli
        case "refuse" if instance.literal == space.number(state)["svr"] + 1:
            return Move.RECV, space.number(state)["svr"] + 1
        case _:
            return None


def ahead(taken: Transition) -> bool:
    return taken.move is Move.RECV and taken.seq_cli > taken.source.svr


def test_two_phones_and_a_crash_have_the_same_transitions() -> None:
    model = projected(Scope(phones=2, messages=3, crash=True), 3)
    assert model == {t for t in transitions(3, kill=True) if not ahead(t)}


def test_one_phone_with_late_requests_has_them_too() -> None:
    model = projected(Scope(phones=1, messages=2, slots=2), 2)
    assert model == {t for t in transitions(2, kill=False) if not ahead(t)}


def test_one_phone_with_one_request_never_asks_below_what_is_confirmed() -> None:
    model = projected(Scope(phones=1, messages=3), 3)
    below = {t for t in transitions(3, kill=False) if t.move is Move.RECV and t.seq_cli < t.source.confirmed}
    assert model == {t for t in transitions(3, kill=False) if not ahead(t)} - below


def test_requests_from_nowhere_have_those_that_are_ahead() -> None:
    """The model has a message more, so that seq_svr + 1 can be asked for at 2 of 2."""
    model = projected(Scope(phones=1, messages=3, crash=True, restore=True), 2)
    assert {t for t in model if ahead(t)} == {t for t in transitions(2, kill=True) if ahead(t)}


def test_a_full_space_refuses_sends_and_nobody_can_be_ahead_of_it() -> None:
    full = {t for t in transitions(2, kill=False, space=2) if t.source.svr == 2}
    assert {t.target for t in full if t.move is Move.SEND} == {Node(2, 0), Node(2, 1), Node(2, 2)}
    assert not any(ahead(t) for t in full)


def test_it_is_as_large_as_can_be_counted_by_hand() -> None:
    """(m + 1)(m + 2) / 2 nodes; recvs: svr + 2 at each; sends at all but the last m + 1 nodes."""
    for m in range(1, 6):
        nodes = [(svr, confirmed) for svr in range(m + 1) for confirmed in range(svr + 1)]
        expected = sum(svr + 2 for svr, _ in nodes) + len(nodes) - (m + 1)
        assert len(transitions(m, kill=False)) == expected
        assert len(transitions(m, kill=True)) == expected + len(nodes)


def test_less_than_a_message_is_refused() -> None:
    with pytest.raises(ValueError, match="0 messages are too few"):
        transitions(0, kill=False)


# ---------------------------------------------------------------- tours


def played(
    bench: Build, target: str | Adapter, scenarios: list[Scenario], profile: Profile
) -> tuple[Taken, list[Played]]:
    made = bench(target, profile)
    plays = [made.runner.play(scenario) for scenario in scenarios]
    taken = Taken(profile)
    for event in made.recorded:
        taken.feed(event)
    return taken, plays


def server(profile: Profile, **words: Any) -> Core:
    """The correct server, in a space of its own."""
    made = Core(**words)
    made.base, made.seq_max = profile.before_first, profile.seq_max
    return made


@pytest.mark.parametrize("send_seq", [True, False])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_tours_take_every_transition(bench: Build, profile: str, send_seq: bool) -> None:
    chosen = PROFILES[profile]
    scenarios = tours(chosen, KILL)
    taken, plays = played(bench, server(chosen, send_seq=send_seq), scenarios, chosen)
    assert not any(play.violation for play in plays)
    if not chosen.gaps or send_seq:  # where seqs may be skipped and are not told, no mark is certain
        n, m = taken.of(kill=True)
        assert n == m > 40
        assert taken.of(kill=False)[0] == taken.of(kill=False)[1] < m


def test_without_the_capability_no_tour_kills(bench: Build) -> None:
    scenarios = tours(STRICT, frozenset())
    assert not any(scenario.needs for scenario in scenarios)
    taken, _ = played(bench, "mutant:CORRECT", scenarios, STRICT)
    n, m = taken.of(kill=False)
    assert n == m == 46
    assert taken.of(kill=True) == (46, 56)


def test_no_fewer_walks_would_do() -> None:
    """No walk takes two of these: each leads to a node that the target of no other one reaches."""
    apart = [t for t in transitions(3, kill=False) if t.move is Move.SEND and t.source != t.target]
    apart += [t for t in transitions(3, kill=False) if t.target.confirmed > t.source.confirmed]

    def leads(a: Node, b: Node) -> bool:
        return a.svr <= b.svr and a.confirmed <= b.confirmed

    def together(a: Transition, b: Transition) -> bool:
        return leads(a.target, b.source) or leads(b.target, a.source)

    widest = max((len(chosen) for bits in range(1 << len(apart)) if (chosen := pick(apart, bits, together))), default=0)
    assert len(tours(STRICT, KILL)) == len(tours(STRICT, ())) == widest


def pick(items: list[Transition], bits: int, together: Callable[[Transition, Transition], bool]) -> list[Transition]:
    """The items of a bit mask, if no two of them go together, else none."""
    chosen: list[Transition] = []
    for number, item in enumerate(items):
        if bits >> number & 1:
            if any(together(item, other) for other in chosen):
                return []
            chosen.append(item)
    return chosen


@pytest.mark.parametrize("target", ["mutant:CORRECT", "mutant:CORRECT_PAGED", "mutant:AHEAD_EMPTY"])
def test_a_tour_observes_what_it_says(bench: Build, target: str) -> None:
    for scenario in tours(STRICT, KILL):
        runner: Runner = bench(target).runner
        assert runner.play(scenario).violation is None
        seen = {name for name, count in runner.judges[0].counts.items() if count}
        assert set(scenario.observes) <= seen
        assert scenario.title


CAUGHT = [
    "ACK_ON_REPLY",
    "NO_CONFIRMED",
    "LAST_WRITER_ACK",
    "CLAMP_CONFIRMS",
    "VOLATILE_SEQ",
    "VOLATILE_CONFIRM",
    "VOLATILE_TAIL",
    "STEP_JUMP",
]


@pytest.mark.parametrize("mutant", CAUGHT)
def test_tours_find_faults(bench: Build, mutant: str) -> None:
    violations = [bench(f"mutant:{mutant}").runner.play(s).violation for s in tours(STRICT, KILL)]
    assert {v.requirement for v in violations if v} & faulty.find(mutant).expected


# ---------------------------------------------------------------- what a run took


class Witness(Core):
    """The correct server, which writes down what it really went through: the independent count."""

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.seen: set[tuple[Node, Move, int, Node]] = set()
        self.kills, self.heard = 0, dict[str, int]()

    def _marks(self, account: str) -> Node:
        inbox = self.inbox(account)
        return Node(inbox.svr - self.base, inbox.confirmed - self.base)

    def _note(self, account: str, move: Move, seq_cli: int, call: Callable[[], h.Answer]) -> h.Answer:
        before = self._marks(account)
        if self.heard.get(account, self.kills) != self.kills:
            self.seen.add((before, Move.KILL, 0, before))
        self.heard[account] = self.kills
        answer, after = call(), self._marks(account)
        if move is Move.RECV or after != before:  # no repeat, and no store that failed
            self.seen.add((before, move, seq_cli, after))
        return answer

    def send(self, account: str, sender: str, client_id: str, body: str) -> h.Answer:
        say = super().send
        return self._note(account, Move.SEND, 0, lambda: say(account, sender, client_id, body))

    def recv(self, account: str, phone: str, seq_cli: int) -> h.Answer:
        say = super().recv
        return self._note(account, Move.RECV, seq_cli - self.base, lambda: say(account, phone, seq_cli))

    def on_kill(self) -> None:
        self.kills += 1

    def within(self, messages: int) -> set[Transition]:
        """What lies in the quotient of so many messages."""
        found = set(transitions(messages, kill=True))
        return {t for seen in self.seen if (t := Transition(*seen)) in found}


@pytest.mark.parametrize("number", range(4))
def test_it_counts_what_the_server_really_went_through(bench: Build, number: int) -> None:
    witness = Witness()
    made, taken = bench(witness, STRICT), Taken(STRICT)

    def play(scenario: Scenario) -> Played:
        steps = tuple(step for step in scenario.steps if not isinstance(step, Preset))
        done: Played = made.runner.play(Scenario("campaign", steps))
        return done

    campaign(witness.hello(), STRICT, play, lambda _played: None, number=number, plain=30, with_kills=10)
    for event in made.recorded:
        taken.feed(event)
    assert taken.taken == witness.within(3)
    assert len(taken.taken) > 15


def counted(text: str, profile: Profile = STRICT) -> list[str]:
    taken = Taken(profile)
    for event in events(text):
        taken.feed(event)
    return sorted(map(str, taken.taken))


A_SEND, AN_ASK = "(0, 0) send → (1, 0)", "(0, 0) recv 0 → (0, 0)"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("s a =1", [A_SEND]),
        ("s a =", [A_SEND]),
        ("s a =1 ~", [A_SEND]),
        ("s a =1; A 1 :", [A_SEND, "(1, 0) recv 1 → (1, 1)"]),
        ("s a =1; A 1 : ~", [A_SEND, "(1, 0) recv 1 → (1, 1)"]),
        ("A 1 !ahead", ["(0, 0) recv 1 → (0, 0)"]),
        ("A 1 :", ["(0, 0) recv 1 → (0, 0)"]),
        ("A 0 :; y/A 0 :; s a =1", [AN_ASK, A_SEND]),
        ("A 0 :; kill; A 0 :", ["(0, 0) kill → (0, 0)", AN_ASK]),
        ("1( s a; y/A 0 :; 1) =1; A 0 : 1a", [AN_ASK, A_SEND, "(1, 0) recv 0 → (1, 0)"]),
    ],
)
def test_a_transition_that_was_surely_taken_counts(text: str, taken: list[str]) -> None:
    assert counted(text) == sorted(taken)


@pytest.mark.parametrize(
    "text",
    [
        "s a ?; s b =2; A 0 : 1a 2b",  # it may have been stored, or come later
        "1( s a; A 0 :; 1) =1; A 0 : 1a",  # which was first?
        "1( A 0; 2( A 0; 1) :; 2) :; A 0 :",
        "1( s a; kill; 1) =1; A 0 : 1a",  # before the kill, or after it?
        "preset 9; s a =10; A 9 : 10a",  # what was confirmed is not known
        "s a !unreachable; A 0 !unreachable",  # lost on the way: nothing was taken
        "s a !store; s a !policy",
        "A 5 !ahead; A 7 :",  # ahead, but not by one
        "A -1 !malformed; A 1 !malformed",
        "s a =7; s b =8; A 0 : 7a 8b",  # it skipped: where is seq_svr?
        "s a !full; s b =1; A 0 : 1b",  # full, though it is not
        "A 0 !ahead; A 0 :",  # not ahead, and called so
        "A 1 : 1a; A 0 :",  # ahead, and answered
        "A 1 !store; A 0 :",  # an error may have confirmed
        "kill; A 0 ?; A 0 :",
    ],
)
def test_what_is_not_certain_does_not_count(text: str) -> None:
    assert counted(text) == []


def test_a_kill_counts_when_the_account_was_asked_again() -> None:
    assert counted("A 0 :; kill") == [AN_ASK]
    assert counted("A 0 :; kill; y/s b =1") == sorted([AN_ASK, A_SEND])
    assert counted("A 0 :; kill; A 0 !unreachable; kill; A 0 :") == ["(0, 0) kill → (0, 0)", AN_ASK]


def test_a_repeat_is_no_second_send_unless_it_is_told_so() -> None:
    assert counted("s a@c =1; s a@c =1; A 0 : 1a") == sorted([A_SEND, "(1, 0) recv 0 → (1, 0)"])
    assert counted("s a@c =1; s a@c =2") == sorted([A_SEND, "(1, 0) send → (2, 0)"])
    assert counted("s a@c =; s a@c =; A 0 : 1a") == [A_SEND]  # was it stored again?
    assert counted("s a@c !store; s a@c =") == [A_SEND]


def test_where_seqs_may_be_skipped_only_what_is_told_counts() -> None:
    gappy = find("gappy")
    assert counted("s a =1; A 0 : 1a", gappy) == sorted([A_SEND, "(1, 0) recv 0 → (1, 0)"])
    assert counted("s a =; A 0 : 1a", gappy) == []
    assert counted("s a !store; A 0 :", gappy) == []
    assert counted("A 1 :", gappy) == []


def test_seqs_are_counted_from_before_the_first() -> None:
    text = "s a =5; s b =6; s c =7; s d !full; A 7 :"
    assert counted(text, SMALL)[-2:] == ["(3, 0) recv 3 → (3, 3)", "(3, 0) send → (3, 0)"]


def test_more_messages_than_are_counted_are_let_pass() -> None:
    assert len(counted("s a =1; s b =2; s c =3; s d =4; A 0 : 1a 2b 3c 4d")) == 3


def test_the_counts_of_processes_add_up() -> None:
    one, other = Taken(STRICT), Taken(STRICT)
    for event in events("s a =1"):
        one.feed(event)
    for event in events("A 0 :"):
        other.feed(event)
    one.merge(pickle.loads(pickle.dumps(other)))  # noqa: S301 - our own bytes
    assert one.of(kill=False) == (2, 46)
    with pytest.raises(ValueError, match="another profile"):
        one.merge(Taken(SMALL))


def test_what_is_remembered_of_accounts_does_not_travel() -> None:
    taken = Taken(STRICT)
    small = len(pickle.dumps(taken))
    for number in range(500):
        taken.feed(h.Recv(number, f"x{number}", "A", 0))
    assert len(pickle.dumps(taken)) == small


def test_of_many_accounts_the_oldest_are_forgotten_and_not_taken_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotient, "KEPT", 2)
    text = "s a =1; y/A 0 :; z/A 0 :; A 0 : 1a; s b =2"
    assert counted(text) == sorted([A_SEND, AN_ASK])
    monkeypatch.setattr(quotient, "KEPT", 3)
    assert counted(text) == sorted([A_SEND, AN_ASK, "(1, 0) recv 0 → (1, 0)", "(1, 0) send → (2, 0)"])
