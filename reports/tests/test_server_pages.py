"""The pages of several runs: every mark has a sign and a word, nothing said is obeyed, the tables can be heard."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest
from rich.console import Console

from seqproof_model.comparison import Run, compare
from seqproof_model.results import Failure, RunResult, Seen
from seqproof_model.server_matrix import Expected, Server, ServerMatrix
from seqproof_model.verdict import Coverage, Grade, Result
from seqproof_reports import comparison, server_matrix

EVIL = "<script>alert(1)</script>\x1b[31m|`*x*`"
RIGHT = RunResult(
    "right",
    "strict, seq_max 2^64 - 1",
    (
        Grade("SEQ-1", Result.PASS, 7),
        Grade("RCV-6", Result.PASS, 2, added_by_adapter=True),
        Grade("SEQ-3", Result.NOT_GRADED, reason="the target does not declare kill"),
        Grade("DEV-1", Result.NOT_GRADED, reason="no phone is under test"),
    ),
    server="db 9.1",
    coverage=Coverage(("runs across the edges of the space",)),
    adds=("RCV-6",),
)
WRONG = RunResult(
    "wrong",
    "gappy",
    (Grade("SEQ-1", Result.FAIL, 1), Grade("RCV-6", Result.PASS), Grade("SEQ-3", Result.PASS), *RIGHT.grades[3:]),
    server=EVIL,
    failures=(Failure("SEQ-1", EVIL, trace="s !", report="SEQ-1/report.html"),),
    violations=(Seen("SEQ-1", "SEQ_OUTSIDE", 4),),
)
MATRIX = ServerMatrix(
    "quick",
    (
        Server("right", RIGHT, folder="right", expected=Expected(must=("SEQ-1",))),
        Server("wrong", WRONG, folder="wrong"),
        Server(EVIL, why=f"not installed; pip install it {EVIL}"),
    ),
    "kit 1",
)
COMPARED = compare([Run("before", RIGHT), Run(EVIL, WRONG)])


class Table(HTMLParser):
    """Collects what a page's tables are made of: scopes of the heads, captions, and the text of each cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.heads: list[str | None] = []
        self.captions = 0
        self.scripts = 0
        self.rows: list[list[str]] = []
        self._open = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.captions += tag == "caption"
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td") and self.rows:
            self._open = True
            self.rows[-1].append("")
        if tag == "th":
            self.heads.append(dict(attrs).get("scope"))

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data

    def row(self, name: str) -> list[str]:
        return next(row for row in self.rows if row and row[0].startswith(name))


def shown(render: Callable[[Console], None], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    render(console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def linked(path: str) -> str:
    return f"pages/{path}"


PAGES = {
    "matrix": server_matrix.matrix_html(MATRIX, linked),
    "comparison": comparison.comparison_html(COMPARED, lambda run, name: f"{run}/{name}.html"),
}


def test_each_cell_has_a_sign_and_a_word() -> None:
    table = Table(PAGES["matrix"])
    assert table.row("SEQ-1")[1:] == ["✓passes", "✗ fails", "?not run"]
    assert table.row("RCV-6")[1:] == ["✓passes † by the adapter's own code", "✓passes", "?not run"]
    assert table.row("SEQ-3")[1:] == ["–not graded", "✓passes", "?not run"]


def test_a_failure_leads_to_its_counterexample_and_without_a_page_to_nowhere() -> None:
    assert 'href="pages/wrong/SEQ-1/report.html"' in PAGES["matrix"]
    assert 'href="1/SEQ-1.html"' in PAGES["comparison"]
    assert "report.html" not in server_matrix.matrix_html(MATRIX)
    assert "report.html" not in server_matrix.matrix_markdown(MATRIX)


def test_every_server_is_told_with_profile_version_coverage_and_reasons() -> None:
    texts = (PAGES["matrix"], server_matrix.matrix_markdown(MATRIX))
    for text in texts:
        for said in ("db 9.1", "strict, seq", "gappy", "runs across the edges", "does not declare kill", "pip install"):
            assert said in text
        assert re.search(r"DEV-1 \(no phone is under test\)", text)
        assert "SEQ-1 was to fail: passes" in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_heard_and_asks_for_nothing(name: str) -> None:
    table = Table(PAGES[name])
    assert set(table.heads) == {"col", "row"}
    assert table.captions >= 1
    assert table.scripts == 1, "the page's own"
    assert not re.search(r"(?:src|href)=\"(?:https?:|//)", PAGES[name])
    assert 'tabindex="0"' in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_what_a_server_said_is_shown_and_never_obeyed(name: str) -> None:
    assert "<script>alert" not in PAGES[name]
    assert "&lt;script&gt;alert" in PAGES[name]
    assert "\x1b" not in PAGES[name]


@pytest.mark.parametrize(
    "text", [server_matrix.matrix_markdown(MATRIX, linked), comparison.comparison_markdown(COMPARED)]
)
def test_markdown_keeps_its_tables_whole(text: str) -> None:
    assert "\x1b" not in text
    assert "<script>" not in re.sub(r"`+.*?`+", "", text)
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_the_terminal_shows_the_same_table() -> None:
    out = shown(lambda console: server_matrix.render_matrix(console, MATRIX))
    assert re.search(r"^SEQ-1 +✓ +✗ +\? +the space", out, re.MULTILINE)
    assert re.search(r"^RCV-6 +✓† +✓ +\?", out, re.MULTILINE)
    assert "1 conformant, 1 not conformant, 1 not run" in out
    assert "right: not as expected: SEQ-1 was to fail: passes" in out
    assert "\x1b" not in out


def line_of(server: Server) -> str:
    return shown(lambda console: server_matrix.render_server(console, server))


def test_a_server_is_one_line_and_what_was_not_run_says_why() -> None:
    lines = [line_of(server) for server in MATRIX.servers]
    assert all(line.count("\n") == 1 for line in lines)
    assert lines[0].startswith("✓ right: conformant, strict")
    assert "not run, not installed; pip install it" in lines[2]
    died = msgspec.structs.replace(RIGHT, stopped="it died")
    assert "ended early: it died" in line_of(Server("x", died))


def test_an_interrupted_matrix_says_so_everywhere() -> None:
    cut = msgspec.structs.replace(MATRIX, interrupted=True)
    pages = (server_matrix.matrix_html(cut), server_matrix.matrix_markdown(cut))
    assert all("nterrupted" in text for text in pages)
    assert "interrupted" in shown(lambda console: server_matrix.render_matrix(console, cut))
    assert "nterrupted" not in server_matrix.matrix_html(MATRIX)


def test_a_run_that_did_not_come_to_its_end_says_so_at_its_head() -> None:
    died = ServerMatrix("quick", (Server("x", msgspec.structs.replace(RIGHT, stopped="it died"), folder="x"),))
    assert "<span>(ended early)</span>" in server_matrix.matrix_html(died)
    assert re.search(r"^\| \*\*in all\*\* .*\(ended early\)", server_matrix.matrix_markdown(died), re.MULTILINE)
    assert "ended early" not in PAGES["matrix"]


def test_a_comparison_says_first_what_it_comes_to() -> None:
    out = shown(lambda console: comparison.render_comparison(console, COMPARED), 120)
    assert "✗ passed, now fails: SEQ-1" in out
    assert "✓ was not graded, now passes: SEQ-3" in out
    assert "violation new: SEQ-1 SEQ_OUTSIDE" in out
    assert out.rstrip().endswith(
        "✗ something got worse: 2 of 4 requirements differ; violations: 1 new, 0 gone, 0 the same"
    )
    for text in (PAGES["comparison"], comparison.comparison_markdown(COMPARED)):
        assert "something got worse" in text
        assert "passed, now fails: SEQ-1" in text


def test_nothing_that_differs_is_a_short_answer() -> None:
    same = compare([Run("one", RIGHT), Run("two", RIGHT)])
    out = shown(lambda console: comparison.render_comparison(console, same), 120)
    assert out.splitlines()[2:] == ["", "✓ nothing got worse: 0 of 4 requirements differ; no violation"]


def test_of_several_runs_a_violation_names_those_that_show_it() -> None:
    three = compare([Run("a", RIGHT), Run("b", RIGHT), Run("c", WRONG)])
    out = shown(lambda console: comparison.render_comparison(console, three), 120)
    assert "violation in c: SEQ-1 SEQ_OUTSIDE" in out
    assert "1 kind of violation, 0 the same in all" in out
    assert comparison.verdict(compare([Run("a", WRONG), Run("b", RIGHT)]))[1] == "less is known"
