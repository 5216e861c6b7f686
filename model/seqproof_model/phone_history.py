"""What happened to a phone and what it did, in order: the evidence that the judge of phones reads, a line an event.

Three kinds of lines. What the world did: a message was stored, the server answered, a reply arrived or was lost, a tip
came, time passed, the phone was killed. What the phone did: it asked, it posted. What was looked up: the seq_cli that
it has durably, the messages that it shows. Operations are numbered through the file, whatever the phone calls them.

``told`` turns them into a server's history, which every picture and report can draw: requests and replies become its
recvs and oks, what befalls the phone becomes a note. Source: docs/phones.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from seqproof_model import history as h
from seqproof_model.phone_words import Accepted, Refusal, Reply, Row, Rows

FORMAT = "seqproof-phone-history"
PHONE = "P"  # the phone's name in pictures
OTHER = "B"


class _Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag=str.lower):
    pass


class Scenario(_Event, frozen=True):
    """A fresh phone; the steps of this scenario follow."""

    name: str


class Stored(_Event, frozen=True):
    """A message is stored on the server."""

    account: str
    seq: int
    body: str


class Restored(_Event, frozen=True):
    """The server is back from a backup, in a new epoch, with messages up to ``seq_svr``."""

    account: str
    epoch: str
    seq_svr: int


class Confirmed(_Event, frozen=True):
    """By no merit of the phone, everything up to ``seq_cli`` is confirmed: another phone has it."""

    account: str
    seq_cli: int


class Started(_Event, frozen=True):
    """The app starts. ``again``: after a kill, on the same store."""

    account: str
    again: bool = False


class Killed(_Event, frozen=True):
    """The phone is killed."""


class LoggedIn(_Event, frozen=True):
    """Another account logs in."""

    account: str


class Tipped(_Event, frozen=True):
    """A tip reaches the phone."""

    account: str


class Elapsed(_Event, frozen=True):
    """Time passes."""

    ms: int


class Connected(_Event, frozen=True):
    """Its connection is there again, or (``up`` false) breaks."""

    up: bool


class Pulled(_Event, frozen=True):
    """Its user asks for news."""


class Said(_Event, frozen=True):
    """Its user sends a message."""

    account: str
    body: str


class Asked(_Event, frozen=True):
    """The phone puts a recv on the wire."""

    id: int
    account: str
    seq_cli: int
    epoch: str | None = None


class Posted(_Event, frozen=True):
    """The phone puts a send on the wire."""

    id: int
    account: str
    client_id: str
    body: str


class Served(_Event, frozen=True):
    """The request reached the server, which answered; the reply is under way."""

    id: int
    reply: Reply


class Arrived(_Event, frozen=True):
    """The reply reaches the phone. ``late``: after it was told that the request is lost.

    ``dies``: the phone is killed while it takes the reply, so nobody knows how much of it was taken.
    """

    id: int
    late: bool = False
    dies: bool = False


class Lost(_Event, frozen=True):
    """The phone is told that the request failed: it, or its reply, is lost."""

    id: int


class Marks(_Event, frozen=True):
    """Looked up: the phone's durable seq_cli of the account."""

    account: str
    seq_cli: int


class Holds(_Event, frozen=True):
    """Looked up: the messages of the account that the phone shows."""

    account: str
    rows: tuple[Row, ...]


class Rested(_Event, frozen=True):
    """For a long time now nothing was lost but tips: whatever is due must have reached the phone."""


Event = (
    Scenario
    | Stored
    | Restored
    | Confirmed
    | Started
    | Killed
    | LoggedIn
    | Tipped
    | Elapsed
    | Connected
    | Pulled
    | Said
    | Asked
    | Posted
    | Served
    | Arrived
    | Lost
    | Marks
    | Holds
    | Rested
)


_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Write one line, without its end."""
    return msgspec.json.encode(event)


def decode(line: bytes) -> Event:
    """Read one line. Raises HistoryError."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise h.HistoryError(str(error)) from None


# ---------------------------------------------------------------- as a server's history, for pictures


def told(events: Iterable[Event], blamed: int) -> tuple[tuple[h.Event, ...], int]:
    """The same as a server's history, and which of its events (from 1) stands for the ``blamed`` one (from 1)."""
    teller, lines, at = _Teller(), list[h.Event](), 0
    for number, event in enumerate(events, 1):
        lines += teller.lines(event)
        if number <= blamed:
            at = len(lines)
    return tuple(lines), max(at, 1)


class _Teller:
    def __init__(self) -> None:
        self.sent = 1_000_000  # numbers for sends by others, out of the phone's way
        self.served: dict[int, Reply] = {}
        self.seen: dict[str, int] = {}

    def lines(self, event: Event) -> Iterator[h.Event]:
        match event:
            case Stored():
                self.sent += 1
                yield h.Send(self.sent, event.account, event.body)
                yield h.Ok(self.sent, seq=event.seq)
            case Asked():
                yield h.Recv(event.id, event.account, PHONE, event.seq_cli)
            case Posted():
                yield h.Send(event.id, event.account, event.body, PHONE, event.client_id)
            case Served():
                self.served[event.id] = event.reply
            case Arrived(late=False):
                yield _answer(event.id, self.served.pop(event.id), delivered=True)
            case Arrived():
                yield h.Delivered(event.id)
            case Lost():
                reply = self.served.get(event.id)
                lost = reply is None or isinstance(reply, Refusal)
                yield h.Refused(h.Code.UNREACHABLE, event.id) if lost else _answer(event.id, reply, delivered=False)
            case Marks():
                if self.seen.get(event.account, 0) != event.seq_cli:  # only what changed is worth a line
                    self.seen[event.account] = event.seq_cli
                    yield h.Note(f"phone {PHONE}'s durable seq_cli is {event.seq_cli}", event.account)
            case Tipped():
                yield h.Tips((h.Tip(event.account, PHONE),), (event.account,))
            case Scenario() | Holds():
                return
            case _:
                yield h.Note(words(event), str(getattr(event, "account", "")))


def _answer(number: int, reply: Reply | None, *, delivered: bool) -> h.Event:
    match reply:
        case Rows():
            return h.Ok(
                number, rows=reply.rows, more=reply.more, upto=reply.upto, epoch=reply.epoch, delivered=delivered
            )
        case Refusal():
            return h.Refused(reply.code, number, reply.seq_svr)
        case Accepted():
            return h.Ok(number, seq=reply.seq, delivered=delivered)
        case None:
            return h.Refused(h.Code.UNREACHABLE, number)


def words(event: Event) -> str:
    """What befell the phone, for people."""
    match event:
        case Restored():
            return f"the server is restored from a backup: epoch {event.epoch}, seq_svr {event.seq_svr}"
        case Confirmed():
            return f"phone {OTHER} holds everything up to {event.seq_cli}, and says so"
        case Started():
            return f"phone {PHONE} starts" + (" again on its store" if event.again else f", account {event.account}")
        case Killed():
            return f"phone {PHONE} is killed"
        case LoggedIn():
            return f"account {event.account} logs in on phone {PHONE}"
        case Tipped():
            return f"a tip reaches phone {PHONE}"
        case Elapsed():
            return f"{event.ms / 1000:g} s pass"
        case Connected():
            return f"phone {PHONE} is connected" if event.up else f"phone {PHONE}'s connection breaks"
        case Pulled():
            return f"the user of phone {PHONE} asks for news"
        case Said():
            return f"the user of phone {PHONE} sends {event.body!r}"
        case Rested():
            return "nothing but tips was lost for long; all that is due must have arrived"
        case _:
            return type(event).__name__.lower()
