"""A scenario: explicit steps to take with a server, the network and the phones. Data, with no hidden randomness.

Phones ask with what they hold, so a scenario fits any page size and any preset; only ``seq_cli`` of a recv is a literal
(R(n)). Names are local: "x" is the first account of this run, whatever it is called on the server. In the short
notation of a trace a step is a letter or two:

    s  s*3   send, send three                  resend   the last send again; resend(2): the last but one
    A        phone A asks, the reply arrives   A?       ... its request is lost      Ax  ... its reply is lost
    A>r A    a request (or A<r: a reply) called r is under way, the phone asks again
    r        what is under way arrives         r.       ... and stays under way as well: a duplicate
    r<p      a request arrives, its reply is under way, called p
    s1[ ]s1  a send begins, called s1; it ends A1[ ]A1  the same of a recv; in between, other steps overlap it
    s/? s/x s/h   its connection is cut in the request, in the reply, half closed; s/x9: after 9 bytes have passed
    s1[s/d   ... and its reply is delayed on the wire: it comes only at ]s1
    s1{      ... a send that is held half-way: it has begun, and goes on to its end only at ]s1
    F        a phone that was never seen asks  R(5)     a recv with the literal seq_cli 5
    A*       phone A asks until nothing is due !        kill and restart
    s!       killed right after the answer     s!?      killed while the request is under way
    !s       killed just before it, started again after
    ~        the next store is made to fail    s"b"     a send with the body b; s[9]: a body 9 long
    trim     the account is trimmed            preset(n) preset(top-n)   it starts at seq_svr n, or n below the top
    y:s      a step on account y               t        a send by another sender, t
    backup   the whole store is backed up      restore  it is taken back to that, and the server started on it
    raw(-1)  a recv with the text -1, or any other, in the place of seq_cli
    +A  -A   phone A logs in: its connection is the account's route; it logs out    tips  all tips so far are taken

Source: docs/formats.md, docs/scenarios.md.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec


class Lost(StrEnum):
    """What the network loses of one request and its reply.

    The first two are exact, and the same for every target. The others spoil a real connection, once ``after`` bytes of
    the request, or of the reply, have passed. Of one that breaks the adapter must make what it is, a request with no
    answer; one whose reply is held waits for it.
    """

    NOTHING = "nothing"
    REQUEST = "request"
    REPLY = "reply"
    CUT_REQUEST = "cut_request"  # the connection is cut in the request
    CUT_REPLY = "cut_reply"  # ... in the reply
    HALF_CLOSE = "half_close"  # the server's side of the connection is closed in the reply
    HOLD_REPLY = "hold_reply"  # the reply is delayed until the request's end step; only of a request that begins


ON_THE_WIRE = frozenset({Lost.CUT_REQUEST, Lost.CUT_REPLY, Lost.HALF_CLOSE})


class Moment(StrEnum):
    """When the server is killed, around one request; it is started again before the next step."""

    NEVER = "never"
    BEFORE = "before"  # the request meets a server that is gone
    DURING = "during"  # the request is under way
    AFTER = "after"  # the answer has just come; nothing else happens in between


class _Step(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="do", tag=str.lower):
    pass


class Send(_Step, frozen=True):
    """Send ``count`` messages one after another. ``body`` "" stands for a body never used before.

    ``after``: how many bytes pass before a connection breaks.

    ``repeat``: an earlier send of the account goes out again, with its sender, client id and body: the last one, or
    with ``age`` n the n-th last. Each sender counts its own client ids, so that two senders use the same ones.
    """

    account: str = "x"
    sender: str = "s"
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    body: str = ""
    repeat: bool = False
    age: Annotated[int, msgspec.Meta(ge=1)] = 1
    lose: Lost = Lost.NOTHING
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    kill: Moment = Moment.NEVER


class Recv(_Step, frozen=True):
    """A phone asks with what it holds, or with the literal ``seq_cli``. ``fresh``: the phone is one never seen before.

    ``hold``: a name for the reply, which stays under way until a ``deliver`` step.
    ``after``: how many bytes pass before a connection breaks.
    """

    phone: str = "A"
    account: str = "x"
    seq_cli: int | None = None
    fresh: bool = False
    lose: Lost = Lost.NOTHING
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    hold: str = ""
    kill: Moment = Moment.NEVER


class RecvRaw(_Step, frozen=True):
    """A request with the text ``raw`` where seq_cli should be: -1, 1.5, null, "abc". The phone heeds no reply."""

    raw: str
    phone: str = "R"
    account: str = "x"


class Drain(_Step, frozen=True):
    """A phone asks until it gets an empty reply: every page, and one more request to acknowledge the last."""

    phone: str = "A"
    account: str = "x"


class Ask(_Step, frozen=True):
    """A phone's request leaves and stays under way under the name ``request``."""

    request: str
    phone: str = "A"
    account: str = "x"


class Arrive(_Step, frozen=True):
    """The request ``request`` reaches the server, late. ``keep``: it stays under way too, and can arrive again.

    ``hold``: a name for the reply, which stays under way until a ``deliver`` step.
    """

    request: str
    lose: Lost = Lost.NOTHING
    keep: bool = False
    hold: str = ""


class Deliver(_Step, frozen=True):
    """The reply ``reply`` reaches its phone, late. ``keep``: it can arrive again."""

    reply: str
    keep: bool = False


class Begin(_Step, frozen=True):
    """A request begins, under a name, and is under way until the step ``end`` of that name.

    ``held``: a send that the server holds half-way, between its begin and its commit, so that the schedule is exact.
    Not held, the request runs beside the steps that follow, at the server's own pace.
    """

    request: str
    what: Send | Recv = Send()
    held: bool = False


class End(_Step, frozen=True):
    """The answer of the request ``request`` is waited for and taken."""

    request: str


class Kill(_Step, frozen=True):
    """SIGKILL of the server's whole process tree, then a restart on the same store."""


class Backup(_Step, frozen=True):
    """Back up the server's whole store."""


class Restore(_Step, frozen=True):
    """Take the whole store back to the scenario's last backup; without one nothing is done."""


class Preset(_Step, frozen=True):
    """Set an account, still empty, to seq_svr = ``seq``, or to ``below_top`` less than the profile's seq_max."""

    seq: int = 0
    below_top: int | None = None
    account: str = "x"


class Trim(_Step, frozen=True):
    """Tell the server to drop what it may drop of the account."""

    account: str = "x"


class FailStore(_Step, frozen=True):
    """Make the server's next store fail, once."""


class Login(_Step, frozen=True):
    """A phone opens its long connection, which is then the account's current route."""

    phone: str = "A"
    account: str = "x"


class Logout(_Step, frozen=True):
    """The phone's long connection is closed, if it is up; another phone may have logged in since."""

    phone: str = "A"
    account: str = "x"


class Tips(_Step, frozen=True):
    """The server comes to rest, and all tips that it has sent since the last such step are taken."""


Step = (
    Send
    | Recv
    | RecvRaw
    | Drain
    | Ask
    | Arrive
    | Deliver
    | Begin
    | End
    | Kill
    | Backup
    | Restore
    | Preset
    | Trim
    | FailStore
    | Login
    | Logout
    | Tips
)

NEEDS: dict[type, str] = {
    Kill: "kill",
    Preset: "preset_seq",
    Trim: "trim",
    FailStore: "fail_next_store",
    Login: "tips",
    Logout: "tips",
    Tips: "tips",
    Backup: "backup",
    Restore: "backup",
    RecvRaw: "recv_raw",
}


def needs(step: Step) -> set[str]:
    """The capabilities without which a step cannot be taken."""
    found = {NEEDS[type(step)]} if type(step) in NEEDS else set[str]()
    if isinstance(step, Send | Recv | Arrive) and step.lose in {*ON_THE_WIRE, Lost.HOLD_REPLY}:
        found.add("wire")
    if isinstance(step, Begin):
        found |= {"begin_send" if step.held else "overlap"} | needs(step.what)
    if isinstance(step, Send | Recv) and step.kill is not Moment.NEVER:
        found |= {"kill", "overlap"} if step.kill is Moment.DURING else {"kill"}
    return found


class ScenarioError(ValueError):
    """A file that is no scenario; the text is one line."""


class Scenario(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Named steps, and the requirements that they are there to observe. ``text`` is for people."""

    name: str
    steps: tuple[Step, ...]
    title: str = ""
    text: str = ""
    observes: tuple[str, ...] = ()
    seed: int | None = None
    seqproof: str = "scenario/1"

    @property
    def needs(self) -> frozenset[str]:
        """The capabilities without which these steps cannot be taken."""
        return frozenset(need for step in self.steps for need in needs(step))

    def notation(self) -> str:
        """The whole trace on one line."""
        return " ".join(notation(step) for step in self.steps)


def _recv(step: Recv) -> str:
    name = "F" if step.fresh else step.phone
    if step.seq_cli is not None:
        name = f"R({step.seq_cli})" if name == "A" else f"{name}({step.seq_cli})"
    if step.hold:
        name = f"{name}<{step.hold}"
    return name + _lost(step)


MARKS = {
    Lost.NOTHING: "",
    Lost.REQUEST: "?",
    Lost.REPLY: "x",
    Lost.CUT_REQUEST: "/?",
    Lost.CUT_REPLY: "/x",
    Lost.HALF_CLOSE: "/h",
    Lost.HOLD_REPLY: "/d",
}


def _lost(step: Send | Recv) -> str:
    return MARKS[step.lose] + (str(step.after) if step.after else "")


def _killed(text: str, moment: Moment) -> str:
    marks = {Moment.NEVER: "{}", Moment.BEFORE: "!{}", Moment.DURING: "{}!?", Moment.AFTER: "{}!"}
    return marks[moment].format(text)


def _begun(step: Begin) -> str:
    """The name says what it is, where it is a plain request; else the request stands behind it."""
    plain, bracket = notation(step.what), "{" if step.held else "["
    named = step.request.rstrip("0123456789") == plain
    return f"{step.request}{bracket}" + ("" if named else plain)


def _send(step: Send) -> str:
    mark = _lost(step)
    if step.body:
        mark += f'"{step.body}"' if len(step.body) <= 8 else f"[{len(step.body)}]"  # a body of that many characters
    resend = "resend" if step.age == 1 else f"resend({step.age})"
    return (resend if step.repeat else step.sender) + mark + (f"*{step.count}" if step.count > 1 else "")


def notation(step: Step) -> str:
    """Write one step in the short notation.

    >>> [notation(s) for s in (Send(), Recv(lose=Lost.REPLY), Kill(), Recv(fresh=True), Send(account="y"))]
    ['s', 'Ax', '!', 'F', 'y:s']
    >>> [notation(s) for s in (Begin("s1"), Begin("q", Recv(phone="B")), End("s1"), Send(kill=Moment.AFTER))]
    ['s1[', 'q[B', ']s1', 's!']
    """
    match step:
        case Send():
            text = _killed(_send(step), step.kill)
        case Recv():
            text = _killed(_recv(step), step.kill)
        case Begin():
            text = _begun(step)
        case End():
            text = f"]{step.request}"
        case RecvRaw():
            text = f"raw({step.raw})"
        case Drain():
            text = f"{step.phone}*"
        case Ask():
            text = f"{step.phone}>{step.request}"
        case Arrive():
            text = step.request + ("x" if step.lose is Lost.REPLY else "") + ("." if step.keep else "")
            text += f"<{step.hold}" if step.hold else ""
        case Deliver():
            text = step.reply + ("." if step.keep else "")
        case Kill():
            text = "!"
        case Preset():
            text = f"preset({step.seq if step.below_top is None else f'top-{step.below_top}'})"
        case Trim():
            text = "trim"
        case FailStore():
            text = "~"
        case Login():
            text = f"+{step.phone}"
        case Logout():
            text = f"-{step.phone}"
        case Backup():
            text = "backup"
        case Restore():
            text = "restore"
        case Tips():
            text = "tips"
    account = getattr(step, "account", "x")
    return text if account == "x" else f"{account}:{text}"


def encode(scenario: Scenario) -> bytes:
    """Write a scenario as JSON that a person reads: one step a line."""
    plain = {"seqproof": scenario.seqproof, **msgspec.to_builtins(scenario)}
    steps = plain.pop("steps")
    head = [
        f"  {msgspec.json.encode(key).decode()}: {msgspec.json.encode(value).decode()}," for key, value in plain.items()
    ]
    body = ",\n".join("    " + msgspec.json.encode(step).decode() for step in steps)
    return ("{\n" + "\n".join(head) + '\n  "steps": [\n' + body + "\n  ]\n}\n").encode()


def read(path: Path | str | os.PathLike[str]) -> Scenario:
    """Read a scenario file. Raises ScenarioError, one line that names the place."""
    try:
        return decode(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise ScenarioError(f"cannot read the scenario {path}: {error.strerror}") from None


def decode(text: bytes, where: str = "scenario") -> Scenario:
    """Read a scenario from its JSON. Raises ScenarioError."""
    try:
        scenario = msgspec.json.decode(text, type=Scenario, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{where} is not a seqproof scenario: {error}") from None
    if scenario.seqproof != "scenario/1":
        raise ScenarioError(f"{where} is {scenario.seqproof!r}; this seqproof reads scenario/1")
    for step in scenario.steps:
        if isinstance(step, Begin) and step.what != plain(step.what):
            raise ScenarioError(
                f"{where}: begin {step.request}: it begins one plain request; no count, hold, kill, cut"
            )
        if isinstance(step, Send | Recv | Arrive) and step.lose is Lost.HOLD_REPLY:
            raise ScenarioError(f"{where}: {notation(step)}: only a request of a begin step can have its reply delayed")
    return scenario


def plain(what: Send | Recv) -> Send | Recv:
    """The request as one that can begin and end: one message, its reply not held, no kill or broken wire of its own."""
    lose = Lost.REPLY if what.lose in ON_THE_WIRE else what.lose
    if isinstance(what, Send):
        return msgspec.structs.replace(what, count=1, kill=Moment.NEVER, lose=lose)
    return msgspec.structs.replace(what, hold="", kill=Moment.NEVER, lose=lose)
