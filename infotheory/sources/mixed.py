"""Pairs and triples that are not Gaussian, among them mixtures of numbers and symbols."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, gammaln, psi, xlogy

from infotheory._typing import AnyArray
from infotheory._validation import check_count
from infotheory.sources._parameters import check_number
from infotheory.sources.joint import through_channel
from infotheory.sources.source import JointSource

__all__ = [
    "GammaExponential",
    "OverlappingUniforms",
    "UniformBinomialChain",
    "UniformSum",
    "ZeroInflatedPoisson",
]

# sum over k > 1 of ln(k) 2^-k: after 80 terms less than 1e-22 is left.
_LOG_SUM = math.fsum(math.log(k) * 2.0**-k for k in range(2, 81))
_SERIES = 100.0  # from this shape on: the next term, 1 / (240 t^8), is 1e-16 of the first


@dataclass(frozen=True, eq=False, repr=False)
class UniformSum(JointSource):
    """X uniform on (0, 1), and Y = X + N with N uniform on (-noise, noise).

    Attributes
    ----------
    noise : float
        Half the width of N, e in (0, 1e300).

    Raises
    ------
    ValueError
        If it is not in that range.

    Notes
    -----
    h(Y) - h(N) gives I(X; Y) = e - ln(2 e) for e up to 1/2, and 1 / (4 e) from there on.

    References
    ----------
    .. [1] czyz2023beyond.

    Examples
    --------
    >>> from infotheory.sources import UniformSum
    >>> UniformSum(0.5).mutual_information()
    0.5
    >>> round(UniformSum(0.75).mutual_information(), 6)
    0.333333
    """

    noise: float

    def __post_init__(self) -> None:
        self._keep(noise=check_number("noise", self.noise, "(0, 1e300)"))

    def _mutual_information(self) -> float:
        e = self.noise
        return e - math.log(2.0 * e) if e < 0.5 else 0.25 / e

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        x = rng.random(n)
        return x, x + rng.uniform(-self.noise, self.noise, size=n)


@dataclass(frozen=True, eq=False, repr=False)
class GammaExponential(JointSource):
    """X from a gamma distribution, and Y exponential with rate X.

    Attributes
    ----------
    shape : float
        Of X, whose scale is 1; t in [0.05, 1e12].

    Raises
    ------
    ValueError
        If it is not in that range.

    Notes
    -----
    Y has the density t (1 + y)^-(t + 1), so I(X; Y) = h(Y) - h(Y | X) = psi(t + 1) - ln(t). For
    t > 100, where these terms cancel, it is 1 / (2t) - 1 / (12 t^2) + 1 / (120 t^4)
    - 1 / (252 t^6), by Stirling's series.

    References
    ----------
    .. [1] darbellay2000entropy.

    Examples
    --------
    >>> from infotheory.sources import GammaExponential
    >>> round(GammaExponential(1.0).mutual_information(), 6)  # 1 less Euler's constant
    0.422784
    """

    shape: float

    def __post_init__(self) -> None:
        self._keep(shape=check_number("shape", self.shape, "[0.05, 1e12]"))

    def _mutual_information(self) -> float:
        t = self.shape
        if t > _SERIES:
            series = 1.0 / (120.0 * t**4) - 1.0 / (252.0 * t**6)
            return 0.5 / t - 1.0 / (12.0 * t**2) + series
        return float(psi(t + 1.0)) - math.log(t)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        x = rng.gamma(self.shape, size=n)
        return x, rng.exponential(size=n) / x


@dataclass(frozen=True, eq=False, repr=False)
class ZeroInflatedPoisson(JointSource):
    """X exponential with mean 1, and Y a Poisson count with mean X, or a zero put in its place.

    Attributes
    ----------
    zeros : float
        Probability p in [0, 1) that Y is made zero.

    Raises
    ------
    ValueError
        If it is not in that range.

    Notes
    -----
    I(X; Y) = -q ln q - p^2 ln(p) / (2 (1 - p)) - q / 2 + (1 - p) (3 ln(2) / 2 + 1/4 - g - s) with
    q = (1 + p) / 2 = P(Y = 0), Euler's constant g and s = sum_k ln(k) 2^-k. It counts that a
    Poisson count may be zero by itself: 0.2297760 at p = 0.15. The value given in [1]_,
    (1 - p) (2 ln 2 - g - s), takes each zero for one that was put in, and agrees only at p = 0.

    References
    ----------
    .. [1] gao2017estimating.

    Examples
    --------
    >>> from infotheory.sources import ZeroInflatedPoisson
    >>> round(ZeroInflatedPoisson(0.15).mutual_information(), 6)
    0.229776
    """

    zeros: float = 0.0

    def __post_init__(self) -> None:
        self._keep(zeros=check_number("zeros", self.zeros, "[0, 1)"))

    def _mutual_information(self) -> float:
        p, kept = self.zeros, 1.0 - self.zeros
        q = 0.5 * (1.0 + p)
        poisson = kept * (1.5 * math.log(2.0) + 0.25 - np.euler_gamma - _LOG_SUM)
        zero = float(entr(q)) - float(xlogy(p * p, p)) / (2.0 * kept) - 0.5 * q
        return max(0.0, zero + poisson)  # rounding may win where hardly a count is left

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        x = rng.exponential(size=n)
        y = rng.poisson(x)
        y[rng.random(n) < self.zeros] = 0
        return x, y


@dataclass(frozen=True, eq=False, repr=False)
class OverlappingUniforms(JointSource):
    """X a symbol 0, ..., m - 1, all equally likely, and Y uniform on (X, X + 2).

    Attributes
    ----------
    n_symbols : int
        m.

    Raises
    ------
    ValueError
        If it is not a positive integer.

    Notes
    -----
    I(X; Y) = ln(m) - ln(2) (m - 1) / m.

    References
    ----------
    .. [1] gao2017estimating.

    Examples
    --------
    >>> from infotheory.sources import OverlappingUniforms
    >>> OverlappingUniforms(2).mutual_information(base=2)
    0.5
    """

    n_symbols: int

    def __post_init__(self) -> None:
        self._keep(n_symbols=check_count("n_symbols", self.n_symbols))

    def _mutual_information(self) -> float:
        m = self.n_symbols
        return math.log(m) - math.log(2.0) * (m - 1) / m

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        x = rng.integers(self.n_symbols, size=n)
        return x, x + 2.0 * rng.random(n)


@dataclass(frozen=True, eq=False, repr=False)
class UniformBinomialChain(JointSource):
    """The Markov chain X - Z - Y of a number, a symbol and a count.

    Z is a symbol 0, ..., m - 1, all equally likely, X uniform on (Z, Z + 1), and Y the number of
    successes in Z trials.

    Attributes
    ----------
    n_symbols : int
        m, at most 1000.
    probability : float
        Of success in one trial, in [0, 1]; 1/2 by default.

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    I(X; Y | Z) = 0. X tells what Z is, so I(X; Y) = I(Z; Y), a finite sum.

    References
    ----------
    .. [1] mesner2019conditional.

    Examples
    --------
    >>> from infotheory.sources import UniformBinomialChain
    >>> chain = UniformBinomialChain(n_symbols=2)
    >>> chain.conditional_mutual_information()
    0.0
    >>> round(chain.mutual_information(base=2), 6)  # h(1/4) - 1/2
    0.311278
    """

    n_symbols: int
    probability: float = 0.5

    def __post_init__(self) -> None:
        size = check_number("n_symbols", check_count("n_symbols", self.n_symbols), "[1, 1000]")
        self._keep(
            n_symbols=int(size),
            probability=check_number("probability", self.probability, "[0, 1]"),
        )

    @property
    def n_variables(self) -> int:
        """X, Y and Z."""
        return 3

    def _mutual_information(self) -> float:
        trials = np.arange(self.n_symbols)[:, None]
        k = np.minimum(np.arange(self.n_symbols), trials)
        ways = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
        p = self.probability
        counts = np.exp(ways + xlogy(k, p) + xlogy(trials - k, 1.0 - p))
        counts[np.arange(self.n_symbols) > trials] = 0.0
        # Logarithms of factorials leave errors of 1e-12 in the sums.
        return through_channel(counts / counts.sum(axis=1, keepdims=True)).mutual_information()

    def _conditional_mutual_information(self) -> float:
        return 0.0

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        z = rng.integers(self.n_symbols, size=n)
        return z + rng.random(n), rng.binomial(z, self.probability), z
