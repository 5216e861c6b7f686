"""The explored state graph, as arrays: what liveness, tours, exports and pictures are computed from.

A state is its index in breadth-first order, so state 0 is the initial one. An edge is an enabled action instance in a
state; self-loops are edges, and two instances that lead from one state to the same other state are two edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """``size`` states; edge i leads from ``source[i]`` to ``target[i]`` by the instance ``names[label[i]]``.

    ``source`` is ascending. ``depth[s]`` is the number of steps of a shortest way from state 0 to state s.
    """

    size: int
    source: Index
    target: Index
    label: Index
    names: tuple[str, ...]
    depth: Index
