"""From what was observed to the requirement that is blamed, and what the context makes suspect besides.

The table is data. The judge names an observation; the first one that fits, in the table's order, is blamed. A fault in
a server can show in several ways: suspects name where else to look.
Source: docs/requirements.md, "From what was observed to the id".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Row:
    """One row: the requirement, the invariant that breaks, and the sentence, with the numbers to be filled in."""

    requirement: str
    invariant: str
    sentence: str


class Observed(Enum):
    """What can be seen that no conforming server does. Sentences are filled with the numbers of the case."""

    SEQ_OUTSIDE = Row("SEQ-1", "I-BOUND", "a message got seq {n}, outside {first}..{top}")
    SEQ_TAKEN = Row("SEQ-3", "I-UNIQ", "seq {n} was given to {body}, but it already belongs to {other}")
    TWO_SEQS_RETRY = Row(
        "SND-3", "I-ONCE", "{body} was sent again under its client id and is now under {others} and {n}"
    )
    TWO_SEQS = Row("SND-2", "I-ONCE", "one send of {body} made messages under seq {others} and seq {n}")
    SEQ_BEHIND = Row(
        "SEQ-4", "I-CLOSED", "{body} got seq {n}, though {floor} was already allocated when its send began"
    )
    SEQ_CLOSED = Row(
        "SEQ-4", "I-CLOSED", "{body} got seq {n}, though a reply up to {floor} had shown that there is no such message"
    )
    SEQ_SKIPPED = Row("SEQ-2", "I-CONTIG", "seq {n} was given out, but no send can hold seq {hole}")
    FULL_TOO_EARLY = Row("SEQ-6", "I-BOUND", "a send was refused for lack of space at seq {n}; the space ends at {top}")
    REFUSED_APPEARS = Row("SND-5", "I-LOSS", "{body} was definitely refused, and yet it is a message, seq {n}")
    OTHER_ACCOUNT = Row("RCV-1", "I-ISO", "seq {n} holds {body}, which was sent to another account")
    OTHER_BODY = Row("RCV-1", "I-UNIQ", "seq {n} holds {body}; {other}")
    UNSORTED = Row("RCV-1", "I-ORDER", "the rows {rows} are not ascending")
    REPEATED = Row("RCV-1", "I-NODUP", "the rows {rows} hold a seq twice")
    HOLED = Row("RCV-1", "I-LOSS", "the rows {rows} leave out seq {n}")
    OWN_ROW = Row("CNF-1", "I-NODUP", "the reply to recv({q}) holds seq {n}, which that request itself acknowledged")
    CONFIRMED_ROW = Row(
        "CNF-5", "I-NODUP", "seq {n} was given again to recv({q}), though everything up to {floor} was confirmed before"
    )
    UPTO_WRONG = Row("RCV-2", "I-LOSS", "the reply says upto {upto}, but it ends at {n}: a phone would skip {skipped}")
    MORE_UNDECLARED = Row("RCV-2", "I-LOSS", "the reply says that more is due, but the target declares no pages")
    MORE_TOO_EARLY = Row(
        "RCV-2", "I-LOSS", "the page ends at seq {n} and says that no more is due; {due} was acknowledged before"
    )
    ENDS_EARLY = Row(
        "RCV-7", "I-LOSS", "the reply to recv({q}) ends at seq {n}; {due} was acknowledged before it was asked"
    )
    ENDS_BETWEEN = Row(
        "RCV-7", "I-LOSS", "the reply to recv({q}) ends at seq {n}, though seq {due} was there before seq {n} was"
    )
    WRONG_START = Row(
        "RCV-1", "I-LOSS", "the reply to recv({q}) starts at seq {n} and leaves out {missing}, which nobody confirmed"
    )
    EMPTY_PAGE = Row("RCV-3", "I-LIVE", "the page for recv({q}) is empty, though {missing} {is_are} due")
    EMPTY_REPLY = Row("RCV-7", "I-LOSS", "the reply to recv({q}) is empty, though {missing} {is_are} due")
    BEHIND_REFUSED = Row("RCV-5", "I-LIVE", "recv({q}) was refused ({code}), though seq_svr was {due} at least")
    REFUSED_CONFIRMS = Row(
        "RCV-6", "I-LOSS", "recv({q}) was refused ({code}), and yet it confirmed {q}: an earlier reply shows it"
    )
    MALFORMED_CONFIRMS = Row(
        "SEQ-7", "I-LOSS", "{missing} {is_are} not given any more, and nothing came in between but a recv({raw})"
    )
    TIP_ELSEWHERE = Row(
        "PSH-3",
        "I-ISO",
        "{body} was acknowledged and brought no tip; {others}, to which nothing was sent, got one",
    )
    TIP_ASTRAY = Row(
        "PSH-3", "I-LIVE", "{body} was acknowledged, and the tip went to {others}; the account's route is {phone}"
    )
    TIP_EARLY = Row(
        "PSH-2", "I-LIVE", "the tip came before {body} could be read, and since then none has come to phone {phone}"
    )
    TIP_MISSING = Row(
        "PSH-2", "I-LIVE", "{body} was acknowledged while phone {phone} was logged in, and no tip has followed"
    )


MISSING = frozenset({
    Observed.HOLED, Observed.MORE_TOO_EARLY, Observed.ENDS_EARLY, Observed.ENDS_BETWEEN, Observed.WRONG_START,
    Observed.EMPTY_PAGE, Observed.EMPTY_REPLY, Observed.MALFORMED_CONFIRMS,
})  # fmt: skip
AGAIN = frozenset({Observed.OWN_ROW, Observed.CONFIRMED_ROW})


@dataclass
class Context:
    """What happened before, as far as it makes a requirement suspect.

    ``shown``: seqs that were given before; ``lost``: those of them whose reply was lost; ``elsewhere``: those that were
    given to another phone than the one that asks. ``alike``: two sends bore the same body, or the same client id from
    two senders, or one was repeated after it was refused. ``large``: seqs above 2^24 are at stake.
    """

    killed: bool = False
    trimmed: bool = False
    ahead: bool = False
    lower_asked: bool = False
    tipped: bool = False
    malformed: bool = False
    shown: set[int] = field(default_factory=set[int])
    lost: set[int] = field(default_factory=set[int])
    elsewhere: set[int] = field(default_factory=set[int])
    alike: bool = False
    large: bool = False


CONTEXTS = {  # each alone, in words; of seq 1
    "after a kill": Context(killed=True),
    "after a trim": Context(trimmed=True),
    "after a recv ahead": Context(ahead=True),
    "after a lower seq_cli": Context(lower_asked=True),
    "the seq was shown before": Context(shown={1}),
    "in a reply that was lost": Context(lost={1}),
    "to another phone": Context(elsewhere={1}),
    "two sends are alike": Context(alike=True),
    "seqs above 2^24": Context(large=True),
    "after a malformed seq_cli": Context(malformed=True),
    "a tip had announced it": Context(tipped=True),
}


def suspects(observed: Observed, seqs: tuple[int, ...], context: Context) -> tuple[str, ...]:
    """The requirements that the context makes suspect, beside the one blamed. ``seqs``: missing, or given again."""
    found: list[str] = []
    if observed in MISSING:
        found += ["CNF-7"] * context.trimmed
        found += ["SND-1", "SEQ-5"] * context.killed
        found += ["RCV-6"] * context.ahead
        found += ["CNF-3"] * (not context.shown.isdisjoint(seqs))
        found += ["RCV-4"] * (not context.lost.isdisjoint(seqs))
        found += ["CNF-6"] * (not context.elsewhere.isdisjoint(seqs))
        found += ["PSH-1"] * context.tipped
        found += ["SEQ-7"] * context.malformed
    if observed in AGAIN:
        found += ["CNF-4"] * context.killed
        found += ["CNF-2"] * context.lower_asked
    if observed in (Observed.SEQ_TAKEN, Observed.SEQ_BEHIND, Observed.SEQ_CLOSED, Observed.BEHIND_REFUSED):
        found += ["SEQ-5"] * context.killed
        found += ["SEQ-7"] * context.malformed
    if observed in MISSING or observed is Observed.SEQ_TAKEN:
        found += ["SND-4"] * context.alike
    found += ["SEQ-7"] * context.large
    row: Row = observed.value
    return tuple(dict.fromkeys(item for item in found if item != row.requirement))


class Seen(Exception):  # noqa: N818 - it is an observation about the server, not an error of the program
    """Raised by the judge of an account: what was seen. ``seqs``: the seqs that are missing, given again or misused.

    ``text``: the body of the row in question, as it is. The other keywords fill the sentence.
    """

    def __init__(
        self, observed: Observed, seqs: tuple[int, ...] = (), *, text: str | None = None, **numbers: object
    ) -> None:
        row: Row = observed.value
        super().__init__(row.sentence.format(**numbers))
        self.observed, self.seqs, self.row, self.body = observed, seqs, row, text


def span(low: int, high: int) -> str:
    """Write low..high as people do.

    >>> span(3, 3), span(3, 4), span(3, 9)
    ('3', '3 and 4', '3..9')
    """
    return str(low) if low == high else f"{low} and {high}" if high == low + 1 else f"{low}..{high}"
