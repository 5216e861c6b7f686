"""``seqproof prove``: which proofs are asked for, and what is printed of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from seqproof_conformance.shell import INCONCLUSIVE, INTERRUPTED, UsageError, gently
from seqproof_model.definition import Definition
from seqproof_model.engines.bounded_search import EDGES
from seqproof_model.engines.counterexample import Counterexample, reach
from seqproof_model.engines.footprint import Footprint, footprints
from seqproof_model.engines.prove import Cell, Proof, Result, prove_all
from seqproof_model.engines.ranking import Ranking, rank
from seqproof_model.engines.refinement import Refinement, refines
from seqproof_model.engines.solving import Sort, leave_ctrl_c_alone
from seqproof_model.engines.unbounded import SCOPES
from seqproof_model.faults import MODELS
from seqproof_model.scope import Scope
from seqproof_reports.proofs import (
    argument_data,
    proof_data,
    ranking_data,
    render_argument,
    render_cell,
    render_induction,
    render_proof,
    render_ranking,
    render_table,
)

BOTH = "both"
RANKED = SCOPES[0]  # the scope of the ranking argument
SMALL = 2  # phones, and slots, of the model that is held against the unbounded one


@dataclass(frozen=True)
class Asked:
    """What is to be proved. ``seqs``: a sort, or both. ``without``: properties that are not assumed.

    ``start``: the edge, one of ``EDGES``, below which the search for a real run begins, with true 32-bit seqs.
    """

    definition: Definition
    seqs: str = BOTH
    rule: str | None = None
    judged: str | None = None
    without: tuple[str, ...] = ()
    needs: bool = False
    start: str | None = None

    @property
    def sorts(self) -> tuple[Sort, ...]:
        """Integers first: their counterexamples are the smaller ones."""
        return (Sort.INT, Sort.VECTOR) if self.seqs == BOTH else (Sort(self.seqs),)

    @property
    def whole(self) -> bool:
        """Everything is asked, so that the ranking argument belongs to it."""
        return not (self.rule or self.judged or self.without)


@dataclass(frozen=True)
class Found:
    """What came of it. ``first``: the first counterexample to induction of each broken property.

    ``interrupted``: the cells that were done when it was, those of unfinished proofs too. ``footprints``,
    ``refinements``: what was checked of the argument for any number of phones and packets.
    """

    asked: Asked
    proofs: tuple[Proof, ...]
    rankings: tuple[Ranking, ...]
    first: tuple[Counterexample, ...]
    footprints: tuple[Footprint, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    interrupted: tuple[Cell, ...] = ()

    @property
    def argued(self) -> bool:
        """What can be checked of the argument for any number of phones and packets holds."""
        return not any(f.wrong for f in self.footprints) and not any(r.failed for r in self.refinements)

    @property
    def code(self) -> int:
        """The exit code."""
        results = {cell.result for proof in self.proofs for cell in proof.cells}
        if Result.FAILED in results or any(
            not r.holds and any(p.proved is False for p in r.proofs) for r in self.rankings
        ):
            return 1
        if self.interrupted:
            return 1 if any(cell.result is Result.FAILED for cell in self.interrupted) else INTERRUPTED
        if not self.argued:
            return INCONCLUSIVE
        idle = any(proof.idle for proof in self.proofs)
        return INCONCLUSIVE if Result.UNKNOWN in results or idle or not all(r.holds for r in self.rankings) else 0


def run(asked: Asked, still_wanted: Callable[[], None]) -> Found:
    """Prove. Ctrl-C ends it with what there is. Raises UsageError for what no scope has, and for an unknown edge."""
    if asked.start and asked.start not in EDGES:
        raise UsageError(f"--from {asked.start}: there are {', '.join(EDGES)}")
    leave_ctrl_c_alone()  # it is for us to end, and to say how far we came
    done: list[Cell] = []

    def told(cell: Cell) -> None:
        done.append(cell)
        still_wanted()

    proofs: list[Proof] = []
    try:
        with gently():
            _proofs(asked, proofs, told)
            return _rest(asked, proofs, still_wanted)
    except KeyboardInterrupt:
        return Found(asked, tuple(proofs), (), (), interrupted=tuple(done))


def _proofs(asked: Asked, proofs: list[Proof], told: Callable[[Cell], None]) -> None:
    """Prove with each sort; what is finished is in ``proofs``."""
    for sort in asked.sorts:
        try:
            each = prove_all(
                asked.definition,
                sort,
                rule=asked.rule,
                judged=asked.judged,
                without=asked.without,
                needs=asked.needs,
                progress=told,
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
        for proof in each:
            proofs.append(proof)  # noqa: PERF402 - what is finished stays, should the next one be stopped


def _rest(asked: Asked, proofs: list[Proof], still_wanted: Callable[[], None]) -> Found:
    """What belongs to the proofs: the ranking argument, why two phones are enough, and the counterexamples."""
    sound = asked.whole and all(proof.proved for proof in proofs)  # the ranking argument assumes these properties
    rankings = [rank(asked.definition, RANKED, sort, lambda _: still_wanted()) for sort in asked.sorts if sound]
    footprint = tuple(f for scope in SCOPES if asked.whole for f in footprints(asked.definition, scope))
    refined = tuple(_refined(asked, scope, still_wanted) for scope in SCOPES if sound)
    first = tuple(_first(asked, proofs, still_wanted))
    return Found(asked, tuple(proofs), tuple(rankings), first, footprint, refined)


def _refined(asked: Asked, scope: Scope, still_wanted: Callable[[], None]) -> Refinement:
    small = replace(scope, phones=SMALL, slots=SMALL)
    return refines(asked.definition, small, progress=lambda _: still_wanted())


def _first(asked: Asked, proofs: list[Proof], still_wanted: Callable[[], None]) -> list[Counterexample]:
    """The first counterexample of each broken property, with what the search from the start says of it."""
    found: dict[str, Counterexample] = {}
    for proof in proofs:
        for cell in proof.open:
            if cell.counterexample and cell.property not in found:
                scope = _small(asked, proof)
                found[cell.property] = reach(
                    cell.counterexample,
                    asked.definition,
                    scope,
                    start=EDGES[asked.start] if asked.start else None,
                    progress=lambda _: still_wanted(),
                )
    return list(found.values())


def _small(asked: Asked, proof: Proof) -> Scope:
    """A small scope with the liberties of a proof, or the one that is known to show a fault."""
    model = MODELS.get(asked.definition.name)
    return model.scope() if model else replace(proof.scope, phones=2, messages=2, slots=1)


def data(found: Found) -> dict[str, Any]:
    """Plain data."""
    return {
        "definition": found.asked.definition.name,
        "proved": found.code == 0,
        "code": found.code,
        "interrupted": bool(found.interrupted),
        "solving_ms": round(sum(proof.solving_ms for proof in found.proofs), 1),
        "proofs": [proof_data(proof) for proof in found.proofs],
        "ranking": [ranking_data(ranking) for ranking in found.rankings],
        "argument": argument_data(found.footprints, found.refinements),
    }


MOST_SHOWN = 3  # counterexamples


def render(console: Console, found: Found) -> None:
    """Print each proof; its table where it is whole, or its cells where few were asked for; what fails, in full."""
    shown: set[tuple[str, ...]] = set()
    for proof in found.proofs:
        render_proof(console, proof)
        if found.asked.whole:
            if proof.rules not in shown:
                console.print()
                render_table(console, proof)
            shown.add(proof.rules)
        else:
            for cell in _asked_for(proof):
                render_cell(console, replace(cell, counterexample=None))
        console.print()
    for ranking in found.rankings:
        render_ranking(console, ranking)
    if found.footprints:
        render_argument(console, found.footprints, found.refinements)
    if found.interrupted:
        failed = sum(cell.result is Result.FAILED for cell in found.interrupted)
        said = f"interrupted: {len(found.interrupted)} cells looked at, {failed} of them failed; the rest is not known"
        console.print(said, style="bold yellow", highlight=False)
    for counterexample in found.first[:MOST_SHOWN]:
        render_induction(console, counterexample)
    if len(found.first) > MOST_SHOWN:
        others = ", ".join(c.property for c in found.first[MOST_SHOWN:])
        console.print(f"\n  and counterexamples to: {others}", highlight=False, markup=False)


def _asked_for(proof: Proof) -> list[Cell]:
    return [cell for cell in proof.cells if cell.result is not Result.NOT_APPLICABLE]
