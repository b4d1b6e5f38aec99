"""Laws of intervals as a user meets them: units, levels, order, edges, accumulators, refusals."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import clustered_logits, measure

import infotheory
from infotheory import NCMIAccumulator
from infotheory.classifiers.intervals import shard_replicates
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.shards import deal
from infotheory.exceptions import UndefinedIntervalWarning

K = 4
METHODS = ("jackknife", "delta", "bootstrap")
NAMES = ("cmi", "gamma", "ncmi", "error")

every_method = pytest.mark.parametrize("interval", METHODS)


def data(n: int = 100, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % K)
    return clustered_logits(rng, y, K, 0.5), y


def intervals(z: Any, y: Any, interval: str, **options: Any) -> Any:
    options = {"n_resamples": 100, "rng": 0} | options
    report = measure(z, y, interval=interval, **options)
    assert tuple(report.intervals) == NAMES
    for name, found in report.intervals.items():
        if name == "ncmi" and not 0.0 < report.gamma < math.inf:
            continue
        assert found.estimate == pytest.approx(getattr(report, name), rel=1e-12, nan_ok=True), name
    return report.intervals


def assert_undefined(found: Any) -> None:
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.standard_error)


# ------------------------------------------------------------------------------ what is not changed


def test_no_intervals_unless_asked_for() -> None:
    z, y = data()
    report = measure(z, y)
    assert report.intervals == {}
    assert "[" not in str(report).split("\n")[1].split("]", 1)[1]
    assert not any(column.endswith("_low") for column in report.to_frame().columns)


@every_method
def test_the_numbers_do_not_depend_on_intervals(interval: str) -> None:
    """Shards are summed apart and folded: other orders of the same sums."""
    z, y = data()
    got, want = measure(z, y, interval=interval, n_resamples=100), measure(z, y)
    for name, value in want.to_dict().items():
        if isinstance(value, float):
            assert getattr(got, name) == pytest.approx(value, rel=1e-12), name
        elif name != "intervals":
            assert got.to_dict()[name] == value, name


@every_method
def test_the_same_call_gives_the_same_intervals(interval: str) -> None:
    z, y = data()
    assert intervals(z, y, interval) == intervals(z, y, interval)
    if interval != "bootstrap":
        assert intervals(z, y, interval, rng=1) == intervals(z, y, interval)


@every_method
def test_the_base_scales_what_is_information(interval: str) -> None:
    z, y = data()
    nats, bits = intervals(z, y, interval), intervals(z, y, interval, base=2)
    for name in NAMES:
        unit = math.log(2) if name in ("cmi", "gamma") else 1.0
        for field in ("estimate", "low", "high", "standard_error", "bias"):
            got, want = getattr(bits[name], field), getattr(nats[name], field) / unit
            assert got == pytest.approx(want, rel=1e-14), (name, field)


@every_method
def test_a_higher_level_contains_a_lower_one(interval: str) -> None:
    z, y = data()
    found = {level: intervals(z, y, interval, level=level) for level in (0.5, 0.9, 0.99)}
    for name in NAMES:
        ends = [found[level][name] for level in sorted(found)]
        assert ends[2].low < ends[1].low < ends[0].low <= ends[0].high < ends[1].high < ends[2].high
        assert [end.level for end in ends] == [0.5, 0.9, 0.99]
        assert len({end.standard_error for end in ends}) == 1
        assert len({end.bias for end in ends}) == 1


def test_the_names_of_classes_do_not_matter() -> None:
    """Labels and columns in another order: the influence functions are the same."""
    z, y = data()
    order = np.array([2, 0, 3, 1])
    back = np.argsort(order)
    got, want = (
        intervals(rows, labels, "delta") for rows, labels in ((z[:, order], back[y]), (z, y))
    )
    # Gamma has no bias, so its interval does not depend on shards.
    for field in ("estimate", "low", "high", "standard_error"):
        a, b = getattr(got["gamma"], field), getattr(want["gamma"], field)
        assert a == pytest.approx(b, rel=1e-12)
    assert got["error"] == want["error"]


def test_shards_move_along_with_classes() -> None:
    """As many shards as classes, which are all moved on by one: the shards are, too."""
    z, y = data()
    moved = (y + 1) % K
    columns = np.roll(z, 1, axis=1)
    replicates = []
    for rows, labels in ((z, y), (columns, moved)):
        sums = class_sums(rows, labels, K, parts=deal(labels, K, K), n_parts=K)
        replicates.append(shard_replicates(sums, sums.fold()))
    np.testing.assert_allclose(np.roll(replicates[0], 1, axis=0), replicates[1], rtol=1e-12)


def test_the_order_of_classes_in_the_data_does_not_matter() -> None:
    """Sorted by class or mixed, each class is dealt in turn."""
    z, y = data()
    order = np.argsort(y, kind="stable")
    for interval in ("jackknife", "delta"):
        got, want = intervals(z[order], y[order], interval), intervals(z, y, interval)
        for name in NAMES:
            assert got[name].low == pytest.approx(want[name].low, rel=1e-10)
            assert got[name].high == pytest.approx(want[name].high, rel=1e-10)


# ------------------------------------------------------------------------------------------- edges


@every_method
def test_infinite_separation(interval: str) -> None:
    z, y = data()
    z[7, (y[7] + 1) % K] = -math.inf
    found = intervals(z, y, interval)
    assert 0.0 < found["cmi"].low < found["cmi"].corrected < found["cmi"].high < math.inf
    assert found["gamma"].estimate == math.inf
    assert_undefined(found["gamma"])
    assert_undefined(found["ncmi"])
    assert found["error"].low < found["error"].high


@every_method
def test_one_class(interval: str) -> None:
    z, _ = data()
    found = intervals(z, np.ones(len(z), int), interval)
    assert 0.0 < found["cmi"].low < found["cmi"].high
    assert_undefined(found["gamma"])
    assert_undefined(found["ncmi"])


@every_method
def test_features_have_no_error(interval: str) -> None:
    z, y = data()
    found = intervals(z, y % 3, interval, n_classes=3)
    assert math.isnan(found["error"].estimate)
    assert_undefined(found["error"])
    for name in ("cmi", "gamma", "ncmi"):
        assert 0.0 < found[name].low < found[name].high


@every_method
def test_one_sample_a_class(interval: str) -> None:
    """Every row is its own centroid: CMI is 0, and nothing is known of what varies in a class."""
    z = np.random.default_rng(0).normal(size=(K, K))
    found = intervals(z, np.arange(K), interval)
    assert found["cmi"].estimate == found["ncmi"].estimate == 0.0
    for name in ("cmi", "gamma", "ncmi"):
        assert math.isnan(found[name].low)
        assert math.isnan(found[name].high)


@every_method
def test_equal_rows(interval: str) -> None:
    """One-hot rows give no rounding: CMI is exactly 0, and all its intervals are."""
    z = np.where(np.eye(K) > 0, 0.0, -800.0)
    y = np.arange(40) % K
    found = intervals(z[y], y, interval)
    zero = dataclasses.replace(found["cmi"], method="")
    assert dataclasses.astuple(zero) == (0.0, 0.0, 0.0, 0.0, 0.95, "", 0.0)
    assert (found["ncmi"].low, found["ncmi"].high) == (0.0, 0.0)
    assert found["gamma"].width == pytest.approx(0.0, abs=1e-10)
    assert found["error"].low == 0.0 < found["error"].high


@every_method
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_hardly_any_rows(interval: str, n: int) -> None:
    """Whatever can be said is said without a warning; half of the shards may be empty."""
    z = np.random.default_rng(n).normal(size=(n, 3))
    for labels in (np.zeros(n, int), np.arange(n) % 2, np.arange(n) % 3):
        found = intervals(z, labels, interval)
        assert found["error"].low <= found["error"].estimate <= found["error"].high
        assert not found["gamma"].low > found["gamma"].high


@pytest.mark.parametrize(("size", "shards"), [(2, 4), (4, 4), (7, 7), (20, 20), (50, 20)])
def test_as_many_shards_as_the_median_class_has_samples(size: int, shards: int) -> None:
    sizes = [1, size, size, 60]
    y = np.repeat(np.arange(K), sizes)
    z = clustered_logits(np.random.default_rng(0), y, K, 0.5)
    assert measure(z, y, interval="jackknife").intervals["cmi"].method == (
        f"jackknife over {shards} shards"
    )


def test_shards_are_fewer_where_their_sums_would_be_large(monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.classifiers import shards

    z, y = data(200)
    for affordable, fewer, halved in ((16 * K * K * 12, 12, 6), (0, 4, 4)):
        monkeypatch.setattr(shards, "_BYTES", affordable)
        report = measure(z, y, interval="jackknife")
        assert report.intervals["cmi"].method == f"jackknife over {fewer} shards"
        report = measure(z, y, interval="jackknife", groups=np.arange(200) % 2)  # sums of both
        assert report.intervals["cmi"].method == f"jackknife over {fewer} shards"
        inside = report.group(1).intervals["cmi"]
        assert inside.method == f"jackknife over {halved} shards"


# -------------------------------------------------------------------------------------- accumulator


@pytest.mark.parametrize("batch", [7, 100])
def test_sharded_batches_give_the_jackknife_of_one_call(batch: int) -> None:
    z, y = data()
    want = intervals(z, y, "jackknife", level=0.8)
    assert want["cmi"].method == "jackknife over 20 shards"
    accumulator = NCMIAccumulator(shards=20)
    for start in range(0, len(y), batch):
        accumulator.update(z[start : start + batch], y[start : start + batch])
    got = accumulator.report(level=0.8).intervals
    for name in NAMES:
        for field in dataclasses.fields(want[name]):
            a, b = getattr(got[name], field.name), getattr(want[name], field.name)
            if isinstance(b, float):
                # Bias is a difference of a difference of sums.
                assert a == pytest.approx(b, rel=1e-9, abs=1e-13), (name, field.name)
            else:
                assert a == b


@pytest.mark.parametrize("size", [1, 4, 7, 70, 159])
def test_merged_shards_give_the_intervals_of_one_pass(size: int) -> None:
    """Also of many parts with a row or none of a class in each: shards are dealt on."""
    z, y = data(160)
    weights = np.where(np.arange(160) % 9 == 0, 0.0, 1.0)
    whole = NCMIAccumulator(shards=20).update(z, y, sample_weight=weights)
    parts = [
        NCMIAccumulator(K, shards=20).update(
            z[i : i + size], y[i : i + size], sample_weight=weights[i : i + size]
        )
        for i in range(0, 160, size)
    ]
    before = [part.n for part in parts]
    want = shard_replicates(whole.sums, whole.sums.fold())
    for total in (sum(parts), copy.copy(parts[0]).merge(sum(parts[1:]))):
        np.testing.assert_allclose(
            shard_replicates(total.sums, total.sums.fold()), want, rtol=1e-10
        )
        found, wanted = total.report().intervals, whole.report().intervals
        for name in NAMES:
            assert found[name].low == pytest.approx(wanted[name].low, rel=1e-9)
            assert found[name].high == pytest.approx(wanted[name].high, rel=1e-9)
    assert [part.n for part in parts] == before


def test_infinite_separation_has_the_estimates_of_the_report() -> None:
    z, y = data(160)
    z[0, (y[0] + 1) % K] = -np.inf
    report = measure(z, y, interval="jackknife")
    assert report.intervals["ncmi"].estimate == report.ncmi == 0.0
    assert math.isnan(report.intervals["ncmi"].high)


def test_other_shards_do_not_merge() -> None:
    one = NCMIAccumulator(shards=20).update(*data())
    for other in (NCMIAccumulator(shards=10).update(*data()), NCMIAccumulator().update(*data())):
        with pytest.raises(ValueError, match="shards"):
            one.merge(other)


def test_no_shards_no_intervals() -> None:
    assert NCMIAccumulator().update(*data()).report().intervals == {}


# --------------------------------------------------------------------------------- tables and text


def test_intervals_in_text_and_tables() -> None:
    z, y = data()
    report = measure(z, y, interval="jackknife", level=0.9)
    found = report.intervals["ncmi"]
    for text in (str(report), report._repr_html_()):
        assert f"{report.ncmi:.6g}  [{found.low:.6g}, {found.high:.6g}]" in text
        assert "90 %, jackknife over 20 shards" in text
    row = report.to_frame("m").loc["m"]
    assert (row["ncmi_low"], row["ncmi_high"]) == (found.low, found.high)
    assert report.to_dict()["intervals"]["ncmi"] == dataclasses.asdict(found)
    plain = measure(z, y)
    first_order = -float(sum(plain.sums.class_cmi)) / len(y)
    assert plain.cmi_bias == pytest.approx(first_order, rel=1e-12)
    assert measure(z, y, base=2).cmi_bias == pytest.approx(first_order / math.log(2), rel=1e-12)


# ----------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"interval": "percentile"},
            r"interval must be one of 'jackknife', 'delta', 'bootstrap'; got 'percentile'\.",
        ),
        ({"interval": True}, "interval must be one of 'jackknife', .*; got True"),
        (
            {"level": 95},
            r"level must be a number between 0 and 1; got 95\. 0\.95 is a usual choice\.",
        ),
        ({"level": 0.0}, "level must be a number between 0 and 1; got 0.0"),
        ({"level": 1.0}, "level must be a number between 0 and 1; got 1.0"),
        ({"level": math.nan}, "level must be a number between 0 and 1; got nan"),
        ({"level": "0.9"}, "level must be a number between 0 and 1; got '0.9'"),
        (
            {"n_resamples": 0},
            r"n_resamples must be a whole number from 100 to 100,000,000; got 0",
        ),
        ({"n_resamples": 10.5}, "n_resamples must be a whole number .*; got 10.5"),
        ({"n_resamples": True}, "n_resamples must be a whole number .*; got True"),
    ],
)
def test_refused_options(options: Any, text: str) -> None:
    z, y = data()
    with pytest.raises(ValueError, match=text):
        infotheory.measure_classifier(z, y, **options)


@pytest.mark.parametrize("shards", [3, -1, 1001, 20.0, True, None, "20"])
def test_refused_shards(shards: Any) -> None:
    with pytest.raises(
        ValueError,
        match=r"shards must be 0 \(none\) or a whole number from 4 to 1000; got .*20 is a usual",
    ):
        NCMIAccumulator(shards=shards)


def test_the_accumulator_refuses_a_level() -> None:
    with pytest.raises(ValueError, match="level must be a number between 0 and 1; got 2"):
        NCMIAccumulator(shards=4).update(*data()).report(level=2)


@pytest.mark.parametrize("rng", [-1, "seed", 0.5])
def test_a_seed_that_is_none_is_refused(rng: object) -> None:
    with pytest.raises(ValueError, match=r"rng must be a seed \(a whole number of at least 0\)"):
        infotheory.measure_classifier(-np.eye(2), [0, 1], interval="bootstrap", rng=rng)


def test_what_has_no_interval_is_said() -> None:
    z = np.random.default_rng(0).normal(size=(K, K))
    with pytest.warns(UndefinedIntervalWarning, match="no interval for cmi, gamma, ncmi: too few"):
        report = infotheory.measure_classifier(z, np.arange(K), interval="jackknife")
    assert "no interval for cmi, gamma, ncmi" in report.warnings[-1]


def test_the_stated_bias_follows_the_samples_of_each_class() -> None:
    z, y = data(160)
    weights = np.where(y == 0, 100.0, 1.0)
    report = measure(z, y, sample_weight=weights)
    counts, shares = np.bincount(y), np.bincount(y, weights) / weights.sum()
    want = -float((shares * report.per_class["cmi"].to_numpy() / counts).sum())
    assert report.cmi_bias == pytest.approx(want, rel=1e-12)
    plain = measure(z, y)
    assert plain.cmi_bias == pytest.approx(-plain.per_class["cmi"].sum() / 160, rel=1e-12)


def test_a_resample_without_divergence_is_left_out_and_many_are_too_many() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 3)
    z = np.where(np.eye(2)[y] > 0, 1.0, -1.0) + np.where(np.arange(6) == 0, 1.0, 0.0)[:, None] * [
        1,
        0,
    ]
    assert math.isnan(measure(z, y, interval="bootstrap", rng=rng).intervals["cmi"].low)
    y = np.repeat([0, 1], 6)
    z = rng.normal(size=(12, 2))
    assert measure(z, y, interval="bootstrap", rng=rng).intervals["cmi"].low > 0.0
