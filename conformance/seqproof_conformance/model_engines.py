"""The engines of the model in the kill matrix: the explorer and the prover, on the faulty model of the same id.

A model shows its marks, so what it breaks is a property of them, and a property names invariants and requirements that
no one outside of a server can see broken. A fault of a model is found *as what it is* when a broken property names the
invariant that the fault is known to break, a requirement that guards this invariant, or one of the ids under which the
faulty server may be blamed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from seqproof_model.bounded import Bounded
from seqproof_model.faults import MODELS, FaultyModel
from seqproof_model.kills import FAULT, Cell, Mutant, Outcome, outcome
from seqproof_model.properties import PROPERTIES
from seqproof_model.requirements import REQUIREMENTS

ENGINES = ("explore", "prove")
NO_MODEL = "no faulty model: it knows no bodies, no client ids, no order of rows, no second account"
IDS = {about.name: about.ids for about in PROPERTIES}


def fill(mutant: Mutant, engine: str) -> Cell:
    """Hold the faulty model of a mutant's id to an engine."""
    model = MODELS.get(mutant.id)
    if model is None:
        return Cell(engine, Outcome.NONE, reason=NO_MODEL)
    began = time.perf_counter()
    broken, length = _explored(model) if engine == "explore" else _proved(model)
    seconds = time.perf_counter() - began
    names = tuple(dict.fromkeys(name for about in broken for name in IDS[about]))
    fitting = [name for name in names if _guards(name, model.breaks) or name in mutant.expected]
    killer = fitting[0] if fitting and mutant.kind == FAULT else ""
    killed = bool(killer)
    return Cell(
        engine,
        outcome(mutant.kind, killer, names),
        names,
        killer,
        seconds=seconds if killed else None,
        length=length if killed else None,
    )


def _guards(name: str, invariant: str) -> bool:
    return name == invariant or (name in REQUIREMENTS and REQUIREMENTS[name].invariant == invariant)


def _explored(model: FaultyModel) -> tuple[Iterable[str], int | None]:
    """The properties that a shortest counterexample breaks, and its length."""
    from seqproof_model.engines.explore import Explorer

    found = Explorer(Bounded(model.definition, model.scope())).run().counterexample
    return (found.broken, len(found.steps)) if found else ((), None)


def _proved(model: FaultyModel) -> tuple[list[str], None]:
    """The properties that are not kept, in any scope; a proof that fails has no length. Ends at the first scope."""
    from seqproof_model.engines.prove import Result, prove_all

    for proof in prove_all(model.definition, explain=False):
        broken = [cell.property for cell in proof.open if cell.result is Result.FAILED]
        if broken:
            return list(dict.fromkeys(broken)), None
    return [], None
