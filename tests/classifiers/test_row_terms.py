"""Terms of single samples: divergences from the centroid, and influence functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.strategies import Case, logit_cases
from classifiers.support import clustered_logits, measure
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import classifiers_large as large
from oracles import resampling

import infotheory
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.quantities import finish
from infotheory.classifiers.row_terms import row_terms, stratified_variance

K = 4


def data(n: int = 30, seed: int = 0, spread: float = 1.0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % K)
    return clustered_logits(rng, y, K, 1.0, spread), y, rng.exponential(size=n) + 0.1


def terms_of(z: Any, y: Any, weights: Any = None, classes: int = K, **options: Any) -> Any:
    sums = class_sums(z, y, classes, weights=weights, **options)
    return row_terms(sums, z, y, options.get("kind", "logits"), options.get("temperature", 1.0),
                     options.get("smoothing", 0.0))  # fmt: skip


@pytest.mark.parametrize("use_weights", [False, True])
@pytest.mark.parametrize("options", [{}, {"temperature": 2.0}, {"smoothing": 0.1}])
def test_against_the_definitions(use_weights: bool, options: Any) -> None:
    z, y, weights = data()
    weights = weights if use_weights else None
    terms = terms_of(z, y, weights, **options)
    samples = resampling.Samples(z, y, weights, **options)
    np.testing.assert_allclose(terms.divergence, samples.divergences(), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(terms.separation, samples.separations(), rtol=1e-12)
    np.testing.assert_array_equal(terms.wrong, samples.wrong)


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_other_kinds(kind: str) -> None:
    z, y, _ = data()
    want = terms_of(z, y)
    rows = large.distributions(z)[0 if kind == "probs" else 1]
    for got, exact in zip(terms_of(rows, y, kind=kind), want, strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-11, atol=1e-14)


@given(
    logit_cases(regimes=("ordinary", "ties", "confident")),
    st.data(),
)
def test_means_of_the_terms(case: Case, drawn: Any) -> None:
    """The mean of D(P_i || Q_y) is CMI; that of the separations is twice Gamma.

    Gamma is bilinear in the class means of P and of ln P, so of degree two in them, and the
    separations are its derivatives by them: Euler's theorem.
    """
    n = len(case.labels)
    weights = drawn.draw(
        st.none() | hnp.arrays(np.float64, n, elements=st.sampled_from([0.25, 1.0, 2.0]))
    )
    sums = class_sums(case.outputs, case.labels, case.n_classes, weights=weights)
    terms = row_terms(sums, case.outputs, case.labels, "logits")
    quantities = finish(sums)
    # Logarithms reach 120 in size, each right to a few eps.
    assert np.average(terms.divergence, weights=weights) == pytest.approx(
        quantities.cmi, rel=1e-12, abs=1e-13
    )
    assert np.average(terms.separation, weights=weights) == pytest.approx(
        2 * quantities.gamma, rel=1e-12, abs=1e-13
    )
    assert (terms.divergence >= 0.0).all()
    if case.n_classes == case.outputs.shape[1]:
        assert np.average(terms.wrong, weights=weights) == pytest.approx(quantities.error)
    else:
        assert np.isnan(terms.wrong).all()


@pytest.mark.parametrize("use_weights", [False, True])
def test_influence_functions_are_derivatives(use_weights: bool) -> None:
    """Raise the weight of one row by a little, class shares held, and see what changes.

    d CMI / d w_i = (p_c / W_c) (D_i - CMI_c), and the same for Gamma with the separations and for
    NCMI with (D_i - NCMI g_i) / Gamma. A central difference with step h w errs by O(h^2) = 1e-8.
    """
    z, y, weights = data(24)
    if not use_weights:
        weights = np.ones(24)
    terms = terms_of(z, y, weights)
    samples = resampling.Samples(z, y, weights)
    cmi, gamma = samples.cmi(weights), samples.gamma(weights)
    influences = {
        "cmi": terms.divergence,
        "gamma": terms.separation,
        "ncmi": (terms.divergence - cmi / gamma * terms.separation) / gamma,
        "error": terms.wrong,
    }
    for row in (0, 7, 16, 23):
        moved = []
        step = 1e-4 * weights[row]
        for sign in (1.0, -1.0):
            w = list(weights)
            w[row] += sign * step
            c, g, e = samples.at(w)
            moved.append({"cmi": c, "gamma": g, "ncmi": c / g, "error": e})
        mates = y == y[row]
        for name, values in influences.items():
            slope = (moved[0][name] - moved[1][name]) / (2 * step)
            own = values[row] - np.average(values[mates], weights=weights[mates])
            want = own * samples.share[int(y[row])] / weights[mates].sum()
            assert slope == pytest.approx(want, rel=1e-6, abs=1e-10), (name, row)


def test_zeros_make_terms_infinite_where_they_must() -> None:
    """Class 0 excludes symbol 2, one row of class 1 too, class 2 never."""
    p = np.array(
        [[0.6, 0.4, 0.0], [0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]
    )
    y = np.array([0, 0, 1, 1, 2])
    sums = class_sums(p, y, 3, kind="probs")
    terms = row_terms(sums, p, y, "probs")
    assert np.isfinite(terms.divergence).all()
    samples = resampling.Samples(p, y, kind="probs")
    np.testing.assert_allclose(terms.divergence, samples.divergences(), rtol=1e-12, atol=1e-15)
    want = samples.separations()
    assert want[2] == math.inf  # it excludes what class 2 has, and half of class 1
    np.testing.assert_allclose(terms.separation, want, rtol=1e-12)
    # A new row of class 0 has mass where its centroid has none.
    new = row_terms(sums, np.array([[0.3, 0.3, 0.4]]), np.array([0]), "probs")
    assert new.divergence[0] == math.inf
    # What some rows of a class exclude is no matter to the others of that class.
    p[:2] = (0.5, 0.4, 0.1), (0.7, 0.2, 0.1)
    terms = row_terms(class_sums(p, y, 3, kind="probs"), p, y, "probs")
    want = resampling.Samples(p, y, kind="probs").separations()
    assert [math.isinf(value) for value in want] == [True, True, True, False, True]
    np.testing.assert_allclose(terms.separation, want, rtol=1e-12)
    # Where no class has mass at a symbol, excluding it is no matter.
    p[:, 2] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    p[4] = 0.3, 0.7, 0.0
    terms = row_terms(class_sums(p, y, 3, kind="probs"), p, y, "probs")
    samples = resampling.Samples(p, y, kind="probs")
    np.testing.assert_allclose(terms.separation, samples.separations(), rtol=1e-12)
    assert np.isfinite(terms.separation).all()


def test_a_refused_row_is_numbered_over_all_blocks() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 700))
    sums = class_sums(z, np.zeros(300, np.int64), 700)
    z[210, 3] = math.nan
    with pytest.raises(ValueError, match="nan at row 1210, column 3"):
        row_terms(sums, z, np.zeros(300, np.int64), "logits", first_row=1000)


# ------------------------------------------------------------------------------ sample divergences


@pytest.mark.parametrize("base", [None, 2.0])
@pytest.mark.parametrize("options", [{}, {"temperature": 3.0, "smoothing": 0.2}])
def test_sample_divergences_of_the_rows_and_of_others(base: Any, options: Any) -> None:
    z, y, weights = data()
    report = measure(z, y, sample_weight=weights, base=base, **options)
    got = report.sample_divergences(z, y)
    samples = resampling.Samples(z, y, weights, **options)
    unit = 1.0 if base is None else math.log(2)
    np.testing.assert_allclose(got * unit, samples.divergences(), rtol=1e-11, atol=1e-14)
    assert np.average(got, weights=weights) == pytest.approx(report.cmi, rel=1e-12)

    new, labels, _ = data(seed=5)
    rows = large.distributions(new)[0]
    p, _ = large.distributions(new, "logits", **options)
    q = np.array([np.average(large.distributions(z, "logits", **options)[0][y == c], axis=0,
                             weights=weights[y == c]) for c in range(K)])  # fmt: skip
    want = large.divergences(p, q[labels]) / unit
    np.testing.assert_allclose(report.sample_divergences(new, labels), want, rtol=1e-11)
    by_probs = report.sample_divergences(rows, labels, kind="probs")
    np.testing.assert_allclose(by_probs, want, rtol=1e-10, atol=1e-14)


def test_wrong_labels_stand_out() -> None:
    z, y, _ = data(60, spread=0.3)
    wrong = y.copy()
    wrong[17] = (y[17] + 1) % K
    divergence = measure(z, wrong).sample_divergences(z, wrong)
    assert divergence.argmax() == 17


def test_sample_divergences_of_features() -> None:
    z, y, _ = data()
    report = measure(z, y % 2, n_classes=3)
    assert report.sample_divergences(z, y % 2).mean() == pytest.approx(report.cmi, rel=1e-12)


def test_refused_samples() -> None:
    z, y, _ = data()
    report = measure(z, y % 3)
    with pytest.raises(ValueError, match="kind must be one of 'logits', 'probs', 'log_probs'"):
        report.sample_divergences(z, y % 3, kind="scores")
    with pytest.raises(ValueError, match="outputs must be rows of 4 symbols; got 3 columns"):
        report.sample_divergences(z[:, :3], y % 3)
    with pytest.raises(ValueError, match=r"outputs must be logits .*Pass kind='probs'"):
        report.sample_divergences(large.distributions(z)[0], y % 3)
    with pytest.raises(ValueError, match=r"labels must have one entry per row of outputs \(30\)"):
        report.sample_divergences(z, y[:3])
    with pytest.raises(
        ValueError,
        match=r"labels must be classes that have samples in the report; got 3 at row \d+\. A class",
    ):
        report.sample_divergences(z, y)
    bad = z.copy()
    bad[6, 2] = math.nan
    with pytest.raises(ValueError, match="nan at row 6, column 2"):
        report.sample_divergences(bad, y % 3)


# ------------------------------------------------------------------------------ variance of a mean


@pytest.mark.parametrize("use_weights", [False, True])
def test_variance_against_loops(use_weights: bool) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 3, 4], [10, 1, 2, 25])
    values = rng.normal(size=labels.size) * (labels + 1.0)
    weights = rng.exponential(size=labels.size) if use_weights else None
    got = stratified_variance(values, labels, weights)
    every = [1.0] * labels.size if weights is None else weights.tolist()
    want = resampling.variance_within_classes(values.tolist(), labels.tolist(), every)
    assert got == pytest.approx(want, rel=1e-12)


def test_variance_of_one_class_is_that_of_a_mean() -> None:
    values = np.array([1.0, 2.0, 4.0, 9.0])
    variance, freedom = stratified_variance(values, np.zeros(4, np.int64))
    assert variance == pytest.approx(values.var(ddof=1) / 4, rel=1e-15)
    assert freedom == pytest.approx(3.0, rel=1e-15)
    # Two like classes: half the variance each, and the degrees of freedom add.
    variance, freedom = stratified_variance(np.r_[values, values + 5.0], np.repeat([0, 1], 4))
    assert variance == pytest.approx(values.var(ddof=1) / 8, rel=1e-14)
    assert freedom == pytest.approx(6.0, rel=1e-14)


def test_no_variance() -> None:
    """Single samples, and equal ones."""
    assert stratified_variance(np.array([1.0, 5.0]), np.array([0, 1])) == (0.0, 0.0)
    assert stratified_variance(np.ones(5), np.array([0, 0, 1, 1, 1])) == (0.0, 3.0)


def test_tiny_and_huge_terms_have_degrees_of_freedom() -> None:
    values = np.array([1.0, 2.0, 4.0, 9.0, 3.0])
    labels = np.array([0, 0, 0, 1, 1])
    _, want = stratified_variance(values, labels)
    for unit in (1e-90, 1e90):  # the square of a variance would be nothing, or infinite
        variance, freedom = stratified_variance(unit * values, labels)
        assert freedom == pytest.approx(want, rel=1e-12)
        assert 0.0 < variance < math.inf


def test_the_terms_vary_as_samples_do() -> None:
    """The standard error by influence functions is the spread over many samples.

    400 samples of 200 rows: their standard deviation is right to 1/sqrt(800) = 3.5 %; four of
    these, and 4 % for what is left of second order at 50 rows a class.
    """
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(K), 50)
    gammas, cmis, spreads = [], [], []
    centres = np.random.default_rng(1).normal(size=(K, K))
    for _ in range(400):
        z = centres[y] + rng.normal(size=(200, K))
        report = infotheory.measure_classifier(z, y)
        gammas.append(report.gamma)
        cmis.append(report.cmi)
        if len(spreads) < 20:
            terms = row_terms(report.sums, z, y, "logits")
            spreads.append([stratified_variance(t, y)[0] for t in terms[:2]])
    cmi_error, gamma_error = np.sqrt(np.mean(spreads, axis=0))
    assert np.std(gammas) == pytest.approx(gamma_error, rel=0.18)
    assert np.std(cmis) == pytest.approx(cmi_error, rel=0.18)
