"""The state from which every quantity of a classifier follows.

Let P_i be the output distribution of sample i, over K symbols, y_i its label, and w_i its weight,
one unless weights are given.  For each class c

* n_c, the number of samples, and W_c, the sum of their weights;
* A_c, the sum of w_i P_i (``mass``), so that the centroid is Q_c = A_c / W_c;
* B_c, the sum of the finite w_i ln P_i (``log_mass``), with Z_c(k), the number of samples for which
  P_i(k) is exactly zero (``zeros``, absent until the first zero is met);
* h_c, the sum of w_i <P_i, ln P_i> (``entropy``);
* the tallies of the report.

All of these add when data sets are concatenated, so the same state streams over batches and merges
over processes and files.  Where the samples come in parts (shards for a jackknife, groups for a
table), a row stands for the samples of one class in one part, a cell; parts fold together by
adding rows.  From the state of one part :mod:`infotheory.classifiers.quantities` follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from infotheory._kernels.class_sums import N_BINS
from infotheory._typing import AnyArray, BoolArray, FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.classifiers.entropies import entropies

__all__ = ["ADDITIVE", "ClassSums"]


@dataclass(eq=False)
class ClassSums:
    """Per-class sums of output distributions; rows stand for the cells met so far.

    Attributes
    ----------
    n_classes, n_outputs : int
        C, the number of classes, and K, the number of output symbols. Where they are equal,
        labels name columns and the tallies of the decision are kept.
    cells : ndarray of int, shape (S,)
        Cells met so far, ascending: class * n_parts + part, which with one part is the class.
        Memory is proportional to S K, not C K.
    counts : ndarray of int, shape (S,)
        n_c, samples of weight zero left out.
    weight, squares : ndarray of float, shape (S,)
        W_c, and the sum of w_i^2.
    mass, log_mass : ndarray of float, shape (S, K)
        A_c and B_c.
    zeros : ndarray of int, shape (S, K), or None
        Z_c(k), or None where no probability was exactly zero.
    entropy : ndarray of float, shape (S,)
        h_c, in nats, not positive.
    loss : ndarray of float, shape (S,)
        Sum of -w_i ln P_i(y_i); where labels do not name columns, of -w_i ln max P_i.
    top5_misses : ndarray of float, shape (S,)
        Weight of the samples whose label is not among the five most probable symbols.
    bins : ndarray of float, shape (S, 15, 2)
        Weight of the samples, and of the correct samples, by confidence bin.
    confidence : ndarray of float, shape (S, 15)
        Weighted sum of the confidences in each bin.
    n_parts : int
        Into how many parts the samples are divided.
    n_rows : int
        Samples seen, those of weight zero included.
    first_zero_row : int or None
        The first sample with an exact zero, counted over all samples seen.
    """

    n_classes: int
    n_outputs: int
    cells: IntArray
    counts: IntArray
    weight: FloatArray
    squares: FloatArray
    mass: FloatArray
    log_mass: FloatArray
    zeros: IntArray | None
    entropy: FloatArray
    loss: FloatArray
    top5_misses: FloatArray
    bins: FloatArray
    confidence: FloatArray
    n_parts: int = 1
    n_rows: int = 0
    first_zero_row: int | None = None

    @classmethod
    def empty(cls, n_classes: int, n_outputs: int, cells: IntArray, n_parts: int = 1) -> ClassSums:
        """Return sums over no samples, with room for the given cells."""
        size = cells.size
        return cls(
            n_classes=n_classes,
            n_outputs=n_outputs,
            cells=cells,
            counts=np.zeros(size, np.int64),
            weight=np.zeros(size),
            squares=np.zeros(size),
            mass=np.zeros((size, n_outputs)),
            log_mass=np.zeros((size, n_outputs)),
            zeros=None,
            entropy=np.zeros(size),
            loss=np.zeros(size),
            top5_misses=np.zeros(size),
            bins=np.zeros((size, N_BINS, 2)),
            confidence=np.zeros((size, N_BINS)),
            n_parts=n_parts,
        )

    @property
    def n(self) -> int:
        """Number of samples of positive weight."""
        return int(self.counts.sum())

    @property
    def classes(self) -> IntArray:
        """Class of each row, ascending; every class once where there is one part."""
        return self.cells if self.n_parts == 1 else self.cells // self.n_parts

    @property
    def worth(self) -> FloatArray:
        """How many samples of equal weight each row is worth, shape (S,); n_c without weights."""
        return self.weight**2 / self.squares

    @property
    def labelled(self) -> bool:
        """Whether labels name output columns, so that there is a decision to judge."""
        return self.n_classes == self.n_outputs

    @cached_property
    def centroid_entropies(self) -> FloatArray:
        """W_c H(Q_c) in nats, shape (S,)."""
        return entropies(self.mass, self.weight)

    @property
    def class_cmi(self) -> FloatArray:
        """Mean of D(P_i || Q_c) over each row's samples, in nats, shape (S,)."""
        # Both entropies are exact to rounding, and the concavity of entropy makes the sum positive.
        divergence = np.maximum(self.centroid_entropies + self.entropy, 0.0) / self.weight
        return np.where(self.counts == 1, 0.0, divergence)  # one sample is its own centroid

    def copy(self) -> ClassSums:
        """Return sums that share nothing with these."""
        return self._spread(self.cells)

    def __add__(self, other: ClassSums) -> ClassSums:
        """Return the sums of the concatenated samples, those of `other` last."""
        return self.copy().absorb(other)

    def absorb(self, other: ClassSums) -> ClassSums:
        """Return the sums of the concatenation, reusing this state's arrays, which it consumes."""
        for argument in ("n_classes", "n_outputs", "n_parts"):
            mine, its = getattr(self, argument), getattr(other, argument)
            if mine != its:
                raise refusal(
                    f"{argument} of the sums to merge",
                    f"equal ({mine})",
                    str(its),
                    "Only outputs over the same classes and symbols add up.",
                )
        union = np.union1d(self.cells, other.cells)
        total = self if union.size == self.cells.size else self._spread(union)
        rows = np.searchsorted(union, other.cells)
        if other.zeros is not None:
            if total.zeros is None:
                total.zeros = np.zeros((union.size, self.n_outputs), np.int64)
            total.zeros[rows] += other.zeros
        for name in ADDITIVE:
            mine, its = getattr(total, name), getattr(other, name)
            if rows.size == union.size:
                mine += its
            else:
                mine[rows] += its
        if total.first_zero_row is None and other.first_zero_row is not None:
            total.first_zero_row = total.n_rows + other.first_zero_row
        total.n_rows += other.n_rows
        total.__dict__.pop("centroid_entropies", None)
        return total

    def _spread(self, cells: IntArray) -> ClassSums:
        """Copy into rows for `cells`, a superset of the present ones."""
        larger = ClassSums.empty(self.n_classes, self.n_outputs, cells.copy(), self.n_parts)
        rows = np.searchsorted(cells, self.cells)
        for name in ADDITIVE:
            getattr(larger, name)[rows] = getattr(self, name)
        if self.zeros is not None:
            larger.zeros = np.zeros((cells.size, self.n_outputs), np.int64)
            larger.zeros[rows] = self.zeros
        larger.n_rows, larger.first_zero_row = self.n_rows, self.first_zero_row
        return larger

    def in_parts(self, new_part: IntArray, n_parts: int) -> ClassSums:
        """Return the sums over another division into parts.

        Parameters
        ----------
        new_part : ndarray of int, shape (n_parts,)
            The new part of each present one; -1 leaves it out. Parts that become one add up.
        n_parts : int
            The new number of parts.

        Returns
        -------
        ClassSums
            Where parts were left out, ``n_rows`` counts samples of positive weight and
            ``first_zero_row`` is unknown.
        """
        part = new_part[self.cells % self.n_parts]
        rows = np.flatnonzero(part >= 0)
        cells = self.classes[rows] * n_parts + part[rows]
        order = np.argsort(cells, kind="stable")
        present, starts = np.unique(cells[order], return_index=True)
        rows = rows[order]

        def added(values: AnyArray) -> AnyArray:
            if present.size == rows.size:  # also where there is none, which reduceat refuses
                return values[rows]
            return np.add.reduceat(values[rows], starts, axis=0)

        whole = bool((new_part >= 0).all())
        sums: dict[str, Any] = {name: added(getattr(self, name)) for name in ADDITIVE}
        return replace(
            self,
            **sums,
            cells=present,
            n_parts=n_parts,
            zeros=None if self.zeros is None else added(self.zeros),
            n_rows=self.n_rows if whole else int(sums["counts"].sum()),
            first_zero_row=self.first_zero_row if whole else None,
        )

    def fold(self, keep: BoolArray | None = None) -> ClassSums:
        """Return the sums of some parts, all by default, taken together as one."""
        everything = np.zeros(self.n_parts, np.int64)
        return self.in_parts(everything if keep is None else np.where(keep, 0, -1), 1)

    def split(self, n_groups: int) -> Iterator[ClassSums]:
        """Yield the sums of each of `n_groups` runs of consecutive parts, which are kept."""
        part, size = np.arange(self.n_parts), self.n_parts // n_groups
        for group in range(n_groups):
            yield self.in_parts(np.where(part // size == group, part % size, -1), size)

    def reordered(self, rows: IntArray, cells: IntArray) -> ClassSums:
        """Return the given rows, under other cells, ascending."""
        return replace(
            self,
            cells=cells,
            zeros=None if self.zeros is None else self.zeros[rows],
            **{name: getattr(self, name)[rows] for name in ADDITIVE},
        )

    def of_classes(self, classes: IntArray) -> ClassSums:
        """Return the rows of the given classes, which are present, ascending; one part only."""
        chosen = self.reordered(np.searchsorted(self.cells, classes), classes)
        chosen.n_rows, chosen.first_zero_row = chosen.n, None
        return chosen

    def reweighted(self, weight: FloatArray) -> ClassSums:
        """Return sums in which each row counts as if its samples had `weight` in all.

        Parameters
        ----------
        weight : ndarray of float, shape (S,)
            The new W_c, positive.

        Returns
        -------
        ClassSums
            Counts of samples and of zeros stay as they are.
        """
        factor = weight / self.weight
        scaled = {name: (getattr(self, name).T * factor).T for name in ADDITIVE if name != "counts"}
        scaled["squares"] *= factor
        return replace(self, **scaled)


ADDITIVE = (
    "counts",
    "weight",
    "squares",
    "mass",
    "log_mass",
    "entropy",
    "loss",
    "top5_misses",
    "bins",
    "confidence",
)
"""Fields that add where samples are put together; zeros are kept apart."""
