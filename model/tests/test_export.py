"""Exports are read back, each by its own reader, and hold what the graph holds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqproof_model.engines import export
from seqproof_model.engines.export import GraphTooLargeError, Value, to_networkx, write
from seqproof_model.engines.graph import Graph

NAMES = ("send", 'ask("A")', "back\\slash\\", "two\nlines", "ü → <&>")
EDGES = [(0, 0, 1), (0, 1, 0), (0, 1, 2), (1, 2, 3), (2, 0, 4)]
LABEL = re.compile(r'\[label="((?:[^"\\]|\\.)*)"\];')
steady = settings(derandomize=True, deadline=None)


def graph_of(names: tuple[str, ...] = NAMES) -> Graph:
    source, target, label = np.array(EDGES, dtype=np.int64).T
    return Graph(3, source, target, label, names, np.array([0, 1, 2]))


def attributes(state: int) -> Mapping[str, Value]:
    return {"svr": state * 10, "up": state != 1, "note": f'state "{state}"\\', "empty": ""}


def told(copy: nx.MultiDiGraph[int]) -> tuple[list[object], list[object]]:
    nodes: list[object] = [(state, values) for state, values in copy.nodes(data=True)]
    return nodes, [(source, target, key, values) for source, target, key, values in copy.edges(keys=True, data=True)]


def read_graphml(path: Path) -> tuple[list[object], list[object]]:
    back = nx.read_graphml(path, node_type=int, edge_key_type=int)
    assert isinstance(back, nx.MultiDiGraph)
    return told(back)


def read_json(path: Path) -> tuple[list[object], list[object]]:
    data = json.loads(path.read_bytes())
    nodes: list[object] = [(node.pop("id"), node) for node in data["nodes"]]
    return nodes, [(e.pop("source"), e.pop("target"), e.pop("key"), e) for e in data["edges"]]


def unquoted(label: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], label)


def read_dot(text: str) -> tuple[dict[int, str], list[tuple[int, int, str]]]:
    """Read what the writer is said to write: a state or an edge a line, with its label."""
    states: dict[int, str] = {}
    edges: list[tuple[int, int, str]] = []
    for line in text.split("\n")[3:-2]:
        what, _, rest = line.strip().partition(" [")
        found = LABEL.fullmatch("[" + rest)
        assert found, line
        label = unquoted(found[1])
        if " -> " in what:
            source, target = what.split(" -> ")
            edges.append((int(source), int(target), label))
        else:
            states[int(what)] = label
    return states, edges


def test_the_copy_has_every_state_and_every_edge_with_its_index_as_key() -> None:
    nodes, edges = told(to_networkx(graph_of(), attributes))
    assert nodes == [(state, {**attributes(state), "depth": state}) for state in range(3)]
    assert edges == [(s, t, key, {"name": NAMES[n]}) for key, (s, t, n) in enumerate(EDGES)]


def test_graphml_is_read_back_by_networkx(tmp_path: Path) -> None:
    write(graph_of(), tmp_path / "a.graphml", attributes)
    assert read_graphml(tmp_path / "a.graphml") == told(to_networkx(graph_of(), attributes))


def test_json_is_read_back_by_json(tmp_path: Path) -> None:
    write(graph_of(), tmp_path / "a.json", attributes)
    assert read_json(tmp_path / "a.json") == told(to_networkx(graph_of(), attributes))


@pytest.mark.parametrize("ending", ["dot", "gv"])
def test_dot_is_read_back_line_by_line(tmp_path: Path, ending: str) -> None:
    write(graph_of(), tmp_path / f"a.{ending}", attributes)
    states, edges = read_dot((tmp_path / f"a.{ending}").read_text("utf-8"))
    assert states[1] == '1\nsvr=10\nup=false\nnote=state "1"\\\nempty='
    assert edges == [(s, t, NAMES[n]) for s, t, n in EDGES]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_dot_is_read_by_graphviz(tmp_path: Path) -> None:
    write(graph_of(), tmp_path / "a.dot", attributes)
    run = subprocess.run(["dot", "-Tjson", str(tmp_path / "a.dot")], capture_output=True, check=True)  # noqa: S607
    data = json.loads(run.stdout)
    assert (len(data["objects"]), len(data["edges"]), run.stderr) == (3, 5, b"")


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8)


@steady
@given(st.tuples(*[printable] * 5), st.tuples(*[printable] * 3))
def test_any_printable_text_survives(
    tmp_path_factory: pytest.TempPathFactory, names: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    folder = tmp_path_factory.mktemp("export")
    graph = graph_of(names)
    for ending in ("graphml", "dot", "json"):
        write(graph, folder / f"a.{ending}", lambda state: {"note": notes[state]})
    expected = told(to_networkx(graph, lambda state: {"note": notes[state]}))
    assert read_graphml(folder / "a.graphml") == expected
    assert read_json(folder / "a.json") == expected
    states, edges = read_dot((folder / "a.dot").read_text("utf-8"))
    assert states == {state: f"{state}\nnote={note}" for state, note in enumerate(notes)}
    assert edges == [(s, t, names[n]) for s, t, n in EDGES]


def test_numbers_read_from_arrays_are_plain_numbers_in_the_file(tmp_path: Path) -> None:
    write(
        graph_of(), tmp_path / "a.json", lambda state: {"seq": np.arange(3)[state], "up": np.array([True] * 3)[state]}
    )
    assert json.loads((tmp_path / "a.json").read_bytes())["nodes"][2] == {"seq": 2, "up": True, "depth": 2, "id": 2}


@pytest.mark.parametrize("ending", ["graphml", "dot"])
def test_a_character_that_would_be_lost_is_refused_and_nothing_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    with pytest.raises(ValueError, match=r"^this format cannot hold the character U\+001B in 'a\\x1b': use .json$"):
        write(graph_of(), path, lambda _: {"note": "a\x1b"})
    assert not path.exists()


def test_what_cannot_be_exported_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match=r"^a.png ends in none of .graphml, .dot, .gv, .json: the ending chooses the f"
    ):
        write(graph_of(), tmp_path / "a.png", attributes)
    with pytest.raises(ValueError, match=r"^an attribute of state 0 is called 'depth', which is taken: rename it$"):
        to_networkx(graph_of(), lambda _: {"depth": 1})
    monkeypatch.setattr(export, "MOST_EDGES", 4)
    with pytest.raises(
        GraphTooLargeError, match=r"^the graph has 5 edges, an export holds at most 4: export a smaller"
    ):
        to_networkx(graph_of(), attributes)
