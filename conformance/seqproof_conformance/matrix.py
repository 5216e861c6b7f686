"""Fills the kill matrix: holds every mutant to every engine, one cell at a time, in one process or several.

    quick, standard   the suites, with courses of a fixed length, so that the table does not depend on the machine
    hypothesis        the campaign alone: what a property-based test finds without anything else
    walk              random walks over the same steps: the plainest thing that could work
    explore, prove    the engines of the model, on the faulty model of the same id, where there is one

A cell ends at the first violation that fits, for that is what "killed" means; a violation that does not fit is noted,
and the looking goes on. The mutants are servers in this process; they are opened by their target strings, as any server
is. A catalogue of mutants is a module that has ``catalogue()``: a list of entries that say what they are.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from seqproof_conformance import model_engines, phone_courses, phone_suite, phone_targets, random_walk, suite
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.campaign import LONGEST
from seqproof_conformance.limits import Limits
from seqproof_conformance.phone_suite import PhoneJob
from seqproof_conformance.plan import CAMPAIGN, SIZES, SuiteName
from seqproof_conformance.suite import Job, NothingSelectedError, Watcher
from seqproof_conformance.targets import FAULTY, opened
from seqproof_model import history as h
from seqproof_model import profile as profiles
from seqproof_model.kills import EQUIVALENT, FAULT, Cell, Engine, Mutant, Outcome, outcome
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.verdict import Counterexample, Violation

CATALOGUES = {"server": FAULTY, "phone": phone_targets.FAULTY}  # by role, the module of mutants
TARGETS = {"server": "mutant:", "phone": "phone-mutant:"}
SEED = 0
PHONE_LENGTHS = {SuiteName.QUICK: 2, SuiteName.STANDARD: 3}  # of the courses of phones
WALKS = 500  # as many as the campaign of the suite standard has examples
STEPS = (  # what counts in a length
    h.Send, h.Recv, h.RecvRaw, h.Kill, h.Preset, h.Trim, h.FailStore, h.Delivered,
    h.Backup, h.Restore, h.Login, h.Logout, h.Tips,
)  # fmt: skip


@dataclass(frozen=True)
class _Suite:
    """An engine that plays a suite. ``pattern``: only parts of that name; ``length``: of the courses."""

    name: SuiteName
    text: str
    pattern: str | None = None
    length: int | None = None


_QUICK, _STANDARD = SIZES[SuiteName.QUICK], SIZES[SuiteName.STANDARD]
_SUITES = {
    "quick": _Suite(
        SuiteName.QUICK,
        f"the suite quick: all courses of {_QUICK.shortest} steps, {_QUICK.plain} + {_QUICK.with_kills} examples",
        length=_QUICK.shortest,
    ),
    "standard": _Suite(
        SuiteName.STANDARD,
        f"the suite standard: all courses of {_STANDARD.shortest} steps, "
        f"{_STANDARD.plain} + {_STANDARD.with_kills} examples",
        length=_STANDARD.shortest,
    ),
    "hypothesis": _Suite(
        SuiteName.STANDARD,
        f"Hypothesis alone: {_STANDARD.plain} examples and {_STANDARD.with_kills} with kills, seed {SEED}",
        pattern=CAMPAIGN,
    ),
}
ENGINES: dict[str, Engine] = {
    **{name: Engine(name, each.text) for name, each in _SUITES.items()},
    "walk": Engine("walk", f"random walks over the same steps: {WALKS} of at most {LONGEST}, seed {SEED}"),
    "explore": Engine("explore", "the explorer, on the faulty model of that id, in a small scope"),
    "prove": Engine("prove", "the prover, on the faulty model of that id, over integers"),
}


def mutants() -> list[Mutant]:
    """Every mutant of every catalogue, but NULL: it has no fault to find, and what it may pass is another question."""
    found = [_mutant(role, entry) for role, entry in _entries()]
    return [mutant for mutant in found if mutant.kind in (FAULT, EQUIVALENT)]


def _entries() -> list[tuple[str, Any]]:
    return [(role, entry) for role, name in CATALOGUES.items() for entry in importlib.import_module(name).catalogue()]


def _mutant(role: str, entry: Any) -> Mutant:
    return Mutant(
        entry.id,
        str(getattr(entry, "kind", FAULT if entry.expected else EQUIVALENT)),
        entry.summary,
        role,
        entry.breaks,
        tuple(sorted(entry.expected)),
        getattr(entry, "profile", ""),
        getattr(entry, "suite", "quick"),
        getattr(entry, "shortest", len(entry.trace.split()) or None),
    )


def witnesses() -> list[tuple[str, str, tuple[str, ...]]]:
    """What the stored counterexamples of the catalogues show: a fault's id, the requirement blamed, those suspected."""
    return [
        (entry.id, witness.requirement, witness.suspects)
        for _, entry in _entries()
        for witness in getattr(entry, "witnesses", ())
    ]


# ---------------------------------------------------------------- one cell


def fill(mutant: Mutant, engine: str, *, shorten: bool = False, tick: Callable[[], None] = lambda: None) -> Cell:
    """Hold one mutant to one engine. ``shorten``: minimise what is found first, which takes its time.

    ``tick`` is called now and then and may raise.
    """
    if engine in model_engines.ENGINES:
        return model_engines.fill(mutant, engine)
    if mutant.role == "phone" and engine == "hypothesis":
        return Cell(engine, Outcome.NONE, reason="the campaign of phones is a random walk; it stands under walk")
    with tempfile.TemporaryDirectory(prefix="seqproof-matrix-") as folder:
        job = _job(mutant, engine, Path(folder), shorten=shorten)
        return _played(mutant, engine, job, tick)


def _job(mutant: Mutant, engine: str, folder: Path, *, shorten: bool) -> Job:
    target = TARGETS[mutant.role] + mutant.id
    held_to = profiles.find(mutant.profile) if mutant.profile else None
    if mutant.role == "phone":
        return _phone_job(target, engine, folder / "run", shorten=shorten)
    if engine == "walk":
        with opened(target) as (_, hello):
            held = held_to or hello.claims or profiles.find("strict")
            given = random_walk.walks(held, hello.capabilities, number=WALKS, seed=SEED)
        return Job(target, folder / "run", held_to, scenarios=tuple(given), shorten=shorten)
    asked = _SUITES[engine]
    return Job(
        target,
        folder / "run",
        held_to,
        asked.pattern,
        SEED,
        shorten=shorten,
        suite=asked.name,
        length=asked.length,
    )


def _phone_job(target: str, engine: str, out: Path, *, shorten: bool) -> Job:
    if engine == "walk":
        with phone_targets.opened(target) as (_, hello):
            given = phone_courses.campaign(SEED, WALKS, hello.capabilities)
        return PhoneJob(target, out, scenarios=(), shorten=shorten, given=tuple(given))
    name = _SUITES[engine].name
    return PhoneJob(target, out, seed=SEED, shorten=shorten, suite=name, length=PHONE_LENGTHS[name])


@dataclass
class _First:
    """When the first violation that fits was found. A right server has none that fit, and any is one too many."""

    mutant: Mutant
    began: float = field(default_factory=time.perf_counter)
    seconds: float | None = None

    def fits(self, requirement: str) -> bool:
        return self.mutant.kind == EQUIVALENT or requirement in self.mutant.expected

    def failed(self, requirement: str) -> None:
        if self.seconds is None and self.fits(requirement):
            self.seconds = time.perf_counter() - self.began


def _played(mutant: Mutant, engine: str, job: Job, tick: Callable[[], None]) -> Cell:
    first = _First(mutant)
    limits = Limits(first=True, known=frozenset(name for name in REQUIREMENTS if not first.fits(name)))
    watcher = Watcher(tick=lambda _what: tick(), failed=first.failed)
    try:
        watching = limits.watching(watcher)
        found = phone_suite.run(job, watching) if isinstance(job, PhoneJob) else suite.run(job, watching)
    except (TargetError, NothingSelectedError) as error:
        return Cell(engine, outcome(mutant.kind, "", ()), reason=str(error))
    if found.interrupted:
        raise KeyboardInterrupt
    blamed = tuple(dict.fromkeys(violation.requirement for violation in found.verdict.violations))
    killer = next((name for name in blamed if name in mutant.expected), "")
    shown = [item for item in found.counterexamples if item.violation.requirement in (killer, *blamed[:1])]
    best = next((item for item in shown if item.violation.requirement == killer), None)
    return Cell(
        engine,
        outcome(mutant.kind, killer, blamed),
        blamed,
        killer,
        best.violation.suspects if best else (),
        first.seconds if killer else None,
        _length(best) if best else None,
        found.stopped,
    )


def _length(found: Counterexample) -> int:
    return len(found.phone.steps) if found.phone else length(found.events, found.violation)


def length(events: Iterable[h.Event], shown: Violation | None) -> int:
    """How many things happen to the server in a counterexample, up to the answer that shows the fault.

    After it only what was left undone is tidied up. A tip that is missing is shown by no answer.
    """
    found = 0
    last = None if shown is None or shown.observation.startswith("TIP_") else shown.operation
    for event in events:
        found += isinstance(event, STEPS)
        if isinstance(event, h.Ok | h.Refused) and event.id == last:
            break
    return found


# ---------------------------------------------------------------- all of them


@dataclass(frozen=True)
class Filled:
    """A cell that is done."""

    mutant: Mutant
    cell: Cell


def fill_all(
    wanted: Iterable[Mutant],
    engines: Iterable[str],
    *,
    processes: int = 1,
    shorten: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Filled]:
    """Fill the table, mutant by mutant; each cell is there as soon as it is done, with several processes in any order.

    Whoever stops asking ends the work; what a process has under way is ended with it.
    """
    orders = [(mutant, engine) for mutant in wanted for engine in engines]
    if processes == 1:
        for mutant, engine in orders:
            tick()
            yield Filled(mutant, fill(mutant, engine, shorten=shorten, tick=tick))
        return
    before = set(active_children())
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_leave_ctrl_c_alone)
    try:
        waiting = {pool.submit(fill, mutant, engine, shorten=shorten): mutant for mutant, engine in orders}
        for done in as_completed(waiting):
            tick()
            yield Filled(waiting[done], done.result())
    finally:
        members = set(active_children()) - before
        pool.shutdown(wait=False, cancel_futures=True)
        for process in members:
            process.terminate()
        for process in members:
            process.join(5)


def _leave_ctrl_c_alone() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the main process to end, and to keep what there is
