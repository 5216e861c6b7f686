"""The command ``seqproof new-adapter``: a starting point for testing your own server, that works as it is written.

What it writes are the samples of this package, the very files that the tests run. In Python and Node the adapter runs
the reference server behind HTTP, and any server that is named on its command line; in C a toy server is linked in; the
HTTP description needs no program at all. A row of ``STARTS`` is a way to begin.
Source: docs/adapters.md.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from seqproof_conformance.shell import UsageError, application

__all__ = ["STARTS", "Lang", "Start", "app", "sample"]

SAMPLES = "samples"


class Lang(StrEnum):
    """What an adapter can be begun in."""

    PYTHON = "python"
    NODE = "node"
    C = "c"
    HTTP = "http"


@dataclass(frozen=True)
class Start:
    """Files under ``samples/``, and the commands that run them from the folder where they were put.

    ``build``: before the first run, "" when nothing is to be built. ``broken``: the shipped toy, made to lose messages.
    """

    files: tuple[str, ...]
    run: str
    build: str = ""
    broken: str = ""


STARTS = {
    Lang.PYTHON: Start(
        ("python/adapter.py", "python/toy.py"),
        "exec:python3 adapter.py",
        broken="MISBEHAVE=ack_on_reply python3 adapter.py python3 toy.py",
    ),
    Lang.NODE: Start(
        ("node/adapter.mjs", "node/toy.mjs"),
        "exec:node adapter.mjs",
        broken="MISBEHAVE=ack_on_reply node adapter.mjs node toy.mjs",
    ),
    Lang.C: Start(
        ("c/adapter.c", "c/toy.c", "c/toy.h"),
        "exec:./adapter",
        build="cc -o adapter adapter.c toy.c",
        broken="MISBEHAVE=ack_on_reply ./adapter",
    ),
    Lang.HTTP: Start(("http.toml",), "http:http.toml"),
}

app = application()


@app.callback()
def _everything() -> None:
    """Begin an adapter."""


@app.command("new-adapter", epilog="Example: [bold]seqproof new-adapter --lang python --out mine[/]")
def new_adapter(
    lang: Annotated[Lang, typer.Option("--lang", help="What to write it in; http: a description, no program.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The folder to write to; made where it is missing.")
    ] = Path(),
) -> None:
    """Write the beginning of an adapter for your own server; it works at once, against a server that is shipped."""
    start = STARTS[lang]
    written = _write(start, out)
    console = Console()

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(f"wrote {' '.join(str(path) for path in written)}")
    lines = [
        (f"cd {shlex.quote(str(out))}", "" if out == Path() else "where it stands"),
        (start.build, "build it"),
        (f"seqproof run {shlex.quote(start.run)}", "a correct server, through it"),
        (f"seqproof run {shlex.quote(f'exec:env {start.broken}')}" if start.broken else "", "one that loses messages"),
    ]
    shown = [(command, why) for command, why in lines if command and why]
    width = max(len(command) for command, _ in shown)
    for command, why in shown:
        say(f"  {command:{width}}  # {why}")


def sample(file: str) -> bytes:
    """Return a shipped sample, e.g. "python/adapter.py". Raises UsageError where this package has none."""
    try:
        return resources.files("seqproof_conformance").joinpath(SAMPLES, file).read_bytes()
    except FileNotFoundError:
        raise UsageError(f"this seqproof was installed without its sample {file}; install it again") from None


def _write(start: Start, out: Path) -> list[Path]:
    """Write all files or none, and none over another. Raises UsageError."""
    texts = {out / Path(file).name: sample(file) for file in start.files}
    if there := [str(path) for path in texts if path.exists() or path.is_symlink()]:
        raise UsageError(f"{', '.join(there)}: nothing is written over; name another folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{out} is no folder; name another with --out") from None
    for path, text in texts.items():
        with path.open("xb") as file:
            file.write(text)
    return list(texts)
