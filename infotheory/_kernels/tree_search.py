"""Distances to nearest neighbours in a k-d tree, from a leaf upwards."""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels.tree import LEAF, STACK, out_of_reach, scan
from infotheory._typing import AnyArray, FloatArray

__all__ = ["kth_of_queries", "leaves_of"]

_ROW = LEAF // 4
_STEP = 4  # the smallest distances are kept in so many, twice as many, ... places


@kernel
def leaves_of(boxes: FloatArray, axes: AnyArray, queries: FloatArray, out: AnyArray) -> None:
    """Find a leaf near each query."""
    n_leaves = boxes.shape[0] // 2
    for i in range(queries.shape[0]):
        node = 1
        while node < n_leaves:
            value = queries[i, axes[node]]
            left = value - boxes[2 * node, 1, axes[node]]
            right = boxes[2 * node + 1, 0, axes[node]] - value
            node = 2 * node + (0 if right > left else 1)
        out[i] = node - n_leaves


@kernel
def _sort_columns(away: FloatArray) -> None:
    """Sort each column of four rows of distances, all at once."""
    for i in range(away.size // 4):
        a, b, c, d = away[i], away[i + _ROW], away[i + 2 * _ROW], away[i + 3 * _ROW]
        a, b, c, d = min(a, b), max(a, b), min(c, d), max(c, d)
        a, b, c, d = min(a, c), min(b, d), max(a, c), max(b, d)
        away[i], away[i + _ROW] = a, min(b, c)
        away[i + 2 * _ROW], away[i + 3 * _ROW] = max(b, c), d


@kernel
def kth_of_queries(
    tiles: FloatArray, boxes: FloatArray, axes: AnyArray, queries: FloatArray, leaves: AnyArray,
    skips: AnyArray, owners: AnyArray, k: int, squared: bool, first: int, last: int,
    out: FloatArray,
) -> None:  # fmt: skip
    """Find the distances of queries first..last-1 to the k-th point of the tree.

    Each search starts from a leaf, of which one slot is left out unless that is -1.

    Distances that are small enough pass through all places of `best` without a branch, and each
    place keeps the smaller of two: where one belongs cannot be predicted. They are looked at in the
    order of the rows of `away`, whose columns ascend: after a row that holds none there are no
    others.
    """
    n_leaves = tiles.shape[0]
    width = -(-k // _STEP) * _STEP
    query = np.empty(tiles.shape[1])
    best = np.empty(width)
    away = np.empty(LEAF)
    stack = np.empty(STACK, np.int64)
    for place in range(first, last):
        for c in range(query.size):
            query[c] = queries[place, c]
        for i in range(width):  # -inf is never replaced, so that k places are in use
            best[i] = -math.inf if i < width - k else math.inf
        worst = math.inf
        start = node = n_leaves + leaves[place]
        stack[0] = start
        top = 1
        while True:
            while top > 0:
                top -= 1
                other = stack[top]
                if out_of_reach(boxes, other, query, squared, worst):
                    continue
                if other < n_leaves:
                    axis = axes[other]
                    left = query[axis] - boxes[2 * other, 1, axis]
                    right = boxes[2 * other + 1, 0, axis] - query[axis]
                    gap = max(left, right)
                    if squared:
                        gap *= abs(gap)
                    if gap < worst:  # the farther child, to be visited after the nearer one
                        stack[top] = 2 * other + (1 if right > left else 0)
                        top += 1
                    stack[top] = 2 * other + (0 if right > left else 1)
                    top += 1
                    continue
                scan(tiles, other - n_leaves, 0, query.size, query, squared, away)
                if other == start and skips[place] >= 0:
                    away[skips[place]] = math.inf
                _sort_columns(away)
                for row in range(0, LEAF, _ROW):
                    found = False
                    for slot in range(row, row + _ROW):
                        distance = away[slot]
                        if distance < worst:
                            found = True
                            for i in range(0, width, _STEP):
                                for s in range(_STEP):
                                    kept = min(best[i + s], distance)
                                    distance = max(best[i + s], distance)
                                    best[i + s] = kept
                            worst = best[width - 1]
                    if not found:
                        break
            if node == 1:
                break
            stack[0] = node ^ 1
            top = 1
            node >>= 1
        out[owners[place]] = worst
