"""Questions and answers of one exec adapter: they meet by number, and the first thing that goes wrong is its fault.

A question goes out with a number and its caller waits for that number, so several threads may ask at once and answers
may come in any order. Every wait ends, after ``timeout_s`` at the latest. A program that breaks the contract (it
babbles, lies, hangs, ends) is at fault, and stays so: what it did first is what every later question says.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from seqproof_conformance.adapter import AdapterFault, TargetError
from seqproof_conformance.exec_process import Program, SilenceError
from seqproof_conformance.exec_wire import Answer, Close, Question, WireError, decode, encode

__all__ = ["NAME", "Spoken", "Talk"]

NAME = "exec adapter"
EXPLAIN_S = 1.5  # how long the reader may take to say why a program no longer listens
CLOSE_S = 2.0  # how long a program may take to say goodbye, and again to go
SHOWN = 60


class _Head(msgspec.Struct):
    id: int


@dataclass
class _Asked:
    """A question under way."""

    op: str
    answer: Future[Answer[Any]] = field(default_factory=Future[Answer[Any]])


class Talk:
    """One program, spoken to. ``timeout_s``: the longest wait for an answer, in seconds.

    ``check_schema``: hold every line, both ways, to the published JSON Schemas. ``decode``: reads the answer to an
    operation, and raises WireError. ``complaint``: what the schemas say against a line, "" for nothing.
    """

    def __init__(
        self,
        command: Sequence[str],
        timeout_s: float,
        *,
        check_schema: bool = False,
        decode: Callable[[str, bytes], Answer[Any]] = decode,
        complaint: Callable[[str, str, bytes], str] | None = None,
    ) -> None:
        self._decode = decode
        self._complaint = complaint or _complaint
        self.program = Program(command, self._heard, self._over)
        self.timeout_s = timeout_s
        self.check_schema = check_schema
        self.leaving = False  # from now on only answers count; other noise is let pass
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._lock = threading.Lock()
        self._last = 0
        self._lines = 0
        self._fault = ""

    @property
    def fault(self) -> str:
        """What the program did wrong, "" if nothing."""
        return self._fault

    def ask(self, question: Question, within_s: float | None = None) -> Answer[Any]:
        """Ask and wait, at most ``within_s`` seconds, else ``timeout_s``. Raises AdapterFault."""
        op, within_s = str(question.__struct_config__.tag), self.timeout_s if within_s is None else within_s
        asked = _Asked(op)
        with self._lock:
            if self._fault:
                raise AdapterFault(self._fault)
            number = self._last = next(self._numbers)
            self._asked[number] = asked
        line = encode(number, question)
        if self.check_schema and (wrong := self._complaint("question", op, line)):
            raise RuntimeError(f"seqproof itself asked against its schema: {op}: {wrong}")
        try:
            self.program.write(line, within_s)
            return asked.answer.result(within_s)
        except SilenceError as error:
            with suppress(AdapterFault, TimeoutError):  # when it has just died, the reader knows more
                return asked.answer.result(EXPLAIN_S)
            raise self.blame(str(error)) from None
        except TimeoutError:
            mend = "an adapter bounds its own waits and answers indefinite"
            raise self.blame(f"did not answer {op} (id {number}) within {within_s:g} s; {mend}") from None

    def blame(self, what: str) -> AdapterFault:
        """Put it at fault, unless it already is; all who wait are told. Returns what to raise."""
        with self._lock:
            if not self._fault:
                self._fault = f"{NAME}: {what}"
                for asked in self._asked.values():
                    asked.answer.set_exception(AdapterFault(self._fault))
                self._asked.clear()
            return AdapterFault(self._fault)

    def close(self) -> None:
        """Ask the program to end, give it a moment, then end it and all it started. What it says now is let pass.

        May be called twice.
        """
        if self.leaving:
            return
        self.leaving = True
        try:
            if self.program.alive and not self._fault:
                with suppress(TargetError):
                    self.ask(Close(), min(CLOSE_S, self.timeout_s))
                self.program.leave(CLOSE_S)
        finally:
            self.program.close()
            self.blame("was closed; open the target again")

    # ---------------------------------------------------------------- in the reader's thread

    def _over(self, why: str) -> None:
        self.blame(why)

    def _heard(self, line: bytes) -> bool:
        self._lines += 1
        try:
            number, answer = self._read(line)
        except WireError as error:
            if not self.leaving:
                self.blame(f"{error} (line {self._lines})")
            return self.leaving
        with self._lock:
            asked = self._asked.pop(number, None)  # gone, when it was put at fault meanwhile
        if asked is not None:
            asked.answer.set_result(answer)
        return True

    def _read(self, line: bytes) -> tuple[int, Answer[Any]]:
        """Return what is answered, and how. Raises WireError."""
        number = _number(line)
        with self._lock:
            asked = self._asked.get(number)
        if asked is None:
            before = 0 < number <= self._last
            raise WireError(f"answered id {number} twice" if before else f"answered id {number}, which was not asked")
        if self.check_schema and (wrong := self._complaint("answer", asked.op, line)):
            raise WireError(f"its answer to {asked.op} breaks the schema at {wrong}")
        try:
            return number, self._decode(asked.op, line)
        except WireError as error:
            raise WireError(f"its answer to {asked.op} is malformed: {error}") from None


class Spoken:
    """The part of an adapter, or of a phone, that is the same for every program: its bound, its last words, its end."""

    _talk: Talk

    def bound(self, seconds: float) -> None:
        """Wait at most so long for one answer."""
        self._talk.timeout_s = seconds

    def last_words(self) -> list[str]:
        """Return the end of the program's standard error."""
        return self._talk.program.last_words()

    def close(self) -> None:
        """Ask the program to end, give it a moment, then end it and all it started. May be called twice."""
        self._talk.close()


def _number(line: bytes) -> int:
    """The id of an answer. Raises WireError."""
    try:
        line.decode()
        return msgspec.json.decode(line, type=_Head).id
    except UnicodeDecodeError:
        raise WireError(f"wrote what is no UTF-8: {line[:SHOWN]!r}") from None
    except msgspec.ValidationError as error:
        raise WireError(f"wrote what is no answer: {error}: {_shown(line)}") from None
    except (msgspec.DecodeError, RecursionError):
        mend = "only answers go to standard output, all else to standard error"
        raise WireError(f"wrote what is no JSON: {_shown(line)}; {mend}") from None


def _shown(line: bytes) -> str:
    return f"{line.decode()[:SHOWN]!r}{'…' if len(line) > SHOWN else ''}"


def _complaint(name: str, op: str, line: bytes) -> str:
    from seqproof_conformance.exec_schemas import complaint  # its library is slow to load, and seldom wanted

    return complaint(name, op, line)
