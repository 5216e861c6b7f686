"""The file of a phone's history: written while a phone is held to the protocol, read and judged again years later.

A header says what the phone declared, because the judge goes by it: what it can, and what "at once" means to it. Then
comes a line for each event of each play; a ``scenario`` line begins a play, on a new phone. A footer says that the file
is whole. One that was cut is judged as far as it goes, and says so; one that is damaged in the middle is refused.

Of the plays that break a requirement the shortest is kept, as a run does; the others say nothing more.
Source: docs/phones.md.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seqproof_model import history as h
from seqproof_model import phone_history as ph
from seqproof_model.phone_judge import PhoneJudge
from seqproof_model.phone_verdict import verdict
from seqproof_model.phone_words import Milliseconds, PhoneCapability, PhoneHello
from seqproof_model.verdict import Verdict, Violation


class Header(h.Header, frozen=True, kw_only=True, omit_defaults=False):
    """The first line: that of a server's history, and in ms what the phone declared of its times."""

    format: str = ph.FORMAT
    patience_ms: Milliseconds
    retry_ms: Milliseconds
    poll_ms: Milliseconds | None

    @property
    def hello(self) -> PhoneHello:
        """What the phone said of itself. Raises HistoryError for a capability that no phone has."""
        try:
            able = frozenset(map(PhoneCapability, self.capabilities))
        except ValueError as error:
            raise h.HistoryError(f"line 1: {error}, which docs/phones.md lists") from None
        return PhoneHello(self.server, able, self.patience_ms, self.retry_ms, self.poll_ms)


@dataclass(frozen=True)
class PhoneRecord:
    """A file, read. ``partial``: the last good line of one that has no end."""

    header: Header
    events: tuple[ph.Event, ...]
    partial: int | None = None
    interrupted: bool = False


_decoder: msgspec.json.Decoder[Header | h.End | ph.Event] = msgspec.json.Decoder(Header | h.End | ph.Event)


class Writer:
    """Appends events to a new file. What was written survives a SIGKILL of this process. Raises OSError."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.events = 0
        self._file = path.open("wb", buffering=0)
        try:
            self._line(msgspec.json.encode(header))
        except OSError:
            self._file.close()
            raise

    def write(self, event: ph.Event) -> None:
        """Append one event."""
        self._line(ph.encode(event))
        self.events += 1

    def close(self, *, interrupted: bool = False) -> None:
        """Write the footer."""
        if not self._file.closed:
            self._line(h.encode(h.End(self.events, interrupted)))
            self._file.close()

    def _line(self, text: bytes) -> None:
        if self._file.write(text + b"\n") != len(text) + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))


def encode(header: Header, events: Sequence[ph.Event]) -> bytes:
    """A whole history at once."""
    lines = (msgspec.json.encode(header), *map(ph.encode, events), h.encode(h.End(len(events))))
    return b"".join(line + b"\n" for line in lines)


def is_one(path: Path) -> bool:
    """Whether a file begins as the history of a phone does; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            head = msgspec.json.decode(file.readline(), type=dict[str, object])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return head.get("format") == ph.FORMAT


def read(path: Path) -> PhoneRecord:
    """Read a file. Raises HistoryError, one line that names the place."""
    header, events, partial, interrupted = h.read_lines(path, h.Form(ph.FORMAT, Header, _decoded))
    return PhoneRecord(header, tuple(events), partial, interrupted)


def _decoded(line: bytes) -> Header | h.End | ph.Event:
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise h.HistoryError(str(error)) from None


def judge(record: PhoneRecord) -> Verdict:
    """Judge every play of a file. Raises HistoryError where its events cannot have happened in this order."""
    hello, counts = record.header.hello, Counter[str]()
    shortest: dict[str, tuple[int, Violation]] = {}
    play, began, known = PhoneJudge(hello, counts), 0, set[int]()
    for number, event in enumerate(record.events, 1):
        if isinstance(event, ph.Scenario):
            play, began, known = PhoneJudge(hello, counts), number, set[int]()
        _possible(number, event, known, begun=began > 0)
        found = play.feed(event)
        if found:
            _, best = shortest.get(found.requirement, (0, None))
            if best is None or number - began < shortest[found.requirement][0]:
                shortest[found.requirement] = number - began, msgspec.structs.replace(found, event=number)
    return verdict(
        record.header,
        hello,
        counts,
        [violation for _, violation in shortest.values()],
        len(record.events),
        scope=(),
        partial=record.partial,
        interrupted=record.interrupted,
    )


def _possible(number: int, event: ph.Event, known: set[int], *, begun: bool) -> None:
    """Raise HistoryError for an event that no play can have here. ``known``: the requests of this play."""
    where = f"line {number + 1}"
    if not begun:
        raise h.HistoryError(f'{where}: an event before the first "scenario", which begins a play')
    if isinstance(event, ph.Asked | ph.Posted):
        if event.id in known:
            raise h.HistoryError(f"{where}: request {event.id} left twice; each has a number of its own")
        known.add(event.id)
    elif isinstance(event, ph.Served | ph.Arrived | ph.Lost) and event.id not in known:
        raise h.HistoryError(f"{where}: request {event.id} never left")
