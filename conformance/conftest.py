"""Shared by the conformance tests: a runner on an in-process server and its history; the command line in process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seqproof_conformance import cli
from seqproof_conformance.adapter import Adapter, Capability
from seqproof_conformance.runner import Runner
from seqproof_conformance.targets import open_target
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find

Run = Callable[..., tuple[int, str, str]]


@dataclass
class Bench:
    """A runner and what it recorded."""

    runner: Runner
    recorded: list[h.Event]


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """Builds a runner on a target string or an adapter, in memory."""

    def build(target: str | Adapter = "mutant:CORRECT", profile: Profile | None = None) -> Bench:
        adapter = open_target(target) if isinstance(target, str) else target
        hello = adapter.hello()
        chosen = profile or hello.claims or find("strict")
        recorded: list[h.Event] = []
        judge = Judge(chosen, paged=Capability.PAGING in hello.capabilities)
        return Bench(Runner(adapter, hello, chosen, [judge], recorded.append, "t"), recorded)

    return build


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the command line in this process, in an empty folder; returns its code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seqproof", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capfd.readouterr()
        return int(stopped.value.code or 0), out, err

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)
