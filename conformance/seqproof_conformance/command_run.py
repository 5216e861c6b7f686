"""The command ``seqproof run``: its options, where their values come from, and the run.

Each option may also stand in a file or in the environment; ``settings.py`` says how. The options of a pipeline are the
list of known failures (``--baseline``), what must be graded (``--require``), limits, and reports for machines.
Source: docs/ci.md.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand

from seqproof_conformance import baseline as baselines
from seqproof_conformance import running, settings
from seqproof_conformance.baseline import Baseline, unknown_requirement
from seqproof_conformance.phone_suite import PhoneJob
from seqproof_conformance.phone_targets import Role, role_of
from seqproof_conformance.running import Wishes, directory_for
from seqproof_conformance.shell import UsageError, application, print_json
from seqproof_conformance.suite import Job, SuiteName
from seqproof_model import profile
from seqproof_model.requirements import REQUIREMENTS

SOURCES = "seqproof.settings"  # where the context keeps what file and environment said
SUITES = tuple(SuiteName)

app = application()


class Configured(TyperCommand):
    """A command whose parameters may be set in a file and in the environment."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put what file and environment say below the command line. Raises UsageError."""
        if not {"-h", "--help"} & set(args):
            found = settings.resolve(self.params, os.environ, Path.cwd())
            ctx.default_map = {name: setting.value for name, setting in found.items()}
            ctx.meta[SOURCES] = {name: setting.source for name, setting in found.items()}
        rest = super().parse_args(ctx, args)
        if ctx.params["target"] is None and not ctx.params["show_config"]:
            raise typer.TyperException("no TARGET; name one, or set target in seqproof.toml")
        return rest


@app.callback()
def _everything() -> None:
    """Hold a server to the protocol."""


Target = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="What to hold to the protocol: reference, valkey, py:my.module:adapter, ... May come from a file.",
        show_default=False,
    ),
]
Suite = Annotated[
    str, typer.Option("--suite", metavar="NAME", help="quick: some ten seconds; standard: a minute or so; full.")
]
Jobs = Annotated[
    int, typer.Option("-j", "--jobs", metavar="N", min=1, max=64, help="Share the work out: a server for each.")
]
Length = Annotated[
    int | None,
    typer.Option(
        "--length",
        metavar="N",
        min=1,
        max=8,
        help="Steps of the exhaustive courses. Default: what the target's speed allows.",
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option("-k", "--select", metavar="GLOB", help="Only scenarios of this name or requirement (a glob)."),
]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="NAME", help="strict, gappy, ..., joined by +, or FILE.toml. Default: what it claims."
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="The campaign's seed; the same seed, the same examples.")
]
First = Annotated[bool, typer.Option("-x", "--exitfirst", help="Stop at the first failure that is not known.")]
MaxTime = Annotated[
    float | None,
    typer.Option(
        "--max-time", metavar="SECONDS", min=0.001, help="Begin nothing after so many seconds; judge what was."
    ),
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Seconds that one request may take.")
]
BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="Known failures (TOML): each must still fail, none fails the run."),
]
Update = Annotated[bool, typer.Option("--update-baseline", help="Make the baseline fit this run.")]
Require = Annotated[
    list[str] | None,
    typer.Option("--require", metavar="ID,...", help="Inconclusive unless these are graded (ids, globs)."),
]
Junit = Annotated[Path | None, typer.Option("--junit-xml", metavar="FILE", help="Write a JUnit report there.")]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write a summary for a CI job there.")
]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the run's page there too.")]
Out = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="DIR", help="Where results go. Default: seqproof-runs/TARGET.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Validate = Annotated[
    bool, typer.Option("-V", "--validate", help="Hold every line of an exec: adapter to the published schemas.")
]
RoleName = Annotated[
    str | None,
    typer.Option("--role", metavar="ROLE", help="server or phone: what TARGET is. Default: what its name says."),
]
ShowConfig = Annotated[
    bool, typer.Option("--show-config", help="Print every option, its value and where it came from.")
]


@app.command(cls=Configured, epilog="Example: [bold]seqproof run valkey -k 'SEQ-*' --json[/]")
def run(
    ctx: typer.Context,
    target: Target = None,
    suite: Suite = "quick",
    pattern: Pattern = None,
    profile_name: ProfileName = None,
    seed: Seed = 0,
    jobs: Jobs = 1,
    length: Length = None,
    first: First = False,
    max_time: MaxTime = None,
    timeout: Timeout = None,
    baseline: BaselineFile = None,
    update: Update = False,
    require: Require = None,
    junit: Junit = None,
    markdown: Markdown = None,
    page: Page = None,
    out: Out = None,
    validate: Validate = False,
    role: RoleName = None,
    as_json: Json = False,
    show_config: ShowConfig = False,
) -> None:
    """Hold a server, or a phone, to the protocol and show the shortest trace that breaks it."""
    if show_config:
        _show(ctx, as_json=as_json)
        return
    chosen = checked_suite(suite)
    wishes = Wishes(
        baseline=_baseline(baseline, update=update),
        update=update,
        required=required(require or []),
        first=first,
        seconds=max_time,
        junit=junit,
        markdown=markdown,
        page=page,
    )
    held_to = None if profile_name is None else profile.find(profile_name)
    if role_of(str(target), role) is Role.PHONE:
        _only_for_servers({"-j": jobs > 1, "--profile": profile_name is not None})
        phone = PhoneJob(
            str(target),
            directory_for(out, str(target)),
            pattern=pattern,
            seed=seed,
            suite=chosen,
            length=length,
            timeout_s=timeout,
            validate=validate,
        )
        raise typer.Exit(running.run(phone, wishes, as_json=as_json).code)
    job = Job(
        str(target),
        directory_for(out, str(target)),
        held_to,
        pattern,
        seed,
        suite=chosen,
        length=length,
        processes=jobs,
        timeout_s=timeout,
        validate=validate,
    )
    raise typer.Exit(running.run(job, wishes, as_json=as_json).code)


def _only_for_servers(given: dict[str, bool]) -> None:
    """Raise UsageError for the first option that a run on a phone does not have."""
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{option} is for servers; leave it out for a phone")


def checked_suite(name: str) -> SuiteName:
    """The suite of that name. Raises UsageError."""
    if name not in SUITES:
        raise UsageError(f"no suite {name!r}; there are {', '.join(SUITES)}")
    return SuiteName(name)


def _baseline(path: Path | None, *, update: bool) -> Baseline | None:
    if path is None:
        if update:
            raise UsageError("--update-baseline needs --baseline FILE: which one?")
        return None
    return baselines.read(path, to_update=update)


def required(texts: list[str]) -> tuple[str, ...]:
    """The ids that lists of ids and globs name, in the order of the requirements. Raises UsageError."""
    wanted: set[str] = set()
    for word in (word.strip() for text in texts for word in text.split(",")):
        found = [name for name in REQUIREMENTS if fnmatchcase(name, word.upper())]
        if word and not found:
            raise UsageError(f"--require: {unknown_requirement(word)}")
        wanted |= set(found)
    return tuple(name for name in REQUIREMENTS if name in wanted)


# ---------------------------------------------------------------- --show-config


def _show(ctx: typer.Context, *, as_json: bool) -> None:
    """Print every option, its value and where it came from."""
    rows = shown(ctx)
    if as_json:
        print_json([{"option": key, "value": value, "from": source} for key, value, source in rows])
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("option", "value", "from"):
        table.add_column(title, overflow="fold")
    for key, value, source in rows:
        table.add_row(Text(key), Text(_plain(value)), Text(source, "dim"))
    Console().print(table)


def _plain(value: object) -> str:
    """A value as a file would have it; nothing for None."""
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def shown(ctx: Any) -> list[tuple[str, Any, str]]:
    """Each option that can be configured, with its value as plain data and its source."""
    by_setting: dict[str, str] = ctx.meta[SOURCES]
    rows: list[tuple[str, Any, str]] = []
    for key, option in settings.options_of(ctx.command.params).items():
        value = msgspec.to_builtins(ctx.params[option.name], enc_hook=str)
        source = str(ctx.get_parameter_source(option.name).name)
        words = {"COMMANDLINE": "command line", "DEFAULT_MAP": by_setting.get(option.name, ""), "DEFAULT": "default"}
        rows.append((key, value, words.get(source, source.lower())))
    return rows
