"""What the kit asks of a target: an adapter, the one thing between the runner and a server.

The conversation, and who is to blame when it breaks:

    hello                  what can you do?            an answer that is no Hello: the adapter's fault
    reset(account)         make it fresh
    send, recv             one request, one answer     Ok | Refused | Indefinite
    kill, preset_seq, ...  only if declared in hello
    begin_send, commit_send  a send in two calls, so that a schedule can put other requests in between
    login, logout, tips    phones' long connections, and what was pushed to them; the phones themselves the kit plays
    close                  leave nothing behind

An answer is the ending event of a history without its id. *Refused* is definite: it surely did not happen. When in
doubt an adapter answers *Indefinite*: a wrong Refused lets a fault hide, or fails a correct server. With the capability
``overlap`` send and recv are called from several threads at once, and kill while they run. An adapter never retries,
and its client's own retries are off. It raises ``TargetError`` when it cannot speak to its server at all: that is the
environment's fault and no verdict on the server. It bounds its own waits: a call that never returns is never
interrupted.
Source: docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast, runtime_checkable

import msgspec

from seqproof_model.hello import Capability, Hello
from seqproof_model.history import Answer, Indefinite, Ok, Refused, Tip, encode
from seqproof_model.requirements import REQUIREMENTS

__all__ = [
    "Adapter",
    "AdapterFault",
    "Backups",
    "BeginsSend",
    "Bounds",
    "Capability",
    "FailsStore",
    "Hello",
    "Kills",
    "Presets",
    "RecvsRaw",
    "Talks",
    "TargetError",
    "Tip",
    "Tips",
    "Trims",
    "checked",
    "greeted",
]


class TargetError(Exception):
    """The target cannot be used: one line that says what is wrong and the mend. Not a verdict on the server."""


class AdapterFault(TargetError):  # noqa: N818 - it says whose fault it is
    """The adapter broke the contract of this module: what it did, in one line."""


@runtime_checkable
class Adapter(Protocol):
    """What every target can do."""

    def hello(self) -> Hello:
        """Say what the target is and can do. Starts its server if it has one. Raises TargetError."""
        ...

    def reset(self, account: str) -> None:
        """Make the account fresh: no message, no mark. Raises TargetError."""
        ...

    def send(self, account: str, sender: str, client_id: str, body: str) -> Answer:
        """Put a message into the account's inbox. Ok.seq where the server tells it."""
        ...

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask "what is after seq_cli?". Ok.rows, ascending, and more, upto, epoch where the server tells them."""
        ...

    def close(self) -> None:
        """End everything the target started. May be called twice."""
        ...


@runtime_checkable
class Kills(Protocol):
    """Capability ``kill``."""

    def kill(self) -> None:
        """SIGKILL the server's whole process tree and wait until it is gone."""
        ...

    def restart(self) -> None:
        """Start it again on the same store and wait until it answers. Raises TargetError."""
        ...


@runtime_checkable
class Presets(Protocol):
    """Capability ``preset_seq``."""

    def preset_seq(self, account: str, seq: int) -> None:
        """Set seq_svr of an empty account."""
        ...


@runtime_checkable
class Trims(Protocol):
    """Capability ``trim``."""

    def trim(self, account: str) -> None:
        """Tell the server to drop what it may drop of the account."""
        ...


@runtime_checkable
class FailsStore(Protocol):
    """Capability ``fail_next_store``."""

    def fail_next_store(self) -> None:
        """Make the next store of a message fail, once."""
        ...


@runtime_checkable
class BeginsSend(Protocol):
    """Capability ``begin_send``."""

    def begin_send(self, account: str, sender: str, client_id: str, body: str) -> object:
        """Begin a send and stop half-way, where a slow server would. Returns what ``commit_send`` needs."""
        ...

    def commit_send(self, begun: object) -> Answer:
        """Let a send go on to its end. Answers as ``send`` does."""
        ...


@runtime_checkable
class Backups(Protocol):
    """Capability ``backup``."""

    def backup(self) -> None:
        """Back up the server's whole store, as an operator would. One backup is kept, the last."""
        ...

    def restore(self) -> None:
        """Take the whole store back to the last backup, start the server on it, and wait until it answers."""
        ...


@runtime_checkable
class RecvsRaw(Protocol):
    """Capability ``recv_raw``."""

    def recv_raw(self, account: str, phone: str, raw: str) -> Answer:
        """Make a recv with the text ``raw`` where seq_cli goes, as it is: -1, 1.5, null, "abc", quotes included."""
        ...


@runtime_checkable
class Tips(Protocol):
    """Capability ``tips``. A phone has one long connection at most: a second login closes the first.

    A kill of the server ends every connection. A logout of a phone whose connection is not up does nothing.
    """

    def login(self, account: str, phone: str) -> None:
        """Open the phone's long connection, which is the account's current route from now on. Raises TargetError."""
        ...

    def logout(self, account: str, phone: str) -> None:
        """Close it, and wait until the server has noticed. Another phone may have logged in since."""
        ...

    def tips(self) -> Sequence[Tip]:
        """Return all tips that were sent since the last call, to whatever phone, by connection or by the OS's push.

        Waits on the server itself until it is at rest: it owes no tip that it will still send. It never sleeps.
        """
        ...


@runtime_checkable
class Bounds(Protocol):
    """An adapter that can be told how long one request may take."""

    def bound(self, seconds: float) -> None:
        """Wait at most so long for the answer to one request. Called before ``hello``."""
        ...


@runtime_checkable
class Talks(Protocol):
    """An adapter whose server keeps a log."""

    def last_words(self) -> list[str]:
        """The last lines of the server's own log."""
        ...


NEEDED: dict[Capability, tuple[str, ...]] = {
    Capability.KILL: ("kill", "restart"),
    Capability.PRESET_SEQ: ("preset_seq",),
    Capability.TRIM: ("trim",),
    Capability.FAIL_NEXT_STORE: ("fail_next_store",),
    Capability.BEGIN_SEND: ("begin_send", "commit_send"),
    Capability.WIRE: ("fail_next_reply", "release_reply", "holds_reply"),
    Capability.BACKUP: ("backup", "restore"),
    Capability.RECV_RAW: ("recv_raw",),
    Capability.TIPS: ("login", "logout", "tips"),
}


def greeted(adapter: Adapter) -> Hello:
    """Ask the adapter who it is, and check that it can do what it declares. Raises AdapterFault, TargetError."""
    try:
        hello = cast("object", adapter.hello())
    except (TargetError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise AdapterFault(f"the adapter's hello raised {type(error).__name__}: {error}") from error
    if not isinstance(hello, Hello):
        raise AdapterFault(f"the adapter's hello returned {hello!r:.60}; it must return a Hello")
    try:
        checked = msgspec.convert(msgspec.structs.asdict(hello), Hello)
    except msgspec.ValidationError as error:
        known = ", ".join(Capability)
        raise AdapterFault(f"the adapter's hello is malformed: {error}; capabilities are {known}") from None
    for capability in sorted(checked.capabilities):
        missing = [name for name in NEEDED.get(capability, ()) if not callable(getattr(adapter, name, None))]
        if missing:
            raise AdapterFault(f"the adapter declares {capability} and has no {' and no '.join(missing)}()")
    unknown = [name for name in checked.adds if name not in REQUIREMENTS]
    if unknown:
        raise AdapterFault(f"the adapter's hello adds {', '.join(unknown)}, which is no requirement")
    return checked


def checked_tips(given: object) -> tuple[Tip, ...]:
    """What ``tips`` returned, if it is a sequence of Tips. Raises AdapterFault."""
    if not isinstance(given, list | tuple):
        raise AdapterFault(f"the adapter's tips returned {given!r:.60}; it must return a list of Tip")
    items = cast("Sequence[object]", given)
    try:
        return tuple(msgspec.convert(msgspec.structs.asdict(cast("Tip", item)), Tip) for item in items)
    except (msgspec.ValidationError, TypeError, AttributeError) as error:
        raise AdapterFault(f"the adapter's tips returned what is no Tip: {error}") from None


_NUMBER, _YES_NO, _WORD = (int, type(None)), (bool, type(None)), (str, type(None))


def checked(name: str, answer: object) -> Answer:
    """The answer to ``send``, ``recv`` or ``commit_send``, if it is one. Raises AdapterFault.

    Nearly all are plainly well formed, which is found out quickly.
    """
    if type(answer) is Ok and (answer.rows is None) == (name != "recv") and _plain(answer):
        return answer
    if not isinstance(answer, Ok | Refused | Indefinite):
        raise AdapterFault(f"the adapter's {name} returned {answer!r:.60}; it must return Ok, Refused or Indefinite")
    try:
        made = msgspec.convert(msgspec.structs.asdict(answer), type(answer))
        encode(made)
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError) as error:
        raise AdapterFault(f"the adapter's {name} returned a malformed {type(answer).__name__}: {error}") from None
    if isinstance(made, Ok) and (wrong := _of_another_kind(name, made)):
        raise AdapterFault(f"the adapter's {name} returned Ok {wrong}")
    return made


def _of_another_kind(name: str, ok: Ok) -> str:
    """What an Ok has that belongs to another request, with the mend; "" where it is right."""
    if name == "recv" and ok.rows is None:
        return "without rows; nothing due is rows=()"
    if name == "recv" and ok.seq is not None:
        return "with a seq; a seq answers a send, a recv has rows"
    if name != "recv" and ok.rows is not None:
        return "with rows; rows answer a recv, a send has a seq, or nothing"
    return "" if ok.delivered else "with delivered=False; leave it out, the kit plays losses"


def _plain(ok: Ok) -> bool:
    told = type(ok.seq) in _NUMBER and type(ok.upto) in _NUMBER and type(ok.more) in _YES_NO and ok.delivered is True
    if not told or type(ok.epoch) not in _WORD or not (ok.epoch or "").isascii():
        return False
    if ok.rows is None:
        return True
    return (
        ok.seq is None
        and type(ok.rows) is tuple
        and all(
            type(row) is tuple and len(row) == 2 and type(row[0]) is int and type(row[1]) is str and row[1].isascii()
            for row in ok.rows
        )
    )
