"""Certified tails at the ends of the range of doubles: of values, of probabilities, of n."""

from __future__ import annotations

import contextlib
import math
import re
from importlib import import_module
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import spectrum_law as oracle

from infotheory._jit import JIT_ENABLED
from infotheory.measures import Score
from infotheory.spectrum import TAIL_METHODS, Bounds, tail
from infotheory.spectrum._tilting import slope_for
from infotheory.spectrum._transform import best_span, places_of
from infotheory.spectrum.results import LogInterval, around, complement, log_complement
from infotheory.spectrum.spectrum import exact

module = import_module("infotheory.spectrum.tail")  # the function has its name

PLAIN = Score([0.0, 1.0, 3.0], [0.5, 0.3, 0.2])
LEAST = 5e-324


def want_of(score: Score, n: int, threshold: float, side: str, strict: bool) -> Any:
    atoms = oracle.law(score.values.tolist(), score.log_probabilities.tolist(), n)
    if side == "right":
        return oracle.log_mass(atoms, lambda at: at > threshold or (at == threshold and not strict))
    return oracle.log_mass(atoms, lambda at: at < threshold or (at == threshold and not strict))


def holds(found: Bounds, want: Any) -> None:
    assert mp.mpf(found.lower) <= want <= mp.mpf(found.upper), (found, want)


# ------------------------------------------------------------------------- probabilities near one


@pytest.mark.parametrize("rare", [-0.5, -50.0, -60.0, -120.0, -212.9951, -689.0, -2000.0])
@pytest.mark.parametrize("n", [1, 3, 4, 10**9])
def test_one_atom_that_is_nearly_certain(rare: float, n: int) -> None:
    """All letters the likely one, the highest or the lowest, and not all of them that."""
    with mp.workdps(2000):
        share = mp.exp(mp.mpf(rare))
        every = -n * mp.log1p(share)
        for values, likely, side in (([17.0, 24.0], 24, "right"), ([24.0, 17.0], 17, "left")):
            score = Score(values, [rare, 0.0], kind="logits")
            options: dict[str, Any] = {"threshold": float(n * likely)}
            found = tail(score, n, side=side, strict=False, **options)
            holds(found, every)
            assert found.width <= 1e-14 * abs(float(every)) + 3 * LEAST
            other = "left" if side == "right" else "right"
            holds(tail(score, n, side=other, **options), mp.log(-mp.expm1(every)))
        # Not all of them the rare one, the lowest: nearly certain, but for one or many letters.
        score = Score([17.0, 24.0], [rare, 0.0], kind="logits")
        if n * rare > -4000.0:
            missing = n * (rare - mp.log1p(share))
            holds(tail(score, n, threshold=n * 17.0), mp.log1p(-mp.exp(missing)))


@given(st.floats(-746.0, -700.0), st.floats(0.0, 1e-3))
def test_complements_that_nearly_underflow(log_p: float, width: float) -> None:
    found = complement(LogInterval(log_p - width, log_p, {}))
    with mp.workdps(700):
        for end in (log_p - width, log_p):
            want = mp.log1p(-mp.exp(mp.mpf(end)))
            assert mp.mpf(found.lower) <= want <= mp.mpf(found.upper)
    # As wide as what it is made from, 16 units of itself to each side, and some doubles.
    assert found.upper - found.lower <= (1.1 * width + 5e-15) * math.exp(log_p) + 6 * LEAST


def test_ends_that_are_moved_apart() -> None:
    assert around(-1.0, -1.0, 0.25) == (math.nextafter(-1.25, -2), math.nextafter(-0.75, 0))
    assert around(-LEAST, -LEAST, 1e-15) == (-2 * LEAST, 0.0)
    assert around(-math.inf, -math.inf, 0.5) == (-math.inf, -math.inf)
    assert around(-math.inf, 0.0, 0.5) == (-math.inf, 0.0)


def test_complements_of_one_and_of_many() -> None:
    logs = np.array([-math.inf, -800.0, -1.0, -1e-300, 0.0])
    assert log_complement(logs).tolist() == [log_complement(log) for log in logs.tolist()]
    assert log_complement(-math.inf) == 0.0
    assert log_complement(0.0) == -math.inf
    assert math.copysign(1.0, log_complement(-800.0)) == 1.0  # no minus zero


@pytest.mark.parametrize("n", [1040, 1080, 1100])
def test_a_tail_that_is_nearly_certain(n: int) -> None:
    """P(S >= 2) = 1 - (n + 1) / 2^n, for coins: the logarithm underflows at the last."""
    found = tail(Score([0.0, 1.0], [0.5, 0.5]), n, threshold=2.0, strict=False)
    with mp.workdps(400):
        holds(found, mp.log1p(-mp.mpf(n + 1) / mp.mpf(2) ** n))


# --------------------------------------------------------------------------------------- the units


@pytest.mark.parametrize("method", ["auto", *TAIL_METHODS])
@pytest.mark.parametrize("exponent", [-1000, -660, 660, 1000])
def test_methods_in_other_units(method: str, exponent: int) -> None:
    if not JIT_ENABLED and method in ("brackets", "transform"):
        pytest.skip("takes seconds in plain Python")
    other = PLAIN.scaled(exponent)
    for side, level in (("right", 5.5), ("left", 3.5)):
        options: dict[str, Any] = {"side": side, "method": method, "width": 1e-3}
        one = tail(PLAIN, 4, threshold=level, **options)
        found = tail(other, 4, threshold=math.ldexp(level, exponent), **options)
        holds(found, want_of(PLAIN, 4, level, side, True))
        assert found.method == one.method
        # The same numbers but for powers of two: what differs is a few roundings of logarithms.
        assert (found.lower, found.upper) == pytest.approx((one.lower, one.upper), abs=1e-9)
        assert repr(math.ldexp(level, exponent)) in found.event


@pytest.mark.parametrize("exponent", [-900, 900])
def test_distances_counts_and_spans_in_other_units(exponent: int) -> None:
    other, unit = PLAIN.scaled(exponent), math.ldexp(1.0, exponent)
    distant = tail(other, 4, 0.5 * unit)
    holds(distant, want_of(PLAIN, 4, 4 * (PLAIN.mean + 0.5), "right", True))
    for strict in (True, False):
        want = want_of(PLAIN, 4, 4.0, "right", strict)
        holds(tail(other, 4, counts=[2, 1, 1], strict=strict), want)
        holds(tail(other, 4, threshold=4.0 * unit, strict=strict, span=0.5 * unit), want)
    wrong = 0.7 * unit
    text = rf"^span must be a step .* got {re.escape(repr(wrong))}, which values"
    with pytest.raises(ValueError, match=text):
        tail(other, 4, threshold=4.0 * unit, span=wrong)
    with pytest.raises(ValueError, match=text):
        exact(other, 4, span=wrong)


def test_thresholds_that_over_or_underflow_in_moderate_units() -> None:
    small, large = PLAIN.scaled(-900), PLAIN.scaled(900)
    assert tail(small, 4, threshold=1e300).upper == -math.inf
    assert tail(small, 4, threshold=-1e300).lower == 0.0
    # As near to zero as there are doubles: no sum of such values is between.
    holds(tail(large, 4, threshold=LEAST), want_of(PLAIN, 4, 0.0, "right", True))


def test_values_of_sizes_too_far_apart_are_refused() -> None:
    text = (
        r"^score must be of values that are zero or at least 1e-300 .*; got 1e-200 beside 1e\+200"
    )
    for refused in (
        lambda score: tail(score, 4, threshold=1.0),
        lambda score: exact(score, 4),
    ):
        with pytest.raises(ValueError, match=text):
            refused(Score([0.0, 1e-200, 1e200], [0.5, 0.3, 0.2]))


@pytest.mark.parametrize("n", [12, 60, 200])
@pytest.mark.parametrize("exponent", [-660, 660])
def test_laws_in_other_units(monkeypatch: pytest.MonkeyPatch, n: int, exponent: int) -> None:
    """Listed, on a lattice and on a grid."""
    monkeypatch.setattr("infotheory.spectrum._laws._FEW_TYPES", 100)
    score = PLAIN if n < 100 else Score([0.0, 1.0, math.pi], [0.5, 0.3, 0.2])
    one, other = exact(score, n, size=2**10), exact(score.scaled(exponent), n, size=2**10)
    assert one.form == other.form == {12: "atoms", 60: "lattice", 200: "grid"}[n]
    x = np.linspace(-0.1, 3.2, 23)
    for name in ("log_cdf", "log_sf"):
        found, want = getattr(other, name)(np.ldexp(x, exponent)), getattr(one, name)(x)
        np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)
    assert other.log_sf([-math.inf, math.inf]).tolist() == [0.0, -math.inf]
    q = [0.0, 0.3, 0.9, 1.0]
    wanted = np.ldexp(one.quantile(q), exponent)
    np.testing.assert_allclose(other.quantile(q), wanted, rtol=1e-9)
    assert other.resolution == pytest.approx(math.ldexp(one.resolution, exponent), rel=1e-9)
    assert f"deviation {math.ldexp(math.sqrt(one.variance), exponent):.3g}" in repr(other)
    if n == 60:
        assert one.span is not None
        assert other.span == math.ldexp(one.span, exponent)
    if n < 100:
        wanted = np.ldexp(one.pmf().values, exponent)
        np.testing.assert_allclose(other.pmf().values, wanted, rtol=1e-15)
    bounds, want = other.bounds(math.ldexp(1.2, exponent)), one.bounds(1.2)
    assert (bounds.lower, bounds.upper) == pytest.approx((want.lower, want.upper), rel=1e-9)


# ------------------------------------------------------------------------------------ no such sums


@pytest.mark.parametrize("strict", [True, False])
def test_infinite_thresholds(strict: bool) -> None:
    for side, sign in (("right", 1.0), ("left", -1.0)):
        beyond = tail(PLAIN, 4, threshold=sign * math.inf, side=side, strict=strict)
        assert (beyond.lower, beyond.upper) == (-math.inf, -math.inf)
        before = tail(PLAIN, 4, threshold=-sign * math.inf, side=side, strict=strict)
        assert (before.lower, before.upper) == (0.0, 0.0)


def test_bounds_of_a_law_far_out() -> None:
    law = exact(PLAIN, 4)
    for x in (math.inf, 1.7e308):
        assert law.bounds(x).upper == -math.inf
        assert law.bounds(-x, "left").upper == -math.inf
        assert law.bounds(x, "left").lower == 0.0
    with pytest.raises(ValueError, match=r"^x must be such that n x is finite; got 1e\+308 with n"):
        exact(Score([0.0, 1.5e308], [0.5, 0.5]), 4).bounds(1e308)


@pytest.mark.parametrize("counts", [[2.0, 1.0, 1.0], np.array([2.0, 1.0, 1.0], np.float32)])
def test_counts_may_be_whole_numbers_of_any_type(counts: Any) -> None:
    found, want = tail(PLAIN, 4, counts=counts), tail(PLAIN, 4, counts=[2, 1, 1])
    assert (found.lower, found.upper) == (want.lower, want.upper)


# ------------------------------------------------------------------- variances that cannot be told

FAR = Score([-1e40, 0.0, 1.0], [0.5, 0.3, 0.2])


def test_slopes_where_large_values_are_out_of_the_way() -> None:
    """Between 0 and 1 as if there were no third: odds of 0.7 to 0.3 from those of 0.2 to 0.3."""
    assert slope_for(FAR, 0.7) == pytest.approx(math.log(0.7 / 0.3 * 0.3 / 0.2), rel=1e-14)
    steep = slope_for(Score([-1.0, 0.0, 1e-310], [0.5, 0.3, 0.2]), 5e-311)
    assert 1e200 < steep < 1e300  # values so near cannot be told apart by any


NASTY = {  # values, logarithms of weights, n, threshold, side
    "a slope for small values only": (FAR.values.tolist(), [0.0, -0.5, -0.9], 3, 2.5, "right"),
    "a tilted variance below all": ([-3e20, -1e11, 1e2], [-1.0, -0.9, -2.0], 1, -5e10, "left"),
    "letters that hardly occur": ([0.0, 1.0, 4.0], [-10763.0, -32.9, 0.0], 4, 4.0, "left"),
    "a mean that no letter moves": ([-7.0, 5.0, 11.0], [-1735.0, -734.0, 0.0], 5, 55.0, "right"),
    "a step beside the last value": ([0.0, 1e-200], [-0.25, -1.5], 5, LEAST, "right"),
    "two sizes": ([-2e-65, -1e-150, 0.0], [-0.9, -0.75, -2.2], 5, -2e-65, "right"),
    "small values": ([-2e-41, 1e-60, 1e-56], [-43.0, -0.4, -71.0], 5, 5.9e-60, "left"),
}


@pytest.mark.parametrize("method", ["auto", *TAIL_METHODS])
@pytest.mark.parametrize("name", list(NASTY))
def test_what_underflows_is_allowed_for(name: str, method: str) -> None:
    values, logs, n, threshold, side = NASTY[name]
    if not JIT_ENABLED and method in ("brackets", "transform"):
        pytest.skip("takes seconds in plain Python")
    score = Score(values, logs, kind="logits")
    # A threshold of 5e-324 is zero to rounding, of which only the strict event is as good.
    for strict in (True, False)[: 1 if threshold == LEAST else 2]:
        options: dict[str, Any] = {"side": side, "strict": strict, "method": method, "width": 1e-3}
        want = want_of(score, n, threshold, side, strict)
        if method in ("lattice", "windows"):  # which are not for every score
            with contextlib.suppress(ValueError):
                holds(tail(score, n, threshold=threshold, **options), want)
        else:
            holds(tail(score, n, threshold=threshold, **options), want)


def test_steps_too_far_apart_for_one_grid() -> None:
    """A place is as far as can be counted; a span that a far step is a multiple of is any."""
    steps = np.array([0.0, 1e-30, 1.0])
    assert places_of(steps, 1e-31).tolist() == [0, 10, 2**38]
    assert places_of(-steps, 1e-31, most=7).tolist() == [0, -7, -7]
    span = best_span(np.array([0.5, 0.25, 0.25]), steps, 0.9e-31)
    assert 0.9e-31 <= span <= 1.6 * 0.9e-31


def test_laws_whose_variance_underflows_have_no_grid() -> None:
    score = Score(
        [-14.5784, -6.33661, 5.54436, 27.32], [-15677.0, -3215.0, 0.0, -5781.0], kind="logits"
    )
    with pytest.raises(ValueError, match=r"^n must be small enough for a grid of size=256 points"):
        exact(score, 10**7, size=2**8)


# ------------------------------------------------------------------------------------- long sums


def test_the_left_side_is_of_the_same_law() -> None:
    """A last digit of the logarithm of a probability is 1e-10 of a tail of 10^9 letters."""
    n = 10**9
    for p in np.random.default_rng(1).dirichlet([1.0, 1.0], size=4):
        score = Score([0.0, 1.0], p)
        count = round(n * score.mean - 100.0 * math.sqrt(n * score.variance))
        found = tail(score, n, threshold=float(count), side="left", strict=False)
        logs = score.log_probabilities[::-1].tolist()
        holds(found, oracle.log_far_binomial_tail(logs, n, n - count))
        assert found.width <= 1e-10


def test_lattices_with_too_many_points_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    score = Score([0.0, 1.0, 100.0], [0.5, 0.3, 0.2])
    with pytest.raises(ValueError, match=r"has too many points: 'brackets' and 'nep' take no "):
        tail(score, 10**13, 1e-6, method="lattice")
    assert tail(PLAIN, 30, 0.31).method == "lattice"
    monkeypatch.setattr(module, "_LONG", 100.0)
    assert tail(PLAIN, 30, 0.31).method == "types"
