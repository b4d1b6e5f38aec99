"""Numbers written down beforehand, and the corners where the answer is known in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import EXAMPLE_A, EXAMPLE_B, LABELS_A, LABELS_B, measure, quietly
from oracles import classifiers as oracle
from oracles import classifiers_large as large

import infotheory
from infotheory.classifiers import cmi, gamma

SUBJECTS = [
    pytest.param(measure, id="library"),
    pytest.param(oracle.measure, id="oracle"),
    pytest.param(large.measure, id="large-oracle"),
]

TABLE_A = {
    "cmi": 0.0525894429872832,
    "gamma": 0.9586154579269967,
    "gamma_pair": 1.5686434766078128,
    "gamma_kl": 0.4468143287206828,
    "ncmi": 0.0548597902865114,
    "mutual_information": 0.2373379952937217,
    "label_information": 0.1847485523064385,
    "cross_entropy": 0.5351512758698374,
    "error": 1 / 6,
    "top5_error": 0.0,
}
TABLE_B = {
    "cross_entropy": 0.7936030038757195,
    "cmi": 0.1130622086756108,
    "gamma": 0.9583199167605049,
    "ncmi": 0.1179796085818660,
    "gamma_pair": 1.4973748699382890,
}
TABLE_C = {
    0.5: (0.2347546818424620, 1.4412620282597546),
    1.0: (0.1130622086756108, 0.9583199167605049),
    2.0: (0.0353344591649060, 0.7765659953747917),
    4.0: (0.0092020795574326, 0.7223165852884117),
    8.0: (0.0022963389639325, 0.7079765060668294),
    16.0: (0.0005702434088080, 0.7043329581397395),
}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", TABLE_A)
def test_example_a(subject: Any, name: str) -> None:
    report = subject(EXAMPLE_A, LABELS_A, kind="probs")
    assert getattr(report, name) == pytest.approx(TABLE_A[name], abs=1e-10)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_example_a_as_logarithms(subject: Any) -> None:
    report = subject(np.log(EXAMPLE_A), LABELS_A, kind="log_probs")
    assert report.cmi == pytest.approx(TABLE_A["cmi"], abs=1e-10)
    assert report.gamma == pytest.approx(TABLE_A["gamma"], abs=1e-10)


def test_example_a_by_class() -> None:
    table = measure(EXAMPLE_A, LABELS_A, kind="probs").per_class
    np.testing.assert_allclose(
        table["cmi"], [0.0219011789684938, 0.0905780999955704, 0.0], atol=1e-10
    )
    centroids = [
        (0.6, 0.25, 0.15),
        (0.2, 0.5666666666666667, 0.2333333333333333),
        (0.05, 0.15, 0.8),
    ]
    np.testing.assert_allclose(
        table["centroid_entropy"], [oracle.entropy(q) for q in centroids], atol=1e-10
    )
    assert table["n"].tolist() == [2, 3, 1]
    np.testing.assert_allclose(table["error"], [0, 1 / 3, 0], atol=1e-15)


def test_example_a_surrogate_and_moving_average() -> None:
    p, y = np.array(EXAMPLE_A), np.array(LABELS_A)
    dummy = np.array([(0.6, 0.25, 0.15), (0.2, 0.6, 0.2), (0.1, 0.2, 0.7)])
    gap = large.surrogate(p, y, dummy) - cmi(p, y, kind="probs")
    assert gap == pytest.approx(0.0066252694258370, abs=1e-10)
    moved = 0.9 * dummy + 0.1 * large.centroids(p, y, 3)
    assert large.surrogate(p, y, moved) == pytest.approx(0.0580338612700672, abs=1e-10)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", TABLE_B)
def test_example_b(subject: Any, name: str) -> None:
    assert getattr(subject(EXAMPLE_B, LABELS_B), name) == pytest.approx(TABLE_B[name], abs=1e-10)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("temperature", TABLE_C)
def test_example_c(subject: Any, temperature: float) -> None:
    report = subject(EXAMPLE_B, LABELS_B, temperature=temperature)
    assert report.cmi == pytest.approx(TABLE_C[temperature][0], abs=1e-10)
    assert report.gamma == pytest.approx(TABLE_C[temperature][1], abs=1e-10)


def test_functions_agree_with_the_report() -> None:
    logits, labels = np.array(EXAMPLE_B), np.array(LABELS_B)
    assert cmi(logits, labels) == pytest.approx(TABLE_B["cmi"], abs=1e-10)
    assert gamma(logits, labels) == pytest.approx(TABLE_B["gamma"], abs=1e-10)
    assert infotheory.ncmi(logits, labels) == pytest.approx(TABLE_B["ncmi"], abs=1e-10)
    for value in (cmi(logits, labels), gamma(logits, labels), infotheory.ncmi(logits, labels)):
        assert isinstance(value, float)
    assert cmi(logits, labels, base=2) == pytest.approx(TABLE_B["cmi"] / math.log(2), abs=1e-10)
    assert gamma(logits, labels, base=10) == pytest.approx(
        TABLE_B["gamma"] / math.log(10), abs=1e-10
    )
    assert cmi(logits, labels, temperature=4.0) == pytest.approx(TABLE_C[4.0][0], abs=1e-10)
    assert gamma(logits, labels, temperature=4.0) == pytest.approx(TABLE_C[4.0][1], abs=1e-10)


@pytest.mark.parametrize("k", [2, 5, 17, 200])
def test_one_hot_rows_in_one_class_reach_the_logarithm_of_k(k: int) -> None:
    report = measure(np.eye(k), np.zeros(k, dtype=int), kind="probs")
    assert report.cmi == pytest.approx(math.log(k), rel=1e-14)
    assert report.mutual_information == pytest.approx(math.log(k), rel=1e-14)
    assert report.gamma == 0.0
    assert math.isnan(report.ncmi)
    assert report.zeros == k * (k - 1)
    assert report.first_zero_row == 0


def test_identical_rows_have_no_concentration_error() -> None:
    p = np.tile([0.5, 0.25, 0.125, 0.125], (40, 1))
    labels = np.arange(40) % 4
    report = measure(p, labels, kind="probs")
    # Sums of forty equal powers of two are exact, and so is the logarithm's cancellation.
    assert report.cmi == pytest.approx(0.0, abs=1e-15)
    assert report.mutual_information == pytest.approx(0.0, abs=1e-15)
    assert report.label_information == pytest.approx(0.0, abs=1e-15)
    assert report.gamma == pytest.approx(0.75 * 1.75 * math.log(2), rel=1e-14)
    assert report.gamma_kl == pytest.approx(0.0, abs=1e-15)
    assert report.cmi >= 0.0


def test_two_one_hot_classes_are_infinitely_apart() -> None:
    report = measure(np.eye(2), np.arange(2), kind="probs")
    assert report.gamma == math.inf
    assert report.gamma_kl == math.inf
    assert report.gamma_pair == math.inf
    assert report.ncmi == 0.0
    assert report.cmi == 0.0
    assert report.label_information == pytest.approx(math.log(2), rel=1e-14)
    assert report.error == 0.0
    assert (report.zeros, report.first_zero_row) == (2, 0)


@pytest.mark.parametrize("kind", ["probs", "logits", "log_probs"])
def test_a_column_nobody_uses_does_not_make_gamma_infinite(kind: str) -> None:
    p = np.array([(0.5, 0.0, 0.5), (0.25, 0.0, 0.75), (0.75, 0.0, 0.25)])
    with np.errstate(divide="ignore"):
        outputs = p if kind == "probs" else np.log(p)
    report = measure(outputs, [0, 1, 2], kind=kind)
    without = measure(p[:, [0, 2]], [0, 1, 2], kind="probs", n_classes=3)
    assert report.gamma == pytest.approx(without.gamma, rel=1e-13)
    assert report.cmi == pytest.approx(without.cmi, abs=1e-15)
    assert (report.zeros, report.first_zero_row) == (3, 0)


def test_a_zero_beside_mass_in_one_class() -> None:
    p = np.array([(0.5, 0.0, 0.5), (0.25, 0.5, 0.25), (0.75, 0.0, 0.25)])
    # Column 1: class 0 has mass, class 1 a zero, so H(P_0, P_1) is infinite, but not the reverse.
    report = measure(p, [0, 0, 1], kind="probs", n_classes=2)
    assert report.gamma == math.inf
    assert np.isinf(report.separation).tolist() == [[True, True], [False, False]]
    # Alone, a class is infinitely far from itself only.
    alone = measure(p, [0, 0, 0], kind="probs", n_classes=1)
    assert alone.gamma == 0.0
    assert alone.separation[0, 0] == math.inf


def test_the_same_one_hot_row_everywhere_has_no_separation() -> None:
    p = np.tile([0.0, 1.0, 0.0], (4, 1))
    report = measure(p, [0, 1, 2, 0], kind="probs")
    assert report.cmi == 0.0
    assert report.gamma == 0.0
    assert math.isnan(report.ncmi)


@pytest.mark.parametrize("height", [40.0, 2000.0, 1e6])
@pytest.mark.parametrize("k", [2, 3, 250])
def test_certain_and_equal_rows_are_not_negatively_far_apart(k: int, height: float) -> None:
    # Gamma = H(P, P) is about K e^-height, less than the rounding of sums of logits.
    z = np.zeros((8, k))
    z[:, 0] = height
    for classes in (2, None):
        report = measure(z, np.arange(8) % 2, n_classes=classes)
        for name in ("cmi", "gamma", "gamma_kl", "gamma_pair", "mutual_information"):
            assert 0.0 <= getattr(report, name) <= 1e-9, name
        assert math.isnan(report.ncmi) or math.copysign(1.0, report.ncmi) > 0


def test_one_sample_a_class_has_no_concentration_error() -> None:
    report = measure(EXAMPLE_B, [0, 1, 2, 3, 4], n_classes=5)
    assert report.cmi == pytest.approx(0.0, abs=1e-15)
    assert report.mutual_information == pytest.approx(report.label_information, abs=1e-15)


def test_an_underflowing_probability_is_not_a_zero() -> None:
    # e^-800 is no float64, but its logarithm is: Gamma is finite and large.
    report = measure([[0.0, -800.0], [-800.0, 0.0]], [0, 1])
    assert report.zeros == 0
    assert report.first_zero_row is None
    assert report.gamma == pytest.approx(400.0, rel=1e-14)


def test_smoothing_mixes_with_the_uniform_distribution() -> None:
    mixed = measure(np.eye(4), np.arange(4), kind="probs", smoothing=0.2)
    assert mixed.gamma == pytest.approx(
        12 / 16 * -(0.85 * math.log(0.05) + 0.05 * math.log(0.85) + 0.1 * math.log(0.05)),
        rel=1e-13,
    )
    assert mixed.cross_entropy == pytest.approx(-math.log(0.85), rel=1e-13)
    assert mixed.error == 0.0


def test_a_single_row_is_measured() -> None:
    report = quietly(infotheory.measure_classifier, np.array([[1.0, 3.0, 2.0]]), np.array([1]))
    assert (report.n, report.gamma, report.error) == (1, 0.0, 0.0)
    assert report.cmi == pytest.approx(0.0, abs=1e-15)
    assert math.isnan(report.ncmi)


def test_calibration_error_by_hand() -> None:
    # Confidences 0.62 (right) and 0.62 (wrong) share a bin; 0.9 (right) has its own.
    p = np.array([(0.62, 0.38), (0.38, 0.62), (0.9, 0.1)])
    report = measure(p, [0, 0, 0], kind="probs")
    expected = 2 / 3 * abs(0.5 - 0.62) + 1 / 3 * abs(1.0 - 0.9)
    assert report.expected_calibration_error == pytest.approx(expected, rel=1e-12)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    # 0.6 = 9/15 closes the ninth bin; 0.62 falls in the tenth. Together they would give 0.11.
    p = np.array([(0.6, 0.4), (0.38, 0.62)])
    report = measure(p, [0, 0], kind="probs")
    assert report.expected_calibration_error == pytest.approx((0.4 + 0.62) / 2, rel=1e-12)
    # Three equal logits: 1/3 = 5/15, right by the tie rule; the other row is wrong at 0.356.
    report = measure([(0.0, 0.0, 0.0), (0.1, 0.0, 0.0)], [0, 1])
    wrong = math.exp(0.1) / (math.exp(0.1) + 2)
    assert report.expected_calibration_error == pytest.approx((2 / 3 + wrong) / 2, rel=1e-12)


def test_ties_go_to_the_lowest_column() -> None:
    z = np.array([(1.0, 1.0, 0.0), (1.0, 1.0, 0.0), (2.0, 2.0, 2.0), (2.0, 2.0, 2.0)])
    report = measure(z, [0, 1, 0, 2])
    # Right: row 0 and row 2. Wrong: rows 1 and 3, tied with a column before theirs.
    assert report.error == 0.5
    assert report.per_class["error"].tolist() == [0.0, 1.0, 1.0]


def test_top_five_counts_ties_before_the_label() -> None:
    z = np.zeros((8, 8))
    report = measure(z, np.arange(8))
    assert report.error == 7 / 8
    assert report.top5_error == 3 / 8


def test_fewer_than_six_outputs_cannot_miss_the_top_five() -> None:
    assert measure(EXAMPLE_B, LABELS_B).top5_error == 0.0


def test_other_label_alphabets_have_no_error_rate() -> None:
    report = measure(EXAMPLE_B, LABELS_B, n_classes=4)
    assert report.cmi == pytest.approx(TABLE_B["cmi"], abs=1e-10)
    for name in ("cross_entropy", "error", "top5_error", "expected_calibration_error"):
        assert math.isnan(getattr(report, name))
    assert np.isnan(report.per_class["error"]).all()
