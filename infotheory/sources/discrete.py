"""Sources of independent symbols."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import entr

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_rng, check_count
from infotheory.sources._parameters import as_probabilities, check_number
from infotheory.sources.source import DiscreteSource

__all__ = ["Categorical", "DiscreteUniform", "Geometric", "Zipf", "dirichlet"]


@dataclass(frozen=True, eq=False, repr=False)
class Categorical(DiscreteSource):
    """Symbols 0, ..., K - 1 with given probabilities.

    Attributes
    ----------
    probabilities : array_like, shape (K,)
        They must sum to one within the rounding of their dtype; that rounding is divided out.

    Raises
    ------
    ValueError
        If an entry is negative or nan, or the sum is not one.

    Notes
    -----
    H = -sum p_k ln p_k, with 0 ln 0 = 0. A symbol of probability zero is never drawn.

    References
    ----------
    .. [1] shannon1948mathematical, section 6.

    Examples
    --------
    >>> from infotheory.sources import Categorical
    >>> source = Categorical([0.5, 0.25, 0.25])
    >>> source.entropy(base=2)
    1.5
    >>> source.sample(1000, rng=0).shape
    (1000,)
    """

    probabilities: Any

    def __post_init__(self) -> None:
        self._keep(probabilities=as_probabilities("probabilities", self.probabilities))

    def _entropy(self) -> float:
        return float(entr(self.probabilities).sum())

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        return rng.choice(self.probabilities.size, size=n, p=self.probabilities)


@dataclass(frozen=True, eq=False, repr=False)
class DiscreteUniform(DiscreteSource):
    """Symbols 0, ..., K - 1, all equally likely.

    Attributes
    ----------
    n_symbols : int
        K.

    Raises
    ------
    ValueError
        If it is not a positive integer.

    Notes
    -----
    H = ln K, the most that K symbols can have.

    References
    ----------
    .. [1] shannon1948mathematical, section 6.

    Examples
    --------
    >>> from infotheory.sources import DiscreteUniform
    >>> DiscreteUniform(8).entropy(base=2)
    3.0
    """

    n_symbols: int

    def __post_init__(self) -> None:
        self._keep(n_symbols=check_count("n_symbols", self.n_symbols))

    @cached_property
    def probabilities(self) -> FloatArray:
        """1 / K, K times."""
        p = np.full(self.n_symbols, 1.0 / self.n_symbols)
        p.setflags(write=False)
        return p

    def _entropy(self) -> float:
        return math.log(self.n_symbols)

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        return rng.integers(self.n_symbols, size=n)


@dataclass(frozen=True, eq=False, repr=False)
class Zipf(DiscreteSource):
    """Symbols 0, ..., K - 1 whose probabilities fall with their rank, as those of words do.

    Attributes
    ----------
    n_symbols : int
        K.
    exponent : float
        s in [0, 100]; 1 by default, and 0 makes all symbols equally likely.

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    p_k is in proportion to (k + 1)^-s. H = ln Z + (s / Z) sum_j ln(j) j^-s over the ranks j from
    1 to K, with Z = sum_j j^-s: terms of one sign, so no digits are lost. O(K) time and memory,
    once.

    References
    ----------
    .. [1] zipf1949human.

    Examples
    --------
    >>> from infotheory.sources import Zipf
    >>> source = Zipf(n_symbols=2, exponent=1.0)
    >>> source.probabilities.round(4).tolist()
    [0.6667, 0.3333]
    >>> round(source.entropy(base=2), 4)  # log2(3) - 2/3
    0.9183
    """

    n_symbols: int
    exponent: float = 1.0

    def __post_init__(self) -> None:
        self._keep(
            n_symbols=check_count("n_symbols", self.n_symbols),
            exponent=check_number("exponent", self.exponent, "[0, 100]"),
        )

    @cached_property
    def _log_ranks(self) -> FloatArray:
        logs: FloatArray = np.log(np.arange(1.0, self.n_symbols + 1.0))
        return logs

    @cached_property
    def probabilities(self) -> FloatArray:
        """Of the symbols, largest first."""
        weights = np.exp(-self.exponent * self._log_ranks)
        p: FloatArray = weights / weights.sum()
        p.setflags(write=False)
        return p

    def _entropy(self) -> float:
        # The first rank has weight one, so p_0 = 1 / Z; the other weights may be tiny beside it.
        p = self.probabilities
        log_z = math.log1p(float(p[1:].sum() / p[0]))
        return self.exponent * float(p @ self._log_ranks) + log_z

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        return rng.choice(self.n_symbols, size=n, p=self.probabilities)


@dataclass(frozen=True, eq=False, repr=False)
class Geometric(DiscreteSource):
    """Number of failures before the first success: symbols 0, 1, 2, ... without end.

    Attributes
    ----------
    probability : float
        Of success, p in [1e-15, 1].

    Raises
    ------
    ValueError
        If it is not in that range.

    Notes
    -----
    P(k) = p (1 - p)^k, so H = h(p) / p with the binary entropy h: the most that a non-negative
    integer of that mean can have. For estimators which must not know the size of the alphabet.

    References
    ----------
    .. [1] cover2006elements, chapter 2.

    Examples
    --------
    >>> from infotheory.sources import Geometric
    >>> Geometric(0.5).entropy(base=2)
    2.0
    """

    probability: float

    def __post_init__(self) -> None:
        self._keep(probability=check_number("probability", self.probability, "[1e-15, 1]"))

    def _entropy(self) -> float:
        p = self.probability
        failures = 0.0 if p == 1.0 else -(1.0 - p) * math.log1p(-p) / p
        return failures + abs(math.log(p))  # abs: never -0.0

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        return rng.geometric(self.probability, size=n) - 1


def dirichlet(n_symbols: int, concentration: float = 1.0, rng: Any = None) -> Categorical:
    """Draw the probabilities of a source from the symmetric Dirichlet distribution.

    Parameters
    ----------
    n_symbols : int
        K.
    concentration : float
        Of the prior, in [1e-3, 1e6]: small values give few symbols nearly all the mass, one draws
        from the whole simplex evenly, large values draw near the uniform distribution.
    rng : numpy.random.Generator or int, optional
        Source of randomness or its seed.

    Returns
    -------
    Categorical
        Which knows the entropy of the probabilities that were drawn.

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    Over draws with concentration a the entropy has mean psi(K a + 1) - psi(a + 1) [1]_: for large
    K nearly all draws of one concentration have nearly the same entropy.

    References
    ----------
    .. [1] wolpert1995estimating.

    Examples
    --------
    >>> from infotheory.sources import dirichlet
    >>> source = dirichlet(1000, 1.0, rng=0)
    >>> abs(source.entropy() - 6.4855) < 0.05  # psi(1001) - psi(2) = H_1000 - 1 = 6.4855
    True
    """
    size = check_count("n_symbols", n_symbols)
    alpha = check_number("concentration", concentration, "[1e-3, 1e6]")
    return Categorical(as_rng(rng).dirichlet(np.full(size, alpha)))
