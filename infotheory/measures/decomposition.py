"""What two sources tell of a target: in common, each alone, and only together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from infotheory._results import unit_name
from infotheory._simplex import Block, Distributions
from infotheory._typing import FloatArray
from infotheory._validation import check_base, check_choice, check_count, refusal
from infotheory.measures._entropy_program import EntropyProgram, Point
from infotheory.measures._interior_point import Certified, check_tolerance, narrow, warn_if_wide
from infotheory.measures._shown import html_table
from infotheory.measures.information import block_mutual_information
from infotheory.measures.shannon import block_entropy

__all__ = ["PartialInformationDecomposition", "partial_information_decomposition"]

_METHODS = ("broja", "mmi", "williams_beer")


@dataclass(frozen=True, eq=False)
class PartialInformationDecomposition:
    """The information of two sources about a target, in four parts.

    Attributes
    ----------
    redundancy : float
        What either source tells.
    unique_1, unique_2 : float
        What only the first, or only the second, source tells.
    synergy : float
        What takes both sources.
    mutual_information : float
        I(S1, S2; T), the sum of the four.
    method : str
        Definition of the parts.
    gap : float
        For "broja": no part is off by more than this. Zero for the other methods.
    minimizer : ndarray, shape (K1, K2, Kt), or None
        For "broja": the distribution with the same pairs of source and target in which the
        sources together tell least.
    iterations : int
        Steps taken.
    base : float or None
        Base of the logarithm; None for nats.
    warnings : tuple of str
        What to know before relying on it.
    """

    redundancy: float
    unique_1: float
    unique_2: float
    synergy: float
    mutual_information: float
    method: str
    gap: float
    minimizer: FloatArray | None = field(repr=False)
    iterations: int
    base: float | None
    warnings: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    def __str__(self) -> str:
        return (
            f"redundancy {self.redundancy:.6g}, unique {self.unique_1:.6g} and "
            f"{self.unique_2:.6g}, synergy {self.synergy:.6g} {self.unit} ({self.method})"
        )

    def _repr_html_(self) -> str:
        rows = {
            "redundancy": f"{self.redundancy:.6g} {self.unit}",
            "unique to source 1": f"{self.unique_1:.6g} {self.unit}",
            "unique to source 2": f"{self.unique_2:.6g} {self.unit}",
            "synergy": f"{self.synergy:.6g} {self.unit}",
            "mutual information": f"{self.mutual_information:.6g} {self.unit}",
            "method": self.method,
        }
        if self.method == "broja":
            rows["certified to"] = f"{self.gap:.1e} {self.unit}"
        if self.warnings:
            rows["warnings"] = " ".join(self.warnings)
        return html_table(rows)


def partial_information_decomposition(
    joint: Any,
    *,
    method: str = "broja",
    kind: str = "probs",
    tolerance: float = 1e-9,
    max_iterations: int = 200,
    base: float | None = None,
) -> PartialInformationDecomposition:
    """Partial information decomposition of I(S1, S2; T): redundancy, unique parts, synergy.

    Parameters
    ----------
    joint : array_like, shape (K1, K2, Kt)
        Joint distribution of the two sources, on the first two axes, and the target, on the last.
    method : {"broja", "mmi", "williams_beer"}
        Definition of redundancy: see Notes.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    tolerance : float
        How far the parts of "broja" may be off, in the unit of `base`.
    max_iterations : int
        Most steps of "broja"; a warning is given where they do not suffice.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    PartialInformationDecomposition
        Four parts of at least zero, with redundancy + unique_i = I(S_i; T) and
        redundancy + unique_1 + unique_2 + synergy = I(S1, S2; T).

    Raises
    ------
    ValueError
        If `joint` has not three axes, an entry is negative or nan, the sum is not one, or the
        method is unknown.

    Notes
    -----
    One of the parts determines the others, and there is no agreement on which definition is right.

    * "broja" (Bertschinger, Rauh, Olbrich, Jost, Ay): redundancy is I(S1; T) + I(S2; T) - V, where
      V is the least I_Q(S1, S2; T) over the distributions Q that have the pairs (S1, T) and
      (S2, T) of `joint`. Only these pairs matter to the unique parts.
    * "mmi": redundancy is the smaller of I(S1; T) and I(S2; T), so one unique part is zero.
    * "williams_beer": redundancy is I_min = sum_t p(t) min_i D(p(s_i | t) || p(s_i)). It compares
      amounts and not contents: two independent bits have a redundancy of one bit about the pair of
      them.

    V is a convex program. Its dual is to maximise sum p(s1, t) a(s1, t) + sum p(s2, t) b(s2, t)
    with sum_t exp(a(s1, t) + b(s2, t)) <= 1 for all pairs of s1 and s2: any a and b, shifted to
    satisfy this, bound V from below, and any Q from above. The gap between the two is reported. An
    interior point method takes 10 to 30 steps, each with a linear system of (K1 + K2) Kt unknowns.

    References
    ----------
    .. [1] bertschinger2014quantifying.
    .. [2] makkeh2018broja.
    .. [3] williams2010nonnegative.
    .. [4] barrett2015exploration.

    Examples
    --------
    Neither of two fair bits tells anything of their parity, and both tell all of it.

    >>> from infotheory.measures import partial_information_decomposition
    >>> parity = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> parts = partial_information_decomposition(parity, base=2)
    >>> round(parts.synergy, 9), round(parts.redundancy, 9)
    (1.0, 0.0)
    """
    check_choice("method", method, _METHODS)
    base, max_iterations = check_base(base), check_count("max_iterations", max_iterations)
    unit = 1.0 if base is None else math.log(base)
    tolerance = check_tolerance(tolerance)
    p = _joint(joint, kind)
    first, second = _information(p.sum(axis=1)), _information(p.sum(axis=0))
    total = max(_information(p.reshape(-1, p.shape[2])), first, second)
    minimizer, gap, iterations = None, 0.0, 0
    if method == "mmi":
        redundancy, union = min(first, second), max(first, second)
    elif method == "williams_beer":
        redundancy = min(_least_specific(p), first, second)
        union = first + second - redundancy
    else:
        found = _least_union(p, tolerance * unit, max_iterations)
        minimizer, gap, iterations = found.point, found.upper - found.lower, found.iterations
        # Whatever the joint distribution, V is between these. Where the first of them is not
        # excluded it is the value: so a unique part that may be zero is zero.
        least, most = max(first, second), min(total, first + second)
        union = least if found.lower <= least else min(found.upper, most)
        redundancy = first + second - union
    return PartialInformationDecomposition(
        redundancy / unit,
        max(0.0, union - second) / unit,  # below zero by rounding only
        max(0.0, union - first) / unit,
        max(0.0, total - union) / unit,
        total / unit,
        method,
        gap / unit,
        minimizer,
        iterations,
        base,
        warn_if_wide("union information", gap / unit, tolerance, iterations, base),
    )


def _joint(joint: Any, kind: str) -> FloatArray:
    operand = Distributions(joint, "joint", kind, n_axes=3)
    if operand.batch:
        raise refusal(
            "joint",
            "3-dimensional: two sources, then the target",
            f"shape {operand.array.shape}",
            "Decompose one distribution at a time.",
        )
    joint_block = operand.blocks(())(0, 1)
    p: FloatArray = joint_block.p[0]
    return p


def _information(pairs: FloatArray) -> float:
    """I(row; column) of a table of probabilities."""
    block = Block(pairs[None], np.atleast_1d(pairs.sum()), positive=False)
    return float(block_mutual_information(block)[0])


def _least_specific(p: FloatArray) -> float:
    """I_min: the mean over the target of what the less telling source tells of its value."""
    target = p.sum(axis=(0, 1))
    terms = []
    for pairs in (p.sum(axis=1), p.sum(axis=0)):
        source = pairs.sum(axis=1, keepdims=True)
        independent = source * target
        ratio = np.divide(pairs, independent, out=np.ones_like(pairs), where=pairs > 0)
        terms.append((pairs * np.log(ratio)).sum(axis=0))
    return max(0.0, float(np.minimum(*terms).sum()))


def _least_union(p: FloatArray, tolerance: float, max_iterations: int) -> Certified[FloatArray]:
    """V, the least information of both sources, given those of each with the target."""
    program = _Union(p)
    return narrow(program.path(), program.bounds, tolerance, max_iterations)


class _Union:
    """The convex program of V: maximise H(T | S1, S2) over Q.

    The unknowns are the Q(s1, s2, t) with p(s1, t) and p(s2, t) both positive: all others are
    zero.
    """

    def __init__(self, p: FloatArray) -> None:
        self._first, self._second = p.sum(axis=1), p.sum(axis=0)
        self._target = p.sum(axis=(0, 1))
        block = Block(self._target[None], self._target.sum(keepdims=True), positive=False)
        self._entropy = float(block_entropy(block)[0])
        self._shape = p.shape
        possible = (self._first[:, None] > 0) & (self._second[None] > 0)
        self._at = s1, s2, t = np.nonzero(possible)
        n, (k1, k2, kt) = len(t), p.shape
        rows = np.concatenate([s1 * kt + t, k1 * kt + s2 * kt + t])
        marginals = np.concatenate([self._first.ravel(), self._second.ravel()])
        self._used = marginals > 0
        number = np.cumsum(self._used) - 1
        matrix = sp.csr_array(
            (np.ones(2 * n), (number[rows], np.tile(np.arange(n), 2))),
            (int(self._used.sum()), n),
        )
        self._marginals = marginals[self._used]
        self._pairs, pair = np.unique(s1 * k2 + s2, return_inverse=True)
        self._program = EntropyProgram(matrix, self._marginals, pair, np.zeros(n))
        self._pair = pair

    def path(self) -> Iterator[Point]:
        """Start from sources that are independent given the target, which have all marginals."""
        with np.errstate(divide="ignore", invalid="ignore"):
            given_first = np.log(self._first / self._first.sum(axis=1, keepdims=True))
            given_second = np.log(self._second / self._second.sum(axis=1, keepdims=True))
            y = np.concatenate([given_first.ravel(), (given_second - np.log(self._target)).ravel()])
            given_target = self._second / self._target
        s1, s2, t = self._at
        q = self._first[s1, t] * given_target[s2, t]
        masses = np.bincount(self._pair, q).astype(np.float64, copy=False)
        return self._program.path(y[self._used], masses)

    def bounds(self, point: Point) -> tuple[float, float, FloatArray]:
        """Bounds on V, and the distribution that attains the upper one."""
        q = self._feasible(point.x)
        upper = _information(q.reshape(-1, self._shape[2]))
        return self._entropy + self._dual(point), upper, q

    def _dual(self, point: Point) -> float:
        """The dual objective of y once it is shifted to satisfy its constraints."""
        log_sums = np.full(self._shape[:2], -np.inf)
        log_sums.flat[self._pairs] = point.log_sums
        # Each value of a source may have its own shift: those of one source or of the other.
        shift = min(
            _mean_of_largest(self._first.sum(axis=1), log_sums),
            _mean_of_largest(self._second.sum(axis=1), log_sums.T),
        )
        return float(self._marginals @ point.y) - shift

    def _feasible(self, x: FloatArray) -> FloatArray:
        """Give x the marginals exactly, but for rounding.

        What is too much is scaled down, and what is then lacking added as a product.
        """
        q = np.zeros(self._shape)
        q[self._at] = x
        for axis, marginal in ((1, self._first), (0, self._second)):
            sums = q.sum(axis=axis)
            factor = np.divide(marginal, sums, out=np.ones_like(sums), where=sums > marginal)
            q *= np.expand_dims(factor, axis)
        lack_first = np.maximum(self._first - q.sum(axis=1), 0.0)
        lack_second = np.maximum(self._second - q.sum(axis=0), 0.0)
        lack = lack_first.sum(axis=0)
        share = np.divide(lack_first, lack, out=np.zeros_like(lack_first), where=lack > 0)
        q += share[:, None] * lack_second[None]
        return q


def _mean_of_largest(probabilities: FloatArray, log_sums: FloatArray) -> float:
    """Mean over rows of their largest entry; rows of probability zero count for nothing."""
    used = probabilities > 0
    return float(probabilities[used] @ log_sums[used].max(axis=1))
