"""What is held against a faulty phone is argued with the events that it needs, and none besides."""

from __future__ import annotations

import re

import pytest

from seqproof_conformance import phone_courses as courses
from seqproof_conformance.phone_minimise import cut
from seqproof_conformance.phone_runner import PhonePlayed, PhoneRunner
from seqproof_model import history as h
from seqproof_model import phone_history as ph
from seqproof_model.phone_argument import cited, needed
from seqproof_model.phone_judge import judge
from seqproof_model.profile import built_in
from seqproof_model.scenario import Scenario
from seqproof_model.verdict import Counterexample
from seqproof_reference import phone_faulty
from seqproof_reference.phone_equivalent import Entry
from seqproof_reference.phone_faulty import FAULTS
from seqproof_reports.argument import NEGATIVE, argue


def failed(name: str) -> tuple[list[PhonePlayed], PhoneRunner]:
    shell = phone_faulty.make(name)
    runner = PhoneRunner(shell, shell.hello())
    scenarios = [s for s in courses.golden() if not runner.why_not(s)]
    scenarios += courses.campaign(1, 40, set(map(str, runner.hello.capabilities)))
    return [cut(play) for play in map(runner.play, scenarios) if play.violation][:4], runner


@pytest.mark.parametrize("entry", FAULTS, ids=lambda entry: entry.id)
def test_leaving_out_any_needed_event_changes_what_is_said_of_the_phone(entry: Entry) -> None:
    plays, runner = failed(entry.id)
    for play in plays:
        violation = play.violation
        assert violation
        kept = needed(play.events, violation, runner.hello)
        assert kept[-1] == violation.event
        whole = [play.events[number - 1] for number in kept]
        found = judge(whole, runner.hello)
        assert found
        assert found.sentence == violation.sentence
        for at, event in enumerate(whole[:-1]):
            request = getattr(event, "id", None)
            same = [e for e in whole if request is not None and getattr(e, "id", None) == request]
            if whole[-1] in same:
                continue
            rest = [e for k, e in enumerate(whole) if k != at and e not in same]
            found = judge(rest, runner.hello)
            assert found is None or (found.event, found.sentence) != (len(rest), violation.sentence)


@pytest.mark.parametrize("entry", FAULTS, ids=lambda entry: entry.id)
def test_the_prose_cites_what_is_needed_and_says_what_it_is_worth(entry: Entry) -> None:
    plays, runner = failed(entry.id)
    for play in plays:
        violation = play.violation
        assert violation
        history, at = ph.told(play.events, violation.event)
        header = h.Header(entry.id, (), built_in()["strict"])
        numbers = cited(play.events, violation, runner.hello)
        shown = Counterexample(
            violation, Scenario("p", ()), header, history, "", 1, 1, "", "", phone=play.scenario, cited=numbers
        )
        told = argue(shown)
        assert numbers
        assert numbers[-1] <= at
        assert told.sentences[-1] == NEGATIVE
        assert f"contradicts {violation.requirement}" in " ".join(told.sentences)
        assert {int(n) for n in re.findall(r"\[(\d+)\]", " ".join(told.sentences))} <= set(numbers)


def test_what_the_judge_does_not_say_needs_nothing() -> None:
    plays, runner = failed(FAULTS[0].id)
    assert plays[0].violation
    assert needed((), plays[0].violation, runner.hello) == ()


def test_an_older_file_without_events_to_cite_has_no_argument() -> None:
    (play, *_), _ = failed(FAULTS[0].id)
    assert play.violation
    history, _ = ph.told(play.events, play.violation.event)
    header = h.Header("old", (), built_in()["strict"])
    shown = Counterexample(play.violation, Scenario("p", ()), header, history, "", 1, 1, "", "", phone=play.scenario)
    assert argue(shown).sentences == ()
