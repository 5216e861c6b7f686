"""The seq ruler: for each moment, how every seq fares. The x axis is the account's seqs, the rows are the ladder's.

A cell is outlined once its seq is allocated and filled once it is confirmed. A disc is a row of this reply, a ring a
seq told to a sender. M on a dashed red cell is missing, R on an orange diamond repeated, ! on a red octagon at stake.
Below the cells each phone has a line over what it holds and its letter at its seq_cli; where there are many phones,
those that stand alike share a line. See ``cells.py`` for the marks and ``axis.py`` for the broken axis.
"""

from __future__ import annotations

from collections.abc import Sequence

from seqproof_model.history import Event, Header
from seqproof_model.verdict import Violation
from seqproof_reports.axis import Axis, Cell, build
from seqproof_reports.cells import CELL, CELL_STYLE, marks, octagon, patterns, sample
from seqproof_reports.cells import ground as cell_ground
from seqproof_reports.ladder import layout
from seqproof_reports.picture import PhoneState, Role, State, Story
from seqproof_reports.story import tell
from seqproof_reports.svg import (
    LINE,
    MANY,
    RULER_PHONE,
    STYLE,
    Grid,
    describe,
    document,
    element,
    ground,
    label,
    row,
    title_width,
    width_of,
)
from seqproof_reports.text import between, short, spans_text

ORIGIN = 26  # px: the place before the first seq
GAP = 28  # px: between two accounts
KEY = 136  # px: one entry of the legend
MOST_ACCOUNTS = 3
NAMED = 3  # phones of a shared line that are named

RULER_STYLE = CELL_STYLE + (
    ".sq .held{fill:var(--teal)}.sq .flag{fill:var(--teal);font-weight:700;font-size:10.5px}"
    ".sq .tick{stroke:var(--teal);stroke-width:1.5}.sq .wall{stroke:var(--ink);stroke-width:3}"
    ".sq .axis{font-size:11px}"
)


def ruler_svg(events: Sequence[Event], *, header: Header, title: str = "", violation: Violation | None = None) -> str:
    """Draw the seq ruler of events as a standalone SVG; ``violation.event`` counts them from 1."""
    return draw(tell(events, header, violation), title=title)


class Column:
    """One account's place on the ruler."""

    def __init__(self, story: Story, account: str, number: int, left: float) -> None:
        states = [state for moment in story.moments for state in moment.states if state.account == account]
        self.account = account
        self.name = f"seqs{number}"
        self.axis: Axis = build(states, story.first_seq, story.seq_max)
        self.left = left + ORIGIN
        self.right = self.left + self.axis.width
        self.phones = [actor.key for actor in story.having(Role.PHONE) if actor.account == account]
        self.titles = [f"account {short(account)}"] if len(story.accounts) > 1 else ["seqs"]
        if self.axis.prefix:
            self.titles.append(f"… is {self.axis.prefix}")
        flags = max(
            (
                self.left + self.axis.edge(p.seq_cli) + flag_width(g)
                for s in states
                for g in self.lines(s)
                for p in g[:1]
            ),
            default=0,
        )
        self.end = max(self.right + 24, flags, *(self.left - ORIGIN + 8 + width_of(title) for title in self.titles))

    def lines(self, state: State) -> list[list[PhoneState]]:
        """The phones of each line below the cells."""
        return state.alike() if len(self.phones) > MANY else [[phone] for phone in state.phones]

    def level(self, line: int, phone: PhoneState) -> int:
        """Which line a phone has: its own where there are few."""
        return line if len(self.phones) > MANY else self.phones.index(phone.actor)


class Columns(list[Column]):
    """The accounts shown: the violation's first among the most that are shown, in order of appearance."""

    def __init__(self, story: Story, left: float) -> None:
        own = story.violation.account if story.violation else ""
        ranked = sorted(story.accounts, key=lambda account: account != own)[:MOST_ACCOUNTS]
        super().__init__()
        for account in (account for account in story.accounts if account in ranked):
            self.append(Column(story, account, len(self), left))
            left = self[-1].end + GAP - 24
        self.width = self[-1].end

    def patterns(self) -> str:
        """What the cells are painted with."""
        return element("defs", "".join(patterns(column.axis, column.name) for column in self))


def draw(story: Story, *, title: str = "") -> str:
    """Draw the ruler of a story, row for row in step with its ladder."""
    _, grid = layout(story, title)
    columns = Columns(story, grid.gutter)
    key = Legend(story, grid.gutter, columns)
    width = max(columns.width, key.width, title_width(title))
    body = [
        columns.patterns(),
        *([label(16, 24, title, class_="title")] if title else []),
        heads(story, columns, grid.head),
        *(_row(story, index, columns, grid, width) for index in range(len(story.moments))),
        key.draw(grid.bottom + 14),
    ]
    size = (width, grid.bottom + 14 + key.height)
    return document("ruler", size, STYLE + RULER_STYLE, body, (title or "Seq ruler", describe(story)))


def heads(story: Story, columns: Columns, top: float) -> str:
    """Draw each account's name and axis."""
    return "".join(_axis(column, story, top) for column in columns)


def rows(story: Story, columns: Columns) -> list[str]:
    """Draw each moment by itself, from the top 0 downward; without numbers and sentences."""
    return [
        "".join(
            _beside(story, state, column, 0)
            for column in columns
            for state in moment.states
            if state.account == column.account
        )
        for moment in story.moments
    ]


def _axis(column: Column, story: Story, top: float) -> str:
    x, y = column.left - ORIGIN + 8, top + 52
    parts = [label(x, top + 14 + 14 * n, title, class_="soft bare") for n, title in enumerate(column.titles)]
    parts.append(label(column.left - 13, y, story.first_seq - 1, "middle", "num axis bare"))
    parts += [
        label(column.left + cell.x + cell.width / 2, y, cell.text, "middle", "axis bare") for cell in column.axis.cells
    ]
    if column.axis.cells[-1].high == story.seq_max:
        parts.append(element("line", x1=column.right + 2, x2=column.right + 2, y1=y - 12, y2=y + 8, class_="wall"))
    return element("g", "".join(parts))


def _row(story: Story, index: int, columns: Columns, grid: Grid, width: float) -> str:
    moment, top = story.moments[index], grid.tops[index]
    parts = [label(grid.gutter - 6, top + 22, between(moment.first, moment.last), "end", "num")]
    for column in columns:
        parts += [_beside(story, state, column, top) for state in moment.states if state.account == column.account]
    if moment.violating and moment.state:
        below = top + grid.drawn(moment)
        parts += [
            label(grid.gutter + 8, below + 18 + LINE * n, line, class_=f"{colour} strong bare")
            for n, (line, colour) in enumerate(said(moment.state))
        ]
    back = ground(moment, index, top, (width, grid.heights[index]))
    return back + row(moment, index, "".join(parts))


def said(state: State) -> list[tuple[str, str]]:
    """Say in words, beside the ladder's sentence, what the marks of the violating row mean, and in which colour."""
    found = (
        ("missing", state.missing, "red"),
        ("given again", state.repeated, "orange"),
        ("at stake", state.stake, "red"),
    )
    return [(f"{name}: seq {spans_text(runs)}", colour) for name, runs, colour in found if runs]


def _beside(story: Story, state: State, column: Column, top: float) -> str:
    """Draw an account as it stands."""
    axis, y = column.axis, top + 9
    parts = [_moved(column.left, y - 1, cell_ground(axis, state, column.name)), *marks(axis, state, y)]
    parts[1:] = [_moved(column.left, 0, "".join(parts[1:]))] if len(parts) > 1 else []
    if axis.cells[-1].high == story.seq_max:
        parts.append(element("line", x1=column.right + 2, x2=column.right + 2, y1=top + 6, y2=top + 34, class_="wall"))
    for line, phones in enumerate(column.lines(state)):
        parts.append(_phones(phones, column, top + 37 + RULER_PHONE * column.level(line, phones[0])))
    return "".join(parts) + _outside(state, column, y)


def _moved(x: float, y: float, body: str) -> str:
    return element("g", body, transform=f"translate({x:g} {y:g})")


def _outside(state: State, column: Column, y: float) -> str:
    """Mark what is at stake outside the account's space, at the ruler's edges."""
    first, last = column.axis.cells[0].low, column.axis.cells[-1].high
    parts: list[str] = []
    if any(low < first for low, _ in state.stake):
        parts.append(octagon(column.left - 14, y + CELL / 2))
    if any(high > last for _, high in state.stake):
        parts.append(octagon(column.right + 13, y + CELL / 2))
    return "".join(parts)


def _phones(phones: Sequence[PhoneState], column: Column, y: float) -> str:
    """Draw what phones hold that stand alike, and their letters at their seq_cli."""
    first = phones[0]
    parts = [
        element("rect", x=column.left + start + 3, y=y + 2, width=end - start - 6, height=4, rx=2, class_="held")
        for start, end in _runs(column.axis.within(first.holds))
    ]
    x = column.left + column.axis.edge(first.seq_cli)
    parts.append(element("line", x1=x, x2=x, y1=y - 1, y2=y + 9, class_="tick"))
    return "".join(parts) + label(x + 3, y + 8, _flag(phones), class_="flag")


def _runs(cells: Sequence[Cell]) -> list[tuple[float, float]]:
    """Where cells stand, neighbours joined."""
    runs: list[tuple[float, float]] = []
    for cell in cells:
        start = runs.pop()[0] if runs and runs[-1][1] == cell.x else cell.x
        runs.append((start, cell.x + cell.width))
    return runs


def _flag(phones: Sequence[PhoneState]) -> str:
    """Name the phones of a line; of many, the first and how many more."""
    names = [short(phone.name, 5) for phone in phones[:NAMED]]
    more = f" +{len(phones) - NAMED}" if len(phones) > NAMED else ""
    return " ".join(names) + more


def flag_width(phones: Sequence[PhoneState]) -> float:
    """What the names of a line need beside its mark."""
    return width_of(_flag(phones), 12) + 8


class Legend:
    """The key to the marks, only those that the story uses, in as many columns as fit under the axis."""

    def __init__(self, story: Story, gutter: float, columns: Columns) -> None:
        self.left = gutter
        self.items = [(kind, name) for kind, name, there in _used(story, columns) if there]
        self.columns = min(4, max(2, int((columns.width - gutter) // KEY)))
        self.width = gutter + self.columns * KEY + 8
        self.height = 26 * -(-len(self.items) // self.columns) + 10

    def draw(self, top: float) -> str:
        """Draw it from ``top`` downward."""
        parts: list[str] = []
        for index, (kind, name) in enumerate(self.items):
            x, y = self.left + KEY * (index % self.columns), top + 26 * (index // self.columns)
            parts.append(sample(kind, x, y) + label(x + 30, y + 15, name, class_="soft bare"))
        return element("g", "".join(parts))


def _used(story: Story, columns: Columns) -> list[tuple[str, str, bool]]:
    """Each mark's kind, its name, and whether it occurs."""
    states = [state for moment in story.moments for state in moment.states]
    cells = [cell for column in columns for cell in column.axis.cells]
    return [
        ("cell", "allocated", True),
        ("done", "confirmed", any(state.confirmed >= story.first_seq for state in states)),
        ("told", "told to a sender", any(state.told for state in states)),
        ("given", "in this reply", any(state.given for state in states)),
        ("held", "holds | seq_cli", any(state.phones for state in states)),
        ("miss", "missing", any(state.missing for state in states)),
        ("rep", "repeated", any(state.repeated for state in states)),
        ("stake", "at stake", any(state.stake for state in states)),
        ("broken", "several seqs", any(cell.broken for cell in cells)),
        ("wall", "end of the space", any(cell.high == story.seq_max for cell in cells)),
    ]


def legend(story: Story, columns: Columns) -> list[tuple[str, str]]:
    """The key to the marks: each drawn from the top left corner, and its name."""
    return [(sample(kind, 2, 2), name) for kind, name, there in _used(story, columns) if there]
