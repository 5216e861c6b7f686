"""All orders of all moments, for a few operations: what a correct server can answer passes, all else is blamed.

The counts are exact. A change of the rules, of the enumeration or of the judge that moves one of them has to be looked
at: fewer branches mean that less is tried, and more ``forgotten`` that the judge misses more. What it forgets is said
in model/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from seqproof_model import history as h
from seqproof_model.judge import Judge
from seqproof_model.orders import SCOPES, Counts, Scope, branches, domain, ending, hold
from seqproof_model.profile import Profile
from seqproof_model.worlds import Worlds

Blames = Callable[[tuple[h.Event, ...]], bool]


def judge_of(scope: Scope, profile: Profile | None = None) -> Blames:
    def blames(history: tuple[h.Event, ...]) -> bool:
        judge = Judge(profile or scope.profile, paged=scope.pages)
        return any(judge.feed(event) is not None for event in history)

    return blames


Case = tuple[str, int, tuple[int, ...]]
# name in SCOPES, operations, and what they are asked with -> what is found
EXACT: dict[Case, Counts] = {  # both sides: no possible answer is blamed, and every impossible one is
    ("plain", 3, (0, 1)): Counts(2289, 3916, 0, 9971, 0),
    ("pages", 2, (0, 1, 2)): Counts(200, 645, 0, 381, 0),
    ("pages", 3, (1,)): Counts(1746, 4845, 0, 12_831, 0),
    ("a full space", 3, (1,)): Counts(836, 1600, 0, 4326, 0),
    ("after a preset", 2, (0, 1, 2)): Counts(114, 177, 0, 199, 0),
    ("recvs that fail", 2, (0, 1, 2)): Counts(160, 399, 0, 206, 0),
    ("recvs that fail", 3, (1,)): Counts(1254, 2951, 0, 5275, 0),
    ("a kill", 2, (0, 1, 2)): Counts(140, 249, 0, 199, 0),
    ("equal bodies", 3, (0, 1)): Counts(2271, 3907, 0, 6530, 0),
    ("lagging", 2, (0, 1, 2)): Counts(124, 220, 0, 178, 0),
    ("repeats", 3, (0, 1)): Counts(2598, 5244, 0, 7372, 0),
    ("repeats, idempotent", 3, (0, 1)): Counts(2209, 3886, 0, 6386, 0),
}
FORGETFUL: dict[Case, Counts] = {  # no alarm, and few impossible answers pass
    ("settled", 3, (0,)): Counts(1570, 4552, 0, 8848, 27),
    ("not told", 3, (0, 1)): Counts(2101, 3614, 0, 7113, 12),
    ("not told, equal bodies", 3, (0,)): Counts(608, 1019, 0, 1480, 4),
    ("not told, repeats", 3, (0, 1)): Counts(2261, 4006, 0, 4792, 8),
    ("not told, repeats, idempotent", 3, (0,)): Counts(724, 1283, 0, 1769, 6),
}
SOUND: dict[Case, Counts] = {  # no alarm; that nothing is missed is not claimed where numbers may be skipped
    ("gaps", 3, (0,)): Counts(1300, 2715, 0, 0, 0),
    ("gaps, lagging", 2, (0, 1, 2)): Counts(140, 287, 0, 0, 0),
    ("gaps, equal bodies, not told", 3, (1,)): Counts(914, 1894, 0, 0, 0),
    ("gaps, repeats", 3, (0,)): Counts(1586, 4487, 0, 0, 0),
    ("gaps, repeats, idempotent, not told", 3, (1,)): Counts(1026, 2184, 0, 0, 0),
    ("gaps, pages, settled, recvs that fail", 2, (0, 1)): Counts(197, 1052, 0, 0, 0),
}


def scope_of(case: Case) -> Scope:
    name, operations, asks = case
    return replace(SCOPES[name], operations=operations, asks=asks)


def test_every_scope_is_tried() -> None:
    assert {name for name, _, _ in (*EXACT, *FORGETFUL, *SOUND)} == set(SCOPES)


@pytest.mark.parametrize("case", EXACT, ids=str)
def test_what_can_be_passes_and_what_cannot_is_blamed(case: Case) -> None:
    counts, scope = EXACT[case], scope_of(case)
    assert counts.alarms == counts.forgotten == 0
    assert hold(scope, judge_of(scope)) == counts


@pytest.mark.parametrize("case", FORGETFUL, ids=str)
def test_what_can_be_passes_and_little_is_forgotten(case: Case) -> None:
    counts, scope = FORGETFUL[case], scope_of(case)
    assert counts.alarms == 0
    assert counts.forgotten < counts.impossible / 100
    assert hold(scope, judge_of(scope)) == counts


@pytest.mark.parametrize("case", SOUND, ids=str)
def test_with_gaps_what_can_be_passes(case: Case) -> None:
    counts, scope = SOUND[case], scope_of(case)
    assert counts.alarms == 0
    assert hold(scope, judge_of(scope), both=False) == counts


@pytest.mark.parametrize(
    "scope",
    [
        Scope(operations=2),
        Scope(operations=2, pages=True),
        Scope(operations=2, settles=True, seq_max=1),
        Scope(operations=2, fails=True, kill=True, base=1),
        Scope(operations=2, equal=True, tells_seq=False),
        Scope(operations=2, asks=(0, 1, 2, 3)),
    ],
)
def test_the_world_set_engine_says_the_same(scope: Scope) -> None:
    """Two engines that share the rules alone: one generates the answers, one filters by them."""

    def blames(history: tuple[h.Event, ...]) -> bool:
        worlds = Worlds(scope.profile, paged=scope.pages)
        return not all(worlds.feed(event) for event in history)

    counts = hold(scope, blames)
    assert counts.alarms == counts.forgotten == 0
    assert counts.possible > 100
    assert counts.impossible > 100


@pytest.mark.parametrize(
    ("scope", "wrong"),
    [
        (Scope(operations=2, gaps=1), Profile("no gaps")),
        (Scope(operations=2, lags=True), Profile("no lag")),
        (Scope(operations=2, repeats=True), Profile("once", idempotent=True)),
        (Scope(operations=2, seq_max=1), Profile("more space", seq_max=9)),
    ],
)
def test_a_judge_that_is_too_strict_is_found_out(scope: Scope, wrong: Profile) -> None:
    assert hold(scope, judge_of(scope, wrong)).alarms > 0


def test_a_judge_that_lets_all_pass_is_found_out() -> None:
    counts = hold(Scope(operations=2), lambda _history: False)
    assert counts.alarms == 0
    assert counts.forgotten == counts.impossible > 100


def test_one_send_and_one_recv_by_hand() -> None:
    """A recv(0) during a send: nothing, or its message; after it: the message; another recv(1) then: nothing."""
    scope = Scope(operations=2, asks=(0,))
    found = {
        " ".join(f"{type(event).__name__}{getattr(event, 'id', '')}" for event in branch.before): {
            answer.rows for answer in branch.answers if isinstance(answer, h.Ok)
        }
        for branch in branches(scope)
        if isinstance(branch.before[0], h.Send) and isinstance(branch.before[-1], h.Recv) and branch.id == 2
    }
    assert found["Send1 Recv2"] == {(), ((1, "a"),)}
    assert found["Send1 Ok1 Recv2"] == {((1, "a"),)}
    assert found["Send1 Refused1 Recv2"] == {()}


def test_the_domain_holds_every_answer_that_is_possible() -> None:
    scope = Scope(operations=2, pages=True)
    for branch in branches(scope):
        assert branch.answers <= set(domain(branch, scope))


def test_an_operation_that_is_settled_ends_without_an_answer() -> None:
    assert ending(3, h.Settled(3)) == (h.Indefinite("no answer", id=3), h.Settled(3))
    assert ending(3, h.Ok(3, seq=1)) == (h.Ok(3, seq=1),)
