"""How far two samples are from the same density, from distances to nearest neighbours.

Let r be the distance from a point of x to its k-th neighbour in x, of n - 1 others, and s that to
its k-th neighbour in y, of m. Where densities p and q are constant within these balls, their masses
U = p V r^d and W = q V s^d follow the beta laws (k, n - k) and (k, m - k + 1), whatever p, q and V.
So E ln(W / U) = psi(n) - psi(m + 1), and moments of U and W are ratios of gamma functions: what
is formed from r and s can be freed from its bias for any n and m.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, logsumexp

from infotheory._typing import BoolArray, FloatArray, IntArray
from infotheory.estimators.continuous.subsampling import Scatter, scatter_of
from infotheory.estimators.neighbours.tree import build_tree, kth_distances, kth_distances_from

__all__ = ["Ratios", "from_integral", "kullback_leibler", "power_integral", "ratios", "scatter"]

_TINY = 5e-324  # squares of distances between points that differ may underflow to zero,
_HUGE = float(np.finfo(float).max)  # and may overflow


class Ratios(NamedTuple):
    """What each point of x says about p / q at its place.

    Attributes
    ----------
    logs : ndarray of float, shape (n,)
        d ln(s / r); for atoms ln(p / q) from the shares of their copies in x and in y.
    atoms : ndarray of bool, shape (n,)
        Points with k copies among the others of x, or in y.
    n_shared : int
        Points of x that occur in y.
    n, m, k : int
        Number of points of x and of y, and of neighbours.
    """

    logs: FloatArray
    atoms: BoolArray
    n_shared: int
    n: int
    m: int
    k: int


def ratios(x: FloatArray, y: FloatArray, k: int, workers: int | None = None) -> Ratios:
    """Compare the neighbours of x, of shape (n, d) with n > k, in x and in y, (m, d) with m >= k.

    Copies of a point are masses and not densities: where k neighbours are copies, their shares of
    both samples are compared instead. Infinite where y has none.
    """
    n, d = x.shape
    m = len(y)
    own = kth_distances(build_tree(x, workers=workers), k, norm="euclidean", workers=workers)
    other = kth_distances_from(
        build_tree(y, workers=workers), x, k, norm="euclidean", workers=workers
    )
    in_x, in_y = _copies(x, y)
    atoms = (in_x > k) | (in_y >= k)  # of which r or s is zero
    near, far = (np.clip(squares, _TINY, _HUGE) for squares in (own, other))
    with np.errstate(divide="ignore"):
        shares = np.log(in_x / n) - np.log(in_y / m)
    logs = np.where(atoms, shares, 0.5 * d * (np.log(far) - np.log(near)))  # these are squared
    return Ratios(logs, atoms, int(np.count_nonzero(in_y)), n, m, k)


def _copies(x: FloatArray, y: FloatArray) -> tuple[IntArray, IntArray]:
    """Count for each point of x how often it occurs in x and in y."""
    both = np.vstack([x, y])
    order = np.lexsort(both.T)
    new = np.ones(len(both), dtype=bool)
    new[1:] = (both[order[1:]] != both[order[:-1]]).any(axis=1)
    place = np.empty(len(both), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    own, other = place[: len(x)], place[len(x) :]
    size = int(place.max()) + 1
    return np.bincount(own, minlength=size)[own], np.bincount(other, minlength=size)[own]


def kullback_leibler(found: Ratios) -> FloatArray:
    """Return local values of D(p||q) in nats, whose mean is the estimate."""
    offset = float(digamma(found.m + 1) - digamma(found.n))
    return found.logs + np.where(found.atoms, 0.0, offset)


def power_integral(found: Ratios, alpha: float) -> float:
    """Estimate the integral of p^alpha q^(1 - alpha), for abs(alpha - 1) < k.

    Notes
    -----
    The mean of (q / p)^t under p, with t = 1 - alpha. (r / s)^(d t) is (q / p)^t times U^t / W^t,
    where E U^t = G(k + t) G(n) / (G(k) G(n + t)) and E W^-t = G(k - t) G(m + 1) /
    (G(k) G(m + 1 - t)) with the gamma function G. For n and m without bound this is the constant of
    Poczos and Schneider (2011), with G(k)^2 / (G(k - alpha + 1) G(k + alpha - 1)).
    """
    t, k, n, m = 1.0 - alpha, found.k, found.n, found.m
    own = gammaln(k + t) - gammaln(k) - (gammaln(n + t) - gammaln(n))
    other = gammaln(k - t) - gammaln(k) - (gammaln(m + 1 - t) - gammaln(m + 1))
    logs = -t * found.logs - np.where(found.atoms, 0.0, own + other)
    return float(np.exp(logsumexp(logs) - math.log(n)))


def from_integral(method: str, integral: float, alpha: float) -> float:
    """Return the divergence that an integral of p^alpha q^(1 - alpha) stands for."""
    if method == "renyi":
        with np.errstate(divide="ignore"):
            return float(np.log(integral)) / (alpha - 1.0)
    if method == "tsallis":
        return (integral - 1.0) / (alpha - 1.0)
    return math.sqrt(max(0.0, 1.0 - integral))  # Hellinger's distance


def scatter(
    x: FloatArray,
    y: FloatArray,
    value_of: Callable[[FloatArray, FloatArray], float],
    k: int,
    rng: np.random.Generator,
) -> Scatter | None:
    """Estimate from disjoint parts of both samples, in proportion; None where they are too small.

    Both samples add to the variance, which falls as one over their size while their ratio stays.
    """
    small, large = sorted((len(x), len(y)))
    order, parts = rng.permutation(large), itertools.count()

    def of_part(rows: IntArray) -> float:
        size = rows.size * large // small
        start = next(parts) * size
        others = order[start : start + size]
        return value_of(x[rows], y[others]) if len(x) == small else value_of(x[others], y[rows])

    return scatter_of(of_part, small, k, rng)
