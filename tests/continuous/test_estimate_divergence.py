"""Divergences from distances to nearest neighbours in two samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import continuous as oracle

from infotheory.estimators.continuous import divergence
from infotheory.estimators.divergence import DIVERGENCE_METHODS, estimate_divergence
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

BARE: dict[str, Any] = {"interval": False, "standardize": False}


def shifted(seed: int, n: int, m: int, d: int = 1, by: float = 0.5) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), by + rng.normal(size=(m, d))


def gaussian_integral(alpha: float, by: float, d: int = 1) -> float:
    """Of p^alpha q^(1 - alpha), for unit Gaussian laws a distance apart in each coordinate."""
    return math.exp(alpha * (alpha - 1) * by * by * d / 2)


# ------------------------------------------------------------------------------- the definitions


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 5))
def test_values_are_those_of_the_definitions(seed: int, d: int, k: int) -> None:
    x, y = shifted(seed, k + 1 + seed % 12, k + 1 + seed % 7, d)
    rows = x.tolist(), y.tolist()
    # Logarithms of distances are known to some roundings, and there are d of them.
    found = estimate_divergence(x, y, k=k, **BARE)
    assert found == pytest.approx(oracle.kl_divergence(*rows, k), abs=1e-12)
    for alpha in (0.25, 1.75):
        integral = oracle.power_integral(*rows, k, alpha)
        ratios = divergence.ratios(x, y, k)
        assert divergence.power_integral(ratios, alpha) == pytest.approx(integral, rel=1e-11)


@given(st.integers(0, 1000), st.integers(1, 3))
def test_copies_are_compared_by_their_shares(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, size=(k + 2 + seed % 9, 2)).astype(float)
    y = rng.integers(0, 3, size=(k + 2 + seed % 5, 2)).astype(float)
    found = divergence.ratios(x, y, k)
    logs, copied = oracle.divergence_logs(x.tolist(), y.tolist(), k)
    assert found.atoms.tolist() == copied
    assert found.logs == pytest.approx(logs, abs=1e-13)
    there = {tuple(row) for row in y.tolist()}
    assert found.n_shared == sum(tuple(row) in there for row in x.tolist())
    assert divergence.power_integral(found, 0.5) == pytest.approx(
        oracle.power_integral(x.tolist(), y.tolist(), k, 0.5)
    )


def test_what_each_divergence_makes_of_the_integral() -> None:
    x, y = shifted(1, 50, 60)
    ratios = divergence.ratios(x, y, 3)

    def found(method: str, alpha: float | None = None) -> float:
        return float(estimate_divergence(x, y, method=method, alpha=alpha, **BARE))

    integral = divergence.power_integral(ratios, 1.5)
    assert found("renyi", 1.5) == pytest.approx(2.0 * math.log(integral))
    assert found("tsallis", 1.5) == pytest.approx(2.0 * (integral - 1.0))
    root = divergence.power_integral(ratios, 0.5)
    assert found("hellinger") == pytest.approx(math.sqrt(1.0 - root))
    assert found("renyi", 0.5) == pytest.approx(-2.0 * math.log(root))
    assert divergence.from_integral("hellinger", 1.01, 0.5) == 0.0


@pytest.mark.parametrize(("n", "m"), [(5, 4), (9, 30)])
def test_there_is_no_bias_where_densities_are_constant(n: int, m: int) -> None:
    """Masses of balls follow beta laws then; see the module."""
    k, size, rng = 3, 40_000, np.random.default_rng(0)
    logs = np.log(rng.beta(k, m - k + 1, size) / rng.beta(k, n - k, size))
    found = divergence.Ratios(logs, np.zeros(size, dtype=bool), 0, n, m, k)
    local = divergence.kullback_leibler(found)
    assert abs(local.mean()) < 4 * local.std() / math.sqrt(size)
    for alpha in (0.3, 0.5, 1.7):
        # The mean is taken over n points, of which there are `size` here.
        integral = divergence.power_integral(found, alpha) * n / size
        terms = np.exp((alpha - 1.0) * logs)
        error = terms.std() / terms.mean() / math.sqrt(size)
        assert abs(integral - 1.0) < 4 * error


# -------------------------------------------------------------------------------- known values


def test_gaussian_laws_half_a_deviation_apart() -> None:
    x, y = shifted(2, 1200, 800)
    found = estimate_divergence(x, y)
    assert found.low < 0.125 < found.high
    assert found.standard_error < 0.1
    assert (found.n, found.method, found.warnings) == (2000, "kl", ())
    assert found.local.mean() == pytest.approx(float(found))
    # ln(p / q) = -(x^2 - (x - 1/2)^2) / 2 falls along x.
    assert np.corrcoef(found.local, x[:, 0])[0, 1] < -0.3
    for alpha in (0.5, 1.5):
        integral = gaussian_integral(alpha, 0.5)
        found = estimate_divergence(x, y, method="renyi", alpha=alpha)
        assert found.low < math.log(integral) / (alpha - 1) < found.high
        assert found.local is None
        found = estimate_divergence(x, y, method="tsallis", alpha=alpha)
        assert found.low < (integral - 1) / (alpha - 1) < found.high
    found = estimate_divergence(x, y, method="hellinger")
    assert found.low < math.sqrt(1 - gaussian_integral(0.5, 0.5)) < found.high


@pytest.mark.parametrize(("method", "alpha"), [("kl", None), ("renyi", 1.5)])
def test_the_standard_error_is_that_of_repeated_samples(method: str, alpha: Any) -> None:
    found = [
        quietly(estimate_divergence, *shifted(seed, 100, 120), method=method, alpha=alpha)
        for seed in range(80)
    ]
    # Five parts know a variance to sqrt(2 / 4); the mean of 80, and 80 values, to a tenth or so.
    claimed = math.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert claimed == pytest.approx(np.std([float(each) for each in found]), rel=0.35)
    truth = (
        0.125
        if alpha is None
        else divergence.from_integral(method, gaussian_integral(alpha, 0.5), alpha)
    )
    covered = sum(each.low <= truth <= each.high for each in found)
    assert covered >= 66  # of 76 expected: four deviations of 1.9, and some bias


@pytest.mark.parametrize(("n", "m"), [(700, 900), (130, 1000), (1000, 130), (20_000, 16_000)])
def test_parts_are_disjoint_and_in_proportion(n: int, m: int) -> None:
    seen: list[tuple[Any, Any]] = []

    def value_of(x: Any, y: Any) -> float:
        seen.append((x, y))
        return float(len(seen))

    found = divergence.scatter(np.arange(n), np.arange(m), value_of, 3, np.random.default_rng(0))
    for size, parts in zip((n, m), zip(*seen, strict=True), strict=True):
        rows = np.concatenate(parts)
        assert np.unique(rows).size == rows.size
        assert {len(part) for part in parts} == {found.size * size // min(n, m)}
    assert len(seen) == (10 if min(n, m) >= 600 else 5)
    small = divergence.scatter(np.arange(99), np.arange(m), value_of, 3, np.random.default_rng(0))
    assert small is None


def test_both_samples_add_to_the_scatter() -> None:
    few = estimate_divergence(*shifted(3, 1500, 150), rng=1)
    many = estimate_divergence(*shifted(3, 1500, 1500), rng=1)
    swapped = estimate_divergence(*shifted(3, 150, 1500), rng=1)
    assert few.standard_error > 1.5 * many.standard_error
    assert swapped.standard_error > 1.5 * many.standard_error


def test_equal_laws_have_none() -> None:
    x, y = shifted(4, 400, 400, by=0.0)
    assert abs(estimate_divergence(x, y)) < 4 * estimate_divergence(x, y).standard_error
    found = estimate_divergence(x, y, method="hellinger")
    assert found.low == 0.0
    assert 0.0 < found.standard_error < 0.2


# ---------------------------------------------------------------------------------------- laws


@given(st.integers(0, 1000))
def test_units_offsets_order_and_threads_do_not_matter(seed: int) -> None:
    x, y = shifted(seed, 30, 20, 2)
    options: dict[str, Any] = {"interval": False}
    whole = estimate_divergence(x, y, **options)
    unit = np.array([1e200, 1e-150])
    assert estimate_divergence(x * unit, y * unit, **options) == pytest.approx(whole, abs=1e-11)
    assert estimate_divergence(x + 1e9, y + 1e9, **options) == pytest.approx(whole, abs=1e-3)
    order = np.random.default_rng(seed).permutation(30)
    moved = estimate_divergence(x[order], y[::-1], n_jobs=2, **options)
    assert np.array_equal(moved.local, whole.local[order])


def test_bits_and_options() -> None:
    x, y = shifted(5, 200, 200)
    nats, bits = estimate_divergence(x, y), estimate_divergence(x, y, base=2)
    assert bits == pytest.approx(nats / math.log(2))
    assert bits.high == pytest.approx(nats.high / math.log(2))
    assert bits.local == pytest.approx(nats.local / math.log(2))
    assert estimate_divergence(x, y, level=0.5).high < nats.high
    other = estimate_divergence(x, y, rng=np.random.default_rng(9))
    assert float(other) == float(nats)
    assert other.standard_error != nats.standard_error
    bare = estimate_divergence(x, y, interval=False)
    assert float(bare) == float(nats)
    assert math.isnan(bare.high)
    assert bare.interval.method == "none"
    assert bare.warnings == ()


def test_frames_lists_and_missing_values() -> None:
    x, y = shifted(6, 80, 70, 2)
    whole = estimate_divergence(x, y, **BARE)
    frames = (pd.DataFrame(part, columns=["a", "b"]) for part in (x, y))
    assert float(estimate_divergence(*frames, **BARE)) == float(whole)
    assert float(estimate_divergence(x.tolist(), y.tolist(), **BARE)) == float(whole)
    gaps = np.vstack([x, [[np.nan, 0.0]]])
    assert float(estimate_divergence(gaps, y, nan_policy="omit", **BARE)) == float(whole)
    assert float(estimate_divergence(x[:, 0], y[:, 0], **BARE)) == float(
        estimate_divergence(x[:, :1], y[:, :1], **BARE)
    )


# ------------------------------------------------------------------------------ awkward samples


def test_copies_are_reported() -> None:
    x, y = shifted(7, 800, 800)
    with pytest.warns(PrecisionWarning, match=r"\d+ of 800 samples of x have 3 copies or more"):
        found = estimate_divergence(np.round(x / 2), np.round(y / 2))
    assert not math.isnan(found.high)
    assert abs(found - 0.125) < 0.2  # of the rounded laws it is somewhat less
    assert "before rounding" in found.warnings[0]
    with pytest.warns(PrecisionWarning, match="y has none for some, which is infinitely far"):
        found = estimate_divergence(np.zeros(100), np.ones(100))
    assert found == math.inf
    assert math.isnan(found.high)
    assert math.isnan(found.standard_error)


def test_parts_may_lack_copies() -> None:
    x, y = shifted(7, 300, 300)
    with (
        pytest.warns(PrecisionWarning, match="copies or more"),
        pytest.warns(UndefinedIntervalWarning, match="in parts of the samples y lacks what x"),
    ):
        found = estimate_divergence(np.round(x), np.round(y))
    assert math.isfinite(found)
    assert math.isnan(found.high)


@pytest.mark.parametrize(
    ("method", "alpha", "value"),
    [
        ("renyi", 0.5, math.inf),
        ("renyi", 2.0, math.inf),
        ("tsallis", 0.5, 2.0),
        ("tsallis", 2.0, math.inf),
        ("hellinger", None, 1.0),
    ],
)
def test_laws_without_anything_in_common(method: str, alpha: Any, value: float) -> None:
    with pytest.warns(PrecisionWarning, match="copies or more"):
        found = estimate_divergence(np.zeros(100), np.ones(100), method=method, alpha=alpha, k=4)
    assert float(found) == value


def test_one_law_of_one_value() -> None:
    for method in DIVERGENCE_METHODS:
        alpha = 0.5 if method in ("renyi", "tsallis") else None
        with pytest.warns(PrecisionWarning, match="100 of 100 samples of x have 3 copies"):
            found = estimate_divergence(np.ones(100), np.ones(110), method=method, alpha=alpha)
        assert (float(found), found.standard_error) == (0.0, 0.0)


def test_shared_samples_are_reported() -> None:
    x, y = shifted(8, 100, 100)
    y[:30] = x[:30]
    with pytest.warns(PrecisionWarning, match="30 of 100 samples of x occur in y too") as caught:
        estimate_divergence(x, y, interval=False)
    assert caught[0].filename == __file__


def test_terms_without_variance_are_reported() -> None:
    x, y = shifted(9, 100, 100)
    with pytest.warns(PrecisionWarning, match=r"With alpha=2.5 .* for k=3 neighbours. Use k=4"):
        estimate_divergence(x, y, method="renyi", alpha=2.5)
    assert estimate_divergence(x, y, method="renyi", alpha=2.4).warnings == ()


def test_a_bias_that_is_larger_than_the_scatter_is_reported() -> None:
    x, y = shifted(0, 600, 600, d=8, by=2.5)
    with pytest.warns(PrecisionWarning, match=r"depends on the number of samples.*gaussian_kl"):
        estimate_divergence(x, y)


def test_few_samples_have_no_interval() -> None:
    x, y = shifted(11, 99, 300)
    with pytest.warns(UndefinedIntervalWarning, match="99 samples cannot be cut into parts"):
        found = estimate_divergence(x, y)
    assert math.isnan(found.low)
    assert math.isnan(found.standard_error)
    assert math.isfinite(found)


def test_distances_whose_squares_underflow_or_overflow() -> None:
    x = np.array([0.0, 1.0, 2.0, 4.0, 7.0])
    y = np.array([0.5, 1.5, 3.0, 5.0])
    for unit in (1e-200, 1e200):
        with np.errstate(over="ignore"):
            found = estimate_divergence(x * unit, y * unit, k=1, **BARE)
        assert math.isfinite(found)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"method": "js"}, "method must be one of 'kl', 'renyi', 'tsallis', 'hellinger'; got 'js'"),
        ({"k": 0}, "k must be a positive integer"),
        ({"k": 20}, r"k must be smaller than the number of samples \(20\); got 20"),
        ({"alpha": 2.0}, "alpha must be None with method='kl'; got 2.0"),
        ({"method": "renyi", "alpha": 1 + 1e-7}, "alpha must be a positive number not within"),
        ({"method": "hellinger", "alpha": 0.5}, "alpha must be None with method='hellinger'"),
        (
            {"method": "renyi"},
            r"alpha must be a positive number not within 1e-06 of 1 and less than k \+ 1",
        ),
        (
            {"method": "renyi", "alpha": 1},
            r"less than k \+ 1 \(4\) with method='renyi'; got 1. The",
        ),
        ({"method": "tsallis", "alpha": 4.0}, "with method='tsallis'; got 4.0"),
        ({"method": "tsallis", "alpha": 0.0}, "alpha must be a positive number"),
        ({"method": "tsallis", "alpha": True}, "alpha must be a positive number"),
        ({"method": "tsallis", "alpha": math.nan}, "alpha must be a positive number"),
        ({"method": "tsallis", "alpha": 2, "base": 2}, "base must be None with method='tsallis'"),
        ({"method": "hellinger", "base": 2}, "base must be None with method='hellinger'; got 2"),
        ({"base": 1}, "base must be None"),
        ({"level": 1}, "level must be a number between 0 and 1"),
        ({"interval": "yes"}, "interval must be True or False"),
        ({"standardize": 1}, "standardize must be True or False"),
        ({"nan_policy": "drop"}, "nan_policy must be one of"),
        ({"rng": "x"}, "rng must be a seed"),
        ({"n_jobs": 0}, "n_jobs must be a positive integer"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        estimate_divergence(*shifted(0, 30, 20), **options)


def test_samples_that_are_refused() -> None:
    x, y = shifted(0, 30, 20, 2)
    with pytest.raises(ValueError, match=r"y must have as many columns as x \(2\); got 1"):
        estimate_divergence(x, y[:, 0])
    with pytest.raises(ValueError, match="y must be without missing values; got one at row 3"):
        estimate_divergence(x, np.where(np.arange(20)[:, None] == 3, np.nan, y))
    with pytest.raises(ValueError, match="x must be finite; got inf at row 0, column 1"):
        estimate_divergence(x + np.array([0.0, math.inf]), y)
    with pytest.raises(TypeError, match="y must be numbers"):
        estimate_divergence(x, [["a", "b"]] * 20)
    with pytest.raises(ValueError, match=r"k must be smaller than the number of samples \(3\)"):
        estimate_divergence(x, y[:3])
