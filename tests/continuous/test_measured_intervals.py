"""Intervals of estimates from measurements: parts of the sample, and local values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly
from scipy.stats import norm as normal
from scipy.stats import t as student

from infotheory import sources
from infotheory._jit import JIT_ENABLED
from infotheory.estimators import (
    DENSITY_METHODS,
    estimate_conditional_mutual_information,
    estimate_entropy,
    estimate_mutual_information,
)
from infotheory.estimators.continuous.subsampling import Scatter, interval_of, scatter_of

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Y = X + RNG.normal(size=N)
Z = RNG.normal(size=N)

mi, cmi = estimate_mutual_information, estimate_conditional_mutual_information


@pytest.mark.parametrize(
    ("n", "k", "n_parts", "size"),
    [
        (99, 3, 0, 0),
        (100, 3, 5, 20),
        (100, 6, 0, 0),
        (120, 6, 5, 24),
        (599, 3, 5, 119),
        (600, 3, 10, 60),
        (9_999, 3, 10, 999),
        (50_000, 3, 10, 1000),
    ],
)
def test_parts_of_the_sample(n: int, k: int, n_parts: int, size: int) -> None:
    seen: list[Any] = []

    def value_of(rows: Any) -> float:
        seen.append(rows)
        return float(len(seen))

    found = scatter_of(value_of, n, k, np.random.default_rng(0))
    assert len(seen) == n_parts
    if not n_parts:
        assert found is None
        return
    rows = np.concatenate(seen)
    assert [part.size for part in seen] == [size] * n_parts
    assert np.unique(rows).size == rows.size
    assert rows.min() >= 0
    assert rows.max() < n
    # Of 1, 2, ..., m: mean (m + 1) / 2 and variance m (m + 1) / 12.
    deviation = math.sqrt(n_parts * (n_parts + 1) / 12)
    assert found == pytest.approx(
        Scatter(
            deviation * math.sqrt(size / n),
            n_parts,
            size,
            (n_parts + 1) / 2,
            deviation / math.sqrt(n_parts),
        )
    )
    interval = interval_of(2.0, found, 0.9)
    reach = student.ppf(0.95, n_parts - 1) * found.standard_error
    assert (interval.low, interval.high) == pytest.approx((2.0 - reach, 2.0 + reach))
    assert interval.standard_error == found.standard_error
    assert (interval.estimate, interval.level, interval.method) == (2.0, 0.9, "subsampling, t")


def test_parts_that_are_not_finite() -> None:
    rng = np.random.default_rng(0)
    assert scatter_of(lambda rows: math.inf if 7 in rows else 1.0, 500, 3, rng) is None
    for scatter, value in ((None, 1.0), (Scatter(0.1, 5, 20, 1.0, 0.1), -math.inf)):
        interval = interval_of(value, scatter, 0.95)
        assert interval.estimate == value
        assert all(map(math.isnan, (interval.low, interval.high, interval.standard_error)))


def test_intervals_of_local_values_are_normal() -> None:
    for level in (0.5, 0.95):
        found = [mi(X, Y, method=method, level=level) for method in ("gaussian", "gaussian_copula")]
        found.append(cmi(X, Y, Z, method="gaussian", level=level))
        methods = [method for method in DENSITY_METHODS if method != "kozachenko_leonenko"]
        found += [estimate_entropy(X, method=method, level=level) for method in methods]
        for estimate in found:
            reach = normal.ppf(0.5 + level / 2) * estimate.standard_error
            assert estimate.high - estimate.value == pytest.approx(reach)
            assert estimate.value - estimate.low == pytest.approx(reach)
            assert estimate.level == level


def test_the_interval_is_the_same_each_time_and_follows_the_seed() -> None:
    one, again = mi(X, Y), mi(X, Y)
    assert one.to_dict() == again.to_dict()
    seeded = mi(X, Y, rng=3)
    assert seeded.value == one.value
    assert seeded.standard_error != one.standard_error
    assert mi(X, Y, rng=np.random.default_rng(3)).to_dict() == seeded.to_dict()
    wide = mi(X, Y, level=0.99)
    assert wide.low < one.low < one.value < one.high < wide.high


@compiled
@pytest.mark.parametrize("method", ["ksg1", "gaussian"])
def test_intervals_cover(method: str) -> None:
    """Of 60, 57 at a coverage of 0.95; 48 is five standard deviations away."""
    source = sources.GaussianPair(0.6)
    truth = source.mutual_information()
    covered = [truth in mi(*source.sample(600, rng=s), method=method).interval for s in range(60)]
    assert 48 <= sum(covered) <= 60


@compiled
def test_intervals_of_others_cover() -> None:
    chain, law = sources.UniformBinomialChain(3), sources.Exponential()
    symbols = sources.OverlappingUniforms(3)
    for function, source, truth in (
        (cmi, chain, 0.0),
        (mi, symbols, symbols.mutual_information()),
        (lambda x, **options: estimate_entropy(x, **options), law, 1.0),
    ):
        samples: list[Any] = [source.sample(600, rng=seed) for seed in range(60)]
        drawn = [part if isinstance(part, tuple) else (part,) for part in samples]
        covered = [truth in quietly(function, *part).interval for part in drawn]
        assert 48 <= sum(covered) <= 60, source
