"""Lossless codes at a fixed rate, word by word in exact fractions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction


def words(p: Sequence[Fraction], n: int) -> list[Fraction]:
    """Probabilities of all words of positive probability, the most likely first."""
    letters = [v for v in p if v > 0]
    found = [math.prod(word, start=Fraction(1)) for word in itertools.product(letters, repeat=n)]
    return sorted(found, reverse=True)


def error(p: Sequence[Fraction], n: int, size: Fraction) -> Fraction:
    """Probability of the words that are not kept; a part of a word is kept with that chance."""
    ordered = words(p, n)
    whole = min(len(ordered), math.floor(size))
    rest = sum(ordered[whole:], start=Fraction(0))
    if whole < len(ordered):
        rest -= (size - whole) * ordered[whole]
    return rest


def least_size(p: Sequence[Fraction], n: int, epsilon: Fraction) -> int:
    rest, ordered = Fraction(1), words(p, n)
    for size, word in enumerate(ordered, start=1):
        rest -= word
        if rest <= epsilon:
            return size
    return len(ordered)


def likely(p: Sequence[Fraction], n: int, least: Fraction) -> tuple[int, Fraction]:
    """How many words are at least so likely, and the probability of the others."""
    kept = [word for word in words(p, n) if word >= least]
    return len(kept), 1 - sum(kept, start=Fraction(0))


def error_of_pairs(p: Sequence[Fraction], n: int, size: Fraction) -> Fraction:
    """The same of two letters, the first the likelier: by how often the second one occurs."""
    left, lost = 2**n - size, Fraction(0)
    for k in range(n, -1, -1):
        taken = min(left, Fraction(math.comb(n, k)))
        lost += taken * p[0] ** (n - k) * p[1] ** k
        left -= taken
        if left <= 0:
            return lost
    return lost
