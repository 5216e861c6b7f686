"""A run's index: numbers first, links that lead somewhere, reasons for what nobody knows; nothing said is markup."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from seqproof_model.results import Failure, RunResult
from seqproof_model.verdict import Coverage, Grade, Result
from seqproof_reports.run_page import headline, run_html, run_markdown

GRADES = (
    Grade("SEQ-1", Result.PASS, 7, "of a few alone", added_by_adapter=True),
    Grade("RCV-7", Result.FAIL, 3),
    Grade("PSH-2", Result.NOT_GRADED, reason="the target does not declare tips"),
    Grade("NEW-1", Result.NOT_GRADED, reason="needs <b>"),
)
FOUND = RunResult(
    "valkey:<i>",
    "strict",
    GRADES,
    code=1,
    server="valkey 9",
    kit="seqproof 1",
    seed=5,
    suite="quick",
    events=12,
    scenarios=3,
    coverage=Coverage(("every course of up to 3 steps: 51",), {"golden": 3}, (42, 56), {"a": 1}, ("a page was lost",)),
    inconclusive=("the run was interrupted",),
    failures=(
        Failure("RCV-7", "gone | <b>", ("SEQ-5",), "s ! A", "", "5 of 5", "golden", "x", "out/RCV-7/report.html"),
    ),
    again="seqproof run 'valkey:<i>' --seed 5",
    known={"RCV-7": "OPS-12"},
    stale=("SEQ-1",),
    listed_not_decided={"PSH-2": "no tips"},
    required_not_graded=("PSH-2",),
)
SAID = (
    "graded 2 of 4: 1 passed, 1 failed, 1 of them known", "not conformant", "seen 7 times", "added by the adapter",
    "the target does not declare tips", "42 of the 56 transitions", "a page was lost", "every course of up to 3 steps",
    "golden 3", "valkey 9", "seqproof 1", "the run was interrupted", "RCV-7 is a known failure: OPS-12",
    "of a few alone", "SEQ-1 is listed as known and passes now", "that cannot be decided: no tips", "PSH-2 is required",
    "5 of 5",
)  # fmt: skip


def text_of(html: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", body)


def test_the_page_says_everything_that_is_known_of_the_run() -> None:
    text = text_of(run_html(FOUND))
    for said in SAID:
        assert said in text, said


def test_the_markdown_says_the_same() -> None:
    text = run_markdown(FOUND).replace("\\", "")
    for said in (*SAID[:3], *SAID[4:]):
        assert said in text, said
    assert text.startswith("# ✗ valkey:<i>: not conformant, graded 2 of 4: 1 passed, 1 failed")


def test_links_lead_to_the_counterexamples_and_the_data_beside_the_page() -> None:
    hrefs = re.findall(r'href="([^"#]*)"', run_html(FOUND))
    assert hrefs == ["RCV-7/report.html"] * 2 + ["verdict.json", "history.jsonl"]
    away = re.findall(r'href="([^"#]*)"', run_html(FOUND, "../the run"))
    assert away == ["../the%20run/RCV-7/report.html"] * 2 + ["../the%20run/verdict.json", "../the%20run/history.jsonl"]


def test_requirements_stand_by_family_in_their_order() -> None:
    html = run_html(FOUND)
    assert re.findall(r'scope="rowgroup">([^<]*)', html) == ["SEQ the numbers", "RCV receiving", "PSH tips", "NEW"]


def test_nothing_that_was_said_becomes_markup() -> None:
    html = run_html(FOUND)
    assert "<b>" not in html.partition("</style>")[2]
    assert "<i>" not in html.partition("</style>")[2]
    rendered = str(MarkdownIt("gfm-like", {"linkify": False}).render(run_markdown(FOUND)))
    assert "<b>" not in rendered
    assert rendered.count("<tr>") == 2 + 5


@pytest.mark.parametrize("where", ["javascript:alert(1)", "//evil/x", "../../etc/x", "x"])
def test_a_path_of_a_report_is_never_a_scheme(where: str) -> None:
    found = RunResult("x", "strict", (), failures=(Failure("SEQ-1", report=where),))
    for href in re.findall(r'href="([^"]*)"', run_html(found)):
        assert not re.match(r"\w+:|//", href)


def test_a_run_of_which_little_is_known_has_a_page_too() -> None:
    found = RunResult("x", "strict", ())
    assert headline(found) == "graded 0 of 0: 0 passed, none failed"
    assert "inconclusive" in text_of(run_html(found))
    assert "Never happened" not in run_markdown(found)
