"""What the designer's commands write: a result with its trace and scenario, the state graph, tours.

Nothing that is there is written over. A file that cannot be made is a reason in the result, not an error: a trace of a
server that overlaps has no scenario, and is a counterexample all the same. What a file needs is loaded when it is asked
for.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seqproof_conformance.shell import UsageError
from seqproof_model.scope import Scope, ScopeError

if TYPE_CHECKING:
    from seqproof_model.engines.explore import Exploration, Explorer
    from seqproof_model.engines.state_space import StateSpace
    from seqproof_model.trace import Trace

PICTURE, FORMATS = ".svg", (".graphml", ".dot", ".gv", ".json", ".svg")


def check(scope: Scope, *, symmetry: bool, graph: Path | None, tours: Path | None) -> None:
    """Refuse, before any work, what cannot be made. Raises UsageError."""
    if symmetry:
        raise UsageError("a graph tells the phones apart; leave --symmetry out, or --graph, --tours and --liveness")
    if scope.follow:
        raise UsageError("a graph has one initial state; leave --follow out, or --graph, --tours and --liveness")
    if graph and graph.suffix not in FORMATS:
        raise UsageError(f"{graph}: the ending says the format; there are {', '.join(FORMATS)}")
    for path in (graph, tours):
        if path and path.exists():
            raise UsageError(f"{path} is there already; name another one, or remove it")
        if path and not path.parent.is_dir():
            raise UsageError(f"{path.parent} is no directory; make it first, or name another place")
    for name in ("overlap", "restore"):
        if tours and getattr(scope, name):
            raise UsageError(f"no scenario can say what --{name} allows; leave it out, or --tours")


def check_directory(out: Path | None) -> None:
    """Refuse, before any work, a place for results that is taken. Raises UsageError."""
    if out and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is no directory; name another place with -o")
    if out and (out / "result.json").exists():
        raise UsageError(f"{out} holds a result already; name another directory, or remove that one")


def check_whole(found: Exploration, tours: Path | None) -> None:
    """Refuse what takes all states. Raises UsageError."""
    if tours and found.counterexample:
        raise UsageError("tours are walks of a model that holds; this one is broken")
    if not found.complete and not found.counterexample:
        raise UsageError("a graph takes all states; leave out --most, or --graph, --tours and --liveness")


def write_result(out: Path | None, data: dict[str, Any], found: Trace | None) -> dict[str, Any]:
    """Write result.json, and of a counterexample its trace as ITF and as a scenario. Returns what was written.

    Raises OSError where it cannot be written.
    """
    if out is None:
        return {}
    out.mkdir(parents=True, exist_ok=True)
    written: dict[str, Any] = {"result": str(out / "result.json")}
    if found:
        written |= _write_trace(out, found)
    (out / "result.json").write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")
    return {"written": written}


def _write_trace(out: Path, found: Trace) -> dict[str, str]:
    from seqproof_model import scenario
    from seqproof_model.engines import itf, replayable

    itf.write(found, out / "trace.itf.json")
    written = {"trace": str(out / "trace.itf.json")} | _write_report(out, found)
    try:
        (out / "scenario.json").write_bytes(scenario.encode(replayable.scenario(found)))
    except replayable.NotReplayableError as error:
        return written | {"no scenario": str(error)}
    return written | {"scenario": str(out / "scenario.json")}


def _write_report(out: Path, found: Trace) -> dict[str, str]:
    """Write the trace as a counterexample is written that a server gave."""
    if not found.broken:
        return {}
    from seqproof_reports.html import told_html
    from seqproof_reports.markdown import told_markdown
    from seqproof_reports.model_report import model_report

    told, name = model_report(found), found.bounded.definition.name
    (out / "report.md").write_text(told_markdown(told, name), "utf-8")
    (out / "report.html").write_text(told_html(told, name), "utf-8")
    return {"report": str(out / "report.html")}


def space_of(explorer: Explorer, *, broken: bool) -> StateSpace:
    """The explored states as a graph; of a broken model, which is explored no further, all states after all.

    Raises UsageError where there are too many.
    """
    from seqproof_model.engines.state_space import all_states, state_space

    try:
        return all_states(explorer.bounded) if broken else state_space(explorer)
    except ScopeError as error:
        raise UsageError(str(error)) from None


def write_graph(space: StateSpace, path: Path, trace: Trace | None) -> str:
    """Write the graph in the format of the file's ending. Raises UsageError where it is too large for it."""
    try:
        if path.suffix == PICTURE:
            from seqproof_reports.model_picture import picture

            title = f"{space.bounded.definition.name}, {space.bounded.scope.describe()}"
            path.write_text(picture(space, title=title, path=_edges(space, trace)), "utf-8")
        else:
            from seqproof_model.engines import export

            export.write(space.graph, path, space.attributes)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    except OSError:
        path.unlink(missing_ok=True)  # half a graph looks like a whole one
        raise
    return str(path)


def _edges(space: StateSpace, trace: Trace | None) -> list[int]:
    """The edges that a trace takes."""
    if trace is None:
        return []
    graph, at, edges = space.graph, 0, list[int]()
    labels = {str(instance): label for label, instance in enumerate(space.instances)}
    for instance in trace.steps:
        found = ((graph.source == at) & (graph.label == labels[str(instance)])).nonzero()[0]
        if not found.size:
            break  # the last step of a broken trace may lead out of what was kept
        edges.append(int(found[0]))
        at = int(graph.target[found[0]])
    return edges


def write_tours(space: StateSpace, out: Path, longest: int) -> dict[str, Any]:
    """Write the tours as scenarios. Returns how many there are, and how many transitions they take."""
    from seqproof_model import scenario
    from seqproof_model.engines import replayable
    from seqproof_model.engines.tours import tours

    try:
        walks = tours(space.graph, longest=longest)
        made = [replayable.scenario(space.walk(walk)) for walk in walks]
    except ValueError as error:
        raise UsageError(f"no tours of this scope: {error}") from None
    out.mkdir()
    try:
        for number, each in enumerate(made, 1):
            name = f"tour-{number:05}"
            (out / f"{name}.json").write_bytes(scenario.encode(msgspec.structs.replace(each, name=name)))
    except OSError:
        shutil.rmtree(out, ignore_errors=True)  # some tours do not take every transition
        raise
    return {
        "directory": str(out),
        "scenarios": len(made),
        "transitions": int(space.graph.source.size),
        "steps": sum(map(len, walks)),
    }
