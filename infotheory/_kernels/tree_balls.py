"""What lies in the max-norm ball around each point of a k-d tree."""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels.tree import LEAF, STACK, out_of_reach, scan
from infotheory._typing import AnyArray, FloatArray

__all__ = ["count_of_points", "earliest_owners", "extents_of_points", "neighbours_of_points"]


@kernel
def _within(boxes: FloatArray, node: int, query: FloatArray, radius: float) -> bool:
    """Whether all points of a box are nearer than a radius."""
    for c in range(query.size):
        if query[c] - boxes[node, 0, c] >= radius or boxes[node, 1, c] - query[c] >= radius:
            return False
    return True


@kernel
def count_of_points(
    tiles: FloatArray, owners: AnyArray, boxes: FloatArray, radii: FloatArray,
    first: int, last: int, out: AnyArray,
) -> None:  # fmt: skip
    """Count the points nearer than a radius to each point of leaves first..last-1."""
    n, n_leaves = out.size, tiles.shape[0]
    query = np.empty(tiles.shape[1])
    away = np.empty(LEAF)
    stack = np.empty(STACK, np.int64)
    depths = np.empty(STACK, np.int64)
    for leaf in range(first, last):
        for slot in range(LEAF):
            owner = owners[leaf, slot]
            if owner < 0:
                break
            for c in range(query.size):
                query[c] = tiles[leaf, c, slot]
            radius = radii[owner]
            total = 0
            stack[0], depths[0] = 1, 0
            top = 1
            while top > 0:
                top -= 1
                node, depth = stack[top], depths[top]
                if out_of_reach(boxes, node, query, False, radius):
                    continue
                if _within(boxes, node, query, radius):
                    place = node - (1 << depth)
                    total += (((place + 1) * n) >> depth) - ((place * n) >> depth)
                elif node < n_leaves:
                    stack[top], stack[top + 1] = 2 * node, 2 * node + 1
                    depths[top] = depths[top + 1] = depth + 1
                    top += 2
                else:
                    scan(tiles, node - n_leaves, 0, query.size, query, False, away)
                    inside = 0
                    for s in range(LEAF):
                        inside += 1 if away[s] < radius else 0
                    total += inside
            out[owner] = total


@kernel
def _widens(
    boxes: FloatArray, node: int, query: FloatArray, split: int, left: float, right: float
) -> bool:
    """Whether a box reaches farther than `left` before the split or than `right` after it."""
    for c in range(query.size):
        reach = max(query[c] - boxes[node, 0, c], boxes[node, 1, c] - query[c])
        if reach > (left if c < split else right):
            return True
    return False


@kernel
def extents_of_points(
    tiles: FloatArray, owners: AnyArray, boxes: FloatArray, reaches: FloatArray, split: int,
    first: int, last: int, lefts: FloatArray, rights: FloatArray,
) -> None:  # fmt: skip
    """Find how far the points of a ball are before and after the split, for each point as centre.

    Out of the ball is what is at least `reach` away; nothing where `reach` is nan.
    """
    n_leaves = tiles.shape[0]
    query = np.empty(tiles.shape[1])
    before, after = np.empty(LEAF), np.empty(LEAF)
    stack = np.empty(STACK, np.int64)
    for leaf in range(first, last):
        for slot in range(LEAF):
            owner = owners[leaf, slot]
            if owner < 0:
                break
            for c in range(query.size):
                query[c] = tiles[leaf, c, slot]
            reach = reaches[owner]
            left, right = 0.0, 0.0
            stack[0] = 1
            top = 1
            while top > 0:
                top -= 1
                node = stack[top]
                if out_of_reach(boxes, node, query, False, reach):
                    continue
                if not _widens(boxes, node, query, split, left, right):
                    continue  # without this, n copies of a point would cost n**2
                if node < n_leaves:
                    stack[top], stack[top + 1] = 2 * node, 2 * node + 1
                    top += 2
                    continue
                other = node - n_leaves
                scan(tiles, other, 0, split, query, False, before)
                scan(tiles, other, split, query.size, query, False, after)
                for s in range(LEAF):
                    if owners[other, s] < 0:
                        break
                    if not max(before[s], after[s]) >= reach:
                        left = max(left, before[s])
                        right = max(right, after[s])
            lefts[owner], rights[owner] = left, right


@kernel
def earliest_owners(owners: AnyArray, out: AnyArray) -> None:
    """Find the smallest row of each node of the tree."""
    n_leaves = owners.shape[0]
    for leaf in range(n_leaves):
        out[n_leaves + leaf] = owners[leaf, 0]
        for slot in range(1, LEAF):
            if owners[leaf, slot] >= 0:
                out[n_leaves + leaf] = min(out[n_leaves + leaf], owners[leaf, slot])
    for node in range(n_leaves - 1, 0, -1):
        out[node] = min(out[2 * node], out[2 * node + 1])


@kernel
def _distance_to_box(boxes: FloatArray, node: int, query: FloatArray) -> float:
    gap = 0.0
    for c in range(query.size):
        gap = max(gap, boxes[node, 0, c] - query[c], query[c] - boxes[node, 1, c])
    return gap


@kernel
def neighbours_of_points(
    tiles: FloatArray, owners: AnyArray, boxes: FloatArray, axes: AnyArray, earliest: AnyArray,
    first: int, last: int, out: AnyArray,
) -> None:  # fmt: skip
    """Find the rows of the nearest neighbours of each point of leaves first..last-1.

    They ascend by distance, and equal distances by row.
    """
    n_leaves, k = tiles.shape[0], out.shape[1]
    query = np.empty(tiles.shape[1])
    distances = np.empty(k)
    away = np.empty(LEAF)
    stack = np.empty(STACK, np.int64)
    for leaf in range(first, last):
        for slot in range(LEAF):
            owner = owners[leaf, slot]
            if owner < 0:
                break
            for c in range(query.size):
                query[c] = tiles[leaf, c, slot]
            for i in range(k):
                distances[i] = math.inf
                out[owner, i] = out.shape[0]  # later than any row
            stack[0] = 1
            top = 1
            while top > 0:
                top -= 1
                node = stack[top]
                gap = _distance_to_box(boxes, node, query)
                worst = distances[k - 1]
                if gap > worst or (gap == worst and earliest[node] > out[owner, k - 1]):
                    continue
                if node < n_leaves:
                    right = query[axes[node]] > boxes[2 * node, 1, axes[node]]
                    stack[top] = 2 * node + (0 if right else 1)
                    stack[top + 1] = 2 * node + (1 if right else 0)
                    top += 2
                    continue
                other = node - n_leaves
                scan(tiles, other, 0, query.size, query, False, away)
                for s in range(LEAF):
                    row, distance = owners[other, s], away[s]
                    if row < 0:
                        break
                    i = k
                    while i > 0 and (
                        distance < distances[i - 1]
                        or (distance == distances[i - 1] and row < out[owner, i - 1])
                    ):
                        i -= 1
                    if i == k or row == owner:
                        continue
                    for j in range(k - 1, i, -1):
                        distances[j], out[owner, j] = distances[j - 1], out[owner, j - 1]
                    distances[i], out[owner, i] = distance, row
