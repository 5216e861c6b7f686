"""The correct servers themselves: they do what their liberties say, so that the tests that use them mean something."""

from __future__ import annotations

import random

from seqproof_model import history as h
from seqproof_model.shapes import Chances, Liberties, More, Server, Shape, corrupt, draw, simulate


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


def test_a_hidden_duplicate_is_told_the_first_seq_and_shows_later() -> None:
    server = Server(Shape.ATOMIC, liberties=Liberties(dedup=True, twice=1.0))
    events = run(server, Chances(repeat=0.5, indefinite=0, kill=0))
    shown = {row for event in events if isinstance(event, h.Ok) for row in event.rows or ()}
    hidden = {seq for seq, _ in shown} - set(told(events))
    assert len(hidden) > 50
    sent = bodies(events)
    assert all(sent.count(body) > 1 for seq, body in shown if seq in hidden)


def test_phones_adopt_the_upto_of_a_page() -> None:
    """Also of an empty one: the phone then asks with what others confirmed."""
    server = Server(Shape.ATOMIC, page=2, liberties=Liberties(upto_empty=True))
    events = run(server, Chances(indefinite=0, kill=0, odd=0))
    seq_cli, phones = {f"p{k}": 0 for k in range(3)}, dict[int, str]()
    jumps = 0
    for event in events:
        if isinstance(event, h.Recv):
            assert event.seq_cli == seq_cli[event.phone]
            phones[event.id] = event.phone
        elif isinstance(event, h.Ok) and event.upto is not None:
            jumps += not event.rows and event.upto > seq_cli[phones[event.id]]
            seq_cli[phones[event.id]] = max(seq_cli[phones[event.id]], event.upto)
    assert jumps > 5


def test_what_is_drawn_holds_every_liberty() -> None:
    histories = [draw(random.Random(seed)) for seed in range(300)]
    profiles = [profile for profile, _, _ in histories]
    for liberty in ("gaps", "idempotent", "lagging"):
        assert 30 < sum(getattr(profile, liberty) for profile in profiles) < 200
    kinds = {type(event) for _, _, events in histories for event in events}
    assert kinds >= {h.Kill, h.Settled, h.Preset, h.Indefinite, h.Refused}
    assert sum(len(set(bodies(events))) < len(bodies(events)) for _, _, events in histories) > 100
    assert sum(overlaps(events) for _, _, events in histories) > 150


def bodies(events: list[h.Event]) -> list[str]:
    return [event.body for event in events if isinstance(event, h.Send)]


def overlaps(events: list[h.Event]) -> bool:
    """Whether some operation began while another awaited its answer."""
    waiting = 0
    for event in events:
        if isinstance(event, h.Send | h.Recv):
            waiting += 1
            if waiting > 1:
                return True
        elif isinstance(event, h.Ok | h.Refused | h.Indefinite):
            waiting -= 1
    return False


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
