"""Divergences and distances against the oracle, worked examples and scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import LOGITS_RELATIVE, close, logit_pairs, pairs, same, same_of_logits
from oracles import measures as oracle
from scipy.spatial.distance import jensenshannon

from infotheory import _simplex, measures
from infotheory.measures import (
    _terms,
    cauchy_schwarz_divergence,
    chi_squared,
    hellinger,
    jensen_shannon_distance,
    jensen_shannon_divergence,
    kl_divergence,
    total_variation,
)

NAMES = (
    "kl_divergence",
    "jensen_shannon_divergence",
    "total_variation",
    "hellinger",
    "chi_squared",
    "cauchy_schwarz_divergence",
)
SYMMETRIC = tuple(name for name in NAMES if name not in ("kl_divergence", "chi_squared"))
WITH_BASE = tuple(name for name in NAMES if name.endswith("divergence"))


# ------------------------------------------------------------------------------------- the oracle


@pytest.mark.parametrize("name", NAMES)
@given(pairs())
def test_each_divergence_near_and_far(name: str, pair: Any) -> None:
    """Distributions that differ by as little as 1e-12 of themselves keep all digits."""
    p, q = pair
    expected = getattr(oracle, name)(p.tolist(), q.tolist())
    # Normalised exactly, equal weights differ by the rounding of the sums of others, at most:
    # 1e-16, with 1e-32 as the square of it.
    absolute = 1e-16 if name in ("total_variation", "hellinger") else 1e-31
    assert same(getattr(measures, name)(p, q), expected, absolute=absolute)


@pytest.mark.parametrize("name", NAMES)
@given(logit_pairs())
def test_each_divergence_of_logits(name: str, pair: Any) -> None:
    p, q = pair
    expected = getattr(oracle, name)(p.tolist(), q.tolist(), "logits")
    if expected > 1e300:  # finite, but perhaps no double
        return
    found = getattr(measures, name)(p, q, kind="logits")
    if name in ("total_variation", "hellinger"):
        assert same(found, expected, LOGITS_RELATIVE, 1e-14)
    else:
        assert same_of_logits(found, expected)


@given(pairs(), st.floats(0.0, 1.0))
def test_weights_of_the_mixture(pair: Any, a: float) -> None:
    p, q = pair
    found = jensen_shannon_divergence(p, q, weights=(a, 1.0 - a))
    assert same(
        found, oracle.jensen_shannon_divergence(p.tolist(), q.tolist(), a=a), absolute=1e-31
    )
    assert found == jensen_shannon_divergence(q, p, weights=(1.0 - a, a))


def test_the_distance_is_scipys() -> None:
    rng = np.random.default_rng(4)
    p, q = rng.dirichlet(np.ones(5), (2, 40))
    q[:10, 1] += q[:10, 0]
    q[:10, 0] = 0.0
    for base in (None, 2):
        expected = jensenshannon(p, q, base=base, axis=1)
        assert jensen_shannon_distance(p, q, base=base) == close(expected, 1e-14)


def test_single_precision_stands_for_its_shares() -> None:
    """Sums that are off by 1e-7 are divided out, where terms are close and where they are far."""
    rng = np.random.default_rng(12)
    p = rng.dirichlet(np.ones(6), 20)
    q = p * (1 + 0.01 * rng.standard_normal(p.shape))
    p[:10, 0], q[:10, 1] = 1e-4 * p[:10, 0], 1e-5 * q[:10, 1]  # far apart, and of little weight
    p[:10, 1], q[:10, 0] = 1e-4 * p[:10, 1], 1e-4 * q[:10, 0]
    p, q = ((x / x.sum(axis=1, keepdims=True)).astype(np.float32) for x in (p, q))
    q *= np.float32(1 + 1e-6)
    for name in NAMES:
        found = getattr(measures, name)(p, q)
        for row in range(20):
            expected = getattr(oracle, name)(p[row].tolist(), q[row].tolist())
            assert same(found[row], expected)


def test_the_excess_of_a_number_over_its_logarithm() -> None:
    u = np.concatenate([sign * np.geomspace(1e-15, 0.5, 400) for sign in (1, -1)])
    for x, found in zip(map(oracle.mpf, u.tolist()), _terms.excess(u), strict=True):
        # Above 1/8 the difference is at least 1/17 of u: some 17 units, of two roundings.
        assert same(found, x - oracle.mp.log(1 + x), 4e-15 if abs(x) > 0.125 else 1e-15)


# ------------------------------------------------------------------------------------ properties


@pytest.mark.parametrize("name", SYMMETRIC)
@given(pairs())
def test_some_are_symmetric_to_the_last_bit(name: str, pair: Any) -> None:
    p, q = pair
    divergence = getattr(measures, name)
    assert divergence(p, q) == divergence(q, p)


@pytest.mark.parametrize("name", NAMES)
@given(pairs())
def test_nothing_is_negative_and_equals_are_at_zero(name: str, pair: Any) -> None:
    p, q = pair
    divergence = getattr(measures, name)
    assert divergence(p, q) >= 0.0
    assert math.copysign(1.0, divergence(p, p)) == 1.0
    assert divergence(p, p) == 0.0


@pytest.mark.parametrize("name", NAMES)
@given(pairs())
def test_order_and_unused_symbols_do_not_matter(name: str, pair: Any) -> None:
    p, q = pair
    divergence = getattr(measures, name)
    shuffled = [np.append(values[::-1], 0.0) for values in pair]
    expected = divergence(p, q)
    assert same(divergence(*shuffled), expected, absolute=1e-16 if expected < 1e-12 else 0.0)


# ---------------------------------------------------------------------------------- known values


def test_divergences_of_a_worked_example() -> None:
    # Cover and Thomas, example 2.3.1 with r = 1/2, s = 1/4: D(p||q) = 0.2075, D(q||p) = 0.1887.
    p, q = [0.5, 0.5], [0.75, 0.25]
    assert kl_divergence(p, q, base=2) == close(1 - math.log2(3) / 2, 1e-14)
    assert kl_divergence(q, p, base=2) == close(math.log2(3) * 3 / 4 - 1, 1e-14)
    assert round(kl_divergence(p, q, base=2), 4) == 0.2075
    assert round(kl_divergence(q, p, base=2), 4) == 0.1887


def test_a_divergence_of_coins_that_are_almost_fair() -> None:
    """D of bias (1 + d)/2 from 1/2 is the sum of d^2k / (2k (2k - 1))."""
    for power in (1, 10, 23, 52):
        d = 0.5**power
        expected = math.fsum(d ** (2 * k) / (2 * k * (2 * k - 1)) for k in range(1, 40))
        p = [(1 + d) / 2, (1 - d) / 2]
        assert kl_divergence(p, [0.5, 0.5]) == close(expected, 1e-14)
        assert chi_squared(p, [0.5, 0.5]) == d * d
        assert total_variation(p, [0.5, 0.5]) == d / 2
        angle = cauchy_schwarz_divergence(p, [0.5, 0.5])
        assert angle == close(math.log1p(d * d), 1e-14)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kl_divergence", math.inf),
        ("jensen_shannon_divergence", math.log(2)),
        ("total_variation", 1.0),
        ("hellinger", 1.0),
        ("chi_squared", math.inf),
        ("cauchy_schwarz_divergence", math.inf),
    ],
)
def test_nothing_in_common(name: str, expected: float) -> None:
    thirds = np.array([1, 1, 1, 0, 0, 0, 0]) / 3
    sevenths = np.array([0, 0, 0, 3, 1, 1, 2]) / 7
    found = getattr(measures, name)(thirds, sevenths)
    assert found == close(expected, 4e-16)
    assert found <= expected


def test_rounding_does_not_exceed_the_bounds() -> None:
    rng = np.random.default_rng(11)
    p, q = np.zeros((2, 500, 8))
    p[:, :4], q[:, 4:] = rng.dirichlet(np.ones(4), (2, 500))
    assert (jensen_shannon_divergence(p, q) <= math.log(2)).all()
    assert (total_variation(p, q) <= 1.0).all()
    assert (hellinger(p, q) <= 1.0).all()


def test_a_distribution_inside_another() -> None:
    inside, around = [1.0, 0.0], [0.25, 0.75]
    assert kl_divergence(inside, around) == close(math.log(4), 1e-15)
    assert kl_divergence(around, inside) == math.inf
    assert chi_squared(inside, around) == close(3.0, 1e-15)
    assert chi_squared(around, inside) == math.inf
    assert hellinger(inside, around) == close(math.sqrt(0.5), 1e-15)
    assert cauchy_schwarz_divergence(inside, around) == close(math.log(10), 1e-15)


def test_the_distance_is_a_root_and_has_a_base() -> None:
    p, q = [0.9, 0.1], [0.1, 0.9]
    for base in (None, 2, 10):
        squared = jensen_shannon_divergence(p, q, base=base)
        assert jensen_shannon_distance(p, q, base=base) == math.sqrt(squared)
    assert jensen_shannon_distance([p, q], q, base=2).tolist() == [
        jensen_shannon_distance(p, q, base=2),
        0.0,
    ]


def test_weights_of_one_leave_nothing_to_tell() -> None:
    for weights in ((1.0, 0.0), (0, 1)):
        assert jensen_shannon_divergence([0.5, 0.5], [1.0, 0.0], weights=weights) == 0.0


# ------------------------------------------------------------------- where probabilities underflow


def test_divergences_of_what_is_no_double() -> None:
    half, sure = [0.0, 0.0], [0.0, -900.0]
    # 1/2 ln(1/2) + 1/2 ln(e^900 / 2) = 450 - ln 2.
    expected = 450.0 - math.log(2)
    assert kl_divergence(half, sure, kind="logits") == close(expected, 1e-15)
    assert kl_divergence(half, [0.0, -math.inf], kind="logits") == math.inf
    # Mass that underflows is mass, and none in the reference is none.
    assert kl_divergence(sure, [0.0, -math.inf], kind="logits") == math.inf
    assert kl_divergence([0.0, -math.inf], sure, kind="logits") == 0.0


def test_distances_of_what_is_no_double() -> None:
    # sqrt((e^-400 - e^-401)^2 / 2) = e^-400 (1 - 1/e) / sqrt(2), and its square is no double.
    expected = math.exp(-400) * -math.expm1(-1) / math.sqrt(2)
    found = hellinger([0.0, -800.0], [0.0, -802.0], kind="logits")
    assert found == close(expected, 1e-12)
    # e^-800 squared over e^-1500 is e^-100.
    found = chi_squared([0.0, -800.0], [0.0, -1500.0], kind="logits")
    assert found == close(math.exp(-100), 1e-12)
    assert chi_squared([0.0, -800.0], [0.0, -1600.0], kind="logits") == close(1, 1e-12)
    assert chi_squared([0.0, -10.0], [0.0, -1600.0], kind="logits") == math.inf
    # The angle of two almost certain symbols: cos = 2 e^-800.
    found = cauchy_schwarz_divergence([0.0, -800.0], [-800.0, 0.0], kind="logits")
    assert found == close(1600 - 2 * math.log(2), 1e-15)


def test_divergences_of_the_smallest_doubles() -> None:
    tiny = 5e-324
    assert kl_divergence([tiny, 1.0], [1.0, tiny]) == close(-math.log(tiny), 1e-15)
    assert kl_divergence([0.5, 0.5], [1.0, tiny]) == close(
        0.5 * (math.log(0.25) - math.log(tiny)), 1e-15
    )
    assert chi_squared([1e-200, 1.0], [1e-250, 1.0]) == close(1e-150, 1e-12)


# --------------------------------------------------------------------------- what is handed back


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_batches_broadcast(name: str, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if pieces:  # blocks of three rows, worked on two at a time
        monkeypatch.setattr(_simplex, "_BLOCK_NUMBERS", 12)
        monkeypatch.setattr(_terms, "_NUMBERS_AT_ONCE", 8)
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(4), (3, 1)), rng.dirichlet(np.ones(4), 5)
    q[1], q[2, :2] = p[0, 0], (0.0, q[2, :2].sum())
    divergence = getattr(measures, name)
    found = divergence(p, q)
    assert found.shape == (3, 5)
    for i, j in np.ndindex(3, 5):
        assert same(found[i, j], divergence(p[i, 0], q[j]), 1e-14)
    assert same(divergence(p[:, 0], q[3])[2], found[2, 3], 1e-14)
    assert same(divergence(p[2, 0], q)[3], found[2, 3], 1e-14)
    assert divergence(np.empty((0, 4)), q[0]).shape == (0,)
    assert divergence(p[0, 0], np.empty((0, 4))).shape == (0,)


@pytest.mark.parametrize("name", WITH_BASE)
def test_units(name: str) -> None:
    divergence = getattr(measures, name)
    nats = divergence([0.5, 0.5], [0.9, 0.1])
    assert divergence([0.5, 0.5], [0.9, 0.1], base=2) == nats / math.log(2)


def test_labels_of_rows_are_kept() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[0.5, 0.5], [1.0, 0.0]], index=["coin", "brick"])
    for function in (total_variation, jensen_shannon_distance):
        found = function(frame, [1.0, 0.0])
        assert list(found.index) == ["coin", "brick"]
        assert found["brick"] == 0.0


def test_labels_that_differ_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    p = pandas.DataFrame([[0.9, 0.1], [0.2, 0.8]], index=["x", "y"], columns=["a", "b"])
    sentence = "q must have the labels of p in the same order; got "
    for own, other, fact in (
        (p, p[["b", "a"]], r"'b' in place 0 of the symbols, for 'a'\. Use q\[p\.columns\], or"),
        (p, p.loc["x"].rename({"b": "c"}), r"'c' in place 1 of the symbols, for 'b'\."),
        (p.loc["x"], p[["b", "a"]], r"'b' in place 0 of the symbols.* Use q\[p\.index\], or"),
        (p, p.loc[["y", "x"]], r"'y' in place 0 of the rows, for 'x'\. Use q\.loc\[p\.index\]"),
    ):
        for divergence in (kl_divergence, total_variation):
            with pytest.raises(ValueError, match=sentence + fact):
                divergence(own, other)
    assert kl_divergence(p, p.copy()).to_dict() == {"x": 0.0, "y": 0.0}
    assert kl_divergence(p, p.loc[["x"]])["x"] == 0.0  # one row against each
    assert kl_divergence(p, p[["b", "a"]][p.columns]).max() == 0.0
    assert kl_divergence(p, p.loc["x"])["x"] == 0.0
    assert kl_divergence(p, p.to_numpy()[:, ::-1]).min() > 0.5


def test_single_precision_is_normalised() -> None:
    thirds = np.full(3, 1 / 3, dtype=np.float32)
    for name in NAMES:
        assert getattr(measures, name)(thirds, thirds) == 0.0
        # 1/3 is off by up to half a unit in one precision, and by none of that after division.
        assert getattr(measures, name)(thirds, np.full(3, 1 / 3)) <= 1e-15


# -------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", NAMES)
def test_distributions_are_checked(name: str) -> None:
    divergence = getattr(measures, name)
    with pytest.raises(
        ValueError, match=r"q must have as many symbols as p \(3\); got 2\. A symbol that one"
    ):
        divergence([0.5, 0.5, 0.0], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"q must be probabilities.*; got -0.1 at q\[0\]"):
        divergence([0.5, 0.5], [-0.1, 1.1])
    with pytest.raises(ValueError, match=r"p must have sum one over the last axis; got 0.9"):
        divergence([0.5, 0.4], [0.5, 0.5])
    with pytest.raises(ValueError, match="q must be of a batch shape that goes with that of p"):
        divergence(np.full((2, 2), 0.5), np.full((3, 2), 0.5))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (0.5, r"weights must be a pair of numbers; got shape \(\)\. Use weights=\(0\.5, 0\.5\)"),
        ((0.2, 0.3, 0.5), r"weights must be a pair of numbers; got shape \(3,\)"),
        (("a", "b"), r"weights must be a pair of numbers; got \('a', 'b'\)"),
        ((True, False), r"weights must be a pair of numbers; got \(True, False\)"),
        ((0.5, 0.6), "weights must be at least 0 and of sum one; got 0.5 and 0.6"),
        ((-0.5, 1.5), "weights must be at least 0 and of sum one; got -0.5 and 1.5"),
        ((math.nan, 1.0), "weights must be at least 0 and of sum one; got nan and 1"),
    ],
)
def test_weights_are_checked(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jensen_shannon_divergence([0.5, 0.5], [1.0, 0.0], weights=weights)
