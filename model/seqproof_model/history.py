"""A history: what was asked of a server and what it answered, in real-time order, one JSON object a line.

    {"event":"header", ...}                                   who was asked, under which profile, with what seed
    {"event":"send","id":1,"account":"x","sender":"s","client_id":"c1","body":"m1"}
    {"event":"ok","id":1,"seq":1}                             ... the answer to operation 1
    {"event":"recv","id":2,"account":"x","phone":"A","seq_cli":0}
    {"event":"ok","id":2,"rows":[[1,"m1"]]}
    {"event":"end","events":4}                                the footer: the file is whole

An operation begins with its ``send`` or ``recv`` line and ends with ``ok``, ``refused`` or ``indefinite``. Between the
two, other operations may begin and end: that is overlap, and the order of the lines is real-time order. ``ok`` and
``refused`` are *definite*. An ``indefinite`` operation stays open: it may take effect at any later time, also after a
kill, until a ``settled`` line says that it no longer can. An adapter's answer is the ending event without its id.

A file may lose its end (a full disk, a killed kit): it is then readable as *partial*, up to its last good line.
Seqs above 2**53 are written as decimal strings, so that readers in any language keep them exact (SEQ-7).
Source: docs/formats.md.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import msgspec

from seqproof_model.profile import Profile

FORMAT = "seqproof-history"
VERSION = 1
EXACT_IN_DOUBLE = 2**53


class Code(StrEnum):
    """Why a request was refused. Every refusal is definite; what it says about effects is written beside it."""

    AHEAD = "ahead"  # recv: seq_cli > seq_svr; nothing was confirmed (RCV-6)
    MALFORMED = "malformed"  # the request made no sense; no effect (SEQ-7)
    FULL = "full"  # send: the space is exhausted; no effect (SEQ-6)
    POLICY = "policy"  # send: spam, blacklist; no effect (SND-5)
    STORE = "store"  # the store failed; a send left nothing (SND-5), a recv may have confirmed
    BUSY = "busy"  # send: an overlapping repeat is in progress; this attempt left nothing (SND-3)
    UNREACHABLE = "unreachable"  # it never reached the server: connection refused, or lost on purpose


class _Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag=str.lower):
    pass


class Send(_Event, frozen=True):
    """A send begins. ``client_id`` is unique per (account, sender) for one message; a retry repeats it."""

    id: int
    account: str
    body: str
    sender: str = "s"
    client_id: str = ""


class Recv(_Event, frozen=True):
    """A recv begins: what comes after ``seq_cli``."""

    id: int
    account: str
    phone: str
    seq_cli: int


class RecvRaw(_Event, frozen=True):
    """A recv begins, with the text ``raw`` where seq_cli should be, as JSON has it; answered as a recv is."""

    id: int
    account: str
    phone: str
    raw: str


class Ok(_Event, frozen=True):
    """A definite success. A send tells ``seq`` where the server does; a recv tells ``rows`` ((seq, body), ascending).

    ``more``: whether the server says that more is due (None: it says nothing). ``upto``: the value the phone is told to
    ask with next. ``delivered`` false: the server answered, and the reply was then lost on its way to the phone.
    """

    id: int = 0
    seq: int | None = None
    rows: tuple[tuple[int, str], ...] | None = None
    more: bool | None = None
    upto: int | None = None
    epoch: str | None = None
    delivered: bool = True


class Refused(_Event, frozen=True):
    """A definite refusal. ``seq_svr``: what the server named, where it did."""

    code: Code
    id: int = 0
    seq_svr: int | None = None
    detail: str = ""


class Indefinite(_Event, frozen=True):
    """No answer, a timeout, a reset, an undocumented error: the operation may have happened, or may happen later."""

    why: str
    id: int = 0


class Settled(_Event, frozen=True):
    """From here on the unanswered operation ``id`` can no longer take effect."""

    id: int


class Delivered(_Event, frozen=True):
    """A reply that was on its way (``ok`` with ``delivered`` false) reaches the phone late."""

    id: int


class Kill(_Event, frozen=True):
    """SIGKILL of the server's whole process tree. Operations under way become indefinite."""


class Restart(_Event, frozen=True):
    """The server answers again, on the same store."""


class Backup(_Event, frozen=True):
    """A backup of the server's whole store was taken."""


class Restore(_Event, frozen=True):
    """The server's whole store was taken back to the last backup, and the server started again on it."""


class Preset(_Event, frozen=True):
    """An empty account is set up with seq_svr = ``seq``; no message at or below it exists."""

    account: str
    seq: int


class Trim(_Event, frozen=True):
    """The server was told to drop what it may drop (CNF-7)."""

    account: str


class FailStore(_Event, frozen=True):
    """The server's next store was made to fail, once."""


class Note(_Event, frozen=True):
    """Something that is no request and no answer, in words: what befell a phone that is under test."""

    text: str
    account: str = ""


class Via(StrEnum):
    """The way a tip took."""

    CONNECTION = "connection"  # the phone's long connection
    OS = "os"  # the push of the phone's operating system


class Tip(msgspec.Struct, frozen=True):
    """A notice that there is something new, as a phone got it: whose phone, which one, and how it came there."""

    account: str
    phone: str
    via: Via = Via.CONNECTION


class Login(_Event, frozen=True):
    """A phone has opened its long connection, which is the account's current route from now on."""

    account: str
    phone: str


class Logout(_Event, frozen=True):
    """The phone's long connection is closed; another phone may be the route by now."""

    account: str
    phone: str


class Tips(_Event, frozen=True):
    """All tips since the last such line, the server at rest. ``accounts``: those that it speaks of; none named: all."""

    tips: tuple[Tip, ...] = ()
    accounts: tuple[str, ...] = ()


class Mark(_Event, frozen=True):
    """A place in the history: the scenario whose operations follow."""

    scenario: str


class Header(_Event, frozen=True, omit_defaults=False):
    """The first line. ``adds``: requirements that the adapter's own code implements, not the server's."""

    target: str
    capabilities: tuple[str, ...]
    profile: Profile
    format: str = FORMAT
    version: int = VERSION
    kit: str = ""
    server: str = ""
    adds: tuple[str, ...] = ()
    seed: int | None = None


class End(_Event, frozen=True):
    """The footer: the file is whole. ``events`` counts the lines between header and footer."""

    events: int
    interrupted: bool = False


Answer = Ok | Refused | Indefinite
Event = (
    Send
    | Recv
    | RecvRaw
    | Ok
    | Refused
    | Indefinite
    | Settled
    | Delivered
    | Kill
    | Restart
    | Backup
    | Restore
    | Preset
    | Trim
    | FailStore
    | Note
    | Login
    | Logout
    | Tips
    | Mark
)
Line = Header | End | Event
H = TypeVar("H", bound=Header)


@dataclass(frozen=True)
class Form(Generic[H]):
    """A kind of history file: its format's name, its header, and what reads a line of it, or raises HistoryError."""

    name: str
    header: type[H]
    decode: Callable[[bytes], object]


class HistoryError(ValueError):
    """A file that is no history, or that this version cannot read; the text is one line."""


@dataclass(frozen=True)
class History:
    """A header and its events. ``partial`` names the last good line when the file lost its end, else None."""

    header: Header
    events: tuple[Event, ...]
    partial: int | None = None
    interrupted: bool = False


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line, strict=False)


def _exact(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            return value if -EXACT_IN_DOUBLE <= value <= EXACT_IN_DOUBLE else str(value)
        case dict():
            return {key: _exact(item) for key, item in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_exact(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _wide(line: Any) -> bool:
    """Whether a value of the line may be above 2**53. Each line is asked, so each kind is asked for what it has."""
    match line:
        case Ok():
            return _far(line.seq) or _far(line.upto) or any(_far(seq) for seq, _ in line.rows or ())
        case Recv():
            return _far(line.seq_cli)
        case Refused():
            return _far(line.seq_svr)
        case Preset():
            return _far(line.seq)
        case _:
            return isinstance(line, Header)


def _far(value: int | None) -> bool:
    return value is not None and not -EXACT_IN_DOUBLE <= value <= EXACT_IN_DOUBLE


def encode(line: Line) -> bytes:
    r"""Write one line, without its end.

    >>> encode(Recv(2, "x", "A", 2**53 + 1))
    b'{"event":"recv","id":2,"account":"x","phone":"A","seq_cli":"9007199254740993"}'
    """
    if _wide(line):
        return _encoder.encode(_exact(msgspec.to_builtins(line)))
    return _encoder.encode(line)


def decode(text: bytes) -> Line:
    """Read one line. Raises HistoryError."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise HistoryError(str(error)) from None


class Writer:
    """Streams a history to a file, a line at a time, each handed to the operating system at once.

    What was written survives a SIGKILL of this process. ``close`` writes the footer; a writer that is dropped without
    it leaves a partial file, which is what an interrupted run is.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._file = path.open("wb", buffering=0)
        self._events = 0
        try:
            self._line(header)
        except OSError:
            self._file.close()
            raise

    def _line(self, line: Line) -> None:
        text = encode(line) + b"\n"
        if self._file.write(text) != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def write(self, event: Event) -> None:
        """Append one event. Raises OSError, e.g. on a full disk."""
        self._line(event)
        self._events += 1

    def close(self, *, interrupted: bool = False) -> None:
        """Write the footer and close."""
        if not self._file.closed:
            self._line(End(self._events, interrupted))
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _value: BaseException | None, _tb: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close(interrupted=kind is not None)
        elif not self._file.closed:
            self._file.close()


def write(path: Path, header: Header, events: Iterable[Event]) -> None:
    """Write a whole history at once."""
    with Writer(path, header) as writer:
        for event in events:
            writer.write(event)


def read(path: Path | str | os.PathLike[str]) -> History:
    """Read a file. Raises HistoryError (foreign, newer, damaged in the middle) with one line that names the place."""
    header, events, partial, interrupted = read_lines(Path(path), Form(FORMAT, Header, decode))
    return History(header, tuple(events), partial, interrupted)


def read_lines(path: Path, form: Form[H]) -> tuple[H, list[Any], int | None, bool]:
    """Read a file of lines between a header and a footer.

    Returns the header, the events, the last good line of a file without its footer (else None), and whether the run was
    interrupted. Raises HistoryError.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise HistoryError(f"cannot read {path}: {error.strerror}") from None
    lines = raw.split(b"\n")
    whole = lines.pop() == b""  # a file that does not end in a line end was cut in the middle of a line
    if not whole:
        lines.append(raw[raw.rfind(b"\n") + 1 :])
    header = _header(path, lines, form)
    events: list[Any] = []
    for number, line in _decoded(path, lines, form):
        if isinstance(line, End):
            if number != len(lines):
                raise HistoryError(f"{path}:{number + 1}: something follows the footer, which is the last line")
            if line.events != len(events):
                raise HistoryError(
                    f"{path}:{number}: the footer counts {line.events} events, the file holds {len(events)}"
                )
            return header, events, None, line.interrupted
        if isinstance(line, form.header):
            raise HistoryError(f"{path}:{number}: a second header; one file holds one history")
        events.append(line)
    return header, events, len(events) + 1, False


def _header(path: Path, lines: list[bytes], form: Form[H]) -> H:
    foreign = HistoryError(f'{path} is not a seqproof history: line 1 is no header with "format":"{form.name}"')
    try:
        head = msgspec.json.decode(lines[0]) if lines else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise foreign from None
    if not isinstance(head, dict) or head.get("format") != form.name:  # pyright: ignore[reportUnknownMemberType]
        raise foreign
    version: object = head.get("version")  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    if version != VERSION:
        raise HistoryError(f"{path} has history version {version}; this seqproof reads version {VERSION}: upgrade it")
    try:
        line = form.decode(lines[0])
    except HistoryError as error:
        raise HistoryError(f"{path}:1: {error}") from None
    if not isinstance(line, form.header):
        raise foreign
    return line


def _decoded(path: Path, lines: list[bytes], form: Form[H]) -> Iterator[tuple[int, object]]:
    """Yield (line number, line) after the header, up to the first line that is cut off at the file's end."""
    for number, text in enumerate(lines[1:], start=2):
        try:
            yield number, form.decode(text)
        except HistoryError as error:
            if number == len(lines):
                return
            raise HistoryError(f"{path}:{number}: {error}") from None
