"""The short courses: counted by brute force beside, each different to a server, none a beginning of another."""

from __future__ import annotations

import itertools

import pytest

from seqproof_conformance.exhaustive import ALPHABETS, Alphabet, enumerate_all
from seqproof_model import scenario as sc
from seqproof_model.scenario import Lost

BY_NAME = {alphabet.name: alphabet for alphabet in ALPHABETS}


def seen_by_brute_force(steps: tuple[sc.Step, ...]) -> tuple[object, ...]:
    """What a correct server sees of sends, kills and asking phones, written down without the rules' help."""
    svr = confirmed = 0
    held: dict[str, int] = {}
    names: dict[str, int] = {}
    seen: list[object] = []
    for step in steps:
        if isinstance(step, sc.Recv):
            q = held.get(step.phone, 0)
            seen.append((names.setdefault(step.phone, len(names)), q))
            confirmed = max(confirmed, q)
            if step.lose is Lost.NOTHING and confirmed < svr:
                held[step.phone] = svr
        else:
            seen.append(type(step).__name__)
            svr += isinstance(step, sc.Send)
    return tuple(seen)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", ["requests", "kills"])
def test_every_course_is_there_once(name: str, length: int) -> None:
    alphabet = BY_NAME[name]
    raw = list(itertools.product(alphabet.steps, repeat=length))
    found = enumerate_all(alphabet, length)
    assert found.raw == len(raw)
    seen = [seen_by_brute_force(scenario.steps) for scenario in found.scenarios]
    assert len(seen) == len(set(seen))
    lost = {seen_by_brute_force(steps) for steps in raw} - set(seen)
    assert not lost, f"courses that no scenario plays: {lost}; see what exhaustive.enumerate_all drops"


def test_the_sizes_are_known() -> None:
    """A phone's seq_cli moves by rows alone; where it also adopts the end of an empty reply, they are 189 and 655."""
    sizes = {name: len(enumerate_all(BY_NAME[name], 5).scenarios) for name in ("requests", "kills")}
    assert sizes == {"requests": 188, "kills": 654}


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=lambda alphabet: alphabet.name)
def test_no_course_is_the_beginning_of_another(alphabet: Alphabet) -> None:
    courses = {scenario.steps for scenario in enumerate_all(alphabet, 4).scenarios}
    assert not any(steps[:end] in courses for steps in courses for end in range(len(steps)))


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=lambda alphabet: alphabet.name)
def test_an_alphabet_needs_what_its_steps_need(alphabet: Alphabet) -> None:
    assert {need for step in alphabet.steps for need in sc.needs(step)} == alphabet.needs


def test_a_late_request_is_seen_with_the_old_seq_cli() -> None:
    """It leaves with 0, the phone then holds 1; a server sees 0, 1 and the old 0 again: only so can this come about."""
    courses = [scenario.notation() for scenario in enumerate_all(BY_NAME["late"], 5).scenarios]
    assert any(course.startswith(("s A>r A A r", "A>r s A A r")) for course in courses)


def test_the_guarantee_says_what_was_counted() -> None:
    found = enumerate_all(BY_NAME["requests"], 3)
    assert found.guarantee() == (
        "every course of up to 3 steps of requests (sends, two phones, lost replies): 15 distinct to a server, of 125"
    )
