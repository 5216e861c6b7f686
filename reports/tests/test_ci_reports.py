"""JUnit XML and the job summary: the right child for each finding, nothing hostile, nothing too large."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import msgspec
import pytest
import xmlschema
from markdown_it import MarkdownIt

from seqproof_model.assessment import Assessment, Known, assess
from seqproof_model.profile import built_in
from seqproof_model.requirements import REQUIREMENTS
from seqproof_model.verdict import Counterexample, Coverage, Grade, Result, Verdict
from seqproof_reports.assessed import notes
from seqproof_reports.job_summary import MOST_BYTES, job_summary
from seqproof_reports.junit import THE_RUN, junit_xml

DATA = Path(__file__).parent / "data"
SCHEMA: Any = xmlschema.XMLSchema(DATA / "junit.xsd")


def breaches(text: str) -> list[str]:
    """Where a report breaks the schema."""
    return [str(error.reason) for error in SCHEMA.iter_errors(text)]


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


def verdict(shown: Counterexample, **fields: object) -> Verdict:
    """A verdict with that failure, SEQ-1 passed, and everything else not graded."""
    failed = shown.violation.requirement
    results = {"SEQ-1": Result.PASS, "SEQ-2": Result.PASS, failed: Result.FAIL}
    none = {name: Grade(name, Result.NOT_GRADED, reason="no kill") for name in REQUIREMENTS}
    grades = tuple(Grade(name, results[name]) if name in results else grade for name, grade in none.items())
    whole = Verdict(shown.header.target, built_in()["strict"], grades, (shown.violation,), 9)
    return msgspec.structs.replace(whole, **fields)


NAMES = sorted(path.stem for path in DATA.glob("*.json"))
SHOWN = load("hostile_texts")
FAILED = SHOWN.violation.requirement


def cases(assessment: Assessment) -> dict[str, Element]:
    text = junit_xml(assessment, SHOWN.header, [SHOWN])
    assert breaches(text) == []
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    return {case.attrib["name"].split(" ")[0]: case for case in root.iter("testcase")}


@pytest.mark.parametrize("name", NAMES)
def test_junit_keeps_the_rules_whatever_was_said(name: str) -> None:
    shown = load(name)
    text = junit_xml(assess(verdict(shown, stopped="it \x00died\ud800")), shown.header, [shown])
    assert breaches(text) == []
    root = ElementTree.fromstring(text.encode())  # noqa: S314 - our own
    (suite,) = root
    graded = {"SEQ-1", "SEQ-2", shown.violation.requirement}
    assert int(suite.attrib["tests"]) == len(REQUIREMENTS) + 1
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "1")
    assert int(suite.attrib["skipped"]) == len(REQUIREMENTS) - len(graded)


@pytest.mark.parametrize(
    "odd",
    [
        "<testsuites><testsuite name='x'/></testsuites>",
        "<testsuites><testcase name='x'/></testsuites>",
        "<testsuites><testsuite name='x' tests='one' failures='0' errors='0'/></testsuites>",
        "<testsuites><testsuite name='x' tests='1' failures='0' errors='0'><testcase/></testsuite></testsuites>",
        "<testsuites><testsuite name='x' tests='0' failures='0' errors='0'><note/></testsuite></testsuites>",
    ],
)
def test_the_schema_takes_nothing_else(odd: str) -> None:
    assert breaches(odd)


def test_a_case_has_one_outcome_and_properties_come_first() -> None:
    text = junit_xml(assess(verdict(SHOWN)), SHOWN.header, [SHOWN])
    assert breaches(text.replace("</failure>", "</failure><skipped/>"))
    properties = re.search(r"<properties>.*</properties>", text, re.DOTALL)
    assert properties
    assert breaches(text.replace(properties[0], "").replace("</testsuite>", f"{properties[0]}</testsuite>"))


def test_a_failure_holds_the_sentence_the_trace_and_the_replay_line() -> None:
    failure = cases(assess(verdict(SHOWN)))[FAILED].find("failure")
    assert failure is not None
    assert failure.attrib["type"] == SHOWN.violation.invariant
    text = failure.text or ""
    assert f"trace: {SHOWN.scenario.notation()}" in text
    assert "replay: " in text


def test_properties_say_what_was_run() -> None:
    root = ElementTree.fromstring(junit_xml(assess(verdict(SHOWN)), SHOWN.header, []))  # noqa: S314 - our own
    assert {item.attrib["name"] for item in root.iter("property")} >= {"target", "profile", "seed", "kit", "server"}


def test_known_is_skipped_stale_fails_and_required_is_an_error() -> None:
    listed = [Known(FAILED, "*", "OPS-12"), Known("SEQ-1", "*", "why")]
    found = cases(assess(verdict(SHOWN), listed, ["SEQ-5"]))
    assert found[FAILED][0].tag == "skipped"
    assert found[FAILED][0].attrib["message"] == "known: OPS-12"
    assert (found["SEQ-1"][0].tag, found["SEQ-1"][0].attrib["type"]) == ("failure", "stale")
    assert found["SEQ-5"][0].tag == "error"
    assert found["SEQ-6"][0].attrib["message"] == "not graded: no kill"


def test_a_run_that_decided_nothing_is_an_error_of_its_own() -> None:
    assert THE_RUN.split(" ")[0] not in cases(assess(verdict(SHOWN)))
    (child,) = cases(assess(verdict(SHOWN, stopped="the server hangs")))[THE_RUN.split(" ")[0]]
    assert child.tag == "error"
    assert "the server hangs" in child.attrib["message"]


# ------------------------------------------------------------ the job summary


def test_the_summary_begins_with_the_verdict_and_its_numbers() -> None:
    first = job_summary(assess(verdict(SHOWN))).splitlines()[0]
    assert first.startswith("✗ **")
    assert "not conformant, graded 3 of 38: 2 passed, 1 failed" in first
    assert job_summary(assess(verdict(SHOWN), [Known(FAILED, "*", "why")])).splitlines()[0].endswith("1 of them known")


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_shows_each_new_failure_with_trace_and_replay(name: str) -> None:
    shown = load(name)
    html = rendered(job_summary(assess(verdict(shown)), [shown], "out/index.html"))
    assert html.count("<tr>") == 2
    assert shown.violation.requirement in html
    assert re.search("<details><summary>3[56] not graded</summary>", html)
    assert "out/index.html" in html


def test_the_summary_says_folded_what_was_covered_and_what_never_happened() -> None:
    coverage = Coverage(
        ("every course of 3 requests", "seqs across 2^31 | <b>"), {}, (40, 41), {"a kill": 3}, ("a reply was lost",)
    )
    text = job_summary(assess(verdict(SHOWN, coverage=coverage)))
    assert "<details><summary>Covered: 2 parts to the end, 40 of 41 transitions, 1 of 2 conditions</summary>" in text
    html = rendered(text)
    assert "40 of the 41 transitions of an account with few messages, surely taken" in html
    assert "1 of 2 conditions occurred" in html
    assert "never happened: a reply was lost" in html
    assert "<b>" not in html
    assert "Covered" not in job_summary(assess(verdict(SHOWN, coverage=Coverage()))), "nothing was covered"
    part = (Grade("SEQ-7", Result.PASS, reason="of large seqs alone"),)
    assert "SEQ-7: of large seqs alone" in job_summary(assess(verdict(SHOWN, grades=part)))


def rendered(markdown: str) -> str:
    return str(MarkdownIt("gfm-like", {"linkify": False}).render(markdown))


@pytest.mark.parametrize(
    "said",
    [
        "<img src=x onerror=alert(1)>",
        "| a | b |",
        "https://evil.example/x",
        "www.evil.example",
        "`code` ``` ~~~",
        "</details><h1>",
        "\n# head\n",
        "![x](y)",
        "\u202e\x1b[31m",
        "a|b`c|",
    ],
)
def test_nothing_that_was_said_becomes_markup_or_a_link(said: str) -> None:
    violation = msgspec.structs.replace(SHOWN.violation, sentence=said)
    shown = msgspec.structs.replace(SHOWN, violation=violation, replay=f"seqproof replay {said}")
    found = assess(verdict(shown, undecided=(said,)), [Known("SEQ-5", "*", said)], ["SEQ-1"])
    text = job_summary(found, [shown], said)
    html = rendered(text)
    assert html.count("<td") == 4
    for tag in ("<img", "<h1", "<a ", "<pre"):
        assert tag not in html
    assert html.count("<details>") == html.count("</details>") == 1
    assert "https://" not in text.replace("`https://", "").replace("replay https://", "")


def test_a_summary_is_never_larger_than_a_ci_system_takes() -> None:
    huge = "😀|" * 4000
    names = [*REQUIREMENTS]
    violations = tuple(msgspec.structs.replace(SHOWN.violation, requirement=n, sentence=huge) for n in names)
    grades = tuple(Grade(name, Result.FAIL) for name in names)
    many = Verdict(huge, built_in()["strict"], grades, violations, 9, undecided=(huge,) * 100)
    shown = [msgspec.structs.replace(SHOWN, violation=violation, replay=huge) for violation in violations]
    text = job_summary(assess(many), shown, huge)
    assert len(text.encode()) <= MOST_BYTES < 65536
    assert "more failures." in text
    assert "… and 60 more" in text


# ------------------------------------------------------------ notes


def test_notes_say_each_thing_once_in_a_line() -> None:
    listed = [Known(FAILED, "*", "OPS-12"), Known("SEQ-1", "*", "why"), Known("SEQ-5", "*", "why")]
    assert notes(assess(verdict(SHOWN), listed, ["SEQ-6"])) == [
        f"{FAILED}: known: OPS-12",
        "SEQ-1: stale: it passes now; remove it from the baseline",
        "SEQ-5: listed, and neither known nor stale: no kill",
        "SEQ-6: required, and not graded: no kill",
    ]
    assert notes(assess(verdict(SHOWN))) == []
