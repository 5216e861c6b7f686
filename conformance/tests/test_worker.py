"""Calls that may never return are waited for no longer than their bound; processes that are left behind are found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from seqproof_conformance import watchdog
from seqproof_conformance.leftovers import Household, descendants
from seqproof_conformance.worker import BlockedError, Worker, alive

BOUND_S = 20.0
SHORT_S = 0.05  # only for what never returns
SLEEPER = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
# It leaves its parent, its session and its group; only its environment tells where it came from.
STRAY = "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True)"


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.end()


def test_all_calls_run_on_one_thread_that_is_not_ours(worker: Worker) -> None:
    threads = {worker.call("who", threading.get_ident, BOUND_S).result() for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_what_a_call_raises_is_kept_and_ends_nothing(worker: Worker) -> None:
    def stop() -> None:
        raise SystemExit(3)

    assert isinstance(worker.call("stop", stop, BOUND_S).exception(), SystemExit)
    assert worker.call("go on", lambda: 7, BOUND_S).result() == 7


def test_an_error_of_the_call_is_no_end_of_the_bound(worker: Worker) -> None:
    def late() -> None:
        raise TimeoutError("its own")

    assert str(worker.call("late", late, BOUND_S).exception()) == "its own"


def test_a_call_that_never_returns_is_named_and_then_nothing_more_is_called(worker: Worker) -> None:
    released, before = threading.Event(), alive()
    try:
        with pytest.raises(BlockedError, match=r"^recv did not return within 0.05 s$"):
            worker.call("recv", released.wait, SHORT_S)
        with pytest.raises(BlockedError, match=r"^recv did not return within 0.05 s$"):
            worker.call("send", lambda: 7, BOUND_S)
        worker.end()
        assert worker.blocked == "recv"
        assert alive() == before
    finally:
        released.set()


def test_a_worker_that_was_ended_leaves_no_thread() -> None:
    before, made = alive(), Worker()
    assert len(alive() - before) == 1
    made.end()
    assert alive() - before == set()


def test_a_process_is_found_by_its_parent_and_by_its_environment_and_ended() -> None:
    with Household() as household:
        child = subprocess.Popen(SLEEPER, env={})
        subprocess.run([sys.executable, "-I", "-S", "-c", STRAY, *SLEEPER], check=True, timeout=BOUND_S)
        there = household.now()
        for _ in range(2000):  # at most 20 s: a process that is just starting has no environment yet
            if len(there) == 2:
                break
            signal.sigtimedwait([], 0.01)
            there = household.now()
        assert child.pid in there
        assert len(there) == 2
        (stray,) = set(there) - {child.pid}
        assert stray not in descendants(os.getpid())
    assert household.now() == {}
    assert child.wait(BOUND_S) != 0


def test_what_was_there_before_is_no_leftover() -> None:
    before = subprocess.Popen(SLEEPER)
    try:
        with Household() as household:
            assert household.left() == {}
        assert before.poll() is None
    finally:
        before.kill()
        before.wait()


def test_the_mark_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(watchdog.MARK, raising=False)
    with Household():
        assert os.environ[watchdog.MARK]
    assert watchdog.MARK not in os.environ
    monkeypatch.setenv(watchdog.MARK, "of another kit")
    with Household():
        assert os.environ[watchdog.MARK] != "of another kit"
    assert os.environ[watchdog.MARK] == "of another kit"
