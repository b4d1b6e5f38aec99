"""Several classifiers side by side: reports, table, order, tests of all pairs, figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import labels_of_sizes, quietly
from matplotlib.figure import Figure

import infotheory
from infotheory.classifiers.calibration import split_rows
from infotheory.classifiers.comparison import ranked
from infotheory.exceptions import EmptyClassWarning, InfiniteSeparationWarning

K = 4
LABELS = labels_of_sizes([30, 20, 25, 25], np.random.default_rng(0))


def model(strength: float, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return strength * np.eye(K)[LABELS] + rng.normal(size=(100, K)), LABELS


def models(count: int = 4) -> dict[str, tuple[Any, Any]]:
    return {f"m{i}": model(0.5 + 0.7 * i, seed=i) for i in range(count)}


def infinite() -> tuple[Any, Any]:
    z = model(1.0)[0]
    z[0, (LABELS[0] + 1) % K] = -math.inf
    return z, LABELS


compare = infotheory.compare_classifiers


# --------------------------------------------------------------------------------- the reports


def test_reports_are_those_of_single_measurements() -> None:
    options = {"smoothing": 0.01, "base": 2, "class_names": list("wxyz"), "level": 0.9}
    given = models()
    comparison = compare(given, temperature=1.5, **options)
    assert list(comparison.reports) == list(given)
    for name, report in comparison.reports.items():
        want = infotheory.measure_classifier(
            *given[name], temperature=1.5, interval="jackknife", **options
        )
        assert report.to_dict() == want.to_dict()
        assert report.class_names == ("w", "x", "y", "z")


@pytest.mark.parametrize("interval", ["delta", "bootstrap"])
def test_other_intervals(interval: str) -> None:
    comparison = compare(models(2), interval=interval, n_resamples=100, rng=0)
    for report in comparison.reports.values():
        assert interval in report.intervals["ncmi"].method


def test_kinds_may_differ() -> None:
    z, y = model(1.0)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    given = {"logits": (z, y), "probs": (p, y), "logs": (np.log(p), y)}
    kinds = {"logits": "logits", "probs": "probs", "logs": "log_probs"}
    comparison = compare(given, kind=kinds, interval=None)
    first, *others = comparison.reports.values()
    for other in others:
        assert other.ncmi == pytest.approx(first.ncmi, rel=1e-12)
    assert comparison.test("logits", "probs").difference == pytest.approx(0.0, abs=1e-15)


def test_outputs_are_not_kept() -> None:
    """Beside a table of the class sums, three numbers a row and model, and the labels once."""
    comparison = compare(models(), interval=None)
    kept = list(comparison._rows.values())
    assert all(rows.labels is kept[0].labels for rows in kept)
    for rows in kept:
        assert [values.shape for values in rows.terms] == [(100,)] * 3
    labels = LABELS.copy()
    comparison = compare({"m": (model(1.0)[0], labels)}, interval=None)
    labels[0] = (labels[0] + 1) % K  # the caller's array may change afterwards
    assert comparison._rows["m"].labels[0] == LABELS[0]


def test_models_on_other_data_share_the_table() -> None:
    z, y = model(1.0)
    comparison = compare({"all": (z, y), "half": (z[:50], y[:50])}, interval=None)
    assert comparison.to_frame()["n"].to_dict() == {"all": 100, "half": 50}


def test_memory_mapped_outputs(tmp_path: Any) -> None:
    z, y = model(1.0)
    np.save(tmp_path / "z.npy", z)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r", allow_pickle=False)
    one = compare({"m": (mapped, y)}).reports["m"]
    assert one.ncmi == pytest.approx(compare({"m": (z, y)}).reports["m"].ncmi, rel=1e-12)


# ------------------------------------------------------------------------- the order, the table


def test_the_order_of_models() -> None:
    given = {"odd": infinite(), "b": model(0.5), "a": model(3.0), "odder": infinite()}
    given["odder"][0][:] *= 3
    given["none"] = (np.tile(model(1.0)[0][:1], (100, 1)), np.zeros(100, int))
    comparison = quietly(compare, given, interval=None)
    order = list(ranked(comparison.reports))
    assert order[:2] == ["a", "b"]
    assert set(order[2:4]) == {"odd", "odder"}
    cmi = [comparison.reports[name].cmi for name in order[2:4]]
    assert cmi == sorted(cmi)
    assert order[4] == "none"
    assert comparison.to_frame().index.tolist() == order
    assert math.isnan(comparison.to_frame()["ncmi"].iloc[-1])


def test_the_table() -> None:
    comparison = compare(models(), rng=0)
    table = comparison.to_frame()
    assert list(table.columns) == [
        "n", "error", "cmi", "gamma", "ncmi", "error_low", "error_high", "cmi_low", "cmi_high",
        "gamma_low", "gamma_high", "ncmi_low", "ncmi_high",
    ]  # fmt: skip
    assert table.index.name == "model"
    assert (np.diff(table["ncmi"]) > 0).all()
    for name, row in table.iterrows():
        report = comparison.reports[str(name)]
        for quantity in ("error", "cmi", "gamma", "ncmi"):
            assert row[quantity] == getattr(report, quantity)
            assert row[f"{quantity}_low"] == report.intervals[quantity].low
            assert row[f"{quantity}_high"] == report.intervals[quantity].high
    assert list(compare(models(2), interval=None).to_frame().columns) == list(table.columns[:5])
    assert "temperature" in compare(models(2), interval=None, temperature=2).to_frame()


def test_a_comparison_in_print() -> None:
    comparison = compare(models(), rng=0)
    for text in (str(comparison), comparison._repr_html_()):
        assert "m0" in text
        assert f"{comparison.reports['m1'].ncmi:.6g}" in text
        assert f"Pearson {comparison.correlation.pearson:.3f}: other models [" in text
    few = compare({"<b>": model(1.0)}, interval=None)
    assert "no correlation of NCMI with error: it takes three models" in str(few)
    assert "<b>" not in few._repr_html_()


# -------------------------------------------------------------------------------- the pairs


@pytest.mark.parametrize("quantity", ["ncmi", "cmi", "gamma", "error"])
def test_the_table_of_tests_holds_every_pair(quantity: str) -> None:
    comparison = compare(models(), rng=0)
    table = comparison.tests(quantity)
    order = comparison.to_frame().index.tolist()
    pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
    assert list(zip(table["first"], table["second"], strict=True)) == pairs
    for row in table.itertuples():
        found = comparison.test(row.first, row.second, quantity)
        for name in ("difference", "low", "high", "standard_error", "statistic", "p_value"):
            assert getattr(row, name) == getattr(found, name)
    assert (table["p_holm"] >= table["p_value"]).all()
    assert table["p_holm"].min() == pytest.approx(min(1.0, 6 * table["p_value"].min()))


def test_pairs_without_the_quantity_are_nan() -> None:
    comparison = quietly(compare, {**models(2), "odd": infinite()}, interval=None)
    table = comparison.tests("ncmi").set_index(["first", "second"])
    assert table["p_value"].isna().tolist() == [False, True, True]
    assert table["p_holm"].iloc[0] == table["p_value"].iloc[0]  # one test was made
    assert not comparison.tests("cmi")["p_value"].isna().any()
    # Behind an infinite Gamma comes one of 0, which can be tested, with an NCMI that cannot.
    only = np.full((100, K), -math.inf)
    only[:, 0] = 0.0
    given = {"a": model(1.0), "odd": infinite(), "same": (only, LABELS)}
    table = quietly(compare, given, interval=None).tests("gamma")
    assert table["second"].tolist() == ["odd", "same", "same"]
    assert table["p_value"].isna().tolist() == [True, False, True]


def test_one_model_has_no_pairs() -> None:
    table = compare(models(1), interval=None).tests()
    assert len(table) == 0
    assert "p_holm" in table


# ---------------------------------------------------------------------------- calibration


def test_calibrated_models_are_measured_on_the_same_half() -> None:
    given = {"a": model(1.0, 1), "b": (3 * model(1.0, 1)[0], LABELS), "c": model(2.0, 2)}
    comparison = compare(given, calibrate="temperature", rng=0)
    seed = int(np.random.default_rng(0).integers(2**63, size=2)[0])
    fitted, measured = split_rows(LABELS, 0.5, np.random.default_rng(seed))
    for name, (z, y) in given.items():
        temperature = infotheory.classifiers.fit_temperature(z[fitted], y[fitted])
        want = infotheory.measure_classifier(
            z[measured], y[measured], temperature=temperature, interval="jackknife"
        )
        assert comparison.reports[name].to_dict() == want.to_dict()
    # The scale of logits is gone from the comparison.
    found = comparison.test("a", "b")
    assert found.n == measured.size
    assert found.difference == pytest.approx(0.0, abs=1e-9)
    assert comparison.to_frame()["temperature"]["b"] == pytest.approx(
        3 * comparison.to_frame()["temperature"]["a"], rel=1e-8
    )


def test_a_difference_of_labels_is_named_by_its_row_also_after_calibration() -> None:
    z, y = model(1.0)
    other = y.copy()
    other[17] = (other[17] + 1) % K
    comparison = compare({"a": (z, y), "b": (z, other)}, calibrate="temperature", rng=0)
    with pytest.raises(ValueError, match="at row 17"):
        comparison.test("a", "b")


def test_a_seed_repeats_everything() -> None:
    options = {"calibrate": "temperature", "interval": "bootstrap", "n_resamples": 100}
    first, second, other = (compare(models(), rng=seed, **options) for seed in (1, 1, 2))
    assert first.to_frame().equals(second.to_frame())
    assert first.correlation == second.correlation
    assert not first.to_frame().equals(other.to_frame())


# ------------------------------------------------------------------------------- the figure


def test_the_figure_shows_intervals_and_the_correlation_without_a_title() -> None:
    comparison = compare(models(), rng=0)
    ax = comparison.plot(Figure(layout="constrained").subplots())
    assert ax.get_title() == ""
    assert str(comparison.correlation) in [text.get_text() for text in ax.texts]
    bars = [np.stack(line.get_data(), axis=1) for line in ax.lines]
    assert len(bars) == 8
    for i, report in enumerate(comparison.reports.values()):
        ncmi, error = report.intervals["ncmi"], report.intervals["error"]
        x, y = report.ncmi, 100 * report.error
        np.testing.assert_allclose(bars[2 * i], [(ncmi.low, y), (ncmi.high, y)])
        np.testing.assert_allclose(bars[2 * i + 1], [(x, 100 * error.low), (x, 100 * error.high)])
        assert ax.get_xlim()[1] > ncmi.high
        assert ax.get_ylim()[1] > 100 * error.high


def test_the_figure_without_intervals_or_correlation() -> None:
    comparison = compare(models(2), interval=None)
    ax = comparison.plot(Figure(layout="constrained").subplots())
    assert len(ax.lines) == 0
    assert any("no correlation" in text.get_text() for text in ax.texts)


# ------------------------------------------------------------------------ warnings, refusals


def test_warnings_name_the_model_and_the_line_of_the_caller() -> None:
    keep = LABELS != 2
    given = {name: (z[keep], y[keep]) for name, (z, y) in models(2).items()}
    with pytest.warns(EmptyClassWarning) as caught:
        compare(given)
    assert [str(item.message).split(":")[0] for item in caught] == ["m0", "m1"]
    assert {item.filename for item in caught} == {__file__}
    with pytest.warns(InfiniteSeparationWarning, match=r"^odd: Gamma is infinite"):
        compare({"odd": infinite()}, interval=None)


def test_what_cannot_be_measured_is_refused_with_the_name_of_the_model() -> None:
    z, y = model(1.0)
    bad = z.copy()
    bad[3, 1] = math.nan
    with pytest.raises(ValueError, match=r"^bad: outputs must be .*; got nan at row 3, column 1"):
        compare({"good": (z, y), "bad": (bad, y)})
    with pytest.raises(ValueError, match=r"^bad: labels must have one entry per row of outputs"):
        compare({"bad": (z, y[1:])})
    with pytest.raises(TypeError, match=r"^bad: labels must be integers"):
        compare({"bad": (z, y / 2)})
    with pytest.raises(ValueError, match=r"^bad: outputs must be wrong in at least one row"):
        compare({"bad": (5 * np.eye(K)[y], y)}, calibrate="temperature")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "models must be a mapping from names to .*, with at least one; got an empty one"),
        ([model(1.0)], r"models must be a mapping from names to \(outputs, labels\).*; got list"),
        ({"m": model(1.0)[0]}, r"models\['m'\] must be a pair \(outputs, labels\); got ndarray"),
        ({"m": (*model(1.0), 3)}, r"models\['m'\] must be a pair .*; got tuple of length 3"),
        ({"m": 3}, r"models\['m'\] must be a pair \(outputs, labels\); got int"),
    ],
)
def test_models_that_are_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(given)


def test_options_that_are_refused() -> None:
    given = models(2)
    with pytest.raises(TypeError, match="names of models must be strings; got 3"):
        compare({3: model(1.0)})
    with pytest.raises(ValueError, match="kind must be given for every model; got none for 'm1'"):
        compare(given, kind={"m0": "logits"})
    with pytest.raises(ValueError, match="kind must be one of 'logits', 'probs', 'log_probs'"):
        compare(given, kind="softmax")
    with pytest.raises(ValueError, match="interval must be one of 'jackknife', 'delta', 'boots"):
        compare(given, interval="magic")
    with pytest.raises(ValueError, match="calibrate must be one of 'temperature'; got 'platt'"):
        compare(given, calibrate="platt")
    with pytest.raises(ValueError, match=r"temperature must be left at 1.0 where calibrate is giv"):
        compare(given, calibrate="temperature", temperature=2.0)
    with pytest.raises(ValueError, match="level must be a number between 0 and 1; got 95"):
        compare(given, level=95)
