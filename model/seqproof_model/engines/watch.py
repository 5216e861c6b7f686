"""What random runs of the model are watched with: what is broken, what was seen how often, and a run made shorter.

A simulator only chooses steps. Everything else is here: each state and each step is looked at once and remembered (in
a small scope runs meet the same states again and again, and looking costs most), and counted until the first fault.
A step that changes nothing and breaks nothing is no choice: it would only use up the run.

A run that breaks a property is shortened by leaving out halves, quarters, ... single steps, and with them the later
steps that can then not be taken, as long as a property that it breaks is still broken. What is left is short, but
nothing says that it is a shortest.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.properties import Always, OfStep
from seqproof_model.stepper import Numbers, Stepper
from seqproof_model.trace import Trace, tidy, trace

MOST_KNOWN = 20_000  # states that are remembered, a few kB each


class Claim(StrEnum):
    """What is claimed of the length of a trace."""

    NONE = ""
    FOUND = "as found, not shortened"
    SHORTENED = "shortened, not shortest"
    SHRUNK = "shrunk by Hypothesis and shortened, not shortest"


class Progress(NamedTuple):
    """How far a simulation is, at the beginning of a run. ``found``: a fault was found; its run is being shortened."""

    runs: int
    most: int
    steps: int
    found: bool


Progressed = Callable[[Progress], None]


@dataclass(frozen=True)
class Watched:
    """A property after a simulation. ``occurred``: how often its sometimes did; ``expected``: in this scope it can."""

    about: Always | OfStep
    occurred: int
    expected: bool


@dataclass(frozen=True)
class Simulation:
    """What was found. All counts end with the first broken property; what is run to shorten it is not counted.

    ``actions``: of each action of the scope, how often it was taken. ``trace``: a run whose last step breaks what
    ``broken`` names; None where no property was broken. ``partial``: ended by Ctrl-C.
    """

    bounded: Bounded
    engine: str
    seed: int
    runs: int
    steps: int
    actions: Mapping[str, int]
    properties: tuple[Watched, ...]
    trace: Trace | None
    claim: Claim
    partial: bool

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the properties that the trace breaks."""
        return self.trace.broken if self.trace else ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The properties whose sometimes never occurred, though the scope allows it: nothing was said by them."""
        return tuple(watched.about.name for watched in self.properties if watched.expected and not watched.occurred)


class Run(NamedTuple):
    """The state that a run begins in, and its steps; the last one breaks a property."""

    start: Numbers
    steps: tuple[Instance, ...]


class Step(NamedTuple):
    """A step that was taken: the state after it, whether all properties hold of it, the sometimes that it shows."""

    after: Numbers
    good: bool
    occurred: tuple[str, ...]


class Place(NamedTuple):
    """A state: what it breaks, the sometimes that it shows, and what can be done in it, by the action's name."""

    state: Numbers
    broken: frozenset[str]
    occurred: tuple[str, ...]
    choices: Mapping[str, tuple[Instance, ...]]
    taken: dict[Instance, Step]


class EnoughError(KeyboardInterrupt):
    """Shrinking had its share of runs. Hypothesis ends at once, and without complaint, by a KeyboardInterrupt alone."""


class Watch:
    """Looks at states and steps, and counts them until the first fault. ``found``: the shortest run that has one.

    ``most``: how many runs are planned; ``shrinks``: how many more there may be, once a fault is found.
    """

    def __init__(self, bounded: Bounded, most: int, progress: Progressed, shrinks: int = sys.maxsize) -> None:
        self.bounded = bounded
        self.stepper = Stepper(bounded)
        self.starts = self.stepper.starts()
        self.found: Run | None = None
        self._most, self._progress, self._shrinks = most, progress, shrinks
        self._runs = self._steps = self._shrunk = 0
        self._actions = Counter({instance.action.name: 0 for instance in bounded.instances})
        self._occurred = Counter[str]()
        self._known: dict[tuple[int, ...], Place] = {}

    def begin(self) -> None:
        """Begin a run. Raises EnoughError where the bound on runs to shrink is met."""
        if self.found is None:
            self._runs += 1
        elif self._shrunk == self._shrinks:
            raise EnoughError
        else:
            self._shrunk += 1
        self._progress(Progress(self._runs, self._most, self._steps, self.found is not None))

    def enter(self, state: Numbers) -> Place:
        """Be in a state."""
        key = tuple(state.values())
        place = self._known.get(key)
        if place is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            place = self._known[key] = self._look(state)
        if self.found is None:
            self._occurred.update(place.occurred)
        return place

    def _look(self, state: Numbers) -> Place:
        stepper, choices = self.stepper, dict[str, tuple[Instance, ...]]()
        for instance, taken in stepper.enabled(state):
            if stepper.after(state, taken) != state or stepper.broken_step(taken):
                choices[instance.action.name] = (*choices.get(instance.action.name, ()), instance)
        c, always = stepper.setting(state), self.bounded.always
        occurred = tuple(about.name for about in always if self.bounded.occurs(c, state, about))
        return Place(state, frozenset(stepper.broken(state)), occurred, choices, {})

    def take(self, place: Place, instance: Instance) -> Step:
        """Take one of the choices of a state."""
        step = place.taken.get(instance)
        if step is None:
            step = place.taken[instance] = self._try(place.state, instance)
        if self.found is None:
            self._steps += 1
            self._actions[instance.action.name] += 1
            self._occurred.update(step.occurred)
        return step

    def _try(self, state: Numbers, instance: Instance) -> Step:
        taken = self.stepper.take(state, instance)
        assert taken is not None, f"{instance} is no choice here"  # noqa: S101
        speaking = (about for about in self.bounded.of_steps if about.applies(instance.action))
        occurred = tuple(about.name for about in speaking if about.occurs(taken.step))
        return Step(self.stepper.after(state, taken), not self.stepper.broken_step(taken), occurred)

    def keep(self, run: Run) -> None:
        """Keep a run that breaks a property, if none as short is known."""
        if self.found is None or len(run.steps) < len(self.found.steps):
            self.found = run

    def shorten(self) -> None:
        """Make the run that was found shorter."""
        if self.found:
            self.keep(_shortened(self.stepper, self.found))

    def result(self, engine: str, seed: int, claim: Claim, *, partial: bool) -> Simulation:
        """Sum up, and forget the states."""
        self._known.clear()  # Hypothesis keeps the machine, and with it the watch, for as long as it lives
        made = tidy(trace(self.bounded, self.found.steps, self.found.start)) if self.found else None
        scope = self.bounded.scope
        watched = (Watched(p, self._occurred[p.name], p.may_occur(scope)) for p in self.bounded.properties)
        return Simulation(
            bounded=self.bounded,
            engine=engine,
            seed=seed,
            runs=self._runs,
            steps=self._steps,
            actions=dict(self._actions),
            properties=tuple(watched),
            trace=made,
            claim=claim if made else Claim.NONE,
            partial=partial,
        )


def _shortened(stepper: Stepper, run: Run) -> Run:
    """The run with as few steps as leaving out can make it."""
    wanted = set(trace(stepper.bounded, run.steps, run.start).broken)
    size = len(run.steps) // 2
    while size:
        before, at = len(run.steps), 0
        while at < len(run.steps):
            shorter = _still(stepper, run.start, run.steps[:at] + run.steps[at + size :], wanted)
            run, at = (Run(run.start, shorter), at) if shorter is not None else (run, at + size)
        if size > 1 or len(run.steps) == before:
            size //= 2
    return run


def _still(
    stepper: Stepper, start: Numbers, steps: Iterable[Instance], wanted: set[str]
) -> tuple[Instance, ...] | None:
    """The steps up to the first that breaks what is wanted, without those that cannot be taken; None if none does."""
    state, done = start, list[Instance]()
    for instance in steps:
        if taken := stepper.take(state, instance):
            done.append(instance)
            state = stepper.after(state, taken)
            if wanted.intersection(stepper.broken_step(taken) + stepper.broken(state)):
                return tuple(done)
    return None
