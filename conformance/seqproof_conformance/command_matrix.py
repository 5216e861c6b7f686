"""The command ``seqproof matrix``: several servers, one after another, and the table of what each of them keeps.

Each target has a run of its own in a folder of its own, with its histories and counterexamples. After each one the
matrix is written, so that a finished column is on disk at once; Ctrl-C keeps what there is. A target that cannot be
opened here is a column that says so, with the mend. ``--from`` draws a matrix again from its file, without any server.
Source: docs/matrix.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.console import Console

from seqproof_conformance import expectations, phone_targets, running, targets
from seqproof_conformance.adapter import TargetError
from seqproof_conformance.codes import FAILED, INTERRUPTED, VIOLATED, exit_code
from seqproof_conformance.command_run import Length, checked_suite
from seqproof_conformance.running import Wishes, free, slug
from seqproof_conformance.shell import UsageError, application, complain, hearing_again
from seqproof_conformance.suite import Job, NothingSelectedError, SuiteName
from seqproof_conformance.targets import UnknownTarget
from seqproof_model import results
from seqproof_model import server_matrix as model
from seqproof_model.server_matrix import Expected, Server, ServerMatrix
from seqproof_reports import server_matrix as pages
from seqproof_reports.server_matrix import Links

DATA, PAGE, MARKDOWN = "matrix.json", "matrix.html", "matrix.md"
FRAME = re.compile(r"(?<=<!-- matrix -->\n).*?(?=<!-- /matrix -->)", re.DOTALL)
NOT_BEGUN = "the matrix was interrupted before its turn; run it again"

app = application()

Targets = Annotated[
    list[str] | None,
    typer.Argument(metavar="TARGET...", help="What to hold to the protocol, one after another.", show_default=False),
]
Suite = Annotated[str | None, typer.Option("--suite", metavar="NAME", help="quick (default), standard or full.")]
Out = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="DIR", help="Where results go. Default: seqproof-runs/matrix.")
]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the page there too.")]
Markdown = Annotated[
    Path | None,
    typer.Option(
        "--markdown", metavar="FILE", help="Write Markdown there too; between its matrix marks if it has any."
    ),
]
Data = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the matrix as data there too.")]
Expect = Annotated[
    Path | None, typer.Option("--expect", metavar="FILE", help="What each target must do (TOML); else exit code 1.")
]
From = Annotated[
    Path | None, typer.Option("--from", metavar="FILE", help="Run nothing: draw a matrix.json that is there.")
]


@app.callback()
def _everything() -> None:
    """Set servers side by side."""


@app.command(
    epilog="Example: [bold]seqproof matrix reference valkey valkey:aof=yes[/]. Exit codes: 0 every target was run, "
    "whatever it fails (violations are data here); 1 a verdict is not as --expect says; 4 a target could not be run; "
    "130 interrupted, and what there is is kept."
)
def matrix(
    asked: Targets = None,
    suite_name: Suite = None,
    length: Length = None,
    out: Out = None,
    page: Page = None,
    markdown: Markdown = None,
    data: Data = None,
    expect: Expect = None,
    source: From = None,
) -> None:
    """Hold several servers to the protocol: requirements times servers, each failure with its counterexample."""
    wanted = _Wanted(page, markdown, data)
    if source is not None:
        _nothing_to_run({"TARGET": asked, "--suite": suite_name, "--length": length, "--out": out})
        raise typer.Exit(_redraw(source, wanted, expect))
    names, chosen = _checked(asked or []), checked_suite(suite_name or SuiteName.QUICK)
    expected = expectations.read(expect, names) if expect else {}
    folder = _folder(out)
    wanted.check()
    console = Console()
    found = _fill(names, _Plan(folder, chosen, length, wanted, expected), console)
    pages.render_matrix(console, found)
    if found.interrupted:
        complain("interrupted; the servers so far are kept")
    console.print(f"\n  results: {folder / PAGE}", highlight=False, soft_wrap=True)
    raise typer.Exit(_code(found))


def _code(found: ServerMatrix) -> int:
    applies = {
        VIOLATED: any(server.differs() for server in found.servers),
        INTERRUPTED: found.interrupted,
        FAILED: any(server.broken for server in found.servers),
    }
    return exit_code(code for code, does in applies.items() if does)


# ---------------------------------------------------------------- what is asked


def _checked(asked: Sequence[str]) -> list[str]:
    """The targets, each once, each a server's; what names nothing is said before anything runs. Raises UsageError."""
    if not asked:
        raise UsageError("no TARGET; name the servers, or draw what is there with --from FILE")
    for at, target in enumerate(asked):
        if target in asked[:at]:
            raise UsageError(f"{target} stands twice; name each target once")
        if phone_targets.role_of(target, None) is phone_targets.Role.PHONE:
            raise UsageError(f"{target} is a phone, and the matrix is one of servers; use `seqproof run {target}`")
        _named(target)
    return list(asked)


def _named(target: str) -> None:
    """Raise UnknownTarget where the text names nothing. Nothing starts before hello; a py: object is made once only."""
    if target.startswith("py:"):
        return
    try:
        targets.open_target(target).close()
    except UnknownTarget:
        raise
    except TargetError:
        return  # it names something that cannot be used here: that is a column


def _folder(out: Path | None) -> Path:
    """Where the results go. Raises UsageError for a folder that holds some."""
    if out is None:
        return free(Path("seqproof-runs") / "matrix")
    if (out / DATA).exists():
        raise UsageError(f"{out} holds another matrix; name another directory, remove that one, or draw it with --from")
    return out


def _nothing_to_run(given: dict[str, object]) -> None:
    """Raise UsageError for what makes no sense beside --from."""
    for name, value in given.items():
        if value:
            raise UsageError(f"--from runs nothing, so {name} has no meaning beside it; leave one of them out")


# ---------------------------------------------------------------- running


@dataclass(frozen=True)
class _Wanted:
    """Where else the matrix goes."""

    page: Path | None
    markdown: Path | None
    data: Path | None

    def check(self) -> None:
        """Make the folders now: whoever names a place that cannot be written hears so before the runs."""
        for path in filter(None, (self.page, self.markdown, self.data)):
            if path.is_dir():
                raise UsageError(f"{path} is a directory; name a file")
            path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, found: ServerMatrix, base: Path) -> None:
        """Write what is wanted; the paths in ``found`` are relative to ``base``."""
        if self.data:
            _put(self.data, model.encode(_moved(found, base, self.data.parent)))
        if self.page:
            _put(self.page, pages.matrix_html(found, _links(base, self.page.parent)).encode())
        if self.markdown:
            text = pages.matrix_markdown(found, _links(base, self.markdown.parent))
            _put(self.markdown, _framed(self.markdown, text).encode())


@dataclass(frozen=True)
class _Plan:
    """What to run, and where all of it goes."""

    folder: Path
    suite: SuiteName
    length: int | None
    wanted: _Wanted
    expected: dict[str, Expected]

    def write(self, servers: Sequence[Server], *, interrupted: bool = False) -> ServerMatrix:
        """Write the matrix as far as it is known."""
        kit = next((server.result.kit for server in servers if server.result), "")
        found = ServerMatrix(str(self.suite), tuple(servers), kit, interrupted)
        self.folder.mkdir(parents=True, exist_ok=True)
        for wanted in (_Wanted(self.folder / PAGE, self.folder / MARKDOWN, self.folder / DATA), self.wanted):
            wanted.write(found, self.folder)
        return found


def _fill(names: Sequence[str], plan: _Plan, console: Console) -> ServerMatrix:
    """Run one target after another; each is shown and written as soon as it is done."""
    done: list[Server] = []
    interrupted = False
    try:
        for name in names:
            done.append(_server(name, plan))
            plan.write(done)
            pages.render_server(console, done[-1])
            if interrupted := bool(done[-1].result and done[-1].result.interrupted):
                break
    except KeyboardInterrupt:
        interrupted = True
    left = [Server(name, why=NOT_BEGUN, expected=plan.expected.get(name)) for name in names[len(done) :]]
    return plan.write([*done, *left], interrupted=interrupted)


def _server(name: str, plan: _Plan) -> Server:
    """Run one target. What cannot be opened is a column, too."""
    folder = free(plan.folder / slug(name))
    job = Job(name, folder, suite=plan.suite, length=plan.length)
    try:
        with hearing_again(), running.progress(quiet=False) as watcher:
            running.carry_out(job, Wishes(), watcher)
    except (TargetError, NothingSelectedError) as error:
        with suppress(OSError):
            folder.rmdir()  # only where it is empty
        return Server(name, why=str(error).removeprefix(f"{name}: "), expected=plan.expected.get(name))
    result = results.read(folder / results.FILE)
    kept = tuple(msgspec.structs.replace(item, report=item.page) for item in result.failures)
    result = msgspec.structs.replace(result, failures=kept)
    return Server(name, result, folder=folder.name, expected=plan.expected.get(name))


# ---------------------------------------------------------------- files


def _redraw(source: Path, wanted: _Wanted, expect: Path | None) -> int:
    """Draw a matrix that is there. Returns the exit code that its run would have had, with this --expect."""
    try:
        found = model.read(source)
    except results.ResultsError as error:
        raise UsageError(str(error)) from None
    if expect:
        expected = expectations.read(expect, [server.target for server in found.servers])
        servers = [msgspec.structs.replace(server, expected=expected.get(server.target)) for server in found.servers]
        found = msgspec.structs.replace(found, servers=tuple(servers))
    wanted.check()
    wanted.write(found, source.parent)
    pages.render_matrix(Console(), found)
    return _code(found)


def _links(base: Path, place: Path) -> Links:
    """Make addresses for a page in ``place`` of paths from ``base``; "" for what is not there, so no link is dead."""

    def link(path: str) -> str:
        file = base / path
        return quote(Path(os.path.relpath(file, place)).as_posix()) if file.is_file() else ""

    return link


def _moved(found: ServerMatrix, base: Path, place: Path) -> ServerMatrix:
    """The same matrix with its paths as they are from another folder."""
    servers = [
        msgspec.structs.replace(server, folder=Path(os.path.relpath(base / server.folder, place)).as_posix())
        if server.folder
        else server
        for server in found.servers
    ]
    return msgspec.structs.replace(found, servers=tuple(servers))


def _framed(path: Path, text: str) -> str:
    """The text, or, where the file has the two marks, the file with the text between them."""
    try:
        old = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return text
    return FRAME.sub(lambda _: f"\n{text}\n", old, count=1) if FRAME.search(old) else text


def _put(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises OSError."""
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_bytes(content)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
