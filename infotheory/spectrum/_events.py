"""Events of a sum of n scores: what is asked for, as the right tail of some score."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from infotheory._validation import as_array, check_choice, check_flag, refusal
from infotheory.measures import Score

__all__ = ["TIE", "Event", "check_length", "event_of", "in_moderate_units", "normalised"]

TIE = 8.0
"""Units of rounding within which sums and thresholds are equal."""

_LARGEST = 10**15  # beyond which a double cannot count letters one by one
_MODERATE = 64  # binary digits, before the point or after it, of the largest value


@dataclass(frozen=True)
class Event:
    """That the sum of n scores exceeds a threshold, or reaches it.

    Attributes
    ----------
    score : Score
        Law of a summand; its numbers are taken to be exact.
    n : int
    threshold : float
        Of the sum, taken to be exact; it may be infinite.
    strict : bool
        Whether the threshold itself does not count.
    counts : tuple of int, optional
        How often each atom occurs where the threshold is the sum of such a sequence, so that ties
        with it are exact; `threshold` is then that sum rounded.
    text : str
        How the event reads from outside, which need not be a right tail.
    exponent : int
        Values and threshold are in units of 2^exponent.
    """

    score: Score
    n: int
    threshold: float
    strict: bool
    counts: tuple[int, ...] | None
    text: str
    exponent: int = 0

    @property
    def level(self) -> float:
        """Threshold a letter."""
        return self.threshold / self.n

    def mirrored(self) -> Event:
        """Return the complement as a right tail of the negated score."""
        counts = None if self.counts is None else self.counts[::-1]
        return replace(
            self, score=-self.score, threshold=-self.threshold, strict=not self.strict,
            counts=counts,
        )  # fmt: skip


def normalised(event: Event) -> Event:
    """Return an event of a finite score in moderate units.

    A threshold that overflows then is beyond all sums, and one that underflows as near to zero.
    """
    score, exponent = in_moderate_units(event.score)
    with np.errstate(over="ignore"):
        threshold = float(np.ldexp(event.threshold, -exponent))
    return replace(event, score=score, threshold=threshold, exponent=exponent)


def in_moderate_units(score: Score) -> tuple[Score, int]:
    """Return a score in units 2^e in which squares neither over- nor underflow, and e.

    It is 0 for all but very large and very small values, so that others stay as they are.
    """
    sizes = np.abs(score.values)
    exponent = math.frexp(float(sizes.max()))[1]
    exponent -= min(max(exponent, -_MODERATE), _MODERATE)
    try:
        return score.scaled(-exponent), exponent
    except ValueError:
        raise refusal(
            "score",
            "of values that are zero or at least 1e-300 of the largest in size",
            f"{sizes[sizes > 0.0].min():g} beside {sizes.max():g}",
            "Take smaller ones to be zero.",
        ) from None


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
        numbers, value = None, _number("threshold", threshold, infinite=True)
    else:
        numbers, value = None, n * (score.mean + sign * _number("delta", delta))
    if threshold is None and not math.isfinite(value):
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


def _number(name: str, value: Any, *, infinite: bool = False) -> float:
    array = as_array(value, name)
    if array.ndim or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number; got {value!r}. Ask for one event at a time.")
    number = float(array)
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise refusal(name, "a number, or infinite" if infinite else "finite", f"{number:g}")
    return number


def _checked_counts(counts: Any, size: int, n: int) -> tuple[int, ...]:
    array = as_array(counts, "counts")
    if array.dtype.kind not in "iuf" or array.shape != (size,):
        raise refusal(
            "counts",
            f"a whole number for each of the {size} atoms of the score",
            f"{array.dtype} of shape {array.shape}",
            "Atoms are those of score.values, in ascending order.",
        )
    broken = array != np.rint(array)  # nan, too
    if broken.any():
        first = int(np.argmax(broken))
        raise refusal("counts", "whole numbers", f"{array[first]:g} at counts[{first}]")
    if (array < 0).any() or np.isinf(array).any() or sum(map(int, array.tolist())) != n:
        raise refusal("counts", f"at least 0 and sum to n ({n})", f"{array.tolist()}")
    return tuple(map(int, array.tolist()))
