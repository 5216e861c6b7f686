"""A run judged again from its histories alone, and held against the verdict that was stored.

The histories say what happened, so grades and violations come from them. What they cannot say is taken from the stored
verdict, where there is one: which conditions were looked for, how far the suite covered, what was listed as known. A
violation that left no directory (the run was killed before it could write one) is cut out of the run's history: the
events of its own accounts up to the answer that no correct server gives, and the kills in between.
Source: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seqproof_conformance import counterexample as made
from seqproof_conformance.codes import codes_of, exit_code
from seqproof_model import history as h
from seqproof_model import kept, results
from seqproof_model.assessment import Assessment, Known, assess
from seqproof_model.judge import Judge, besides
from seqproof_model.profile import find
from seqproof_model.results import RunResult
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample, Result, Verdict, Violation

OF_ALL = (h.Kill, h.Restart, h.Backup, h.Restore, h.FailStore)  # events that befall every account


@dataclass(frozen=True)
class Again:
    """A run, judged again. ``partial``: the files that were cut, with their last good line."""

    header: h.Header
    assessment: Assessment
    partial: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """What was found."""
        return self.assessment.verdict


def judged(histories: Sequence[h.History], stored: RunResult | None, explained: Sequence[Violation]) -> Again:
    """Judge what each process of a run recorded, and add it up. Raises HistoryError for what is no history."""
    header = histories[0].header
    paged = "paging" in header.capabilities
    total, strict_total = Judge(header.profile, paged=paged), Judge(find("strict"), paged=paged)
    for recorded in histories:
        main, strict = judge_of(recorded), judge_of(recorded, strict=True)
        total.counts.update(main.counts)
        total.events += main.events
        total.violations += main.violations
        strict_total.violations += strict.violations
    scope = {grade.requirement for grade in stored.grades if grade.inconclusive} if stored else None
    cut = [recorded.partial for recorded in histories if recorded.partial is not None]
    interrupted = bool(stored and stored.interrupted)
    verdict = total.verdict(
        header,
        scope=scope,
        explained=explained or None,
        partial=cut[0] if cut else None,
        interrupted=interrupted,
        strict_besides=besides(strict_total, total),
    )
    if stored:
        verdict = msgspec.structs.replace(
            verdict, stopped=stored.stopped, undecided=stored.undecided, coverage=stored.coverage
        )
    listed = [Known(name, "*", why) for name, why in stored.known.items()] if stored else []
    listed += [Known(name, "*", "") for name in stored.stale] if stored else []
    required = stored.required_not_graded if stored else ()
    return Again(header, assess(verdict, listed, required), tuple(str(line) for line in cut))


def judge_of(recorded: h.History, *, strict: bool = False) -> Judge:
    """A judge that has read a whole history, under its own profile or under strict. Raises HistoryError."""
    profile = find("strict") if strict else recorded.header.profile
    judge = Judge(profile, paged="paging" in recorded.header.capabilities)
    for event in recorded.events:
        judge.feed(event)
    return judge


def result(again: Again, stored: RunResult | None, shown: Sequence[Counterexample], folder: Path) -> RunResult:
    """The run's result as the histories have it; what they cannot say, as it was stored."""
    verdict, header = again.verdict, again.header
    base = stored or RunResult(header.target, "", (), adds=header.adds, seed=header.seed, directory=str(folder))
    failed, passed = _having(verdict, Result.FAIL), _having(verdict, Result.PASS)
    return msgspec.structs.replace(
        base,
        target=header.target,
        profile=header.profile.describe(),
        server=header.server,
        kit=header.kit,
        code=exit_code(codes_of(again.assessment)),
        grades=verdict.grades,
        events=min(verdict.events, base.events or verdict.events),  # what is played to shorten is not counted
        inconclusive=tuple(again.assessment.inconclusive),
        strict_fails_besides=verdict.strict_besides,
        violations=results.seen(verdict.violations),
        failures=tuple(failure(item, folder) for item in shown),
        graded=verdict.graded,
        of=len(verdict.grades),
        failed=failed,
        passed=passed,
    )


def _having(verdict: Verdict, which: Result) -> tuple[str, ...]:
    return tuple(grade.requirement for grade in verdict.having(which))


def failure(item: Counterexample, folder: Path) -> results.Failure:
    """A counterexample in short, as a verdict keeps it."""
    return results.Failure(
        requirement=item.violation.requirement,
        sentence=item.violation.sentence,
        suspects=item.violation.suspects,
        trace=item.trace,
        claim=item.claim,
        reproduced=f"{item.reproduced} of {item.tried}",
        found_by=item.found_by,
        replay=item.replay,
        report=str(folder / item.violation.requirement / "report.html"),
    )


def differences(now: RunResult, then: RunResult) -> Iterator[str]:
    """How a verdict that was judged again differs from the stored one, a line each."""
    for grade in now.grades:
        old = then.grade(grade.requirement)
        if old is None or old.result is not grade.result:
            was = old.result.value if old else "not there"
            yield f"{grade.requirement}: the history says {grade.result.value}, the stored verdict said {was}"
    if now.events < then.events:
        yield f"the history has {now.events} events, the stored verdict said {then.events}"


# ---------------------------------------------------------------- violations that left no directory


def carved(recorded: h.History, violation: Violation, folder: Path) -> Counterexample | None:
    """The play of a violation, cut out of a run's history; None where the judge does not find it in the part."""
    prefix = violation.account.rpartition("-")[0] + "-"
    events = tuple(_alone(recorded.events[: violation.event], prefix))
    events = made.cleaned(events)
    found = kept.first(h.History(recorded.header, events))
    if found is None or found.requirement != violation.requirement:
        return None
    return Counterexample(
        violation=found,
        scenario=Scenario(found.requirement, ()),
        header=recorded.header,
        events=events,
        claim="as recorded: it was not shortened, and its steps were not kept",
        reproduced=0,
        tried=0,
        found_by="the run's history",
        replay=f"seqproof check {folder / found.requirement / kept.HISTORY}",
    )


def _alone(events: Sequence[h.Event], prefix: str) -> Iterator[h.Event]:
    """The events of the accounts with that prefix, without it, and what befell all since the first of them."""
    mine, begun = set[int](), False
    for event in events:
        if isinstance(event, h.Send | h.Recv | h.RecvRaw | h.Preset | h.Trim | h.Login | h.Logout):
            if not event.account.startswith(prefix):
                continue
            begun = True
            mine |= {getattr(event, "id", 0)} - {0}
            yield msgspec.structs.replace(event, account=event.account.removeprefix(prefix))
        elif isinstance(event, h.Ok | h.Refused | h.Indefinite | h.Settled | h.Delivered):
            if event.id in mine:
                yield event
        elif isinstance(event, h.Tips):
            tips = [t for t in event.tips if t.account.startswith(prefix)]
            names = [name.removeprefix(prefix) for name in event.accounts if name.startswith(prefix)]
            told = (msgspec.structs.replace(tip, account=tip.account.removeprefix(prefix)) for tip in tips)
            if tips or names:
                yield h.Tips(tuple(told), tuple(names))
        elif begun and isinstance(event, OF_ALL):
            yield event
