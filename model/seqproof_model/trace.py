"""A trace of the model: states, and the instances that lead from one to the next.

A trace is made by taking instances one after another on ints, so every trace is a real run of the definition, whoever
found it: the explorer, Z3, the simulator, or a file. ``broken`` says what its last step, or its last state, breaks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seqproof_model.bounded import Bounded, Instance
from seqproof_model.stepper import Numbers, Stepper


class TraceError(ValueError):
    """Steps that the definition does not allow; the text is one line that names the first of them."""


@dataclass(frozen=True)
class Trace:
    """``states`` has one more element than ``steps``. ``loop``: the index of the state that a lasso returns to."""

    bounded: Bounded
    states: tuple[Numbers, ...]
    steps: tuple[Instance, ...]
    broken: tuple[str, ...] = ()
    loop: int | None = None

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.steps)

    def __str__(self) -> str:
        """Write the steps on one line."""
        return " ".join(map(str, self.steps))


def trace(bounded: Bounded, steps: Iterable[Instance], start: Numbers | None = None, loop: int | None = None) -> Trace:
    """Take the steps from an initial state. Raises TraceError where one of them is not enabled."""
    stepper = Stepper(bounded)
    states = [stepper.starts()[0] if start is None else start]
    done: list[Instance] = []
    broken: list[str] = stepper.broken(states[0])
    for instance in steps:
        taken = stepper.take(states[-1], instance)
        if taken is None:
            raise TraceError(f"step {len(done) + 1}, {instance}, cannot be taken in the state before it")
        states.append(stepper.after(states[-1], taken))
        done.append(instance)
        broken = stepper.broken_step(taken) + stepper.broken(states[-1])
    return Trace(bounded, tuple(states), tuple(done), tuple(broken), loop)


def tidy(found: Trace) -> Trace:
    """The same steps in an order that reads better: a phone asks as late as it can."""
    best = found
    for at in range(len(found) - 2, -1, -1):
        for place in range(at, len(found) - 1):
            steps = list(best.steps)
            if steps[place].action.name != "ask":
                break
            steps[place], steps[place + 1] = steps[place + 1], steps[place]
            try:
                moved = trace(found.bounded, steps, found.states[0])
            except TraceError:
                break
            if moved.broken != found.broken or moved.states[-1] != found.states[-1]:
                break
            best = moved
    return best
