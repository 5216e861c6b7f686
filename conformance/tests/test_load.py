"""Load with kills: a correct server loses nothing, a faulty one is found by the plain count and by the judge."""

from __future__ import annotations

import itertools
import threading
from typing import Any, cast

import pytest

from seqproof_conformance.adapter import Adapter, Capability, Hello, TargetError
from seqproof_conformance.load import Load, Shape
from seqproof_conformance.targets import opened
from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.profile import find
from seqproof_reference import faulty


class OneAtATime:
    """An in-process server that several threads may call: each request waits for its turn."""

    def __init__(self, name: str) -> None:
        self._core, self._turn = faulty.make(name), threading.Lock()

    def hello(self) -> Hello:
        inner = self._core.hello()
        return Hello(inner.server, inner.capabilities | {Capability.OVERLAP}, inner.claims)

    def __getattr__(self, name: str) -> Any:
        def call(*words: Any) -> Any:
            with self._turn:
                return getattr(self._core, name)(*words)

        return call


def loaded(server: object, kills: int, answers: int, shape: Shape) -> tuple[Load[Judge], list[h.Event]]:
    recorded: list[h.Event] = []
    load = Load(cast("Adapter", server), Judge(find("strict"), paged=False), recorded.append, shape)
    try:
        load.start()
        for _ in range(kills):
            load.await_answers(answers)
            load.kill()
        load.await_answers(answers)
    finally:
        load.stop()
    load.finish()
    return load, recorded


def test_the_reference_loses_nothing_when_it_is_killed_under_load() -> None:
    with opened("reference") as (adapter, _):
        load, recorded = loaded(adapter, 5, 60, Shape())
    tally = load.tally
    assert (tally.lost, tally.given_again, load.judge.violations) == ([], [], [])
    assert tally.acknowledged == tally.held & tally.acknowledged
    assert sum(isinstance(event, h.Kill) for event in recorded) == 5
    open_at_a_kill, under_way = 0, set[int]()
    for event in recorded:
        if isinstance(event, h.Send | h.Recv):
            under_way.add(event.id)
        elif isinstance(event, h.Kill):
            open_at_a_kill += len(under_way)
        elif isinstance(event, h.Ok | h.Refused | h.Indefinite):
            under_way.discard(event.id)
    assert open_at_a_kill > 0, "some kill must fall under a request"


def test_two_requests_are_recorded_as_overlapping() -> None:
    _, recorded = loaded(OneAtATime("CORRECT"), 0, 400, Shape())
    begun = [isinstance(event, h.Send | h.Recv) for event in recorded]
    assert any(one and two for one, two in itertools.pairwise(begun))


def test_a_server_that_deletes_what_it_delivered_loses_messages() -> None:
    load, _ = loaded(OneAtATime("DELETE_ON_DELIVER"), 0, 400, Shape(loses=2))
    assert load.tally.lost
    assert {violation.requirement for violation in load.judge.violations} <= faulty.find("DELETE_ON_DELIVER").expected


def test_a_server_without_a_common_mark_gives_confirmed_messages_again() -> None:
    load, _ = loaded(OneAtATime("NO_CONFIRMED"), 0, 400, Shape(accounts=1, senders=1, phones=3))
    assert load.tally.given_again
    assert load.judge.violations


def test_a_server_that_loses_its_tail_at_a_kill_is_found() -> None:
    load, _ = loaded(OneAtATime("VOLATILE_TAIL"), 6, 30, Shape(accounts=1, senders=2, phones=1))
    assert load.judge.violations


def test_what_a_client_raises_ends_the_load() -> None:
    class Broken(OneAtATime):
        def send(self, *_: str) -> h.Answer:
            raise TargetError("the server is gone")

    load = Load(cast("Adapter", Broken("CORRECT")), Judge(find("strict"), paged=False), lambda _: None, Shape())
    load.start()
    with pytest.raises(TargetError, match="is gone"):
        load.await_answers(10**9)
    load.stop()
