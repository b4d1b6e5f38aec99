"""One band: each of its error terms against a direct evaluation."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from oracles import brackets

from infotheory._kernels.brackets import node_sums, roundings, transform
from infotheory.measures import Score
from infotheory.spectrum import _bands
from infotheory.spectrum._bands import (
    Band,
    Period,
    Sieve,
    TiltedSum,
    band_of,
    moments,
    normal_mass,
    period_of,
    ranges_of,
    rough_period,
    tilted_sum,
)
from infotheory.spectrum._lobes import LobeLattice

VALUES, WEIGHTS = [0.1, 0.8, 1.9], [0.5, 0.3, 0.2]
SCORE = Score(VALUES, WEIGHTS)


def tail(n: int, tau: float, lam: float, score: Score = SCORE) -> TiltedSum:
    return tilted_sum(score, n, Decimal(tau), lam)


def lattice_of(tilted: TiltedSum, kappa: float) -> LobeLattice:
    return LobeLattice(tilted.score.values, tilted.weights, tilted.n, kappa, 1e4)


def sieve_of(tilted: TiltedSum, kappa: float) -> Sieve:
    return Sieve(kappa, period_of(tilted, kappa), lattice_of(tilted, kappa))


def minor_of(band: Band) -> float:
    """The sum for the minorant, with what is lost in a period."""
    terms = band.terms
    return band.lower + terms["alias"] + terms["sieve"] + terms["relative rounding"]


def exact_weights(tilted: TiltedSum) -> list[mpmath.mpf]:
    mpmath.mp.dps = 50
    score = tilted.score
    return brackets.tilted(score.values.tolist(), score.log_probabilities.tolist(), tilted.lam)


# --------------------------------------------------------------------------------------- aliases


@pytest.mark.parametrize(("n", "tau", "lam"), [(14, 10.0, 0.8), (14, 15.0, 1.4), (20, 11.0, 0.5)])
@pytest.mark.parametrize("kappa", [0.5, 2.0, 5.0, 9.0])
def test_alias_is_what_falls_outside_of_a_period(
    n: int, tau: float, lam: float, kappa: float
) -> None:
    tilted = tail(n, tau, lam)
    period = period_of(tilted, kappa)
    for length in (0.7 * period.length, period.length, 1.3 * period.length):
        outside = brackets.wrapped_mass(VALUES, exact_weights(tilted), n, tau, lam, length)[1]
        assert outside <= period.alias(length)


@pytest.mark.parametrize("kappa", [3.0, 6.0, 10.0])
def test_alias_is_no_larger_than_chernoff_bounds_are(kappa: float) -> None:
    # Of a nearly normal law: each side is e^-kappa at its own length, and e^-kappa at most.
    tilted = tail(400, 300.0, 0.3)
    period = period_of(tilted, kappa)
    assert math.exp(-kappa) * (1 - 1e-6) <= period.alias(period.length)
    assert period.alias(period.length) <= 2.0 * math.exp(-kappa) * (1 + 1e-6)
    # As for a normal law but for the skewness, some tenth at 400 letters.
    assert period.length == pytest.approx(rough_period(tilted, kappa), rel=0.15)


def test_left_slope_is_at_most_that_of_the_tilt() -> None:
    tilted = tail(14, 10.0, 0.05)
    assert period_of(tilted, 20.0).slopes[0] <= 0.05


def test_alias_for_two_thresholds_holds_for_both() -> None:
    one, other = tail(14, 10.0, 0.8), tail(14, 10.5, 0.8)
    both = period_of(one, 3.0, 0.5)
    assert both.slopes == period_of(one, 3.0).slopes
    means = both.log_means
    assert means[0] == pytest.approx(other.log_mean(-both.slopes[0]), rel=1e-12)
    assert means[1] >= other.log_mean(both.slopes[1])


def test_lower_end_needs_the_alias() -> None:
    # A period so short that the sum is too large without it.
    n, tau, lam = 14, 10.0, 0.8
    tilted = tail(n, tau, lam)
    short = Sieve(30.0, period_of(tilted, 3.0), lattice_of(tilted, 30.0))
    band = band_of(tilted, 9, short, 1e5)
    assert band is not None
    exact = brackets.wrapped_mass(VALUES, exact_weights(tilted), n, tau, lam, math.inf)[0]
    assert band.lower <= exact <= band.upper
    assert minor_of(band) > exact


# ----------------------------------------------------------------------------------------- bands


@pytest.mark.parametrize("digits", [1, 4, 8])
def test_band_is_a_mean_of_its_functions(digits: int) -> None:
    n, tau, lam = 9, 7.03, 1.0
    tilted = tail(n, tau, lam)
    sieve = sieve_of(tilted, 30.0)
    band = band_of(tilted, digits, sieve, 1e6)
    assert band is not None
    weights = exact_weights(tilted)
    exact = brackets.wrapped_mass(VALUES, weights, n, tau, lam, math.inf)[0]
    assert band.lower <= exact <= band.upper
    # By how much the functions differ at x: (sin(pi z) / (pi z))^2 for z = band x, over all shifts.
    edge = lam * 2.0**digits
    length = (math.ceil(sieve.period.length * edge) + 1) / edge
    shifts = np.arange(-4000, 4001) * length
    mean = 0.0
    for counts in brackets.types(n, 3):
        x = math.fsum(c * v for c, v in zip(counts, VALUES, strict=True)) - tau
        share = math.factorial(n) * math.prod(
            float(w) ** c / math.factorial(c) for c, w in zip(counts, weights, strict=True)
        )
        mean += share * float(np.sum(np.sinc(edge * (x + shifts)) ** 2))
    kept = -math.expm1(-lam * length)
    # Shifts beyond add 2 / (pi band length)^2 / 4000 at most, and the sieve what it leaves out.
    beyond = 2.0 / (math.pi * edge * length) ** 2 / 4000 + band.terms["sieve"]
    assert band.terms["band limit"] == pytest.approx(kept * mean, abs=beyond + 1e-13)


def test_band_of_too_many_nodes_is_left_out() -> None:
    tilted = tail(14, 12.0, 1.0)
    sieve = sieve_of(tilted, 30.0)
    assert band_of(tilted, 60, sieve, 1e6) is None  # cannot be counted
    assert band_of(tilted, 9, sieve, 10.0) is None  # cannot be looked at
    assert band_of(tilted, 3, sieve, 60.0) is None  # it turns out


@pytest.mark.parametrize("digits", [5, 8])
@pytest.mark.parametrize("kappa", [1.0, 3.0, 8.0])
def test_what_the_sieve_leaves_out_is_bounded(digits: int, kappa: float) -> None:
    # A sum over all nodes, and one over those with large powers.
    tilted = tail(300, 230.0, 0.4)
    period = period_of(tilted, 25.0)
    full = band_of(tilted, digits, Sieve(40.0, period, lattice_of(tilted, 40.0)), 1e6)
    some = band_of(tilted, digits, Sieve(kappa, period, lattice_of(tilted, kappa)), 1e6)
    assert full is not None
    assert some is not None
    missed = some.terms["sieve"]
    assert 0.0 < abs(minor_of(some) - minor_of(full)) <= missed
    above = [b.upper - b.terms["sieve"] for b in (some, full)]
    assert 0.0 < abs(above[0] - above[1]) <= missed
    size = math.ceil(period.length * tilted.lam * 2.0**digits) + 1
    harmonic = math.fsum(1.0 / j for j in range(1, size))
    # Each power is below exp(-kappa), and each transform below 1 / (2 pi t) + 1 / pi + 1.
    worst = math.exp(-kappa) * (harmonic / math.pi + 2.0 / math.pi + 2.0)
    kept = -math.expm1(-tilted.lam * period.length)
    assert 0.95 * kept * worst <= missed <= 1.05 * kept * worst


@pytest.mark.parametrize("n", [50, 10_000, 10**6, 10**9])
@pytest.mark.parametrize("first", [1, 10**10, 10**13])
def test_rounding_is_bounded(n: int, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # As many nodes as there are in a lobe, wherever they are: near zero, or around the next node
    # where all letters agree, for values that are multiples of 2^-20.
    score = Score([0.0, 0.75, 2.0], WEIGHTS)
    tau = n * (score.mean + 0.5 * math.sqrt(score.variance / n))
    tilted = tail(n, tau, 3.0 / math.sqrt(score.variance * n), score)
    digits = 13 if first == 1 else 45
    sieve = sieve_of(tilted, 30.0)
    edge = tilted.lam * 2.0**digits
    size = math.ceil(sieve.period.length * edge) + 1
    if first > 1:  # omega = first is a multiple of 4, where all turns are whole ones
        start = round(4 * math.ceil(first * edge / size / 4) * size / edge) - 3
        assert start > first / 8
    else:
        start = 1
    nodes = range(start, start + 7)
    ranges = (np.array([float(start)]), np.array([float(start + 6)]), 0.0)
    monkeypatch.setattr(_bands, "ranges_of", lambda *_: ranges)
    sums = np.zeros(4)

    def kept_sums(*arguments: Any) -> bool:
        done = node_sums(*arguments)
        sums[:] = arguments[-1]
        return done

    monkeypatch.setattr(_bands, "node_sums", kept_sums)
    band = band_of(tilted, digits, sieve, 1e6)
    assert band is not None
    weights = exact_weights(tilted)
    mpmath.mp.dps = 60
    minor, excess = brackets.node_sum(
        score.values.tolist(), weights, n, Fraction(tau), edge, size, 2.0**-digits, nodes
    )
    assert abs(sums[0] - minor) <= 1.01 * 2.0**-53 * sums[2]
    assert abs(sums[1] - excess) <= 1.01 * 2.0**-53 * sums[2]
    kept = -mpmath.expm1(-mpmath.mpf(tilted.lam) * size / mpmath.mpf(edge))
    at_zero = 1 / mpmath.expm1(mpmath.mpf(2) ** -digits)
    rounding = band.terms["relative rounding"]
    # Beside the bound, what adding the terms of the band takes: a few roundings of each.
    few = 8 * 2.0**-53
    exact = kept * (at_zero + 2 * minor) / size
    assert abs(minor_of(band) - exact) <= rounding + few * abs(exact)
    exact = kept * (1 + 2 * excess) / size
    assert abs(band.terms["band limit"] - exact) <= rounding + few * abs(exact)
    assert rounding <= 1e-14 * math.sqrt(n) + 1e-13
    if start == 1:
        assert abs(minor) > 1.0  # powers that count


# --------------------------------------------------------------------------------------- estimates


def test_moments_are_those_of_the_sum() -> None:
    mean, deviation = moments(np.array([-1.0, 1.0]), np.array([0.5, 0.5]), 100)
    assert mean == 0.0
    assert deviation == pytest.approx(10.0, rel=1e-15)


def test_normal_mass_is_that_of_the_normal_law() -> None:
    tilted = tail(10_000, 6900.0, 0.02)
    steps = np.linspace(0.0, 12.0, 20_001) * tilted.deviation
    density = np.exp(-0.5 * ((steps - tilted.mean) / tilted.deviation) ** 2)
    density /= tilted.deviation * math.sqrt(2.0 * math.pi)
    mass = np.trapezoid(np.exp(-tilted.lam * steps) * density, steps)
    assert normal_mass(tilted) == pytest.approx(mass, rel=1e-6)


def test_log_mean_is_that_of_the_tilted_sum() -> None:
    tilted = tail(14, 12.0, 1.0)
    exact = brackets.tilted(VALUES, np.log(WEIGHTS).tolist(), 1.0)
    one = mpmath.fsum(
        w * mpmath.exp(0.4 * (mpmath.mpf(v) - mpmath.mpf(12.0) / 14))
        for v, w in zip(VALUES, exact, strict=True)
    )
    assert tilted.log_mean(0.4) == pytest.approx(float(14 * mpmath.log(one)), rel=1e-12)


def test_letters_that_underflow_do_no_harm() -> None:
    score = Score([0.0, 1.0, 3.0], [0.0, 0.0, -2000.0], kind="logits")
    tilted = tail(50, 30.0, 0.4, score)
    band = band_of(tilted, 8, sieve_of(tilted, 25.0), 1e5)
    assert tilted.weights[2] == 0.0
    assert band is not None
    two = tail(50, 30.0, 0.4, Score([0.0, 1.0], [0.5, 0.5]))
    other = band_of(two, 8, sieve_of(two, 25.0), 1e5)
    assert other is not None
    assert band.lower == pytest.approx(other.lower, abs=1e-9)


# ----------------------------------------------------------------------------------------- ranges


def test_ranges_hold_all_large_powers_once() -> None:
    tilted = tail(2000, 1500.0, 0.1)
    sieve = sieve_of(tilted, 12.0)
    edge = 40.0
    size = math.ceil(sieve.period.length * edge) + 1.0
    found = ranges_of(sieve.lattice, size, edge, 1e6)
    assert found is not None
    starts, stops, _ = found
    assert len(starts) > 3
    assert (starts <= stops).all()
    assert (starts[1:] > stops[:-1]).all()
    assert starts[0] == 1.0
    assert stops[-1] <= size - 1.0
    j = np.arange(1.0, size)
    angles = 2.0 * math.pi * (j * edge / size)[:, None] * tilted.score.values
    power = 2000 * np.log(np.abs(np.exp(1j * angles) @ tilted.weights))
    inside = (j[:, None] >= starts) & (j[:, None] <= stops)
    assert (power[~inside.any(axis=1)] < -12.0).all()
    assert inside.any(axis=1).mean() < 0.5


def test_all_nodes_where_lobes_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tilted = tail(2000, 1500.0, 0.1)
    sieve = sieve_of(tilted, 12.0)
    size = math.ceil(sieve.period.length * 40.0) + 1.0
    monkeypatch.setattr(LobeLattice, "lobes", lambda *_: None)
    assert ranges_of(sieve.lattice, size, 40.0, size - 1.0) is None
    found = ranges_of(sieve.lattice, size, 40.0, size)
    assert found is not None
    assert found[0].tolist() == [1.0]
    assert found[1].tolist() == [size - 1.0]


def test_period_keeps_what_it_is_given() -> None:
    period = Period(3.0, (1.0, 2.0), (0.5, 0.25))
    expected = math.exp(0.5 - 4.0) + math.exp(0.25 - 8.0)
    assert period.alias(4.0) == pytest.approx(expected, rel=2e-9)


def test_node_of_unknown_phase_is_allowed_for() -> None:
    # Two letters half a turn apart cancel: nothing is added, and the most it may be is allowed.
    sums = np.zeros(4)
    one = np.array([1.0])
    kept, lost = math.exp(-0.5), -math.expm1(-0.5)
    done = node_sums(
        one, one, 0.5 * one, 0.0 * one, 0.5 * one, 0.3, 0.0, 1.0, 8.0, 0.5, 0.0, 1.0, 10.0, sums
    )
    assert done
    assert sums[0] == sums[1] == 0.0
    real, imaginary, _ = transform(1.0, 8.0, 0.5, kept, lost)
    allowed = 1e-13 * roundings(1) * (math.hypot(real, imaginary) + 1.0)
    assert sums[2] * 2.0**-53 == pytest.approx(allowed, rel=1e-12)
    assert sums[3] == 1.0
