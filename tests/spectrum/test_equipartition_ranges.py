"""Bounds of the equipartition property at any length, and of what is all but certain."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import pytest

from infotheory.measures import Score
from infotheory.spectrum import nep_approximation, nep_bounds, nep_terms, tail

LAWS = ([0.7, 0.3], [0.4, 0.3, 0.2, 0.1], [1.0 - 1e-12, 1e-12], [0.25] * 4, [0.5, 0.5 - 1e-9, 1e-9])


@pytest.mark.parametrize("few", [0, 1, 3, 6])
def test_what_is_all_but_certain_is_less_than_that(few: int) -> None:
    """P(S > few) of n fair coins: the complement is 1e-323 or so, and the logarithm its negative.

    A bound on it that underflows to zero would be one that is violated.
    """
    fair = Score([0.0, 1.0], [0.5, 0.5])
    for n in (1060, 1075, 1100, 10**6):
        with mp.workdps(30):
            rest = mp.fsum(mp.binomial(n, k) for k in range(few + 1)) * mp.mpf(2) ** -n
            exact = mp.log1p(-rest) if rest > mp.mpf(10) ** -25 else -rest
            for part in nep_terms(fair, n, threshold=few + 0.5).values():
                assert mp.mpf(part.lower) <= exact <= mp.mpf(part.upper)
            found = nep_bounds(fair, n, threshold=few + 0.5)
            assert mp.mpf(found.lower) <= exact <= mp.mpf(found.upper)


@pytest.mark.parametrize("p", LAWS)
@pytest.mark.parametrize("n", [10**12, 10**15])
@pytest.mark.parametrize("side", ["right", "left"])
def test_words_of_any_length(p: list[float], n: int, side: str) -> None:
    """Warnings of numpy are errors here; the bounds hold the approximation, or nearly so."""
    score = Score.entropy(p)
    for delta in (0.1, 1e-3, 1e-6, 1e-12, 0.0, -1e-12, -1e-3):
        found = nep_bounds(score, n, delta, side=side)
        assert found.lower <= found.upper <= 0.0
        near = nep_approximation(score, n, delta, side=side)
        # The ends of the prefactor are within a few nats of its core, relatively to rounding.
        slack = 0.5 + 1e-14 * abs(near) if math.isfinite(near) else 0.0
        if found.upper - found.lower < 2.0:
            assert found.lower - slack <= near <= found.upper + slack
        same = tail(score, n, delta, side=side, method="nep")
        assert (same.lower, same.upper) == pytest.approx((found.lower, found.upper), rel=1e-15)


@pytest.mark.parametrize("exponent", [-900, 600, 900])
def test_values_of_any_size(exponent: int) -> None:
    unit = 2.0**exponent
    one = Score([0.0, 1.0, 3.14], [0.6, 0.3, 0.1])
    other = Score(one.values * unit, one.log_probabilities, kind="log_probs")
    for threshold, n in ((50.0, 100), (170.0, 100), (2e12, 10**12)):
        want, found = (
            nep_terms(score, n, threshold=threshold * scale)
            for score, scale in ((one, 1.0), (other, unit))
        )
        for name, part in want.items():
            same: Any = found[name]
            assert (same.lower, same.upper) == pytest.approx((part.lower, part.upper), rel=1e-12)
