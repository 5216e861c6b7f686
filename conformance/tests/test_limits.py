"""Where a run ends although more could be played. The clock is the test's own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seqproof_conformance.adapter import Adapter, Hello
from seqproof_conformance.limits import Limits
from seqproof_conformance.suite import SHORTENING, Enough, Job, Watcher, golden, run
from seqproof_conformance.targets import UnknownTarget, open_target
from seqproof_model.history import Answer, Indefinite


def ticking(step: float) -> Callable[[], float]:
    """A clock on which each look takes so many seconds."""
    now = -step

    def clock() -> float:
        nonlocal now
        now += step
        return now

    return clock


def test_without_limits_everything_is_played(tmp_path: Path) -> None:
    outcome = run(Job("mutant:CORRECT", tmp_path), Limits(clock=ticking(1e9)).watching(Watcher()))
    assert (outcome.enough, outcome.code) == ("", 0)
    assert outcome.scenarios > len(golden())


@pytest.mark.parametrize(("seconds", "played"), [(1, 0), (4, 3), (60, 59)])
def test_after_the_time_no_scenario_is_begun_and_what_ran_is_judged(
    tmp_path: Path, seconds: float, played: int
) -> None:
    """Each look at the clock takes a second: among the golden ones, and in the campaign."""
    outcome = run(Job("mutant:CORRECT", tmp_path), Limits(seconds=seconds, clock=ticking(1)).watching(Watcher()))
    assert outcome.scenarios == played
    assert outcome.code == 3
    assert f"the time was up (--max-time {seconds:g})" in str(outcome.verdict.inconclusive)
    assert not outcome.stopped
    assert not outcome.interrupted


def test_a_violation_outranks_the_time_and_is_shown_as_it_was_found(tmp_path: Path) -> None:
    outcome = run(Job("mutant:ACK_ON_REPLY", tmp_path), Limits(seconds=40, clock=ticking(1)).watching(Watcher()))
    assert outcome.code == 1
    assert 0 < outcome.scenarios < 40  # each violation asks the clock once more
    assert {item.claim for item in outcome.counterexamples} == {"as found: the run ended before"}


def test_the_shortening_ends_too_when_the_time_is_up(tmp_path: Path) -> None:
    """The clock stands still until the shortening begins."""
    shortening: list[str] = []

    def tick(what: str) -> None:
        shortening.extend([what] * (what == SHORTENING))

    limits = Limits(seconds=3, clock=lambda: float(len(shortening)))
    outcome = run(Job("mutant:ACK_ON_REPLY", tmp_path), limits.watching(Watcher(tick=tick)))
    assert len(shortening) == 3
    assert outcome.code == 1
    assert len(outcome.counterexamples) == len({v.requirement for v in outcome.verdict.violations})


def test_x_stops_at_the_first_violation_and_shortens_it(tmp_path: Path) -> None:
    everything = run(Job("mutant:VOLATILE_TAIL", tmp_path / "a"))
    outcome = run(Job("mutant:VOLATILE_TAIL", tmp_path / "b"), Limits(first=True).watching(Watcher()))
    (shown,) = outcome.counterexamples
    assert len(everything.counterexamples) > 1
    assert shown.claim.startswith("locally minimal")
    assert (shown.reproduced, outcome.code) == (5, 1)
    assert outcome.enough.startswith(f"stopped at the first violation, {shown.violation.requirement} (-x)")


def test_a_known_failure_is_not_the_first(tmp_path: Path) -> None:
    limits = Limits(first=True, known=frozenset({"SEQ-3"}))
    outcome = run(Job("mutant:VOLATILE_TAIL", tmp_path), limits.watching(Watcher()))
    assert "RCV-7" in {item.violation.requirement for item in outcome.counterexamples}
    assert "RCV-7" in outcome.enough


def test_the_inner_watcher_still_hears_everything() -> None:
    heard: list[str] = []
    watching = Limits(first=True).watching(Watcher(tick=heard.append, failed=heard.append))
    watching.tick("F4")
    watching.failed("SEQ-3")
    with pytest.raises(Enough):
        watching.tick("F5")
    assert heard == ["F4", "SEQ-3", "F5"]


# ------------------------------------------------------------ how long one request may take


class Quiet:
    """An adapter that answers nothing definite."""

    def hello(self) -> Hello:
        return Hello("quiet", frozenset())

    def reset(self, account: str) -> None: ...

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:  # noqa: ARG002
        return Indefinite("timeout")

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:  # noqa: ARG002
        return Indefinite("timeout")

    def close(self) -> None: ...


class Bounded(Quiet):
    """One that can be told how long to wait."""

    seconds = 0.0

    def bound(self, seconds: float) -> None:
        self.seconds = seconds


def seconds_of(adapter: Adapter) -> float:
    return float(vars(adapter)["seconds"])


def test_the_timeout_reaches_an_adapter_that_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits_doubles", SimpleNamespace(B=Bounded))
    assert seconds_of(open_target("py:limits_doubles:B", 2.5)) == 2.5


def test_an_adapter_that_cannot_take_it_is_said_and_one_that_waits_for_nobody_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "limits_doubles", SimpleNamespace(Q=Quiet))
    with pytest.raises(UnknownTarget, match=r"its adapter has no bound\(seconds\)"):
        open_target("py:limits_doubles:Q", 2.5)
    open_target("py:limits_doubles:Q")
    open_target("mutant:CORRECT", 2.5)


@pytest.mark.parametrize("target", ["reference", "valkey"])
def test_a_server_that_never_answers_is_waited_for_as_long_as_was_said(target: str) -> None:
    """Stopped by a signal, a server still takes the connection and the request."""
    adapter: Any = open_target(target, 0.2)
    try:
        adapter.hello()
        adapter.reset("x")
        os.kill(adapter.server.pid, signal.SIGSTOP)
        assert isinstance(adapter.recv("x", "A", 0), Indefinite)
        inside = cast("dict[str, Any]", vars(adapter))
        bound = inside["_http"].timeout.read if target == "reference" else inside["requests"].timeout_s
        assert bound == 0.2
    finally:
        adapter.close()
