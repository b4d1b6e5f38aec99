"""The entropy of frequencies shrunk towards the uniform distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import entr

from infotheory._typing import FloatArray
from infotheory.estimators.additive import Additive
from infotheory.estimators.profile import Profile, Shape

__all__ = [
    "james_stein",
    "james_stein_without_one",
    "jeffreys",
    "laplace",
    "minimax",
    "perks",
]

_AT_ONCE = 1 << 20  # terms formed together


def laplace(shape: Shape) -> Additive:
    """Entropy of the frequencies after one sample more of each symbol: a uniform prior."""
    return _with_more(shape, shape.alphabet)


def jeffreys(shape: Shape) -> Additive:
    """Entropy of the frequencies after half a sample more of each symbol: Jeffreys' prior."""
    return _with_more(shape, 0.5 * shape.alphabet)


def perks(shape: Shape) -> Additive:
    """Entropy of the frequencies after one sample more, a share 1 / K for each symbol."""
    return _with_more(shape, 1.0)


def minimax(shape: Shape) -> Additive:
    """Entropy of the minimax estimates of the frequencies: sqrt(n) / K more for each symbol."""
    return _with_more(shape, np.sqrt(shape.n))


def _with_more(shape: Shape, total: float) -> Additive:
    """Return the entropy of the frequencies after `total` more, shared equally by all K symbols.

    The uniform distribution gets the weight total / (n + total), whatever was seen. K is the number
    of symbols seen where the alphabet is not known.
    """
    each, whole = total / shape.alphabet, shape.n + total
    absent = shape.alphabet - shape.observed
    return Additive(
        absent * float(entr(each / whole)), lambda counts: entr((counts + each) / whole)
    )


def james_stein(profile: Profile) -> float:
    """Return the entropy of frequencies shrunk as by Hausser and Strimmer, in nats.

    The uniform distribution over K symbols gets the weight (1 - sum p^2) / ((n - 1) sum (1/K -
    p)^2), at most 1; K is the number of symbols seen where the alphabet is not known.
    """
    shape = profile.shape
    squares = np.atleast_2d(profile.symbols @ profile.counts**2)
    term = _term(shape.n, squares, np.full((1, 1), float(shape.alphabet)))
    absent = shape.alphabet - shape.observed
    return float((term(profile.counts) @ profile.symbols + absent * term(np.zeros(1))[:, 0])[0])


def james_stein_without_one(profile: Profile) -> FloatArray:
    """Return :func:`james_stein` without one sample of a symbol of each count.

    Notes
    -----
    Every sample removed changes the weight, and with it all terms: O(d^2) time for d distinct
    counts, which is O(n) at most. Blocks of them keep the memory at O(d).
    """
    counts = profile.counts
    step = max(1, _AT_ONCE // counts.size)
    blocks = [counts[start : start + step] for start in range(0, counts.size, step)]
    return np.concatenate([_without_one_of(profile, block[:, None]) for block in blocks])


def _without_one_of(profile: Profile, column: FloatArray) -> FloatArray:
    shape, counts = profile.shape, profile.counts
    once = column == 1.0
    size = shape.alphabet - (once if shape.n_symbols is None else 0.0 * column)
    term = _term(shape.n - 1, profile.symbols @ counts**2 - 2 * column + 1, size)
    gained = term(column - 1)
    if shape.n_symbols is None:
        gained[once] = 0.0  # a symbol not seen any more is none of the alphabet
    absent = (shape.alphabet - shape.observed) * term(np.zeros(1))
    total = (term(counts) @ profile.symbols)[:, None]
    return np.asarray((total + absent - term(column) + gained)[:, 0])


def _term(n: int, squares: FloatArray, size: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return -p ln p of shrunk frequencies, given n, the sum of squared counts and K."""
    scatter = 1 - squares / n**2
    distance = (n - 1) * (squares / n**2 - 1 / size)  # sum (1/K - p)^2 = sum p^2 - 1/K
    far = distance > scatter
    share = np.where(far, scatter / np.where(far, distance, 1.0), 1.0)
    return lambda counts: entr(share / size + (1 - share) * counts / n)
