"""``seqproof matrix`` as its user meets it: real runs on servers in this process, one that cannot be opened, files."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Done

from seqproof_conformance import command_matrix, running, shell
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.suite import Job, Watcher
from seqproof_model import server_matrix
from seqproof_model.server_matrix import Mark, Server, ServerMatrix
from seqproof_model.verdict import Result

RIGHT, WRONG, ABSENT = "mutant:CORRECT", "mutant:ACK_ON_REPLY", "py:matrix_absent:server"
CANNOT = "def server():\n    raise RuntimeError('not on this machine')\n"
CarryOut = Callable[..., running.Done]


def matrix(*words: str) -> Done:
    """Run ``seqproof matrix``."""
    return CliRunner().invoke(command_matrix.app, ["matrix", *words])


@dataclass(frozen=True)
class Ran:
    """One run of the command: its exit code, what it printed, its folder."""

    code: int
    out: str
    folder: Path

    @property
    def data(self) -> ServerMatrix:
        return server_matrix.read(self.folder / "matrix.json")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Two servers and one that cannot be opened, really run; nothing changes what this leaves."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "matrix_absent.py").write_text(CANNOT, "utf-8")
    patch = pytest.MonkeyPatch()
    with patch.context() as here:
        here.setattr(sys, "path", [str(folder), *sys.path])
        done = matrix(RIGHT, ABSENT, WRONG, "--length", "1", "-o", str(folder / "out dir"))
    return Ran(done.exit_code, done.stdout, folder / "out dir")


def links(page: Path) -> list[Path]:
    """Where a page's links to other files lead."""
    text = page.read_text("utf-8")
    found = re.findall(r'href="([^"#]+)"', text) + re.findall(r"\]\(([^)]+)\)", text)
    return [page.parent / unquote(link) for link in found]


# ---------------------------------------------------------------- a real run


def test_a_target_that_cannot_be_opened_is_a_column_and_exit_code_4(ran: Ran) -> None:
    assert ran.code == 4
    right, absent, wrong = ran.data.servers
    assert [server.target for server in ran.data.servers] == [RIGHT, ABSENT, WRONG]
    assert absent.result is None
    assert "not on this machine" in absent.why
    assert not absent.why.startswith(ABSENT), "the column is named already"
    assert {absent.cell(name).mark for name in ran.data.requirements()} == {Mark.NOT_RUN}
    assert (right.standing, wrong.standing) == ("conformant", "not conformant")
    assert not ran.data.interrupted


def test_cells_are_the_grades_of_each_run(ran: Ran) -> None:
    right, _, wrong = ran.data.servers
    assert right.result
    assert wrong.result
    assert right.cell("RCV-7").mark is Mark.PASS
    assert wrong.cell("RCV-7").mark is Mark.FAIL
    assert wrong.cell("RCV-4").mark is Mark.NOT_GRADED, "suspected is not passed"
    assert {seen.requirement for seen in wrong.result.violations} == set(wrong.result.having(Result.FAIL))
    assert all(seen.observation and seen.times for seen in wrong.result.violations)
    assert (wrong.result.suite, wrong.result.length) == ("quick", 1)


def test_every_run_is_kept_in_a_folder_of_its_own(ran: Ran) -> None:
    folders = {server.folder for server in ran.data.servers if server.result}
    assert (
        folders
        == {path.name for path in ran.folder.iterdir() if path.is_dir()}
        == {"mutant-CORRECT", "mutant-ACK_ON_REPLY"}
    )
    assert all((ran.folder / name / "history.jsonl").exists() for name in folders)


@pytest.mark.parametrize("name", ["matrix.html", "matrix.md"])
def test_every_failing_cell_leads_to_a_counterexample_that_is_there(ran: Ran, name: str) -> None:
    found = links(ran.folder / name)
    assert all(path.is_file() and path.name == "report.html" for path in found)
    wrong = ran.data.servers[2].result
    assert wrong
    assert {path.parent.name for path in found} == set(wrong.having(Result.FAIL))


def test_each_server_is_told_as_it_is_done_and_the_table_comes_last(ran: Ran) -> None:
    lines = ran.out.splitlines()
    assert [line[0] for line in lines[:3]] == ["✓", "?", "✗"]
    assert "1 conformant, 1 not conformant, 1 not run" in ran.out
    assert lines[-1].endswith("matrix.html")


def test_the_page_holds_profiles_versions_and_guarantees(ran: Ran) -> None:
    text = (ran.folder / "matrix.html").read_text("utf-8")
    right = ran.data.servers[0].result
    assert right
    assert right.coverage
    assert all(line in text for line in (*right.coverage.guarantees, right.server, right.profile, "suite quick"))


# ---------------------------------------------------------------- drawn again from the file


def test_a_page_is_drawn_again_from_the_file_alone(ran: Ran, tmp_path: Path) -> None:
    places = [tmp_path / "deep" / "er" / name for name in ("p.html", "p.md", "p.json")]
    html, markdown, data = map(str, places)
    done = matrix("--from", str(ran.folder / "matrix.json"), "--html", html, "--markdown", markdown, "--json", data)
    assert done.exit_code == 4
    assert all(path.is_file() for place in places[:2] for path in links(place))
    assert len(links(places[0])) == len(links(ran.folder / "matrix.html")) > 0
    again = tmp_path / "again.html"
    assert matrix("--from", data, "--html", str(again)).exit_code == 4
    assert links(again), "a matrix that was written elsewhere still knows where its counterexamples are"


def test_the_same_file_gives_the_same_bytes(ran: Ran) -> None:
    for name, option in (("matrix.html", "--html"), ("matrix.md", "--markdown")):
        before = (ran.folder / name).read_bytes()
        matrix("--from", str(ran.folder / "matrix.json"), option, str(ran.folder / name))
        assert (ran.folder / name).read_bytes() == before


def test_without_the_runs_no_link_is_dead(ran: Ran, tmp_path: Path) -> None:
    (tmp_path / "matrix.json").write_bytes((ran.folder / "matrix.json").read_bytes())
    matrix("--from", str(tmp_path / "matrix.json"), "--html", str(tmp_path / "p.html"))
    assert links(tmp_path / "p.html") == []
    assert "✗" in (tmp_path / "p.html").read_text("utf-8")


def test_between_its_marks_only_a_frame_keeps_its_words(ran: Ran, tmp_path: Path) -> None:
    page = tmp_path / "frame.md"
    page.write_text("# Mine\n\n<!-- matrix -->\nold\n<!-- /matrix -->\n\nThe end.\n", "utf-8")
    for _ in range(2):
        matrix("--from", str(ran.folder / "matrix.json"), "--markdown", str(page))
        text = page.read_text("utf-8")
        assert text.startswith("# Mine\n\n<!-- matrix -->\n\n")
        assert text.endswith("\n<!-- /matrix -->\n\nThe end.\n")
        assert "\nold\n" not in text
        assert text.count("| requirement |") == 1


# ---------------------------------------------------------------- what is expected


@pytest.mark.parametrize(
    ("lines", "code", "says"),
    [
        (f'"{RIGHT}" = "conformant"\n"{WRONG}" = {{ must = ["RCV-7"], may = ["RCV-1", "CNF-6"] }}', 4, ""),
        (f'"{ABSENT}" = "conformant"', 4, ""),
        (f'"{WRONG}" = "conformant"', 1, "RCV-7 fails unexpectedly"),
        (f'"{RIGHT}" = ["SEQ-3"]', 1, "SEQ-3 was to fail: passes"),
    ],
)
def test_a_verdict_that_is_not_as_expected_is_exit_code_1(
    ran: Ran, tmp_path: Path, lines: str, code: int, says: str
) -> None:
    (tmp_path / "expect.toml").write_text(lines, "utf-8")
    done = matrix("--from", str(ran.folder / "matrix.json"), "--expect", str(tmp_path / "expect.toml"))
    assert done.exit_code == code
    assert ("not as expected" in done.stdout) == bool(says)
    assert says in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mutant:CORRECT = 3", "a name with a colon stands in quotes"),
        ('"mutant:CORRECT" = 3', "Expected `str"),
        ('"mutant:CORRECT" = "fine"', 'is "conformant" or a list of ids'),
        ('"mutant:CORRECT" = ["SEQ-33"]', "did you mean SEQ-3"),
        ('"mutant:CORRECT" = { must = ["SEQ-3"], maybe = [] }', "maybe"),
        ('"mutant:CORRECT" = { must = ["SEQ-3"], conformant = true }', "remove one"),
        ('"mutant:CORECT" = "conformant"', "did you mean 'mutant:CORRECT'?"),
    ],
)
def test_an_expectation_that_would_check_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "expect.toml").write_text(text, "utf-8")
    said = str(matrix(RIGHT, "--expect", str(tmp_path / "expect.toml")).exception)
    assert says in said
    assert "expect.toml" in said
    assert "\n" not in said


# ---------------------------------------------------------------- wrong words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no TARGET"),
        (("mutant:CORECT",), "near: CORRECT"),
        ((RIGHT, RIGHT), "stands twice"),
        (("phone",), "use `seqproof run phone`"),
        ((RIGHT, "--suite", "quik"), "no suite 'quik'"),
        ((RIGHT, "--html", "."), "is a directory"),
        ((RIGHT, "--expect", "none.toml"), "cannot read none.toml"),
        (("--from", "none.json"), "cannot read none.json"),
        ((RIGHT, "--from", "none.json"), "--from runs nothing, so TARGET has no meaning"),
        (("--from", "none.json", "-o", "x"), "--from runs nothing, so --out has no meaning"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "carry_out", None)
    done = matrix(*words)
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_holds_a_matrix_is_not_written_over(ran: Ran) -> None:
    assert "holds another matrix" in str(matrix(RIGHT, "-o", str(ran.folder)).exception)


# ---------------------------------------------------------------- while it runs


@pytest.fixture
def deaf_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Runs that are deaf to Ctrl-C once they write down, as all are; the targets that were run."""
    played: list[str] = []
    real: CarryOut = running.carry_out

    def carry_out(job: Job, wishes: running.Wishes, watcher: Watcher) -> running.Done:
        played.append(job.target)
        if len(played) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        done = real(job, wishes, watcher)
        shell.finishing()
        return done

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever ran before may have left it deaf
    monkeypatch.setattr(running, "carry_out", carry_out)
    yield played
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_in_the_second_run_keeps_the_first(deaf_after: list[str], tmp_path: Path) -> None:
    done = matrix(RIGHT, "mutant:CORRECT_PAGED", WRONG, "--length", "1", "-o", str(tmp_path / "out"))
    assert done.exit_code == 130
    assert deaf_after == [RIGHT, "mutant:CORRECT_PAGED"]
    found = server_matrix.read(tmp_path / "out" / "matrix.json")
    assert found.interrupted
    assert [server.standing for server in found.servers] == ["conformant", "not run", "not run"]
    assert "run it again" in found.servers[2].why
    assert "interrupted" in (tmp_path / "out" / "matrix.html").read_text("utf-8")


def test_a_run_that_was_interrupted_is_kept_as_far_as_it_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(5))

    def wanted() -> None:
        if next(ticks, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(running, "still_wanted", wanted)
    done = matrix(RIGHT, WRONG, "--length", "1", "-o", str(tmp_path / "out"))
    first, second = server_matrix.read(tmp_path / "out" / "matrix.json").servers
    assert done.exit_code == 130
    assert first.result
    assert first.result.interrupted
    assert first.standing == "inconclusive"
    assert second.result is None


def test_a_finished_row_is_on_disk_before_the_next_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk: list[tuple[Server, ...]] = []
    real: CarryOut = running.carry_out

    def carry_out(job: Job, wishes: running.Wishes, watcher: Watcher) -> running.Done:
        if job.target != RIGHT:
            on_disk.append(server_matrix.read(tmp_path / "out" / "matrix.json").servers)
            raise TargetError("gone; start it")
        return real(job, wishes, watcher)

    monkeypatch.setattr(running, "carry_out", carry_out)
    assert matrix(RIGHT, WRONG, "--length", "1", "-o", str(tmp_path / "out")).exit_code == 4
    assert [[server.target for server in servers] for servers in on_disk] == [[RIGHT]]


def test_violations_are_data_and_every_target_run_is_exit_code_0(tmp_path: Path) -> None:
    expect = tmp_path / "expect.toml"
    expect.write_text(f'"{WRONG}" = {{ must = ["RCV-7"], may = ["RCV-1", "RCV-4", "CNF-3", "CNF-6"] }}', "utf-8")
    done = matrix(WRONG, "--length", "1", "-o", str(tmp_path / "out"), "--expect", str(expect))
    assert done.exit_code == 0
    assert "✗ mutant:ACK_ON_REPLY: not conformant" in done.stdout


def test_a_server_that_dies_on_the_way_is_exit_code_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "matrix_dying.py").write_text(
        "from seqproof_conformance.adapter import TargetError\n"
        "from seqproof_reference.core import Core\n"
        "class Dying(Core):\n"
        "    left = 20\n"
        "    def send(self, *words, **named):\n"
        "        self.left -= 1\n"
        "        if self.left < 0:\n"
        "            raise TargetError('the server is gone; look at its log')\n"
        "        return super().send(*words, **named)\n",
        "utf-8",
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    done = matrix("py:matrix_dying:Dying", "--length", "1", "-o", str(tmp_path / "out"))
    (server,) = server_matrix.read(tmp_path / "out" / "matrix.json").servers
    assert done.exit_code == 4
    assert server.result
    assert server.result.stopped == "the server is gone; look at its log"
    assert "ended early: the server is gone" in done.stdout
