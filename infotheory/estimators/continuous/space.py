"""Blocks of coordinates, and who is whose neighbour in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.estimators.neighbours import pairs
from infotheory.estimators.neighbours.columns import SortedColumn, sorted_column
from infotheory.estimators.neighbours.rectangles import Marginal, reach_in
from infotheory.estimators.neighbours.tree import Tree, build_tree, kth_distances

__all__ = ["Space"]

_LOOKED_UP = 3  # columns whose counts rest on ranks; those of more rest on a tree


class Space:
    """Points of which several variables have some coordinates each, with the maximum norm.

    Parameters
    ----------
    blocks : sequence of ndarray of float64, shape (n, d)
        Finite coordinates of each variable.
    n_jobs : int, optional
        Number of threads; None for as many as pay.
    columns : sequence of list of SortedColumn, optional
        The columns of each block, where they are sorted already.
    """

    def __init__(
        self,
        blocks: Sequence[FloatArray],
        n_jobs: int | None = None,
        columns: Sequence[list[SortedColumn] | None] | None = None,
    ) -> None:
        self.blocks = list(blocks)
        self.n_jobs = n_jobs
        self.n = len(blocks[0])
        self._columns = list(columns or [None] * len(self.blocks))

    def columns(self, place: int) -> list[SortedColumn]:
        """Return the sorted columns of one variable."""
        found = self._columns[place]
        if found is None:
            found = self._columns[place] = [sorted_column(x) for x in self.blocks[place].T]
        return found

    def rows(self, chosen: IntArray) -> Space:
        """Return the space of some of the points, in coordinates as they are."""
        return Space([block[chosen] for block in self.blocks], 1)

    @property
    def is_plane(self) -> bool:
        """Whether there are two variables of one coordinate each."""
        return [block.shape[1] for block in self.blocks] == [1, 1]

    @cached_property
    def tree(self) -> Tree:
        """Of all coordinates."""
        return build_tree(np.ascontiguousarray(np.hstack(self.blocks)), workers=self.n_jobs)

    def radii(self, k: int) -> FloatArray:
        """Return the distance of each point to its k-th neighbour."""
        if self.is_plane:
            (x,), (y,) = self.columns(0), self.columns(1)
            return pairs.radii(x, y, k, self.n_jobs)
        return kth_distances(self.tree, k, norm="max", workers=self.n_jobs)

    def within(self, radii: FloatArray, *chosen: int) -> IntArray:
        """Count the points closer than the radii in some blocks, each point itself included."""
        return self.counts(radii, chosen)[0]

    def counts(self, radii: FloatArray, *subsets: Sequence[int]) -> list[IntArray]:
        """Return such counts for several subsets of the blocks."""
        reaches: dict[int, list[AnyArray]] = {}  # each column is looked up once
        found = []
        for chosen in subsets:
            columns = [column for place in chosen for column in self.columns(place)]
            known = None
            if len(columns) <= _LOOKED_UP:
                for place in chosen:
                    if place not in reaches:
                        reaches[place] = [
                            reach_in(column, radii, workers=self.n_jobs)
                            for column in self.columns(place)
                        ]
                known = [reach for place in chosen for reach in reaches[place]]
            marginal = Marginal(columns, workers=self.n_jobs)
            found.append(marginal.count(radii, workers=self.n_jobs, reaches=known))
        return found
