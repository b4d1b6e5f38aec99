"""Events of a sum of n scores: what is asked for, as the right tail of some score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from infotheory._validation import as_array, check_choice, check_flag, refusal
from infotheory.measures import Score

__all__ = ["Event", "check_length", "event_of"]

_LARGEST = 10**15  # beyond which a double cannot count letters one by one


@dataclass(frozen=True)
class Event:
    """That the sum of n scores exceeds a threshold, or reaches it.

    Attributes
    ----------
    score : Score
        Law of a summand; its numbers are taken to be exact.
    n : int
    threshold : float
        Of the sum, taken to be exact.
    strict : bool
        Whether the threshold itself does not count.
    counts : tuple of int, optional
        How often each atom occurs where the threshold is the sum of such a sequence, so that ties
        with it are exact; `threshold` is then that sum rounded.
    text : str
        How the event reads from outside, which need not be a right tail.
    """

    score: Score
    n: int
    threshold: float
    strict: bool
    counts: tuple[int, ...] | None
    text: str

    @property
    def level(self) -> float:
        """Threshold a letter."""
        return self.threshold / self.n

    def mirrored(self) -> Event:
        """Return the complement as a right tail of the negated score."""
        counts = None if self.counts is None else self.counts[::-1]
        return Event(-self.score, self.n, -self.threshold, not self.strict, counts, self.text)


def event_of(
    score: Score,
    n: Any,
    delta: Any,
    *,
    threshold: Any,
    counts: Any,
    side: str,
    strict: Any,
) -> Event:
    """Check what was asked for, and return it as a right tail."""
    if not isinstance(score, Score):
        raise TypeError(
            f"score must be a Score; got {type(score).__name__}. Make one with "
            "Score.entropy(p), or another of its constructors."
        )
    n = check_length(n)
    check_choice("side", side, ("right", "left"))
    strict = check_flag("strict", strict)
    given = {"delta": delta, "threshold": threshold, "counts": counts}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise refusal(
            "one of delta, threshold and counts",
            "given",
            " and ".join(named) or "none of them",
            "delta is a distance from the mean a letter, threshold a value of the sum.",
        )
    sign = 1.0 if side == "right" else -1.0
    if counts is not None:
        numbers = _checked_counts(counts, len(score), n)
        value = math.fsum(c * v for c, v in zip(numbers, score.values.tolist(), strict=True))
    elif threshold is not None:
        numbers, value = None, _finite("threshold", threshold)
    else:
        numbers, value = None, n * (score.mean + sign * _finite("delta", delta))
    if not math.isfinite(value):
        raise refusal(named[0], "such that n times the threshold is finite", repr(given[named[0]]))
    symbol = {"right": (">=", ">"), "left": ("<=", "<")}[side][strict]
    text = f"P(S_{n} {symbol} {value!r})"
    if side == "right":
        return Event(score, n, value, strict, numbers, text)
    return Event(-score, n, -value, strict, None if numbers is None else numbers[::-1], text)


def check_length(n: Any) -> int:
    """Return a block length as an int."""
    whole = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
    if not (whole or (isinstance(n, float) and n.is_integer())) or not 1 <= n <= _LARGEST:
        raise refusal("n", "a whole number from 1 to 1e15", repr(n))
    return int(n)


def _finite(name: str, value: Any) -> float:
    array = as_array(value, name)
    if array.ndim or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number; got {value!r}. Ask for one event at a time.")
    number = float(array)
    if not math.isfinite(number):
        raise refusal(name, "finite", f"{number:g}")
    return number


def _checked_counts(counts: Any, size: int, n: int) -> tuple[int, ...]:
    array = as_array(counts, "counts")
    if array.dtype.kind not in "iu" or array.shape != (size,):
        raise refusal(
            "counts",
            f"a whole number for each of the {size} atoms of the score",
            f"{array.dtype} of shape {array.shape}",
            "Atoms are those of score.values, in ascending order.",
        )
    if (array < 0).any() or int(np.sum(array, dtype=object)) != n:
        raise refusal("counts", f"at least 0 and sum to n ({n})", f"{array.tolist()}")
    return tuple(array.tolist())
