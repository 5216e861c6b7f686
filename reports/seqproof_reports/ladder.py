"""The ladder: who said what to whom, time downward. Phones stand left, the server in the middle, senders right.

An arrow that never arrives ends in a red ×; a reply under way ends at a bar and goes on in a later row; a kill is a
band over the whole width in which the server's lane breaks. The violating moment stands on red with its sentence.
Drawn from a ``Story``, as one picture or row by row; no script is needed. See ``lanes.py`` and ``arrows.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqproof_model.history import Event, Header
from seqproof_model.verdict import Violation
from seqproof_reports.arrows import ARROW_STYLE, draw_arrow
from seqproof_reports.lanes import Lanes, draw_piece, joined, name, note_width, note_words, pieces, power_words
from seqproof_reports.picture import Kind, Moment, Story
from seqproof_reports.story import tell
from seqproof_reports.svg import (
    ARROW,
    FOOT,
    LINE,
    SINGLE,
    STYLE,
    Grid,
    describe,
    document,
    element,
    ground,
    label,
    polygon,
    row,
    title_width,
)
from seqproof_reports.text import between

LADDER_STYLE = ARROW_STYLE + (
    ".sq .bar{fill:var(--server)}.sq .down{stroke:var(--red);stroke-width:1.5;stroke-dasharray:2 4}"
    ".sq .linked{stroke:var(--teal);stroke-width:3}"
    ".sq .bolt{fill:var(--red);stroke:var(--paper);stroke-width:1.5;paint-order:stroke}"
    ".sq .again{stroke:var(--server);stroke-width:2}.sq .againtip{fill:var(--server)}"
    ".sq .pill{fill:var(--faint);stroke:var(--line)}.sq .edge{fill:var(--red)}"
)


def ladder_svg(events: Sequence[Event], *, header: Header, title: str = "", violation: Violation | None = None) -> str:
    """Draw the ladder of events as a standalone SVG; ``violation.event`` counts them from 1."""
    return draw(tell(events, header, violation), title=title)


def draw(story: Story, *, title: str = "") -> str:
    """Draw the ladder of a story."""
    lanes, grid = layout(story, title)
    size = (lanes.width, grid.bottom + FOOT)
    rows = pieces(story, _lane_heights(story, grid))
    rows[:1] = [[replace(piece, top=-8.0) if piece.top == 0 else piece for piece in first] for first in rows[:1]]
    body = [
        *([label(16, 24, title, class_="title")] if title else []),
        *(
            ground(moment, index, grid.tops[index], (lanes.width, grid.heights[index]))
            for index, moment in enumerate(story.moments)
        ),
        *(draw_piece(piece, lanes, 0) for piece in joined(rows, grid.tops)),
        *(
            row(moment, index, _numbered(moment, lanes, grid, grid.tops[index]))
            for index, moment in enumerate(story.moments)
        ),
        heads(story, lanes, grid.head),
    ]
    return document("ladder", size, STYLE + LADDER_STYLE, body, (title or "Ladder of events", describe(story)))


def layout(story: Story, title: str = "") -> tuple[Lanes, Grid]:
    """Place lanes and rows. The ruler uses the same rows, so the two stay in step."""
    grid = Grid(story, bool(title))
    lanes = Lanes(story, grid.gutter)
    lanes.width = max(lanes.width, title_width(title))
    if story.violation:
        state = story.violating.state if story.violating else None
        remarks = [runs for runs in (state.missing, state.repeated, state.stake) if runs] if state else []
        grid.say(story.violation.sentence, lanes.width - grid.gutter - 36, len(remarks))
    return lanes, grid


def heads(story: Story, lanes: Lanes, top: float) -> str:
    """Draw the names above the lanes."""
    return "".join(name(actor, lanes, top) for actor in story.actors)


def rows(story: Story, lanes: Lanes, grid: Grid) -> list[str]:
    """Draw each moment by itself, its lanes included, from the top 0 downward; without numbers and sentences."""
    heights = [float(grid.drawn(moment)) for moment in story.moments]
    drawn = zip(story.moments, pieces(story, heights), strict=True)
    return [
        "".join(draw_piece(piece, lanes, 0) for piece in beside) + _said(moment, lanes, grid, 0)
        for moment, beside in drawn
    ]


def _lane_heights(story: Story, grid: Grid) -> list[float]:
    """How far the lanes go beside each moment: above the sentence of a violation that ends the story."""
    heights = [float(height) for height in grid.heights]
    if heights and story.moments[-1].violating:
        heights[-1] = grid.drawn(story.moments[-1])
    elif heights:
        heights[-1] += 6
    return heights


def _numbered(moment: Moment, lanes: Lanes, grid: Grid, top: float) -> str:
    number = label(grid.gutter - 6, top + 22, between(moment.first, moment.last), "end", "num")
    callout = _callout(lanes, grid, top + grid.drawn(moment)) if moment.violating else ""
    return number + _said(moment, lanes, grid, top) + callout


def _said(moment: Moment, lanes: Lanes, grid: Grid, top: float) -> str:
    """Draw what happens in a moment."""
    if moment.arrows:
        return "".join(draw_arrow(arrow, lanes, top + ARROW * n, moment) for n, arrow in enumerate(moment.arrows))
    if power_words(moment):
        return _power(moment, lanes, top)
    return _pill(moment, lanes, grid, top)


def _power(moment: Moment, lanes: Lanes, top: float) -> str:
    """Draw a kill as a bolt in the broken lane, a restart as a turning arrow."""
    x, y = lanes.server, top + SINGLE / 2
    killed = moment.kind is Kind.KILL
    bolt = polygon([(x + 3, y - 13), (x - 6, y + 2), (x, y + 2), (x - 3, y + 13), (x + 6, y - 2), (x, y - 2)], "bolt")
    turn = element("path", d=f"M{x + 14:.1f} {y + 7:.1f}a8 8 0 1 1 6 -4", class_="again")
    turn += polygon([(x + 24, y - 1), (x + 16, y + 1), (x + 22, y + 7)], "againtip")
    class_ = "soft" if moment.kind is Kind.RESTART else "red strong"
    return (bolt if killed else turn) + label(x - 16, y + 4, power_words(moment), "end", class_)


def _pill(moment: Moment, lanes: Lanes, grid: Grid, top: float) -> str:
    """Draw what was done to the server as a label on its lane."""
    width = note_width(moment)
    x = min(max(lanes.server - width / 2, grid.gutter + 4), max(grid.gutter + 4, lanes.width - width - 8))
    box = element("rect", x=x, y=top + 8, width=width, height=24, rx=12, class_="pill")
    return box + label(x + width / 2, top + 24, note_words(moment), "middle", "bare")


def _callout(lanes: Lanes, grid: Grid, y: float) -> str:
    """Write the violation's sentence under its arrows."""
    x, height = grid.gutter, grid.callout
    box = element("rect", x=x, y=y, width=lanes.width - x - 14, height=height, rx=4, class_="callout")
    edge = element("rect", x=x, y=y + 4, width=3, height=height - 8, rx=1.5, class_="edge")
    lines = (label(x + 14, y + 18 + LINE * n, line, class_="red strong bare") for n, line in enumerate(grid.sentence))
    return box + edge + "".join(lines)
