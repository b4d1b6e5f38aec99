"""The profile of a sample: how many symbols were seen once, how many twice, and so on.

Entropy estimates depend on the counts only through it, and n samples have fewer than sqrt(2 n)
distinct counts: what follows the counting costs next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from infotheory._typing import FloatArray, IntArray

__all__ = ["Profile", "Shape", "profile_of"]


@dataclass(frozen=True)
class Shape:
    """The few numbers that fix the form of an estimate.

    Attributes
    ----------
    n : int
        Number of samples.
    singletons, doubletons : int
        Number of symbols seen once, and twice.
    observed : int
        Number of distinct symbols seen.
    n_symbols : int or None
        Size of the alphabet, where known.
    """

    n: int
    singletons: int
    doubletons: int
    observed: int
    n_symbols: int | None

    @property
    def alphabet(self) -> int:
        """Size of the alphabet: the symbols seen, where it is not known."""
        return self.observed if self.n_symbols is None else self.n_symbols

    @property
    def most(self) -> float:
        """The largest entropy of a known alphabet in nats; infinite where it is not known."""
        return math.inf if self.n_symbols is None else math.log(self.n_symbols)

    def without(self, count: int) -> Shape:
        """Return the shape after one sample of a symbol seen `count` times is removed."""
        return Shape(
            self.n - 1,
            self.singletons - (count == 1) + (count == 2),
            self.doubletons - (count == 2) + (count == 3),
            self.observed - (count == 1),
            self.n_symbols,
        )


@dataclass(frozen=True)
class Profile:
    """Distinct counts and how many symbols have each, as floating-point numbers.

    Attributes
    ----------
    counts : ndarray of float, shape (d,)
        Distinct counts, ascending, at least 1.
    symbols : ndarray of float, shape (d,)
        Number of symbols with each count.
    shape : Shape
    """

    counts: FloatArray
    symbols: FloatArray
    shape: Shape


def profile_of(counts: IntArray, n_symbols: int | None) -> tuple[Profile, IntArray]:
    """Return the profile of counts, and where each count stands in it.

    Parameters
    ----------
    counts : ndarray of int, shape (s,)
        How often each symbol was seen, at least once.
    n_symbols : int or None
        Size of the alphabet.

    Returns
    -------
    profile : Profile
    place : ndarray of int, shape (s,)
        ``profile.counts[place]`` are the counts.
    """
    distinct, place, symbols = np.unique(counts, return_inverse=True, return_counts=True)
    number = dict(zip(distinct[:2].tolist(), symbols[:2].tolist(), strict=True))
    shape = Shape(
        int(counts.sum()), number.get(1, 0), number.get(2, 0), int(counts.size), n_symbols
    )
    return Profile(distinct.astype(np.float64), symbols.astype(np.float64), shape), place
