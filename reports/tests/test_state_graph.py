"""The state graph's picture: whole and safe SVG, and nothing in it covers anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqproof_model.engines.graph import Graph
from seqproof_reports.layered import arrange
from seqproof_reports.state_graph import (
    MOST_STATES,
    Box,
    Direction,
    StateGraph,
    Step,
    from_model,
    state_graph_svg,
)
from seqproof_reports.state_layout import Layout, Line, Point, Size, lay_out

SVG = "{http://www.w3.org/2000/svg}"
Rect = tuple[float, float, float, float]
steady = settings(derandomize=True, deadline=None, max_examples=40)

STEPS = (
    Step(0, 1, "send", "send"),
    Step(0, 0, "ask(A)", "ask"),
    Step(1, 2, "serve(A)", "serve"),
    Step(1, 2, "lose(A)", "lose"),
    Step(2, 0, "crash", "crash"),
    Step(1, 3, "serve(B)", "serve"),
    Step(3, 2, "send", "send"),
)
SMALL = StateGraph((Box(("zero", "svr=0")), Box(("one",)), Box(("two",), violating=True), Box(("three",))), STEPS)


def root(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - written by the code under test


def having(node: ET.Element, class_: str) -> list[ET.Element]:
    return [found for found in node.iter() if class_ in found.get("class", "").split()]


def texts(node: ET.Element) -> list[str]:
    return [found.text or "" for found in node.iter(f"{SVG}text")]


def chain(states: int, back: int) -> StateGraph:
    onward = [Step(s, s + 1, "on", "on") for s in range(states - 1)]
    backward = [Step(s, s - back, "back", "back") for s in range(back, states)]
    return StateGraph(tuple(Box((f"s{s}",)) for s in range(states)), (*onward, *backward))


@pytest.mark.parametrize("direction", Direction)
def test_the_picture_is_well_formed_described_and_the_same_each_time(direction: Direction) -> None:
    first, second = (state_graph_svg(SMALL, title="small", direction=direction) for _ in range(2))
    assert first == second
    assert root(first).findtext(f"{SVG}title") == "small"
    assert root(first).findtext(f"{SVG}desc") == "4 states, 7 steps. Violating: state 2."


def test_every_state_and_every_step_is_told() -> None:
    drawn = root(state_graph_svg(SMALL))
    legend = ["send", "ask", "serve", "lose", "crash", "violating state"]
    states = ["zero", "svr=0", "one", "two", "three"]
    assert sorted(texts(drawn)) == sorted([*legend, *states, *(step.name for step in STEPS)])


def test_steps_between_the_same_states_share_a_line_and_loops_stand_in_their_box() -> None:
    drawn = root(state_graph_svg(SMALL))
    told = [node.findtext(f"{SVG}title") for node in drawn.iter(f"{SVG}g") if node.find(f"{SVG}title") is not None]
    assert sorted(filter(None, told)) == [
        "0 → 1: send",
        "1 → 2: serve(A), lose(A)",
        "1 → 3: serve(B)",
        "2 → 0: crash",
        "3 → 2: send",
        "initial state",
    ]
    (first,) = having(drawn, "first")
    assert texts(first) == ["zero", "svr=0", "ask(A)"]


def test_a_kind_has_one_colour_and_a_line_of_several_kinds_has_none() -> None:
    drawn = root(state_graph_svg(SMALL))
    assert [texts(node) for node in having(drawn, "k0")] == [["send"], [], ["send"], [], ["send"]]
    assert len(having(drawn, "mix")) == 1


def test_the_violating_state_has_a_badge_besides_its_colour() -> None:
    (bad,) = having(root(state_graph_svg(SMALL)), "bad")
    assert (texts(bad), len(having(bad, "badge"))) == (["two"], 1)


def test_the_path_is_numbered_and_everything_else_steps_back() -> None:
    drawn = root(state_graph_svg(StateGraph(SMALL.states, SMALL.steps, path=(1, 0, 3, 4, 0))))
    assert {name for node in having(drawn, "on") for name in texts(node)} == {
        "1. the path, step by step",
        "1. ask(A)",
        "2,5. send",
        "3. lose(A)",
        "4. crash",
    }
    assert [texts(node)[0] for node in having(drawn, "walked")] == ["zero", "one", "two"]
    assert sorted(name for node in having(drawn, "dim") for name in texts(node)) == ["send", "serve(B)"]
    told = drawn.findtext(f"{SVG}desc") or ""
    assert told.startswith("4 states, 7 steps. Path: ask(A) from state 0 to state 0; send from state 0 to state 1; ")


def test_hostile_texts_are_text() -> None:
    hostile = "<script>&\"'\x1b[31m\u202e"
    drawn = state_graph_svg(StateGraph((Box((hostile,)),), (Step(0, 0, hostile, hostile),), path=(0,)), title=hostile)
    assert {node.tag for node in root(drawn).iter()}.isdisjoint({f"{SVG}script"})
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", drawn)


def test_a_long_text_is_cut_and_marked() -> None:
    drawn = root(state_graph_svg(StateGraph((Box(("x" * 200,)),), ())))
    assert texts(drawn) == ["x" * 27 + "…"]


def test_deep_graphs_go_downwards_and_broad_ones_to_the_right() -> None:
    def size(direction: Direction, graph: StateGraph) -> tuple[str | None, str | None]:
        drawn = root(state_graph_svg(graph, direction=direction))
        return drawn.get("width"), drawn.get("height")

    deep = chain(20, 3)
    fan = StateGraph(tuple(Box(("s",)) for _ in range(30)), tuple(Step(0, s, "to", "to") for s in range(1, 30)))
    assert size(Direction.AUTO, deep) == size(Direction.DOWN, deep) != size(Direction.RIGHT, deep)
    assert size(Direction.AUTO, fan) == size(Direction.RIGHT, fan) != size(Direction.DOWN, fan)


def test_what_nobody_can_read_is_refused_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^nobody can read a picture of 151 states, at most 150 are drawn: take a small"
    ):
        state_graph_svg(chain(MOST_STATES + 1, 1))
    everything = tuple(Step(s, t, "x", "x") for s in range(33) for t in range(33))
    with pytest.raises(ValueError, match=r"^nobody can read a picture of 1056 lines, at most 1000 are drawn"):
        state_graph_svg(StateGraph(tuple(Box(()) for _ in range(33)), everything))
    with pytest.raises(ValueError, match=r"^no steps lead from state 0 to state 1: leave it out of the picture$"):
        state_graph_svg(StateGraph((Box(("a",)), Box(("b",))), (Step(1, 0, "x", "x"),)))


def test_an_explored_graph_is_taken_over_with_its_names_kinds_and_path() -> None:
    source, target, label = np.array([(0, 1, 1), (1, 1, 0), (1, 0, 1)]).T
    graph = Graph(2, source, target, label, ("ask(A)", "send"), np.array([0, 1]))
    taken = from_model(graph, lambda s: [f"state {s}"], lambda name: name[:3], violating=[1], path=[0, 1])
    assert taken == StateGraph(
        (Box(("state 0",)), Box(("state 1",), violating=True)),
        (Step(0, 1, "send", "sen"), Step(1, 1, "ask(A)", "ask"), Step(1, 0, "send", "sen")),
        (0, 1),
    )
    many = Graph(MOST_STATES + 1, source, target, label, graph.names, graph.depth)
    with pytest.raises(ValueError, match="nobody can read"):
        from_model(many, lambda _: [], str)


# geometry


@st.composite
def boards(draw: st.DrawFn) -> tuple[list[Size], list[Line], list[int]]:
    """Boxes in layers, and lines that lead one layer on at most."""
    layers = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    depths = [0, *(depth for depth, count in enumerate(layers, 1) for _ in range(count))]
    size = st.tuples(st.integers(20, 120), st.integers(16, 60))
    box = st.integers(0, len(depths) - 1)
    pairs = draw(st.sets(st.tuples(box, box), max_size=25))
    lines = [Line(s, t, draw(size)) for s, t in sorted(pairs) if s != t and depths[t] <= depths[s] + 1]
    return [draw(size) for _ in depths], lines, depths


def rect(middle: Point, size: Size, shrunk: float = 0.5) -> Rect:
    (x, y), (width, height) = middle, size
    return x - width / 2 + shrunk, y - height / 2 + shrunk, x + width / 2 - shrunk, y + height / 2 - shrunk


def points(path: str) -> Iterator[Point]:
    """Walk along a path, in steps of a few px."""
    pen: Point = (0, 0)
    for command, written in re.findall(r"([MLC])([^MLC]+)", path):
        numbers = [float(number) for number in written.split()]
        to = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command != "M":
            a, d = pen, to[-1]
            b, c = (to[0], to[1]) if command == "C" else (a, d)
            for part in range(41):
                t = part / 40
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
                yield x, y
        pen = to[-1]


def overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def within(point: Point, box: Rect) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def covered(layout: Layout, lines: list[Line]) -> list[Rect]:
    names = [rect(route.name, line.name) for route, line in zip(layout.routes, lines, strict=True)]
    return [*map(rect, layout.boxes, layout.sizes), *names]


@steady
@given(boards(), st.booleans())
def test_no_box_and_no_name_covers_another(board: tuple[list[Size], list[Line], list[int]], down: bool) -> None:
    layout = lay_out(*board, down=down)
    for one, other in combinations(covered(layout, board[1]), 2):
        assert not overlap(one, other)


@steady
@given(boards(), st.booleans())
def test_no_line_runs_through_a_box_or_a_name(board: tuple[list[Size], list[Line], list[int]], down: bool) -> None:
    layout = lay_out(*board, down=down)
    for route in layout.routes:
        for point in points(route.path):
            assert not any(within(point, box) for box in covered(layout, board[1]))


@steady
@given(boards(), st.booleans())
def test_everything_lies_inside_the_picture(board: tuple[list[Size], list[Line], list[int]], down: bool) -> None:
    layout = lay_out(*board, down=down)
    for left, top, right, bottom in covered(layout, board[1]):
        assert 0 <= left <= right <= layout.size[0]
        assert 0 <= top <= bottom <= layout.size[1]


def test_lines_that_need_not_cross_do_not_cross() -> None:
    columns = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    middles = arrange(columns, [(0, 5), (1, 4), (2, 3), (3, 7), (4, 8), (5, 6)], [10.0] * 9)
    assert [sorted(column, key=middles.__getitem__) for column in columns] in (
        [[0, 1, 2], [5, 4, 3], [6, 8, 7]],
        [[2, 1, 0], [3, 4, 5], [7, 8, 6]],
    )
    for column in columns:
        assert all(b - a >= 10 for a, b in pairwise(sorted(middles[thing] for thing in column)))
    assert min(middles) == 5
