"""HTML and Markdown: offline, escaped, whole without scripts, and with everything a reader needs."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt

from seqproof_model.verdict import Counterexample
from seqproof_reports.html import report_html
from seqproof_reports.markdown import mermaid, report_markdown
from seqproof_reports.report import Status, report

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))


def load(name: str) -> Counterexample:
    return msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)


class Page(HTMLParser):
    """What a browser would see: each tag's count, its attributes, the visible text, the scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if self.tags and self.tags[-1] == "script" and data.strip():
            self.scripts.append(data)
        self.text += data


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_the_network_for_nothing(name: str) -> None:
    html = report_html(load(name))
    page = Page(html)
    assert not re.search(r"(https?:)?//[a-z0-9]", html, re.IGNORECASE)
    assert not re.search(r"@import|url\((?!#)", html)
    assert {value for key, value in page.attributes if key in {"href", "src"} and value[0] != "#"} == {
        "history.jsonl",
        "scenario.json",
        "report.md",
    }


@pytest.mark.parametrize("name", NAMES)
def test_only_the_pages_own_script_may_run(name: str) -> None:
    html = report_html(load(name))
    page = Page(html)
    assert len(page.scripts) == page.tags.count("script") == 1
    digest = b64encode(sha256(page.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_hostile_texts_make_no_tag_no_attribute_and_no_control_character() -> None:
    html = report_html(load("hostile_texts"))
    page = Page(html)
    assert {"b", "i", "img"} & set(page.tags) <= {"b"}, "b is the template's own"
    assert not any(key.startswith("on") for key, _ in page.attributes)
    assert '"<script>alert(' in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", html)


def test_a_page_says_everything_one_needs() -> None:
    found = load("lost_after_kill")
    text = Page(report_html(found)).text
    for said in (
        found.violation.sentence,
        "RCV-7",
        "MUST",
        "the article is silent",
        "SND-1",
        found.claim,
        "reproduced 9 of 10 times",
        found.replay,
        "DB loaded from append only file: 0 keys",
        "s ! A",
        "Valkey 9.1.0",
        "seqproof 0.1.0",
    ):
        assert said in text


def test_every_step_stands_in_both_pictures_and_in_the_table() -> None:
    html = report_html(load("lost_after_kill"))
    assert [html.count(f'data-step="{step}"') for step in range(4)] == [1, 1, 1, 0], "a row of the pictures"
    assert html.count('<li class="row') == 3
    assert html.partition('id="steps"')[2].partition("</table>")[0].count("<tr") == 1 + 3, "a line of the table"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("lost_after_kill", [("1", Status.MISSING)]),
        ("page_with_a_hole", [("9", Status.SAME), ("10", Status.MISSING), ("11", Status.SAME)]),
        ("two_phones_lost_replies", [("1", Status.REPEATED), ("3", Status.SAME)]),
        ("hostile_texts", [("1", Status.SAME), ("2", Status.EXTRA)]),
        ("seq_reused_after_kill", []),
    ],
)
def test_a_reply_is_set_beside_the_nearest_conforming_one(name: str, lines: list[tuple[str, Status]]) -> None:
    assert [(line.seqs, line.status) for line in report(load(name)).comparison] == lines


def test_the_argument_cites_the_events_that_contradict_each_other() -> None:
    told = report(load("lost_after_kill"))
    assert told.cited == (2, 5, 6)
    assert "[2]. After that, phone A asks after 0 [5]" in " ".join(told.argument)


@pytest.mark.parametrize("name", NAMES)
def test_markdown_tables_are_whole_and_fences_close(name: str) -> None:
    lines = report_markdown(load(name)).splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("| ")]
    assert set(cells) <= {5}
    assert sum(line.startswith("```") for line in lines) % 2 == 0


def test_markdown_lets_no_body_become_markup() -> None:
    html = MarkdownIt("commonmark").enable("table").render(report_markdown(load("hostile_texts")))
    page = Page(html)
    assert {"table", "h1", "code"} <= set(page.tags)
    assert {"script", "b", "i", "img", "a"}.isdisjoint(page.tags)
    assert '"<script>alert(' in page.text


def test_the_mermaid_ladder_crosses_out_what_is_lost_and_keeps_syntax_out_of_texts() -> None:
    lost = list(mermaid(report(load("two_phones_lost_replies")).story))
    assert "  a0-xa2: recv after 0 (lost)" in lost
    assert "  a2--xa0: 1..2 (lost)" in lost
    hostile = list(mermaid(report(load("hostile_texts")).story))
    assert not any(set('<>"`|') & set(line.partition(": ")[2]) for line in hostile)
    assert hostile[0] == "sequenceDiagram"
