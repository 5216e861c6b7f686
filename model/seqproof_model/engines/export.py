"""The state graph as a file, for the tools that people already have.

GraphML opens in yEd, Gephi and Cytoscape; DOT in Graphviz; JSON (node and link lists) in scripts and in a browser. What
a state is made of is told by a function from its index to named values, so this file knows no protocol.

These formats and networkx spend hundreds of bytes on an edge, and nobody looks at a million of them: above
``MOST_EDGES`` the export refuses, rather than fill memory and disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import networkx as nx
import numpy as np

from seqproof_model.engines.graph import Graph

Value = int | bool | str
Attributes = Callable[[int], Mapping[str, Value]]
"""From a state's index to what is shown of it."""

MOST_EDGES = 100_000
OWN = frozenset({"id", "depth"})  # what JSON and this file call a state's own things
#: What XML 1.0 loses or refuses, and DOT too.
UNPRINTABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class GraphTooLargeError(ValueError):
    """More than ``MOST_EDGES`` edges."""


def to_networkx(graph: Graph, attributes: Attributes) -> nx.MultiDiGraph[int]:
    """Copy the graph: a node a state, with its attributes and ``depth``; an edge's key is its index, its ``name`` told.

    Raises ``GraphTooLargeError``; ``ValueError`` for an attribute called ``id`` or ``depth``.
    """
    if len(graph.source) > MOST_EDGES:
        raise GraphTooLargeError(
            f"the graph has {len(graph.source)} edges, an export holds at most {MOST_EDGES}: export a smaller scope"
        )
    copy: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    for state, depth in enumerate(graph.depth.tolist()):
        values = {name: _plain(value) for name, value in attributes(state).items()}
        if taken := OWN & values.keys():
            raise ValueError(f"an attribute of state {state} is called {min(taken)!r}, which is taken: rename it")
        copy.add_nodes_from([(state, {**values, "depth": depth})])
    rows = zip(graph.source.tolist(), graph.target.tolist(), graph.label.tolist(), strict=True)
    for edge, (source, target, label) in enumerate(rows):
        copy.add_edge(source, target, key=edge, name=graph.names[label])
    return copy


def _plain(value: Value | np.bool_ | np.integer) -> Value:
    """Make Python's own of a value that was read from an array: the writers take nothing else."""
    return bool(value) if isinstance(value, np.bool_) else int(value) if isinstance(value, np.integer) else value


def write(graph: Graph, path: Path, attributes: Attributes) -> None:
    """Write the graph in the format that the file's ending names: .graphml, .dot, .gv or .json.

    Raises what ``to_networkx`` raises, and ``ValueError`` for another ending or for a text that the format cannot hold;
    no file is written then.
    """
    render = FORMATS.get(path.suffix)
    if render is None:
        raise ValueError(f"{path.name} ends in none of {', '.join(FORMATS)}: the ending chooses the format")
    path.write_bytes(render(to_networkx(graph, attributes)).encode())


def _refuse_unprintable(copy: nx.MultiDiGraph[int]) -> None:
    for values in (*copy.nodes.values(), *(values for _, _, values in copy.edges(data=True))):
        for text in values.values():
            if isinstance(text, str) and (bad := UNPRINTABLE.search(text)):
                raise ValueError(f"this format cannot hold the character U+{ord(bad[0]):04X} in {text!r}: use .json")


def _graphml(copy: nx.MultiDiGraph[int]) -> str:
    _refuse_unprintable(copy)
    return "\n".join(nx.generate_graphml(copy)) + "\n"


def _json(copy: nx.MultiDiGraph[int]) -> str:
    return json.dumps(nx.node_link_data(copy, edges="edges"), indent=1, allow_nan=False) + "\n"


def _dot(copy: nx.MultiDiGraph[int]) -> str:
    """Write DOT: a state's label has its number and an attribute a line; state 0 is marked."""
    _refuse_unprintable(copy)
    lines = ["digraph states {", "  node [shape=box, style=rounded];", "  0 [penwidth=2];"]
    for state, values in copy.nodes(data=True):
        shown = [str(state), *(f"{name}={_written(value)}" for name, value in values.items() if name != "depth")]
        lines.append(f"  {state} [label={_quoted(shown)}];")
    for source, target, values in copy.edges(data=True):
        lines.append(f"  {source} -> {target} [label={_quoted([values['name']])}];")
    return "\n".join([*lines, "}"]) + "\n"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(lines: list[str]) -> str:
    r"""Quote a label. In DOT a backslash begins an escape, of which \n ends a line; a raw line end does so too.

    >>> print(_quoted(['a"b', "c\\d"]))
    "a\"b\nc\\d"
    """
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for line in lines)
    return '"' + "\\n".join(escaped) + '"'


FORMATS: Mapping[str, Callable[[nx.MultiDiGraph[int]], str]] = {
    ".graphml": _graphml,
    ".dot": _dot,
    ".gv": _dot,
    ".json": _json,
}
