"""Paired tests of two classifiers: their parts against loops, their laws, and their size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.strategies import any_cases
from classifiers.support import clustered_logits, labels_of_sizes, measure, quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import classifiers_large as large
from oracles import comparison as oracle

import infotheory
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.leave_one_out import centroid_shifts
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.paired import holm, stratified_covariance
from infotheory.classifiers.row_terms import row_terms

QUANTITIES = ("ncmi", "cmi", "gamma", "error")


def two(seed: int = 0, sizes: Any = (7, 1, 9, 5), k: int = 4, **options: Any) -> Any:
    """A comparison of two models on the same rows, a class of one row among the others."""
    rng = np.random.default_rng(seed)
    labels = labels_of_sizes(sizes, rng)
    first = clustered_logits(rng, labels, k)
    second = first + rng.normal(size=first.shape)
    models = {"a": (first, labels), "b": (1.3 * second, labels)}
    return models, infotheory.compare_classifiers(models, **{"interval": None, **options})


# -------------------------------------------------------------------- what rows contribute


@given(any_cases(max_rows=12, max_outputs=4))
def test_pseudo_values_are_what_leaving_rows_out_gives(case: Any) -> None:
    z, y = np.asarray(case.outputs), np.asarray(case.labels)
    rows = oracle.Rows(z, y, kind=case.kind)
    sums = class_sums(z, y, case.n_classes, kind=case.kind)
    got = row_terms(sums, z, y, case.kind).divergence
    got = got + centroid_shifts(sums, z, y, case.kind)
    want = np.array(rows.contributions("cmi"))
    several = np.bincount(y)[y] > 1
    # The oracle multiplies differences of CMI by n.
    size = float(np.max(np.abs(want), initial=1.0))
    np.testing.assert_allclose(got[several], want[several], rtol=1e-9, atol=1e-12 * size * len(y))
    assert not centroid_shifts(sums, z, y, case.kind)[~several].any()


def test_pseudo_values_with_temperature_smoothing_and_zeros() -> None:
    p = np.array([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]])
    y = np.array([0, 0, 0, 1])
    for options in ({}, {"temperature": 2.0}, {"smoothing": 0.1}):
        rows = oracle.Rows(p, y, kind="probs", **options)
        sums = class_sums(p, y, 3, kind="probs", **options)
        got = row_terms(sums, p, y, "probs", **options).divergence
        got = got + centroid_shifts(sums, p, y, "probs", **options)
        np.testing.assert_allclose(got[:3], rows.contributions("cmi")[:3], rtol=1e-12)


def test_a_pseudo_value_known_by_hand() -> None:
    """Rows (1, 0) and (0, 1): CMI is ln 2, and 0 without either; n F - (n - 1) 0 = 2 ln 2."""
    p, y = np.eye(2), np.zeros(2, np.int64)
    sums = class_sums(p, y, 2, kind="probs")
    got = row_terms(sums, p, y, "probs").divergence + centroid_shifts(sums, p, y, "probs")
    np.testing.assert_allclose(got, 2 * math.log(2), rtol=1e-15)


def test_many_rows_hardly_move_their_centroid() -> None:
    """(n - 1) D(R || Q) is chi-squared / (2 (n - 1)) to first order."""
    rng = np.random.default_rng(0)
    y = np.zeros(20_000, np.int64)
    z = rng.normal(size=(20_000, 3))
    sums: ClassSums = class_sums(z, y, 3)
    p = large.distributions(z)[0]
    q = p.mean(axis=0)
    want = ((p - q) ** 2 / q).sum(axis=1) / (2 * 19_999)
    np.testing.assert_allclose(centroid_shifts(sums, z, y, "logits"), want, rtol=1e-3)


# ----------------------------------------------------------------------------- one test


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_test_against_loops(quantity: str, seed: int) -> None:
    models, comparison = two(seed)
    found = comparison.test("a", "b", quantity)
    labels = models["a"][1].tolist()
    reports = [measure(*models[name]) for name in "ab"]
    assert found.difference == getattr(reports[0], quantity) - getattr(reports[1], quantity)
    if quantity == "error":
        wrong = [(z.argmax(axis=1) != y).astype(float).tolist() for z, y in models.values()]
        values = [a - b for a, b in zip(*wrong, strict=True)]
        counts = values.count(1.0), values.count(-1.0)
        assert found.statistic == counts[0]
        assert found.p_value == pytest.approx(oracle.mcnemar(*counts), rel=1e-12)
        if not any(counts):
            return
    else:
        both = [oracle.Rows(*models[name]).contributions(quantity) for name in "ab"]
        values = [a - b for a, b in zip(*both, strict=True)]
    variance, freedom = oracle.stratified(values, labels)
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)
    assert found.df == pytest.approx(freedom, rel=1e-9)
    if quantity != "error":
        assert found.statistic == pytest.approx(found.difference / found.standard_error)
        want = oracle.two_sided_t(found.statistic, freedom)
        assert found.p_value == pytest.approx(want, rel=1e-9)
    # The interval holds the difference moved by t standard errors, and by the bias on one side.
    reach = found.high - found.difference + min(found.bias, 0.0)
    assert found.difference - found.low - max(found.bias, 0.0) == pytest.approx(reach)
    assert oracle.two_sided_t(reach / found.standard_error, freedom) == pytest.approx(0.05)


def test_mcnemar_known_by_hand() -> None:
    """One row only the first gets wrong, five only the second: 2 (1 + 6) / 64."""
    labels = np.repeat([0, 1], 10)
    right = np.where(np.eye(2)[labels] > 0, 2.0, -1.0)
    first, second = right.copy(), right.copy()
    first[[0, 19]] = first[[0, 19], ::-1]
    second[[4, 5, 6, 11, 12, 19]] = second[[4, 5, 6, 11, 12, 19], ::-1]
    models = {"a": (first, labels), "b": (second, labels)}
    found = infotheory.compare_classifiers(models, interval=None).test("a", "b", "error")
    assert found.statistic == 1
    assert found.p_value == pytest.approx(14 / 64, rel=1e-12)
    assert found.difference == pytest.approx(-0.2)
    assert found.method == "McNemar, exact"


def test_a_model_does_not_differ_from_itself() -> None:
    (z, y), *_ = two()[0].values()
    comparison = infotheory.compare_classifiers({"a": (z, y), "b": (z.copy(), y)}, interval=None)
    for quantity in QUANTITIES:
        found = comparison.test("a", "b", quantity)
        assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_difference_without_variance_is_certain() -> None:
    """Equal rows in each class: the first model is the sharper one, whatever rows are drawn."""
    labels = np.repeat([0, 1], 5)
    sharp, flat = np.eye(2)[labels] * 3 - 1, np.eye(2)[labels] - 0.7
    models = {"a": (sharp, labels), "b": (flat, labels)}
    found = infotheory.compare_classifiers(models, interval=None).test("a", "b", "gamma")
    assert found.statistic == math.inf or abs(found.statistic) > 1e12
    assert found.p_value < 1e-12
    assert found.low == pytest.approx(found.difference)


@given(st.integers(0, 2**32 - 1), st.sampled_from(QUANTITIES))
def test_exchanging_the_models_changes_the_sign(seed: int, quantity: str) -> None:
    comparison = two(seed, sizes=(6, 5, 7), k=3)[1]
    one, other = comparison.test("a", "b", quantity), comparison.test("b", "a", quantity)
    assert one.difference == -other.difference
    assert one.bias == -other.bias
    assert one.p_value == pytest.approx(other.p_value, rel=1e-12)
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))


def test_the_order_of_rows_does_not_matter() -> None:
    models, comparison = two()
    order = np.random.default_rng(1).permutation(22)
    turned = {name: (z[order], y[order]) for name, (z, y) in models.items()}
    other = infotheory.compare_classifiers(turned, interval=None)
    for quantity in QUANTITIES:
        one, two_ = comparison.test("a", "b", quantity), other.test("a", "b", quantity)
        assert one.p_value == pytest.approx(two_.p_value, rel=1e-9)
        assert one.low == pytest.approx(two_.low, rel=1e-9)


def test_units_scale_the_difference_and_not_the_test() -> None:
    nats, bits = two()[1], two(base=2)[1]
    for quantity in QUANTITIES:
        unit = math.log(2) if quantity in ("cmi", "gamma") else 1.0
        one, other = nats.test("a", "b", quantity), bits.test("a", "b", quantity)
        for name in ("difference", "low", "high", "standard_error", "bias"):
            got = getattr(other, name) * unit
            assert got == pytest.approx(getattr(one, name), rel=1e-12, abs=1e-15), name
        assert other.p_value == pytest.approx(one.p_value, rel=1e-12)


def test_the_bias_is_that_of_the_intervals_where_there_are_any() -> None:
    _, comparison = two(sizes=(30, 40, 30), k=3, interval="jackknife")
    for quantity in ("cmi", "ncmi"):
        a, b = (comparison.reports[name].intervals[quantity].bias for name in "ab")
        assert comparison.test("a", "b", quantity).bias == a - b
        assert a < 0 > b
    assert comparison.test("a", "b", "gamma").bias == 0.0


def test_the_bias_to_first_order_is_that_of_the_jackknife() -> None:
    models, comparison = two(sizes=(6, 5, 7), k=3)
    biases = []
    for name in "ab":
        values = oracle.Rows(*models[name]).contributions("cmi")
        biases.append(comparison.reports[name].cmi - math.fsum(values) / 18)
    assert comparison.test("a", "b", "cmi").bias == pytest.approx(biases[0] - biases[1], rel=1e-9)


def test_the_level_of_the_interval() -> None:
    found = two(level=0.9)[1].test("a", "b", "gamma")
    reach = (found.high - found.low) / 2
    assert oracle.two_sided_t(reach / found.standard_error, found.df) == pytest.approx(0.1)
    assert found.level == 0.9


def test_a_test_in_print() -> None:
    found = two()[1].test("a", "b")
    assert str(found).startswith(f"ncmi of a less b: {found.difference:.6g} [{found.low:.6g}, ")
    assert f"p = {found.p_value:.3g} (paired t, jackknife, 22 rows)" in str(found)


def test_the_size_of_the_test_with_four_rows_in_a_class() -> None:
    """Models that are alike are found different in 5 % of 200 cases: more than 22 has p < 2e-4.

    With the variance of the divergences themselves it is 22 %, some 44 cases.
    """
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(50), 4)
    found = 0
    for _ in range(200):
        shared = 4 * np.eye(50)[labels] + 0.7 * rng.normal(size=(200, 50))
        hard = 0.5 * np.exp(0.7 * rng.normal(size=(200, 1)))
        models = {name: (shared + hard * rng.normal(size=(200, 50)), labels) for name in "ab"}
        comparison = infotheory.compare_classifiers(models, interval=None)
        found += comparison.test("a", "b").p_value < 0.05
    assert 1 <= found <= 22


# --------------------------------------------------------------------- covariance and Holm


def test_the_covariance_of_one_column_is_its_stratified_variance() -> None:
    rng = np.random.default_rng(0)
    labels = labels_of_sizes([5, 1, 9, 3], rng)
    values = rng.normal(size=(18, 3))
    got = stratified_covariance(values, labels)
    for i in range(3):
        for j in range(3):
            variances = [
                oracle.stratified(column.tolist(), labels.tolist())[0]
                for column in (values[:, i] + values[:, j], values[:, i] - values[:, j])
            ]
            assert got[i, j] == pytest.approx((variances[0] - variances[1]) / 4, abs=1e-15)


def test_holm_known_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    got = holm([0.02, math.nan, 0.01])
    assert got[0] == got[2] == 0.02
    assert math.isnan(got[1])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_one_after_the_other(p_values: list[float]) -> None:
    """By the definition: the smallest at alpha / m, then at alpha / (m - 1), until one stays."""
    adjusted = holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for step, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
            if p_values[i] * (len(p_values) - step) > alpha:
                break
            rejected.add(i)
        assert {i for i, p in enumerate(adjusted) if p <= alpha} == rejected


# ---------------------------------------------------------------------------------- refusals


def test_models_on_other_rows_are_refused() -> None:
    (z, y), *_ = two()[0].values()
    other = y.copy()
    other[[3, 5]] = (other[[3, 5]] + 1) % 4
    models = {"a": (z, y), "b": (z, other), "c": (z[:-1], y[:-1])}
    comparison = infotheory.compare_classifiers(models, interval=None)
    message = (
        "models must be measured on the same rows for a paired test; "
        f"got label {y[3]} for 'a' and {other[3]} for 'b' at row 3"
    )
    with pytest.raises(ValueError, match=message):
        comparison.test("a", "b")
    with pytest.raises(ValueError, match="got 22 rows for 'a' and 21 for 'c'"):
        comparison.test("a", "c")
    with pytest.raises(ValueError, match="on the same rows"):
        comparison.tests()


def test_unknown_names_and_quantities_are_refused() -> None:
    comparison = two()[1]
    with pytest.raises(ValueError, match="first must be one of 'a', 'b'; got 'x'"):
        comparison.test("x", "b")
    with pytest.raises(ValueError, match="second must be one of 'a', 'b'; got 'x'"):
        comparison.test("a", "x")
    for call in (lambda: comparison.test("a", "b", "ece"), lambda: comparison.tests("ece")):
        with pytest.raises(ValueError, match="quantity must be one of 'ncmi', 'cmi', 'gamma', 'e"):
            call()


def test_what_is_not_finite_is_refused() -> None:
    (z, y), *_ = two()[0].values()
    masked = z.copy()
    masked[0, (y[0] + 1) % 4] = -math.inf
    models = {"a": (z, y), "odd": (masked, y)}
    comparison = quietly(infotheory.compare_classifiers, models, interval=None)
    for quantity in ("ncmi", "gamma"):
        message = f"{quantity} of 'odd' must be finite for a test; got an infinite Gamma. Measure"
        with pytest.raises(ValueError, match=message):
            comparison.test("a", "odd", quantity)
    assert comparison.test("a", "odd", "cmi").n == 22
    features = {"a": (z[:, :3], y), "b": (z[:, 1:], y)}
    comparison = quietly(infotheory.compare_classifiers, features, n_classes=4, interval=None)
    with pytest.raises(ValueError, match="error of 'a' must be finite for a test; got nan"):
        comparison.test("a", "b", "error")


def test_single_rows_are_refused() -> None:
    z = np.random.default_rng(0).normal(size=(3, 3))
    models = {"a": (z, [0, 1, 2]), "b": (2 * z, [2, 1, 0][::-1])}
    comparison = infotheory.compare_classifiers(models, interval=None)
    with pytest.raises(ValueError, match="labels must be such that some class has two rows"):
        comparison.test("a", "b")
