"""Words of independent letters: their scores, their types, and what is asked of codes for them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.measures import Score

__all__ = [
    "Classes",
    "Source",
    "as_number",
    "classes_of",
    "log_error_of",
    "log_size_of",
    "log_sum",
    "source_of",
]

_MOST_NUMBERS = 10_000_000  # in the table of types


class Source(NamedTuple):
    """Scores -ln p of a letter, under the source and where every letter is as likely."""

    score: Score
    counting: Score
    log_letters: float


class Classes(NamedTuple):
    """Types of words, the most likely words first: logarithms of probabilities and of sizes."""

    log_p: FloatArray
    log_size: FloatArray


def source_of(p: Any, kind: str) -> Source:
    score = Score.entropy(p, kind=kind)
    # As many letters share a value as its probability is times that of one of them.
    letters = np.rint(np.exp(score.log_probabilities + score.values))
    counting = Score(score.values, np.log(letters), kind="logits")
    return Source(score, counting, math.log(float(letters.sum())))


def as_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number; got {value!r}.")
    return float(value)


def log_size_of(n: int, size: Any, rate: Any) -> float:
    if (size is None) == (rate is None):
        fact = "none of them" if size is None else "size and rate"
        raise refusal("one of size and rate", "given", fact, "rate is (ln size) / n.")
    if rate is not None:
        number = as_number("rate", rate)
        if not 0.0 <= number < math.inf:
            raise refusal("rate", "finite and at least 0", repr(rate), "It is (ln size) / n.")
        return n * number
    whole = size if type(size) is int else as_number("size", size)  # may be beyond doubles
    if not 1 <= whole < math.inf:
        raise refusal("size", "finite and at least 1", repr(size), "A code has one word or more.")
    return math.log(whole)


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
    log_p, log_size = log_p[order], (log_p + sums)[order]
    if n * source.log_letters < 36.0:  # sizes are whole numbers, and doubles hold them
        log_size = np.log(np.rint(np.exp(log_size)))
    return Classes(log_p, log_size)


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
