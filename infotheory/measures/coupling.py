"""Joint distributions of least entropy that have given marginals."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from infotheory._results import unit_name
from infotheory._simplex import Distributions
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_base, refusal
from infotheory.measures._shown import html_table
from infotheory.measures._terms import entropies_of_masses

__all__ = ["Coupling", "minimum_entropy_coupling"]


@dataclass(frozen=True, eq=False)
class Coupling:
    """A joint distribution with given marginals, by its atoms.

    Attributes
    ----------
    indices : ndarray of int, shape (n_atoms, n_marginals)
        Symbols of each atom, one a marginal.
    probabilities : ndarray, shape (n_atoms,)
        Of the atoms, in the order in which they were formed: not increasing.
    sizes : tuple of int
        Number of symbols of each marginal.
    entropy : float
        Of the coupling.
    lower_bound : float
        No coupling of these marginals has a smaller entropy.
    base : float or None
        Base of the logarithm; None for nats.
    """

    indices: IntArray = field(repr=False)
    probabilities: FloatArray = field(repr=False)
    sizes: tuple[int, ...]
    entropy: float
    lower_bound: float
    base: float | None

    @property
    def gap(self) -> float:
        """How much smaller the entropy of another coupling may be."""
        return self.entropy - self.lower_bound

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    @property
    def joint(self) -> FloatArray:
        """The coupling as a table with one axis a marginal."""
        table = np.zeros(self.sizes)
        table[tuple(self.indices.T)] = self.probabilities
        return table

    def __str__(self) -> str:
        return (
            f"{self.entropy:.9g} {self.unit} in {len(self.probabilities)} atoms, at most "
            f"{self.gap:.2g} from the least"
        )

    def _repr_html_(self) -> str:
        return html_table(
            {
                "entropy": f"{self.entropy:.9g} {self.unit}",
                "lower bound": f"{self.lower_bound:.9g} {self.unit}",
                "atoms": f"{len(self.probabilities):,}",
                "marginals": " x ".join(map(str, self.sizes)),
            }
        )


def minimum_entropy_coupling(
    *marginals: Any, kind: str = "probs", base: float | None = None
) -> Coupling:
    """Minimum-entropy coupling of distributions, by the greedy method, with a bound.

    Parameters
    ----------
    *marginals : array_like, shape (K,)
        Two distributions or more, of any sizes.
    kind : {"probs", "log_probs", "logits"}
        What `marginals` hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    Coupling
        A joint distribution with these marginals, its entropy, and a lower bound on the entropy
        of every other.

    Raises
    ------
    ValueError
        If there are fewer than two marginals, or one of them is not a single distribution.

    Notes
    -----
    The least entropy is NP-hard to find. The greedy method takes the largest remaining probability
    of each marginal, gives the smallest of these to that combination of symbols, and goes on with
    what is left: at most sum K - n + 1 atoms, in O(n sum K log K). Its entropy exceeds the least by
    at most 1/e nats (0.53 bits) for two marginals and (1 + ln 2)/2 nats (1.22 bits) for more,
    Compton et al. (2023).

    The lower bound, usually much closer, rests on atoms being parts of symbols. Lay out the symbols
    of a marginal along [0, 1] from the largest on, and let s(u) be the size of the one at u.
    Splitting symbols only lowers s, so the atoms of a coupling stay below the lower envelope of the
    s of all marginals. The bound is the entropy of the distribution that has the largest atom that
    fits under the envelope at 0, beside it the largest that fits there, and so on: its partial
    sums are at least those of any coupling, so it majorises each. It is at least the entropy of the
    greatest lower bound of the marginals in the order of majorisation, and so at least that of
    each marginal.

    References
    ----------
    .. [1] kocaoglu2017entropic.
    .. [2] cicalese2019minimum.
    .. [3] compton2023minimum.

    Examples
    --------
    A fair bit is a function of a fair die with four faces, so the die is all the entropy there is.

    >>> from infotheory.measures import minimum_entropy_coupling
    >>> found = minimum_entropy_coupling([0.5, 0.5], [0.25] * 4, base=2)
    >>> found.entropy, found.lower_bound
    (2.0, 2.0)
    >>> found.joint
    array([[0.25, 0.  , 0.25, 0.  ],
           [0.  , 0.25, 0.  , 0.25]])
    """
    base = check_base(base)
    if len(marginals) < 2:
        raise refusal(
            "marginals", "two distributions or more", str(len(marginals)), "Pass each by itself."
        )
    distributions = [_marginal(m, f"marginals[{i}]", kind) for i, m in enumerate(marginals)]
    indices, probabilities = _greedy(distributions)
    unit = 1.0 if base is None else math.log(base)
    entropy = float(entropies_of_masses(probabilities)) / unit
    bound = float(entropies_of_masses(_majorant(distributions))) / unit
    return Coupling(
        indices,
        probabilities,
        tuple(len(p) for p in distributions),
        entropy,
        min(bound, entropy),
        base,
    )


def _marginal(values: Any, argument: str, kind: str) -> FloatArray:
    operand = Distributions(values, argument, kind)
    if operand.batch:
        raise refusal(
            argument,
            "1-dimensional",
            f"shape {operand.array.shape}",
            "Pass each marginal as an argument of its own.",
        )
    block = operand.blocks(())(0, 1)
    p: FloatArray = block.p[0]
    return p


def _greedy(distributions: list[FloatArray]) -> tuple[IntArray, FloatArray]:
    """Atoms of the greedy coupling: their symbols, and their probabilities."""
    heaps = [[(-mass, k) for k, mass in enumerate(p.tolist()) if mass > 0] for p in distributions]
    for heap in heaps:
        heapq.heapify(heap)
    indices, probabilities = [], []
    while all(heaps):
        mass = -max(heap[0][0] for heap in heaps)
        indices.append([heap[0][1] for heap in heaps])
        probabilities.append(mass)
        for heap in heaps:
            rest, symbol = heap[0]
            if -rest > mass:
                heapq.heapreplace(heap, (rest + mass, symbol))
            else:
                heapq.heappop(heap)
    # Sums of one differ by rounding: what one of them has left over is dropped.
    return np.array(indices), np.array(probabilities)


def _majorant(distributions: list[FloatArray]) -> FloatArray:
    """Return a distribution that majorises each coupling."""
    ends, sizes = _envelope(distributions)
    atoms, start, first = [], 0.0, 0
    while first < len(ends):
        if ends[first] <= start:
            first += 1
            continue
        # The largest atom from `start` on that is nowhere larger than the envelope: it reaches
        # into a step if one of the height of that step does.
        last = first
        while last + 1 < len(ends) and start + sizes[last + 1] > ends[last]:
            last += 1
        size = min(sizes[last], ends[last] - start)
        if start + size == start:  # so small that rounding hides it: one atom for all of these
            size = ends[last] - start
        atoms.append(size)
        start += size
    return np.array(atoms)


def _envelope(distributions: list[FloatArray]) -> tuple[list[float], list[float]]:
    """Smallest size of a symbol at each place, where marginals are laid out from the largest on.

    A step function that falls: where steps end, and their heights.
    """
    ordered = [np.sort(p[p > 0])[::-1] for p in distributions]
    edges = [np.cumsum(p) for p in ordered]
    ends = np.unique(np.concatenate(edges))
    sizes = [
        p[np.minimum(np.searchsorted(edge, ends), len(p) - 1)]
        for p, edge in zip(ordered, edges, strict=True)
    ]
    return ends.tolist(), np.min(sizes, axis=0).tolist()
