"""The parts of which intervals are made, each against a slow oracle."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from classifiers.support import clustered_logits, measure
from oracles import resampling
from scipy import stats

from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.intervals import (
    Spread,
    _halves,
    _power,
    cmi_bias,
    delta_intervals,
    error_interval,
    jackknife_intervals,
    log_intervals,
    shard_replicates,
)
from infotheory.classifiers.leave_one_out import pseudo_terms
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.quantities import error_rate
from infotheory.classifiers.shards import deal

K, SHARDS, LEVEL = 4, 5, 0.9


def data(n: int = 40, seed: int = 0, use_weights: bool = False) -> tuple[Any, Any, Any]:
    """Classes of unequal size; with weights, a tenth is zero, and class 3 has one sample left."""
    rng = np.random.default_rng(seed)
    y = rng.choice(K, n, p=[0.4, 0.3, 0.25, 0.05])
    z = clustered_logits(rng, y, K, 0.5)
    weights = None
    if use_weights:
        weights = rng.exponential(size=n) * (rng.random(n) > 0.1) + 0.0
        alone = np.flatnonzero(y == 3)
        weights[alone] = 0.0
        weights[alone[0]] = 0.7
    return z, y, weights


def sums_of(z: Any, y: Any, weights: Any = None, shards: int = SHARDS) -> tuple[Any, Any]:
    parts = deal(y, shards, K, weights=weights)
    sums = class_sums(z, y, K, weights=weights, parts=parts, n_parts=shards)
    return sums, sums.fold()


def slow_replicates(samples: resampling.Samples) -> list[tuple[float, float, float]]:
    shards = samples.shards(SHARDS)
    return [samples.at(samples.without(shards, part)) for part in range(SHARDS)]


def bracket(samples: resampling.Samples, replicates: Any) -> tuple[float, float]:
    full = samples.cmi(samples.weights)
    slope = (SHARDS - 1) * (full - math.fsum(row[0] for row in replicates) / SHARDS)
    lost = samples.lost_by_halving(samples.shards(SHARDS), [list(h) for h in _halves(SHARDS)])
    return resampling.bias_bracket(slope, lost, SHARDS)


def check_logarithmic(
    found: Any, value: float, missing: tuple[float, float], variance: float, freedom: float
) -> None:
    """An interval of a positive quantity: centred in the bracket, formed for its logarithm.

    The distance of the ends of the bracket counts as the width of a uniform law, whose standard
    deviation is the width over the root of 12.
    """
    centre = value + sum(missing) / 2
    relative = (missing[1] - missing[0]) / math.sqrt(12) / centre
    error = math.sqrt(variance + relative**2)
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
    # The loss of a shard is some 1e-2 and known to 1e-15.
    assert found.estimate == pytest.approx(value, rel=1e-11)
    assert found.bias == pytest.approx(-sum(missing) / 2, rel=1e-6, abs=1e-12)
    assert found.standard_error == pytest.approx(centre * error, rel=1e-6)
    assert found.low == pytest.approx(centre * math.exp(-reach), rel=1e-6)
    assert found.high == pytest.approx(centre * math.exp(reach), rel=1e-6)
    assert found.level == LEVEL


# --------------------------------------------------------------------------------------- jackknife


@pytest.mark.parametrize("use_weights", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_replicates_are_measurements_without_a_shard(seed: int, use_weights: bool) -> None:
    """The class shares stay as they were; a class of one sample stays whole."""
    z, y, weights = data(seed=seed, use_weights=use_weights)
    got = shard_replicates(*sums_of(z, y, weights))
    want = slow_replicates(resampling.Samples(z, y, weights))
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("use_weights", [False, True])
def test_jackknife_against_loops(use_weights: bool) -> None:
    z, y, weights = data(use_weights=use_weights)
    found = jackknife_intervals(*sums_of(z, y, weights), LEVEL)
    samples = resampling.Samples(z, y, weights)
    replicates = slow_replicates(samples)
    cmi, gamma, error = samples.at(samples.weights)
    low, high = bracket(samples, replicates)
    assert 0.0 < low < high  # the case has both ends
    none = (0.0, 0.0)
    for name, value, missing, logs in (
        ("cmi", cmi, (low, high), [math.log(c) for c, _, _ in replicates]),
        ("gamma", gamma, none, [math.log(g) for _, g, _ in replicates]),
        ("ncmi", cmi / gamma, (low / gamma, high / gamma),
         [math.log(c / g) for c, g, _ in replicates]),
    ):  # fmt: skip
        variance = resampling.jackknife_variance(logs)
        check_logarithmic(found[name], value, missing, variance, SHARDS - 1)
        assert found[name].method == "jackknife over 5 shards"
    assert found["error"].estimate == pytest.approx(error, rel=1e-12)
    assert found["error"].method == "Wilson score"
    n = math.fsum(samples.weights) ** 2 / math.fsum(w * w for w in samples.weights)
    want = math.sqrt(error * (1 - error) / n)
    assert found["error"].standard_error == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("heavy", [1e12, 1e20])
def test_a_shard_with_nearly_all_the_weight_of_a_class_stays(heavy: float) -> None:
    """What is left would be rounding, or nothing: 1e20 + 1 is 1e20."""
    z, y, _ = data()
    weights = np.ones(len(y))
    weights[np.flatnonzero(y == 0)[2]] = heavy
    sums, total = sums_of(z, y, weights)
    got = shard_replicates(sums, total)
    # The heavy sample of class 0 stays, and nothing else counts: not the rest of its class, whose
    # CMI is not small, nor the other classes, whose shares are below 1e-10.
    assert (got[:, 0] < 1e-8).all()
    assert got[:, 2] == pytest.approx(np.full(SHARDS, error_rate(total)), abs=1e-10)
    assert measure(z, y).per_class["cmi"].iloc[0] > 0.01


# -------------------------------------------------------------------------------------------- bias


@dataclass(frozen=True)
class PowerLaw:
    """Sums of n samples of a class whose CMI is exactly `limit` less `size` n^-power."""

    power: float
    n: float = 1.0
    n_parts: int = 20
    limit: float = 0.5
    size: float = 0.2

    cells = np.zeros(1, np.int64)

    @property
    def class_cmi(self) -> Any:
        return np.array([self.limit - self.size * self.n**-self.power])

    @property
    def weight(self) -> Any:
        return np.array([self.n])

    def fold(self, keep: Any) -> PowerLaw:
        return replace(self, n=self.n * float(np.mean(keep)))


@pytest.mark.parametrize("shards", [4, 10, 20])
@pytest.mark.parametrize("power", [0.25, 0.4, 0.5, 0.75, 1.0])
def test_the_power_of_the_decay_is_recovered(power: float, shards: int) -> None:
    """The bracket reaches from what 1/n says, too little, to what the power says, the truth."""
    whole = PowerLaw(power, n_parts=shards)
    deleted = np.full(shards, whole.fold(np.arange(shards) > 0).class_cmi[0])
    slope = (shards - 1) * (whole.class_cmi[0] - deleted[0])
    halved = whole.class_cmi[0] - whole.fold(np.arange(shards) % 2 == 0).class_cmi[0]
    # 301 points over a range of 3/4, joined by lines.
    assert _power(slope / halved, shards) == pytest.approx(power, abs=1e-5)
    missing, error = cmi_bias(whole, whole, deleted)  # type: ignore[arg-type]
    truth = whole.size
    half_width = error * math.sqrt(12) / 2
    assert missing + half_width == pytest.approx(truth, rel=1e-4)
    # (S - 1) ((S / (S - 1))^a - 1) is at least a: the other end is at most the truth.
    assert missing - half_width == pytest.approx(slope, rel=1e-9)
    assert slope <= truth * (1 + 1e-12)
    if power == 1.0:
        assert error < 1e-5
        assert missing == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize(("ratio", "power"), [(5.0, 0.25), (0.5, 1.0), (-1.0, 1.0)])
def test_powers_stay_within_what_two_points_can_tell(ratio: float, power: float) -> None:
    assert _power(ratio, 20) == power


def test_a_slow_decay_is_not_extrapolated_beyond_a_quarter() -> None:
    whole = PowerLaw(0.1)
    deleted = np.full(20, whole.fold(np.arange(20) > 0).class_cmi[0])
    missing, error = cmi_bias(whole, whole, deleted)  # type: ignore[arg-type]
    halved = whole.class_cmi[0] - whole.fold(np.arange(20) % 2 == 0).class_cmi[0]
    assert missing + error * math.sqrt(3) == pytest.approx(halved / (2**0.25 - 1), rel=1e-9)
    assert missing + error * math.sqrt(3) < whole.size


def test_no_loss_no_bias() -> None:
    whole = PowerLaw(0.5)
    falling = np.full(20, whole.class_cmi[0] + 0.01)  # leaving a shard out raises CMI: chance
    assert cmi_bias(whole, whole, falling) == (0.0, 0.0)  # type: ignore[arg-type]
    rising = PowerLaw(-0.5, limit=0.9)
    shortfall = cmi_bias(rising, rising, np.full(20, rising.class_cmi[0] - 0.001))  # type: ignore[arg-type]
    assert shortfall == (pytest.approx(0.019), 0.0)


def test_halves_of_the_shards() -> None:
    for size in (4, 5, 20):
        halves = _halves(size)
        assert len(halves) == 16
        for one, other in zip(halves[::2], halves[1::2], strict=True):
            assert (one != other).all()
            assert one.sum() == size // 2
        again = _halves(size)
        assert all((a == b).all() for a, b in zip(halves, again, strict=True))
    assert len({half.tobytes() for half in _halves(20)}) == 16


# ------------------------------------------------------------------------------------------- delta


@pytest.mark.parametrize("use_weights", [False, True])
def test_delta_against_loops(use_weights: bool) -> None:
    z, y, weights = data(use_weights=use_weights)
    sums, total = sums_of(z, y, weights)
    counted = slice(None) if weights is None else weights > 0.0
    its = None if weights is None else weights[counted]
    terms = pseudo_terms(total, z[counted], y[counted], "logits", weights=its)
    found = delta_intervals(sums, total, terms, y[counted], its, LEVEL)
    samples = resampling.Samples(z, y, weights)
    kept = [i for i, w in enumerate(samples.weights) if w > 0.0]
    cmi, gamma, error = samples.at(samples.weights)
    near, far = samples.removals(), samples.separations()
    labels, w = [samples.y[i] for i in kept], [samples.weights[i] for i in kept]
    low, high = bracket(samples, slow_replicates(samples))
    for name, value, missing, influences in (
        ("cmi", cmi, (low, high), [near[i] for i in kept]),
        ("gamma", gamma, (0.0, 0.0), [far[i] / gamma for i in kept]),
        ("ncmi", cmi / gamma, (low / gamma, high / gamma),
         [near[i] - far[i] / gamma for i in kept]),
    ):  # fmt: skip
        variance, freedom = resampling.variance_within_classes(influences, labels, w)
        check_logarithmic(found[name], value, missing, variance, freedom)
        assert found[name].method == "delta method"
    n = math.fsum(w) ** 2 / math.fsum(v * v for v in w)
    want = math.sqrt(error * (1 - error) / n)
    assert found["error"].standard_error == pytest.approx(want, rel=1e-9)


# --------------------------------------------------------------------------------- shape and edges


@pytest.mark.parametrize(("wrong", "n"), [(0, 7), (1, 7), (3, 40), (20, 40), (39, 40), (9, 9)])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_wilson_against_scipy(wrong: int, n: int, level: float) -> None:
    z = np.zeros((n, 2))
    z[:, 1] = np.where(np.arange(n) < wrong, 1.0, -1.0)
    total = class_sums(z, np.zeros(n, np.int64), 2)
    got = error_interval(total, level)
    want = stats.binomtest(wrong, n).proportion_ci(level, method="wilson")
    assert (got.low, got.high) == pytest.approx((want.low, want.high), rel=1e-12, abs=1e-15)
    assert got.estimate == wrong / n
    assert got.standard_error == pytest.approx(math.sqrt(wrong * (n - wrong) / n**3))
    # Ends that are not inside the range of a share are exactly at its ends.
    assert got.low >= 0.0
    assert got.high <= 1.0
    assert (wrong == 0) == (got.low == 0.0)
    assert (wrong == n) == (got.high == 1.0)


def test_no_errors_and_nothing_but_errors_reach_the_ends_exactly() -> None:
    """The two terms of an end cancel, but for rounding."""
    for n in range(1, 120):
        for column, end in ((0, "low"), (1, "high")):
            z = np.tile(np.eye(2)[column] * 3.0, (n, 1))
            total = class_sums(z, np.zeros(n, np.int64), 2)
            found = error_interval(total, 0.95)
            assert getattr(found, end) == found.estimate == float(column)


def test_weights_make_the_error_less_certain() -> None:
    """Half of the weight on one of 41 samples is worth about four equal ones."""
    z, y = np.zeros((41, 2)), np.zeros(41, np.int64)
    z[:, 1] = np.where(np.arange(41) % 2 == 1, 1.0, -1.0)
    weights = np.ones(41)
    weights[0] = 40.0
    total = class_sums(z, y, 2, weights=weights)
    error = error_rate(total)
    assert error == pytest.approx(0.25)
    got = error_interval(total, LEVEL)
    worth = 80.0**2 / (40.0**2 + 40.0)  # 3.9
    assert got.standard_error == pytest.approx(math.sqrt(error * (1 - error) / worth))
    # The same at any scale of the weights, and 41 where they are equal.
    for scale in (1e-90, 3.0, 1e90):
        scaled = error_interval(class_sums(z, y, 2, weights=scale * weights), LEVEL)
        assert (scaled.low, scaled.high) == pytest.approx((got.low, got.high), rel=1e-12)
    equal = error_interval(class_sums(z, y, 2, weights=np.full(41, 7.0)), LEVEL)
    want = stats.binomtest(20, 41).proportion_ci(LEVEL, method="wilson")
    assert (equal.low, equal.high) == pytest.approx((want.low, want.high), rel=1e-12)


def test_no_errors_at_weights_are_worth_few_samples() -> None:
    """Eight samples have all the weight of eight hundred, and all are right."""
    z = np.tile([1.0, -1.0], (800, 1))
    weights = np.where(np.arange(800) < 8, 1e6, 1e-6)
    got = error_interval(class_sums(z, np.zeros(800, np.int64), 2, weights=weights), LEVEL)
    want = stats.binomtest(0, 8).proportion_ci(LEVEL, method="wilson")
    assert got.low == 0.0
    assert got.high == pytest.approx(want.high, rel=1e-9)


def test_nothing_but_errors_is_not_more_than_all() -> None:
    """Sums of weights may differ by rounding from sums of sums."""
    rng = np.random.default_rng(0)
    z = np.tile([1.0, -1.0, 0.0], (300, 1)) + rng.normal(size=(300, 1))
    y = 1 + np.arange(300) % 2
    report = measure(z, y, sample_weight=rng.random(300), interval="jackknife")
    assert report.error == 1.0
    assert report.intervals["error"].high == 1.0


def test_a_spread_has_the_quantile_of_t() -> None:
    spread = Spread.of_variance(0.04, 19.0, 0.95)
    quantile = float(stats.t.ppf(0.975, 19))
    assert spread == pytest.approx((0.2, 0.2 * quantile, 0.2 * quantile, quantile), rel=1e-12)
    # Fewer degrees of freedom than one: the widest t law that has quantiles of use.
    assert Spread.of_variance(1.0, 0.0, 0.95).quantile == pytest.approx(stats.t.ppf(0.975, 1))


def simple_total() -> ClassSums:
    z, y, _ = data()
    return sums_of(z, y)[1]


def test_unequal_reaches_and_an_uncertain_bias() -> None:
    """Below and above add to the uncertainty of the bias as squares do."""
    total = simple_total()
    spread = Spread(0.1, 0.3, 0.2, 2.0)
    found = log_intervals(total, [spread] * 3, (0.05, 0.02), 0.95, "mine")
    report = measure(*data()[:2])
    cmi = report.cmi
    centre = cmi + 0.05
    share = 0.02 / centre
    assert found["cmi"].low == pytest.approx(centre * math.exp(-math.hypot(0.3, 2 * share)))
    assert found["cmi"].high == pytest.approx(centre * math.exp(math.hypot(0.2, 2 * share)))
    assert found["cmi"].standard_error == pytest.approx(centre * math.hypot(0.1, share))
    assert found["cmi"].corrected == pytest.approx(centre)
    assert found["gamma"].low == pytest.approx(report.gamma * math.exp(-0.3))
    assert found["gamma"].bias == 0.0
    assert found["ncmi"].low == pytest.approx(found["cmi"].low / report.gamma)
    assert {interval.method for interval in found.values()} == {"mine"}
    assert math.copysign(1.0, found["gamma"].bias) == 1.0  # no minus zero to print


def test_a_hopeless_spread_stays_finite() -> None:
    spread = Spread(400.0, 800.0, 800.0, 2.0)
    found = log_intervals(simple_total(), [spread] * 3, (0.0, 0.0), 0.95, "mine")
    for name in ("cmi", "gamma", "ncmi"):
        assert 0.0 <= found[name].low < 1e-300
    assert 1e290 < found["gamma"].high < math.inf
    # No CMI is above ln K.
    assert found["cmi"].high == math.log(K)
    assert found["ncmi"].high == pytest.approx(math.log(K) / found["gamma"].estimate)


def test_an_undefined_spread_is_told() -> None:
    spread = Spread(math.nan, math.nan, math.nan, 2.0)
    found = log_intervals(simple_total(), [spread] * 3, (0.0, 0.0), 0.95, "mine")
    for interval in found.values():
        assert interval.estimate > 0.0
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)
        assert math.isnan(interval.standard_error)
