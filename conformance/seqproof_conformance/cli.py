"""The command line: ``seqproof demo | run | list | explain | replay | check | serve``, and the designer's commands.

The only place that knows every part of the house. Results go to standard output, progress and errors to standard error;
``--json`` prints one JSON object instead. An error is one line that says what is wrong and the mend. Exit codes mean
one thing each; ``codes.py`` lists them.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from seqproof_conformance import (
    catalogue,
    command_compare,
    command_matrix,
    command_mutants,
    command_report,
    command_run,
    designer,
    new_adapter,
    phone_targets,
    rejudge,
    running,
    shell,
    workshop,
)
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.baseline import BaselineError
from seqproof_conformance.codes import FAILED, INTERRUPTED, codes_of, exit_code
from seqproof_conformance.phone_suite import PhoneJob
from seqproof_conformance.running import directory_for, free, slug
from seqproof_conformance.shell import UsageError, application, print_json
from seqproof_conformance.suite import Job, NothingSelectedError
from seqproof_conformance.targets import UnknownTarget
from seqproof_model import history, profile, scenario
from seqproof_model.assessment import assess
from seqproof_model.profile import Profile, ProfileError
from seqproof_model.trace import TraceError
from seqproof_reference.serve import Options, ServeError, serve
from seqproof_reports import terminal

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
RoleOption = Annotated[str | None, typer.Option("--role", help="server or phone; a file for phones says so itself.")]
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


@app.command(epilog="Example: [bold]seqproof replay seqproof-runs/valkey/SEQ-3/scenario.json valkey[/]")
def replay(
    file: Annotated[
        Path, typer.Argument(help="A scenario.json, of a report or your own; or a model's trace.itf.json.")
    ],
    target: Target,
    profile_name: ProfileOption = None,
    out: OutOption = None,
    role: Annotated[
        str | None, typer.Option("--role", help="server or phone; a file for phones says so itself.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take the steps of one scenario with a target, exactly as they stand."""
    if (for_phones := phone_targets.scenario_for_phones(file, target, role)) is not None:
        out = directory_for(out, f"replay-{target}")
        phone = PhoneJob(target, out, scenarios=(), shorten=False, given=(for_phones,))
        raise typer.Exit(running.run(phone, as_json=as_json).code)
    steps = _scenario(file)
    job = Job(target, directory_for(out, f"replay-{target}"), _profile(profile_name), scenarios=(steps,), shorten=False)
    raise typer.Exit(running.run(job, as_json=as_json).code)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A history.jsonl, of a run or converted from your logs.")],
    profile_name: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a recorded history again, without any server or phone."""
    verdict = rejudge.verdict_of(file, profile_name)
    assessment = assess(verdict)
    code = exit_code(codes_of(assessment))
    if as_json:
        print_json(running.summary(assessment, code) | {"history": str(file)})
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
        try:
            with shell.hearing_again():
                done = running.run(Job(target, free(base / slug(target))), brief=expected == 0)
                shell.still_wanted()  # what came while results were written down
        except KeyboardInterrupt:
            shell.complain(f"interrupted; what was found so far is kept in {base}")
            raise typer.Exit(INTERRUPTED) from None
        came[target] = done.code
        if done.outcome.interrupted:
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
    connect: Annotated[int, typer.Option("--connect", min=1, help="So many ConnectSvrs, on ports that follow.")] = 1,
    page_size: Annotated[int | None, typer.Option("--page-size", min=1, help="At most this many rows a reply.")] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="Offer preset_seq, trim and failing stores, for tests.")
    ] = False,
    restored: Annotated[
        bool, typer.Option("--restored", help="The file is from a backup: announce a new epoch.")
    ] = False,
    blacklist: Annotated[Path | None, typer.Option("--blacklist", help="Who may not write to whom: a file.")] = None,
    tokens: Annotated[Path | None, typer.Option("--tokens", help="Each account's token: a file.")] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Requests a second of one token.")] = None,
    burst: Annotated[int | None, typer.Option("--burst", help="Requests of one token at once.")] = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="Let other machines in without tokens, or with --admin.")
    ] = False,
) -> None:
    """Run the reference server: SQLite, durable before it answers, behind HTTP."""
    raise typer.Exit(
        serve(
            Options(
                db,
                host=host,
                port=port,
                connect=connect,
                page_size=page_size,
                admin=admin,
                restored=restored,
                blacklist=blacklist,
                tokens=tokens,
                rate=rate,
                burst=burst,
                unprotected=unprotected,
            )
        )
    )


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


app.registered_commands[:0] = command_run.app.registered_commands
for part in (new_adapter, workshop, designer, command_mutants, command_matrix, command_compare, command_report):
    app.registered_commands += part.app.registered_commands


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


def main() -> None:
    """Run the command line and exit with its code."""
    shell.run(
        app,
        usage=(
            ProfileError,
            BaselineError,
            UnknownTarget,
            scenario.ScenarioError,
            history.HistoryError,
            *designer.ERRORS,
        ),
        nothing=(NothingSelectedError,),
        failed=(TargetError, ServeError),
    )


if __name__ == "__main__":
    main()
