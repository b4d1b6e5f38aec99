"""Neighbours among points of several coordinates, found in a k-d tree.

Everything is exact: what comes back is what a comparison of all pairs would give, to the last bit,
for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from infotheory._kernels.tree import LEAF, fill_leaves, grow
from infotheory._kernels.tree_balls import (
    count_of_points,
    earliest_owners,
    extents_of_points,
    neighbours_of_points,
)
from infotheory._kernels.tree_search import kth_of_queries, leaves_of
from infotheory._typing import AnyArray, FloatArray
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for

__all__ = [
    "Norm",
    "Tree",
    "build_tree",
    "count_within",
    "extents",
    "kth_distances",
    "kth_distances_from",
    "neighbour_indices",
]

Norm: TypeAlias = Literal["max", "euclidean"]

_LEAST = 10_000  # points; fewer are served by one thread sooner than by two


class Tree(NamedTuple):
    """A k-d tree; see ``_kernels/tree.py``.

    Attributes
    ----------
    tiles : ndarray of float64, shape (leaves, d, 32)
        Coordinates of the points of a leaf, then infinities.
    owners : ndarray of int32, shape (leaves, 32)
        Rows of these points in the data, then -1.
    boxes : ndarray of float64, shape (2 * leaves, 2, d)
        Smallest and largest coordinates of the points of a node.
    axes : ndarray of int32, shape (2 * leaves,)
        Dimension along which a node is split.
    points : ndarray of float64, shape (n, d)
        The data, leaf after leaf.
    order : ndarray of int32, shape (n,)
        Rows of these points in the data.
    n : int
        Number of points.
    """

    tiles: FloatArray
    owners: AnyArray
    boxes: FloatArray
    axes: AnyArray
    points: FloatArray
    order: AnyArray
    n: int


def build_tree(points: FloatArray, *, workers: int | None = None) -> Tree:
    """Build a tree of n points (at least one, and fewer than 2**31) of d finite coordinates."""
    n, d = points.shape
    depth = 0
    while n > LEAF << depth:
        depth += 1
    rows = np.array(points, order="C")
    order = np.arange(n, dtype=np.int32)
    boxes = np.zeros((2 << depth, 2, d))
    axes = np.zeros(2 << depth, dtype=np.int32)
    tiles = np.empty((1 << depth, d, LEAF))
    owners = np.empty((1 << depth, LEAF), dtype=np.int32)
    workers = workers_for(workers, n, _LEAST)
    shared = min((workers - 1).bit_length(), depth)  # a level with a node for each worker
    grow(rows, order, boxes, axes, 0, 0, 1, shared)

    def work(first: int, last: int) -> None:
        grow(rows, order, boxes, axes, shared, first, last, depth)
        leaves = depth - shared
        fill_leaves(rows, order, tiles, owners, first << leaves, last << leaves)

    in_chunks(work, 1 << shared, min(workers, 1 << shared))
    return Tree(tiles, owners, boxes, axes, rows, order, n)


def _over_leaves(work: Callable[[int, int], object], tree: Tree, workers: int | None) -> None:
    n_leaves = len(tree.owners)
    in_chunks(work, n_leaves, workers_for(workers, n_leaves, _LEAST // LEAF))


def kth_distances(
    tree: Tree, k: int, *, norm: Norm = "max", workers: int | None = None
) -> FloatArray:
    """Return the distance of each point to the k-th of the others, squared if Euclidean.

    Squares are summed in the order of the coordinates. k must be less than the number of points.
    """
    n_leaves = len(tree.owners)
    starts = np.arange(n_leaves + 1) * tree.n // n_leaves
    leaves = np.repeat(np.arange(n_leaves, dtype=np.int32), np.diff(starts))
    slots = np.arange(tree.n, dtype=np.int32) - starts.astype(np.int32)[leaves]
    return _search(tree, tree.points, leaves, slots, tree.order, k, norm, workers)


def kth_distances_from(
    tree: Tree, queries: FloatArray, k: int, *, norm: Norm = "max", workers: int | None = None
) -> FloatArray:
    """Return the distance of each query to the k-th point of the tree, squared if Euclidean.

    A point that equals the query counts. k must be at most the number of points.
    """
    queries = np.ascontiguousarray(queries)
    leaves = np.empty(len(queries), dtype=np.int32)
    leaves_of(tree.boxes, tree.axes, queries, leaves)
    # Neighbours in turn use what is in the cache.
    order = np.argsort(leaves, kind="stable").astype(np.int32)
    none = np.full(len(queries), -1, dtype=np.int32)
    return _search(tree, queries[order], leaves[order], none, order, k, norm, workers)


def _search(
    tree: Tree,
    queries: FloatArray,
    leaves: AnyArray,
    skips: AnyArray,
    rows: AnyArray,
    k: int,
    norm: Norm,
    workers: int | None,
) -> FloatArray:
    m = len(queries)
    out = np.empty(m)
    squared = norm == "euclidean"

    def work(first: int, last: int) -> None:
        kth_of_queries(
            tree.tiles, tree.boxes, tree.axes, queries, leaves, skips, rows, k, squared, first,
            last, out,
        )  # fmt: skip

    in_chunks(work, m, workers_for(workers, m, _LEAST))
    return out


def count_within(tree: Tree, radii: FloatArray, *, workers: int | None = None) -> AnyArray:
    """Return how many points are nearer to each point than its radius, in the max norm.

    The point itself is one of them, unless the radius is 0.
    """
    out = np.empty(tree.n, dtype=np.int32)

    def work(first: int, last: int) -> None:
        count_of_points(tree.tiles, tree.owners, tree.boxes, radii, first, last, out)

    _over_leaves(work, tree, workers)
    return out


def extents(
    tree: Tree, radii: FloatArray, split: int, *, workers: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return how far the points up to each radius reach in coordinates [:split] and [split:].

    Both are largest distances in the max norm over all points whose distance in all coordinates is
    at most the radius; 0 where there is none.
    """
    lefts, rights = np.empty(tree.n), np.empty(tree.n)
    reaches = np.where(radii < np.inf, np.nextafter(radii, np.inf), np.nan)

    def work(first: int, last: int) -> None:
        extents_of_points(
            tree.tiles, tree.owners, tree.boxes, reaches, split, first, last, lefts, rights
        )

    _over_leaves(work, tree, workers)
    return lefts, rights


def neighbour_indices(tree: Tree, k: int, *, workers: int | None = None) -> AnyArray:
    """Return the rows of the k nearest other points in the max norm, the nearest first.

    Of points at equal distance, the first row comes first.
    """
    out = np.empty((tree.n, k), dtype=np.int32)
    earliest = np.empty(len(tree.boxes), dtype=np.int32)
    earliest_owners(tree.owners, earliest)

    def work(first: int, last: int) -> None:
        neighbours_of_points(*tree[:4], earliest, first, last, out)

    _over_leaves(work, tree, workers)
    return out
