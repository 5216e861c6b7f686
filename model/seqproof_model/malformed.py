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


def meaning(raw: str, seq_max: int) -> Plain | Perhaps | None:
    """Return what ``raw`` may mean where seqs end at ``seq_max``; None: it is malformed."""
    if re.fullmatch(r"0|[1-9][0-9]*", raw) and len(raw) <= LONGEST:
        return Plain(int(raw)) if int(raw) <= seq_max else None
    try:
        value: object = json.loads(raw, parse_float=str, parse_int=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = raw  # no JSON: +3, 03
    return _number(value, seq_max) if isinstance(value, str) else None


def _number(text: str, seq_max: int) -> Perhaps | None:
    try:
        value = Decimal(text.strip()) if len(text) <= LONGEST else Decimal("NaN")
        within = 0 <= value <= seq_max and value == value.to_integral_value()
    except InvalidOperation:
        return None
    return Perhaps(int(value)) if within else None
