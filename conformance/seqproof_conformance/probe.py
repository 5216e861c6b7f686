"""How the smoke checks speak to an adapter: each call bounded, each answer looked at, each account fresh.

What an adapter does wrong in a call is found here, once: it raises, it returns what is no answer, or it does not come
back. What it does wrong over several calls is for the checks (``smoke``). A check ends in one of four ways, three of
them by raising: ``Insane``, the adapter is at fault; ``NotTheAdapter``, the server is, and a run will say how;
``Unseen``, what had to be observed never happened. Otherwise it returns its line.
Source: docs/smoke.md; docs/architecture.md, "Who is to blame".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from seqproof_conformance.adapter import Adapter, AdapterFault, Hello, TargetError, checked
from seqproof_conformance.worker import Worker
from seqproof_model.history import Answer, Code, Indefinite, Ok, Refused

__all__ = ["Insane", "NotTheAdapter", "Probe", "Unseen", "bodies", "bounded", "one_line", "two"]

PAGES_AT_MOST = 200  # of a drain: no check sends more than a few messages
RAISES = "let it answer Indefinite when in doubt, and raise TargetError when the server cannot be spoken to at all"
ANSWERS = "return Ok, Refused or Indefinite of seqproof_model.history, each field of the type that is written there"
HANGS = "bound every wait of the adapter, a few seconds each"
DEAD = "see that the server runs and answers; the adapter's own log may say more"

Row = tuple[int, str]


class Insane(AdapterFault):
    """The adapter breaks its contract: one line, and the mend apart from it."""

    def __init__(self, line: str, mend: str) -> None:
        super().__init__(line)
        self.mend = mend


class NotTheAdapter(Exception):  # noqa: N818 - it says whose fault it is not
    """Something is wrong, and it is the server's own doing: one line."""


class Unseen(Exception):  # noqa: N818 - it says what is missing
    """What the check had to observe never happened, so it says nothing: one line."""


def one_line(text: str) -> str:
    """The text in one line that no terminal obeys."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shown(body: str, most: int = 24) -> str:
    """A body between quotation marks, cut where it is long."""
    return repr(body if len(body) <= most else body[: most - 1] + "…")


def bounded(worker: Worker, target: object, name: str, *words: object, bound_s: float) -> object:
    """Call a method of an adapter, on the worker's thread. Raises Insane, TargetError, BlockedError."""
    done = worker.call(name, lambda: getattr(target, name)(*words), bound_s)
    error = done.exception()
    if error is None:
        return done.result()
    if isinstance(error, TargetError):
        raise error
    raise Insane(f"the adapter's {name} raised {type(error).__name__}: {error}", RAISES) from error


@dataclass
class Probe:
    """An adapter that has said hello. Seqs and ``base`` are those of the space that it claims, the article's else.

    ``seen``: a row came back that had been sent; only then has anything been observed. ``raw``: the last answer, the
    very object that the adapter returned.
    """

    adapter: Adapter
    hello: Hello
    worker: Worker
    token: str
    bound_s: float
    seen: bool = False
    raw: object = None
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _sent: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    @property
    def base(self) -> int:
        """The value of every mark before any message."""
        return self.hello.claims.before_first if self.hello.claims else 0

    # ------------------------------------------------------------ one call

    def call(self, name: str, *words: object) -> object:
        """Call the adapter. Raises Insane, TargetError, BlockedError."""
        return bounded(self.worker, self.adapter, name, *words, bound_s=self.bound_s)

    def fresh(self) -> str:
        """The name of an account that was never used, reset."""
        account = f"smoke-{self.token}-{next(self._numbers)}"
        self.call("reset", account)
        return account

    def body(self) -> str:
        """A body that was never used: a short ASCII token, so that it fits any page."""
        return f"{self.token}.{next(self._numbers)}"

    def send(self, account: str, body: str = "") -> Answer:
        """Send a message, one never sent before unless ``body`` says otherwise."""
        body = body or self.body()
        self._sent.setdefault(account, set()).add(body)
        return self.answer("send", self.call("send", account, "s", f"c{next(self._numbers)}", body))

    def recv(self, account: str, phone: str, seq_cli: int) -> Answer:
        """Ask what is after seq_cli."""
        return self.answer("recv", self.call("recv", account, phone, seq_cli))

    def answer(self, name: str, raw: object) -> Answer:
        """The answer, if it is one. Raises Insane."""
        self.raw = raw
        try:
            return checked(name, raw)
        except AdapterFault as fault:
            what, _, mend = str(fault).rpartition("; ")
            raise Insane(what or str(fault), mend if what else ANSWERS) from None

    # ------------------------------------------------------------ several calls

    def definite(self, what: str, answer: Answer) -> Ok | Refused:
        """The answer of a server at rest. Raises TargetError when the server is gone, or in doubt."""
        if isinstance(answer, Indefinite):
            raise TargetError(f"{what} had no definite answer, though the server is at rest: {answer.why}")
        if isinstance(answer, Refused) and answer.code is Code.UNREACHABLE:
            raise TargetError(f"{what} was refused as unreachable, though nobody killed the server: {answer.detail}")
        return answer

    def stored(self, account: str, body: str = "") -> Ok:
        """Send a message that must be stored. Raises Insane when it is refused."""
        answer = self.definite("a send", self.send(account, body))
        if isinstance(answer, Refused):
            why = f"a send to a fresh account was refused as {answer.code} {answer.detail}".strip()
            raise Insane(why, "let the server take messages; answer Refused only where it surely stored nothing")
        return answer

    def first_reply(self, account: str, phone: str = "A") -> Ok:
        """What a new phone is given first. Raises Insane when it is refused."""
        answer = self.definite("a recv", self.recv(account, phone, self.base))
        if isinstance(answer, Refused):
            why = f"a recv with seq_cli {self.base} was refused as {answer.code} {answer.detail}".strip()
            raise Insane(why, "a phone that holds nothing may always ask; where nothing is due answer Ok(rows=())")
        self._observe(account, answer)
        return answer

    def drain(self, account: str, phone: str = "A") -> list[Row]:
        """Everything that a new phone is given, asking on as phones do, until a reply brings it no further."""
        reply = self.first_reply(account, phone)
        return [*(reply.rows or ()), *self.rest(account, reply, phone)]

    def rest(self, account: str, reply: Ok, phone: str = "A") -> list[Row]:
        """What comes after this reply."""
        rows, held, answer = list[Row](), self.base, reply
        for _ in range(PAGES_AT_MOST):
            furthest = max((seq for seq, _ in answer.rows or ()), default=held)
            if furthest <= held:
                break
            held = furthest
            following = self.recv(account, phone, held)
            if not isinstance(following, Ok):
                break
            self._observe(account, following)
            rows += following.rows or ()
            answer = following
        return rows

    def _observe(self, account: str, reply: Ok) -> None:
        self.seen = self.seen or any(body in self._sent.get(account, ()) for _, body in reply.rows or ())


def bodies(rows: list[Row]) -> list[str]:
    """The bodies of rows, in order."""
    return [body for _, body in rows]


def two(p: Probe, account: str) -> tuple[str, str]:
    """Store two messages. Many a faulty server holds one back; none of interest holds back two."""
    first, second = p.body(), p.body()
    p.stored(account, first)
    p.stored(account, second)
    return first, second
