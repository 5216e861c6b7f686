"""What the model finds, real code does: its counterexamples replay on the faulty servers, and on no correct one.

Each faulty model is explored; its shortest counterexample becomes a scenario, with the end that makes a fault visible.
That scenario must fail on the faulty server of the same name, and on no correct one.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from seqproof_conformance.adapter import Adapter, Capability
from seqproof_conformance.runner import Played, Runner
from seqproof_conformance.suite import Job, run
from seqproof_conformance.targets import open_target
from seqproof_model import history as h
from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines import replayable
from seqproof_model.engines.explore import Explorer
from seqproof_model.engines.replayable import NotReplayableError, Place
from seqproof_model.engines.simulate import by_walks
from seqproof_model.faults import MODELS
from seqproof_model.judge import Judge
from seqproof_model.network import CORRECT
from seqproof_model.profile import find
from seqproof_model.scenario import Scenario
from seqproof_model.scope import Scope
from seqproof_model.stepper import Stepper
from seqproof_model.trace import Trace, trace
from seqproof_reference import faulty

NOT_REPLAYED = {name: "requests overlap" for name, model in MODELS.items() if "overlap" in model.needs} | {
    "RESTORE_REUSES_SEQS": "a backup is restored"
}
NO_SERVER = set[str]()  # faults of the model alone, so far
SERVERS = [name for name, model in MODELS.items() if not model.right and not name.startswith("C_")]
REPLAYED = [name for name in SERVERS if name not in NO_SERVER.union(NOT_REPLAYED)]
BASES = {
    "small": None,
    "two phones, two slots": Scope(2, 4, 2, duplicates=True),
    "crashes too": Scope(2, 4, 2, duplicates=True, crash=True, late=True),
}


@cache
def shortest(name: str) -> Trace:
    """A shortest counterexample."""
    found = Explorer(Bounded(MODELS[name].definition, MODELS[name].scope())).run().counterexample
    assert found
    return found


def play(scenario: Scenario, target: str | Adapter) -> Played:
    """Play a scenario on a target in this process, under the profile ``strict``."""
    adapter = open_target(target) if isinstance(target, str) else target
    hello = adapter.hello()
    judge = Judge(find("strict"), paged=Capability.PAGING in hello.capabilities)
    runner = Runner(adapter, hello, find("strict"), [judge], lambda _event: None)
    assert not runner.why_not(scenario)
    return runner.play(scenario)


def correct(name: str) -> str:
    """The correct server that is like a faulty one."""
    return "mutant:CORRECT_PAGED" if "page" in MODELS[name].needs else "mutant:CORRECT"


# ---------------------------------------------------------------- counterexamples


def test_every_faulty_model_of_a_server_is_replayed_or_it_is_said_why_not() -> None:
    twins = {entry.id for entry in faulty.catalogue() if entry.kind is faulty.Kind.FAULT}
    assert set(REPLAYED) <= twins
    assert not NO_SERVER & twins, "it has a server now: replay it"
    assert len(REPLAYED) >= 25


@pytest.mark.parametrize("name", NOT_REPLAYED)
def test_what_cannot_be_replayed_says_so(name: str) -> None:
    with pytest.raises(NotReplayableError, match="cannot be replayed: a scenario"):
        replayable.scenario(shortest(name))


@pytest.mark.parametrize("send_seq", [True, False], ids=["seq told", "seq not told"])
@pytest.mark.parametrize("name", REPLAYED)
def test_a_shortest_counterexample_fails_on_the_faulty_server(name: str, send_seq: bool) -> None:
    violation = play(replayable.scenario(shortest(name)), faulty.make(name, send_seq=send_seq)).violation
    assert violation
    assert violation.requirement in faulty.find(name).expected


@pytest.mark.parametrize("name", REPLAYED)
def test_a_shortest_counterexample_passes_on_a_correct_server(name: str) -> None:
    scenario = replayable.scenario(shortest(name))
    played = play(scenario, correct(name))
    assert played.violation is None
    assert played.steps == len(scenario.steps)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", REPLAYED)
def test_any_other_counterexample_does_too(name: str, base: str) -> None:
    """As a random walk found it, in another scope, with all that it has to no purpose."""
    bounded = Bounded(MODELS[name].definition, MODELS[name].scope(BASES[base]))
    walks = (by_walks(bounded, seed=seed, shorten=False).trace for seed in range(5, 100))
    found = next(found for found in walks if found and all(step.action.name != "restore" for step in found.steps))
    scenario = replayable.scenario(found)
    assert play(scenario, f"mutant:{name}").violation, scenario.notation()
    assert play(scenario, correct(name)).violation is None


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("reference", ("ACK_ON_REPLY", "VOLATILE_CONFIRM", "WRAP_0", "CLAMP_CONFIRMS", "TRIM_PLUS1")),
        ("reference:page=7", ("PAGE_UPTO_SVR", "PAGE_NEWEST", "PAGE_BYTES_STUCK", "LAGGED_ACK")),
    ],
)
def test_on_the_reference_they_pass_and_observe_what_they_say(
    target: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    scenarios = tuple(replayable.scenario(shortest(name)) for name in names)
    outcome = run(Job(target, tmp_path / "run", scenarios=scenarios, shorten=False))
    assert outcome.scenarios == len(names)
    assert outcome.code == 0, (outcome.verdict.violations, outcome.verdict.inconclusive)


# ---------------------------------------------------------------- the correct model and the correct server


SCOPES = {
    "one slot": Scope(2, 4),
    "duplicates": Scope(2, 6, 2, duplicates=True),
    "crashes": Scope(2, 6, 2, crash=True),
    "all": Scope(3, 6, 3, duplicates=True, crash=True, late=True, trim=True, restore=True),
}


def walk(bounded: Bounded, number: int, steps: int) -> Trace:
    """A random run without what cannot be replayed."""
    chance, stepper, done = random.Random(number), Stepper(bounded), list[Instance]()
    state = stepper.starts()[0]
    for _ in range(steps):
        choices = [(i, taken) for i, taken in stepper.enabled(state) if i.action.name != "restore"]
        instance, taken = chance.choice(choices)
        done.append(instance)
        state = stepper.after(state, taken)
    return trace(bounded, done)


def replies(found: Trace) -> list[list[int]]:
    """The seqs of each reply that the model gave, in order."""
    stepper, given = Stepper(found.bounded), list[list[int]]()
    for state, instance in zip(found.states, found.steps, strict=False):
        taken = stepper.take(state, instance)
        assert taken
        if instance.action.effect == "serve":
            given.append(list(range(taken.step.put.lower + 1, taken.step.put.upper + 1)))
    return given


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("scope", SCOPES)
def test_a_replayed_walk_gets_the_replies_that_the_model_gives(scope: str, number: int) -> None:
    found = walk(Bounded(CORRECT, SCOPES[scope]), number, 60)
    target = faulty.make("CORRECT")
    played = play(Scenario("walk", replayable.steps_of(found, Place.BOTTOM)), target)
    assert played.violation is None
    asked = {event.id: event.phone for event in played.events if isinstance(event, h.Recv)}
    given = [
        [seq for seq, _ in event.rows or ()]
        for event in played.events
        if isinstance(event, h.Ok) and asked.get(event.id, replayable.NOWHERE) != replayable.NOWHERE
    ]
    assert given == replies(found)
    (inbox,) = target.disk.values()
    assert (inbox.svr, inbox.confirmed) == (found.states[-1]["svr"], found.states[-1]["confirmed"])
