"""Shared by the conformance tests: a runner on an in-process server, and its history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from seqproof_conformance.adapter import Adapter, Capability
from seqproof_conformance.runner import Runner
from seqproof_conformance.targets import open_target
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find


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
