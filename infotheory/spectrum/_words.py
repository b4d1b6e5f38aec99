"""Words of independent letters: their scores, their types, and what is asked of codes for them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.measures import Score
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum.results import log_complement

__all__ = [
    "Classes",
    "Size",
    "Source",
    "as_number",
    "classes_of",
    "log_error_of",
    "log_of",
    "log_rest_of",
    "log_sum",
    "size_of",
    "source_of",
]

_UNIT = 2.0**-53
_MOST_NUMBERS = 10_000_000  # in the table of types
_MOST_DIGITS = 1e8  # binary ones, of all sizes as whole numbers
_SMALL = 15.0  # logarithm of numbers that rounded logarithms tell from the next one


class Source(NamedTuple):
    """Scores -ln p of a letter, under the source and where every letter is as likely.

    Attributes
    ----------
    score, counting : Score
    letters : tuple of int
        How many letters share each of the values.
    log_letters : float
        Logarithm of how many there are in all.
    """

    score: Score
    counting: Score
    letters: tuple[int, ...]
    log_letters: float


class Size(NamedTuple):
    """How many words have a code of their own.

    Attributes
    ----------
    log : float
    exact : Fraction or None
        The number itself, where it was given and not its logarithm.
    rate : float
    """

    log: float
    exact: Fraction | None
    rate: float

    def number(self, n: int) -> Fraction:
        """Number of words of n letters; that of a rate with fifty digits."""
        if self.exact is not None:
            return self.exact
        return Fraction(DIGITS.exp(DIGITS.multiply(Decimal(n), Decimal(self.rate))))


class Classes(NamedTuple):
    """Types of words, the most likely words first.

    Attributes
    ----------
    log_p, log_size : ndarray
        Logarithms of probabilities and of sizes.
    sizes : list of int or None
        The sizes themselves, unless they are too long.
    """

    log_p: FloatArray
    log_size: FloatArray
    sizes: list[int] | None


def source_of(p: Any, kind: str) -> Source:
    score = Score.entropy(p, kind=kind)
    # As many letters share a value as its probability is times that of one of them.
    letters = np.rint(np.exp(score.log_probabilities + score.values))
    counting = Score(score.values, np.log(letters), kind="logits")
    numbers = tuple(letters.astype(np.int64).tolist())
    return Source(score, counting, numbers, math.log(sum(numbers)))


def as_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number; got {value!r}.")
    return float(value)


def size_of(n: int, size: Any, rate: Any) -> Size:
    if (size is None) == (rate is None):
        fact = "none of them" if size is None else "size and rate"
        raise refusal("one of size and rate", "given", fact, "rate is (ln size) / n.")
    if rate is not None:
        number = as_number("rate", rate)
        if not 0.0 <= number < math.inf:
            raise refusal("rate", "finite and at least 0", repr(rate), "It is (ln size) / n.")
        return Size(n * number, None, number)
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    given = int(size) if whole else as_number("size", size)  # whole numbers may be beyond doubles
    if not 1 <= given < math.inf:
        raise refusal("size", "finite and at least 1", repr(size), "A code has one word or more.")
    log = math.log(given)
    return Size(log, Fraction(given), log / n)


def log_rest_of(source: Source, n: int, size: Size) -> float:
    """Logarithm of how many words are left out; minus infinity where there are none.

    A rate within its rounding of that of all words leaves out none.
    """
    log_all = n * source.log_letters
    share = size.log - log_all
    if size.exact is None or share < -1.0:
        if share >= -8 * _UNIT * (1.0 + log_all):
            return -math.inf
        return log_all + log_complement(share)
    rest = sum(source.letters) ** n - size.exact
    return log_of(rest) if rest > 0 else -math.inf


def log_of(number: Fraction) -> float:
    """Logarithm of a number of any size, and of 0."""
    return math.log(number.numerator) - math.log(number.denominator) if number else -math.inf


def log_error_of(epsilon: Any, log_epsilon: Any) -> float:
    if (epsilon is None) == (log_epsilon is None):
        fact = "none of them" if epsilon is None else "epsilon and log_epsilon"
        raise refusal("one of epsilon and log_epsilon", "given", fact)
    if log_epsilon is not None:
        number = as_number("log_epsilon", log_epsilon)
        if not number < 0.0:
            raise refusal("log_epsilon", "a number below 0", repr(log_epsilon))
        return number
    number = as_number("epsilon", epsilon)
    if not 0.0 <= number < 1.0:
        raise refusal("epsilon", "a number in [0, 1)", repr(epsilon), "It is a probability.")
    return math.log(number) if number > 0.0 else -math.inf


def classes_of(source: Source, n: int) -> Classes:
    """All types of words, the most likely words first."""
    score = source.score
    k = len(score)
    if math.comb(n + k - 1, k - 1) * k > _MOST_NUMBERS:
        raise refusal(
            "n",
            f"small enough for a table of {_MOST_NUMBERS:,} numbers",
            f"{n}, with {math.comb(n + k - 1, k - 1):,} types of words",
            "Use coding_error_bounds or coding_rate_bounds, which cost the same at any n.",
        )
    types = _types(n, k)
    log_p = np.zeros(len(types))
    for letter, log_probability in enumerate(score.log_probabilities.tolist()):
        log_p += _log_frequencies(n, log_probability)[types[:, letter]]
    log_p -= logsumexp(log_p)
    sums = types @ score.values
    order = np.argsort(sums, kind="stable")
    if len(types) * n * source.log_letters <= _MOST_DIGITS * math.log(2.0):
        sizes = _sizes(types[order], source.letters)
        return Classes(log_p[order], np.array([math.log(size) for size in sizes]), sizes)
    log_p, log_size = log_p[order], (log_p + sums)[order]
    few = log_size < _SMALL
    log_size[few] = np.log(np.rint(np.exp(log_size[few])))
    return Classes(log_p, log_size, None)


def _sizes(types: IntArray, letters: tuple[int, ...]) -> list[int]:
    """Return how many words each type has: multinomial coefficients, times letters that share."""
    left = types.sum(axis=1)
    sizes = np.ones(len(types), dtype=object)
    for taken, number in zip(types.T, letters, strict=True):
        if (left > taken).any():
            rows = {m: _binomials(m) for m in set(left.tolist())}
            sizes = sizes * np.frompyfunc(lambda m, j, rows=rows: rows[m][j], 2, 1)(left, taken)
        if number > 1:
            sizes = sizes * np.frompyfunc(pow, 2, 1)(number, taken)
        left = left - taken
    found: list[int] = sizes.tolist()
    return found


def _binomials(n: int) -> list[int]:
    row = [1]
    for j in range(1, n + 1):
        row.append(row[-1] * (n - j + 1) // j)
    return row


def _types(n: int, k: int) -> IntArray:
    """Return how often each of k letters occurs, for every type of words of n letters."""
    left = np.array([n])
    columns: list[IntArray] = []
    for _ in range(k - 1):
        choices = left + 1
        start = np.repeat(np.cumsum(choices) - choices, choices)
        taken = np.arange(len(start)) - start
        columns = [np.repeat(column, choices) for column in columns]
        columns.append(taken)
        left = np.repeat(left, choices) - taken
    types: IntArray = np.stack([*columns, left], axis=1)
    return types


def _log_frequencies(n: int, log_p: float) -> FloatArray:
    """ln((n p)^t / t!) for t up to n, less that of the likeliest t.

    Summed outwards from there by the ratio of neighbours, since factorials of large numbers have
    logarithms whose last digit is too coarse.
    """
    steps = math.log(n) + log_p - np.log(np.arange(1, n + 1))
    mode = min(n, int(n * math.exp(log_p)))
    below = -np.cumsum(steps[:mode][::-1])[::-1]
    return np.concatenate([below, [0.0], np.cumsum(steps[mode:])])


def log_sum(logs: FloatArray) -> float:
    return float(logsumexp(logs)) if len(logs) else -math.inf
