"""Gaussian and Student-t variables that depend on one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from infotheory._typing import AnyArray, FloatArray
from infotheory._validation import as_array, check_count, refusal
from infotheory.sources._parameters import as_covariance, check_dimension, check_number
from infotheory.sources.elliptical import student_excess, student_stretch
from infotheory.sources.source import JointSource

__all__ = ["GaussianPair", "GaussianTriple", "JointGaussian", "StudentTPair"]

_OPEN = "(-1, 1)"


def _information(correlation: float) -> float:
    """-ln(1 - r^2) / 2, exact for small r and for r near one alike; never -0.0."""
    r = abs(correlation)
    if r < 0.7:
        return abs(0.5 * math.log1p(-r * r))
    return -0.5 * math.log((1.0 - r) * (1.0 + r))


def _variables(noise: FloatArray, vectors: bool) -> tuple[AnyArray, ...]:
    """Variables along the first axis, each (n, d); numbers lose the axis of their coordinates."""
    return tuple(noise if vectors else noise[:, :, 0])


@dataclass(frozen=True, eq=False, repr=False)
class GaussianPair(JointSource):
    """Gaussian X and Y whose coordinates are correlated one by one.

    Attributes
    ----------
    correlation : float
        Of each coordinate of X with the same one of Y, r in (-1, 1). Coordinates have mean 0 and
        variance 1, and different ones are independent.
    dimension : int, optional
        d, for vectors of shape (n, d). By default X and Y are numbers, of shape (n,).

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    I(X; Y) = -(d / 2) ln(1 - r^2), formed with the small one of 1 - r and r^2.

    References
    ----------
    .. [1] kraskov2004estimating.

    Examples
    --------
    >>> from infotheory.sources import GaussianPair
    >>> pair = GaussianPair(correlation=0.9, dimension=3)
    >>> x, y = pair.sample(2000, rng=0)
    >>> x.shape, y.shape
    ((2000, 3), (2000, 3))
    >>> round(pair.mutual_information(), 6)  # -1.5 ln(0.19)
    2.491097
    """

    correlation: float
    dimension: int | None = None

    def __post_init__(self) -> None:
        self._keep(
            correlation=check_number("correlation", self.correlation, _OPEN),
            dimension=check_dimension(self.dimension),
        )

    def _mutual_information(self) -> float:
        return (self.dimension or 1) * _information(self.correlation)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        noise = rng.standard_normal((2, n, self.dimension or 1))
        _correlate(noise[0], noise[1], self.correlation)
        return _variables(noise, self.dimension is not None)


def _correlate(first: FloatArray, second: FloatArray, correlation: float) -> None:
    """Make the second of two independent variables depend on the first."""
    second *= math.sqrt((1.0 - correlation) * (1.0 + correlation))
    second += correlation * first


@dataclass(frozen=True, eq=False, repr=False)
class StudentTPair(JointSource):
    """Student-t X and Y: heavy tails that depend on one another even without correlation.

    Attributes
    ----------
    df : float
        Degrees of freedom v, at least 0.1, of the joint distribution.
    correlation : float
        Of each coordinate of X with the same one of Y, r in (-1, 1), as it stands in the scale
        matrix, whose diagonal is one.
    dimension : int, optional
        d, for vectors of shape (n, d). By default X and Y are numbers, of shape (n,).

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    X and Y are a Gaussian pair over one common factor, the root of a chi-square variable over v.
    I(X; Y) = -(d / 2) ln(1 - r^2) + 2 e(d) - e(2d), where e(k) is the entropy of a Student-t
    vector of k coordinates in excess of the Gaussian one, as in :class:`StudentT`. What e adds is
    positive and does not depend on r; it falls as 1 / v^2.

    References
    ----------
    .. [1] arellanovalle2013shannon.

    Examples
    --------
    >>> from infotheory.sources import StudentTPair
    >>> round(StudentTPair(df=1, correlation=0.0).mutual_information(), 6)  # ln(8 pi) - 3
    0.224171
    """

    df: float
    correlation: float
    dimension: int | None = None

    def __post_init__(self) -> None:
        self._keep(
            df=check_number("df", self.df, "[0.1, inf)", "GaussianPair is the limit."),
            correlation=check_number("correlation", self.correlation, _OPEN),
            dimension=check_dimension(self.dimension),
        )

    def _mutual_information(self) -> float:
        d = self.dimension or 1
        tails = 2.0 * student_excess(self.df, d) - student_excess(self.df, 2 * d)
        return d * _information(self.correlation) + tails

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        noise = rng.standard_normal((2, n, self.dimension or 1))
        _correlate(noise[0], noise[1], self.correlation)
        return _variables(noise * student_stretch(self.df, n, rng), self.dimension is not None)


@dataclass(frozen=True, eq=False, repr=False)
class GaussianTriple(JointSource):
    """Gaussian X, Y and Z; without partial correlation the Markov chain X - Z - Y.

    Attributes
    ----------
    correlation_xz, correlation_yz : float
        Of each coordinate of X, or Y, with the same one of Z, a and b in (-1, 1). Coordinates
        have mean 0 and variance 1, and different ones are independent.
    partial_correlation : float
        Of X and Y given Z, r in (-1, 1), 0 by default.
    dimension : int, optional
        d, for vectors of shape (n, d). By default the variables are numbers, of shape (n,).

    Raises
    ------
    ValueError
        If a parameter is not in its range; all values in the ranges go together.

    Notes
    -----
    I(X; Y | Z) = -(d / 2) ln(1 - r^2), and I(X; Y) is that of a pair with the correlation
    a b + r sqrt((1 - a^2)(1 - b^2)).

    References
    ----------
    .. [1] cover2006elements, chapters 2 and 8.

    Examples
    --------
    >>> from infotheory.sources import GaussianTriple
    >>> chain = GaussianTriple(correlation_xz=0.8, correlation_yz=0.6)
    >>> chain.conditional_mutual_information()
    0.0
    >>> round(chain.mutual_information(), 6)  # -ln(1 - 0.48^2) / 2
    0.130942
    """

    correlation_xz: float
    correlation_yz: float
    partial_correlation: float = 0.0
    dimension: int | None = None

    def __post_init__(self) -> None:
        for name in ("correlation_xz", "correlation_yz", "partial_correlation"):
            self._keep(**{name: check_number(name, getattr(self, name), _OPEN)})
        self._keep(dimension=check_dimension(self.dimension))

    @property
    def n_variables(self) -> int:
        """X, Y and Z."""
        return 3

    def _mutual_information(self) -> float:
        a, b = self.correlation_xz, self.correlation_yz
        rest = math.sqrt((1.0 - a) * (1.0 + a)) * math.sqrt((1.0 - b) * (1.0 + b))
        total = a * b + self.partial_correlation * rest
        return (self.dimension or 1) * _information(total)

    def _conditional_mutual_information(self) -> float:
        return (self.dimension or 1) * _information(self.partial_correlation)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        noise = rng.standard_normal((3, n, self.dimension or 1))
        _correlate(noise[0], noise[1], self.partial_correlation)
        _correlate(noise[2], noise[0], self.correlation_xz)
        _correlate(noise[2], noise[1], self.correlation_yz)
        return _variables(noise, self.dimension is not None)


@dataclass(frozen=True, eq=False, repr=False)
class JointGaussian(JointSource):
    """Gaussian vectors X and Y, or X, Y and Z, with any covariance.

    Attributes
    ----------
    covariance : array_like, shape (d, d)
        Of the coordinates of X, then of Y, then of Z; their means are 0. It must be symmetric
        and positive definite.
    dimensions : sequence of int
        How many coordinates each of the two or three variables has; d in all.

    Raises
    ------
    ValueError
        If the covariance is not symmetric and positive definite, or the dimensions do not add up.

    Notes
    -----
    I(X; Y) = -sum_i ln(1 - r_i^2) / 2 over the canonical correlations r_i. From the Cholesky factor
    L of the covariance, with the coordinates of Y last, it is sum_i ln(1 + w_i^2) / 2 over the
    singular values of L_YY^-1 L_YX; with those of Z first it is I(X; Y | Z). Unlike a difference
    of log-determinants this keeps its digits where the information is small. O(d^3) time.

    References
    ----------
    .. [1] hotelling1936relations.

    Examples
    --------
    >>> from infotheory.sources import JointGaussian
    >>> pair = JointGaussian([[1, 0, 0.6], [0, 1, 0], [0.6, 0, 1]], dimensions=(2, 1))
    >>> round(pair.mutual_information(base=2), 6)  # -log2(0.64) / 2
    0.321928
    """

    covariance: Any
    dimensions: Any

    def __post_init__(self) -> None:
        covariance, root = as_covariance("covariance", self.covariance)
        given = np.atleast_1d(as_array(self.dimensions, "dimensions"))
        sizes = tuple(check_count("dimensions", size) for size in given)
        if len(sizes) not in (2, 3) or sum(sizes) != len(root):
            raise refusal(
                "dimensions",
                f"two or three numbers whose sum is the size of the covariance ({len(root)})",
                repr(sizes),
                "They count the coordinates of X, Y and Z.",
            )
        self._keep(covariance=covariance, dimensions=sizes)

    @property
    def n_variables(self) -> int:
        """X and Y, or X, Y and Z."""
        return len(self.dimensions)

    def _mutual_information(self) -> float:
        return self._information_last(range(sum(self.dimensions[:2])))

    def _conditional_mutual_information(self) -> float:
        if self.n_variables == 2:
            return super()._conditional_mutual_information()
        both, size = sum(self.dimensions[:2]), sum(self.dimensions)
        return self._information_last([*range(both, size), *range(both)])

    def _information_last(self, order: Sequence[int]) -> float:
        """I(X; Y | rest), where X and Y come last in this order of the coordinates."""
        _, root = as_covariance("covariance", self.covariance[np.ix_(order, order)])
        d_x, d_y = self.dimensions[:2]
        y_given_x, slope = root[-d_y:, -d_y:], root[-d_y:, -d_y - d_x : -d_y]
        w = np.linalg.svd(solve_triangular(y_given_x, slope, lower=True), compute_uv=False)
        return 0.5 * float(np.log1p(w * w).sum())

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        _, root = as_covariance("covariance", self.covariance)
        samples = rng.standard_normal((n, len(root))) @ root.T
        return tuple(np.split(samples, np.cumsum(self.dimensions)[:-1], axis=1))
