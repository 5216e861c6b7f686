"""The world around a phone under test: a correct server, played by the kit on the protocol's own rules.

Each account has the three marks of ``rules.py``, and every request walks through the rules as they stand there: a send
takes and is decided, a recv is refused, or confirms and looks at both ends. Nothing of the protocol is written here a
second time; what is, is the clothing: bodies, pages, what a reply tells besides its rows, a backup that is restored.

A restored server is in a new epoch. A request that names another epoch is a question about seqs that are gone: it is
served as from 0, and confirms nothing. One that names none is taken at its word.
Source: docs/phones.md; docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seqproof_model import phone_history as ph
from seqproof_model.history import Code
from seqproof_model.phone_scenario import PhoneScenario
from seqproof_model.phone_words import Accepted, Asks, Refusal, Reply, Row, Rows, Sends
from seqproof_model.profile import UINT_MAX
from seqproof_model.rules import BY_NAME, Request, start, step


@dataclass
class Server:
    """One account on the kit's server."""

    name: str
    epochs: int = 1
    rows: dict[int, str] = field(default_factory=dict[int, str])
    notes: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def __post_init__(self) -> None:
        self.marks = start(UINT_MAX)

    @property
    def epoch(self) -> str:
        """The name of its epoch."""
        return f"e{self.epochs}"

    def rule(self, name: str, seq_cli: int = 0) -> int | None:
        """Take one rule and say what it sees; a guard that does not hold is the caller's mistake."""
        taken = step(BY_NAME[name], self.marks, Request(seq_cli, self.marks.seq_max + 1))
        assert taken is not None, f"{name} is not enabled"  # noqa: S101
        self.marks, seen = taken
        return seen

    def may(self, name: str, seq_cli: int) -> bool:
        """Whether a rule's guard holds."""
        return step(BY_NAME[name], self.marks, Request(seq_cli)) is not None

    def store(self, body: str) -> int:
        """A message arrives: its seq."""
        seq = self.rule("take")
        self.rule("decide")
        assert seq is not None  # noqa: S101 - take sees the seq
        self.rows[seq] = body
        return seq

    def recv(self, seq_cli: int) -> list[Row] | None:
        """Serve a recv: what is due, or None where it is ahead and refused."""
        if self.may("refuse", seq_cli):
            self.rule("refuse", seq_cli)
            return None
        self.rule("confirm", seq_cli)
        lower, upper = self.rule("look_lower", seq_cli), self.rule("look_upper", seq_cli)
        return [(seq, body) for seq, body in self.rows.items() if (lower or 0) < seq <= (upper or 0)]

    def restore(self, keep: int) -> None:
        """Come back with the first ``keep`` messages, in a new epoch, nothing of it confirmed."""
        self.epochs += 1
        kept = [self.rows[seq] for seq in sorted(self.rows)[:keep]]
        self.rows.clear()
        self.marks = start(UINT_MAX)
        for body in kept:
            self.store(body)


class World:
    """All accounts, and what replies tell in this scenario. ``stale``: a request of an epoch that is over came."""

    def __init__(self, scenario: PhoneScenario) -> None:
        self.scenario = scenario
        self.servers: dict[str, Server] = {}
        self.bodies = 0

    def server(self, account: str) -> Server:
        """The account, made when it is first named."""
        return self.servers.setdefault(account, Server(account))

    def message(self, account: str, body: str = "") -> ph.Stored:
        """A message arrives for the account."""
        if not body:
            self.bodies += 1
            body = f"{account}{self.bodies}"
        return ph.Stored(account, self.server(account).store(body), body)

    def other(self, account: str) -> ph.Confirmed:
        """Another phone gets everything and says so."""
        server = self.server(account)
        server.recv(server.marks.svr)
        return ph.Confirmed(account, server.marks.svr)

    def restore(self, account: str, keep: int) -> ph.Restored:
        """The account is restored."""
        server = self.server(account)
        server.restore(keep)
        return ph.Restored(account, server.epoch, server.marks.svr)

    def serve(self, request: Asks | Sends, *, stale: bool) -> tuple[Reply, Iterator[ph.Event]]:
        """Answer a request. ``stale``: the phone has asked before the server's epoch began.

        Returns the reply, and what the judge must know besides.
        """
        if isinstance(request, Sends):
            return self._send(request)
        server = self.server(request.account)
        named = request.epoch is not None and request.epoch != server.epoch
        due = server.recv(0 if named else request.seq_cli)
        if due is None:
            return Refusal(Code.AHEAD, server.marks.svr, server.epoch), iter(())
        besides = [ph.Confirmed(request.account, request.seq_cli)] if stale and not named else []
        return self._rows(server, due), iter(besides)

    def _rows(self, server: Server, due: list[Row]) -> Rows:
        page, tells = self.scenario.page, self.scenario.tells
        rows = tuple(due[:page] if page else due)
        return Rows(
            rows,
            len(rows) < len(due) if "more" in tells else None,
            rows[-1][0] if rows and "upto" in tells else None,
            server.marks.svr if "seq_svr" in tells else None,
            server.epoch,
        )

    def _send(self, request: Sends) -> tuple[Reply, Iterator[ph.Event]]:
        """The user's message goes to a friend's inbox; a repeat is answered as the first attempt was."""
        friend = self.server(f"friend of {request.account}")
        key = request.account, request.client_id
        if key not in friend.notes:
            friend.notes[key] = friend.store(request.body)
        return Accepted(friend.notes[key]), iter(())
