"""Rate-distortion functions against the iteration of Blahut, the laws, and known values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from measures.measure_cases import normalised
from oracles import capacity as oracle

from infotheory.exceptions import PrecisionWarning
from infotheory.measures import RateDistortion, entropy, mutual_information, rate_distortion

LN2 = math.log(2)
TOLERANCE = 1e-9
ROUNDING = 1e-13  # some units of the entropy of at most 6 symbols, and of the bounds on it
HAMMING = 1.0 - np.eye(2)


@st.composite
def problems(draw: Any, finite: bool = False) -> tuple[Any, Any]:
    """A source, and distortions of any sign, with ties and with what is not permitted."""
    k, m = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    share = st.one_of(st.just(0.0), st.sampled_from([1.0, 2.0]), st.floats(1e-3, 1.0))
    p = normalised(draw(hnp.arrays(np.float64, k, elements=share)))
    entry = st.one_of(
        st.sampled_from([0.0, 1.0, 2.0]), st.floats(0.0, 1.0), st.floats(-100.0, 100.0)
    )
    if not finite:
        entry = st.one_of(entry, entry, st.just(math.inf))
    d = draw(hnp.arrays(np.float64, (k, m), elements=entry))
    d[np.isinf(d).all(axis=1), 0] = 3.0
    return p, d


@st.composite
def levels(draw: Any) -> tuple[Any, Any, float]:
    """A problem, and a distortion from the least to the largest of use, or above."""
    p, d = draw(problems())
    low, high = limits(p, d)
    share = draw(st.one_of(st.sampled_from([0.0, 1.0, 1.5]), st.floats(1e-3, 1.0)))
    return p, d, low + share * (min(high, low + 50.0) - low)


def limits(p: Any, d: Any) -> tuple[float, float]:
    used = p > 0
    return float(p[used] @ d[used].min(axis=1)), float((p[used] @ d[used]).min())


def spent(found: RateDistortion, p: Any, d: Any) -> float:
    pi = p[:, None] * found.test_channel
    return float(pi[pi > 0] @ d[pi > 0])


# ------------------------------------------------------------------------------------- the oracle


@given(problems(finite=True), st.floats(0.01, 5.0))
def test_a_slope_against_blahut(problem: tuple[Any, Any], slope: float) -> None:
    p, d = problem
    d = d / max(1.0, np.abs(d).max())
    used = p > 0
    at, rate, bound = oracle.blahut_rate(p[used].tolist(), d[used].tolist(), slope, rounds=30)
    found = rate_distortion(p, d, slope=slope)
    # Both are above the tangent with this slope, which the bounds locate.
    assert found.upper + slope * found.distortion <= rate + slope * at + TOLERANCE
    assert found.lower + slope * found.distortion >= bound + slope * at - TOLERANCE - ROUNDING


@given(levels())
def test_what_is_attained(case: tuple[Any, Any, float]) -> None:
    p, d, most = case
    found = rate_distortion(p, d, max_distortion=most)
    used = p > 0
    assert found.gap <= TOLERANCE
    assert found.test_channel.sum(axis=1) == pytest.approx(1.0, rel=0, abs=1e-13)
    assert found.test_channel.min() >= 0.0
    assert found.output_distribution == pytest.approx(p @ found.test_channel, rel=0, abs=1e-14)
    joint = p[used, None] * found.test_channel[used]
    assert found.rate == pytest.approx(mutual_information(joint), rel=0, abs=ROUNDING)
    # Distortions reach 100, and sums of them are off by some units of that.
    assert spent(found, p, d) <= most + 1e-12
    assert found.distortion <= most + 1e-12
    assert found.slope >= 0.0


# ------------------------------------------------------------------------------------------- laws


@given(levels())
def test_the_tangent_at_a_level(case: tuple[Any, Any, float]) -> None:
    """The slope found at a distortion leads back to a tangent through the same point."""
    p, d, most = case
    found = rate_distortion(p, d, max_distortion=most)
    if not 0.0 < found.slope < 1e3:
        return
    back = rate_distortion(p, d, slope=found.slope)
    intercept = back.rate + found.slope * back.distortion
    # The curve is above each tangent. The slope is that of the lower bound, which is no further
    # below the rate found than the gap.
    assert found.rate + found.slope * found.distortion >= intercept - 2 * TOLERANCE
    assert found.rate + found.slope * found.distortion <= intercept + 2 * TOLERANCE


@given(problems(), st.floats(0.05, 0.95))
def test_the_curve_falls_and_is_convex(problem: tuple[Any, Any], share: float) -> None:
    p, d = problem
    low, high = limits(p, d)
    high = min(high, low + 50.0)
    if not high > low:
        return
    middle = low + share * (high - low)
    rates = [rate_distortion(p, d, max_distortion=D).rate for D in (low, middle, high)]
    assert rates[0] >= rates[1] - TOLERANCE >= rates[2] - 2 * TOLERANCE
    assert rates[1] <= (1 - share) * rates[0] + share * rates[2] + 2 * TOLERANCE


@given(levels())
def test_both_ends_of_the_curve(case: tuple[Any, Any, float]) -> None:
    p, d, _ = case
    low, high = limits(p, d)
    assert rate_distortion(p, d, max_distortion=low).rate <= entropy(p) + ROUNDING
    if math.isfinite(high):
        end = rate_distortion(p, d, max_distortion=high + 1.0)
        assert (end.rate, end.gap, end.slope) == (0.0, 0.0, 0.0)
        assert end.distortion == pytest.approx(high, rel=1e-14, abs=1e-13)


@given(levels(), st.floats(-5.0, 5.0), st.floats(0.1, 10.0))
def test_shift_and_scale_of_distortions(
    case: tuple[Any, Any, float], shift: float, scale: float
) -> None:
    p, d, most = case
    expected = rate_distortion(p, d, max_distortion=most)
    found = rate_distortion(p, scale * d + shift, max_distortion=scale * most + shift + 1e-12)
    # Rounding of the level by 1e-12 counts times the slope; at the least distortion that is
    # infinite, and the rate moves by some 1e-12 ln 1e-12.
    slack = 1e-12 * min(expected.slope, 1e3) + 1e-9
    assert found.rate == pytest.approx(expected.rate, rel=0, abs=2 * TOLERANCE + slack)


@given(levels(), st.data())
def test_more_reproductions_do_not_hurt(case: tuple[Any, Any, float], data: Any) -> None:
    p, d, most = case
    column = data.draw(hnp.arrays(np.float64, (len(p), 1), elements=st.floats(0.0, 3.0)))
    wider = np.hstack([d, column])
    expected = rate_distortion(p, d, max_distortion=most).upper
    assert rate_distortion(p, wider, max_distortion=most).lower <= expected + ROUNDING


# ---------------------------------------------------------------------------------- known values


def binary_entropy(p: float) -> float:
    return entropy([p, 1 - p])


@pytest.mark.parametrize("D", [0.0, 1e-4, 0.1, 0.19, 0.2, 0.7])
def test_binary_source(D: float) -> None:
    """R(D) = h(p) - h(D) below D = min(p, 1 - p), and zero above."""
    found = rate_distortion([0.2, 0.8], HAMMING, max_distortion=D, tolerance=1e-12)
    expected = max(0.0, binary_entropy(0.2) - binary_entropy(min(D, 0.2)))
    assert found.rate == pytest.approx(expected, rel=0, abs=2e-12)
    assert found.distortion == pytest.approx(min(D, 0.2))
    if D == 0.0:
        assert found.slope == math.inf
    elif D >= 0.2:
        assert found.slope == 0.0
    else:
        # The tangent with this slope is no more than the gap below the curve, whose second
        # derivative is 1 / (D (1 - D)).
        slack = math.sqrt(2 * 1e-12 / (D * (1 - D)))
        assert found.slope == pytest.approx(math.log((1 - D) / D), rel=0, abs=1.1 * slack)


@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
def test_equally_likely_symbols(slope: float) -> None:
    """R(D) = ln K - h(D) - D ln(K - 1), with slope ln((1 - D) (K - 1) / D)."""
    found = rate_distortion(np.full(5, 0.2), 1.0 - np.eye(5), slope=slope, tolerance=1e-12)
    D = 4 / (4 + math.exp(slope))
    assert found.distortion == pytest.approx(D, abs=1e-6)
    D = found.distortion
    expected = math.log(5) - binary_entropy(D) - D * math.log(4)
    assert found.rate == pytest.approx(expected, rel=0, abs=2e-12)
    assert found.slope == slope


def test_erasure_distortion() -> None:
    """A wrong bit is not permitted, an erased one costs 1: R(D) = 1 - D bits."""
    table = [[0, math.inf, 1], [math.inf, 0, 1]]
    for D in (0.0, 0.25, 1.0):
        found = rate_distortion([0.5, 0.5], table, max_distortion=D, base=2, tolerance=1e-12)
        assert found.rate == pytest.approx(1.0 - D, rel=0, abs=2e-12)
    assert found.test_channel.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_gaussian_source_on_a_fine_grid() -> None:
    """R(D) = ln(variance / D) / 2, to what a grid of 0.1 and its ends at 4 deviations allow."""
    x = np.linspace(-4.0, 4.0, 81)
    p = normalised(np.exp(-0.5 * x * x))
    variance = float(p @ x**2)
    found = rate_distortion(p, np.subtract.outer(x, x) ** 2, max_distortion=0.25)
    assert found.rate == pytest.approx(0.5 * math.log(variance / 0.25), abs=2e-3)
    assert found.slope == pytest.approx(2.0, abs=0.02)  # 1 / (2 D)


def test_lossless_at_the_least_distortion() -> None:
    p = [0.5, 0.25, 0.125, 0.125]
    found = rate_distortion(p, 1.0 - np.eye(4), max_distortion=0.0, base=2)
    assert found.rate == pytest.approx(1.75, rel=0, abs=1e-14)
    # Two symbols that share a reproduction need not be told apart.
    table = [[0, 1], [1, 0], [1, 0], [1, 0]]
    found = rate_distortion(p, table, max_distortion=0.0, base=2, tolerance=1e-12)
    assert found.rate == pytest.approx(1.0, rel=0, abs=1e-11)
    assert found.slope == math.inf


@pytest.mark.parametrize("seed", range(40))
def test_few_steps(seed: int) -> None:
    """A wider gap than asked for would be a warning, which is an error here."""
    rng = np.random.default_rng(seed)
    k, m = rng.integers(2, 12, 2)
    p = normalised(rng.dirichlet(np.full(k, 0.3)) + 1e-6)
    d = (
        rng.random((k, m)),
        rng.integers(0, 3, (k, m)).astype(float),
        np.subtract.outer(rng.normal(size=k), rng.normal(size=m)) ** 2,
        rng.normal(size=(k, m)),
    )[seed % 4]
    low, high = limits(p, d)
    level = low + 10.0 ** rng.uniform(-3.0, 0.0) * (high - low)
    # Some 10 to 20 for most, and 80 at most among 2000 such problems.
    assert rate_distortion(p, d, max_distortion=level).iterations <= 120
    assert rate_distortion(p, d, slope=10.0 ** rng.uniform(-3.0, 3.0)).iterations <= 120


# ------------------------------------------------------------------------ input, units and warnings


def test_symbols_that_never_occur() -> None:
    expected = rate_distortion([0.5, 0.5], HAMMING, max_distortion=0.1)
    table = np.vstack([HAMMING, [math.inf, math.inf]])
    found = rate_distortion([0.5, 0.5, 0.0], table, max_distortion=0.1)
    assert found.rate == pytest.approx(expected.rate, abs=TOLERANCE)
    assert found.test_channel[2] == pytest.approx(found.output_distribution)


def test_units() -> None:
    nats = rate_distortion([0.3, 0.7], HAMMING, max_distortion=0.1, tolerance=1e-12)
    bits = rate_distortion([0.3, 0.7], HAMMING, max_distortion=0.1, tolerance=1e-12, base=2)
    assert bits.rate == pytest.approx(nats.rate / LN2, rel=1e-11)
    assert bits.slope == pytest.approx(nats.slope / LN2, rel=1e-4)
    fine = rate_distortion([0.3, 0.7], HAMMING, max_distortion=0.1, base=math.exp(1e-3))
    assert fine.gap <= TOLERANCE
    back = rate_distortion([0.3, 0.7], HAMMING, slope=bits.slope, base=2)
    assert back.distortion == pytest.approx(0.1, abs=1e-4)


def test_logarithms() -> None:
    expected = rate_distortion([0.3, 0.7], HAMMING, max_distortion=0.1)
    for kind, add in (("log_probs", 0.0), ("logits", 3.0)):
        logs = np.log([0.3, 0.7]) + add
        found = rate_distortion(logs, HAMMING, max_distortion=0.1, kind=kind)
        assert found.rate == pytest.approx(expected.rate, rel=0, abs=2 * TOLERANCE)


def test_a_gap_wider_than_asked_for_is_told() -> None:
    p, d = [0.2, 0.3, 0.5], 1.0 - np.eye(3)
    with pytest.warns(PrecisionWarning, match="bounds on the rate are .* nats apart") as caught:
        found = rate_distortion(p, d, max_distortion=0.15, max_iterations=2)
    assert found.warnings == (str(caught[0].message),)
    assert caught[0].filename == __file__
    better = rate_distortion(p, d, max_distortion=0.15)
    assert found.lower <= better.rate <= found.upper
    assert found.iterations == 2
    assert "max_iterations" in found._repr_html_()


def test_in_print() -> None:
    found = rate_distortion([0.5, 0.5], HAMMING, max_distortion=0.5, base=2)
    assert str(found) == "0 bits a symbol at distortion 0.5, certified to 0.0e+00"
    assert float(found) == found.rate
    assert "test_channel" not in repr(found)
    assert "0 bits" in found._repr_html_()
    assert "warnings" not in found._repr_html_()


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("p", "d", "options", "text"),
    [
        ([0.5, 0.4], HAMMING, {"slope": 1}, r"p must have sum one over the last axis; got 0\.9"),
        ([[0.5, 0.5]], HAMMING, {"slope": 1}, r"p must be 1-dimensional; got shape \(1, 2\)"),
        ([0.5, 0.5], [0, 1], {"slope": 1}, r"with one row per symbol of p \(2\); got dtype int64"),
        ([0.5, 0.5], np.eye(3), {"slope": 1}, r"one row per symbol of p \(2\).*shape \(3, 3\)"),
        ([0.5, 0.5], [["a"], ["b"]], {"slope": 1}, "distortion must have numbers"),
        (
            [0.5, 0.5],
            [[0, math.nan], [1, 0]],
            {"slope": 1},
            r"not permitted; got nan at distortion\[0, 1\]",
        ),
        ([0.5, 0.5], [[0, 1], [-math.inf, 0]], {"slope": 1}, r"got -inf at distortion\[1, 0\]"),
        ([0.5, 0.5], [[0, 1], [math.inf] * 2], {"slope": 1}, "only inf in row 1"),
        ([0.5, 0.5], HAMMING, {}, "max_distortion must be given, or else slope; got neither"),
        ([0.5, 0.5], HAMMING, {"slope": 1, "max_distortion": 1}, "or else slope; got both"),
        ([0.5, 0.5], HAMMING, {"slope": -1}, "slope must be a finite number of at least 0; got -1"),
        ([0.5, 0.5], HAMMING, {"slope": math.inf}, "slope must be a finite number of at least 0"),
        ([0.5, 0.5], HAMMING, {"max_distortion": math.inf}, "max_distortion must be a finite numb"),
        ([0.5, 0.5], 1 + HAMMING, {"max_distortion": 0.9}, r"that can be reached \(1\); got 0\.9"),
        ([0.5, 0.5], HAMMING, {"slope": 1, "tolerance": -1}, "tolerance must be a positive"),
        ([0.5, 0.5], HAMMING, {"slope": 1, "max_iterations": 1.5}, "max_iterations must be a pos"),
        ([0.5, 0.5], HAMMING, {"slope": 1, "base": 0}, "base must be None"),
    ],
)
def test_refusals(p: Any, d: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        rate_distortion(p, d, **options)
