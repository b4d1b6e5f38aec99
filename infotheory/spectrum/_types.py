"""A tail by enumeration of all types, the counts of the letters in a sequence."""

from __future__ import annotations

import math

import numpy as np

from infotheory._kernels.types import enumerated_tail
from infotheory.spectrum._events import Event
from infotheory.spectrum._splitting import (
    certified,
    half_windows,
    reaches,
    split_up,
    sums_of,
    weights_of,
)
from infotheory.spectrum._tilting import Tilt
from infotheory.spectrum.results import LogInterval

__all__ = ["number_of_types", "types_bounds"]

_CUT = 1e-290  # what would underflow is left out
_EXPONENTS = 800  # roundings of an exponent up to 745, where exponentials vanish


def number_of_types(n: int, k: int) -> int:
    """Number of ways to spread n letters over k kinds: n + k - 1 choose k - 1, exactly."""
    return math.comb(n + k - 1, k - 1)


def types_bounds(event: Event, tilt: Tilt) -> LogInterval:
    """Return logarithms between which that of a right tail lies, from the sum over all types.

    Parameters
    ----------
    event : Event
        Of a score with at least two atoms, its threshold between the extremes of the sum.
    tilt : Tilt
        Of the event, by any lam of at least 0.

    Returns
    -------
    LogInterval
        As wide as rounding makes it: the weights are those of the tilted law, so that an
        improbable event costs no accuracy.

    Notes
    -----
    O(n^(k - 1) / (k - 1)!), some nanoseconds a type. Ties are as in `windows_bounds`.
    """
    n = event.n
    order = np.argsort(tilt.weights, kind="stable").tolist()  # the commonest letter is what is left
    splits = split_up(weights_of(tilt), order, paired=False)
    middles, left = [], n
    for chance in splits.chances:
        middles.append(min(round(left * chance), left))
        left -= middles[-1]
    halves = half_windows(n, splits, _CUT)
    values = event.score.values[order]
    rises = values[:-1] - values[-1]
    sums = sums_of(event, order, [*middles, left], rises, reaches(halves, splits.chances))
    out = np.empty(3)
    enumerated_tail(
        n, tilt.lam, sums.near, _CUT, sums.start, splits.odds, rises, np.array(middles),
        max(halves), sums.values, sums.declared, sums.radius, event.strict, out,
    )  # fmt: skip
    # Lemma 1, m: half a window has three roundings a ratio, a whole one an addition for its sum and
    # another for what it is used for.
    rounding = 10.0 * sum(halves) + 20.0 * len(halves) + _EXPONENTS
    return certified(event, tilt, splits, halves, sums, out, rounding)
