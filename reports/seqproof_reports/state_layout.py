"""Where the boxes, names and lines of a state graph stand: geometry only, no text and no colour.

The picture has columns. Every second one holds a layer of boxes; those between hold the names of lines. A line to the
next layer passes one name column. A line back begins at its box' front, passes name columns and layers, one place in
each, and ends at the back of a box. A line within a layer turns round at its name. Within a column all lines run
straight, so they meet nothing there; they bend and cross only in the gutters between columns.

Everything is computed along (``u``) and across (``v``) the way the layers go, and turned into x and y at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from seqproof_reports.layered import arrange

Point = tuple[float, float]
Size = tuple[float, float]
"""Width and height, in px."""

GUTTER = (26.0, 120.0)  # px: between two columns, least and most
SLOPE = 0.16  # px of gutter for each px that a line in it moves across
PASSING = 9.0  # px: what a line takes of a column that it only passes
PORT = 12.0  # px: between two lines at one side of a box, where there is room
AIR = 4.0  # px: between a line and its name
TIP = 8.0  # px: an arrow's head


@dataclass(frozen=True)
class _Air:
    """What depends on the direction, in px: between boxes, between names, half of a turn."""

    boxes: float
    names: float
    turn: float


RIGHT = _Air(boxes=18, names=5, turn=4)
DOWN = _Air(boxes=22, names=14, turn=7)


@dataclass(frozen=True)
class Line:
    """A line from one box to another, ``name`` wide and high."""

    source: int
    target: int
    name: Size


@dataclass(frozen=True)
class Route:
    """A line's way as SVG path data, the middle of its name, its tip and the direction in which the tip points."""

    path: str
    name: Point
    tip: Point
    towards: Point


@dataclass(frozen=True)
class Layout:
    """Each box' middle and size, each line's route, and the whole's size. The topmost, leftmost thing begins at 0."""

    boxes: list[Point]
    sizes: list[Size]
    routes: list[Route]
    size: Size


def lay_out(sizes: Sequence[Size], lines: Sequence[Line], depths: Sequence[int], *, down: bool) -> Layout:
    """Lay out boxes in layers by depth (a line leads one layer on at most), to the right or ``down``."""
    return _Board(sizes, lines, depths, down).layout()


class _Board:
    """Columns of things: the boxes by their numbers, then a name or a passing for each column that a line passes."""

    def __init__(self, sizes: Sequence[Size], lines: Sequence[Line], depths: Sequence[int], down: bool) -> None:
        self._down = down
        self._air = DOWN if down else RIGHT
        self._lines = lines
        self._boxes = range(len(sizes))
        self._columns: list[list[int]] = [[] for _ in range(2 * max(depths) + 2)]
        self._column: list[int] = []
        self._along: list[float] = []
        self._room: list[float] = []  # across, margins included
        for size, depth in zip(sizes, depths, strict=True):
            self._add(2 * depth, size, self._air.boxes)
        self._chains: list[list[int]] = []  # the things that each line passes, in its direction
        self._names: list[int] = []  # the one of them that is its name
        for line in lines:
            columns = self._passed(line)
            named = min(columns[::2], key=lambda column: len(self._columns[column]))
            chain = [self._add(c, line.name if c == named else None, self._air.names) for c in columns]
            self._chains.append(chain)
            self._names.append(chain[columns.index(named)])
        ways = [(line.source, *chain, line.target) for line, chain in zip(lines, self._chains, strict=True)]
        links = [self._forward(*link) for way in ways for link in pairwise(way)]
        stiff = {thing for chain in self._chains for thing in chain}  # long lines are to run straight
        self._v = arrange(self._columns, links, self._room, stiff)
        self._spans = self._spread(links)
        self._ports = self._spaced_ports()

    def _add(self, column: int, size: Size | None, margin: float) -> int:
        """Put a new thing into a column; without a size, a mere passing."""
        along, across = (0.0, PASSING - margin) if size is None else self._at(*size)
        self._columns[column].append(len(self._column))
        self._column.append(column)
        self._along.append(along)
        self._room.append(across + margin)
        return len(self._column) - 1

    def _at(self, u: float, v: float) -> Point:
        """From along and across to x and y, and back."""
        return (v, u) if self._down else (u, v)

    def _passed(self, line: Line) -> list[int]:
        """The columns between a line's ends; for a line within a layer, the one behind it."""
        here, there = self._column[line.source], self._column[line.target]
        return list(range(here - 1, there, -1)) if there < here else [here + 1]

    def _forward(self, one: int, other: int) -> tuple[int, int]:
        return (one, other) if self._column[one] < self._column[other] else (other, one)

    def _spread(self, links: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
        """Where each column begins and ends; a gutter is the wider, the farther its lines move across."""
        moves: dict[int, float] = defaultdict(float)
        for left, right in links:
            gutter = self._column[left]
            moves[gutter] = max(moves[gutter], abs(self._v[left] - self._v[right]))
        spans: list[tuple[float, float]] = []
        begin = 0.0
        for number, column in enumerate(self._columns):
            end = begin + max((self._along[thing] for thing in column), default=0.0)
            spans.append((begin, end))
            begin = end + (min(GUTTER[1], GUTTER[0] + SLOPE * moves[number]) if number in moves else 0)
        return spans

    def _spaced_ports(self) -> dict[tuple[int, int], float]:
        """The ``v`` of each line's two ends: spread over the box' side, in the order of where they come from."""
        sides: dict[tuple[int, bool], list[tuple[float, int, int]]] = defaultdict(list)
        for number, (line, chain) in enumerate(zip(self._lines, self._chains, strict=True)):
            for end, box, thing in ((0, line.source, chain[0]), (1, line.target, chain[-1])):
                sides[box, self._column[thing] > self._column[box]].append((self._v[thing], number, end))
        ports: dict[tuple[int, int], float] = {}
        for (box, _), ends in sides.items():
            step = min(PORT, 0.85 * (self._room[box] - self._air.boxes) / len(ends))
            for place, (_, number, end) in enumerate(sorted(ends)):
                ports[number, end] = self._v[box] + (place - (len(ends) - 1) / 2) * step
        return ports

    def layout(self) -> Layout:
        """Turn what was found into x and y."""
        middles = [self._at(self._middle(box), self._v[box]) for box in self._boxes]
        sizes = [self._at(self._length(box), self._room[box] - self._air.boxes) for box in self._boxes]
        size = self._at(self._spans[-1][1], max(v + room / 2 for v, room in zip(self._v, self._room, strict=True)))
        return Layout(middles, sizes, [self._route(number) for number in range(len(self._lines))], size)

    def _middle(self, thing: int) -> float:
        return sum(self._spans[self._column[thing]]) / 2

    def _length(self, box: int) -> float:
        """The boxes of a layer are equally long, so that lines begin and end alike."""
        begin, end = self._spans[self._column[box]]
        return end - begin

    def _route(self, number: int) -> Route:
        line, chain, name = self._lines[number], self._chains[number], self._names[number]
        back = self._column[chain[0]] < self._column[line.source]
        sign, near, far = (-1, 1, 0) if back else (1, 0, 1)
        half = self._along[name] / 2 + AIR
        pen = _Pen(self._at, self._spans[self._column[line.source]][far], self._ports[number, 0])
        if self._column[line.source] == self._column[line.target]:
            downward = self._ports[number, 1] > self._ports[number, 0]
            pen.turn(self._middle(name) - half, self._v[name], self._air.turn if downward else -self._air.turn)
            sign, near = -1, 1
        else:
            for thing in chain:
                pen.curve(self._spans[self._column[thing]][near], self._v[thing])
                if thing == name:
                    pen.line(self._middle(name) - sign * half)
                    pen.move(self._middle(name) + sign * half)
                pen.line(self._spans[self._column[thing]][far])
        end, port = self._spans[self._column[line.target]][near], self._ports[number, 1]
        pen.curve(end - sign * TIP, port)
        return Route(pen.path, self._at(self._middle(name), self._v[name]), self._at(end, port), self._at(sign, 0))


class _Pen:
    """Writes SVG path data from ``u`` and ``v``."""

    def __init__(self, at: Callable[[float, float], Point], u: float, v: float) -> None:
        self._at = at
        self._u: float = u
        self._v: float = v
        self.path = f"M{self._written(u, v)}"

    def _written(self, u: float, v: float) -> str:
        return " ".join(f"{value:.1f}".removesuffix(".0") for value in self._at(u, v))

    def curve(self, u: float, v: float) -> None:
        """Swing over to (u, v); both ends run along the layers' way."""
        half = (self._u + u) / 2
        self.path += f"C{self._written(half, self._v)} {self._written(half, v)} {self._written(u, v)}"
        self._u, self._v = u, v

    def turn(self, u: float, v: float, away: float) -> None:
        """Swing over to (u, v) and turn round there, from ``away`` px above v to as much below."""
        begin = u - abs(away)
        self.curve(begin, v - away)
        self.path += f"C{self._written(u, v - away)} {self._written(u, v + away)} {self._written(begin, v + away)}"
        self._v = v + away

    def line(self, u: float) -> None:
        """Go straight on to u."""
        if u != self._u:
            self._u = u
            self.path += f"L{self._written(u, self._v)}"

    def move(self, u: float) -> None:
        """Lift the pen and go on at u."""
        self._u = u
        self.path += f"M{self._written(u, self._v)}"
