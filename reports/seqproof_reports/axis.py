"""The ruler's axis: which seqs get a cell of their own, and which share one.

Seqs that fare alike in every moment are one *class*: nothing that happened tells them apart. A short range shows every
seq. A long one (1..200, or up to 4294967295) shows a cell a class, marked as broken by a zigzag: 200 messages of the
golden scenarios become the four cells 1..100, 101..120, 121..150, 151..200, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from seqproof_reports.picture import State
from seqproof_reports.text import Span

WHOLE = 16  # seqs: up to here, each has its own cell
ALIKE = 2  # seqs: a class of so few is shown seq by seq
MOST = 80  # cells: beyond it, neighbours are joined although they differ
ABBREVIATE = 10**6  # seqs above it are written by their last digits
DIGITS = 3
PLAIN = 30  # px: a cell of one seq


@dataclass(frozen=True)
class Cell:
    """The seqs ``low`` to ``high``, drawn ``x`` px from the axis' start, ``width`` px wide."""

    low: int
    high: int
    text: str
    x: float
    width: float

    @property
    def broken(self) -> bool:
        """Whether it stands for several seqs."""
        return self.low != self.high


@dataclass(frozen=True)
class Axis:
    """Cells from left to right. ``prefix``: what the sign … stands for in their names, "" where none does."""

    cells: tuple[Cell, ...]
    prefix: str
    width: float

    def within(self, runs: Sequence[Span]) -> list[Cell]:
        """The cells of which some seq lies in the runs."""
        return [cell for cell in self.cells if any(low <= cell.high and cell.low <= high for low, high in runs)]

    def edge(self, seq: int) -> float:
        """Where the mark "everything up to ``seq``" stands: the right edge of its cell; 0 before the first."""
        return max((cell.x + cell.width for cell in self.cells if cell.low <= seq), default=0)


def build(states: Sequence[State], first_seq: int, seq_max: int) -> Axis:
    """Lay out one account's axis over everything its states mention."""
    cuts = {first_seq}
    last = first_seq
    for low, high in _mentioned(states, first_seq):
        low, high = max(low, first_seq), min(high, seq_max)
        if low <= high:
            cuts |= {low, high + 1}
            last = max(last, high)
    edges = [*sorted(cut for cut in cuts if cut <= last), last + 1]
    classes = [(low, after - 1) for low, after in pairwise(edges)]
    limit = ALIKE if last - first_seq >= WHOLE else WHOLE
    runs = [part for low, high in classes for part in _split(low, high, limit)]
    return _laid_out(_thinned(runs))


def _mentioned(states: Sequence[State], first_seq: int) -> Iterator[Span]:
    for state in states:
        yield first_seq, state.allocated
        yield first_seq, state.confirmed
        for phone in state.phones:
            yield first_seq, phone.seq_cli
            yield from phone.holds
        for runs in (state.told, state.given, state.missing, state.repeated, state.stake):
            yield from runs


def _split(low: int, high: int, limit: int) -> list[Span]:
    return [(seq, seq) for seq in range(low, high + 1)] if high - low < limit else [(low, high)]


def _thinned(runs: list[Span]) -> list[Span]:
    """Join neighbours, far from the end first, until ``MOST`` are left."""
    surplus = len(runs) - MOST
    return runs if surplus <= 0 else [(runs[0][0], runs[surplus][1]), *runs[surplus + 1 :]]


def _laid_out(runs: list[Span]) -> Axis:
    long = [str(seq) for run in runs for seq in set(run) if seq >= ABBREVIATE]
    heads = {name[:-DIGITS] for name in long}
    prefix = heads.pop() if len(heads) == 1 else ""
    cells: list[Cell] = []
    x = 0.0
    for low, high in runs:
        left, right = _name(low, prefix), _name(high, prefix)
        name = left if low == high else f"≤{right}" if right.startswith("…") else f"{left}..{right}"
        width = max(float(PLAIN) if low == high else 46.0, len(name) * 6.4 + 12)
        cells.append(Cell(low, high, name, x, width))
        x += width
    return Axis(tuple(cells), prefix, x)


def _name(seq: int, prefix: str) -> str:
    name = str(seq)
    return f"…{name[-DIGITS:]}" if prefix and name[:-DIGITS] == prefix and seq >= ABBREVIATE else name
