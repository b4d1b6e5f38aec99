"""Theorems about CMI, Gamma and NCMI; each docstring is the statement.

Numbered as the properties of "CMI constrained deep learning". Probabilities reach e^-120, so
values of Gamma reach 120 and rounding of a few eps in a logit moves it by some 1e-13.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from classifiers.strategies import (
    Case,
    any_cases,
    logit_cases,
    looks_like_probabilities,
    probability_cases,
)
from classifiers.support import measure, quietly
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import classifiers as oracle
from oracles import classifiers_large as large

import infotheory

TINY = 1e-13
SLACK = 1e-11


def of(case: Case, **options: Any) -> infotheory.NCMIReport:
    return measure(case.outputs, case.labels, **(case.options | options))


def class_weights(case: Case) -> Any:
    return np.bincount(case.labels, minlength=case.n_classes) / len(case.labels)


@given(any_cases())
def test_1_concentration_is_non_negative_and_an_entropy_difference(case: Case) -> None:
    """CMI_y >= 0, CMI = sum_y p_y CMI_y, and CMI_y = H(Q_y) - mean H(P_i)."""
    report = of(case)
    table, weights = report.per_class, class_weights(case)
    p, _ = large.distributions(case.outputs, case.kind)
    seen = weights > 0
    assert (table["cmi"].to_numpy()[seen] >= 0).all()
    assert abs(float(weights[seen] @ table["cmi"].to_numpy()[seen]) - report.cmi) <= TINY
    for c in np.flatnonzero(seen):
        rows = p[case.labels == c]
        mean_entropy = math.fsum(oracle.entropy(row) for row in rows.tolist()) / len(rows)
        difference = table["centroid_entropy"].iloc[c] - mean_entropy
        assert abs(difference - table["cmi"].iloc[c]) <= TINY


@given(any_cases(min_rows=2))
def test_1_concentration_vanishes_exactly_for_equal_rows(case: Case) -> None:
    """CMI_y = 0 if all rows of the class are equal, and CMI_y > 0 if two of them differ."""
    first = np.array([np.flatnonzero(case.labels == c)[0] for c in case.labels])
    equal = case.but(outputs=case.outputs[first])
    assume(case.kind == "probs" or not looks_like_probabilities(equal.outputs))
    assert 0.0 <= of(equal).cmi <= TINY
    p, _ = large.distributions(case.outputs, case.kind)
    # Each row alone gives n CMI >= D(P_i||Q) >= |P_i - Q|_1^2 / 2 (Pinsker).
    spread = max(
        float(np.abs(p[i] - p[case.labels == case.labels[i]].mean(axis=0)).sum())
        for i in range(len(p))
    )
    assert of(case).cmi >= spread**2 / 2 / len(p) - TINY


@given(any_cases())
def test_2_chain_rule(case: Case) -> None:
    """CMI + I(Y;Yhat) = I(X;Yhat); CMI <= I(X;Yhat) <= ln K and CMI <= H(Yhat|Y) <= ln K."""
    report = of(case)
    log_k = math.log(report.n_outputs)
    assert abs(report.cmi + report.label_information - report.mutual_information) <= TINY
    assert -TINY <= report.label_information
    assert report.cmi <= report.mutual_information + TINY
    assert report.mutual_information <= log_k + TINY
    entropies = np.nan_to_num(report.per_class["centroid_entropy"].to_numpy())
    conditional = float(class_weights(case) @ entropies)
    assert report.cmi <= conditional + TINY
    assert conditional <= log_k + TINY
    # Information about the label is at most the entropy of the label.
    label_entropy = oracle.entropy(class_weights(case).tolist())
    assert report.label_information <= label_entropy + TINY


@given(any_cases(), st.integers(0, 2**32 - 1))
def test_3_surrogate_is_an_upper_bound_with_a_known_gap(case: Case, seed: int) -> None:
    """(1/n) sum D(P_i||Q~_{y_i}) = CMI + sum_c p_c D(Q_c||Q~_c) >= CMI for any Q~ > 0."""
    rng = np.random.default_rng(seed)
    p, _ = large.distributions(case.outputs, case.kind)
    dummy = rng.dirichlet(np.full(p.shape[1], 2.0), case.n_classes) + 1e-9
    dummy /= dummy.sum(axis=1, keepdims=True)
    surrogate = large.surrogate(p, case.labels, dummy)
    value = of(case).cmi
    weights = class_weights(case)
    seen = weights > 0
    q = large.centroids(p, case.labels, case.n_classes)[seen]
    gap = float(weights[seen] @ large.divergences(q, dummy[seen]))
    assert abs(surrogate - gap - value) <= SLACK
    assert surrogate >= value - SLACK


@given(any_cases())
def test_4_separation_is_the_sum_over_pairs(case: Case) -> None:
    """Gamma = n^-2 sum over pairs with different labels of H(P_i, P_j), by brute force."""
    report = of(case)
    exact = oracle.measure(case.outputs, case.labels, **case.options)
    assert abs(report.gamma - exact.gamma) <= SLACK
    assert abs(report.gamma_kl - exact.gamma_kl) <= SLACK
    np.testing.assert_allclose(report.separation, exact.separation, rtol=1e-12, atol=SLACK)


@given(any_cases())
def test_4_separation_is_linear_in_its_first_argument(case: Case) -> None:
    """Gamma = (1/n) sum_j sum_{c != y_j} p_c H(Q_c, P_j) >= sum_{a != b} p_a p_b H(Q_a, Q_b)."""
    report = of(case)
    p, logs = large.distributions(case.outputs, case.kind)
    weights = class_weights(case)
    q = np.nan_to_num(large.centroids(p, case.labels, case.n_classes))
    to_rows = -(q @ logs.T) * weights[:, None]
    to_rows[case.labels, np.arange(len(p))] = 0.0
    assert abs(float(to_rows.sum()) / len(p) - report.gamma) <= SLACK
    seen = np.flatnonzero(weights)
    between = -(q[seen] @ np.log(q[seen]).T) * np.outer(weights[seen], weights[seen])
    assert report.gamma >= between.sum() - np.trace(between) - SLACK


@given(any_cases())
def test_4_separation_splits_into_divergence_and_entropy(case: Case) -> None:
    """Gamma >= Gamma_KL >= 0, and Gamma = Gamma_KL + (1/n) sum_i (1 - p_{y_i}) H(P_i)."""
    report = of(case)
    p, _ = large.distributions(case.outputs, case.kind)
    others = 1.0 - class_weights(case)[case.labels]
    own = math.fsum(w * oracle.entropy(row) for w, row in zip(others, p.tolist(), strict=True))
    assert -SLACK <= report.gamma_kl <= report.gamma + SLACK
    assert abs(report.gamma_kl + own / len(p) - report.gamma) <= SLACK


@given(any_cases(), st.data())
def test_5_rows_labels_and_columns_may_be_permuted(case: Case, data: st.DataObject) -> None:
    """CMI and Gamma see neither the order of rows, nor class names, nor column names."""
    before = of(case)
    rows = data.draw(st.permutations(range(len(case.labels))))
    names = np.array(data.draw(st.permutations(range(case.n_classes))))
    columns = data.draw(st.permutations(range(case.outputs.shape[1])))
    after = of(case.but(outputs=case.outputs[rows][:, columns], labels=names[case.labels[rows]]))
    assert abs(after.cmi - before.cmi) <= TINY
    assert abs(after.gamma - before.gamma) <= SLACK
    assert abs(after.gamma_kl - before.gamma_kl) <= SLACK


@given(any_cases(max_rows=8), st.integers(2, 12))
def test_5_duplicating_the_data_changes_nothing(case: Case, times: int) -> None:
    """CMI, Gamma and both mutual informations of k copies are those of one."""
    once = of(case)
    copies = case.but(
        outputs=np.repeat(case.outputs, times, axis=0), labels=np.repeat(case.labels, times)
    )
    many = of(copies)
    assert many.n == times * once.n
    for name in ("cmi", "gamma", "mutual_information", "label_information"):
        assert abs(getattr(many, name) - getattr(once, name)) <= SLACK


@given(logit_cases(), st.integers(0, 2**32 - 1))
def test_5_a_constant_added_to_a_row_of_logits_changes_nothing(case: Case, seed: int) -> None:
    """softmax(z + c) = softmax(z), so nothing in the report moves."""
    shifts = np.random.default_rng(seed).uniform(-100.0, 100.0, (len(case.labels), 1))
    moved = case.outputs + shifts
    # Adding rounds each logit to within eps/2 * 160, and Gamma moves by at most twice that
    # times (1 + ln K + the largest gap of 120).
    before, after = of(case), of(case.but(outputs=moved))
    assert abs(after.cmi - before.cmi) <= SLACK
    assert abs(after.gamma - before.gamma) <= SLACK


@given(any_cases())
def test_6_a_single_label_has_no_separation(case: Case) -> None:
    """One label present: Gamma = 0, I(Y;Yhat) = 0, NCMI undefined with the reason stated."""
    report = of(case.but(labels=np.full_like(case.labels, case.labels[0])))
    assert report.gamma == 0.0
    assert abs(report.label_information) <= TINY
    assert math.isnan(report.ncmi)
    assert report.warnings


@given(any_cases())
def test_7_merging_two_labels(case: Case) -> None:
    """Giving two labels one name: CMI does not decrease, Gamma does not increase."""
    assume(case.present >= 2)
    one, other = np.unique(case.labels)[:2]
    before = of(case)
    after = of(case.but(labels=np.where(case.labels == one, other, case.labels)))
    assert after.cmi >= before.cmi - TINY
    assert after.gamma <= before.gamma + SLACK


@given(probability_cases(min_rows=2), st.data())
def test_8_averaging_two_rows_of_a_class(case: Case, data: st.DataObject) -> None:
    """Replacing two rows of a class by their mean, twice: neither CMI nor Gamma increases."""
    shared = [c for c in np.unique(case.labels) if (case.labels == c).sum() > 1]
    assume(shared)
    i, j = np.flatnonzero(case.labels == data.draw(st.sampled_from(shared)))[:2]
    averaged = case.outputs.copy()
    averaged[[i, j]] = (case.outputs[i] + case.outputs[j]) / 2
    before, after = of(case), of(case.but(outputs=averaged))
    assert after.cmi <= before.cmi + TINY
    assert after.gamma <= before.gamma + SLACK


@given(probability_cases(zeros=True, min_outputs=3))
def test_9_adding_columns_together(case: Case) -> None:
    """Summing two columns (coarse-graining Yhat): neither CMI nor Gamma increases."""
    merged = case.outputs[:, 1:].copy()
    merged[:, 0] += case.outputs[:, 0]
    before, after = of(case), of(case.but(outputs=merged))
    assert after.cmi <= before.cmi + TINY
    assert after.gamma <= before.gamma + SLACK


@given(logit_cases(regimes=("ordinary", "ties"), min_rows=2))
def test_10_hot_limit(case: Case) -> None:
    """T -> infinity: T^2 CMI stays bounded and Gamma -> (1 - sum p_c^2) ln K."""
    hot = 1e4
    report = of(case, temperature=hot)
    # Logits lie in [-5, 5], so every ln P is within 10/T of -ln K, all log ratios P/Q are below
    # 20/T in size, and D(P||Q) <= chi-squared <= (e^(20/T) - 1)^2.
    assert report.cmi <= (math.expm1(20 / hot)) ** 2 + TINY
    limit = (1.0 - float((class_weights(case) ** 2).sum())) * math.log(report.n_outputs)
    assert abs(report.gamma - limit) <= 10 / hot


@given(logit_cases(regimes=("ordinary",), min_rows=2))
def test_10_cold_limit(case: Case) -> None:
    """T -> 0 without ties: CMI -> H(argmax|Y), and Gamma grows like 1/T or vanishes."""
    winners = case.outputs.argmax(axis=1)
    n, k = case.outputs.shape
    gap, cold = 0.05, 1e-3
    z = case.outputs.copy()
    z[np.arange(n), winners] += gap
    assume(not looks_like_probabilities(z))
    report = of(case.but(outputs=z), temperature=cold)
    conditional = 0.0
    for c in np.unique(case.labels):
        votes = np.bincount(winners[case.labels == c], minlength=k)
        conditional += votes.sum() / n * oracle.entropy((votes / votes.sum()).tolist())
    # Every row is one-hot up to K e^(-gap/T) <= 7 e^-50.
    assert abs(report.cmi - conditional) <= SLACK
    apart = (case.labels[:, None] != case.labels) & (winners[:, None] != winners)
    assert report.gamma * cold >= gap * apart.sum() / n**2 * (1 - 1e-9)
    if not apart.any():
        assert report.gamma <= SLACK


def test_10_concentration_error_may_rise_before_it_falls() -> None:
    """CMI is not monotone in T: for a confident net it first rises with the temperature."""
    rng = np.random.default_rng(3)
    y = np.arange(300) % 3
    z = 12.0 * np.eye(3)[y] + 2.0 * rng.normal(size=(300, 3))
    values = [measure(z, y, temperature=t).cmi for t in (1.0, 3.0, 100.0)]
    assert values[0] < values[1] > values[2]


@given(any_cases(min_rows=2), st.data())
def test_11_parts_add_up_to_the_whole(case: Case, data: st.DataObject) -> None:
    """Accumulators of the parts of a data set, merged, give the report of the whole."""
    cut = data.draw(st.integers(1, len(case.labels) - 1))
    for part in (case.outputs[:cut], case.outputs[cut:]):
        assume(case.kind == "probs" or not looks_like_probabilities(part))
    parts = [infotheory.NCMIAccumulator(case.n_classes) for _ in range(2)]
    parts[0].update(case.outputs[:cut], case.labels[:cut], kind=case.kind)
    parts[1].update(case.outputs[cut:], case.labels[cut:], kind=case.kind)
    merged, whole = quietly((parts[0] + parts[1]).report), of(case)
    assert merged.n == whole.n
    for name in ("cmi", "gamma", "gamma_kl", "mutual_information", "label_information"):
        assert abs(getattr(merged, name) - getattr(whole, name)) <= SLACK


def directional(case: Case, direction: Any, name: str, step: float) -> float:
    """Central difference of a library value along a direction of logit space."""
    ahead = of(case.but(outputs=case.outputs + step * direction))
    behind = of(case.but(outputs=case.outputs - step * direction))
    return float((getattr(ahead, name) - getattr(behind, name)) / (2 * step))


# Central differences with step h err by h^2/6 times a third derivative and by the rounding of the
# values over h. Logits in [-5, 5] and a direction of unit length keep the derivative below some
# 100 and the rounding below 1e-14: with h = 1e-5 that is 2e-9 and 1e-9.
STEP, DERIVATIVE_SLACK = 1e-5, 1e-8


@given(logit_cases(regimes=("ordinary", "ties"), min_rows=2), st.integers(0, 2**32 - 1))
def test_12_the_envelope_theorem(case: Case, seed: int) -> None:
    """The gradient of CMI with the centroid held constant is the true gradient of CMI."""
    direction = np.random.default_rng(seed).normal(size=case.outputs.shape)
    direction /= np.linalg.norm(direction)
    gradient = large.cmi_gradient(case.outputs, case.labels, case.n_classes)
    measured = directional(case, direction, "cmi", STEP)
    assert abs(measured - float((gradient * direction).sum())) <= DERIVATIVE_SLACK


@given(logit_cases(regimes=("ordinary", "ties"), min_rows=2), st.integers(0, 2**32 - 1))
def test_12_the_gradient_of_the_separation(case: Case, seed: int) -> None:
    """d Gamma / d logits through both arguments of the cross entropy."""
    direction = np.random.default_rng(seed).normal(size=case.outputs.shape)
    direction /= np.linalg.norm(direction)
    gradient = large.gamma_gradient(case.outputs, case.labels)
    measured = directional(case, direction, "gamma", STEP)
    assert abs(measured - float((gradient * direction).sum())) <= DERIVATIVE_SLACK


@given(logit_cases(regimes=("ordinary", "ties"), square=True, min_rows=2), st.data())
def test_13_gradients_sum_to_zero_over_the_columns(case: Case, data: st.DataObject) -> None:
    """Along a constant added to one row, CE, CMI and Gamma have derivative zero."""
    row = data.draw(st.integers(0, len(case.labels) - 1))
    direction = np.zeros_like(case.outputs)
    direction[row] = 1.0
    for gradient in (
        large.cmi_gradient(case.outputs, case.labels, case.n_classes),
        large.gamma_gradient(case.outputs, case.labels),
    ):
        assert np.abs(gradient.sum(axis=1)).max() <= TINY
    for name in ("cmi", "gamma", "cross_entropy"):
        # A step of 3/8, so that whole numbers do not become rows that sum to one.
        assert abs(directional(case, direction, name, 0.375)) <= SLACK


@given(logit_cases(masked=True), st.sampled_from(["logits", "probs"]))
def test_infinite_separation_is_decided_exactly(case: Case, kind: str) -> None:
    """Gamma = inf if and only if one class has a zero where another class has mass."""
    if kind == "probs":
        p, _ = large.distributions(case.outputs)
        case = case.but(outputs=p / p.sum(axis=1, keepdims=True), kind="probs")
        zero = case.outputs == 0
    else:
        zero = np.isneginf(case.outputs)
    different = case.labels[:, None] != case.labels
    clash = (zero[:, None, :] & ~zero[None, :, :]).any(axis=2) & different
    report = of(case)
    assert math.isinf(report.gamma) == bool(clash.any())
    assert report.zeros == int(zero.sum())
    if clash.any():
        assert report.ncmi == 0.0
        assert report.warnings


@given(logit_cases(regimes=("ordinary", "ties"), square=True))
def test_error_is_bounded_by_cross_entropy(case: Case) -> None:
    """error <= CE / ln 2: a wrong argmax leaves the label at most one half."""
    report = of(case)
    assert report.error <= report.cross_entropy / math.log(2) + TINY
    assert report.top5_error <= report.error
