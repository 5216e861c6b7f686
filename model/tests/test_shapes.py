"""The correct servers themselves: they do what their liberties say, so that the tests that use them mean something."""

from __future__ import annotations

import random

from seqproof_model import history as h
from seqproof_model.shapes import Chances, Liberties, More, Server, Shape, corrupt, simulate


def run(server: Server, chances: Chances, *, seed: int = 1, operations: int = 400, clients: int = 3) -> list[h.Event]:
    server.rng = random.Random(seed)
    return simulate(random.Random(seed), server, operations, clients, chances)


def told(events: list[h.Event]) -> list[int]:
    return [event.seq for event in events if isinstance(event, h.Ok) and event.seq is not None]


def test_the_same_seed_gives_the_same_history() -> None:
    assert run(Server(Shape.HORIZON), Chances()) == run(Server(Shape.HORIZON), Chances())
    assert run(Server(Shape.HORIZON), Chances()) != run(Server(Shape.HORIZON), Chances(), seed=2)


def test_every_operation_ends_or_is_said_to_be_open() -> None:
    for shape in Shape:
        events = run(Server(shape), Chances(settle=0.1))
        begun = [event.id for event in events if isinstance(event, h.Send | h.Recv)]
        ended = [event.id for event in events if isinstance(event, h.Ok | h.Refused | h.Indefinite)]
        assert sorted(begun) == sorted(ended) == list(range(1, 401))


def test_without_gaps_all_seqs_are_used_and_with_gaps_some_are_skipped() -> None:
    calm = Chances(indefinite=0, kill=0)
    tight = told(run(Server(Shape.ATOMIC), calm))
    assert sorted(tight) == list(range(1, len(tight) + 1))
    wide = told(run(Server(Shape.ATOMIC, liberties=Liberties(gaps=0.3)), calm))
    assert len(set(wide)) == len(wide) < max(wide)


def test_a_full_space_refuses() -> None:
    events = run(Server(Shape.ATOMIC, seq_max=3), Chances())
    assert any(isinstance(event, h.Refused) and event.code is h.Code.FULL for event in events)
    assert max(told(events)) <= 3


def test_repeats_get_their_seq_again_only_with_dedup() -> None:
    for dedup in (True, False):
        server = Server(Shape.HORIZON, liberties=Liberties(dedup=dedup))
        seqs = told(run(server, Chances(repeat=0.5, indefinite=0)))
        assert (len(set(seqs)) < len(seqs)) is dedup


def test_pages_say_more_as_they_are_meant_to() -> None:
    for more, said in ((More.ALWAYS, {True}), (More.SILENT, {None}), (More.EXACT, {True, False})):
        events = run(Server(Shape.ATOMIC, page=2, more=more), Chances())
        assert {event.more for event in events if isinstance(event, h.Ok) and event.rows is not None} == said


def test_corrupting_changes_one_answer_and_nothing_else() -> None:
    events = run(Server(Shape.ATOMIC), Chances(), operations=30)
    for seed in range(50):
        changed = corrupt(random.Random(seed), events)
        different = [at for at, (old, new) in enumerate(zip(events, changed, strict=True)) if old != new]
        assert len(different) <= 1
    assert corrupt(random.Random(1), []) == []
