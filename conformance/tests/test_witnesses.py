"""Every fault has its shortest counterexample on file; each still shows it; and no row of the judge's table is idle.

A row of the table is *idle* when nobody would miss it. So each is taken out of the judge in turn, and some stored
counterexample must get another verdict. What no server in one process can show has a history written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields, replace
from functools import cache

import msgspec
import pytest

from seqproof_conformance import matrix, witness_search
from seqproof_conformance.play import Played
from seqproof_conformance.runner import Runner
from seqproof_model import history as h
from seqproof_model import judge as judging
from seqproof_model import scenario as sc
from seqproof_model.blame import Context, Observed, suspects
from seqproof_model.hello import Capability
from seqproof_model.judge import Judge
from seqproof_model.kills import covered
from seqproof_model.profile import find
from seqproof_model.script import events
from seqproof_model.verdict import Grade, Result, Violation
from seqproof_reference import faulty
from seqproof_reference.core import Core
from seqproof_reference.overlapping import AtCommit
from seqproof_reference.seen import SEEN
from seqproof_reference.witnesses import Witness, witnesses

FAULTS = [entry for entry in faulty.catalogue() if entry.kind is faulty.Kind.FAULT]
WITNESSES = [witness for each in witnesses().values() for witness in each]
BY_HAND = {  # a recv is caught between its moments: it takes a server on which requests truly overlap
    Observed.ENDS_BETWEEN: "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 4) : ; 3) : 1b",
    Observed.REFUSED_CONFIRMS: "1( A 1; s a =1; s b =2; B 0 : 2b; 1) !unreachable",
}
TIPPED = Witness("TIP_CONFIRMS", (sc.Login(), sc.Send(), sc.Tips(), sc.Recv()), 4, "RCV-7", "EMPTY_REPLY", ("PSH-1",))
NAMED = pytest.mark.parametrize("witness", WITNESSES, ids=lambda w: f"{w.scenario.name}, {w.profile}, told {w.told}")


def played_on(adapter: Core, witness: Witness) -> Played:
    hello = adapter.hello()
    held_to = find(witness.profile)
    one = Judge(held_to, paged=Capability.PAGING in hello.capabilities)
    runner = Runner(adapter, hello, held_to, [one], lambda _event: None)
    assert not runner.why_not(witness.scenario)
    return runner.play(witness.scenario)


# ---------------------------------------------------------------- what is on file


def test_every_fault_has_a_counterexample_and_a_shortest_one_comes_first() -> None:
    assert list(witnesses()) == [entry.id for entry in FAULTS]
    for known in witnesses().values():
        assert known[0].length == min(
            witness.length for witness in known if witness.told and witness.profile != "gappy"
        )


@NAMED
def test_a_counterexample_shows_what_is_on_file(witness: Witness) -> None:
    played = played_on(faulty.make(witness.mutant, send_seq=witness.told), witness)
    assert played.violation
    found = (played.violation.requirement, played.violation.observation, played.violation.suspects)
    assert found == (witness.requirement, witness.observation, witness.suspects)
    assert witness.requirement in faulty.find(witness.mutant).expected
    assert matrix.length(played.events, played.violation) == witness.length


@NAMED
def test_a_correct_server_passes_it(witness: Witness) -> None:
    build = AtCommit if Capability.BEGIN_SEND in witness.scenario.needs else Core
    limit = faulty.find(witness.mutant).limit
    adapter = build(limit=limit, send_seq=witness.told, claims=witness.profile)
    assert played_on(adapter, witness).violation is None


@pytest.mark.parametrize("name", ["ACK_ON_REPLY", "MORE_ALWAYS"])
def test_the_search_finds_again_what_is_on_file(name: str) -> None:
    again = [msgspec.convert(line, Witness) for line in witness_search.of(faulty.find(name))]
    assert again == [witness for witness in witnesses()[name] if witness.profile == "strict"]


def test_where_faults_come_from_is_told_of_faults_that_are_there() -> None:
    assert set(SEEN) <= {entry.id for entry in FAULTS}
    assert len(SEEN) >= 40


def test_each_requirement_has_a_fault_that_is_blamed_on_it_or_suspected() -> None:
    known = [(witness.mutant, witness.requirement, witness.suspects) for witness in WITNESSES]
    for each in covered((), known):
        assert each.blamed or each.suspected or each.reason, f"{each.requirement}: no fault, and no reason (unblamed)"
    assert [each.requirement for each in covered((), []) if each.blamed or each.suspected] == []


# ---------------------------------------------------------------- no row is idle


class Without(Judge):
    """A judge whose table lacks one row: what that row would blame goes by."""

    def __init__(self, lacks: Observed | None, profile: str, *, paged: bool) -> None:
        super().__init__(find(profile), paged=paged)
        self.lacks = lacks

    def feed(self, event: h.Event) -> Violation | None:
        before = dict(self._accounts)
        found = super().feed(event)
        if found is None or self.lacks is None or found.observation != self.lacks.name:
            return found
        self.violations.pop()
        self._accounts[found.account] = before[found.account]
        return None


def grades(judge: Judge, history: Collection[h.Event]) -> tuple[Grade, ...]:
    for event in history:
        judge.feed(event)
    return judge.verdict(h.Header("any", tuple(map(str, Capability)), judge.profile)).grades


@cache
def recorded() -> list[tuple[Witness, tuple[h.Event, ...], tuple[Grade, ...]]]:
    """Each counterexample as a history, with its verdict."""
    made: list[tuple[Witness, tuple[h.Event, ...], tuple[Grade, ...]]] = []
    for witness in (*WITNESSES, TIPPED):  # there is a shorter one, in which the tip that was sent is not taken
        history = played_on(faulty.make(witness.mutant, send_seq=witness.told), witness).events
        made.append((witness, history, grades(whole(witness), history)))
    return made


def whole(witness: Witness, lacks: Observed | None = None) -> Without:
    return Without(lacks, witness.profile, paged=faulty.find(witness.mutant).limit is not None)


def changed(judge_of: Callable[[Witness], Judge], only: Callable[[Witness], bool]) -> list[str]:
    """The counterexamples whose verdict is another one under another judge."""
    return [w.scenario.name for w, history, was in recorded() if only(w) and grades(judge_of(w), history) != was]


@pytest.mark.parametrize("row", list(Observed), ids=lambda row: row.name)
def test_a_row_of_the_table_is_missed_when_it_is_gone(row: Observed) -> None:
    if row in BY_HAND:
        history = events(BY_HAND[row])
        with_it, without = (grades(Without(lacks, "strict", paged=False), history) for lacks in (None, row))
        blamed = [grade.requirement for grade in with_it if grade.result is Result.FAIL]
        assert blamed == [row.value.requirement]
        assert with_it != without
        assert row.name not in {witness.observation for witness in WITNESSES}, "a mutant shows it now: take it out here"
        return
    assert changed(lambda w: whole(w, row), lambda w: w.observation == row.name), f"nothing needs {row.name}"


@pytest.mark.parametrize("context", [each.name for each in fields(Context)])
def test_a_context_is_missed_when_it_is_gone(context: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = getattr(Context(), context)
    recorded()  # with all of it

    def forgetful(observed: Observed, seqs: tuple[int, ...], known: Context) -> tuple[str, ...]:
        return suspects(observed, seqs, replace(known, **{context: plain}))

    monkeypatch.setattr(judging, "suspects", forgetful)
    assert changed(whole, lambda w: bool(w.suspects)), f"nothing needs to know {context}"
