"""PSH-4 on the explored graph: a stored message reaches some phone that keeps asking, though all tips are lost.

Tips are not in the model at all: a phone asks whenever it likes. So what is left to show is this. Take one message x.
It *waits* in a state where it is stored (x <= svr) and no phone holds it; no fair run may wait for ever
(``assumptions.py`` says what is fair, ``fair.py`` looks for a run). One phone that keeps asking is enough: the others
may do what they like. A restore may take x from the store again; then x is not stored, and nothing is owed.

A run may also just stop, where nothing that is assumed of it is possible: a phone need not ask.
Source: docs/protocol.md, PSH-4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from seqproof_model.bounded import Bounded
from seqproof_model.engines.assumptions import Assumption, Fairness, Unit, fair_network
from seqproof_model.engines.explore import Progress
from seqproof_model.engines.fair import Constraint, find_lasso
from seqproof_model.engines.state_space import StateSpace, all_states
from seqproof_model.engines.ways import NETWORKX_EDGES, Backend, Mask
from seqproof_model.trace import Trace


@dataclass(frozen=True)
class Liveness:
    """Whether one message reaches a phone on every fair run.

    ``assumed``: what was assumed; None where every action was weakly fair. ``units``: the fairness constraints that
    this made. ``waiting``: in how many states the message waits. ``lasso``: a fair run that waits for ever; its
    ``loop`` is the state that it comes back to, None where it just stops.
    """

    bounded: Bounded
    message: int
    assumed: tuple[Assumption, ...] | None
    unit: Unit
    backend: Backend
    states: int
    edges: int
    waiting: int
    units: int
    lasso: Trace | None

    @property
    def inconclusive(self) -> bool:
        """The message never waits, so nothing was said."""
        return self.waiting == 0

    @property
    def holds(self) -> bool:
        """The message waits somewhere, and nowhere for ever."""
        return self.lasso is None and not self.inconclusive


def live(
    bounded: Bounded,
    assumed: Collection[Assumption] | None = None,
    *,
    phones: Collection[int] = (0,),
    progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[Liveness, ...]:
    """Explore a model, a faulty one too, and check PSH-4 of each message. By default ``fair_network`` is assumed.

    ``phones``: those that keep asking. Raises ScopeError where there are too many states, edges or units of fairness,
    and KeyboardInterrupt.
    """
    space = all_states(bounded, progress)
    if assumed is None:
        assumed = fair_network(bounded.scope)
    return tuple(reaches(space, x, assumed, phones=phones) for x in range(1, bounded.scope.messages + 1))


def reaches(
    space: StateSpace,
    message: int,
    assumed: Collection[Assumption],
    *,
    unit: Unit = Unit.PACKET,
    phones: Collection[int] = (0,),
    backend: Backend = Backend.AUTO,
) -> Liveness:
    """Check that a message reaches a phone on every run that is fair to ``phones``; raises ScopeError as ``live``."""
    order = tuple(a for a in Assumption if a in assumed)
    fairness = Fairness(space, waits(space, message), unit)
    constraints = [c for a in order for c in fairness.of(a, phones)]
    return _search(fairness, message, constraints, order, backend)


def reaches_if_weakly_fair(space: StateSpace, message: int, *, backend: Backend = Backend.AUTO) -> Liveness:
    """Check the same where each action, losses and crashes too, of each phone and packet is weakly fair."""
    fairness = Fairness(space, waits(space, message), Unit.PACKET)
    return _search(fairness, message, list(fairness.of_everything()), None, backend)


def waits(space: StateSpace, message: int) -> Mask:
    """The states in which a message is stored and no phone holds it."""
    held = space.bounded.held(space.columns)
    waiting: Mask = (space.columns["svr"] >= message) & ((held >> (message - 1)) & 1 == 0)
    return waiting


def _search(
    fairness: Fairness,
    message: int,
    constraints: Sequence[Constraint],
    assumed: tuple[Assumption, ...] | None,
    backend: Backend,
) -> Liveness:
    space, waiting = fairness.space, fairness.inside
    edges = len(space.graph.source)
    if backend is Backend.AUTO:
        backend = Backend.NETWORKX if edges <= NETWORKX_EDGES else Backend.SCIPY
    found = find_lasso(space.graph, ~waiting, constraints, rests=True, backend=backend)
    lasso = None
    if found:
        lasso = space.walk((*found.stem, *found.cycle), loop=len(found.stem) if found.cycle else None)
    return Liveness(
        bounded=space.bounded,
        message=message,
        assumed=assumed,
        unit=fairness.unit,
        backend=backend,
        states=space.graph.size,
        edges=edges,
        waiting=int(np.count_nonzero(waiting)),
        units=len(constraints),
        lasso=lasso,
    )
