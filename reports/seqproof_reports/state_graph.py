"""A picture of a small state graph: states as boxes, layer by layer as many steps as they are away from the start.

A step leads one layer on at most, for the layers are the breadth-first depths. So a way on goes from one layer to the
next, and only ways back are long. Names of steps need as much room as states do: each gets a place of its own in a
layer between the states' layers, so no line runs through a name and no name covers another. Steps between the same two
states share one line, with a name a row. A step that changes nothing is listed inside its state.

The layers go from left to right, or downwards where that fits a page better: texts are wide and flat.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from seqproof_model.engines.graph import Graph
from seqproof_reports.state_layout import Layout, Line, Point, Route, Size, lay_out
from seqproof_reports.svg import STYLE, document, element, label, polygon, text, title_width, width_of
from seqproof_reports.text import plural, short

MOST_STATES = 150
MOST_LINES = 1_000  # lines between states, after merging

ROW = 15.0  # px: one row of text
SIZE = 11.0  # px: the texts' size
LONGEST = 28  # characters of a row
PADDING = (10.0, 8.0)  # px: a box' air, left and right, above and below
LOOP = 15.0  # px: the sign before a step that changes nothing
EDGE = 24.0  # px: around the picture
ENTRY = 22.0  # px: the arrow that marks the initial state
PAGE = (1600.0, 1800.0)  # px: AUTO takes the direction that has to be shrunk less to fit this
#: Kinds take these in the order in which they appear; there are light and dark shades of each.
COLOURS = ("blue", "teal", "orange", "violet", "olive", "pink", "server", "soft")
MORE_LIGHT = "--violet:#7a3bb8;--olive:#5d6600;--pink:#b01f7d"
MORE_DARK = "--violet:#c9a2ff;--olive:#c3cf58;--pink:#ff8fd0"

GRAPH_STYLE = (
    f":root,svg.sq{{{MORE_LIGHT}}}@media(prefers-color-scheme:dark){{:root,svg.sq{{{MORE_DARK}}}}}"
    + "".join(f".states .k{number}{{color:var(--{name})}}" for number, name in enumerate(COLOURS))
    + ".states text{font-size:11px}.states text.title{font-size:15px}.states .mix{color:var(--soft)}"
    ".states .name{fill:currentColor}.states .way{stroke:currentColor;stroke-width:1.3}"
    ".states .tip{fill:currentColor}.states .on{color:var(--red)}.states .on .way{stroke-width:2.6}"
    ".states .go:hover .way{stroke-width:3}"
    ".states .on .name{font-weight:650}.states .dim .way,.states .dim .tip{opacity:.45}.states .dim .name{opacity:.75}"
    ".states .state{fill:var(--faint);stroke:var(--server);stroke-width:1.2}"
    ".states .first .state{stroke-width:2.6}.states .walked .state{stroke:var(--red);stroke-width:2.2}"
    ".states .bad .state{fill:var(--redbg);stroke:var(--red);stroke-width:2.2}"
    ".states .rule{stroke:var(--line);stroke-width:1}.states .entry{color:var(--ink)}"
    ".states .badge{fill:var(--red)}.states .cross{stroke:var(--paper);stroke-width:2;stroke-linecap:round}"
)


class Direction(Enum):
    """Where the layers go. ``AUTO``: whichever fits a page better."""

    AUTO = "auto"
    RIGHT = "right"
    DOWN = "down"


@dataclass(frozen=True)
class Box:
    """A state: its rows of text, the first one strong; whether it violates something."""

    rows: tuple[str, ...]
    violating: bool = False


@dataclass(frozen=True)
class Step:
    """A step between two states, numbered by their place in ``StateGraph.states``; ``kind`` chooses the colour."""

    source: int
    target: int
    name: str
    kind: str


@dataclass(frozen=True)
class StateGraph:
    """What is drawn. State 0 is the initial one. ``path``: the steps to show, by their place in ``steps``."""

    states: tuple[Box, ...]
    steps: tuple[Step, ...]
    path: tuple[int, ...] = ()


def from_model(
    graph: Graph,
    rows: Callable[[int], Sequence[str]],
    kind: Callable[[str], str],
    *,
    violating: Iterable[int] = (),
    path: Iterable[int] = (),
) -> StateGraph:
    """Take over an explored graph: ``rows`` tells a state's text, ``kind`` the kind of a step's name.

    ``violating``: states; ``path``: edge indices. Raises ``ValueError`` for more than ``MOST_STATES`` states.
    """
    _refuse(graph.size, "states", MOST_STATES)
    bad = set(violating)
    edges: Iterable[tuple[int, int, int]] = zip(
        graph.source.tolist(), graph.target.tolist(), graph.label.tolist(), strict=True
    )
    steps = (Step(s, t, graph.names[number], kind(graph.names[number])) for s, t, number in edges)
    boxes = (Box(tuple(rows(state)), state in bad) for state in range(graph.size))
    return StateGraph(tuple(boxes), tuple(steps), tuple(path))


def state_graph_svg(graph: StateGraph, *, title: str = "", direction: Direction = Direction.AUTO) -> str:
    """Draw the graph as a standalone SVG.

    Raises ``ValueError`` for more than ``MOST_STATES`` states or ``MOST_LINES`` lines, or for a state that no steps
    lead to from state 0.
    """
    _refuse(len(graph.states), "states", MOST_STATES)
    depths = _depths(graph)
    merged = _merged(graph)
    _refuse(len(merged), "lines", MOST_LINES)
    return _Picture(graph, merged, depths).svg(title, direction)


def _refuse(count: int, noun: str, most: int) -> None:
    if count > most:
        raise ValueError(f"nobody can read a picture of {count} {noun}, at most {most} are drawn: take a smaller scope")


def _depths(graph: StateGraph) -> list[int]:
    """How many steps each state is away from state 0."""
    onward: dict[int, list[int]] = defaultdict(list)
    for step in graph.steps:
        onward[step.source].append(step.target)
    depths = {0: 0}
    queue = deque([0])
    while queue:
        here = queue.popleft()
        for there in onward[here]:
            if there not in depths:
                depths[there] = depths[here] + 1
                queue.append(there)
    for state in range(len(graph.states)):
        if state not in depths:
            raise ValueError(f"no steps lead from state 0 to state {state}: leave it out of the picture")
    return [depths[state] for state in range(len(graph.states))]


def _merged(graph: StateGraph) -> dict[tuple[int, int], list[int]]:
    """The steps of each line between two different states."""
    merged: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, step in enumerate(graph.steps):
        if step.source != step.target:
            merged[step.source, step.target].append(number)
    return merged


class _Picture:
    """One graph's texts and colours, and how much room they take."""

    def __init__(self, graph: StateGraph, merged: dict[tuple[int, int], list[int]], depths: list[int]) -> None:
        self._graph = graph
        self._depths = depths
        self._merged = merged
        self._kinds = list(dict.fromkeys(step.kind for step in graph.steps))
        self._loops: dict[int, list[int]] = defaultdict(list)
        for number, step in enumerate(graph.steps):
            if step.source == step.target:
                self._loops[step.source].append(number)
        self._places: dict[int, list[str]] = defaultdict(list)  # where in the path a step stands, counted from 1
        self._walked: set[int] = set()
        for place, number in enumerate(graph.path, 1):
            self._places[number].append(str(place))
            self._walked |= {graph.steps[number].source, graph.steps[number].target}

    def svg(self, title: str, direction: Direction) -> str:
        layout = self._layout(direction)
        width, height = layout.size
        legend, legend_width = self._legend()
        top = EDGE + (26 if title else 0)
        whole = max(width + ENTRY + 2 * EDGE, title_width(title), 2 * EDGE + legend_width)
        left, below = (whole - width + ENTRY) / 2, top + 34
        lines = sorted(zip(self._merged.values(), layout.routes, strict=True), key=lambda line: self._on(line[0]))
        inner = [
            *(self._line(numbers, route) for numbers, route in lines),
            *(self._box(state, layout) for state in range(len(self._graph.states))),
            _entry(layout.boxes[0], layout.sizes[0]),
        ]
        body = [
            *([label(16, 28, title, class_="title")] if title else []),
            element("g", "".join(legend), transform=f"translate({EDGE:.0f} {top:.0f})"),
            element("g", "\n".join(inner), transform=f"translate({left:.0f} {below:.0f})"),
        ]
        return document(
            "states",
            (whole, below + height + EDGE),
            STYLE + GRAPH_STYLE,
            body,
            (title or "State graph", self._described()),
        )

    def _layout(self, direction: Direction) -> Layout:
        sizes = [self._box_size(state) for state in range(len(self._graph.states))]
        lines = [Line(s, t, self._name_size(numbers)) for (s, t), numbers in self._merged.items()]
        downs = {Direction.RIGHT: [False], Direction.DOWN: [True], Direction.AUTO: [False, True]}[direction]
        layouts = [lay_out(sizes, lines, self._depths, down=down) for down in downs]
        return min(layouts, key=lambda layout: max(layout.size[0] / PAGE[0], layout.size[1] / PAGE[1]))

    def _words(self, number: int) -> str:
        """A step's name, after its places in the path."""
        name = short(self._graph.steps[number].name, LONGEST)
        return f"{','.join(self._places[number])}. {name}" if number in self._places else name

    def _name_size(self, numbers: Sequence[int]) -> Size:
        return max(width_of(self._words(number), SIZE) for number in numbers), ROW * len(numbers)

    def _box_size(self, state: int) -> Size:
        rows = self._graph.states[state].rows
        loops = self._loops[state]
        widths = [width_of(short(row, LONGEST), SIZE) for row in rows]
        widths += [LOOP + width_of(self._words(number), SIZE) for number in loops]
        height = ROW * (len(rows) + len(loops)) + (7 if rows and loops else 0)
        return max(widths, default=0) + 2 * PADDING[0], height + 2 * PADDING[1]

    def _kind(self, number: int) -> str:
        """The class that colours a step."""
        return (
            "on" if number in self._places else f"k{self._kinds.index(self._graph.steps[number].kind) % len(COLOURS)}"
        )

    def _on(self, numbers: Sequence[int]) -> bool:
        """Whether the path takes one of the steps."""
        return any(number in self._places for number in numbers)

    def _line(self, numbers: Sequence[int], route: Route) -> str:
        kinds = {self._kind(number) for number in numbers}
        on = self._on(numbers)
        colour = "on" if on else kinds.pop() if len(kinds) == 1 else "mix"
        x, y = route.name
        top = y - ROW * (len(numbers) - 1) / 2 + SIZE * 0.36
        names = "".join(
            element("g", label(x, top + ROW * row, self._words(number), "middle", "name"), class_=self._kind(number))
            for row, number in enumerate(numbers)
        )
        step = self._graph.steps[numbers[0]]
        told = ", ".join(self._graph.steps[number].name for number in numbers)
        way = element("path", d=route.path, class_="way") + _tip(route.tip, route.towards)
        return element(
            "g",
            element("title", text(f"{step.source} → {step.target}: {told}")) + element("g", way, class_=colour) + names,
            class_="go dim" if self._graph.path and not on else "go",
        )

    def _box(self, state: int, layout: Layout) -> str:
        (x, y), (width, height) = layout.boxes[state], layout.sizes[state]
        box = self._graph.states[state]
        parts = [element("rect", x=x - width / 2, y=y - height / 2, width=width, height=height, rx=8, class_="state")]
        base = y - self._box_size(state)[1] / 2 + PADDING[1] + SIZE
        for row, words in enumerate(box.rows):
            parts.append(label(x, base, short(words, LONGEST), "middle", "bare" if row else "strong bare"))
            base += ROW
        if box.rows and self._loops[state]:
            rule = base - SIZE + 1.5
            parts.append(element("line", x1=x - width / 2 + 6, x2=x + width / 2 - 6, y1=rule, y2=rule, class_="rule"))
            base += 7
        for number in self._loops[state]:
            parts.append(self._loop(number, x, base))
            base += ROW
        if box.violating:
            parts.append(_badge(x + width / 2 - 2, y - height / 2 + 2))
        marks = ((state == 0, "first"), (state in self._walked, "walked"), (box.violating, "bad"))
        return element("g", "".join(parts), class_=" ".join(name for holds, name in marks if holds) or None)

    def _loop(self, number: int, x: float, base: float) -> str:
        """Write a step that changes nothing, after the sign of a turning arrow."""
        words = self._words(number)
        left = x - (LOOP + width_of(words, SIZE)) / 2
        turn = element("path", d=f"M{left + 9:.1f} {base - 6.5:.1f}a4 4 0 1 0 -.6 4.6", class_="way")
        tip = polygon([(left + 11.4, base - 7.2), (left + 6.2, base - 6.6), (left + 10, base - 2.9)], "tip")
        return element("g", turn + tip + label(left + LOOP, base, words, class_="name bare"), class_=self._kind(number))

    def _legend(self) -> tuple[list[str], float]:
        """What the colours and marks mean, in one row; and how wide it is."""
        parts: list[str] = []
        x = 0.0
        for number, kind in enumerate(self._kinds):
            line = element("line", x1=x, x2=x + 18, y1=0, y2=0, class_="way")
            parts.append(element("g", line + label(x + 23, 4, kind, class_="name"), class_=f"k{number % len(COLOURS)}"))
            x += 23 + width_of(kind, SIZE) + 16
        if any(box.violating for box in self._graph.states):
            parts.append(_badge(x + 8, 0) + label(x + 20, 4, "violating state", class_="red"))
            x += 20 + width_of("violating state", SIZE) + 16
        if self._graph.path:
            line = element("line", x1=x, x2=x + 18, y1=0, y2=0, class_="way")
            parts.append(element("g", line + label(x + 23, 4, "1. the path, step by step", class_="name"), class_="on"))
            x += 23 + width_of("1. the path, step by step", SIZE) + 16
        return parts, x

    def _described(self) -> str:
        graph = self._graph
        counted = f"{plural(len(graph.states), 'state')}, {plural(len(graph.steps), 'step')}."
        steps = (graph.steps[number] for number in graph.path)
        path = "; ".join(f"{step.name} from state {step.source} to state {step.target}" for step in steps)
        bad = ", ".join(str(state) for state, box in enumerate(graph.states) if box.violating)
        return counted + (f" Path: {path}." if path else "") + (f" Violating: state {bad}." if bad else "")


def _tip(tip: Point, towards: Point) -> str:
    (x, y), (dx, dy) = tip, towards
    back = (x - 9 * dx, y - 9 * dy)
    return polygon([tip, (back[0] + 4 * dy, back[1] + 4 * dx), (back[0] - 4 * dy, back[1] - 4 * dx)], "tip")


def _entry(middle: Point, size: Size) -> str:
    """Mark the initial state: an arrow from a dot."""
    x, y = middle[0] - size[0] / 2, middle[1]
    dot = element("circle", cx=x - ENTRY, cy=y, r=3.5, class_="tip")
    shaft = element("line", x1=x - ENTRY, x2=x - 8, y1=y, y2=y, class_="way")
    return element("g", element("title", "initial state") + dot + shaft + _tip((x, y), (1, 0)), class_="entry")


def _badge(x: float, y: float) -> str:
    cross = element("path", d=f"M{x - 2.8:.1f} {y - 2.8:.1f}l5.6 5.6m0 -5.6l-5.6 5.6", class_="cross")
    return element("circle", cx=x, cy=y, r=7, class_="badge") + cross
