"""Who told whom what: how the parts of the server can be watched, and how its diagrams are drawn from real runs.

A part is given a ``Trace`` and calls it for what it hands to another part, before the other acts, and for what comes
back. It is called from the loop and from worker threads. ``silent`` is the default and costs a call.
"""

from __future__ import annotations

from collections.abc import Callable

from seqproof_model.history import Answer, Indefinite, Ok, Refused

Trace = Callable[[str, str, str], None]
"""``trace(who, whom, what)``: names of parts or phones, and a few words."""


def silent(_who: str, _whom: str, _what: str) -> None:
    """Watch nothing."""


def words(answer: Answer) -> str:
    """An answer in a few words.

    >>> words(Ok(seq=7)), words(Ok(rows=((3, "a"), (4, "b")))), words(Ok(rows=()))
    ('seq 7', 'rows 3 to 4', 'no rows')
    """
    match answer:
        case Ok(rows=None, seq=seq):
            return "done" if seq is None else f"seq {seq}"
        case Ok(rows=rows):
            return f"rows {rows[0][0]} to {rows[-1][0]}" if rows else "no rows"
        case Refused(code=code):
            return f"refused: {code.value}"
        case Indefinite():
            return "nobody knows"
