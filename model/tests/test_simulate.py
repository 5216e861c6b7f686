"""The simulators find every fault, blame nothing right, count what they saw, and end when they are told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqproof_model.bounded import Bounded
from seqproof_model.engines.simulate import Claim, Progress, Simulation, by_hypothesis, by_walks
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope
from seqproof_model.trace import trace

FAULTS = [name for name, model in MODELS.items() if not model.right]
RIGHT = [name for name, model in MODELS.items() if model.right]
# One of each kind: a Hypothesis run takes a second. C_LATE_REPLY_LOWERS_CLI is too rare for a test of its size.
KINDS = [
    "ACK_ON_REPLY",
    "NO_CONFIRMED",
    "CLAMP_CONFIRMS",
    "PAGE_NEWEST",
    "SIGNED_MAX",
    "ALLOC_RACE",
    "VOLATILE_CONFIRM",
    "TRIM_PLUS1",
    "C_TIP_ADVANCES",
]
Engine = Callable[..., Simulation]
BRIEF: dict[Engine, dict[str, int]] = {by_hypothesis: {"shrinks": 20}}
ENGINES = pytest.mark.parametrize("engine", [by_walks, by_hypothesis], ids=["walks", "hypothesis"])


def model(name: str) -> Bounded:
    """A model in the small scope in which its fault shows."""
    return Bounded(MODELS[name].definition, MODELS[name].scope())


def is_real(found: Simulation) -> bool:
    """Whether the trace is a run of the definition that breaks, with its last step only, what is said."""
    made = found.trace
    if made is None:
        return False
    steps = made.steps
    again = trace(made.bounded, steps, made.states[0])
    before = [trace(made.bounded, steps[:n], made.states[0]).broken for n in range(len(steps))]
    return again == made and bool(again.broken) and not any(before)


@pytest.mark.parametrize("name", FAULTS)
def test_walks_find_every_fault(name: str) -> None:
    found = by_walks(model(name), walks=4_000, steps=60)
    assert is_real(found)
    assert found.claim is Claim.SHORTENED
    assert found.trace
    assert len(found.trace) <= 8


@pytest.mark.parametrize("name", RIGHT)
def test_walks_blame_no_equivalent(name: str) -> None:
    found = by_walks(model(name), walks=150, steps=60)
    assert (found.trace, found.broken, found.claim) == (None, (), Claim.NONE)
    assert (found.runs, found.partial) == (150, False)


@pytest.mark.parametrize("name", KINDS)
def test_hypothesis_finds_a_fault_of_each_kind(name: str) -> None:
    found = by_hypothesis(model(name), shrinks=30)
    assert is_real(found)
    assert found.claim is Claim.SHRUNK
    assert found.trace
    assert len(found.trace) <= 12


@pytest.mark.parametrize("name", ["CORRECT", *RIGHT[:1]])
def test_hypothesis_blames_nothing_right(name: str) -> None:
    scope = Scope(2, 3, 2, duplicates=True, crash=True)
    found = by_hypothesis(Bounded(CORRECT if name == "CORRECT" else MODELS[name].definition, scope), examples=15)
    assert (found.trace, found.partial) == (None, False)
    assert found.runs >= 15
    assert found.steps == sum(found.actions.values()) > 100


@ENGINES
def test_one_seed_gives_one_result(engine: Engine) -> None:
    bounded = model("LAGGED_ACK")
    first, again, other = (engine(bounded, seed=seed, **BRIEF.get(engine, {})) for seed in (3, 3, 4))
    assert first == again
    assert (first.runs, first.steps, first.trace) != (other.runs, other.steps, other.trace)


@ENGINES
def test_a_scope_that_follows_one_message_is_walked_from_any_of_its_states(engine: Engine) -> None:
    found = engine(Bounded(MODELS["ACK_ON_REPLY"].definition, Scope(1, 3, follow=True)), **BRIEF.get(engine, {}))
    assert is_real(found)
    assert found.trace
    assert found.trace.states[0]["x"] in {1, 2, 3}


def test_hypothesis_has_a_rule_for_each_action_and_an_invariant_for_each_property(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machines: list[Any] = []

    def kept(machine: Any, **_settings: object) -> None:
        machines.append(machine)

    monkeypatch.setattr("seqproof_model.engines.simulate.run_state_machine_as_test", kept)
    bounded = Bounded(CORRECT, Scope(2, 2, duplicates=True, crash=True))
    by_hypothesis(bounded)
    setup = machines[0].setup_state()
    assert {rule.function.__name__ for rule in setup.rules} - {"rest"} == {i.action.name for i in bounded.instances}
    assert len(setup.invariants) == len(bounded.always)


# ---------------------------------------------------------------- counting


@ENGINES
def test_what_never_occurred_is_named(engine: Engine) -> None:
    one_step = {"walks": 1} if engine is by_walks else {"examples": 1}
    found = engine(Bounded(CORRECT, Scope(2, 2)), steps=1, **one_step)
    assert "a reply reaches its end" in found.missing
    assert {watched.about.name for watched in found.properties if not watched.occurred} >= set(found.missing)


def test_in_long_walks_everything_occurs_and_every_action_is_taken() -> None:
    found = by_walks(Bounded(CORRECT, Scope(2, 2, 2, duplicates=True)), walks=60, steps=80)
    assert found.missing == ()
    assert all(found.actions.values()), found.actions


def test_in_long_runs_hypothesis_takes_every_action() -> None:
    found = by_hypothesis(Bounded(CORRECT, Scope(2, 2, 2, duplicates=True, crash=True)), examples=30, steps=80)
    assert all(found.actions.values()), found.actions


def test_what_cannot_occur_in_the_scope_is_not_missed() -> None:
    found = by_walks(Bounded(CORRECT, Scope(1, 1)), walks=50)
    assert found.missing == ()
    assert any(not watched.expected for watched in found.properties)


def test_walks_stop_at_the_first_fault_and_count_no_further() -> None:
    found, shortened = (by_walks(model("TRIM_PLUS1"), shorten=shorten) for shorten in (False, True))
    assert (found.runs, found.claim) == (1, Claim.FOUND)
    assert found.steps == shortened.steps == len(found.trace or ()) > len(shortened.trace or ())


def test_shortening_keeps_what_is_broken() -> None:
    for seed in range(5):
        long, short = (by_walks(model("VOLATILE_CONFIRM"), seed=seed, shorten=shorten) for shorten in (False, True))
        assert long.trace
        assert short.trace
        assert len(short.trace) <= len(long.trace)
        assert set(short.broken) & set(long.broken)


# ---------------------------------------------------------------- ends, and what is left behind


class Interrupting:
    """A progress callback that presses Ctrl-C."""

    def __init__(self, after: int, *, found: bool = False) -> None:
        self.after, self.found, self.seen = after, found, list[Progress]()

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)
        if len(self.seen) > self.after and progress.found is self.found:
            raise KeyboardInterrupt


@ENGINES
def test_ctrl_c_gives_what_there_is(engine: Engine) -> None:
    pressed = Interrupting(after=5)
    found = engine(Bounded(CORRECT, Scope(2, 2)), progress=pressed)
    assert found.partial
    assert (found.trace, found.claim) == (None, Claim.NONE)
    assert found.runs == 6
    assert found.steps == pressed.seen[-1].steps > 0


def test_ctrl_c_while_hypothesis_shrinks_keeps_the_fault() -> None:
    found = by_hypothesis(model("NO_CONFIRMED"), progress=Interrupting(after=0, found=True))
    assert found.partial
    assert is_real(found)
    assert found.claim is Claim.FOUND


@ENGINES
def test_nothing_is_printed_and_nothing_stays_on_disk(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert engine(model("ACK_ON_REPLY"), **BRIEF.get(engine, {})).broken
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@ENGINES
def test_progress_tells_how_far_it_is(engine: Engine) -> None:
    seen: list[Progress] = []
    found = engine(model("LAGGED_ACK"), progress=seen.append, **BRIEF.get(engine, {}))
    searching = [progress for progress in seen if not progress.found]
    assert [progress.runs for progress in searching] == list(range(1, found.runs + 1))
    assert sorted(progress.steps for progress in searching) == [progress.steps for progress in searching]
    assert {progress.most for progress in seen} == {1_000 if engine is by_walks else 300}
