"""What a report offers: plain numbers, tables, warnings and its printed forms."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import (
    EXAMPLE_A,
    EXAMPLE_B,
    LABELS_A,
    LABELS_B,
    assert_per_class,
    class_sizes,
    clustered_logits,
    labels_of_sizes,
    measure,
)
from oracles import classifiers_large as large

import infotheory
from infotheory.exceptions import (
    EmptyClassWarning,
    InfiniteSeparationWarning,
    InfotheoryWarning,
    SingleClassWarning,
)

INFORMATION = (
    "cmi",
    "gamma",
    "gamma_kl",
    "gamma_pair",
    "mutual_information",
    "label_information",
    "cross_entropy",
)
RATIOS = ("ncmi", "error", "top5_error", "expected_calibration_error")


def example(**options: Any) -> infotheory.NCMIReport:
    return measure(EXAMPLE_B, LABELS_B, **options)


def test_fields_are_plain_numbers() -> None:
    report = example()
    for name in INFORMATION + RATIOS:
        assert type(getattr(report, name)) is float, name
    for name in ("n", "n_classes", "n_outputs", "zeros"):
        assert type(getattr(report, name)) is int, name
    assert report.first_zero_row is None
    masked = measure([[0.0, -math.inf], [1.0, 2.0]], [0, 0])
    assert type(masked.first_zero_row) is int
    assert (report.n, report.n_classes, report.n_outputs, report.zeros) == (5, 3, 3, 0)
    assert report.base is None
    assert (report.temperature, report.smoothing) == (1.0, 0.0)
    assert report.warnings == ()


def test_reports_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        example().cmi = 0.0  # type: ignore[misc]


def test_bits_are_nats_over_the_logarithm_of_two() -> None:
    nats, bits = example(), example(base=2)
    assert bits.base == 2
    for name in INFORMATION:
        assert getattr(bits, name) == pytest.approx(getattr(nats, name) / math.log(2), rel=1e-14)
    for name in RATIOS:
        assert getattr(bits, name) == getattr(nats, name)
    for column in ("cmi", "centroid_entropy"):
        np.testing.assert_allclose(
            bits.per_class[column], nats.per_class[column] / math.log(2), rtol=1e-14
        )
    np.testing.assert_allclose(bits.separation, nats.separation / math.log(2), rtol=1e-14)
    assert bits.per_class["error"].tolist() == nats.per_class["error"].tolist()


def test_per_class_table() -> None:
    rng = np.random.default_rng(5)
    y = labels_of_sizes(class_sizes(9, 200), rng)
    z = clustered_logits(rng, y, 9)
    names = [f"class {c}" for c in range(9)]
    report = measure(z, y, class_names=names)
    assert list(report.per_class.index) == names
    assert list(report.per_class.columns) == ["n", "cmi", "error", "centroid_entropy"]
    exact = large.measure(z, y)
    assert_per_class(report, exact)
    empty = exact.class_n.index(0)
    assert report.per_class.iloc[empty][["cmi", "error", "centroid_entropy"]].isna().all()
    assert report.per_class.iloc[empty]["n"] == 0


def test_class_names() -> None:
    assert example().class_names == ("0", "1", "2")
    assert example(class_names=["cat", "dog", "eel"]).class_names == ("cat", "dog", "eel")
    assert len(example(n_classes=5).class_names) == 5


def test_tables_do_not_expose_the_state() -> None:
    report = example()
    table = report.per_class
    table.loc["0", "cmi"] = 99.0
    assert report.per_class.loc["0", "cmi"] < 1.0
    with pytest.raises(ValueError, match="read-only"):
        report.separation[0, 1] = 0.0


def test_separation_matrix() -> None:
    rng = np.random.default_rng(6)
    y = labels_of_sizes([20, 0, 7, 1, 33], rng)
    report = measure(clustered_logits(rng, y, 5), y)
    matrix = report.separation
    assert matrix.shape == (5, 5)
    assert np.isnan(matrix[1]).all()
    assert np.isnan(matrix[:, 1]).all()
    weights = np.bincount(y, minlength=5) / len(y)
    joint = np.outer(weights, weights)
    np.fill_diagonal(joint, 0.0)
    assert float(np.nansum(joint * matrix)) == pytest.approx(report.gamma, rel=1e-13)
    assert report.separation is matrix


def test_the_direction_of_an_infinite_separation() -> None:
    # Class 1 has the zero, class 0 the mass: H(P_0, P_1) is infinite, H(P_1, P_0) is not.
    report = measure([(0.5, 0.5), (1.0, 0.0)], [0, 1], kind="probs")
    assert report.separation[0, 1] == math.inf
    assert report.separation[1, 0] == pytest.approx(math.log(2))
    assert report.separation[1, 1] == 0.0


def test_most_confused() -> None:
    rng = np.random.default_rng(7)
    y = labels_of_sizes([20, 30, 7, 0, 33], rng)
    names = list("abcde")
    report = measure(clustered_logits(rng, y, 5), y, class_names=names)
    table = report.most_confused()
    assert list(table.columns) == ["class_a", "class_b", "separation"]
    mean = (report.separation + report.separation.T) / 2
    wanted = sorted(
        (mean[a, b], {names[a], names[b]})
        for a in range(5)
        for b in range(a)
        if not math.isnan(mean[a, b])
    )
    assert len(table) == len(wanted) == 6
    np.testing.assert_allclose(table["separation"], [value for value, _ in wanted], rtol=1e-13)
    pairs = [{a, b} for a, b in zip(table["class_a"], table["class_b"], strict=True)]
    assert pairs == [pair for _, pair in wanted]
    assert len(report.most_confused(top=2)) == 2
    assert report.most_confused(2)["separation"].tolist() == table["separation"].tolist()[:2]
    assert len(report.most_confused(1000)) == 6


def test_to_dict_is_ready_for_json() -> None:
    for report in (
        example(class_names=["a", "b", "c"], base=2),
        measure(np.eye(2), [0, 1], kind="probs"),
        measure(EXAMPLE_B, LABELS_B, n_classes=6),
    ):
        plain = report.to_dict()
        text = json.dumps(plain)
        back = json.loads(text)
        for name in INFORMATION + RATIOS:
            assert back[name] == pytest.approx(getattr(report, name), nan_ok=True)
        for name in ("n", "n_classes", "n_outputs", "zeros", "first_zero_row"):
            assert back[name] == getattr(report, name)
        assert back["class_names"] == list(report.class_names)
        assert back["warnings"] == list(report.warnings)


def test_to_frame_is_one_row() -> None:
    frame = example().to_frame(name="net")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.index) == ["net"]
    for name in (*INFORMATION, *RATIOS, "n"):
        assert frame.loc["net", name] == getattr(example(), name)
    stacked = pd.concat([frame, example(temperature=2.0).to_frame(name="soft")])
    assert stacked["cmi"].dtype == np.float64
    assert stacked.shape[0] == 2


def numbers_in(text: str) -> list[float]:
    plain = re.sub(r"<[^>]*>", " ", text)
    return [float(v) for v in re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", plain)]


@pytest.mark.parametrize("name", ["cmi", "gamma", "ncmi", "mutual_information", "cross_entropy"])
def test_printed_forms_contain_the_numbers(name: str) -> None:
    report = example()
    value = getattr(report, name)
    for text in (str(report), report._repr_html_()):
        assert any(v == pytest.approx(value, rel=5e-3) for v in numbers_in(text)), text


def test_the_printed_form_is_one_table() -> None:
    text = str(example())
    assert "CMI" in text
    assert "Gamma" in text
    assert "\n\n\n" not in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_html_escapes_class_names() -> None:
    report = measure(EXAMPLE_A, LABELS_A, kind="probs", class_names=["<script>", "a&b", '"q"'])
    html = report._repr_html_()
    assert "<script>" not in html
    assert "a&b" not in html.replace("a&amp;b", "")
    assert html.count("<table") >= 1


def test_reports_can_be_pickled_before_and_after_the_matrix() -> None:
    report = example()
    twin = pickle.loads(pickle.dumps(report))  # noqa: S301
    np.testing.assert_array_equal(twin.separation, report.separation)
    again = pickle.loads(pickle.dumps(report))  # noqa: S301
    assert again.to_dict() == report.to_dict()


def test_no_warning_without_a_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = infotheory.measure_classifier(EXAMPLE_B, LABELS_B)
    assert report.warnings == ()


def test_empty_classes_are_named() -> None:
    with pytest.warns(EmptyClassWarning, match=r"cat.*eel|eel.*cat"):
        report = infotheory.measure_classifier(
            EXAMPLE_B, [1, 1, 3, 3, 3], n_classes=4, class_names=["cat", "dog", "eel", "fox"]
        )
    assert len(report.warnings) == 1
    assert "cat" in report.warnings[0]
    assert "dog" not in report.warnings[0]


def test_very_many_empty_classes_are_not_all_listed() -> None:
    with pytest.warns(EmptyClassWarning, match="9998"):
        report = infotheory.measure_classifier([[1.0, 2.0], [0.5, 0.0]], [0, 1], n_classes=10_000)
    assert len(report.warnings[0]) < 500


def test_one_class_is_said_to_be_one_class() -> None:
    with pytest.warns(SingleClassWarning, match="class"):
        report = infotheory.measure_classifier(EXAMPLE_B, [0] * 5, n_classes=1)
    assert report.gamma == 0.0
    assert math.isnan(report.ncmi)
    assert len(report.warnings) == 1


def test_infinite_separation_is_said_to_be_infinite() -> None:
    rows = [(0.5, 0.5), (0.25, 0.75), (1.0, 0.0), (0.0, 1.0)]
    with pytest.warns(InfiniteSeparationWarning, match=r"row 2") as caught:
        report = infotheory.measure_classifier(rows, [0, 1, 0, 1], kind="probs")
    assert len(caught) == 1
    assert "2" in report.warnings[0]
    assert "smoothing" in report.warnings[0]
    assert (report.zeros, report.first_zero_row) == (2, 2)
    assert report.ncmi == 0.0


def test_harmless_zeros_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = infotheory.measure_classifier(
            [(0.5, 0.0, 0.5), (0.25, 0.0, 0.75), (0.3, 0.0, 0.7)], [0, 1, 2], kind="probs"
        )
    assert (report.zeros, report.first_zero_row) == (3, 0)
    assert math.isfinite(report.gamma)


def test_warnings_come_once_a_report_and_point_at_the_caller() -> None:
    accumulator = infotheory.NCMIAccumulator(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        accumulator.update(EXAMPLE_B, [0] * 5)
    with pytest.warns(InfotheoryWarning) as caught:
        report = accumulator.report()
    assert {w.category for w in caught} == {EmptyClassWarning, SingleClassWarning}
    assert len(caught) == len(report.warnings) == 2
    assert all(w.filename == __file__ for w in caught)


def test_progress_is_optional_and_quiet_about_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    report = measure(EXAMPLE_B, LABELS_B, progress=True)
    assert report.cmi == example().cmi
    assert capsys.readouterr().out == ""
