"""The class-wise bootstrap against slow resamples, and how its intervals are formed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import clustered_logits, measure
from oracles import classifiers_large as large
from oracles import resampling
from scipy import stats

from infotheory.classifiers import bootstrap
from infotheory.classifiers.bootstrap import bootstrap_intervals, resample
from infotheory.classifiers.intervals import cmi_bias, shard_replicates
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.shards import deal

K = 3


def data(n: int = 24, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % K)
    return clustered_logits(rng, y, K, 0.5), y, rng.exponential(size=n) * (rng.random(n) > 0.2)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """How often each row of a class was drawn, class by class, as the resamples are made."""
    tables: list[Any] = []
    draw = bootstrap._multiplicities

    def recorded(n: int, size: int, rng: np.random.Generator) -> Any:
        tables.append(draw(n, size, rng))
        return tables[-1].copy()

    monkeypatch.setattr(bootstrap, "_multiplicities", recorded)
    return tables


@pytest.mark.parametrize("use_weights", [False, True])
@pytest.mark.parametrize(
    "applied", [("logits", 1.0, 0.0), ("probs", 1.5, 0.0), ("log_probs", 0.7, 0.2)]
)
def test_replicates_against_loops(drawn: list[Any], applied: Any, use_weights: bool) -> None:
    """Each row counts as often as it was drawn; the class shares are kept."""
    z, y, weights = data()
    weights = weights if use_weights else None
    kind, temperature, smoothing = applied
    p, logs = large.distributions(z)
    rows = {"logits": z, "probs": p, "log_probs": logs}[kind]
    options = {"kind": kind, "temperature": temperature, "smoothing": smoothing}
    total = class_sums(rows, y, K, weights=weights, **options)
    got = resample(total, (rows, y, weights), applied, 6, np.random.default_rng(1))
    assert len(drawn) == K
    samples = resampling.Samples(rows, y, weights, **options)
    for replicate in range(6):
        times = np.zeros(len(y))
        for c in range(K):
            members = np.flatnonzero((y == c) & (np.array(samples.weights) > 0.0))
            times[members] = drawn[c][replicate]
            assert drawn[c][replicate].sum() == members.size
        w = times * samples.weights
        assert got[0, replicate] == pytest.approx(samples.cmi(w), rel=1e-11, abs=1e-14)
        assert got[1, replicate] == pytest.approx(samples.gamma(w), rel=1e-12)


def test_resamples_are_of_rows_with_replacement() -> None:
    """Of n rows each is drawn once on average, with variance 1 - 1/n, and never more than n."""
    n, size = 10, 4000
    times = bootstrap._multiplicities(n, size, np.random.default_rng(0))
    assert (times.sum(axis=1) == n).all()
    # 40,000 counts; four standard errors, the variance of a Poisson-like count being about one.
    assert times.mean(axis=0) == pytest.approx(np.ones(n), abs=4 / math.sqrt(size))
    assert times.var() == pytest.approx(1 - 1 / n, abs=4 * 1.5 / math.sqrt(n * size))


def test_blocks_of_replicates(monkeypatch: pytest.MonkeyPatch, drawn: list[Any]) -> None:
    """Many replicates of many columns come in blocks, which fill the result in order."""
    z, y, _ = data()
    monkeypatch.setattr(bootstrap, "_NUMBERS", 4 * int(np.bincount(y).max()))
    total = class_sums(z, y, K)
    got = resample(total, (z, y, None), ("logits", 1.0, 0.0), 10, np.random.default_rng(1))
    assert [len(table) for table in drawn] == [4] * K + [4] * K + [2] * K
    samples = resampling.Samples(z, y)
    for replicate, table in ((0, 0), (5, 3), (9, 6)):
        w = np.zeros(len(y))
        for c in range(K):
            w[y == c] = drawn[table + c][replicate % 4]
        assert got[0, replicate] == pytest.approx(samples.cmi(w), rel=1e-11)
        assert got[1, replicate] == pytest.approx(samples.gamma(w), rel=1e-12)


def test_intervals_are_reversed_quantiles_of_logarithms() -> None:
    z, y, _ = data(60)
    level, shards, n_resamples = 0.8, 5, 40
    sums = class_sums(z, y, K, parts=deal(y, shards, K), n_parts=shards)
    total = sums.fold()
    applied = ("logits", 1.0, 0.0)
    found = bootstrap_intervals(
        sums, total, (z, y, None), applied, level=level, n_resamples=n_resamples,
        rng=np.random.default_rng(3),
    )  # fmt: skip
    cmi, gamma = resample(total, (z, y, None), applied, n_resamples, np.random.default_rng(3))
    report = measure(z, y)
    missing, uncertain = cmi_bias(sums, total, shard_replicates(sums, total)[:, 0])
    assert uncertain > 0.0
    quantile = stats.norm.ppf(0.9)
    for name, value, bias, values in (
        ("cmi", report.cmi, (missing, uncertain), cmi),
        ("gamma", report.gamma, (0.0, 0.0), gamma),
        ("ncmi", report.ncmi, (missing / report.gamma, uncertain / report.gamma), cmi / gamma),
    ):
        logs = sorted(math.log(v) for v in values)
        centre = math.fsum(logs) / n_resamples
        # Resampling n_c rows of a class finds (n_c - 1) / n_c of its variance.
        wider = math.sqrt(60 / (60 - K))

        def at(share: float, logs: list[float] = logs) -> float:
            place = share * (n_resamples - 1)
            below = math.floor(place)
            return logs[below] + (place - below) * (logs[below + 1] - logs[below])

        relative = bias[1] / (value + bias[0])
        high = math.hypot(wider * (centre - at(0.1)), quantile * relative)
        low = math.hypot(wider * (at(0.9) - centre), quantile * relative)
        interval = found[name]
        assert interval.low == pytest.approx((value + bias[0]) * math.exp(-low), rel=1e-9)
        assert interval.high == pytest.approx((value + bias[0]) * math.exp(high), rel=1e-9)
        deviation = wider * math.sqrt(math.fsum((v - centre) ** 2 for v in logs) / n_resamples)
        assert interval.standard_error == pytest.approx(
            (value + bias[0]) * math.hypot(deviation, relative), rel=1e-9
        )
        assert interval.bias == pytest.approx(-bias[0], rel=1e-9, abs=1e-15)
        assert interval.method == "bootstrap, 40 resamples"


def test_the_error_of_weighted_rows() -> None:
    z, y, weights = data(60)
    wanted = measure(z, y, sample_weight=weights, interval="jackknife").intervals["error"]
    got = measure(
        z, y, sample_weight=weights, interval="bootstrap", n_resamples=100, rng=0
    ).intervals["error"]
    assert (got.low, got.high, got.method) == (
        pytest.approx(wanted.low, rel=1e-12),
        pytest.approx(wanted.high, rel=1e-12),
        "Wilson score",
    )


def test_the_seed_decides() -> None:
    z, y, _ = data(60)
    options: dict[str, Any] = {"interval": "bootstrap", "n_resamples": 100}
    first = measure(z, y, rng=7, **options).intervals
    assert measure(z, y, rng=7, **options).intervals == first
    assert measure(z, y, rng=np.random.default_rng(7), **options).intervals == first
    other = measure(z, y, rng=8, **options).intervals
    for name in ("cmi", "gamma", "ncmi"):
        assert other[name].low != first[name].low
        assert other[name].estimate == first[name].estimate
        assert other[name].bias == first[name].bias
    assert other["error"] == first["error"]
    # A generator goes on: a second call with the same one draws anew.
    generator = np.random.default_rng(7)
    assert measure(z, y, rng=generator, **options).intervals == first
    assert measure(z, y, rng=generator, **options).intervals != first


def test_exact_zeros_leave_cmi_its_interval() -> None:
    z, y, _ = data(60)
    z[4, (y[4] + 1) % K] = -math.inf
    report = measure(z, y, interval="bootstrap", n_resamples=100, rng=0)
    assert report.gamma == math.inf
    cmi, gamma = resample(
        report.sums, (z, y, None), ("logits", 1.0, 0.0), 5, np.random.default_rng(0)
    )
    assert np.isfinite(cmi).all()
    assert np.isnan(gamma).all()
    assert 0.0 < report.intervals["cmi"].low < report.intervals["cmi"].high < math.inf
    for name in ("gamma", "ncmi"):
        assert math.isnan(report.intervals[name].low)
        assert math.isnan(report.intervals[name].high)


def test_a_progress_bar_changes_nothing() -> None:
    z, y, _ = data(60)
    options: dict[str, Any] = {"interval": "bootstrap", "n_resamples": 100, "rng": 0}
    shown = measure(z, y, progress=True, **options).intervals
    want = measure(z, y, **options).intervals
    for name, interval in want.items():
        assert shown[name].low == pytest.approx(interval.low, rel=1e-9)
