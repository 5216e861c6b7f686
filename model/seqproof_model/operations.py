"""What the judge keeps of an operation: a message with all attempts to send it, and a request under way.

Plain records; the rules that fill them stand in ``ledger`` (sends) and ``account`` (recvs).
"""

from __future__ import annotations

from seqproof_model import history as h

Key = tuple[str, str]  # (sender, client id)


class Message:
    """What one client id stands for: one send and its repeats. Without a client id each send is a message of its own.

    ``floors``: the ``floor`` of each attempt that was not refused; ``free``: of those that could still turn out to be a
    message; ``unanswered``: how many attempts have no answer, settled or not; ``seqs``: where it is known to be;
    ``promised``: the floor beyond which it must be, its seq unknown; ``shared``: its client id was used for another
    body too, so an answer may mean that one.
    Events: ``began``, of its first attempt; ``acked``, of the first success; ``ended``, of that or of ``settled``.
    """

    __slots__ = (
        "acked",
        "attempts",
        "began",
        "body",
        "ended",
        "floors",
        "free",
        "key",
        "loose",
        "lost",
        "promised",
        "repeats",
        "seqs",
        "shared",
        "unanswered",
        "visible",
    )

    def __init__(self, body: str, key: Key | None, began: int, *, loose: bool = False) -> None:
        self.body, self.key, self.began, self.loose = body, key, began, loose
        self.attempts = self.unanswered = 0
        self.repeats = 0  # attempts that were answered with the seq of one that had ended before
        self.visible = False  # a row showed the message while its first attempt, the only one, was unanswered
        self.shared = False
        self.lost = False  # an answer to an attempt never came, or was lost on its way
        self.floors: list[int] = []
        self.free: list[int] = []
        self.seqs: list[int] = []
        self.acked: int | None = None
        self.ended: int | None = None
        self.promised: int | None = None


class Pending:
    """An operation under way, and the marks at its start.

    ``floor``: taken; ``upper``: the least that seq_svr may have been; ``sure``: up to there no seq was undecided;
    ``decided``: whether no send at all was undecided; ``since``: its place on the path of confirmed; ``tick``: which
    recv it is.
    """

    __slots__ = ("began", "decided", "event", "floor", "message", "since", "sure", "tick", "upper")

    def __init__(self, event: h.Send | h.Recv, began: int, floor: int, message: Message | None = None) -> None:
        self.event, self.began, self.floor, self.message = event, began, floor, message
        self.upper, self.sure, self.since, self.tick, self.decided = floor, floor, 0, 0, True
