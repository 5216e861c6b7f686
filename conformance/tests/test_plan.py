"""What a suite covers is what it says: counted again from the history, by other means."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from seqproof_conformance.exhaustive import ALPHABETS, enumerate_all
from seqproof_conformance.plan import SIZES, VOLUME, Rate, SuiteName, lengths, parts, wanted
from seqproof_conformance.suite import Job, Outcome, run
from seqproof_model import history as h
from seqproof_model.profile import find
from seqproof_model.scenario import Login, Logout, Tips
from seqproof_model.verdict import Coverage

EVERYTHING = {"send_seq", "kill", "preset_seq", "trim", "fail_next_store", "overlap", "begin_send", "wire", "paging"}
BUT_TIPS = {alphabet.name for alphabet in ALPHABETS} - {"tips"}


def coverage(outcome: Outcome) -> Coverage:
    assert outcome.verdict.coverage
    return outcome.verdict.coverage


def seen_in(events: tuple[h.Event, ...], part: str) -> dict[str, list[tuple[object, ...]]]:
    """What the server was asked in each scenario of a part, with phones called by the order in which they came."""
    seen: dict[str, list[tuple[object, ...]]] = {}
    names: dict[tuple[str, str], int] = {}
    now = ""
    for event in events:
        if isinstance(event, h.Mark):
            now = event.scenario
        if not now.startswith(part):
            continue
        if isinstance(event, h.Send):
            seen.setdefault(now, []).append(("send",))
        if isinstance(event, h.Recv):
            phones = sum(name == now for name, _ in names)
            seen.setdefault(now, []).append(("recv", names.setdefault((now, event.phone), phones), event.seq_cli))
    return seen


def expected(length: int) -> set[tuple[tuple[object, ...], ...]]:
    """Every course of sends, asking phones and lost replies of that length, by brute force."""
    found: set[tuple[tuple[object, ...], ...]] = set()
    for course in itertools.product(("s", "A", "B", "Ax", "Bx"), repeat=length):
        svr = confirmed = 0
        held: dict[str, int] = {}
        names: dict[str, int] = {}
        seen: list[tuple[object, ...]] = []
        for step in course:
            if step == "s":
                svr += 1
                seen.append(("send",))
                continue
            phone, q = step[0], held.get(step[0], 0)
            seen.append(("recv", names.setdefault(phone, len(names)), q))
            confirmed = max(confirmed, q)
            if len(step) == 1 and confirmed < svr:
                held[phone] = svr
        found.add(tuple(seen))
    return found


def test_the_courses_that_are_guaranteed_were_played(tmp_path: Path) -> None:
    outcome = run(Job("mutant:CORRECT", tmp_path, length=4))
    assert outcome.code == 0
    line = next(text for text in coverage(outcome).guarantees if " of requests (" in text)
    said = re.search(r"up to (\d+) steps .*: ([\d,]+) distinct to a server, of ([\d,]+)", line)
    assert said
    length, distinct, raw = (int(word.replace(",", "")) for word in said.groups())
    assert (length, raw) == (4, 5**4)
    played = seen_in(h.read(tmp_path / "history.jsonl").events, "requests-4")
    assert len(played) == distinct == coverage(outcome).played["requests"]
    assert {tuple(requests) for requests in played.values()} == expected(4)


def test_a_part_that_was_not_played_to_its_end_guarantees_nothing(tmp_path: Path) -> None:
    outcome = run(Job("mutant:CORRECT", tmp_path, pattern="f4"))
    assert coverage(outcome).guarantees == ()
    outcome = run(Job("mutant:CORRECT", tmp_path / "courses", pattern="requests", length=3))
    assert len(coverage(outcome).guarantees) == 1
    assert coverage(outcome).played == {"requests": 15}


def test_a_violation_does_not_take_away_what_was_covered(tmp_path: Path) -> None:
    outcome = run(Job("mutant:ACK_ON_REPLY", tmp_path, pattern="requests", length=3, shorten=False))
    assert outcome.code == 1
    assert len(coverage(outcome).guarantees) == 1


def test_a_slow_target_gets_the_shortest_courses_and_a_fast_one_the_longest() -> None:
    size = SIZES[SuiteName.QUICK]
    slow = lengths(size, EVERYTHING, Rate(10.0, 60.0), wanted(None))
    fast = lengths(size, EVERYTHING, Rate(0.0, 0.0), wanted(None))
    assert set(slow.values()) == {size.shortest}
    assert set(fast.values()) == {size.longest}
    assert set(lengths(size, EVERYTHING, Rate(0.0, 0.0), wanted(None), fixed=2).values()) == {2}


def test_the_courses_of_tips_are_shorter_and_have_a_cost_of_their_own() -> None:
    size, able = SIZES[SuiteName.STANDARD], EVERYTHING | {"tips"}
    slow = lengths(size, able, Rate(0.0, 0.0, tip_s=10.0), wanted(None))
    assert slow == {**dict.fromkeys(BUT_TIPS, size.longest), "tips": size.shortest - 1, VOLUME: size.volume}
    assert lengths(size, able, Rate(0.0, 0.0), wanted(None))["tips"] == size.longest - 1
    one_step = enumerate_all(next(alphabet for alphabet in ALPHABETS if alphabet.name == "tips"), 1).scenarios
    tips = sum(isinstance(step, Login | Logout | Tips) for scenario in one_step for step in scenario.steps)
    assert Rate(0.0, 0.0, tip_s=2.0).estimate(one_step) == 2.0 * tips


def test_a_target_gets_only_the_parts_that_it_can_play() -> None:
    able = {part.name for part in parts(find("strict"), EVERYTHING, dict.fromkeys(("requests",), 3), wanted(None))}
    bare = {part.name for part in parts(find("strict"), {"send_seq"}, dict.fromkeys(("requests",), 3), wanted(None))}
    assert able == {"requests", "tours", "boundary", "held", "at-once", "around", "wire"}
    assert bare == {"requests", "tours"}


def test_a_kill_costs_once_for_all() -> None:
    kills = enumerate_all(ALPHABETS[1], 3).scenarios
    assert Rate(0.0, 1.0).estimate(kills) == 3.0
