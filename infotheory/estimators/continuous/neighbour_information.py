"""Mutual information, conditional or not, from counts of neighbours.

Every function takes a space of two variables or three, x, y and z, and returns the terms of which
the estimate is made. Formulas and the treatment of ties: "docs/theory/neighbours.md".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from infotheory._typing import BoolArray, FloatArray, IntArray
from infotheory.estimators.continuous.space import Space
from infotheory.estimators.neighbours import pairs
from infotheory.estimators.neighbours.classes import ross_terms
from infotheory.estimators.neighbours.digamma import digamma_table
from infotheory.estimators.neighbours.tree import build_tree, extents, kth_distances

__all__ = [
    "INFORMATION",
    "Terms",
    "gao",
    "ksg1",
    "ksg2",
    "ksg_ties",
    "mesner_shalizi",
    "ross",
    "with_ties",
]

_NEXT = 5e-324  # the smallest distance: closer than this are copies only


class Terms(NamedTuple):
    """An estimate as ``constant - mean(terms)``, in nats.

    Attributes
    ----------
    constant : float
        What does not depend on where the points are.
    terms : ndarray, shape (n,)
        One for each sample that takes part.
    kept : ndarray of bool, optional
        Which samples those are; None where all do.
    copied : float
        Share of samples with k copies, where ties are counted.
    """

    constant: float
    terms: FloatArray
    kept: BoolArray | None = None
    copied: float = 0.0

    @property
    def value(self) -> float:
        """The estimate; nan where no sample takes part."""
        return self.constant - float(np.mean(self.terms)) if self.terms.size else math.nan

    @property
    def local(self) -> FloatArray:
        """What each sample contributes, nan for those left out; the estimate is their mean."""
        values: FloatArray = self.constant - self.terms
        if self.kept is None:
            return values
        local = np.full(self.kept.size, np.nan)
        local[self.kept] = values
        return local


def ksg1(space: Space, k: int) -> Terms:
    """I(X;Y) by the first algorithm of Kraskov et al., I(X;Y|Z) by that of Frenzel and Pompe."""
    psi = digamma_table(space.n + 2)
    if space.is_plane:
        (x,), (y,) = space.columns(0), space.columns(1)
        return Terms(psi[k] + psi[space.n], pairs.ksg1_terms(x, y, k, psi, space.n_jobs))
    radii = space.radii(k)
    if len(space.blocks) == 2:
        of_x, of_y = space.counts(radii, [0], [1])
        return Terms(psi[k] + psi[space.n], psi[of_x] + psi[of_y])
    of_xz, of_yz, of_z = space.counts(radii, [0, 2], [1, 2], [2])
    return Terms(psi[k], psi[of_xz] + psi[of_yz] - psi[of_z])


def ksg2(space: Space, k: int) -> Terms:
    """I(X;Y) by the second algorithm of Kraskov et al.: an own radius for each of x and y."""
    psi = digamma_table(space.n + 2)
    reach = extents(space.tree, space.radii(k), space.blocks[0].shape[1], workers=space.n_jobs)
    counts = [
        space.within(np.nextafter(radii, np.inf), place) - 1 for place, radii in enumerate(reach)
    ]
    return Terms(psi[k] - 1.0 / k + psi[space.n], psi[counts[0]] + psi[counts[1]])


def ksg_ties(space: Space, k: int) -> Terms:
    """I(X;Y) or I(X;Y|Z) as "ksg1", with all samples that tie with the k-th neighbour.

    Where distances tie more than k samples lie within that of the k-th, and those at it are neither
    to be left out nor to count as one. In the joint space all up to it count, and in each other
    space those up to it or, if they are more, the sample itself and those closer. Without ties that
    is "ksg1", but for rounding.
    """
    psi = digamma_table(space.n + 2)
    radii = space.radii(k)
    given = list(range(2, len(space.blocks)))
    near, (x, y, *rest) = with_ties(
        space, radii, [0, *given], [1, *given], *([given] if given else [])
    )
    copied = float(np.mean(radii == 0.0))
    if given:
        return Terms(0.0, psi[x] + psi[y] - (psi[near] + psi[rest[0]]), None, copied)
    return Terms(psi[space.n], psi[x] + psi[y] - psi[near], None, copied)


def with_ties(
    space: Space, radii: FloatArray, *subsets: Sequence[int]
) -> tuple[IntArray, list[IntArray]]:
    """Count the others up to the radii in all blocks, and for some blocks what stands for c.

    That is those up to the radius or, if they are more, the point itself and those closer.
    """
    closed = np.nextafter(radii, np.inf)
    (together,) = space.counts(closed, list(range(len(space.blocks))))
    upto, closer = space.counts(closed, *subsets), space.counts(radii, *subsets)
    pairs = zip(upto, closer, strict=True)
    return together - 1, [np.maximum(a - 1, b) for a, b in pairs]


def gao(space: Space, k: int) -> Terms:
    """I(X;Y) of mixtures of densities and atoms, by Gao et al."""
    psi = digamma_table(space.n + 2)
    radii = space.radii(k)
    together = _together(space, radii, k, space.n)
    reach = np.where(radii > 0.0, radii, _NEXT)
    terms = psi[space.within(reach, 0)] + psi[space.within(reach, 1)]
    return Terms(float(np.log(space.n)), terms - psi[together])


def mesner_shalizi(space: Space, k: int) -> Terms:
    """I(X;Y|Z) of mixtures, by Mesner and Shalizi; I(X;Y) as that with a constant z."""
    psi = digamma_table(space.n + 2)
    radii = space.radii(k)
    together = _together(space, radii, k, space.n) - (radii == 0.0)
    reach = np.nextafter(radii, np.inf)
    given = list(range(2, len(space.blocks)))
    subsets = [[0, *given], [1, *given], given]
    x, y, *rest = (found - 1 for found in space.counts(reach, *filter(None, subsets)))
    z = rest[0] if rest else np.full(space.n, space.n - 1)
    return Terms(0.0, psi[x] + psi[y] - (psi[together] + psi[z]))


def _together(space: Space, radii: FloatArray, k: int, n: int) -> IntArray:
    """How many points count for the joint space: k, or the copies of a point that has k of them.

    A point is one of its copies. Where k neighbours are copies all copies count, which is the
    plug-in value of an atom.
    """
    atoms = radii == 0.0
    together = np.full(n, k)
    if atoms.any():
        copies = space.within(np.where(atoms, _NEXT, 0.0), *range(len(space.blocks)))
        together[atoms] = copies[atoms]
    return together


def ross(space: Space, codes: IntArray, k: int) -> Terms:
    """I(X;Y) of measurements, the one variable of the space, and symbols, by Ross.

    Symbols seen once are left out. With fewer than k + 1 samples of a symbol all others count.
    """
    psi = digamma_table(space.n + 2)
    if space.blocks[0].shape[1] == 1:
        (column,) = space.columns(0)
        kept, terms = ross_terms(column, codes, k, psi, space.n_jobs)
        return Terms(psi[np.count_nonzero(kept)], -terms, kept)
    sizes = np.bincount(codes)
    kept = sizes[codes] > 1
    if not kept.any():
        return Terms(math.nan, np.empty(0), kept)
    points = space.blocks[0][kept]
    radii = np.empty(len(points))
    for symbol in np.flatnonzero(sizes > 1):
        members = np.flatnonzero(codes[kept] == symbol)
        tree = build_tree(np.ascontiguousarray(points[members]), workers=space.n_jobs)
        near = min(k, members.size - 1)
        radii[members] = kth_distances(tree, near, norm="max", workers=space.n_jobs)
    counts = Space([points], space.n_jobs).within(radii, 0)
    size = sizes[codes[kept]]
    near_terms = psi[size] - psi[np.minimum(k, size - 1)]
    return Terms(psi[len(points)], psi[counts] + near_terms, kept)


INFORMATION: dict[str, Callable[[Space, int], Terms]] = {
    "ksg1": ksg1,
    "ksg2": ksg2,
    "ksg_ties": ksg_ties,
    "gao": gao,
    "mesner_shalizi": mesner_shalizi,
}
"""What estimates I(X;Y) from coordinates; "ksg1", "ksg_ties" and "mesner_shalizi" also I(X;Y|Z)."""
