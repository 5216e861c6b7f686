"""Simulation: random runs of the model, for scopes too large to explore. It finds faults and proves nothing.

Two engines walk over the same definition, watched by the same ``Watch``, and both give a ``Simulation``.

*By walks*: in each state one of the choices, all equally likely. That is the honest baseline: nothing is clever about
it, and what finds a fault sooner does so by its wits.

*By Hypothesis*: a state machine that is made from the definition. It has a rule for each action, whose precondition is
the action's guards and whose argument is drawn from the instances that are enabled; the properties of states are its
invariants. Hypothesis switches actions off at random, run by run (swarm testing, Groce et al., ISSTA 2012), so that
its runs differ more than uniform ones, and it shrinks what it finds.

Which is better? The faults of ``faults.py`` need few steps, and there the walks find them in about a tenth of the
steps: a run in which swarm testing switched off what is needed is lost. A walk's step costs less, too. So walk first.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines.watch import Claim, EnoughError, Progress, Progressed, Run, Simulation, Watch, Watched
from seqproof_model.properties import Always
from seqproof_model.stepper import Numbers

__all__ = ["Claim", "Progress", "Simulation", "Watched", "by_hypothesis", "by_walks"]

UNSUITED = (  # Hypothesis' advice on how to write a test; here the definition is what it is
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
)


# ---------------------------------------------------------------- by walks


def by_walks(
    bounded: Bounded,
    *,
    seed: int = 0,
    walks: int = 1_000,
    steps: int = 100,
    shorten: bool = True,
    progress: Progressed = lambda _: None,
) -> Simulation:
    """Walk at random, ``walks`` times at most ``steps`` steps, until a property is broken.

    Ctrl-C ends it with what there is.
    """
    watch, chance = Watch(bounded, walks, progress), random.Random(seed)
    claim, partial = Claim.FOUND, False
    try:
        for _ in range(walks):
            if run := _walk(watch, chance, steps):
                watch.keep(run)
                break
        if shorten:
            watch.shorten()
            claim = Claim.SHORTENED
    except KeyboardInterrupt:
        partial = True
    return watch.result("walks", seed, claim, partial=partial)


def _walk(watch: Watch, chance: random.Random, steps: int) -> Run | None:
    """One walk; it is returned where it breaks a property."""
    watch.begin()
    done: list[Instance] = []
    start = chance.choice(watch.starts)
    place = watch.enter(start)
    while not place.broken:
        choices = [instance for instances in place.choices.values() for instance in instances]
        if not choices or len(done) == steps:
            return None
        done.append(chance.choice(choices))
        step = watch.take(place, done[-1])
        if not step.good:
            break
        place = watch.enter(step.after)
    return Run(start, tuple(done))


# ---------------------------------------------------------------- by Hypothesis


def by_hypothesis(
    bounded: Bounded,
    *,
    seed: int = 0,
    examples: int = 300,
    steps: int = 50,
    shrinks: int = 300,
    progress: Progressed = lambda _: None,
) -> Simulation:
    """Let Hypothesis run the model, ``examples`` times at most ``steps`` steps.

    A fault that was found is shrunk, by at most ``shrinks`` more runs, and then shortened as a walk is. Runs in which
    nothing is left to do are not among the ``examples``, but they count as runs.
    Nothing is printed and nothing stays on disk. Ctrl-C ends it with what there is. The same seed gives the same runs
    in one installation: Hypothesis also draws on constants that it finds in modules outside of site-packages.
    """
    watch = Watch(bounded, examples, progress, shrinks)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps + 1,  # the choice of the initial state counts as a step there
        database=None,
        deadline=None,
        derandomize=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=UNSUITED,
        print_blob=False,
    )
    claim, partial = Claim.FOUND, False
    try:
        with _nothing_on_disk(), suppress(_BrokenError, EnoughError):
            run_state_machine_as_test(seeded(seed)(_state_machine(watch)), settings=chosen)
        watch.shorten()
        claim = Claim.SHRUNK
    except KeyboardInterrupt:
        partial = True
    return watch.result("hypothesis", seed, claim, partial=partial)


class _BrokenError(Exception):
    """A property is broken. Raised in one place, so that Hypothesis takes all faults for one, and the shortest wins."""


class _Machine(RuleBasedStateMachine):
    """What all generated machines share: where they are, and how they got there."""

    watch: ClassVar[Watch]

    def __init__(self) -> None:
        super().__init__()
        self.watch.begin()
        self.steps: list[Instance] = []

    @initialize(start=st.runner().flatmap(lambda machine: st.sampled_from(machine.watch.starts)))
    def begin(self, start: Numbers) -> None:
        """Choose the initial state."""
        self.start, self.place = start, self.watch.enter(start)

    def go(self, instance: Instance) -> None:
        """Take a step."""
        self.steps.append(instance)
        step = self.watch.take(self.place, instance)
        self.demand(good=step.good)
        self.place = self.watch.enter(step.after)

    def demand(self, *, good: bool) -> None:
        """End the run where something is not good."""
        if not good:
            self.watch.keep(Run(self.start, tuple(self.steps)))
            raise _BrokenError

    @precondition(lambda self: not self.place.choices)
    @rule()
    def rest(self) -> None:
        """Do nothing, where nothing can be done: Hypothesis takes a machine without a next step for a mistake."""


def _state_machine(watch: Watch) -> type[_Machine]:
    """The machine of a model: a rule for each action, an invariant for each property of states."""
    members: dict[str, Any] = {"watch": watch}
    for name in dict.fromkeys(instance.action.name for instance in watch.bounded.instances):
        members[f"rule {name}"] = _rule(name)
    for about in watch.bounded.always:
        members[f"invariant {about.name}"] = _invariant(about)
    return type("Model", (_Machine,), members)


def _rule(name: str) -> Any:
    def step(self: _Machine, instance: Instance) -> None:
        self.go(instance)

    step.__name__ = name  # by which swarm testing tells rules apart
    picks = st.runner().flatmap(lambda machine: st.sampled_from(machine.place.choices[name]))
    return precondition(lambda self: name in self.place.choices)(rule(instance=picks)(step))


def _invariant(about: Always) -> Any:
    def holds(self: _Machine) -> None:
        self.demand(good=about.name not in self.place.broken)

    return invariant()(holds)


@contextmanager
def _nothing_on_disk() -> Generator[None]:
    """What Hypothesis keeps for itself goes when the run is over."""
    with TemporaryDirectory(prefix="seqproof-simulate-") as home:
        set_hypothesis_home_dir(home)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
