"""The model on ints, a step at a time: what can happen in a state, what it leads to, and what is then broken.

The simulator walks with it, traces are checked with it, and the tests hold the fast engines to it. In a scope that
follows one message, the message is the variable ``x`` of the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqproof_model.bounded import Bounded, Instance, Taken
from seqproof_model.definition import Setting
from seqproof_model.rules import INTS, Ints
from seqproof_model.state import Kind

Numbers = dict[str, int]  # a state: seqs, truth values and bit masks


class FollowInts(Ints):
    """Ints, where a set of seqs is one truth value: whether it holds x."""

    def __init__(self, x: int) -> None:
        self.x = x

    def span(self, held: Any, lower: int, upper: int) -> bool:
        """Whether x is held, once lower + 1 .. upper are."""
        return bool(held) or lower < self.x <= upper

    def covers(self, held: Any, n: int) -> bool:
        """Whether x is held, if it is <= n."""
        return n < self.x or bool(held)


class Stepper:
    """A bounded model on ints."""

    def __init__(self, bounded: Bounded) -> None:
        self.bounded = bounded
        self._kinds = {variable.name: variable.kind for variable in bounded.variables}

    def starts(self) -> list[Numbers]:
        """The initial states."""
        return [self._plain(state) for state in self.bounded.starts()]

    def setting(self, state: Numbers) -> Setting:
        """What effects may read in a state."""
        scope = self.bounded.scope
        return self.bounded.setting(FollowInts(state["x"]) if scope.follow else INTS, scope.messages)

    def take(self, state: Numbers, instance: Instance) -> Taken | None:
        """Take an instance, or None where a guard does not hold."""
        taken = self.bounded.step(self.setting(state), self._valued(state), instance)
        return taken if taken.enabled() else None

    def enabled(self, state: Numbers) -> Iterator[tuple[Instance, Taken]]:
        """Everything that can happen in a state."""
        for instance in self.bounded.instances:
            if taken := self.take(state, instance):
                yield instance, taken

    def after(self, state: Numbers, taken: Taken) -> Numbers:
        """The state that a step leads to."""
        return self._plain({**state, **taken.changes})

    def broken(self, state: Numbers) -> list[str]:
        """The names of the state properties that do not hold."""
        c, valued = self.setting(state), self._valued(state)
        return [p.name for p in self.bounded.always if not self.bounded.holds(c, valued, p)]

    def broken_step(self, taken: Taken) -> list[str]:
        """The names of the step properties that do not hold of a step."""
        return [p.name for p in self.bounded.of_steps if p.applies(taken.step.action) and not p.holds(taken.step)]

    def _valued(self, state: Numbers) -> dict[str, Any]:
        return {name: bool(value) if self._kinds[name] is Kind.FLAG else value for name, value in state.items()}

    def _plain(self, state: dict[str, Any]) -> Numbers:
        return {name: int(value) for name, value in state.items()}
