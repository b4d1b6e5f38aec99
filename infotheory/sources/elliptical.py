"""Gaussian and Student-t variables, numbers or vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, psi

from infotheory._typing import FloatArray
from infotheory.sources._parameters import as_covariance, as_location, check_number
from infotheory.sources.source import ContinuousSource

__all__ = ["Gaussian", "StudentT", "student_excess", "student_stretch"]

_GAUSSIAN = 0.5 * math.log(2.0 * math.pi * math.e)  # entropy of a standard one
_SERIES = 100.0  # half the degrees of freedom from which on Stirling's series is used


class _Elliptical(ContinuousSource):
    """Spherical noise, stretched by a Cholesky factor and moved."""

    _location: Any
    _root: FloatArray

    def _place(self, location: str, spread: str) -> None:
        """Check and keep the two parameters of these names."""
        matrix, root = as_covariance(spread, getattr(self, spread))
        centre = as_location(location, getattr(self, location), matrix.shape[:1])
        kept = (centre, matrix) if matrix.ndim else (float(centre), float(matrix))
        self._keep(**{location: kept[0], spread: kept[1]}, _location=kept[0], _root=root)

    def _placed(self, noise: FloatArray) -> FloatArray:
        vectors = noise @ self._root.T
        samples: FloatArray = self._location + (
            vectors[:, 0] if isinstance(self._location, float) else vectors
        )
        return samples

    def _gaussian_entropy(self) -> float:
        """Of the Gaussian with this spread."""
        return float(np.log(self._root.diagonal()).sum()) + _GAUSSIAN * len(self._root)


def student_excess(df: float, dimension: int) -> float:
    """Entropy of a Student-t vector less that of a Gaussian with its scale matrix as covariance.

    With a = df / 2, h = dimension / 2 and b = a + h it is h ln(a) - h + ln Gamma(a) - ln Gamma(b)
    + b (psi(b) - psi(a)). For large a these terms cancel; Stirling's series leaves what is below.
    """
    a, h = df / 2.0, dimension / 2.0
    b = a + h
    if a < _SERIES:
        gammas = float(gammaln(a) - gammaln(b))
        return h * math.log(a) - h + gammas + b * float(psi(b) - psi(a))
    u, v, ratio = 1.0 / a, 1.0 / b, b / a  # powers of these vanish, where those of a overflow
    second = (u - 2.0 * v + ratio * u) / 12.0
    fourth = (-(u**3) + 4.0 * v**3 - 3.0 * ratio * u**3) / 360.0
    return 0.5 * math.log1p(h / a) + h / (2.0 * a) + second + fourth


def student_stretch(df: float, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw the factors, one a row, that make Student-t vectors of Gaussian ones."""
    return np.sqrt(df / rng.chisquare(df, size=(n, 1)))


@dataclass(frozen=True, eq=False, repr=False)
class Gaussian(_Elliptical):
    """A Gaussian number or vector.

    Attributes
    ----------
    mean : float or array_like, shape (d,)
        0 by default; one number is the mean of each coordinate.
    covariance : float or array_like, shape (d, d)
        A variance makes samples numbers, of shape (n,); a matrix makes them vectors, of shape
        (n, d). 1 by default. It must be symmetric and positive definite.

    Raises
    ------
    ValueError
        If the covariance is not symmetric and positive definite, or the shapes do not fit.

    Notes
    -----
    h = (d ln(2 pi e) + ln det C) / 2, the most that a vector of that covariance can have. The
    determinant is that of the Cholesky factor. Correlations with an eigenvalue below 1e-12, which
    rounding could make singular, are refused.

    References
    ----------
    .. [1] cover2006elements, theorem 8.4.1.

    Examples
    --------
    >>> from infotheory.sources import Gaussian
    >>> round(Gaussian().differential_entropy(), 6)  # ln(2 pi e) / 2
    1.418939
    >>> Gaussian(covariance=[[2.0, 1.0], [1.0, 2.0]]).sample(5, rng=0).shape
    (5, 2)
    """

    mean: Any = 0.0
    covariance: Any = 1.0

    def __post_init__(self) -> None:
        self._place("mean", "covariance")

    def _differential_entropy(self) -> float:
        return self._gaussian_entropy()

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        return self._placed(rng.standard_normal((n, len(self._root))))


@dataclass(frozen=True, eq=False, repr=False)
class StudentT(_Elliptical):
    """A Student-t number or vector: heavy tails.

    Attributes
    ----------
    df : float
        Degrees of freedom, at least 0.1; there is a mean above 1, and a variance above 2.
    location : float or array_like, shape (d,)
        The centre, 0 by default; one number is that of each coordinate.
    scale_matrix : float or array_like, shape (d, d)
        A number, the square of the scale, makes samples numbers, of shape (n,); a matrix makes
        them vectors, of shape (n, d). 1 by default. It must be symmetric and positive definite.

    Raises
    ------
    ValueError
        If a parameter is not in its range, or the shapes do not fit.

    Notes
    -----
    With v = df, h = (ln det S + d ln(v pi)) / 2 + ln Gamma(v / 2) - ln Gamma((v + d) / 2)
    + (v + d) / 2 (psi((v + d) / 2) - psi(v / 2)). From v = 200 on, where these terms cancel,
    Stirling's series is used; the limit is the entropy of the Gaussian.

    References
    ----------
    .. [1] arellanovalle2013shannon.

    Examples
    --------
    >>> from infotheory.sources import StudentT
    >>> round(StudentT(df=1).differential_entropy(), 6)  # Cauchy: ln(4 pi)
    2.531024
    """

    df: float
    location: Any = 0.0
    scale_matrix: Any = 1.0

    def __post_init__(self) -> None:
        self._keep(df=check_number("df", self.df, "[0.1, inf)", "Gaussian is the limit."))
        self._place("location", "scale_matrix")

    def _differential_entropy(self) -> float:
        return self._gaussian_entropy() + student_excess(self.df, len(self._root))

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        noise = rng.standard_normal((n, len(self._root)))
        return self._placed(noise * student_stretch(self.df, n, rng))
