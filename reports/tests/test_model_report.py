"""A model's counterexample is told by the same report as a server's, in every format."""

from __future__ import annotations

import pytest

from seqproof_model.bounded import Bounded
from seqproof_model.engines.explore import Explorer
from seqproof_model.faults import MODELS
from seqproof_model.trace import Trace, TraceError, trace
from seqproof_reports.html import told_html
from seqproof_reports.markdown import told_markdown
from seqproof_reports.model_report import model_report, necessary

SHOWN = ["ACK_ON_REPLY", "NO_CONFIRMED", "C_ADV_ON_TIMEOUT", "VOLATILE_SEQ", "TRIM_PLUS1", "RESTORE_REUSES_SEQS"]


def shortest(name: str) -> Trace:
    found = Explorer(Bounded(MODELS[name].definition, MODELS[name].scope())).run().counterexample
    assert found
    return found


@pytest.mark.parametrize("name", SHOWN)
def test_each_format_tells_a_trace_of_the_model(name: str) -> None:
    found = shortest(name)
    told = model_report(found)
    assert [moment.first for moment in told.story.moments] == list(range(1, len(found) + 1))
    assert told.story.moments[-1].violating
    assert told.violation.observation == found.broken[0]
    for text in (told_markdown(told, name), told_html(told, name)):
        assert told.requirement.id in text
        assert "Let these steps be taken" in text


@pytest.mark.parametrize("name", SHOWN)
def test_without_a_cited_step_the_same_is_not_broken(name: str) -> None:
    found = shortest(name)
    cited = necessary(found)
    assert cited
    for number in cited:
        steps = [*found.steps[: number - 1], *found.steps[number:]]
        try:
            assert found.broken[0] not in trace(found.bounded, steps, found.states[0]).broken
        except TraceError:
            continue


@pytest.mark.parametrize("name", SHOWN)
def test_the_argument_is_made_of_whole_sentences(name: str) -> None:
    for sentence in model_report(shortest(name)).argument:
        assert sentence.endswith(".")
        assert " ." not in sentence
        assert "and ." not in sentence


def test_the_marks_of_a_model_are_its_own() -> None:
    told = model_report(shortest("C_ADV_ON_TIMEOUT"))
    states = [moment.state for moment in told.story.moments]
    assert [state.allocated for state in states if state] == [1, 1, 1, 1]
    assert [phone.seq_cli for state in states if state for phone in state.phones] == [0, 0, 0, 1]


def test_a_trace_that_breaks_nothing_is_not_reported() -> None:
    found = shortest("NO_CONFIRMED")
    with pytest.raises(ValueError, match="breaks nothing"):
        model_report(trace(found.bounded, found.steps[:1]))
