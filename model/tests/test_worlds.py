"""The oracle itself, on histories whose verdict a person can check by hand."""

from __future__ import annotations

import pytest

from seqproof_model.profile import Profile, find
from seqproof_model.script import events
from seqproof_model.worlds import TooManyError, Worlds


def possible(text: str, *, paged: bool = False, seq_max: int = 9) -> bool:
    """Whether a world is left after the whole script."""
    worlds = Worlds(Profile("p", seq_max=seq_max), paged=paged)
    return all(worlds.feed(event) for event in events(text))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("s a =1; s b =2", "s a =1; s b =1"),
        ("s a ?; s b =2", "s b =2"),
        ("s a ?; s b =1; A 0 : 1b 2a", "1( s a; 1) ?; settled 1; s b =1; A 0 : 1b 2a"),
        ("1( s a; s b =2; 1) =1", "1( s a; s b =2; 1) !policy"),
        ("s a =1; A 0 : 1a", "s a =1; A 0 : "),
        ("s a ?; s b =2; A 0 : ", "s a ?; s b =2; A 0 : 2b"),
        ("s a =1; A 1 : ; B 0 : ", "s a =1; A 1 : ; B 0 : 1a"),
        ("s a =1; 1( B 0; A 1 : ; 1) : 1a", "s a =1; A 1 : ; B 0 : 1a"),
        ("s a =1; A 1 ?; B 0 : ; B 0 : ", "s a =1; A 1 ?; B 0 : ; B 0 : 1a"),
        ("1( A 1; 1) ?; s a =1; B 0 : ", "1( A 1; 1) ?; settled 1; s a =1; B 0 : "),
        ("s a =1; A 1 !store; B 0 : ", "s a =1; A 1 !unreachable; B 0 : "),
        ("A 1 !ahead; s a =1; B 0 : 1a", "s a =1; A 1 !ahead"),
        ("1( A 1; s a =1; 1) : ; B 0 : 1a", "A 2 : ; s a =1; B 0 : "),
        ("s a =1; s b =2; s c =3; s d !full", "s a =1; s b =2; s d !full"),
        ("preset 2; s a =3; A 0 : 3a", "preset 2; s a =1"),
    ],
)
def test_what_can_be_and_what_cannot(good: str, bad: str) -> None:
    assert possible(good, seq_max=3)
    assert not possible(bad, seq_max=3)


def test_pages() -> None:
    for reply in ("1a +", "1a", "1a 2b -", "1a 2b +"):
        assert possible(f"s a =1; s b =2; A 0 : {reply}", paged=True)
    for reply in ("1a -", "2b", ""):
        assert not possible(f"s a =1; s b =2; A 0 : {reply}", paged=True)
    assert not possible("s a =1; s b =2; A 0 : 1a +")


def test_two_looks_at_different_moments() -> None:
    """B's reply starts after A's confirm and ends before c: the lower end was taken after the upper end."""
    assert possible("s a =1; s b =2; s c =3; 1( B 0; A 1 : 2b 3c; s d =4; 1) : 2b 3c")
    assert possible("s a =1; s b =2; s c =3; 1( B 0; A 1 : 2b 3c; s d =4; 1) : 1a 2b 3c 4d")
    assert not possible("s a =1; s b =2; s c =3; 1( B 0; A 1 : 2b 3c; s d =4; 1) : 3c 4d")


def test_it_gives_up_rather_than_guess() -> None:
    worlds = Worlds(find("strict"), paged=False, cap=50)
    *before, last = events("; ".join(f"s m{n} ?" for n in range(5)) + "; A 0 : 1m3 2m1")
    assert all(worlds.feed(event) for event in before)
    with pytest.raises(TooManyError):
        worlds.feed(last)
