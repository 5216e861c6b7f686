"""The board of a page: ladder and ruler cut into rows, so that a browser lays out only those that are seen.

A row is one moment: its number, its part of the ladder, its part of the ruler. The rows of a board have the same two
widths, and each the same height on both sides, so ladder and ruler stay in step however the page arranges them: side
by side, or one below the other where the window is narrow.

Two thousand rows are cheap because they come in pieces: a browser passes over a piece that is out of sight without a
look at its rows, and its height is known beforehand. A step costs it a look at each piece, not at each row.
"""

from __future__ import annotations

from dataclasses import dataclass

from seqproof_reports import ladder, ruler
from seqproof_reports.cells import CELL
from seqproof_reports.picture import Moment, State, Story
from seqproof_reports.svg import HEAD, MARKS, element, said_of
from seqproof_reports.text import between

STYLE = MARKS + ladder.LADDER_STYLE + ruler.RULER_STYLE
PAD = 10  # px: right of the ruler
PIECE = 40  # rows of a piece: about two windows full
POINTER = 14  # px: the sign of the current row, before its number


@dataclass(frozen=True)
class Row:
    """A moment's row. ``ladder`` and ``ruler`` are SVG; ``remarks``: what is wrong with the reply, and its colour."""

    number: str
    first: int
    last: int
    words: str
    classes: str
    height: int
    ladder: str
    ruler: str
    sentence: str
    remarks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Piece:
    """Some rows that follow each other; ``start``: how many stand before them. ``height`` in px, without callouts."""

    start: int
    rows: tuple[Row, ...]

    @property
    def height(self) -> int:
        """What the pictures take, side by side."""
        return sum(row.height for row in self.rows)

    @property
    def bad(self) -> bool:
        """It holds the violation, whose height is not known beforehand."""
        return any(row.sentence for row in self.rows)


@dataclass(frozen=True)
class Board:
    """All rows, what stands above them and below. Widths in px; ``patterns``: what the cells are painted with."""

    rows: tuple[Row, ...]
    ladder_head: str
    ruler_head: str
    patterns: str
    legend: tuple[tuple[str, str], ...]
    gutter: int
    ladder_width: int
    ruler_width: int

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The rows, cut into pieces."""
        starts = range(0, len(self.rows), PIECE)
        return tuple(Piece(start, self.rows[start : start + PIECE]) for start in starts)

    @property
    def width(self) -> int:
        """Everything side by side."""
        return self.gutter + self.ladder_width + self.ruler_width + PAD

    @property
    def stacked(self) -> int:
        """The ruler below the ladder."""
        return self.gutter + max(self.ladder_width, self.ruler_width) + PAD


def board(story: Story) -> Board:
    """Cut the pictures of a story into rows."""
    lanes, grid = ladder.layout(story)
    columns = ruler.Columns(story, 0)
    ruled, width = round(columns.width), round(lanes.width) - grid.gutter
    parts = zip(story.moments, ladder.rows(story, lanes, grid), ruler.rows(story, columns), strict=True)
    return Board(
        rows=tuple(
            _row(
                moment,
                grid.drawn(moment),
                _svg(drawn, grid.gutter, width, grid.drawn(moment)),
                _svg(seqs, 0, ruled, grid.drawn(moment)),
                story,
            )
            for moment, drawn, seqs in parts
        ),
        ladder_head=_svg(ladder.heads(story, lanes, -6), grid.gutter, width, HEAD - 14),
        ruler_head=_svg(ruler.heads(story, columns, -2), 0, ruled, HEAD - 2),
        patterns=columns.patterns(),
        legend=tuple((_svg(mark, 0, 36, CELL + 4), name) for mark, name in ruler.legend(story, columns)),
        gutter=grid.gutter + POINTER,
        ladder_width=width,
        ruler_width=ruled,
    )


def _row(moment: Moment, height: int, drawn: str, seqs: str, story: Story) -> Row:
    bad = moment.violating and story.violation is not None
    state: State | None = moment.state if bad else None
    return Row(
        number=between(moment.first, moment.last),
        first=moment.first,
        last=moment.last,
        words=moment.words,
        classes=" ".join(["row", *said_of(moment)]),
        height=height,
        ladder=drawn,
        ruler=seqs,
        sentence=story.violation.sentence if bad and story.violation else "",
        remarks=tuple(ruler.said(state)) if state else (),
    )


def _svg(body: str, left: int, width: int, height: int) -> str:
    """A part of a picture, ``width`` px from ``left``; what it says is said in words beside it."""
    return element(
        "svg",
        body,
        class_="sq",
        width=width,
        height=height,
        viewBox=f"{left} 0 {width} {height}",
        aria_hidden="true",
        focusable="false",
        style=f"--own:{width}px",
    )
