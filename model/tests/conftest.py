"""What the model's tests share: a judge that reads scripts, and the world-set engine as a yardstick."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find
from seqproof_model.script import events
from seqproof_model.worlds import Worlds

Judging = Callable[..., Judge]
FirstBad = Callable[[Iterable[h.Event], Profile, bool], int | None]


def _judge(text: str, profile: str | Profile = "strict", *, paged: bool = False) -> Judge:
    judge = Judge(find(profile) if isinstance(profile, str) else profile, paged=paged)
    for event in events(text):
        judge.feed(event)
    return judge


@pytest.fixture(scope="session")
def judged() -> Judging:
    """Judge a script: ``judged(text, profile="strict", paged=False)``."""
    return _judge


@pytest.fixture(scope="session")
def judge_blames() -> FirstBad:
    """Return the index of the event that the judge blames, else None."""

    def first(history: Iterable[h.Event], profile: Profile, paged: bool) -> int | None:
        judge = Judge(profile, paged=paged)
        return next((at for at, event in enumerate(history) if judge.feed(event)), None)

    return first


@pytest.fixture(scope="session")
def worlds_blame() -> FirstBad:
    """Return the index of the event after which no world is left, else None. Raises TooManyError."""

    def first(history: Iterable[h.Event], profile: Profile, paged: bool) -> int | None:
        worlds = Worlds(profile, paged=paged, cap=1_500)
        return next((at for at, event in enumerate(history) if not worlds.feed(event)), None)

    return first
