"""Layered layout: things stand in columns, links join neighbouring columns, and few links cross.

The method is Sugiyama's, in two steps. First the order within each column: a thing moves to the mean place of what it
is linked to (its barycentre), column by column, there and back; then neighbours change places as long as that saves
crossings. Second the exact places: each thing wants to stand at the mean of what it is linked to, and the things of a
column must keep their order and their room. The least sum of squared distances under that condition is found by pooling
adjacent violators (isotonic regression). Nothing here is random, so the same input gives the same picture.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

Columns = list[list[int]]
Links = list[list[int]]

SWEEPS = 24  # there and back over all columns, for the order
SWAPS = 12  # passes that change neighbours' places
PULLS = 12  # there and back over all columns, for the places; once by one side's links, once by both sides'
STIFF = 8.0  # how much harder a link between two stiff things pulls


def arrange(
    columns: Columns, links: Sequence[tuple[int, int]], rooms: Sequence[float], stiff: Collection[int] = ()
) -> list[float]:
    """Place things in their columns; returns the middle of each thing, the topmost thing beginning at 0.

    ``columns``: the things of each column, numbered from 0. ``links``: from a thing to one of the next column.
    ``rooms[i]``: how much of its column thing i takes, margins included. ``stiff``: things whose links should be level.
    """
    before: Links = [[] for _ in rooms]
    after: Links = [[] for _ in rooms]
    for left, right in links:
        after[left].append(right)
        before[right].append(left)
    ordered = _swapped(_swept(columns, before, after), before, after)
    middles = _pulled(ordered, before, after, rooms, stiff)
    top = min((middle - room / 2 for middle, room in zip(middles, rooms, strict=True)), default=0.0)
    return [middle - top for middle in middles]


def _swept(columns: Columns, before: Links, after: Links) -> Columns:
    """Order each column by barycentres; the best order met on the way."""
    best = [list(column) for column in columns]
    fewest = _crossings(best, after)
    current = [list(column) for column in columns]
    for sweep in range(SWEEPS):
        there = sweep % 2 == 0
        for column in current if there else reversed(current):
            places = _places(current)
            column.sort(key=_barycentre(places, before if there else after))
        crossings = _crossings(current, after)
        if crossings < fewest:
            fewest, best = crossings, [list(column) for column in current]
    return best


def _barycentre(places: dict[int, int], linked: Links) -> Callable[[int], float]:
    def key(thing: int) -> float:
        around = linked[thing]
        return sum(places[other] for other in around) / len(around) if around else places[thing]

    return key


def _places(columns: Columns) -> dict[int, int]:
    return {thing: place for column in columns for place, thing in enumerate(column)}


def _crossings(columns: Columns, after: Links) -> int:
    """Count the pairs of links that cross: the inversions between each two columns."""
    places = _places(columns)
    count = 0
    for column in columns:
        passed: list[int] = []
        for thing in column:
            ends = sorted(places[other] for other in after[thing])
            count += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return count


def _swapped(columns: Columns, before: Links, after: Links) -> Columns:
    """Change the places of neighbours as long as that saves crossings."""
    places = _places(columns)
    for _ in range(SWAPS):
        saved = 0
        for column in columns:
            for at in range(len(column) - 1):
                upper, lower = column[at], column[at + 1]
                gain = sum(
                    _inversions(linked[upper], linked[lower], places)
                    - _inversions(linked[lower], linked[upper], places)
                    for linked in (before, after)
                )
                if gain > 0:
                    saved += gain
                    column[at], column[at + 1] = lower, upper
                    places[upper], places[lower] = at + 1, at
        if not saved:
            break
    return columns


def _inversions(upper: list[int], lower: list[int], places: dict[int, int]) -> int:
    return sum(places[a] > places[b] for a in upper for b in lower)


def _pulled(
    columns: Columns, before: Links, after: Links, rooms: Sequence[float], stiff: Collection[int]
) -> list[float]:
    """Let each thing go where its links pull it, as far as order and room allow."""
    middles = [0.0] * len(rooms)
    for column in columns:
        at = -sum(rooms[thing] for thing in column) / 2
        for thing in column:
            middles[thing] = at + rooms[thing] / 2
            at += rooms[thing]
    both = [left + right for left, right in zip(before, after, strict=True)]
    for turn, linked in enumerate([before, after] * PULLS + [both, both] * PULLS):
        for column in columns if turn % 2 == 0 else reversed(columns):
            pulls = [_pull(thing, linked[thing], middles, stiff) for thing in column]
            for thing, middle in zip(column, _spaced(pulls, [rooms[thing] for thing in column]), strict=True):
                middles[thing] = middle
    return middles


def _pull(thing: int, around: list[int], middles: list[float], stiff: Collection[int]) -> tuple[float, float]:
    """Where a thing wants to be, and how much: the mean of what it is linked to; without links, where it is."""
    weights = [STIFF if thing in stiff and other in stiff else 1.0 for other in around]
    if not weights:
        return middles[thing], 0.1
    total = sum(weights)
    return sum(middles[other] * weight for other, weight in zip(around, weights, strict=True)) / total, total


def _spaced(pulls: list[tuple[float, float]], rooms: list[float]) -> list[float]:
    """Keep the order and the room, and stay as near to the wishes as that allows: pool adjacent violators."""
    offsets = [0.0]
    for upper, lower in pairwise(rooms):
        offsets.append(offsets[-1] + (upper + lower) / 2)
    pools: list[tuple[float, float, int]] = []  # mean wish, weight, how many
    for (wish, weight), offset in zip(pulls, offsets, strict=False):
        mean, count = wish - offset, 1
        while pools and pools[-1][0] > mean:
            above, heavy, many = pools.pop()
            mean, weight, count = (above * heavy + mean * weight) / (heavy + weight), heavy + weight, many + count
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]
