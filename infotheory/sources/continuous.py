"""Sources of numbers with a density."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, psi

from infotheory._typing import FloatArray
from infotheory._validation import refusal
from infotheory.sources._parameters import check_number
from infotheory.sources.source import ContinuousSource

__all__ = ["Exponential", "Gamma", "Laplace", "Uniform"]

_SCALE = "(1e-300, 1e300)"
_SERIES = 1e3  # from this shape on: the terms of the closed form cancel, and the next one is 1e-14


@dataclass(frozen=True, eq=False, repr=False)
class Uniform(ContinuousSource):
    """A number between two ends, all equally likely.

    Attributes
    ----------
    low, high : float
        The ends, 0 and 1 by default.

    Raises
    ------
    ValueError
        If `low` is not less than `high`, or an end is not a finite number.

    Notes
    -----
    h = ln(high - low), the most that a number between these ends can have.

    References
    ----------
    .. [1] cover2006elements, example 8.1.1.

    Examples
    --------
    >>> from infotheory.sources import Uniform
    >>> Uniform(0, 8).differential_entropy(base=2)
    3.0
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        low = check_number("low", self.low, "[-1e300, 1e300]")
        high = check_number("high", self.high, "[-1e300, 1e300]")
        if low >= high:
            raise refusal("high", f"greater than low ({low!r})", repr(high), "Swap the ends.")
        self._keep(low=low, high=high)

    def _differential_entropy(self) -> float:
        return math.log(self.high - self.low)

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        return rng.uniform(self.low, self.high, size=n)


@dataclass(frozen=True, eq=False, repr=False)
class Exponential(ContinuousSource):
    """Waiting times: density exp(-x / scale) / scale for x > 0.

    Attributes
    ----------
    scale : float
        The mean, 1 by default.

    Raises
    ------
    ValueError
        If it is not positive.

    Notes
    -----
    h = 1 + ln(scale), the most that a positive number of that mean can have.

    References
    ----------
    .. [1] cover2006elements, chapter 12.

    Examples
    --------
    >>> from infotheory.sources import Exponential
    >>> Exponential().differential_entropy()
    1.0
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        self._keep(scale=check_number("scale", self.scale, _SCALE))

    def _differential_entropy(self) -> float:
        return 1.0 + math.log(self.scale)

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        return rng.exponential(self.scale, size=n)


@dataclass(frozen=True, eq=False, repr=False)
class Gamma(ContinuousSource):
    """Density in proportion to x^(shape - 1) exp(-x / scale) for x > 0.

    Attributes
    ----------
    shape : float
        k in [0.05, 1e12]; below one the density has a pole at zero.
    scale : float
        1 by default.

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    h = k + ln(scale) + ln Gamma(k) + (1 - k) psi(k). For k > 1000, where these terms cancel,
    h = ln(2 pi e k) / 2 + ln(scale) - 1 / (3k) - 1 / (12 k^2) - 1 / (90 k^3), by Stirling's series.
    Samples of smaller shapes than 0.05 are often smaller than the least positive number.

    References
    ----------
    .. [1] lazo1978entropy.

    Examples
    --------
    >>> from infotheory.sources import Exponential, Gamma
    >>> Gamma(1.0, 2.0).differential_entropy() == Exponential(2.0).differential_entropy()
    True
    """

    shape: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        self._keep(
            shape=check_number("shape", self.shape, "[0.05, 1e12]"),
            scale=check_number("scale", self.scale, _SCALE),
        )

    def _differential_entropy(self) -> float:
        k = self.shape
        if k > _SERIES:
            series = -1.0 / (3.0 * k) - 1.0 / (12.0 * k**2) - 1.0 / (90.0 * k**3)
            return 0.5 * math.log(2.0 * math.pi * math.e * k) + series + math.log(self.scale)
        return k + float(gammaln(k)) + (1.0 - k) * float(psi(k)) + math.log(self.scale)

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        return rng.gamma(self.shape, self.scale, size=n)


@dataclass(frozen=True, eq=False, repr=False)
class Laplace(ContinuousSource):
    """Density exp(-abs(x - location) / scale) / (2 scale).

    Attributes
    ----------
    location : float
        The mean, 0 by default.
    scale : float
        Mean distance from it, 1 by default.

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    h = 1 + ln(2 scale), the most that a number of that mean distance can have.

    References
    ----------
    .. [1] cover2006elements, chapter 12.

    Examples
    --------
    >>> from infotheory.sources import Laplace
    >>> Laplace(scale=0.5).differential_entropy()
    1.0
    """

    location: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        self._keep(
            location=check_number("location", self.location, "[-1e300, 1e300]"),
            scale=check_number("scale", self.scale, _SCALE),
        )

    def _differential_entropy(self) -> float:
        return 1.0 + math.log(2.0 * self.scale)

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        return rng.laplace(self.location, self.scale, size=n)
