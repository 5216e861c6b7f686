"""What a text in the place of seq_cli may mean: a seq_cli, perhaps one, or surely none (SEQ-7).

A request is put together by programs, and some put nonsense: a negative number, a fraction, one above the space, a
word, null. Such a *malformed* seq_cli must have no effect. The server may refuse it, which it SHOULD, or answer
anything at all: what counts is what comes after. In between lies what a lenient reader takes for a number, and a strict
one does not ("2" in quotes, 2.0, 2e0): there both are right, and it is not known whether the request confirmed.

    >>> [meaning(text, 9) for text in ("3", "3.0", '"3"', "-3", "3.5", "10", '"3x"', "null", "true", "")]
    [Plain(3), Perhaps(3), Perhaps(3), None, None, None, None, None, None, None]

The text stands where JSON has a value. Source: docs/requirements.md, SEQ-7.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

LONGEST = 400  # characters of a number that is looked at; a longer one is above every space


class Plain(NamedTuple):
    """A seq_cli as it should be written."""

    seq_cli: int

    def __repr__(self) -> str:
        return f"Plain({self.seq_cli})"


class Perhaps(NamedTuple):
    """What only a lenient reader takes for this seq_cli."""

    seq_cli: int

    def __repr__(self) -> str:
        return f"Perhaps({self.seq_cli})"


class Kind(StrEnum):
    """The kinds of malformed seq_cli that SEQ-7 names."""

    NEGATIVE = "negative"
    FRACTION = "fractional"
    ABOVE = "above seq_max"
    WORD = "not a number"


def meaning(raw: str, seq_max: int) -> Plain | Perhaps | None:
    """Return what ``raw`` may mean where seqs end at ``seq_max``; None: it is malformed."""
    found = _read(raw, seq_max)
    return None if isinstance(found, Kind) else found


def malformed(raw: str, seq_max: int) -> Kind | None:
    """Return in which way ``raw`` is malformed; None where it means a seq_cli, or may mean one.

    >>> [str(malformed(text, 9)) for text in ("-3", "3.5", "10", '"3x"', "null", "3")]
    ['negative', 'fractional', 'above seq_max', 'not a number', 'not a number', 'None']
    """
    found = _read(raw, seq_max)
    return found if isinstance(found, Kind) else None


def _read(raw: str, seq_max: int) -> Plain | Perhaps | Kind:
    if re.fullmatch(r"0|[1-9][0-9]*", raw):
        return Plain(int(raw)) if len(raw) <= LONGEST and int(raw) <= seq_max else Kind.ABOVE
    try:
        value: object = json.loads(raw, parse_float=str, parse_int=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = raw  # no JSON: +3, 03
    return _number(value, seq_max) if isinstance(value, str) else Kind.WORD


def _number(text: str, seq_max: int) -> Perhaps | Kind:
    try:
        value = Decimal(text.strip()) if len(text) <= LONGEST else Decimal("NaN")
        if value < 0:
            return Kind.NEGATIVE
        if value > seq_max:
            return Kind.ABOVE
        return Perhaps(int(value)) if value == value.to_integral_value() else Kind.FRACTION
    except InvalidOperation:
        return Kind.WORD
