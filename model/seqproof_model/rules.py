"""The protocol, defined once: what a correct server may do, as guarded rules over values of any kind.

**Theory of operation.** A server keeps, for each account, three marks. ``taken`` is the largest seq that was given to a
send. ``svr`` (seq_svr) is the largest n such that every send numbered n or less is decided; it is what the account has
to offer. ``confirmed`` is the largest seq that some phone is known to hold. All three only grow.

A *send* takes the next seq and, at that moment or later, is decided: its message is there for all to see. While an
earlier send is still undecided, a later one may stay unseen (a visibility horizon), so svr may lag behind taken.

A *recv* carries the phone's seq_cli, which is at once a question and an acknowledgement. It does three things, each at
some moment between its start and its answer, in any order, and other requests may fall in between: it *confirms*, it
looks at the *lower* end of what is due, and it looks at the *upper* end. What lies in (lower, upper] is the reply; a
paged reply is a lowest-first prefix of that. A recv whose seq_cli is ahead of svr must not confirm: it is *refused*
(or answered with nothing), which is the one thing it then does.

A request that was never answered may take effect at any later time, once: its rules simply stay enabled.

Each rule is ``(operation, name, guard, effect, sees)``. The functions take an algebra (for what Python has no operator
that works on ints, numpy arrays and Z3 terms alike), the marks, and what the request carries. No ``if``, ``and`` or
``not`` stands on a value. Every engine reads this table: the stepper below runs it on ints; the world-set engine
(``worlds``) explores it; the judge (``judge``) is its decision procedure, and the tests hold the two together.
Source: docs/protocol.md; article [3.1], [3.2].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

Value = Any  # an int, an array or a term: the engine's choice


class Algebra(Protocol):
    """What the rules need of an engine's values beyond ``+ - <= < & |``."""

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger of two values."""
        ...

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller of two values."""
        ...

    def true(self) -> Value:
        """A guard that always holds."""
        ...

    def no(self, a: Value) -> Value:
        """The opposite of a truth value."""
        ...

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """``a`` where the condition holds, else ``b``."""
        ...

    def span(self, held: Value, lower: Value, upper: Value) -> Value:
        """A set of seqs with lower + 1 .. upper added to it; with nothing added where upper <= lower."""
        ...

    def covers(self, held: Value, n: Value) -> Value:
        """Whether a set of seqs holds every seq <= n."""
        ...


class Marks(NamedTuple):
    """One account on the server. ``seq_max`` never changes."""

    seq_max: Value
    taken: Value
    svr: Value
    confirmed: Value


class Request(NamedTuple):
    """What an operation carries.

    A recv: ``seq_cli``. A send: ``undecided``, the lowest seq that another send has taken and not yet decided;
    seq_max + 1 where there is none.
    """

    seq_cli: Value = 0
    undecided: Value = 0


class Operation(StrEnum):
    """The two requests of the protocol."""

    SEND = "send"
    RECV = "recv"


Function = Callable[[Algebra, Marks, Request], Value]


@dataclass(frozen=True)
class Rule:
    """One thing that an operation does, at one moment. ``sees``: what the operation learns, after the effect."""

    operation: Operation
    name: str
    guard: Function
    effect: Callable[[Algebra, Marks, Request], Marks]
    sees: Function | None = None


def _keep(_a: Algebra, m: Marks, _r: Request) -> Marks:
    return m


RULES: tuple[Rule, ...] = (
    Rule(
        Operation.SEND,
        "take",  # the next seq is this send's [3.1(1)]: SEQ-1, SEQ-2, SEQ-6
        guard=lambda _a, m, _r: m.taken < m.seq_max,
        effect=lambda _a, m, _r: m._replace(taken=m.taken + 1),
        sees=lambda _a, m, _r: m.taken,
    ),
    Rule(
        Operation.SEND,
        "decide",  # its message is stored; svr rises up to the first seq that is still undecided [3.1(3)]
        guard=lambda a, _m, _r: a.true(),
        effect=lambda a, m, r: m._replace(svr=a.minimum(m.taken, r.undecided - 1)),
    ),
    Rule(
        Operation.SEND,
        "exhausted",  # the space is used up: refused, nothing changes: SEQ-6
        guard=lambda _a, m, _r: m.seq_max <= m.taken,
        effect=_keep,
    ),
    Rule(
        Operation.RECV,
        "confirm",  # everything up to seq_cli is held by some phone [3.2(3)]: CNF-1, CNF-2
        guard=lambda _a, m, r: r.seq_cli <= m.svr,
        effect=lambda a, m, r: m._replace(confirmed=a.maximum(m.confirmed, r.seq_cli)),
    ),
    Rule(
        Operation.RECV,
        "look_lower",  # nothing confirmed is given again, nor what the phone itself holds: CNF-1, CNF-5, RCV-5
        guard=lambda a, _m, _r: a.true(),
        effect=_keep,
        sees=lambda a, m, r: a.maximum(m.confirmed, r.seq_cli),
    ),
    Rule(
        Operation.RECV,
        "look_upper",  # everything up to seq_svr is given: RCV-1, RCV-2, RCV-7
        guard=lambda a, _m, _r: a.true(),
        effect=_keep,
        sees=lambda _a, m, _r: m.svr,
    ),
    Rule(
        Operation.RECV,
        "refuse",  # seq_cli is ahead: nothing is confirmed: RCV-6
        guard=lambda _a, m, r: m.svr < r.seq_cli,
        effect=_keep,
    ),
)

BY_NAME = {rule.name: rule for rule in RULES}
ANSWERED = frozenset({"confirm", "look_lower", "look_upper"})  # what an answered recv has done


class Ints:
    """The algebra of Python ints. A set of seqs is a bit mask: bit n - 1 stands for seq n."""

    def maximum(self, a: int, b: int) -> int:
        """The larger of two ints."""
        return a if a >= b else b

    def minimum(self, a: int, b: int) -> int:
        """The smaller of two ints."""
        return a if a <= b else b

    def true(self) -> bool:
        """True."""
        return True

    def no(self, a: bool) -> bool:
        """The opposite."""
        return not a

    def select(self, condition: bool, a: Value, b: Value) -> Value:
        """``a`` if the condition holds, else ``b``."""
        return a if condition else b

    def span(self, held: int, lower: int, upper: int) -> int:
        """The mask with lower + 1 .. upper in it."""
        return held | (((1 << upper) - 1) & ~((1 << lower) - 1))

    def covers(self, held: int, n: int) -> bool:
        """Whether every seq <= n is in the mask."""
        return not ((1 << n) - 1) & ~held


INTS = Ints()


def start(seq_max: int, before_first: int = 0) -> Marks:
    """The marks of an empty account. ``before_first`` is first_seq - 1, or what preset_seq set."""
    return Marks(seq_max, before_first, before_first, before_first)


def step(rule: Rule, marks: Marks, request: Request) -> tuple[Marks, int | None] | None:
    """Take one rule on ints: the marks after it and what it sees; None when its guard does not hold.

    >>> step(BY_NAME["confirm"], Marks(9, 5, 5, 1), Request(seq_cli=3))
    (Marks(seq_max=9, taken=5, svr=5, confirmed=3), None)
    """
    if not rule.guard(INTS, marks, request):
        return None
    after = rule.effect(INTS, marks, request)
    return after, rule.sees(INTS, after, request) if rule.sees else None
