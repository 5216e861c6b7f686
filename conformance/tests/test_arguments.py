"""Every stored counterexample is argued: minimal, in prose that cites its events, with a legal change beside it.

Each witness is played on its faulty server. What the argument claims is checked with the judge: the cited events alone
contradict each other, none can be spared, and the change is accepted. One example of each observation is written out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import islice, permutations
from pathlib import Path

import msgspec
import pytest

from seqproof_conformance.counterexample import cleaned
from seqproof_conformance.likeness import like
from seqproof_conformance.play import Played
from seqproof_conformance.runner import Runner
from seqproof_model import history as h
from seqproof_model import remedy
from seqproof_model.blame import Observed
from seqproof_model.contradiction import Contradiction, Question, accepts, contradicts, find
from seqproof_model.hello import Capability
from seqproof_model.judge import Judge
from seqproof_model.profile import find as profile_named
from seqproof_model.script import events
from seqproof_model.signature import signature
from seqproof_model.verdict import Counterexample, Nearest, Violation
from seqproof_reference import faulty
from seqproof_reference.witnesses import Witness, witnesses
from seqproof_reports.argument import WHY, argue
from seqproof_reports.report import lessons, report

GOLDEN = Path(__file__).parent / "data" / "arguments.md"
WITNESSES = [witness for each in witnesses().values() for witness in each]
NAMED = pytest.mark.parametrize("witness", WITNESSES, ids=lambda w: f"{w.scenario.name}, {w.profile}, told {w.told}")
NAMING = {"MALFORMED_CONFIRMS", "OTHER_BODY", "OTHER_ACCOUNT", "TWO_SEQS", "TIP_ELSEWHERE"}  # facts that name the fault
BY_HAND = {
    "ENDS_BETWEEN": "1( s b; 2( s a; 3( B 0; 2) =2; 4( A 0; 1) =1; 4) : ; 3) : 1b",
    "REFUSED_CONFIRMS": "1( A 1; s a =1; s b =2; B 0 : 2b; 1) !unreachable",
}


@cache
def counterexample(witness: Witness) -> Counterexample:
    adapter = faulty.make(witness.mutant, send_seq=witness.told)
    hello, profile = adapter.hello(), profile_named(witness.profile)
    judge = Judge(profile, paged=Capability.PAGING in hello.capabilities)
    played: Played = Runner(adapter, hello, profile, [judge], lambda _event: None).play(witness.scenario)
    header = h.Header(f"mutant:{witness.mutant}", tuple(map(str, hello.capabilities)), profile)
    return of(cleaned(played.events), header)


def of(history: tuple[h.Event, ...], header: h.Header) -> Counterexample:
    judge = Judge(header.profile, paged="paging" in header.capabilities)
    violation = next(found for found in map(judge.feed, history) if found)
    scenario = WITNESSES[0].scenario
    return Counterexample(violation, scenario, header, history, "shortest", 1, 1, "test", "seqproof replay")


@cache
def argument(witness: Witness) -> tuple[Counterexample, Question, Contradiction, remedy.Remedy]:
    shown = counterexample(witness)
    asked = Question.of(shown.violation, shown.header)
    told = find(shown.events, asked)
    return shown, asked, told, remedy.find(shown.events, asked, told.cited)


@NAMED
def test_the_cited_events_contradict_each_other_and_none_can_be_spared(witness: Witness) -> None:
    shown, asked, told, _ = argument(witness)
    assert contradicts(shown.events, told.cited, asked)
    for spared in told.cited[:-1]:
        rest = set(told.cited) - {spared}
        assert contradicts(shown.events, rest, asked) is None
        assert (contradicts(shown.events, rest, asked, named=False) is None) == (spared not in told.naming)
    assert not told.naming or asked.observation in NAMING


@NAMED
def test_the_nearest_answer_and_the_smallest_change_are_legal(witness: Witness) -> None:
    shown, asked, _, cure = argument(witness)
    assert cure.answer, "no conforming answer was found"
    assert cure.smallest
    for change in (cure.answer, cure.smallest):
        if change.instead is not None:
            at = change.event
            assert accepts((*shown.events[: at - 1], change.instead, *shown.events[at : asked.event]), asked)


@NAMED
def test_the_judge_accepts_what_it_calls_the_nearest_answer(witness: Witness) -> None:
    shown, asked, *_ = argument(witness)
    assert any(
        accepts((*shown.events[: asked.event - 1], answer), asked) for answer in said(shown.violation, shown.events)
    )


def said(violation: Violation, history: tuple[h.Event, ...]) -> Sequence[h.Event]:
    """What the words of ``nearest`` may stand for; "?" for any body that was sent."""
    near, given = violation.nearest, history[violation.event - 1]
    assert near
    operation = getattr(given, "id", 0)
    if isinstance(given, h.Tips):
        phone = near.sentence.removeprefix("a tip for phone ")
        return [msgspec.structs.replace(given, tips=(*given.tips, h.Tip(violation.account, phone)))]
    if found := re.match(r"seq (\d+)", near.sentence):
        return [h.Ok(operation, seq=int(found[1]))]
    if near.sentence.startswith("a seq above"):
        return [h.Ok(operation, seq=int(near.sentence.split()[3].strip(",")) + 1)] + [
            msgspec.structs.replace(given, epoch="another")
        ] * isinstance(given, h.Ok)
    if near.sentence.startswith("refused"):
        return [h.Refused(code, operation) for code in (h.Code.FULL, h.Code.AHEAD)]
    return _filled(near, operation, history)


def _filled(near: Nearest, operation: int, history: tuple[h.Event, ...]) -> Sequence[h.Event]:
    if near.rows and near.upper is not None and near.upper > near.rows[-1][0]:  # the first few: the rest is known
        told = {e.id: e.seq for e in history if isinstance(e, h.Ok)}
        body = {told.get(event.id): event.body for event in history if isinstance(event, h.Send)}
        near = msgspec.structs.replace(near, rows=tuple((n, body[n]) for n in range(near.rows[0][0], near.upper + 1)))
    sent = [event.body for event in history if isinstance(event, h.Send)]
    unknown = [n for n, body in near.rows if body == "?"]
    return [
        h.Ok(operation, rows=tuple((n, free.get(n, body)) for n, body in near.rows))
        for bodies in islice(permutations(sent, len(unknown)), 100)
        for free in [dict(zip(unknown, bodies, strict=True))]
    ]


@NAMED
def test_the_prose_cites_every_event_and_names_the_requirement(witness: Witness) -> None:
    shown, _, told, _ = argument(witness)
    text = " ".join(argue(shown).sentences)
    assert argue(shown).cited == told.cited
    assert f"[{told.cited[-1]}]" in text
    if len(told.cited) < 6:
        assert {int(n) for n in re.findall(r"\[(\d+)\]", text)} == set(told.cited)
    assert f"contradicts {witness.requirement}," in text
    assert f"docs/requirements.md#{witness.requirement.lower()}" in text
    assert "<" not in text
    assert "{" not in text


@NAMED
def test_the_signature_on_file_is_that_of_its_events(witness: Witness) -> None:
    shown = counterexample(witness)
    upto = shown.events[: shown.violation.event]
    assert signature(upto, witness.requirement, witness.observation) == witness.signature
    assert witness.mutant in like(shown.events, shown.violation)


def test_names_and_absolute_numbers_make_no_difference_and_all_else_does() -> None:
    def shape(text: str) -> str:
        return signature(events(text), "RCV-7", "EMPTY_REPLY")

    plain = shape("s a =1; A 0 : 1a ~; A 0 :")
    assert shape("s other =; Q 0 : 1other ~; Q 0 :") == plain
    assert shape("preset 40; s a =41; A 40 : 41a ~; A 40 :") == plain.replace(": send", ": preset, send")
    others = ["s a =1; A 0 : 1a; A 0 :", "s a =1; A 0 : 1a ~; B 0 :", "s a =1; A 0 : 1a ~; kill; A 0 :"]
    assert len({plain, *map(shape, others)}) == 4


def test_a_report_names_three_faults_of_the_same_shape_and_counts_the_rest() -> None:
    shown = msgspec.structs.replace(counterexample(WITNESSES[0]), like=("A", "B", "C", "D", "E"))
    assert ("looks like", "same as mutant A, B, C and 2 more") in lessons(report(shown))


def test_every_observation_says_what_follows() -> None:
    assert list(WHY) == [row.name for row in Observed]


def test_one_example_of_each_observation_reads_as_written_down() -> None:
    """To write it anew after a change of words: empty the file, run this, and read the difference."""
    shown: dict[str, Counterexample] = {}
    for witness in WITNESSES:
        shown.setdefault(witness.observation, counterexample(witness))
    for name, text in BY_HAND.items():
        shown[name] = of(tuple(events(text)), h.Header("by hand", (), profile_named("strict")))
    assert set(shown) == {row.name for row in Observed}
    lines = [f"## {name}\n\n{_page(shown[name])}" for name in WHY]
    text = "# The arguments, one for each observation\n\n" + "\n".join(lines)
    if not GOLDEN.read_text("utf-8").strip():
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")


def _page(shown: Counterexample) -> str:
    told = argue(shown)
    allowed = f" Allowed by profile {told.profile}." if told.profile else ""
    return f"{' '.join(told.sentences)}\n\nLegal if: {told.change}.{allowed}\n"
