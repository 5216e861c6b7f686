"""The ruler's cells and marks: what each shape looks like, in the rows and in the legend.

The cells of an account are the same in every row but for how far the two marks have come. They are therefore drawn
once, as three patterns (nothing yet, allocated, confirmed), and a row lays three rectangles over them: two thousand
rows cost six thousand shapes, not two thousand times eighty.
"""

from __future__ import annotations

from collections.abc import Iterator

from seqproof_reports.axis import Axis, Cell
from seqproof_reports.picture import State
from seqproof_reports.svg import element, label, polygon
from seqproof_reports.text import contains

CELL = 22  # px: a cell's height
NONE, ALLOCATED, CONFIRMED = "none", "cell", "done"

CELL_STYLE = (
    ".sq .none{fill:var(--line)}.sq .cell{fill:var(--paper);stroke:var(--soft);stroke-width:1.2}"
    ".sq .cell.done{fill:var(--conf)}.sq .zig{stroke:var(--soft);stroke-width:1.2}"
    ".sq .given{fill:var(--blue)}.sq .told{fill:none;stroke:var(--blue);stroke-width:2}"
    ".sq .miss{fill:var(--redbg);stroke:var(--red);stroke-width:2;stroke-dasharray:4 2.5}"
    ".sq .rep{fill:var(--orangebg);stroke:var(--orange);stroke-width:2}"
    ".sq .stake{fill:var(--redbg);stroke:var(--red);stroke-width:2}"
    ".sq .mark{font-weight:750;font-size:11.5px}"
)


def patterns(axis: Axis, name: str) -> str:
    """The three looks of an account's cells, to be painted with; ``name``: unique in the page."""
    return "".join(
        element(
            "pattern",
            "".join(_ground(cell, kind) for cell in axis.cells),
            id=f"{name}-{kind}",
            width=axis.width,
            height=CELL + 2,
            patternUnits="userSpaceOnUse",
        )
        for kind in (NONE, ALLOCATED, CONFIRMED)
    )


def _ground(cell: Cell, kind: str) -> str:
    """One cell before any reply, in a pattern that begins a pixel above it."""
    if kind == NONE:
        return element("circle", cx=cell.x + cell.width / 2, cy=1 + CELL / 2, r=1.8, class_="none")
    class_ = "cell done" if kind == CONFIRMED else "cell"
    box = element("rect", x=cell.x + 2, y=1, width=cell.width - 4, height=CELL, rx=4, class_=class_)
    return box + (_zigzag(cell.x + 2, 1) if cell.broken else "")


def ground(axis: Axis, state: State, name: str) -> str:
    """Lay the cells as the two marks stand; the axis begins at 0, a pixel above the cells."""
    confirmed, allocated = axis.edge(state.confirmed), axis.edge(state.allocated)
    reach = [(CONFIRMED, 0.0, min(confirmed, allocated)), (ALLOCATED, confirmed, allocated)]
    return "".join(
        element("rect", x=start, width=end - start, height=CELL + 2, fill=f"url(#{name}-{kind})")
        for kind, start, end in [*reach, (NONE, allocated, axis.width)]
        if end > start
    )


def marks(axis: Axis, state: State, top: float) -> Iterator[str]:
    """Draw what a reply did to each seq; nothing for those it did not touch. The axis begins at 0."""
    for cell in axis.cells:
        drawn = _mark(cell, state, top)
        if drawn:
            yield drawn


def _mark(cell: Cell, state: State, y: float) -> str:
    middle, centre = cell.x + cell.width / 2, y + CELL / 2
    if contains(state.missing, cell.low):
        box = element("rect", x=cell.x + 2, y=y, width=cell.width - 4, height=CELL, rx=4, class_="miss")
        return box + letter(middle, y, "M", "red")
    if contains(state.repeated, cell.low):
        return diamond(middle, centre) + letter(middle, y, "R", "orange")
    if contains(state.stake, cell.low):
        return octagon(middle, centre)
    for kind, runs in (("given", state.given), ("told", state.told)):
        if contains(runs, cell.low):
            half = (cell.width - 18) / 2 if cell.broken else 6.0
            return element("rect", x=middle - half, y=centre - 6, width=2 * half, height=12, rx=6, class_=kind)
    return ""


def _zigzag(x: float, y: float) -> str:
    """Draw the break of a cell that stands for several seqs, at its left edge."""
    return element(
        "path", d=f"M{x + 5:.1f} {y:.1f}l-3 {CELL / 4:g}l6 {CELL / 4:g}l-6 {CELL / 4:g}l3 {CELL / 4:g}", class_="zig"
    )


def letter(x: float, y: float, sign: str, class_: str) -> str:
    """Write the letter of a mark into the cell at ``y``."""
    return label(x, y + 15.2, sign, "middle", f"mark bare {class_}")


def diamond(x: float, y: float) -> str:
    """Draw the mark of what is repeated, around its middle."""
    return polygon([(x, y - 12), (x + 12, y), (x, y + 12), (x - 12, y)], "rep")


def octagon(x: float, y: float) -> str:
    """Draw the mark of what is at stake, around its middle."""
    shape = [(-4, -10), (4, -10), (10, -4), (10, 4), (4, 10), (-4, 10), (-10, 4), (-10, -4)]
    return polygon([(x + dx, y + dy) for dx, dy in shape], "stake") + label(x, y + 4.2, "!", "middle", "mark bare red")


def sample(kind: str, x: float, y: float) -> str:
    """Draw a mark for the legend."""
    middle, centre = x + 12, y + CELL / 2
    match kind:
        case "given" | "told":
            return element("rect", x=middle - 6, y=centre - 6, width=12, height=12, rx=6, class_=kind)
        case "held":
            flag = element("line", x1=x + 14, x2=x + 14, y1=centre - 5, y2=centre + 5, class_="tick")
            bar = element("rect", x=x, y=centre - 2, width=12, height=4, rx=2, class_="held")
            return bar + flag + label(x + 17, centre + 4, "A", class_="flag")
        case "broken":
            return element("rect", x=x, y=y, width=24, height=CELL, rx=4, class_="cell") + _zigzag(x, y)
        case "wall":
            return element("line", x1=middle, x2=middle, y1=y, y2=y + CELL, class_="wall")
        case "miss":
            box = element("rect", x=x, y=y, width=24, height=CELL, rx=4, class_="miss")
            return box + letter(middle, y, "M", "red")
        case "rep":
            return diamond(middle, centre) + letter(middle, y, "R", "orange")
        case "stake":
            return octagon(middle, centre)
        case _:
            class_ = "cell done" if kind == CONFIRMED else "cell"
            return element("rect", x=x, y=y, width=24, height=CELL, rx=4, class_=class_)
