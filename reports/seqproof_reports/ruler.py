"""The seq ruler: for each moment, how every seq fares. The x axis is the account's seqs, the rows are the ladder's.

A cell is outlined once its seq is allocated and filled once it is confirmed. A disc is a row of this reply, a ring a
seq told to a sender. M on a dashed red cell is missing, R on an orange diamond repeated, ! on a red octagon at stake.
Below the cells each phone has a line over what it holds and its letter at its seq_cli.
"""

from __future__ import annotations

from collections.abc import Sequence

from seqproof_model.history import Event, Header
from seqproof_model.verdict import Violation
from seqproof_reports.axis import Axis, Cell, build
from seqproof_reports.ladder import layout
from seqproof_reports.picture import PhoneState, Role, State, Story
from seqproof_reports.story import tell
from seqproof_reports.svg import (
    LINE,
    RULER_PHONE,
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
from seqproof_reports.text import between, contains, short, spans_text

ORIGIN = 26  # px: the place before the first seq
GAP = 28  # px: between two accounts
CELL = 22  # px: a cell's height
KEY = 136  # px: one entry of the legend
MOST_ACCOUNTS = 3

RULER_STYLE = (
    ".sq .none{fill:var(--line)}.sq .cell{fill:var(--paper);stroke:var(--soft);stroke-width:1.2}"
    ".sq .cell.done{fill:var(--conf)}.sq .zig{stroke:var(--soft);stroke-width:1.2}"
    ".sq .given{fill:var(--blue)}.sq .told{fill:none;stroke:var(--blue);stroke-width:2}"
    ".sq .miss{fill:var(--redbg);stroke:var(--red);stroke-width:2;stroke-dasharray:4 2.5}"
    ".sq .rep{fill:var(--orangebg);stroke:var(--orange);stroke-width:2}"
    ".sq .stake{fill:var(--redbg);stroke:var(--red);stroke-width:2}"
    ".sq .held{fill:var(--teal)}.sq .flag{fill:var(--teal);font-weight:700;font-size:10.5px}"
    ".sq .tick{stroke:var(--teal);stroke-width:1.5}.sq .wall{stroke:var(--ink);stroke-width:3}"
    ".sq .mark{font-weight:750;font-size:11.5px}.sq .axis{font-size:11px}"
)


def ruler_svg(events: Sequence[Event], *, header: Header, title: str = "", violation: Violation | None = None) -> str:
    """Draw the seq ruler of events as a standalone SVG; ``violation.event`` counts them from 1."""
    return draw(tell(events, header, violation), title=title)


class Column:
    """One account's place on the ruler."""

    def __init__(self, story: Story, account: str, left: float) -> None:
        states = [state for moment in story.moments for state in moment.states if state.account == account]
        self.account = account
        self.axis: Axis = build(states, story.first_seq, story.seq_max)
        self.left = left + ORIGIN
        self.right = self.left + self.axis.width
        self.phones = [actor.key for actor in story.having(Role.PHONE) if actor.account == account]


def draw(story: Story, *, title: str = "") -> str:
    """Draw the ruler of a story, row for row in step with its ladder."""
    _, grid = layout(story, title)
    columns = _columns(story, grid.gutter)
    legend = _Legend(story, grid.gutter, columns[-1].right)
    width = max(columns[-1].right + 24, legend.width, title_width(title))
    body = [
        *([label(16, 24, title, class_="title")] if title else []),
        *(_axis(column, story, grid) for column in columns),
        *(_row(story, index, columns, grid, width) for index in range(len(story.moments))),
        legend.draw(grid.bottom + 14),
    ]
    size = (width, grid.bottom + 14 + legend.height)
    return document("ruler", size, STYLE + RULER_STYLE, body, (title or "Seq ruler", describe(story)))


def _columns(story: Story, gutter: float) -> list[Column]:
    """The accounts shown: the violation's first among the most that are shown, in order of appearance."""
    own = story.violation.account if story.violation else ""
    ranked = sorted(story.accounts, key=lambda account: account != own)[:MOST_ACCOUNTS]
    columns: list[Column] = []
    left = float(gutter)
    for account in (account for account in story.accounts if account in ranked):
        columns.append(Column(story, account, left))
        left = columns[-1].right + GAP
    return columns


def _axis(column: Column, story: Story, grid: Grid) -> str:
    y = grid.top - 10
    named = f"account {short(column.account)}: seqs" if len(story.accounts) > 1 else "seqs"
    if column.axis.prefix:
        named += f", … is {column.axis.prefix}"
    parts = [
        label(column.left - ORIGIN + 8, grid.head + 24, named, class_="soft bare"),
        label(column.left - 13, y, story.first_seq - 1, "middle", "num axis bare"),
    ]
    for cell in column.axis.cells:
        parts.append(label(column.left + cell.x + cell.width / 2, y, cell.text, "middle", "axis bare"))
        if cell.high == story.seq_max:
            parts.append(label(column.left + cell.x + cell.width, y - 14, "seq_max", "end", "num bare"))
    return element("g", "".join(parts))


def _row(story: Story, index: int, columns: Sequence[Column], grid: Grid, width: float) -> str:
    moment, top = story.moments[index], grid.tops[index]
    parts = [label(grid.gutter - 6, top + 22, between(moment.first, moment.last), "end", "num")]
    for column in columns:
        state = next(state for state in moment.states if state.account == column.account)
        parts.extend(_cell(cell, state, column.left, top + 9) for cell in column.axis.cells)
        if column.axis.cells[-1].high == story.seq_max:
            parts.append(
                element("line", x1=column.right + 2, x2=column.right + 2, y1=top + 6, y2=top + 34, class_="wall")
            )
        levels = (top + 37 + RULER_PHONE * column.phones.index(phone.actor) for phone in state.phones)
        parts.extend(_phone(phone, column, level) for phone, level in zip(state.phones, levels, strict=True))
        parts.append(_before(state, column, top + 9))
    if moment.violating and moment.state:
        parts.append(_said(moment.state, grid, top + grid.drawn(moment)))
    back = ground(moment, index, top, (width, grid.heights[index]))
    return back + row(moment, index, "".join(parts))


def _said(state: State, grid: Grid, top: float) -> str:
    """Say in words, beside the ladder's sentence, what the marks of the violating row mean."""
    found = (
        ("missing", state.missing, "red"),
        ("given again", state.repeated, "orange"),
        ("at stake", state.stake, "red"),
    )
    said = [(f"{name}: seq {spans_text(runs)}", colour) for name, runs, colour in found if runs]
    return "".join(
        label(grid.gutter + 8, top + 18 + LINE * n, line, class_=f"{colour} strong bare")
        for n, (line, colour) in enumerate(said)
    )


def _before(state: State, column: Column, y: float) -> str:
    """Mark what is at stake outside the account's space, at the ruler's edges."""
    first, last = column.axis.cells[0].low, column.axis.cells[-1].high
    parts: list[str] = []
    if any(low < first for low, _ in state.stake):
        parts.append(_octagon(column.left - 14, y + CELL / 2))
    if any(high > last for _, high in state.stake):
        parts.append(_octagon(column.right + 13, y + CELL / 2))
    return "".join(parts)


def _cell(cell: Cell, state: State, left: float, y: float) -> str:
    """Draw one cell: first the server's view of it, then what this reply did."""
    x, width = left + cell.x, cell.width
    middle, centre = x + width / 2, y + CELL / 2
    if contains(state.missing, cell.low):
        return element("rect", x=x + 2, y=y, width=width - 4, height=CELL, rx=4, class_="miss") + _letter(
            middle, y, "M", "red"
        )
    parts: list[str] = []
    if state.allocated < cell.low:
        parts.append(element("circle", cx=middle, cy=centre, r=1.8, class_="none"))
    else:
        done = " done" if cell.low <= state.confirmed else ""
        parts.append(element("rect", x=x + 2, y=y, width=width - 4, height=CELL, rx=4, class_=f"cell{done}"))
    if cell.broken and state.allocated >= cell.low:
        parts.append(_zigzag(x + 2, y))
    half = (width - 18) / 2 if cell.broken else 6.0
    if contains(state.repeated, cell.low):
        parts.append(_diamond(middle, centre) + _letter(middle, y, "R", "orange"))
    elif contains(state.stake, cell.low):
        parts.append(_octagon(middle, centre))
    elif contains(state.given, cell.low):
        parts.append(element("rect", x=middle - half, y=centre - 6, width=2 * half, height=12, rx=6, class_="given"))
    elif contains(state.told, cell.low):
        parts.append(element("rect", x=middle - half, y=centre - 6, width=2 * half, height=12, rx=6, class_="told"))
    return "".join(parts)


def _zigzag(x: float, y: float) -> str:
    """Draw the break of a cell that stands for several seqs, at its left edge."""
    return element(
        "path", d=f"M{x + 5:.1f} {y:.1f}l-3 {CELL / 4:g}l6 {CELL / 4:g}l-6 {CELL / 4:g}l3 {CELL / 4:g}", class_="zig"
    )


def _letter(x: float, y: float, letter: str, class_: str) -> str:
    return label(x, y + 15.2, letter, "middle", f"mark bare {class_}")


def _diamond(x: float, y: float) -> str:
    return polygon([(x, y - 12), (x + 12, y), (x, y + 12), (x - 12, y)], "rep")


def _octagon(x: float, y: float) -> str:
    shape = [(-4, -10), (4, -10), (10, -4), (10, 4), (4, 10), (-4, 10), (-10, 4), (-10, -4)]
    return polygon([(x + dx, y + dy) for dx, dy in shape], "stake") + label(x, y + 4.2, "!", "middle", "mark bare red")


def _phone(phone: PhoneState, column: Column, y: float) -> str:
    """Draw what a phone holds, and its letter at its seq_cli."""
    parts = [
        element("rect", x=column.left + cell.x + 3, y=y + 2, width=cell.width - 6, height=4, rx=2, class_="held")
        for cell in column.axis.within(phone.holds)
    ]
    x = column.left + column.axis.edge(phone.seq_cli)
    parts.append(element("line", x1=x, x2=x, y1=y - 1, y2=y + 9, class_="tick"))
    parts.append(label(x + 3, y + 8, short(phone.name, 5), class_="flag"))
    return "".join(parts)


class _Legend:
    """The key to the marks, only those that the story uses, in as many columns as fit under the axis."""

    def __init__(self, story: Story, gutter: float, right: float) -> None:
        self.left = gutter
        states = [state for moment in story.moments for state in moment.states]
        used = [
            ("cell", "allocated", True),
            ("done", "confirmed", any(state.confirmed >= story.first_seq for state in states)),
            ("told", "told to a sender", any(state.told for state in states)),
            ("given", "in this reply", any(state.given for state in states)),
            ("held", "holds | seq_cli", any(state.phones for state in states)),
            ("miss", "missing", any(state.missing for state in states)),
            ("rep", "repeated", any(state.repeated for state in states)),
            ("stake", "at stake", any(state.stake for state in states)),
        ]
        self.items = [(kind, name) for kind, name, there in used if there]
        self.columns = min(4, max(2, int((right - gutter) // KEY)))
        self.width = gutter + self.columns * KEY + 8
        self.height = 26 * -(-len(self.items) // self.columns) + 10

    def draw(self, top: float) -> str:
        """Draw it from ``top`` downward."""
        parts: list[str] = []
        for index, (kind, name) in enumerate(self.items):
            x, y = self.left + KEY * (index % self.columns), top + 26 * (index // self.columns)
            parts.append(_sample(kind, x, y) + label(x + 30, y + 15, name, class_="soft bare"))
        return element("g", "".join(parts))


def _sample(kind: str, x: float, y: float) -> str:
    cell = element("rect", x=x, y=y, width=24, height=CELL, rx=4, class_="cell done" if kind == "done" else "cell")
    middle, centre = x + 12, y + CELL / 2
    match kind:
        case "given" | "told":
            return element("rect", x=middle - 6, y=centre - 6, width=12, height=12, rx=6, class_=kind)
        case "held":
            flag = element("line", x1=x + 14, x2=x + 14, y1=centre - 5, y2=centre + 5, class_="tick")
            return (
                element("rect", x=x, y=centre - 2, width=12, height=4, rx=2, class_="held")
                + flag
                + label(x + 17, centre + 4, "A", class_="flag")
            )
        case "miss":
            return element("rect", x=x, y=y, width=24, height=CELL, rx=4, class_="miss") + _letter(
                middle, y, "M", "red"
            )
        case "rep":
            return _diamond(middle, centre) + _letter(middle, y, "R", "orange")
        case "stake":
            return _octagon(middle, centre)
        case _:
            return cell
