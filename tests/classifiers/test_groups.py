"""Groups: one report each, and the yardstick of the same classes in the same proportions."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import clustered_logits, measure
from oracles import weighted

import infotheory
from infotheory._validation import as_groups
from infotheory.classifiers.report_text import MEANING

K = 5
TABLE = ["n", "classes", "error", "cmi", "gamma", "ncmi", "ncmi_same_classes"]


def data(n: int = 90, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """Logits, labels, weights and groups; the last group has three of the five classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, K, n)
    groups = np.array(["north", "south", "east"])[rng.integers(0, 3, n)]
    y[groups == "south"] %= 3
    weights = rng.exponential(size=n) * (rng.random(n) > 0.2)
    return clustered_logits(rng, y, K, 1.0), y, weights, groups


def assert_same(got: Any, want: Any, relative: float = 1e-12) -> None:
    for name in MEANING:
        a, b = getattr(got, name), getattr(want, name)
        assert a == pytest.approx(b, rel=relative, abs=1e-14, nan_ok=True), name
    for name in ("n", "n_classes", "n_outputs", "zeros", "base", "temperature", "smoothing"):
        assert getattr(got, name) == getattr(want, name), name
    assert got.class_names == want.class_names
    pd.testing.assert_frame_equal(got.per_class, want.per_class, rtol=relative)


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("use_weights", [False, True])
def test_the_report_on_a_group_is_that_of_its_rows(kind: str, use_weights: bool) -> None:
    z, y, weights, groups = data()
    rows = z if kind == "logits" else np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    options: dict[str, Any] = {
        "kind": kind, "temperature": 1.5, "smoothing": 0.01, "base": 2, "class_names": "abcde",
    }  # fmt: skip
    weigh = {"sample_weight": weights} if use_weights else {}
    report = measure(rows, y, groups=groups, **options, **weigh)
    assert list(report.per_group.index) == ["east", "north", "south"]
    assert report.per_group.index.name == "group"
    for name in report.per_group.index:
        chosen = groups == name
        weigh = {"sample_weight": weights[chosen]} if use_weights else {}
        assert_same(report.group(name), measure(rows[chosen], y[chosen], **options, **weigh))


def test_the_whole_does_not_depend_on_groups() -> None:
    z, y, weights, groups = data()
    z[[3, 70], 2] = -math.inf
    for weigh in ({}, {"sample_weight": weights + 0.1}):
        got, want = measure(z, y, groups=groups, **weigh), measure(z, y, **weigh)
        assert_same(got, want)
        assert (got.first_zero_row, got.warnings) == (want.first_zero_row, want.warnings)
        np.testing.assert_allclose(got.separation, want.separation, rtol=1e-12)
        assert got.to_dict().keys() == want.to_dict().keys()


@pytest.mark.parametrize("use_weights", [False, True])
def test_the_yardstick_against_the_oracle(use_weights: bool) -> None:
    """All samples of the classes of a group, weighted to the class proportions of the group."""
    z, y, weights, groups = data()
    every = weights if use_weights else np.ones(len(y))
    report = measure(z, y, groups=groups, sample_weight=every)
    for name, row in report.per_group.iterrows():
        inside = groups == name
        factor = {
            c: math.fsum(every[inside & (y == c)]) / math.fsum(every[y == c]) for c in range(K)
        }
        alike = weighted.measure(z, y, [w * factor[c] for w, c in zip(every, y, strict=True)])
        assert row["ncmi_same_classes"] == pytest.approx(alike.ncmi, rel=1e-12)
        own = weighted.measure(z, y, every * inside)
        assert row["ncmi"] == pytest.approx(own.ncmi, rel=1e-12)
        assert row["gamma"] == pytest.approx(own.gamma, rel=1e-12)
        assert row["cmi"] == pytest.approx(own.cmi, rel=1e-12)
        assert row["error"] == pytest.approx(own.error, rel=1e-12, abs=1e-15)
        assert row["n"] == np.count_nonzero(every[inside])
        assert row["classes"] == len(np.unique(y[inside & (every > 0)]))


def test_one_group_is_its_own_yardstick() -> None:
    z, y, _, _ = data()
    report = measure(z, y, groups=["all"] * len(y), base=2)
    (row,) = report.per_group.to_dict("records")
    assert list(row) == TABLE
    assert row["ncmi_same_classes"] == pytest.approx(report.ncmi, rel=1e-12)
    assert (row["cmi"], row["gamma"]) == (report.cmi, report.gamma)


def test_a_group_of_one_class() -> None:
    z, y, _, _ = data()
    report = measure(z, y, groups=np.where(y == 2, "two", "others"))
    assert math.isnan(report.per_group.loc["two", "ncmi"])
    assert math.isnan(report.per_group.loc["two", "ncmi_same_classes"])
    assert report.per_group.loc["two", "gamma"] == 0.0
    assert report.per_group.loc["two", "cmi"] == pytest.approx(
        report.per_class["cmi"].iloc[2], rel=1e-12
    )


def test_only_the_whole_warns() -> None:
    """A group without some classes keeps its warnings; nothing is said for each of many groups."""
    z, y, _, groups = data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = infotheory.measure_classifier(z, y, groups=groups)
    assert report.warnings == ()
    assert "2 of 5 classes have no samples" in report.group("south").warnings[0]
    z[0, 1] = -math.inf
    with pytest.warns(infotheory.exceptions.InfiniteSeparationWarning) as caught:
        report = infotheory.measure_classifier(z, y, groups=groups)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    # Which row of a group has the first zero is not known.
    assert sum("Gamma is infinite" in report.group(g).warnings[-1] for g in set(groups)
               if report.group(g).warnings) == 1  # fmt: skip


def test_names_are_sorted_and_numbers_by_size() -> None:
    z, y, _, _ = data(30)
    numbers = np.array([10, 9, 2, 100, -1])[np.arange(30) % 5]
    names = ["-1", "2", "9", "10", "100"]
    for groups in (
        numbers,
        numbers.astype(np.int8),
        pd.Series(numbers),
        pd.Series(numbers).astype("category"),
        numbers.astype(object),
        list(numbers),
        numbers.tolist(),
    ):
        report = measure(z, y, groups=groups)
        assert list(report.per_group.index) == names
        assert report.group("9").n == 6
    as_text = measure(z, y, groups=[str(number) for number in numbers])
    assert list(as_text.per_group.index) == sorted(names)


@pytest.mark.parametrize(
    "wrap",
    [
        list,
        np.array,
        pd.Series,
        pd.Categorical,
        lambda g: pd.Series(g, dtype="string"),
        lambda g: pd.Series(g, index=range(7, 7 + len(g))).astype("category"),
        lambda g: np.array(g, dtype=object),
        lambda g: np.array(g, dtype=np.dtypes.StringDType()),
    ],
)
def test_names_come_in_many_forms(wrap: Any) -> None:
    z, y, _, groups = data()
    report = measure(z, y, groups=wrap(groups.tolist()))
    assert list(report.per_group.index) == ["east", "north", "south"]
    pd.testing.assert_frame_equal(report.per_group, measure(z, y, groups=groups).per_group)


def test_true_and_false_are_names() -> None:
    z, y, _, groups = data()
    report = measure(z, y, groups=groups == "north")
    assert list(report.per_group.index) == ["False", "True"]
    assert report.group("True").n == (groups == "north").sum()
    mixed = measure(z, y, groups=[7 if name == "north" else "rest" for name in groups])
    assert list(mixed.per_group.index) == ["7", "rest"]


def test_numbers_of_groups_follow_the_names() -> None:
    names, numbers = as_groups(["b", "a", "b", "c"], 4)
    assert (names, numbers.tolist()) == (["a", "b", "c"], [1, 0, 1, 2])
    names, numbers = as_groups([10, 9], 2)
    assert (names, numbers.tolist(), numbers.dtype) == (["9", "10"], [1, 0], np.int64)


@pytest.mark.parametrize("interval", ["jackknife", "delta", "bootstrap"])
def test_intervals_of_groups(interval: str) -> None:
    z, y, weights, groups = data(150)
    options = {"interval": interval, "n_resamples": 100, "rng": 1, "sample_weight": weights}
    report = measure(z, y, groups=groups, **options)
    whole = measure(z, y, **options)
    for name, found in report.intervals.items():
        want = whole.intervals[name]
        if interval == "bootstrap":  # the groups come first, and take from the same stream
            assert found.estimate == pytest.approx(want.estimate, rel=1e-12)
            # Quantiles of 60 replicates: 2.5 % ones scatter by a third of themselves.
            assert 0.5 < found.width / want.width < 2.0
        else:
            for a, b in zip(dataclasses.astuple(found), dataclasses.astuple(want), strict=True):
                assert (
                    a == pytest.approx(b, rel=1e-9, abs=1e-13) if isinstance(a, float) else a == b
                )
    table = report.per_group
    ends = [
        f"{name}_{end}" for name in ("cmi", "gamma", "ncmi", "error") for end in ("low", "high")
    ]
    assert list(table.columns) == TABLE + ends
    for name, row in table.iterrows():
        inside = groups == name
        alone = measure(z[inside], y[inside], **options | {"sample_weight": weights[inside]})
        own = report.group(name).intervals
        assert own.keys() == whole.intervals.keys()
        assert (row["gamma_low"], row["gamma_high"]) == (own["gamma"].low, own["gamma"].high)
        assert own["gamma"].low < row["gamma"] < own["gamma"].high
        if interval == "delta":
            # Gamma has no bias, so the number of shards does not matter.
            assert own["gamma"].low == pytest.approx(alone.intervals["gamma"].low, rel=1e-10)
            assert own["gamma"].high == pytest.approx(alone.intervals["gamma"].high, rel=1e-10)
        else:
            assert 0.3 < own["gamma"].width / alone.intervals["gamma"].width < 3.0


@pytest.mark.parametrize("interval", ["jackknife", "delta", "bootstrap"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_group_may_be_tiny(interval: str, size: int) -> None:
    """Half the shards of a few samples hold none of them."""
    z, y, _, _ = data()
    groups = np.where(np.arange(len(y)) < size, "few", "many")
    report = measure(z, y, groups=groups, interval=interval, n_resamples=100, rng=0)
    assert report.group("few").n == size
    assert report.group("few").intervals["cmi"].estimate == report.group("few").cmi
    assert report.group("few").intervals["error"].low <= report.group("few").error


def test_a_group_of_no_weight_is_not_there() -> None:
    z, y, _, groups = data()
    report = measure(z, y, groups=groups, sample_weight=(groups != "north").astype(float))
    assert list(report.per_group.index) == ["east", "south"]
    with pytest.raises(ValueError, match="name must be the name of a group; got 'north'"):
        report.group("north")


def test_groups_go_over_a_file_in_steps(tmp_path: Any) -> None:
    z, y, weights, groups = data()
    np.save(tmp_path / "z.npy", z)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    options = {"groups": groups, "sample_weight": weights, "interval": "jackknife"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infotheory.exceptions.InfotheoryWarning)
        got = infotheory.measure_classifier(mapped, y, **options)
        shown = infotheory.measure_classifier(z, y, progress=True, **options)
    want = measure(z, y, **options)
    for report in (got, shown):
        pd.testing.assert_frame_equal(report.per_group, want.per_group, rtol=1e-9)


@pytest.mark.parametrize(
    ("groups", "error", "text"),
    [
        (["a"] * 3, ValueError, r"have one entry per row of outputs, shape \(4,\); got shape \(3"),
        ("a", ValueError, r"have one entry per row of outputs, shape \(4,\); got shape \(\)"),
        ([["a"]] * 4, ValueError, r"have one entry per row .*; got shape \(4, 1\)\. Give every"),
        (
            np.ones(4),
            TypeError,
            r"be strings or integers; got dtype float64\. Cut numbers into bins",
        ),
        ([0.5] * 4, ValueError, r"be strings or integers; got 0\.5 at row 0\. Name the group of"),
        (
            [["a"], ["b", "c"], ["a"], "d"],
            ValueError,
            r"be strings or integers; got \['a'\] at row 0",
        ),
        (["a", None, "b", "a"], ValueError, "be strings or integers; got None at row 1"),
        (["a", "b", math.nan, "a"], ValueError, "be strings or integers; got nan at row 2"),
        (pd.Series(["a", "b", None, "b"]), ValueError, r"be strings or integers; got .* at row 2"),
        (pd.Categorical([1, 2, None, 1]), TypeError, "be strings or integers; got dtype float64"),
        (
            pd.to_datetime(["2020-01-01"] * 4),
            TypeError,
            "be strings or integers; got dtype datetim",
        ),
    ],
)
def test_refused_groups(groups: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=f"groups must {text}"):
        infotheory.measure_classifier(np.eye(4) * 3, [0, 1, 2, 3], groups=groups)


def test_an_unknown_group_is_refused() -> None:
    z, y, _, groups = data()
    report = measure(z, y, groups=groups)
    with pytest.raises(
        ValueError,
        match=r"name must be the name of a group; got 'west'\. Groups are 'east', 'north', 's",
    ):
        report.group("west")
    many = measure(z, y, groups=np.arange(len(y)))
    with pytest.raises(ValueError, match=r"Groups are '0', '1', .*'9'\.$"):
        many.group("x")
    with pytest.raises(ValueError, match=r"Groups are none: pass groups= to measure\."):
        measure(z, y).group("east")


def test_no_groups_no_rows() -> None:
    z, y, _, _ = data()
    assert len(measure(z, y).per_group) == 0


def test_groups_that_alternate_with_the_rows_have_intervals_as_if_alone() -> None:
    """Shards are dealt within groups: twenty groups in turn would else fill one shard each."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), 400)
    z = rng.normal(size=(1600, 4)) + 3 * np.eye(4)[y]
    groups = np.arange(1600) % 20
    report = measure(z, y, groups=groups, interval="jackknife")
    for name in (0, 7):
        inside = groups == name
        alone = measure(z[inside], y[inside], interval="jackknife").intervals
        for quantity, got in report.group(name).intervals.items():
            assert (got.low, got.high) == pytest.approx(
                (alone[quantity].low, alone[quantity].high), rel=1e-9
            )


def test_calibrated_groups_keep_the_order_of_numbers() -> None:
    y = np.arange(1200) % 3
    z = 2 * np.eye(3)[y] + np.random.default_rng(0).normal(size=(1200, 3))
    report = measure(z, y, groups=np.arange(1200) % 12, calibrate="temperature", rng=0)
    assert list(report.per_group.index) == [str(i) for i in range(12)]
