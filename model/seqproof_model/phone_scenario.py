"""A scenario for a phone: what the server, the network and the user do to it, step by step. Data, no randomness.

The kit plays everything but the phone. Whatever the phone puts on the wire waits there until a step decides its fate;
the steps speak of the *oldest* request that waits, so that they fit any phone. A step that has nothing to act on does
nothing. In the short notation of a trace:

    on       the app starts, for account x     m  m*3   a message is stored, three are    m"b"  ... with the body b
    r        the oldest request is answered    rx       ... its reply is lost on the way  r?    the request is lost
    r2       the newest request is answered    late     the oldest reply that was lost arrives after all
    r!1      ... and the phone is killed in the middle of it, after 1 durable write, and started again
    tip      a tip arrives                     wait     time passes, until it must have asked again  wait(500) 0.5 s
    !        it is killed, and started again   down up  its connection breaks, is there again
    pull     its user asks for news            B        another phone of the account gets everything, and says so
    login(y) the account y logs in             say      its user sends a message
    restore  the server comes back from an older backup, in a new epoch; restore(2): which holds the first 2 messages
    y:m      a step on account y

A tip that is lost needs no step: nothing happens to the phone. Source: docs/phones.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, cast

import msgspec

from seqproof_model import scenario
from seqproof_model.phone_words import PhoneCapability
from seqproof_model.scenario import ScenarioError

FORMAT = "phone-scenario/1"
DEATHS_AT_MOST = 9


class _Step(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="do", tag=str.lower):
    pass


class Start(_Step, frozen=True):
    """The app starts for the first time, with this account logged in."""

    account: str = "x"


class Message(_Step, frozen=True):
    """``count`` messages reach the account's inbox on the server. ``body`` "": bodies never used before."""

    account: str = "x"
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    body: str = ""


class Answer(_Step, frozen=True, tag="reply"):
    """The oldest (``newest``: the newest) request that waits reaches the server, and its reply the phone.

    ``lose``: "request" or "reply" is lost on the way instead; the phone is told that the request failed.
    ``die_after``: the phone is killed meanwhile, after so many durable writes, and started again.
    """

    lose: str = ""
    newest: bool = False
    die_after: Annotated[int, msgspec.Meta(ge=0, le=DEATHS_AT_MOST)] | None = None


class Late(_Step, frozen=True):
    """The oldest reply that was lost arrives after all."""


class Tip(_Step, frozen=True):
    """A tip of the account arrives, whether or not there is anything new."""

    account: str = "x"


class Wait(_Step, frozen=True):
    """Time passes: ``ms``, or as long as the phone says it needs at most until it asks again."""

    ms: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Kill(_Step, frozen=True):
    """The phone is killed, and started again on its store."""


class Down(_Step, frozen=True):
    """Its connection breaks; what waits is lost."""


class Up(_Step, frozen=True):
    """Its connection is there again."""


class Pull(_Step, frozen=True):
    """Its user asks for news."""


class Other(_Step, frozen=True):
    """Another phone of the account gets everything, and says so."""

    account: str = "x"


class Login(_Step, frozen=True):
    """Another account logs in, in place of the one before."""

    account: str = "y"


class Say(_Step, frozen=True):
    """The phone's user sends a message. ``body`` "": one never used before."""

    body: str = ""


class Restore(_Step, frozen=True):
    """The server is restored from a backup, in a new epoch; it then holds the account's first ``keep`` messages."""

    account: str = "x"
    keep: Annotated[int, msgspec.Meta(ge=0)] = 0


Step = Start | Message | Answer | Late | Tip | Wait | Kill | Down | Up | Pull | Other | Login | Say | Restore

NEEDS: dict[type, PhoneCapability] = {
    Late: PhoneCapability.LATE,
    Tip: PhoneCapability.TIPS,
    Kill: PhoneCapability.KILL,
    Down: PhoneCapability.CONNECTION,
    Up: PhoneCapability.CONNECTION,
    Login: PhoneCapability.ACCOUNTS,
    Say: PhoneCapability.SEND,
    Restore: PhoneCapability.EPOCH,
}


class PhoneScenario(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Named steps. ``page``: at most so many rows a reply; None: all. ``tells``: what replies say besides rows.

    ``tells`` is a subset of "more", "upto", "seq_svr". A server that pages and does not tell more asks more of a phone.
    """

    name: str
    steps: tuple[Step, ...]
    title: str = ""
    text: str = ""
    observes: tuple[str, ...] = ()
    page: Annotated[int, msgspec.Meta(ge=1)] | None = None
    tells: tuple[str, ...] = ("more", "upto", "seq_svr")
    seed: int | None = None
    seqproof: str = FORMAT

    @property
    def needs(self) -> frozenset[str]:
        """The capabilities without which these steps cannot be taken."""
        found = {NEEDS[type(step)] for step in self.steps if type(step) in NEEDS}
        if any(isinstance(step, Answer) and step.die_after is not None for step in self.steps):
            found |= {PhoneCapability.KILL, PhoneCapability.KILL_AT}
        if self.page and "more" not in self.tells:
            found.add(PhoneCapability.MORE_UNTOLD)
        return frozenset(map(str, found))

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that its steps name."""
        return tuple(dict.fromkeys(str(getattr(step, "account", "x")) for step in self.steps)) or ("x",)

    def notation(self) -> str:
        """The whole trace on one line."""
        return " ".join(notation(step) for step in self.steps)


LOST = {"": "", "request": "?", "reply": "x"}
PLAIN = {Late: "late", Tip: "tip", Kill: "!", Down: "down", Up: "up", Pull: "pull", Other: "B", Start: "on"}


def notation(step: Step) -> str:
    """Write one step in the short notation.

    >>> [notation(s) for s in (Start(), Message(count=3), Answer(lose="reply"), Answer(die_after=1), Tip("y"), Wait())]
    ['on', 'm*3', 'rx', 'r!1', 'y:tip', 'wait']
    """
    match step:
        case Message():
            text = "m" + (f'"{step.body}"' if step.body else "") + (f"*{step.count}" if step.count > 1 else "")
        case Answer():
            died = "" if step.die_after is None else f"!{step.die_after}"
            text = "r" + ("2" if step.newest else "") + LOST.get(step.lose, step.lose) + died
        case Wait():
            text = "wait" if step.ms is None else f"wait({step.ms})"
        case Login():
            return f"login({step.account})"
        case Say():
            text = "say" + (f'"{step.body}"' if step.body else "")
        case Restore():
            text = "restore" + (f"({step.keep})" if step.keep else "")
        case _:
            text = PLAIN[type(step)]
    account = getattr(step, "account", "x")
    return text if account == "x" else f"{account}:{text}"


def encode(made: PhoneScenario) -> bytes:
    """Write a scenario as JSON that a person reads: one step a line."""
    return scenario.encode(cast("scenario.Scenario", made))  # it has the same shape; only the steps are others


def read(path: Path | str | os.PathLike[str]) -> PhoneScenario:
    """Read a scenario file. Raises ScenarioError, one line that names the place."""
    try:
        return decode(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise ScenarioError(f"cannot read the scenario {path}: {error.strerror}") from None


def decode(text: bytes, where: str = "scenario") -> PhoneScenario:
    """Read a scenario from its JSON. Raises ScenarioError."""
    try:
        found = msgspec.json.decode(text, type=PhoneScenario, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{where} is not a scenario for phones: {error}") from None
    if found.seqproof != FORMAT:
        raise ScenarioError(f"{where} is {found.seqproof!r}; this seqproof reads {FORMAT}")
    for step in found.steps:
        if isinstance(step, Answer) and (step.lose not in LOST or (step.lose and step.die_after is not None)):
            raise ScenarioError(f'{where}: reply: lose is "request" or "reply", and nothing dies of what it never gets')
    return found


def is_one(text: bytes) -> bool:
    """Whether a file says that it is a scenario for phones."""
    try:
        return msgspec.json.decode(text, type=_Head, strict=False).seqproof.startswith("phone-scenario/")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


class _Head(msgspec.Struct):
    seqproof: str = ""
