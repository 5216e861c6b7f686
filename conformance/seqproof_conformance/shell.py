"""What every command shares: exit codes, JSON, one line for an error, and a calm end on Ctrl-C.

An error is one line that says what is wrong and the mend. Results go to standard output, progress and errors to
standard error. Exit codes mean one thing each; ``codes.py`` lists them.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from typer.core import TyperGroup

from seqproof_conformance.address import MOVED, hidden
from seqproof_conformance.codes import FAILED as FAILED
from seqproof_conformance.codes import INCONCLUSIVE as INCONCLUSIVE
from seqproof_conformance.codes import INTERRUPTED as INTERRUPTED
from seqproof_conformance.codes import NOTHING as NOTHING
from seqproof_conformance.codes import USAGE as USAGE

PIPE_CLOSED = 141
Errors = tuple[type[Exception], ...]


class UsageError(Exception):
    """An option or a name that cannot be used; one line."""


class _Commands(TyperGroup):
    """Ctrl-C in a command that has no way of its own to end: left alone, Typer would end it without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named. Raises what it raises, and typer.Abort for KeyboardInterrupt."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None


def application(about: str | None = None, epilog: str | None = None) -> typer.Typer:
    """Make an empty application in which all commands behave alike."""
    return typer.Typer(
        name="seqproof",
        cls=_Commands,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        help=about,
        epilog=epilog,
    )


def print_json(data: object) -> None:
    """Print one JSON object on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n")


def complain(text: str) -> None:
    """Say on standard error what went wrong, in one line, whatever the text holds."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    Console(stderr=True).print(
        f"seqproof: {line}", style="red", highlight=False, markup=False, emoji=False, soft_wrap=True
    )


class _Asked:
    """Whether someone asked to stop.

    An exception raised in a signal handler can get lost (in a callback of the garbage collector, for one), so it is
    also remembered, and raised again before the next scenario.
    """

    to_stop = False


def _stop(_number: int, _frame: object) -> NoReturn:
    _Asked.to_stop = True
    raise KeyboardInterrupt


@contextmanager
def gently() -> Generator[None]:
    """While this lasts, Ctrl-C raises nothing by itself; ``still_wanted`` does, between two calls of a C library."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is _stop:
            signal.signal(number, _note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _note(_number: int, _frame: object) -> None:
    _Asked.to_stop = True


def still_wanted() -> None:
    """Raise KeyboardInterrupt if someone asked to stop."""
    if _Asked.to_stop:
        raise KeyboardInterrupt


def finishing() -> None:
    """While results are written down, Ctrl-C changes nothing; that takes a bounded time. It is remembered."""
    signal.signal(signal.SIGINT, _note)


@contextmanager
def hearing_again() -> Generator[None]:
    """Where several runs follow each other: what is deaf to Ctrl-C at the end of one hears it again in the next."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _answer(error: BaseException, usage: Errors, nothing: Errors, failed: Errors) -> int:
    """Say what went wrong in one line; returns the exit code."""
    match error:
        case typer.Exit():
            return error.exit_code
        case SystemExit() | BrokenPipeError():
            return PIPE_CLOSED  # whoever read our output went away
        case typer.TyperException():
            complain(f"{error.format_message().rstrip('.')}; see `seqproof --help` and `seqproof COMMAND --help`")
            return USAGE
        case typer.Abort() | KeyboardInterrupt():
            complain("interrupted")
            return INTERRUPTED
        case OSError():
            place = error.filename or "the results"
            complain(f"cannot write {place}: {error.strerror or error}; make room, or name another place")
            return FAILED
        case _:
            meanings: list[tuple[Errors, int]] = [((UsageError, *usage), USAGE), (nothing, NOTHING), (failed, FAILED)]
            for known, code in meanings:
                if isinstance(error, known):
                    complain(str(error))
                    return code
            complain(f"a fault in seqproof itself: {type(error).__name__}: {error} (SEQPROOF_TRACEBACK=1 shows where)")
            return FAILED


def _hide_passwords() -> None:
    """Move the passwords of addresses out of what was typed, before anything shows or stores it."""
    typed = sys.argv[1:]
    sys.argv[1:] = [hidden(word) for word in typed]
    if sys.argv[1:] != typed:
        names = " and ".join(dict.fromkeys(name for word in sys.argv[1:] for name in MOVED.findall(word)))
        complain(f"the password in the address is shown and kept nowhere; to run it again, export it as {names}")


def run(app: typer.Typer, usage: Errors = (), nothing: Errors = (), failed: Errors = ()) -> NoReturn:
    """Run a command line and exit with its code. ``usage``, ``nothing``, ``failed``: the errors that mean these."""
    _Asked.to_stop = False
    _hide_passwords()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign still gets the verdict
    try:
        code = int(app(standalone_mode=False) or 0)
    except BaseException as error:
        if os.environ.get("SEQPROOF_TRACEBACK") and not isinstance(error, typer.Exit):
            raise
        code = _answer(error, usage, nothing, failed)
    sys.exit(code)
