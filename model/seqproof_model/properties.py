"""What must hold of the model: in every state, and of every step. Every engine checks all of it.

A property of a state speaks of the account, of one phone, or of one packet; it holds when it holds of each of them. A
property of a step speaks of one action: what was before, what is after, what was taken and what was put. States alone
do not tell that a mark fell or that a reply gave something again, so both kinds are needed.

"Covered up to n" means: every message numbered n or less is held by some phone. All of safety is in the marks that are
covered: confirmed, each seq_cli, the lower end of each reply. Nothing at or below such a mark can be lost.

Each property has a **sometimes** beside it: a situation without which the property would say nothing. An exploration in
which it never occurs is inconclusive, not a pass. ``when`` says in which scopes it can occur at all.
The state properties together are inductive: the prover needs no others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from seqproof_model.definition import Setting
from seqproof_model.network import Action, first_page
from seqproof_model.rules import Value
from seqproof_model.scope import Scope
from seqproof_model.state import Account, Channel, Phone, Question, Reply, Service


class Seen(NamedTuple):
    """A state, as a property sees it. ``held``: the seqs that some phone holds."""

    c: Setting
    account: Account
    held: Value
    phone: Phone
    packet: Any  # of the channel that the property is about

    def covered(self, n: Value) -> Value:
        """Every message <= n is held by some phone."""
        return self.c.a.covers(self.held, n)


class Step(NamedTuple):
    """A step, as a property sees it. ``taken`` and ``put``: the packets, None where the action has none."""

    c: Setting
    action: Action
    before: Account
    after: Account
    phone: Phone
    phone_after: Phone
    taken: Any
    put: Any


Condition = Callable[[Seen], Value]


@dataclass(frozen=True)
class Always:
    """A property of every state. ``of``: what it speaks of: the account, each phone, or each packet of a channel.

    ``occurs``: its sometimes, of the same noun; ``may_occur``: the scopes in which that can happen.
    """

    name: str
    of: type[Account | Phone] | Channel
    ids: tuple[str, ...]
    text: str
    holds: Condition
    sometimes: str
    occurs: Condition
    when: Callable[[Scope], bool] = lambda _: True
    may_occur: Callable[[Scope], bool] = lambda _: True


@dataclass(frozen=True)
class OfStep:
    """A property of every step; ``applies`` picks the actions that it speaks of."""

    name: str
    ids: tuple[str, ...]
    text: str
    applies: Callable[[Action], bool]
    holds: Callable[[Step], Value]
    sometimes: str
    occurs: Callable[[Step], Value]
    when: Callable[[Scope], bool] = lambda _: True
    may_occur: Callable[[Scope], bool] = lambda _: True


# ---------------------------------------------------------------- of a state


def _several(scope: Scope) -> bool:
    """A late request can meet a mark that another one has raised."""
    return scope.phones > 1 or scope.slots > 1


def _undisturbed(scope: Scope) -> bool:
    """No restore falls between the looks of one request; of marks that went back meanwhile nothing is claimed."""
    return not (scope.overlap and scope.restore)


def _kept(scope: Scope) -> bool:
    """No restore takes anything from the store."""
    return not scope.restore


def _apart(scope: Scope) -> bool:
    """What is taken need not be there."""
    return scope.restore or scope.overlap


def _full(x: Seen) -> Value:
    """A send is refused for want of space exactly where there is none, and the refusal changes nothing."""
    before, allowed, full = x.account, x.c.allows("exhausted", x.account), x.c.seq_max <= x.account.taken
    after, _ = x.c.take("exhausted", before)
    same = _same(x.c, before.svr, after.svr) & _same(x.c, before.taken, after.taken)
    same = same & _same(x.c, before.confirmed, after.confirmed)
    return _implied(x, allowed, full) & _implied(x, full, allowed & same)


def _same(c: Setting, before: Value, after: Value) -> Value:
    return c.a.true() if before is after else (before <= after) & (after <= before)


def _implied(x: Seen, condition: Value, conclusion: Value) -> Value:
    return x.c.a.no(condition) | conclusion


REQUESTS, SERVING, REPLIES, SENDS, _AHEAD = Channel  # in the order of their definition

# fmt: off
STATE_PROPERTIES: tuple[Always, ...] = (
    Always("confirmed <= svr", Account, ("I-BOUND", "RCV-6"), "nothing is confirmed that is not there",
        lambda x: x.account.confirmed <= x.account.svr,
        "everything is confirmed", lambda x: (x.account.confirmed > 0) & (x.account.svr <= x.account.confirmed),
    ),
    Always("svr <= taken <= seq_max", Account, ("I-BOUND", "SEQ-1"), "nothing is there that no send has taken",
        lambda x: (x.account.svr <= x.account.taken) & (x.account.taken <= x.c.seq_max),
        "everything is there, and the space is used up", lambda x: x.c.seq_max <= x.account.svr,
    ),
    Always("confirmed is covered", Account, ("I-LOSS", "CNF-3"), "what is confirmed is held by some phone",
        lambda x: x.covered(x.account.confirmed),
        "something is confirmed and something is not",
        lambda x: (x.account.confirmed > 0) & (x.account.confirmed < x.account.svr),
        may_occur=lambda scope: scope.messages > 1,
    ),
    Always("send while there is space", Account, ("SEQ-6", "SEQ-1"), "no send is refused while there is space",
        lambda x: _implied(x, x.account.taken < x.c.seq_max, x.c.allows("take", x.account)),
        "the space is used up", lambda x: x.c.seq_max <= x.account.taken,
    ),
    Always("a full space refuses sends", Account, ("SEQ-6",), "it does so exactly when it is full, and changes nothing",
        _full,
        "the space is full", lambda x: x.c.seq_max <= x.account.taken,
    ),
    Always("a send can be decided", Account, ("SND-1", "SEQ-6"), "nothing keeps a send from being stored",
        lambda x: x.c.allows("decide", x.account),
        "a message is stored", lambda x: x.account.svr > 0,
    ),
    Always("trimmed <= confirmed", Account, ("CNF-7", "I-LOSS"), "nothing unconfirmed is dropped",
        lambda x: x.account.trimmed <= x.account.confirmed,
        "something is dropped", lambda x: x.account.trimmed > 0, when=lambda scope: scope.trim,
    ),
    Always("the backup is sound", Account, ("SEQ-3",), "the saved marks are in order, the saved confirmed is covered",
        lambda x: (x.account.saved_confirmed <= x.account.saved_svr) & (x.account.saved_svr <= x.account.taken)
        & x.covered(x.account.saved_confirmed),
        "a backup holds something confirmed", lambda x: x.account.saved_confirmed > 0,
        when=lambda scope: scope.restore,
    ),
    Always("svr < open", SENDS, ("I-CLOSED", "SEQ-4"), "what is there ends below every send that is still open",
        lambda x: (x.c.a.maximum(x.account.svr, x.account.saved_svr) < x.packet.seq)
        & (x.packet.seq <= x.account.taken),
        "a send is open and a later one has its seq", lambda x: x.packet.seq < x.account.taken,
        when=lambda scope: scope.overlap, may_occur=lambda scope: scope.slots > 1 and scope.messages > 1,
    ),
    Always("cli <= taken", Phone, ("DEV-3", "I-BOUND"), "no phone is ahead of what was ever given out",
        lambda x: x.phone.cli <= x.account.taken,
        "a phone has everything", lambda x: (x.phone.cli > 0) & (x.account.taken <= x.phone.cli),
        when=_apart,
    ),
    Always("cli <= svr", Phone, ("DEV-3", "SEQ-4"), "no phone is ahead of what is there",
        lambda x: x.phone.cli <= x.account.svr,
        "a phone has everything", lambda x: (x.phone.cli > 0) & (x.account.svr <= x.phone.cli),
        when=_kept,
    ),
    Always("cli is covered", Phone, ("I-LOSS", "DEV-2"), "what a phone's seq_cli says is held by some phone",
        lambda x: x.covered(x.phone.cli),
        "a phone skips what another one holds",
        lambda x: x.c.a.no(x.c.a.covers(x.phone.got, x.phone.cli)), may_occur=lambda scope: scope.phones > 1,
    ),
    Always("request <= cli", REQUESTS, ("DEV-3",), "a request says no more than its phone's seq_cli",
        lambda x: x.packet.seq_cli <= x.phone.cli,
        "a request is older than its phone's seq_cli", lambda x: x.packet.seq_cli < x.phone.cli,
    ),
    Always("recv is served", REQUESTS, ("RCV-5", "SEQ-6"), "a request that is not ahead is answered, full space or not",
        lambda x: _implied(
            x, x.packet.seq_cli <= x.account.svr,
            x.c.allows("confirm", x.account, x.packet.seq_cli) & x.c.allows("look_lower", x.account, x.packet.seq_cli)
            & x.c.allows("look_upper", x.account, x.packet.seq_cli),
        ),
        "a request comes when the space is used up", lambda x: x.c.seq_max <= x.account.svr,
    ),
    Always("reply begins covered", REPLIES, ("I-LOSS", "RCV-1"), "what a reply leaves out below is held by some phone",
        lambda x: x.covered(x.packet.lower),
        "a reply begins above the first message", lambda x: x.packet.lower > 0,
    ),
    Always("reply <= taken", REPLIES, ("I-BOUND", "RCV-1"), "a reply ends within what was given out",
        lambda x: x.packet.upper <= x.account.taken,
        "a reply is older than seq_svr", lambda x: x.packet.upper < x.account.svr,
        when=_apart,
    ),
    Always("reply <= svr", REPLIES, ("SEQ-4", "I-CLOSED", "RCV-1"), "a reply ends within what is there",
        lambda x: x.packet.upper <= x.account.svr,
        "a reply is older than seq_svr", lambda x: x.packet.upper < x.account.svr,
        when=_kept,
    ),
    Always("reply is in order", REPLIES, ("RCV-1",), "a reply begins no higher than it ends",
        lambda x: x.packet.lower <= x.packet.upper,
        "a reply holds messages", lambda x: x.packet.lower < x.packet.upper, when=lambda scope: not scope.overlap,
    ),
    Always("served request <= cli", SERVING, ("DEV-3",), "a request being served says no more than its phone's seq_cli",
        lambda x: x.packet.seq_cli <= x.phone.cli,
        "it is older than its phone's seq_cli", lambda x: x.packet.seq_cli < x.phone.cli,
        when=lambda scope: scope.overlap,
    ),
    Always("served lower is covered", SERVING, ("I-LOSS", "RCV-1"), "its lower end is covered, and at least seq_cli",
        lambda x: _implied(x, x.packet.has_lower, x.covered(x.packet.lower) & (x.packet.seq_cli <= x.packet.lower)),
        "it has seen a lower end above its seq_cli", lambda x: x.packet.has_lower & (x.packet.seq_cli < x.packet.lower),
        when=lambda scope: scope.overlap, may_occur=_several,
    ),
    Always("served upper <= taken", SERVING, ("I-BOUND",), "the upper end seen is within what was given out",
        lambda x: _implied(x, x.packet.has_upper, x.packet.upper <= x.account.taken),
        "the upper end seen is old", lambda x: x.packet.has_upper & (x.packet.upper < x.account.svr),
        when=lambda scope: scope.overlap,
    ),
    Always("served upper <= svr", SERVING, ("SEQ-4", "I-CLOSED"), "the upper end seen is within what is there",
        lambda x: _implied(x, x.packet.has_upper, x.packet.upper <= x.account.svr),
        "the upper end seen is old", lambda x: x.packet.has_upper & (x.packet.upper < x.account.svr),
        when=lambda scope: scope.overlap and _kept(scope),
    ),
    Always("served lower is up to date", SERVING, ("CNF-5", "CNF-2"),
        "it is at least what was confirmed at the start, at most what is now",
        lambda x: (x.packet.floor <= x.account.confirmed)
        & _implied(x, x.packet.has_confirmed, x.packet.seq_cli <= x.account.confirmed)
        & _implied(x, x.packet.has_lower, (x.packet.floor <= x.packet.lower)
                   & (x.packet.lower <= x.c.a.maximum(x.account.confirmed, x.packet.seq_cli))),
        "something is confirmed while it is served", lambda x: x.packet.floor < x.account.confirmed,
        when=lambda scope: scope.overlap and not scope.restore,
    ),
)
# fmt: on


# ---------------------------------------------------------------- of a step


def _rises(x: Step, before: Value, after: Value) -> Value:
    return x.c.a.true() if before is after else before <= after


def _moves(x: Step, before: Value, after: Value, most: Value) -> Value:
    return x.c.a.true() if before is after else after <= most


def _anything(_action: Action) -> bool:
    return True


def _raises_confirmed(x: Step) -> Value:
    """``confirmed`` may rise to the seq_cli of a recv that is not ahead, and by nothing else."""
    a, before = x.c.a, x.before.confirmed
    most = (
        a.maximum(before, x.taken.seq_cli) if isinstance(x.taken, Question | Service) and _serves(x.action) else before
    )
    return _moves(x, before, x.after.confirmed, most)


def _serves(action: Action) -> bool:
    return action.effect in ("serve", "confirm")


def _replies(action: Action) -> bool:
    return action.puts is Channel.REPLIES


def _one_by_one(x: Step) -> Value:
    before, after = x.before.taken, x.after.taken
    if x.action.effect in ("send", "take"):
        return (before < after) & (after - before <= 1)
    return (before <= after) & (after <= before) if before is not after else x.c.a.true()


def _adopted(x: Step) -> Value:
    """The most that this action may make of a seq_cli."""
    return (
        x.c.a.maximum(x.phone.cli, x.taken.upper)
        if isinstance(x.taken, Reply) and x.action.effect == "accept"
        else x.phone.cli
    )


def _brings_nothing(x: Step) -> Value:
    return x.phone_after.cli <= x.phone.cli if x.action.effect == "accept" else x.c.a.no(x.c.a.true())


def _floor(x: Step) -> Value:
    """What was confirmed when the request began."""
    return x.taken.floor if isinstance(x.taken, Service) else x.before.confirmed


def _end(x: Step) -> Value:
    """Where a reply, or a look at the upper end, must reach."""
    if x.action.effect == "look_upper":
        return x.after.svr
    return first_page(x.c, x.put.lower, x.taken.upper if isinstance(x.taken, Service) else x.after.svr)


def _unrestored(action: Action) -> bool:
    return action.name != "restore"


def _ahead(action: Action) -> bool:
    return action.effect == "refuse"


def _of_phone(action: Action) -> bool:
    return action.of_phone


def _decides(action: Action) -> bool:
    return action.effect in ("send", "decide")


def _first_open(x: Step) -> Value:
    """The seq before the first send that is still open; the last one taken, where none is."""
    taken = x.after.taken
    return x.c.a.minimum(taken, x.c.undecided - 1) if x.action.effect == "decide" else taken


def _ends_with_last(x: Step) -> Value:
    if x.action.effect == "look_upper":
        return x.put.upper > 0
    return (x.put.lower < x.put.upper) & (x.after.svr <= x.put.upper)


def _reads_end(action: Action) -> bool:
    return _replies(action) or action.effect == "look_upper"


# fmt: off
STEP_PROPERTIES: tuple[OfStep, ...] = (
    OfStep("svr never falls", ("SEQ-5", "SEQ-4"), "what is there stays there", _unrestored,
        lambda x: _rises(x, x.before.svr, x.after.svr),
        "a message comes", lambda x: x.before.svr < x.after.svr,
    ),
    OfStep("confirmed never falls", ("CNF-2", "CNF-4", "I-MONO"), "what is confirmed stays confirmed", _unrestored,
        lambda x: _rises(x, x.before.confirmed, x.after.confirmed),
        "a recv confirms", lambda x: x.before.confirmed < x.after.confirmed,
    ),
    OfStep("seqs are taken one by one", ("SEQ-2", "SEQ-3", "I-CONTIG", "I-UNIQ"),
        "each send takes the next seq, only sends do",
        _anything,
        _one_by_one,
        "a send takes a seq", lambda x: x.before.taken < x.after.taken,
    ),
    OfStep("cli never falls", ("DEV-3", "DEV-4"), "no late reply lowers a seq_cli", _of_phone,
        lambda x: _rises(x, x.phone.cli, x.phone_after.cli),
        "a phone gets messages", lambda x: x.phone.cli < x.phone_after.cli,
    ),
    OfStep("cli moves by replies alone", ("DEV-3", "DEV-2"),
        "a seq_cli rises to the end of a reply that arrived", _of_phone,
        lambda x: _moves(x, x.phone.cli, x.phone_after.cli, _adopted(x)),
        "a reply arrives that brings nothing new", _brings_nothing,
    ),
    OfStep("confirmed moves by recv alone", ("CNF-3", "RCV-6"),
        "nothing is confirmed but by the seq_cli of a recv not ahead",
        _unrestored, _raises_confirmed,
        "a recv confirms", lambda x: x.before.confirmed < x.after.confirmed,
    ),
    OfStep("a recv ahead changes nothing", ("RCV-6",), "a refused recv moves no mark", _ahead,
        lambda x: (x.after.svr <= x.before.svr) & (x.after.taken <= x.before.taken)
        & (x.after.confirmed <= x.before.confirmed),
        "a recv is ahead", lambda x: x.before.svr < x.taken.seq_cli,
        when=lambda scope: scope.restore,
    ),
    OfStep("a reply confirms what was asked", ("CNF-1",), "seq_cli is confirmed before the reply goes out", _replies,
        lambda x: x.taken.seq_cli <= x.after.confirmed,
        "a phone acknowledges", lambda x: x.taken.seq_cli > 0, when=_undisturbed,
    ),
    OfStep("a reply repeats nothing confirmed", ("CNF-5", "I-NODUP"),
        "it begins at or above what was confirmed at its start",
        _replies,
        lambda x: _floor(x) <= x.put.lower,
        "a phone asks for what is confirmed", lambda x: x.taken.seq_cli < _floor(x),
        when=_undisturbed, may_occur=_several,
    ),
    OfStep("a reply begins where asked", ("CNF-1", "RCV-4"), "it begins no lower than seq_cli", _replies,
        lambda x: x.taken.seq_cli <= x.put.lower,
        "a phone acknowledges", lambda x: x.taken.seq_cli > 0,
    ),
    OfStep("a reply leaves out nothing due", ("I-REDEL", "RCV-1", "CNF-6"),
        "it begins no higher than what is confirmed",
        _replies,
        lambda x: x.put.lower <= x.c.a.maximum(x.after.confirmed, x.taken.seq_cli),
        "something unconfirmed is given", lambda x: x.put.lower < x.put.upper, when=_undisturbed,
    ),
    OfStep("a reply ends by seq_svr", ("RCV-1", "SEQ-4", "I-CLOSED"), "it holds nothing that is not there yet",
        _reads_end,
        lambda x: x.put.upper <= (x.taken.upper if x.action.effect == "form" else x.after.svr),
        "something is there", lambda x: x.after.svr > 0,
    ),
    OfStep("what is decided is there", ("SND-1", "SEQ-5", "RCV-7"), "seq_svr rises to the first send that is open",
        _decides,
        lambda x: _first_open(x) <= x.after.svr,
        "a message comes", lambda x: x.before.svr < x.after.svr,
    ),
    OfStep("only a recv ahead is refused", ("RCV-5", "RCV-6"), "what is not ahead is answered", _ahead,
        lambda x: x.before.svr < x.taken.seq_cli,
        "a recv is ahead", lambda x: x.before.svr < x.taken.seq_cli,
        when=lambda scope: scope.restore,
    ),
    OfStep("a phone asks with its seq_cli", ("DEV-3", "RCV-4"), "neither more nor less",
        lambda action: action.effect == "ask",
        lambda x: _same(x.c, x.phone.cli, x.put.seq_cli),
        "a phone acknowledges", lambda x: x.put.seq_cli > 0,
    ),
    OfStep("a reply that arrives counts", ("DEV-3", "I-LIVE"), "a seq_cli reaches the end of a reply that arrived",
        lambda action: action.effect == "accept",
        lambda x: x.taken.upper <= x.phone_after.cli,
        "a phone gets messages", lambda x: x.phone.cli < x.phone_after.cli,
    ),
    OfStep("a reply reaches its end", ("RCV-2", "RCV-3", "RCV-7"), "it ends at seq_svr, or fills its page",
        _reads_end,
        lambda x: _end(x) <= x.put.upper,
        "a reply ends with the last message", _ends_with_last,
    ),
)
# fmt: on

PROPERTIES: tuple[Always | OfStep, ...] = (*STATE_PROPERTIES, *STEP_PROPERTIES)
