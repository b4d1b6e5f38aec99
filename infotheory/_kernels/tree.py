"""A k-d tree for exact searches, laid out for plain loops.

Node 1 is the root and the children of node i are 2 i and 2 i + 1. The node at position p of level
l holds the points ``(p n) >> l`` to ``((p + 1) n) >> l`` of the order that `grow` brings them into,
so nothing needs to be stored about who holds what. All leaves are on the last level, and none
holds more than `LEAF` points.

``boxes[node, 0]`` and ``boxes[node, 1]``
    Smallest and largest coordinates of the points of a node.
``axes[node]``
    The widest side of its box. Its children are the smaller and the larger half along it.
``tiles[leaf, :, slot]``
    Coordinates of a point; infinity where a leaf has none, which is farther than any point.
``owners[leaf, slot]``
    Row of the point in the data; -1 where a leaf has none.

A distance is made of differences as they are rounded, which are monotone in both numbers. So the
gap between a point and a box is at most the distance, as computed, to any point of the box, and a
search that trusts it finds what a comparison of all pairs would find, to the last bit.

The loops over points use no views of arrays: each would be counted, which costs more than a box.
"""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._typing import AnyArray, FloatArray

__all__ = ["LEAF", "STACK", "fill_leaves", "grow", "out_of_reach", "scan"]

LEAF = 32  # with 16 a search takes a fifth longer, with 8 a half

STACK = 64  # a walk that goes into depth first keeps one node a level


@kernel
def _middle_of(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@kernel
def _select(
    rows: FloatArray, order: AnyArray, start: int, stop: int, middle: int, axis: int
) -> None:
    """Reorder rows until none before `middle` is larger along the axis than any from there on."""
    low, high = start, stop - 1
    while low < high:
        pivot = _middle_of(rows[low, axis], rows[(low + high) >> 1, axis], rows[high, axis])
        i, j = low, high
        while i <= j:
            while rows[i, axis] < pivot:
                i += 1
            while rows[j, axis] > pivot:
                j -= 1
            if i <= j:  # keys that equal the pivot change sides, so that ties stay balanced
                for c in range(rows.shape[1]):
                    rows[i, c], rows[j, c] = rows[j, c], rows[i, c]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@kernel
def _measure(rows: FloatArray, start: int, stop: int, boxes: FloatArray, node: int) -> int:
    """Find the box of some rows and return its widest side."""
    widest = 0
    width = -1.0
    for c in range(rows.shape[1]):
        low = high = rows[start, c]
        for i in range(start + 1, stop):
            low = min(low, rows[i, c])
            high = max(high, rows[i, c])
        boxes[node, 0, c], boxes[node, 1, c] = low, high
        if high - low > width:
            widest, width = c, high - low
    return widest


@kernel
def grow(
    rows: FloatArray,
    order: AnyArray,
    boxes: FloatArray,
    axes: AnyArray,
    level: int,
    first: int,
    last: int,
    bottom: int,
) -> None:
    """Split the nodes at positions first..last-1 of a level, down to the level `bottom`.

    The nodes of that last level get their boxes and are not split.
    """
    n = order.size
    levels = np.empty(STACK, np.int64)
    places = np.empty(STACK, np.int64)
    for root in range(first, last):
        top = 1
        levels[0], places[0] = level, root
        while top > 0:
            top -= 1
            depth, place = levels[top], places[top]
            node = (1 << depth) + place
            start, stop = (place * n) >> depth, ((place + 1) * n) >> depth
            axes[node] = _measure(rows, start, stop, boxes, node)
            if depth < bottom:
                middle = ((2 * place + 1) * n) >> (depth + 1)
                _select(rows, order, start, stop, middle, axes[node])
                levels[top] = levels[top + 1] = depth + 1
                places[top], places[top + 1] = 2 * place + 1, 2 * place
                top += 2


@kernel
def fill_leaves(
    rows: FloatArray, order: AnyArray, tiles: FloatArray, owners: AnyArray, first: int, last: int
) -> None:
    """Copy the rows of some leaves to where they are searched."""
    n = order.size
    n_leaves = owners.shape[0]
    for leaf in range(first, last):
        start = leaf * n // n_leaves
        size = (leaf + 1) * n // n_leaves - start
        for c in range(rows.shape[1]):
            for slot in range(size):
                tiles[leaf, c, slot] = rows[start + slot, c]
            for slot in range(size, LEAF):
                tiles[leaf, c, slot] = math.inf
        for slot in range(size):
            owners[leaf, slot] = order[start + slot]
        for slot in range(size, LEAF):
            owners[leaf, slot] = -1


@kernel
def scan(
    tiles: FloatArray, leaf: int, first: int, last: int, query: FloatArray, squared: bool,
    away: FloatArray,
) -> None:  # fmt: skip
    """Write the distances of the points of a leaf, along the dimensions first..last-1.

    Three and two dimensions at a time, which takes a third of the time of one after the other: a
    loop over one is so small that it is unrolled before it can be made one over vectors.
    """
    d = last - first
    head = min(d, 2 + d % 2)
    a = query[first]
    if head == 1:
        for slot in range(away.size):
            x = abs(tiles[leaf, first, slot] - a)
            away[slot] = x * x if squared else x
    elif head == 2:
        b = query[first + 1]
        if squared:
            for slot in range(LEAF):
                x = tiles[leaf, first, slot] - a
                y = tiles[leaf, first + 1, slot] - b
                away[slot] = x * x + y * y
        else:
            for slot in range(LEAF):
                x = abs(tiles[leaf, first, slot] - a)
                y = abs(tiles[leaf, first + 1, slot] - b)
                away[slot] = max(x, y)
    else:
        b, c = query[first + 1], query[first + 2]
        if squared:
            for slot in range(LEAF):
                x = tiles[leaf, first, slot] - a
                y = tiles[leaf, first + 1, slot] - b
                z = tiles[leaf, first + 2, slot] - c
                away[slot] = x * x + y * y + z * z
        else:
            for slot in range(LEAF):
                x = abs(tiles[leaf, first, slot] - a)
                y = abs(tiles[leaf, first + 1, slot] - b)
                z = abs(tiles[leaf, first + 2, slot] - c)
                away[slot] = max(x, y, z)
    for i in range(first + head, last, 2):
        a, b = query[i], query[i + 1]
        if squared:
            for slot in range(LEAF):
                x = tiles[leaf, i, slot] - a
                y = tiles[leaf, i + 1, slot] - b
                away[slot] = away[slot] + x * x + y * y
        else:
            for slot in range(LEAF):
                x = abs(tiles[leaf, i, slot] - a)
                y = abs(tiles[leaf, i + 1, slot] - b)
                away[slot] = max(away[slot], x, y)


@kernel
def out_of_reach(
    boxes: FloatArray, node: int, query: FloatArray, squared: bool, reach: float
) -> bool:
    """Whether no point of a box is nearer than `reach`. Nothing is out of a reach of nan."""
    total = 0.0
    for c in range(query.size):
        gap = max(boxes[node, 0, c] - query[c], query[c] - boxes[node, 1, c])
        if squared:
            gap = max(gap, 0.0)
            total += gap * gap
            gap = total
        if gap >= reach:
            return True
    return False
