"""One run for a person or a CI job: play, hold against what is listed and required, write everything down, say it.

``carry_out`` does all but the saying, so that the command line and the pytest plugin share it. What is always written
stands in ``job.out``: the history, a directory per failure, ``index.html`` and ``verdict.json``. Reports for a CI
system go where they are asked for.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seqproof_conformance import baseline as baselines
from seqproof_conformance import phone_suite, suite
from seqproof_conformance.adapter import Hello
from seqproof_conformance.baseline import Baseline
from seqproof_conformance.codes import codes_of, exit_code
from seqproof_conformance.limits import Limits
from seqproof_conformance.phone_suite import PhoneJob
from seqproof_conformance.shell import UsageError, complain, finishing, print_json, still_wanted
from seqproof_conformance.suite import Job, Outcome, Watcher
from seqproof_model import results
from seqproof_model.assessment import Assessment, Known, assess
from seqproof_model.verdict import Result
from seqproof_reports import assessed, directory, run_page, terminal
from seqproof_reports.job_summary import job_summary
from seqproof_reports.junit import junit_xml
from seqproof_reports.screen import render_screen


@dataclass(frozen=True)
class Wishes:
    """What someone wants of a run besides the run.

    ``baseline``: failures that are known; ``update``: it is rewritten to fit. ``required``: ids that must be graded.
    ``first``: stop at the first failure that is not known. ``seconds``: nothing is begun after that. ``junit``,
    ``markdown``, ``page``: where the reports go.
    """

    baseline: Baseline | None = None
    update: bool = False
    required: tuple[str, ...] = ()
    first: bool = False
    seconds: float | None = None
    junit: Path | None = None
    markdown: Path | None = None
    page: Path | None = None


@dataclass(frozen=True)
class Done:
    """A run that is over and written down. ``reports``: the page of each counterexample, in their order."""

    job: Job
    wishes: Wishes
    outcome: Outcome
    assessment: Assessment
    reports: tuple[Path, ...]

    @property
    def code(self) -> int:
        """The exit code."""
        return exit_code(codes_of(self.assessment))


def run(job: Job, wishes: Wishes | None = None, *, as_json: bool = False, brief: bool = False) -> Done:
    """Run, write the results, print them. ``brief``: one line is enough where nothing is wrong."""
    with progress(quiet=as_json) as watcher:
        done = carry_out(job, wishes or Wishes(), watcher)
    _complain(done)
    if as_json:
        print_json(as_data(done))
        return done
    console, outcome = Console(), done.outcome
    new = [
        (counterexample, str(path))
        for counterexample, path in zip(outcome.counterexamples, done.reports, strict=True)
        if counterexample.violation.requirement not in done.assessment.reasons
    ]
    if console.is_terminal and not (brief and done.code == 0):
        render_screen(console, done.assessment, new, str(job.out / run_page.PAGE))
        return done
    if brief and done.code == 0:
        terminal.render_headline(console, outcome.verdict)
    else:
        terminal.render_verdict(console, outcome.verdict)
    assessed.render_notes(console, done.assessment)
    for counterexample, path in new:
        terminal.render_counterexample(console, counterexample, path)
    console.print(f"\n  results: {job.out / 'index.html'}", highlight=False, soft_wrap=True)
    return done


def carry_out(job: Job, wishes: Wishes, watcher: Watcher) -> Done:
    """Run and write the results, without a word.

    Raises TargetError, NothingSelectedError, BaselineError, OSError when results cannot be written.
    """
    listed = wishes.baseline.entries if wishes.baseline else ()
    limits = Limits(wishes.first, wishes.seconds, _listed_for(job.target, listed))
    with redirect_stdout(sys.stderr):  # what an adapter prints is no result
        watched = limits.watching(watcher)
        outcome = phone_suite.run(job, watched) if isinstance(job, PhoneJob) else suite.run(job, watched)
    whole = job.pattern is None and job.scenarios is None and not (outcome.stopped or outcome.enough)
    if wishes.baseline and wishes.update:
        shown = [item.violation for item in outcome.counterexamples]
        wishes = replace(wishes, baseline=baselines.updated(wishes.baseline, outcome.verdict, shown, whole=whole))
    listed = wishes.baseline.entries if wishes.baseline else ()
    assessment = assess(outcome.verdict, listed, wishes.required, whole=whole)
    pages = [directory.write(job.out / item.violation.requirement, item) for item in outcome.counterexamples]
    done = Done(job, wishes, outcome, assessment, tuple(files["report.html"] for files in pages))
    _write(done)
    return done


def _listed_for(target: str, entries: Sequence[Known]) -> frozenset[str]:
    return frozenset(entry.requirement for entry in entries if fnmatchcase(target, entry.target))


def _complain(done: Done) -> None:
    """Say on standard error what is no result: why the run ended, and what someone has to write."""
    job, outcome, baseline = done.job, done.outcome, done.wishes.baseline
    if outcome.stopped:
        complain(f"{job.target}: {outcome.stopped}")
    for line in baseline.unexplained(job.target) if baseline else ():
        complain(line)


# ---------------------------------------------------------------- what is written


def _write(done: Done) -> None:
    """Write the run's pages, the verdict as JSON, the reports that are asked for, and the baseline."""
    job, wishes, shown = done.job, done.wishes, done.outcome.counterexamples
    found = _result(done)
    (job.out / results.FILE).write_bytes(results.encode(found))
    run_page.write(job.out, found)
    if wishes.junit:
        _put(wishes.junit, junit_xml(done.assessment, done.outcome.header, shown))
    if wishes.markdown:
        _put(wishes.markdown, job_summary(done.assessment, shown, str(job.out / "index.html")))
    if wishes.page:
        _put(wishes.page, run_page.run_html(found, Path(os.path.relpath(job.out, wishes.page.parent)).as_posix()))
    if wishes.baseline and wishes.update:
        baselines.write(wishes.baseline)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def summary(assessment: Assessment, code: int) -> dict[str, object]:
    """The verdict as plain data, the most important first."""
    verdict = assessment.verdict
    return {
        "target": verdict.target,
        "code": code,
        "profile": verdict.profile.describe(),
        "graded": verdict.graded,
        "of": len(verdict.grades),
        "failed": [grade.requirement for grade in verdict.having(Result.FAIL)],
        "passed": [grade.requirement for grade in verdict.having(Result.PASS)],
        "strict_fails_besides": list(verdict.strict_besides),
        "inconclusive": assessment.inconclusive,
        "grades": [msgspec.to_builtins(grade) for grade in verdict.grades],
        "events": verdict.events,
        "coverage": msgspec.to_builtins(verdict.coverage),
    }


def as_data(done: Done) -> dict[str, object]:
    """A run as plain data: what ``--json`` prints and ``verdict.json`` holds."""
    return results.plain(_result(done))


def _result(done: Done) -> results.RunResult:
    job, outcome, assessment = done.job, done.outcome, done.assessment
    failures = [
        {
            "requirement": item.violation.requirement,
            "sentence": item.violation.sentence,
            "suspects": list(item.violation.suspects),
            "trace": item.trace,
            "claim": item.claim,
            "reproduced": f"{item.reproduced} of {item.tried}",
            "found_by": item.found_by,
            "replay": item.replay,
            "report": str(path),
        }
        for item, path in zip(outcome.counterexamples, done.reports, strict=True)
    ]
    told = summary(assessment, done.code) | {
        "server": outcome.header.server,
        "kit": outcome.header.kit,
        "seed": outcome.header.seed,
        "suite": "" if job.scenarios is not None else str(job.suite),
        "length": job.length,
        "selected": job.pattern,
        "adds": list(outcome.header.adds),
        "scenarios": outcome.scenarios,
        "stopped": outcome.stopped,
        "interrupted": outcome.interrupted,
        "enough": outcome.enough,
        "failures": failures,
        "violations": msgspec.to_builtins(results.seen(outcome.verdict.violations)),
        "undecided": list(outcome.verdict.undecided),
        "known": assessment.reasons,
        "stale": [entry.requirement for entry in assessment.stale],
        "listed_not_decided": {entry.requirement: why for entry, why in assessment.waiting},
        "required_not_graded": [grade.requirement for grade in assessment.missing],
        "baseline": str(done.wishes.baseline.path) if done.wishes.baseline else None,
        "directory": str(job.out),
        "again": _again(job),
    }
    return msgspec.convert(told, results.RunResult)


def _again(job: Job) -> str:
    """The command that runs the same once more."""
    if job.scenarios is not None:
        return ""
    words = ["seqproof", "run", job.target, "--suite", str(job.suite), "--seed", str(job.seed)]
    words += ["--length", str(job.length)] if job.length else []
    words += ["-k", job.pattern] if job.pattern else []
    words += ["-j", str(job.processes)] if job.processes > 1 else []
    return shlex.join([*words, "--profile", job.profile.name] if job.profile else words)


# ---------------------------------------------------------------- where results go


def directory_for(out: Path | None, target: str) -> Path:
    """Where results go. A directory that holds a run is never written over. Raises UsageError."""
    if out is None:
        return free(Path("seqproof-runs") / slug(target))
    if (out / "history.jsonl").exists():
        raise UsageError(f"{out} holds the results of another run; name another directory, or remove that one")
    return out


def slug(text: str) -> str:
    """A text as the name of a folder."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip("-.") or "run"


def free(path: Path) -> Path:
    """The path, or the first of path-2, path-3, ... that does not exist."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


# ---------------------------------------------------------------- progress


@contextmanager
def progress(*, quiet: bool) -> Generator[Watcher]:
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

        yield Watcher(started=started, tick=tick, finishing=finishing)
