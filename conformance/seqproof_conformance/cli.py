"""The command line: ``seqproof demo | run | list | explain | replay | check | serve``, and the designer's commands.

The only place that knows every part of the house. Results go to standard output, progress and errors to standard error;
``--json`` prints one JSON object instead. An error is one line that says what is wrong and the mend. Exit codes mean
one thing each:

    0 conformant   1 non-conformant   2 usage   3 inconclusive   4 the target, the environment or the kit failed
    5 nothing was selected   130 interrupted before any violation, results kept

Source: docs/requirements.md, exit codes.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seqproof_conformance import catalogue, designer, shell, suite
from seqproof_conformance.adapter import Hello, TargetError
from seqproof_conformance.shell import (
    FAILED,
    INCONCLUSIVE,
    INTERRUPTED,
    UsageError,
    application,
    complain,
    finishing,
    print_json,
    still_wanted,
)
from seqproof_conformance.suite import Job, NothingSelectedError, Outcome, Watcher
from seqproof_conformance.targets import UnknownTarget
from seqproof_model import history, profile, scenario
from seqproof_model.judge import judge
from seqproof_model.profile import Profile, ProfileError
from seqproof_model.trace import TraceError
from seqproof_model.verdict import Result, Verdict
from seqproof_reference.serve import ServeError, serve
from seqproof_reports import directory, html, terminal

app = application(
    "Does this message-sync server lose, repeat or leak messages?",
    epilog="Start with [bold]seqproof demo[/], then [bold]seqproof run TARGET[/]; "
    "[bold]seqproof list targets[/] shows what a TARGET is.",
)

Target = Annotated[
    str, typer.Argument(help="What to hold to the protocol: reference, valkey, py:my.module:adapter, ...")
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help="strict, gappy, ..., joined by +, or FILE.toml. Default: what it claims."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
OutOption = Annotated[Path | None, typer.Option("-o", "--out", help="Where results go. Default: seqproof-runs/TARGET.")]


# ---------------------------------------------------------------- commands


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"seqproof {metadata.version('seqproof')}\n")
        raise typer.Exit


@app.callback()
def everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Say whether this message-sync server loses, repeats or leaks messages."""


@app.command(epilog="Example: [bold]seqproof run valkey -k 'SEQ-*' --json[/]")
def run(
    target: Target,
    suite_name: Annotated[
        str, typer.Option("--suite", help="quick: golden scenarios and a campaign, seconds.")
    ] = "quick",
    pattern: Annotated[
        str | None, typer.Option("-k", help="Only scenarios of this name or requirement (a glob).")
    ] = None,
    profile_name: ProfileOption = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The campaign's seed; the same seed, the same examples.")
    ] = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a server to the protocol and show the shortest trace that breaks it."""
    if suite_name != "quick":
        raise UsageError(f"no suite {suite_name!r}; there is quick")
    job = Job(target, _directory(out, target), _profile(profile_name), pattern, seed)
    raise typer.Exit(_run(job, as_json=as_json).code)


@app.command(epilog="Example: [bold]seqproof replay seqproof-runs/valkey/SEQ-3/scenario.json valkey[/]")
def replay(
    file: Annotated[
        Path, typer.Argument(help="A scenario.json, of a report or your own; or a model's trace.itf.json.")
    ],
    target: Target,
    profile_name: ProfileOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the steps of one scenario with a target, exactly as they stand."""
    steps = _scenario(file)
    job = Job(target, _directory(out, f"replay-{target}"), _profile(profile_name), scenarios=(steps,), shorten=False)
    raise typer.Exit(_run(job, as_json=as_json).code)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A history.jsonl, of a run or converted from your logs.")],
    profile_name: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a recorded history again, without any server."""
    recorded = history.read(file)
    try:
        verdict = judge(recorded, _profile(profile_name))
    except history.HistoryError as error:
        raise history.HistoryError(f"{file}: {error}; it is no history of real requests") from None
    code = 1 if verdict.violations else INCONCLUSIVE if verdict.inconclusive else 0
    if as_json:
        print_json(_summary(verdict, code) | {"history": str(file)})
    else:
        terminal.render_verdict(Console(), verdict)
    raise typer.Exit(code)


@app.command()
def demo(out: OutOption = None) -> None:
    """Three runs: a correct server, a real one that is safe, and the same one with its shipped defaults."""
    console = Console()
    base = out or Path("seqproof-runs") / "demo"
    told = {"reference": 0, "valkey:aof=yes": 0, "valkey": 1}
    came: dict[str, int] = {}
    for target, expected in told.items():
        console.rule(f"[bold]seqproof run {target}[/]")
        outcome = _run(Job(target, _free(base / _slug(target))), brief=expected == 0)
        came[target] = outcome.code
        if outcome.interrupted:
            raise typer.Exit(INTERRUPTED)
    console.rule()
    for target, expected in told.items():
        words = {0: "conformant", 1: "loses or repeats messages"}.get(came[target], f"exit code {came[target]}")
        mark = "as it should be" if came[target] == expected else "NOT what this demo is there to show"
        console.print(f"  {target:16} {words}: {mark}", highlight=False)
    raise typer.Exit(0 if came == told else FAILED)


@app.command("serve")
def serve_command(
    db: Annotated[Path, typer.Option("--db", help="The SQLite file; made where it is missing.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free port; it is printed.")] = 0,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    page_size: Annotated[int | None, typer.Option("--page-size", min=1, help="At most this many rows a reply.")] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="Offer preset_seq, trim and failing stores, for tests.")
    ] = False,
) -> None:
    """Run the reference server: SQLite, durable before it answers, behind HTTP."""
    raise typer.Exit(serve(host, port, db, page_size=page_size, admin=admin, nonce=""))


@app.command("list")
def list_command(
    what: Annotated[
        catalogue.What,
        typer.Argument(help="requirements, scenarios, targets, mutants, models, ..."),
    ] = catalogue.What.REQUIREMENTS,
    as_json: JsonOption = False,
) -> None:
    """List the requirements, or what else there is."""
    if as_json:
        print_json([row.data for row in catalogue.rows(what)])
    else:
        catalogue.print_table(Console(), what)


@app.command(epilog="Example: [bold]seqproof explain CNF-3[/]")
def explain(
    name: Annotated[str, typer.Argument(help="A requirement, scenario, mutant, model, property, target or profile.")],
    as_json: JsonOption = False,
) -> None:
    """Explain a requirement: what it demands, why, and what observes it."""
    found = catalogue.explain(name)
    if found is None:
        raise UsageError(f"nothing is called {name!r}; {catalogue.near(name)}see `seqproof list`")
    if as_json:
        print_json(found.data)
    else:
        catalogue.print_one(Console(), found)


app.registered_commands += designer.app.registered_commands


# ---------------------------------------------------------------- one run


def _run(job: Job, *, as_json: bool = False, brief: bool = False) -> Outcome:
    """Run, write the results, print them."""
    with _progress(quiet=as_json) as watcher, redirect_stdout(sys.stderr):  # what an adapter prints is no result
        outcome = suite.run(job, watcher)
    paths = _write(job, outcome)
    if outcome.stopped:
        complain(f"{job.target}: {outcome.stopped}")
    if as_json:
        print_json(_summary(outcome.verdict, outcome.code) | _details(job, outcome, paths))
        return outcome
    console = Console()
    if brief and outcome.code == 0:
        terminal.render_headline(console, outcome.verdict)
    else:
        terminal.render_verdict(console, outcome.verdict)
    for counterexample, path in zip(outcome.counterexamples, paths, strict=True):
        terminal.render_counterexample(console, counterexample, str(path))
    console.print(f"\n  results: {job.out / 'index.html'}", highlight=False, soft_wrap=True)
    return outcome


def _write(job: Job, outcome: Outcome) -> list[Path]:
    """Write what is left to write: a directory per failure, the index, the verdict as JSON. The history is there."""
    written = [directory.write(job.out / item.violation.requirement, item) for item in outcome.counterexamples]
    reports = [files["report.html"] for files in written]
    links = [
        (item.violation, path.relative_to(job.out).as_posix())
        for item, path in zip(outcome.counterexamples, reports, strict=True)
    ]
    (job.out / "index.html").write_text(html.index_html(outcome.verdict, links), "utf-8")
    summary = _summary(outcome.verdict, outcome.code) | _details(job, outcome, reports)
    (job.out / "verdict.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
    return reports


def _summary(verdict: Verdict, code: int) -> dict[str, object]:
    """The verdict as plain data, the most important first."""
    return {
        "target": verdict.target,
        "code": code,
        "profile": verdict.profile.describe(),
        "graded": verdict.graded,
        "of": len(verdict.grades),
        "failed": [grade.requirement for grade in verdict.having(Result.FAIL)],
        "passed": [grade.requirement for grade in verdict.having(Result.PASS)],
        "strict_fails_besides": list(verdict.strict_besides),
        "inconclusive": verdict.inconclusive,
        "grades": [msgspec.to_builtins(grade) for grade in verdict.grades],
        "events": verdict.events,
    }


def _details(job: Job, outcome: Outcome, reports: list[Path]) -> dict[str, object]:
    failures = [
        {
            "requirement": item.violation.requirement,
            "sentence": item.violation.sentence,
            "suspects": list(item.violation.suspects),
            "trace": item.scenario.notation(),
            "claim": item.claim,
            "reproduced": f"{item.reproduced} of {item.tried}",
            "found_by": item.found_by,
            "replay": item.replay,
            "report": str(path),
        }
        for item, path in zip(outcome.counterexamples, reports, strict=True)
    ]
    return {
        "server": outcome.header.server,
        "kit": outcome.header.kit,
        "seed": outcome.header.seed,
        "scenarios": outcome.scenarios,
        "stopped": outcome.stopped,
        "failures": failures,
        "directory": str(job.out),
    }


@contextmanager
def _progress(*, quiet: bool) -> Generator[Watcher]:
    """Progress on standard error, where that is a terminal; silence elsewhere."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Watcher(tick=lambda _what: still_wanted(), finishing=finishing)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting the server", total=None)

        def started(hello: Hello, scenarios: int) -> None:
            progress.update(task, description=hello.server, total=scenarios)

        def tick(what: str) -> None:
            still_wanted()
            total = progress.tasks[0].total
            if what == suite.SHORTENING or (total is not None and progress.tasks[0].completed >= total):
                progress.update(task, total=None, description=suite.SHORTENING)
            else:
                progress.update(task, advance=1, description=what[:32])

        yield Watcher(started, tick, finishing)


# ---------------------------------------------------------------- options and errors


def _scenario(file: Path) -> scenario.Scenario:
    """Read a scenario, or make one of a trace of the model."""
    if file.name.endswith(".itf.json"):
        from seqproof_model.engines import itf, replayable

        try:
            return replayable.scenario(itf.read(file))
        except (itf.ItfError, replayable.NotReplayableError, TraceError) as error:
            raise UsageError(str(error)) from None
    return scenario.read(file)


def _profile(text: str | None) -> Profile | None:
    return None if text is None else profile.find(text)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip("-.") or "run"


def _directory(out: Path | None, target: str) -> Path:
    """Where results go. A directory that holds a run is never written over."""
    if out is None:
        return _free(Path("seqproof-runs") / _slug(target))
    if (out / "history.jsonl").exists():
        raise UsageError(f"{out} holds the results of another run; name another directory, or remove that one")
    return out


def _free(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def main() -> None:
    """Run the command line and exit with its code."""
    shell.run(
        app,
        usage=(ProfileError, UnknownTarget, scenario.ScenarioError, history.HistoryError, *designer.ERRORS),
        nothing=(NothingSelectedError,),
        failed=(TargetError, ServeError),
    )


if __name__ == "__main__":
    main()
