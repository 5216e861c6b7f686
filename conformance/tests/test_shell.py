"""What all commands share: Ctrl-C in one that has no way of its own to end is said, in one line, with its exit code."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from seqproof_conformance import shell


@pytest.fixture
def run() -> Iterator[Callable[[Callable[[], int | None]], object]]:
    """Runs an application of two commands, of which one is given; returns its exit code. Signals are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    patch = pytest.MonkeyPatch()

    def asked(command: Callable[[], int | None]) -> object:
        app = shell.application()
        app.command("this")(command)
        app.command("other")(lambda: None)
        patch.setattr("sys.argv", ["seqproof", "this"])
        with pytest.raises(SystemExit) as ended:
            shell.run(app)
        return ended.value.code

    yield asked
    patch.undo()
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_that_no_command_takes_is_one_line_and_130(
    run: Callable[[Callable[[], int | None]], object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(interrupted) == shell.INTERRUPTED
    out, err = capsys.readouterr()
    assert (out, err) == ("", "seqproof: interrupted\n")


def test_a_signal_is_such_an_interrupt(
    run: Callable[[Callable[[], int | None]], object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda: signal.raise_signal(signal.SIGTERM)) == shell.INTERRUPTED
    assert capsys.readouterr().err == "seqproof: interrupted\n"


def test_a_command_that_has_said_so_itself_is_not_repeated(
    run: Callable[[Callable[[], int | None]], object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda: shell.INTERRUPTED) == shell.INTERRUPTED
    assert capsys.readouterr().err == ""
