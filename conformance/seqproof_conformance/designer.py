"""The commands of the protocol designer: ``explore``, ``prove``, ``simulate``.

They need nothing of the server kit, and the kit nothing of them. Each engine is loaded by the command that uses it, so
that the explorer does not wait for Z3.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from seqproof_conformance import designer_files as files
from seqproof_conformance import shell
from seqproof_conformance.shell import INCONCLUSIVE, INTERRUPTED, UsageError, application, print_json, still_wanted
from seqproof_model.bounded import Bounded
from seqproof_model.definition import Definition
from seqproof_model.network import CORRECT
from seqproof_model.scope import Scope, ScopeError
from seqproof_model.trace import TraceError

if TYPE_CHECKING:
    from seqproof_model.faults import FaultyModel

ERRORS = (ScopeError, TraceError, OverflowError)  # what these commands may be asked wrongly

Mutant = Annotated[str | None, typer.Option("--mutant", help="A faulty model instead of the protocol, by its id.")]
Phones = Annotated[int | None, typer.Option("--phones", help="Phones that share the account.")]
Messages = Annotated[int | None, typer.Option("--messages", help="Messages that are sent.")]
Slots = Annotated[int | None, typer.Option("--slots", help="Requests and replies of a phone under way at once.")]
Duplicates = Annotated[bool, typer.Option("--duplicates", help="What is delivered may stay under way.")]
Crash = Annotated[bool, typer.Option("--crash", help="The server may stop, losing what is on its way to it.")]
Late = Annotated[bool, typer.Option("--late", help="... or not losing it: it lands after the restart.")]
Restore = Annotated[bool, typer.Option("--restore", help="A backup may be restored; requests may be ahead.")]
Overlap = Annotated[bool, typer.Option("--overlap", help="A recv's confirm and its two looks are steps of their own.")]
Trim = Annotated[bool, typer.Option("--trim", help="Confirmed messages may be dropped.")]
Page = Annotated[int | None, typer.Option("--page", help="A reply holds at most so many messages.")]
Follow = Annotated[bool, typer.Option("--follow", help="Follow one message instead of all: for larger scopes.")]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="A directory for the result, and a counterexample's trace and scenario."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

MOST = {"phones": 64, "messages": 10_000, "slots": 64, "page": 10_000}  # beyond that not even a walk gets anywhere

app = application()


@app.callback()
def _everything() -> None:
    """Explore, prove and simulate the protocol."""


def find(mutant: str | None, **given: Any) -> tuple[Definition, Scope]:
    """The definition and the scope that options name. Raises UsageError, ScopeError."""
    numbers = {name: given.pop(name) for name in ("phones", "messages", "slots")}
    set_by_hand = {name: value for name, value in numbers.items() if value is not None}
    for name, value in {**set_by_hand, "page": given.get("page") or 0}.items():
        if value > MOST[name]:
            raise UsageError(f"--{name} {value} is too many; {MOST[name]} is the most")
    if mutant is None:
        return CORRECT, Scope(**set_by_hand, **given)
    model = model_of(mutant)
    smallest = model.scope()
    wanted = {**{name: getattr(smallest, name) for name in numbers}, **set_by_hand}
    Scope(**wanted)  # what was set by hand must make sense by itself
    scope = model.scope(Scope(**wanted, **given))
    return model.definition, replace(scope, **set_by_hand)


def model_of(mutant: str) -> FaultyModel:
    """The faulty model of that id. Raises UsageError."""
    import difflib

    from seqproof_model.faults import MODELS

    model = MODELS.get(mutant.upper())
    if model is None:
        near = ", ".join(difflib.get_close_matches(mutant.upper(), MODELS, 3, 0.4))
        hint = f"near: {near}; " if near else ""
        raise UsageError(f"no faulty model is called {mutant!r}; {hint}`seqproof list models` shows them all")
    return model


# ---------------------------------------------------------------- explore


@app.command(epilog="Example: [bold]seqproof explore --phones 2 --messages 5 --duplicates --crash[/]")
def explore(
    mutant: Mutant = None,
    phones: Phones = None,
    messages: Messages = None,
    slots: Slots = None,
    duplicates: Duplicates = False,
    crash: Crash = False,
    late: Late = False,
    restore: Restore = False,
    overlap: Overlap = False,
    trim: Trim = False,
    page: Page = None,
    follow: Follow = False,
    symmetry: Annotated[
        bool, typer.Option("--symmetry", help="Take phones for alike, once Z3 has proved that they are.")
    ] = False,
    most: Annotated[int | None, typer.Option("--most", min=1, help="Stop once so many states are kept.")] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Show how often each action and guard was met.")] = False,
    out: Out = None,
    graph: Annotated[
        Path | None, typer.Option("--graph", help="Write the state graph: .graphml, .dot, .json, or a picture, .svg.")
    ] = None,
    tours: Annotated[
        Path | None, typer.Option("--tours", help="Write scenarios that together take every transition.")
    ] = None,
    longest: Annotated[int, typer.Option("--longest", min=1, help="The most steps of a tour, before its end.")] = 200,
    liveness: Annotated[
        bool, typer.Option("--liveness", help="Check that every message arrives over a fair network (PSH-4).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Visit every state of the protocol in a small scope, and check every property in each."""
    from seqproof_model.engines.explore import Explorer

    definition, scope = find(
        mutant, phones=phones, messages=messages, slots=slots, duplicates=duplicates, crash=crash, late=late,
        restore=restore, overlap=overlap, trim=trim, page=page, follow=follow,
    )  # fmt: skip
    bounded = Bounded(definition, scope)
    if graph or tours or liveness:
        files.check(scope, symmetry=symmetry, graph=graph, tours=tours)
    files.check_directory(out)
    explorer = Explorer(bounded, symmetry=_symmetry(bounded) if symmetry else None)
    with _progress(quiet=as_json) as told:
        found = explorer.run(told, most)
    from seqproof_reports.exploration import exploration_data, render_exploration

    code = _code(found)
    data = exploration_data(found) | {"code": code}
    if not as_json:
        render_exploration(Console(), found, coverage=coverage)
        _say_too_small(mutant, found)
    written: dict[str, Any] = {}
    with _keeping(lambda: print_json(data | written) if as_json else _say_written(written)):
        written |= files.write_result(out, data, found.counterexample)
        if not found.interrupted and (graph or tours or liveness):
            files.check_whole(found, tours)
            space = files.space_of(explorer, broken=found.counterexample is not None)
            written |= {"liveness": _liveness(space, quiet=as_json)} if liveness else {}
            written |= {"graph": files.write_graph(space, graph, found.counterexample)} if graph else {}
            written |= {"tours": files.write_tours(space, tours, longest)} if tours else {}
        code = code or (0 if written.get("liveness", {"holds": True})["holds"] else 1)
        data["code"] = code
    raise typer.Exit(code)


@contextmanager
def _keeping(say: Callable[[], None]) -> Generator[None]:
    """Whatever cannot be written: the result is printed all the same, and then the error."""
    try:
        yield
    finally:
        say()


def _say_too_small(mutant: str | None, found: Any) -> None:
    """A fault that holds because it cannot be seen is worth a word."""
    if mutant and found.holds:
        model, scope = model_of(mutant), found.bounded.scope
        if not model.right and (scope.phones < model.phones or scope.messages < model.messages):
            least = model.scope().describe()
            Console().print(f"  this scope is too small to show the fault; it takes {least}", style="bold yellow")


def _liveness(space: Any, *, quiet: bool) -> dict[str, Any]:
    """Check PSH-4 of each message: under weak fairness, where it must fail, and over a fair network."""
    from seqproof_model.engines.assumptions import fair_network
    from seqproof_model.engines.liveness import reaches, reaches_if_weakly_fair
    from seqproof_reports.waiting import liveness_data, render_liveness

    messages = range(1, space.bounded.scope.messages + 1)
    weak = reaches_if_weakly_fair(space, 1)
    fair = [reaches(space, message, fair_network(space.bounded.scope)) for message in messages]
    if not quiet:
        render_liveness(Console(), weak, fair)
    return liveness_data(weak, fair)


def _say_written(written: dict[str, Any]) -> None:
    """Tell where the files are."""
    told = {**written.get("written", {}), **{k: v for k, v in written.items() if k not in ("written", "liveness")}}
    for name, where in told.items():
        if isinstance(where, dict):
            where = (f"{where['scenarios']} scenarios, {where['steps']:,} steps, take all {where['transitions']:,} "
                     f"transitions: {where['directory']}")  # fmt: skip
        Console().print(f"  {name}: {where}", highlight=False, markup=False, soft_wrap=True)


def _code(found: Any) -> int:
    if found.counterexample:
        return 1
    if found.interrupted:
        return INTERRUPTED
    return INCONCLUSIVE if found.missing or not found.complete else 0


def _symmetry(bounded: Bounded) -> Any:
    """The symmetry of the phones, once it is proved of this very definition. Raises ScopeError where it is not."""
    from seqproof_model.engines.certificate import certify

    return certify(bounded).symmetry()


@contextmanager
def _progress(*, quiet: bool) -> Generator[Callable[[Any], None]]:
    """States, states a second, the frontier and memory."""
    begun = time.monotonic()

    def told(now: Any) -> None:
        rate = now.states / max(1e-9, time.monotonic() - begun)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say(
            f"depth {now.depth}: {now.states:,} states, {rate:,.0f} a second, frontier {now.frontier:,}, "
            f"{megabytes:,.0f} MB"
        )

    with _bar("exploring", quiet=quiet) as say:
        yield told


@contextmanager
def _bar(what: str, *, quiet: bool) -> Generator[Callable[[str], None]]:
    """One line of progress on standard error, where that is a terminal; silence elsewhere."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: still_wanted()
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what)

        def say(text: str) -> None:
            still_wanted()
            bar.update(task, description=text)

        yield say


# ---------------------------------------------------------------- prove


class Seqs(StrEnum):
    """What a seq is in a proof."""

    INT = "int"
    VECTOR = "32-bit"
    BOTH = "both"


@app.command(epilog="Example: [bold]seqproof prove --mutant ACK_ON_REPLY[/]")
def prove(
    mutant: Mutant = None,
    seqs: Annotated[Seqs, typer.Option("--seqs", help="int: any largest seq; 32-bit: true vectors.")] = Seqs.BOTH,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    judged: Annotated[str | None, typer.Option("--property", help="Only this property.")] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="Do not assume this property of states; may be repeated.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Search for real runs just below 2^24, 2^31 or 2^32, in 32 bits."),
    ] = None,
    needs: Annotated[bool, typer.Option("--needs", help="Find which properties each proof needs; slower.")] = False,
    as_json: Json = False,
) -> None:
    """Prove that every rule keeps every property: for all 2³² seqs, any number of phones, messages and packets."""
    from seqproof_conformance import designer_prove as proving

    definition = CORRECT if mutant is None else model_of(mutant).definition
    asked = proving.Asked(definition, seqs.value, rule, judged, tuple(without or ()), needs, start)
    found = proving.run(asked, still_wanted)
    if as_json:
        print_json(proving.data(found))
    else:
        proving.render(Console(), found)
    raise typer.Exit(found.code)


# ---------------------------------------------------------------- simulate


@app.command(epilog="Example: [bold]seqproof simulate --phones 4 --messages 6 --crash --runs 100[/]")
def simulate(
    mutant: Mutant = None,
    phones: Phones = None,
    messages: Messages = None,
    slots: Slots = None,
    duplicates: Duplicates = False,
    crash: Crash = False,
    late: Late = False,
    restore: Restore = False,
    overlap: Overlap = False,
    trim: Trim = False,
    page: Page = None,
    walks: Annotated[int, typer.Option("--runs", min=1, help="How many runs.")] = 1000,
    steps: Annotated[int, typer.Option("--steps", min=1, help="How many steps each.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed, the same runs.")] = 0,
    hypothesis: Annotated[
        bool, typer.Option("--hypothesis", help="Let Hypothesis choose and shrink, instead of a plain walk.")
    ] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Walk at random through a scope that is too large to explore; it finds faults, and proves nothing."""
    from seqproof_model.engines.simulate import by_hypothesis, by_walks
    from seqproof_reports.simulation import render_simulation, simulation_data

    definition, scope = find(
        mutant, phones=phones, messages=messages, slots=slots, duplicates=duplicates, crash=crash, late=late,
        restore=restore, overlap=overlap, trim=trim, page=page,
    )  # fmt: skip
    files.check_directory(out)
    bounded = Bounded(definition, scope)
    with _bar("simulating", quiet=as_json) as told:
        say: Callable[[Any], None] = lambda now: told(f"run {now.runs:,} of {now.most:,}, {now.steps:,} steps")  # noqa: E731
        if hypothesis:
            found = by_hypothesis(bounded, seed=seed, examples=walks, steps=steps, progress=say)
        else:
            found = by_walks(bounded, seed=seed, walks=walks, steps=steps, progress=say)
    code = 1 if found.trace else INTERRUPTED if found.partial else INCONCLUSIVE if found.missing else 0
    data = simulation_data(found) | {"code": code}
    if not as_json:
        render_simulation(Console(), found)
    written: dict[str, Any] = {}
    with _keeping(lambda: print_json(data | written) if as_json else _say_written(written)):
        written |= files.write_result(out, data, found.trace)
    raise typer.Exit(code)


# ---------------------------------------------------------------- running it


def main() -> None:
    """Run one of these commands and exit with its code."""
    shell.run(app, usage=ERRORS)
