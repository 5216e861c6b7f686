"""The protocol over a bad network, defined once: the phones, the channels and the crashes around the server's rules.

**Theory of operation.** One account has a server and some phones. Between them are *channels*: sets of packets under
way, one of requests and one of replies for each phone. A channel keeps no order. The network may lose any packet and,
where the scope allows it, deliver one and keep it as well.

A phone *asks* with the seq_cli it has. When a reply reaches it, it holds the reply's messages and its seq_cli rises to
the last of them: that is all a phone ever does. A request that reaches the server is answered by the rules of
``rules.py``: confirm, look at the lower end, look at the upper end. In the plain scope these are one step, ``recv``; in
the scope ``overlap`` the request is *being served* meanwhile (``begin``, the three looks in any order, ``reply``),
other requests run in between, and a send takes its seq first and is decided later. The server may *crash*: its marks
are durable, what was on the way to it is lost or, in the scope ``late``, lands after the restart. It may be *restored*
from a backup: svr and confirmed go back, but what was taken stays taken, so that no seq is given out twice and phones
are ahead of the server until it catches up. Requests from nowhere may be *ahead* of it as well.

An **action** acts on the account, on at most one phone, and on at most one packet that it *takes* from a channel; it
*puts* at most one packet. That is what makes the model easy to prove for any number of phones and packets. Its guards
are named conditions, its effect a function from what it acts on to what it leaves. The server's part of both is always
the rules' own. A faulty model (``faults.py``) is this definition with one rule or one effect replaced. What must hold
is said in ``properties.py``; how channels are kept is the engines' matter.
Source: docs/protocol.md; article [1], [3.2].
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from seqproof_model.definition import Change, Definition, Effect, Function, Setting
from seqproof_model.rules import BY_NAME, Value
from seqproof_model.scope import Scope
from seqproof_model.state import Account, Channel, Open, Packet, Phone, Question, Reply, Service

# ---------------------------------------------------------------- effects: setting, account, phone, packet -> change


def _send(c: Setting, s: Account, p: Phone, _: Packet) -> Change:
    s, _seq = c.take("take", s)
    s, _none = replace(c, undecided=c.seq_max + 1).take("decide", s)
    return Change(s, p)


def _take(c: Setting, s: Account, p: Phone, _: Packet) -> Change:
    s, seq = c.take("take", s)
    return Change(s, p, Open(seq))


def _serve(c: Setting, s: Account, p: Phone, q: Question) -> Change:
    seen: dict[str, Value] = {}
    for rule in c.definition.order:
        s, seen[rule] = c.take(rule, s, q.seq_cli)
    return c.definition.effects["form"](c, s, p, Reply(seen["look_lower"], seen["look_upper"]))


def _form(c: Setting, s: Account, p: Phone, q: Reply | Service) -> Change:
    lower = c.a.maximum(q.lower, s.trimmed)
    return Change(s, p, Reply(lower, first_page(c, lower, q.upper)))


def first_page(c: Setting, lower: Value, upper: Value) -> Value:
    """The last seq of the lowest page of (lower, upper]; nothing overflows near the largest seq."""
    if c.page is None:
        return upper
    return c.a.select(upper <= lower, upper, lower + c.a.minimum(upper - lower, c.page))


def _begin(c: Setting, s: Account, p: Phone, q: Question) -> Change:
    no = c.a.no(c.a.true())
    return Change(s, p, Service(q.seq_cli, s.confirmed, no, no, 0, no, 0))


def _look(rule: str, flag: str, field_name: str = "") -> Effect:
    def effect(c: Setting, s: Account, p: Phone, q: Service) -> Change:
        s, seen = c.take(rule, s, q.seq_cli)
        return Change(s, p, q._replace(**{flag: c.a.true()}, **({field_name: seen} if field_name else {})))

    return effect


def _accept(c: Setting, s: Account, p: Phone, q: Reply) -> Change:
    return Change(s, p._replace(cli=c.a.maximum(p.cli, q.upper), got=c.a.span(p.got, q.lower, q.upper)))


def _restore(c: Setting, s: Account, p: Phone, _: Packet) -> Change:
    trimmed = c.a.minimum(s.trimmed, s.saved_confirmed)  # what was trimmed since is in the backup
    return Change(s._replace(svr=s.saved_svr, confirmed=s.saved_confirmed, trimmed=trimmed), p)


CORRECT = Definition(
    "CORRECT",
    rules=BY_NAME,
    effects={
        "send": _send,
        "take": _take,
        "decide": lambda c, s, p, _: Change(c.take("decide", s)[0], p),
        "ask": lambda _c, s, p, _: Change(s, p, Question(p.cli)),
        "serve": _serve,
        "begin": _begin,
        "confirm": _look("confirm", "has_confirmed"),
        "look_lower": _look("look_lower", "has_lower", "lower"),
        "look_upper": _look("look_upper", "has_upper", "upper"),
        "form": _form,
        "refuse": lambda c, s, p, q: Change(c.take("refuse", s, q.seq_cli)[0], p),
        "accept": _accept,
        "lose_request": lambda _c, s, p, _: Change(s, p),
        "lose_reply": lambda _c, s, p, _: Change(s, p),
        "crash": lambda c, s, p, _: Change(s._replace(up=c.a.no(c.a.true())), p),
        "restart": lambda c, s, p, _: Change(s._replace(up=c.a.true()), p),
        "backup": lambda _c, s, p, _: Change(s._replace(saved_svr=s.svr, saved_confirmed=s.confirmed), p),
        "restore": _restore,
        "trim": lambda _c, s, p, _: Change(s._replace(trimmed=s.confirmed), p),
    },
)


# ---------------------------------------------------------------- actions

CONDITIONS: dict[str, Function] = {
    "up": lambda _c, s, _p, _q: s.up,
    "down": lambda c, s, _p, _q: c.a.no(s.up),
    "space": lambda c, s, _p, _q: c.allows("take", s),
    "seq_cli not ahead": lambda c, s, _p, q: c.allows("confirm", s, q.seq_cli),
    "seq_cli ahead": lambda c, s, _p, q: c.allows("refuse", s, q.seq_cli),
    "may look": lambda c, s, _p, q: c.allows("look_lower", s, q.seq_cli) & c.allows("look_upper", s, q.seq_cli),
    "not yet confirmed": lambda c, _s, _p, q: c.a.no(q.has_confirmed),
    "lower end not yet seen": lambda c, _s, _p, q: c.a.no(q.has_lower),
    "upper end not yet seen": lambda c, _s, _p, q: c.a.no(q.has_upper),
    "all three done": lambda _c, _s, _p, q: q.has_confirmed & q.has_lower & q.has_upper,
    "none of the three done": lambda c, _s, _p, q: c.a.no(q.has_confirmed | q.has_lower | q.has_upper),
    "untrimmed": lambda _c, s, _p, _q: s.trimmed < s.confirmed,
}


@dataclass(frozen=True)
class Action:
    """One kind of step, of the account or of each phone. ``effect`` and ``guards`` are looked up by name.

    ``takes``, ``puts``: channels. ``keeps``: what is taken stays under way. ``clears``: channels emptied, of every
    phone. ``scopes``: the switches that must be on, or with a ``!`` off.
    """

    name: str
    text: str
    effect: str
    guards: tuple[str, ...] = ()
    takes: Channel | None = None
    puts: Channel | None = None
    of_phone: bool = True
    keeps: bool = False
    clears: tuple[Channel, ...] = ()
    scopes: str = ""

    def when(self, scope: Scope) -> bool:
        """Whether a scope has it."""
        return all(bool(getattr(scope, word.removeprefix("!"))) != word.startswith("!") for word in self.scopes.split())


REQUESTS, SERVING, REPLIES, SENDS, AHEAD = Channel  # in the order of their definition
RECV = ("up", "seq_cli not ahead", "may look")
# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("send", "a message is stored under the next seq", "send", ("up", "space"), of_phone=False,
           scopes="!overlap"),
    Action("take", "a send takes the next seq", "take", ("up", "space"), None, SENDS, of_phone=False,
           scopes="overlap"),
    Action("decide", "a send's message is stored", "decide", ("up",), SENDS, of_phone=False, scopes="overlap"),
    Action("ask", "a phone asks with its seq_cli", "ask", (), None, REQUESTS),
    Action("recv", "a request is answered", "serve", RECV, REQUESTS, REPLIES, scopes="!overlap"),
    Action("recv_dup", "a request is answered, and stays under way", "serve", RECV, REQUESTS, REPLIES, keeps=True,
           scopes="!overlap duplicates"),
    Action("begin", "the server begins to serve a request", "begin", ("up",), REQUESTS, SERVING, scopes="overlap"),
    Action("begin_dup", "it begins to serve a request, which stays under way", "begin", ("up",), REQUESTS, SERVING,
           keeps=True, scopes="overlap duplicates"),
    Action("confirm", "it applies seq_cli", "confirm", ("up", "not yet confirmed", "seq_cli not ahead"), SERVING,
           SERVING, scopes="overlap"),
    Action("look_lower", "it looks at the lower end", "look_lower", ("up", "lower end not yet seen", "may look"),
           SERVING, SERVING, scopes="overlap"),
    Action("look_upper", "it looks at the upper end", "look_upper", ("up", "upper end not yet seen", "may look"),
           SERVING, SERVING, scopes="overlap"),
    Action("reply", "it answers", "form", ("up", "all three done"), SERVING, REPLIES, scopes="overlap"),
    Action("refuse", "a request that is ahead is refused", "refuse", ("up", "seq_cli ahead"), REQUESTS,
           scopes="restore !overlap"),
    Action("refuse", "a request that is ahead is refused", "refuse", ("up", "seq_cli ahead", "none of the three done"),
           SERVING, scopes="restore overlap"),
    Action("ahead", "a request from nowhere, ahead of seq_svr, is refused", "refuse", ("up", "seq_cli ahead"), AHEAD,
           of_phone=False, scopes="restore"),
    Action("lose_request", "a request is lost", "lose_request", (), REQUESTS),
    Action("deliver", "a reply reaches its phone", "accept", (), REPLIES),
    Action("deliver_dup", "a reply reaches its phone, and stays under way", "accept", (), REPLIES, keeps=True,
           scopes="duplicates"),
    Action("lose_reply", "a reply is lost", "lose_reply", (), REPLIES),
    Action("trim", "what is confirmed is dropped", "trim", ("up", "untrimmed"), of_phone=False, scopes="trim"),
    Action("crash", "the server stops; what was on its way to it is lost", "crash", ("up",), of_phone=False,
           clears=(REQUESTS, SERVING), scopes="crash !late"),
    Action("crash", "the server stops; what was on its way to it may land later", "crash", ("up",), of_phone=False,
           scopes="crash late"),
    Action("restart", "the server starts again on its store", "restart", ("down",), of_phone=False, scopes="crash"),
    Action("backup", "the store is backed up", "backup", ("up",), of_phone=False, scopes="restore"),
    Action("restore", "a stopped server is restored from the backup", "restore", ("down",), of_phone=False,
           scopes="restore"),
)
# fmt: on
