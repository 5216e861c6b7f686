"""Small texts shared by every format: bodies made safe to look at, and seqs as a person writes them.

A server may answer anything. What it says is shown, never obeyed: control characters, escape sequences and characters
that turn the reading direction become visible signs here, before any format's own escaping.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

Span = tuple[int, int]
"""Seqs from the first to the second, both included."""

CONTROL_PICTURES = 0x2400
DELETE = 0x7F


def visible(text: str) -> str:
    r"""Replace what a terminal, a browser or an XML reader would obey or refuse by a sign.

    >>> visible("a\x1b[31m\n\u202eb")
    'a␛[31m␊�b'
    """
    return "".join(_sign(char) for char in text)


def _sign(char: str) -> str:
    code = ord(char)
    if code < ord(" "):
        return chr(CONTROL_PICTURES + code)
    if code == DELETE:
        return "␡"
    return "\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} else char


LONG = 60  # characters: the cut alone no longer tells two such bodies apart


def short(text: str, most: int = 16) -> str:
    """Make a text visible and at most ``most`` characters long, the cut marked."""
    text = visible(text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(body: str, most: int = 16) -> str:
    """Write a body between quotation marks, cut where it is long; a very long one with its length.

    >>> quoted("m1"), quoted("x" * 300)
    ('"m1"', '"xxxxxxxxxxxxxxx…" (300 long)')
    """
    return f'"{short(body, most)}"' + (f" ({len(body)} long)" if len(body) > LONG else "")


def spans(seqs: Iterable[int]) -> tuple[Span, ...]:
    """Join seqs, in any order, into maximal runs.

    >>> spans([3, 1, 2, 7])
    ((1, 3), (7, 7))
    """
    runs: list[Span] = []
    for seq in sorted(set(seqs)):
        if runs and seq == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], seq)
        else:
            runs.append((seq, seq))
    return tuple(runs)


def contains(runs: Sequence[Span], seq: int) -> bool:
    """Whether one of the runs holds ``seq``."""
    return any(low <= seq <= high for low, high in runs)


def subtract(runs: Sequence[Span], less: Sequence[Span]) -> tuple[Span, ...]:
    """Take runs away from runs, without ever counting through them.

    >>> subtract(((1, 9),), ((3, 4), (9, 12)))
    ((1, 2), (5, 8))
    """
    left: list[Span] = []
    for low, high in runs:
        for start, end in less:
            if low <= end and start <= high:
                if low < start:
                    left.append((low, start - 1))
                low = end + 1
        if low <= high:
            left.append((low, high))
    return tuple(left)


def spans_text(runs: Sequence[Span], most: int = 4, nothing: str = "nothing") -> str:
    """Write runs of seqs: ``1..5, 7``; beyond ``most`` runs, the first ones, the last one and the count.

    >>> spans_text(((1, 5), (7, 7))), spans_text(())
    ('1..5, 7', 'nothing')
    """
    words = [str(low) if low == high else f"{low}..{high}" for low, high in runs]
    if len(words) > most:
        count = sum(high - low + 1 for low, high in runs)
        words = [*words[: most - 2], "…", f"{words[-1]} ({count} seqs)"]
    return ", ".join(words) or nothing


def rows_text(rows: Sequence[tuple[int, str]], most: int = 16) -> str:
    """Write a reply's rows for a label: one row with its body, more as seqs, in the server's order when it is wrong.

    >>> rows_text(((1, "a"),)), rows_text(((1, "a"), (2, "b"))), rows_text(((2, "b"), (1, "a"))), rows_text(())
    ('1 "a"', '1..2', '2, 1', 'nothing')
    """
    seqs = [seq for seq, _ in rows]
    if len(rows) == 1:
        return f"{seqs[0]} {quoted(rows[0][1], most)}"
    if all(left < right for left, right in pairwise(seqs)):
        return spans_text(spans(seqs))
    listed = ", ".join(str(seq) for seq in seqs[:8])
    return listed + (f", … ({len(seqs)} rows)" if len(seqs) > len(seqs[:8]) else "")


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "event"), plural(2, "event")
    ('1 event', '2 events')
    """
    return f"{count} {noun}" + ("" if count == 1 else "s")


def between(first: int, last: int) -> str:
    """Write event numbers: ``3`` or ``3–4``."""
    return str(first) if first == last else f"{first}–{last}"


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` characters, words longer than that too."""
    lines: list[str] = []
    for word in text.split():
        rest = word
        while len(rest) > width:
            lines.append(rest[:width])
            rest = rest[width:]
        if lines and len(lines[-1]) + 1 + len(rest) <= width:
            lines[-1] += f" {rest}"
        elif rest:
            lines.append(rest)
    return lines
