"""The pytest plugin: each requirement of the protocol as one test, beside a project's own.

    pytest --seqproof-target py:my.server:Adapter

The target is run once, when the first of its items runs; every item then reads its own requirement's finding. A
violation fails with what a person needs to see it again, what is not graded is skipped with the reason, a known failure
is an expected one, and a stale entry of the baseline fails. The item ``run`` fails when the run as a whole decided
nothing, so that a target which died is not a row of skipped tests.

Nothing of the kit is loaded unless the option is given: pytest loads this file in every project of the environment.
Source: docs/ci.md.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from seqproof_conformance.running import Done, Wishes
    from seqproof_conformance.suite import Job
    from seqproof_model.verdict import Counterexample, Grade

ROOT = "seqproof::"
THE_RUN = "run"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("seqproof", "does this message-sync server lose, repeat or leak messages?")
    group.addoption("--seqproof-target", action="append", default=[], metavar="TARGET", help="hold it to the protocol")
    group.addoption("--seqproof-suite", default="quick", metavar="SUITE", help="which suite (default: quick)")
    group.addoption("--seqproof-profile", metavar="PROFILE", help="default: what the target claims")
    group.addoption("--seqproof-baseline", metavar="FILE", help="failures that are known, as in seqproof run")


def pytest_configure(config: pytest.Config) -> None:
    """Make the runs, if any is asked for. Nothing is started yet. Raises pytest.UsageError."""
    if targets := _given(config)["target"]:
        chosen = [word for word in config.args if word.startswith(ROOT)]
        config.args[:] = [word for word in config.args if word not in chosen]  # they are looked for on no disk
        config.pluginmanager.register(Session([_run_of(config, target) for target in dict.fromkeys(targets)], chosen))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the test in a counterexample's directory unless it is named: it is an output, one of many of its name.

    A copy that somebody keeps in a test suite is a test like any other.
    """
    directory = collection_path.parent
    if collection_path.name != "test_repro.py" or not (directory / "counterexample.json").is_file():
        return None
    asked = {Path(config.invocation_params.dir, word.partition("::")[0]).resolve() for word in config.args}
    return None if {collection_path.resolve(), directory.resolve()} & asked else True


def _given(config: pytest.Config) -> dict[str, Any]:
    """The plugin's options by their short names."""
    return {name: config.getoption(f"--seqproof-{name}") for name in ("target", "suite", "profile", "baseline")}


def _run_of(config: pytest.Config, target: str) -> Run:
    from seqproof_conformance import baseline as baselines
    from seqproof_conformance.command_run import checked_suite
    from seqproof_conformance.running import Wishes, directory_for
    from seqproof_conformance.shell import UsageError
    from seqproof_conformance.suite import Job
    from seqproof_model import profile

    given, worker = _given(config), getattr(config, "workerinput", {}).get("workerid", "")
    try:
        checked_suite(given["suite"])
        held_to = profile.find(given["profile"]) if given["profile"] else None
        listed = baselines.read(Path(given["baseline"])) if given["baseline"] else None
        out = directory_for(None, f"{target}-{worker}" if worker else target)
        return Run(Job(target, out, held_to), Wishes(baseline=listed))
    except (UsageError, baselines.BaselineError, profile.ProfileError) as error:
        raise pytest.UsageError(f"seqproof: {error}") from None


class Session:
    """What the plugin does in a session that asks for it. ``chosen``: the arguments that name items of the plugin."""

    def __init__(self, runs: list[Run], chosen: list[str]) -> None:
        self.runs = runs
        self.chosen = tuple(chosen)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Add the items, before anyone selects among them: a wrapper is asked before every other plugin."""
        added = [item for run in self.runs for item in session.genitems(_Target.made(session, run))]
        items += [item for item in added if not self.chosen or item.nodeid.startswith(self.chosen)]
        return (yield)


@dataclass
class Run:
    """One target's run, carried out when it is first asked for."""

    job: Job
    wishes: Wishes
    done: Done | None = None
    why_not: str = ""
    shown: dict[str, Counterexample] = field(default_factory=dict[str, "Counterexample"])

    def result(self) -> Done:
        """The run, over. Raises CannotRun, KeyboardInterrupt."""
        from seqproof_conformance.adapter import TargetError
        from seqproof_conformance.running import carry_out
        from seqproof_conformance.suite import NothingSelectedError, Watcher

        if self.done is None and not self.why_not:
            try:
                self.done = carry_out(self.job, self.wishes, Watcher())
                self.shown = {item.violation.requirement: item for item in self.done.outcome.counterexamples}
            except (TargetError, NothingSelectedError, OSError) as error:
                self.why_not = f"{self.job.target} cannot be run: {error}"
        if self.done is None:
            raise CannotRun(self.why_not)
        if self.done.outcome.interrupted:
            raise KeyboardInterrupt
        return self.done


class CannotRun(Exception):  # noqa: N818 - it says what is so
    """The run could not be carried out; one line."""


class Failed(Exception):  # noqa: N818 - it says what is so
    """A requirement failed; the text is all that is to be shown of it."""


class _Target(pytest.Collector):
    """The items of one target."""

    run: Run

    @classmethod
    def made(cls, session: pytest.Session, run: Run) -> _Target:
        made: _Target = cast("Any", cls).from_parent(session, name=run.job.target, nodeid=f"{ROOT}{run.job.target}")
        made.run = run
        return made

    def collect(self) -> Iterator[pytest.Item]:
        from seqproof_model.requirements import REQUIREMENTS

        for name in (THE_RUN, *REQUIREMENTS):
            item: _Item = cast("Any", _Item).from_parent(self, name=name)
            item.run = self.run
            if self.config.pluginmanager.hasplugin("xdist"):  # one worker, one run: --dist loadgroup
                item.add_marker(pytest.mark.xdist_group(self.nodeid))
            yield item


class _Item(pytest.Item):
    """One requirement of one target, or the run itself."""

    run: Run

    def runtest(self) -> None:
        """Read the finding. Raises Failed, CannotRun, and what pytest's skip and xfail raise."""
        done = self.run.result()
        if self.name == THE_RUN:
            if why := done.assessment.inconclusive:
                raise Failed("\n".join([f"the run of {self.run.job.target} is inconclusive:", *why]))
            return
        grade = next(grade for grade in done.assessment.verdict.grades if grade.requirement == self.name)
        self._judge(done, grade)

    def _judge(self, done: Done, grade: Grade) -> None:
        from seqproof_model.verdict import Result

        assessment = done.assessment
        if grade.result is Result.NOT_GRADED:
            pytest.skip(f"not graded: {grade.reason}")
        if grade.result is Result.FAIL:
            if grade.requirement in assessment.reasons:
                pytest.xfail(f"known: {assessment.reasons[grade.requirement]}")
            raise Failed("\n".join(self._evidence(done)))
        if any(entry.requirement == grade.requirement for entry in assessment.stale):
            path = done.wishes.baseline.path if done.wishes.baseline else ""
            raise Failed(f"stale: {grade.requirement} passes now; remove it from {path}")

    def _evidence(self, done: Done) -> list[str]:
        """What a person needs to see it again."""
        from seqproof_reports.report import report
        from seqproof_reports.text import visible

        if (shown := self.run.shown.get(self.name)) is None:
            found = (item.sentence for item in done.assessment.new if item.requirement == self.name)
            return [visible(sentence) for sentence in found]
        told = report(shown)
        lines = [
            told.violation.sentence,
            "",
            *told.argument,
            "",
            f"trace:   {told.notation}",
            f"replay:  {told.replay}",
        ]
        pages = dict(zip(self.run.shown, done.reports, strict=True))
        return [visible(line) for line in [*lines, f"report:  {pages[self.name]}"]]

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The finding by itself: a traceback through the kit tells nobody anything."""
        if isinstance(excinfo.value, Failed | CannotRun):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it stands: nowhere on disk, so its name."""
        return self.path, None, self.nodeid
