"""``seqproof demo`` hears Ctrl-C in each of its runs, and while one writes down its results."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from seqproof_conformance import running, shell
from seqproof_conformance.suite import Job, Watcher

Run = Callable[..., tuple[int, str, str]]
THREE = ["reference", "valkey:aof=yes", "valkey"]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], dict[str, Callable[[], None]]]]:
    """The targets that were run, each a small run in process; and what to do before ("N") or at the end ("N end")."""
    targets: list[str] = []
    then: dict[str, Callable[[], None]] = {}
    real = running.carry_out

    def carry_out(job: Job, wishes: running.Wishes, watcher: Watcher) -> running.Done:
        targets.append(job.target)
        then.get(job.target, lambda: None)()
        server = "mutant:NO_CONFIRMED" if job.target == "valkey" else "mutant:CORRECT"
        done = real(replace(job, target=server, length=1), wishes, watcher)
        then.get(f"{job.target} end", lambda: None)()
        return done

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever ran before may have left it deaf
    monkeypatch.setattr(running, "carry_out", carry_out)
    yield targets, then
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_three_runs_and_what_came_of_them(run: Run, played: tuple[list[str], dict[str, Callable[[], None]]]) -> None:
    code, out, _ = run("demo", "-o", "d")
    assert (code, played[0]) == (0, THREE)
    assert out.count("as it should be") == 3


@pytest.mark.parametrize("at", [1, 2, 3])
def test_ctrl_c_in_any_run_ends_the_demo(
    run: Run, played: tuple[list[str], dict[str, Callable[[], None]]], at: int
) -> None:
    targets, then = played
    then[THREE[at - 1]] = interrupt
    code, _, err = run("demo", "-o", "d")
    assert (code, targets) == (130, THREE[:at])
    assert "interrupted" in err


def test_ctrl_c_while_a_run_writes_down_is_heard_before_the_next(
    run: Run, played: tuple[list[str], dict[str, Callable[[], None]]]
) -> None:
    """The results of the run are kept whole, since nothing was raised."""
    targets, then = played
    then["reference end"] = interrupt
    code, out, _ = run("demo", "-o", "d")
    assert (code, targets) == (130, THREE[:1])
    assert "conformant" in out


def test_what_was_deaf_hears_again() -> None:
    with shell.hearing_again():
        before = signal.getsignal(signal.SIGINT)
        shell.finishing()
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
