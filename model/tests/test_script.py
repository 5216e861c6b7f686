"""Scripts, the short way to write a history."""

from __future__ import annotations

import pytest

from seqproof_model import history as h
from seqproof_model.script import events


def test_requests_and_answers() -> None:
    assert events("s a@c%t = ~; B -1 : 1a 2b + ^2 ~; y/s b@- !full") == [
        h.Send(1, "x", "a", "t", "c"),
        h.Ok(1, delivered=False),
        h.Recv(2, "x", "B", -1),
        h.Ok(2, rows=((1, "a"), (2, "b")), more=True, upto=2, delivered=False),
        h.Send(3, "y", "b", "s", ""),
        h.Refused(h.Code.FULL, id=3),
    ]


def test_overlap_and_what_happens_besides() -> None:
    assert events("1( s a; kill; 1) ?; settled 1; trim; y/preset 9") == [
        h.Send(1, "x", "a", "s", "c1"),
        h.Kill(),
        h.Restart(),
        h.Indefinite("no answer", id=1),
        h.Settled(1),
        h.Trim("x"),
        h.Preset("y", 9),
    ]


@pytest.mark.parametrize("text", ["jump", "s a", "s a 1", "A 0 : one", "A 0 !never", "2) =1"])
def test_what_it_does_not_know_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        events(text)
