"""The loss of CMI fine-tuning: the worked example of the method, its laws, its gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning.language.worked_example import (
    CLOSE,
    DUMMY,
    FEATURES,
    HEAD,
    LABELS,
    PRINTED,
    example,
    labels_of,
    loss_of,
    number,
    tensor,
    terms,
)
from oracles import training as oracle
from oracles.classifiers import mean_row, softmax_row

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

# ------------------------------------------------------------------------------------ known values


def test_centroids_of_the_worked_example() -> None:
    _, y, h = example()
    criterion = loss_of(centroid="epoch").fit([(h[:3], y[:3]), (h[3:], y[3:])])
    want = [
        (0.419896500378958, 0.095063156160390, 0.241340457747306, 0.243699885713346),
        (0.123072705109519, 0.383348931376485, 0.238182362071569, 0.255396001442427),
    ]
    np.testing.assert_allclose(criterion.centroids.numpy(), want, rtol=0, atol=PRINTED)
    assert criterion.seen.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("role", "want"), [("student", 0.1748748473297776), ("teacher", 0.1688203124165043)]
)
@pytest.mark.parametrize("centroid", ["batch", "epoch", "frozen", "ema"])
def test_objectives_of_the_worked_example(role: str, want: float, centroid: str) -> None:
    z, y, h = example()
    criterion = loss_of(role=role, centroid=centroid)
    if centroid != "batch":
        criterion.fit([(h, y)])
    assert number(criterion(z, y, h)) == pytest.approx(want, abs=PRINTED)
    found = terms(criterion)
    assert found["cross_entropy"] == pytest.approx(0.1718475798731409, abs=PRINTED)
    assert found["cmi"] == pytest.approx(0.0302726745663667, abs=PRINTED)
    assert found["surrogate"] == pytest.approx(0.0302726745663667, abs=PRINTED)
    norms = [math.hypot(*row) for row in FEATURES]
    assert found["feature_norm"] == pytest.approx(math.fsum(norms) / 5, rel=CLOSE)


def test_surrogate_by_dummy_centroids() -> None:
    z, y, h = example()
    criterion = loss_of(centroid="frozen").set_centroids(DUMMY)
    criterion(z, y, h)
    assert terms(criterion)["surrogate"] == pytest.approx(0.0332847145018862, abs=PRINTED)
    assert terms(criterion)["cmi"] == pytest.approx(0.0302726745663667, abs=PRINTED)


def test_gamma_of_features_and_cmi_of_outputs() -> None:
    z, y, h = example()
    criterion = loss_of(beta=0.25, centroid="batch")
    value = number(criterion(z, y, h))
    assert terms(criterion)["gamma"] == pytest.approx(0.8156647815457536, abs=PRINTED)
    assert value == pytest.approx(0.1748748473297776 - 0.25 * 0.8156647815457536, abs=3 * PRINTED)
    outputs = loss_of(space="output", centroid="batch")
    value = number(outputs(z, y, h))
    assert terms(outputs)["cmi"] == pytest.approx(0.0265391455455855, abs=PRINTED)
    assert value == pytest.approx(0.1718475798731409 + 0.1 * 0.0265391455455855, abs=2 * PRINTED)
    assert "feature_norm" in terms(outputs)
    outputs(z, y)
    assert "feature_norm" not in terms(outputs)


@pytest.mark.parametrize(
    ("s", "want"), [(0.1, 0.0288818374148133), (0.01, 0.0285028844379592), (0.001, 0.02846281)]
)
def test_shrinking_the_features_satisfies_the_regulariser(s: float, want: float) -> None:
    """CMI(s h) is s^2 times the limit, so that the norm has to be watched."""
    z, y, h = example()
    criterion = loss_of(centroid="batch")
    criterion(z, y, h)
    before = terms(criterion)
    criterion(z, y, s * h)
    found = terms(criterion)
    # The sum of terms of order s that cancel to s^2 is rounded at 1e-16.
    assert found["cmi"] / s**2 == pytest.approx(want, abs=1e-15 / s**2 + 1e-12 + (s < 0.01) * 5e-9)
    assert found["cmi"] / s**2 == pytest.approx(0.0284583333333333, rel=0.2 * s)
    assert found["feature_norm"] == pytest.approx(s * before["feature_norm"], rel=CLOSE)


def test_reverse_channel_of_the_teacher() -> None:
    """Example F of the teacher's method, with its logits as features."""
    logits = [(2, 0, -1), (0.5, 1, 0), (0, 0, 0), (-1, 2, 0.5), (1, -0.5, 0.25)]
    h, y = tensor(logits), labels_of((0, 0, 1, 1, 2))
    rows = labels_of(range(5))
    criterion = loss_of(3, 1.0, 3, role="teacher", centroid="reverse", n_samples=5)
    criterion.fit([(h, y, rows)])
    criterion(h, y, h, rows=rows)
    assert terms(criterion)["surrogate"] == pytest.approx(terms(criterion)["cmi"], abs=CLOSE)
    criterion(h, y, 1.3 * h, rows=rows)
    assert terms(criterion)["surrogate"] == pytest.approx(0.1517924871434507, abs=PRINTED)
    assert terms(criterion)["cmi"] == pytest.approx(0.1584343880512710, abs=PRINTED)


def test_a_frozen_surrogate_of_a_teacher_grows_where_cmi_does_not() -> None:
    h, y = tensor([(1.0, 0.0, 0.0)] * 2), labels_of((0, 0))
    criterion = loss_of(3, 1.0, 2, role="teacher", centroid="frozen")
    criterion.set_centroids([(0.8, 0.1, 0.1)] * 2)
    criterion(tensor([(0.0, 0.0)] * 2), y, h)
    assert terms(criterion)["surrogate"] == pytest.approx(0.1292558808, abs=5e-11)
    assert terms(criterion)["cmi"] == 0.0


# ---------------------------------------------------------------------------------------- the laws


def divergence(p: Any, q: Any) -> float:
    return math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


@st.composite
def problems(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features in [-1, 1], logits and labels of at least two samples of three classes."""
    n, d = draw(st.integers(2, 8)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return rng.uniform(-1, 1, (n, d)), rng.normal(size=(n, 3)), rng.integers(0, 3, n)


def found_of(h: Any, z: Any, y: Any, **options: Any) -> tuple[float, dict[str, float]]:
    options = {"lam": 0.3, "centroid": "batch"} | options
    criterion = loss_of(len(h[0]), n_classes=3, **options)
    value = number(criterion(tensor(z), labels_of(y), tensor(h)))
    return value, terms(criterion)


@given(problem=problems(), temperature=st.sampled_from([1.0, 0.25, 3.0]))
def test_terms_are_those_of_slow_sums(problem: Any, temperature: float) -> None:
    h, z, y = problem
    value, found = found_of(h, z, y, beta=0.2, feature_temperature=temperature)
    want = {
        "cross_entropy": oracle.cross_entropy(z, y),
        "cmi": oracle.cmi(h / temperature, y),
        "gamma": oracle.gamma(h / temperature, y),
    }
    for name, each in want.items():
        assert found[name] == pytest.approx(each, abs=CLOSE)
    total = want["cross_entropy"] + 0.3 * want["cmi"] - 0.2 * want["gamma"]
    assert value == pytest.approx(total, abs=CLOSE)


@given(problem=problems())
def test_bounds(problem: Any) -> None:
    h, z, y = problem
    cmi = found_of(h, z, y)[1]["cmi"]
    rows = [softmax_row(row) for row in h]
    overall = mean_row(rows)
    c = 2 * math.e**2 / (math.e**2 - 1)
    assert c - 1 - math.log(c) == pytest.approx(0.474474647070527, abs=5e-16)
    information = math.fsum(divergence(f, overall) for f in rows) / len(rows)
    for most in (
        math.log(h.shape[1]),
        -math.fsum(a * math.log(a) for a in overall),
        information,
        c - 1 - math.log(c),
    ):
        assert -CLOSE <= cmi <= most + CLOSE
    # Chain rule: I(X; Z) = I(Y; Z) + I(X; Z | Y).
    centroids = oracle.centroids(h, y)
    between = math.fsum(divergence(centroids[label], overall) for label in y) / len(y)
    assert information == pytest.approx(between + cmi, abs=CLOSE)


@given(problem=problems(), shift=st.floats(-3, 3), seed=st.integers(0, 99))
def test_invariances(problem: Any, shift: float, seed: int) -> None:
    h, z, y = problem
    rng = np.random.default_rng(seed)
    want, _ = found_of(h, z, y)
    columns, order, names = rng.permutation(h.shape[1]), rng.permutation(len(h)), rng.permutation(3)
    for changed in (
        (h[:, columns], z, y),
        (h[order], z[order], y[order]),
        (h + shift, z, y),
        (h, z[:, np.argsort(names)], names[y]),
    ):
        assert found_of(*changed)[0] == pytest.approx(want, abs=CLOSE)


@given(problem=problems(), lam=st.floats(0, 3))
def test_affine_in_lam_and_both_roles_average_to_cross_entropy(problem: Any, lam: float) -> None:
    value, found = found_of(*problem, lam=lam)
    assert value == pytest.approx(found["cross_entropy"] + lam * found["cmi"], abs=CLOSE)
    teacher, _ = found_of(*problem, lam=lam, role="teacher")
    assert (value + teacher) / 2 == pytest.approx(found["cross_entropy"], abs=CLOSE)


@given(problem=problems(), seed=st.integers(0, 99))
def test_the_surrogate_is_cmi_and_the_drift_of_the_centroids(problem: Any, seed: int) -> None:
    h, z, y = problem
    old = np.random.default_rng(seed).dirichlet(np.ones(h.shape[1]), 3)
    criterion = loss_of(h.shape[1], n_classes=3, centroid="frozen").set_centroids(old)
    criterion(tensor(z), labels_of(y), tensor(h))
    new = oracle.centroids(h, y)
    drift = math.fsum(divergence(new[label], old[label]) for label in y) / len(y)
    found = terms(criterion)
    assert found["surrogate"] == pytest.approx(found["cmi"] + drift, rel=1e-9)
    assert found["surrogate"] == pytest.approx(oracle.surrogate(h, y, np.log(old)), rel=1e-9)


@given(problem=problems(), seed=st.integers(0, 99))
def test_reverse_bound_is_below(problem: Any, seed: int) -> None:
    h, z, y = problem
    rows = labels_of(range(len(h)))
    criterion = loss_of(h.shape[1], 0.7, 3, role="teacher", centroid="reverse", n_samples=len(h))
    criterion.fit([(tensor(h), labels_of(y), rows)])
    moved = h + np.random.default_rng(seed).normal(size=h.shape)
    value = number(criterion(tensor(z), labels_of(y), tensor(moved), rows=rows))
    found = terms(criterion)
    assert found["surrogate"] <= found["cmi"] + CLOSE
    assert value == pytest.approx(found["cross_entropy"] - 0.7 * found["surrogate"], abs=CLOSE)


# --------------------------------------------------------------------------------------- gradients


def test_the_gradient_by_the_features_is_the_closed_form() -> None:
    import torch

    _, y, h = example(grad=True)
    constant = torch.zeros(5, 2, dtype=torch.float64)
    loss_of(lam=1.0, centroid="batch")(constant, y, h).backward()
    centroids, want = oracle.centroids(FEATURES, LABELS), []
    for row, label in zip(FEATURES, LABELS, strict=True):
        f, g = softmax_row(row), centroids[label]
        own = divergence(f, g)
        want.append([a * (math.log(a / b) - own) / 5 for a, b in zip(f, g, strict=True)])
    np.testing.assert_allclose(h.grad, want, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    ("role", "centroid"),
    [
        ("student", "frozen"),
        ("student", "batch"),
        ("teacher", "frozen"),
        ("teacher", "batch"),
        ("teacher", "reverse"),
    ],
)
def test_gradients_are_those_of_the_value(role: str, centroid: str) -> None:
    import torch

    z, y, h = (each.detach() for each in example())
    rows = labels_of(range(5))
    n_samples = 5 if centroid == "reverse" else None
    criterion = loss_of(
        lam=0.7, role=role, centroid=centroid, feature_temperature=0.5, n_samples=n_samples
    )
    criterion.fit([(h + 0.3 * h.flip(1), y, rows)])

    def value(logits: Any, features: Any) -> Any:
        return criterion(logits, y, features, rows=rows)

    z.requires_grad_()
    h.requires_grad_()
    assert torch.autograd.gradcheck(value, (z, h))


def test_gradients_of_outputs() -> None:
    import torch

    z, y, _ = example()
    criterion = loss_of(lam=0.7, space="output", centroid="frozen")
    criterion.set_centroids([(0.3, 0.7), (0.6, 0.4)])
    assert torch.autograd.gradcheck(
        lambda logits: criterion(logits, y), z.detach().requires_grad_()
    )


def test_the_slope_of_gamma_is_that_of_its_first_argument() -> None:
    import torch

    from infotheory.learning.functional import gamma

    _, y, h = example(grad=True)
    flat = torch.zeros(5, 2, dtype=torch.float64)
    loss_of(lam=0.0, beta=0.5, centroid="batch")(flat, y, h).backward()
    other = h.detach().clone().requires_grad_()
    (-0.5 * gamma(other, y, n_classes=2, gradient="first")).backward()
    np.testing.assert_allclose(h.grad, other.grad, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("lam", [0.0, 0.1, 5.0])
def test_the_head_knows_nothing_of_lam(lam: float) -> None:
    head = tensor(HEAD, grad=True)
    h = tensor(FEATURES, grad=True)
    loss_of(lam=lam, centroid="batch")(h @ head, labels_of(), h).backward()
    alone = tensor(HEAD, grad=True)
    loss_of(lam=0.0, centroid="batch")(tensor(FEATURES) @ alone, labels_of(), h).backward()
    assert np.array_equal(head.grad, alone.grad)


def test_equal_features_of_a_class_pull_nowhere() -> None:
    h = tensor([(0.3, -0.2, 0.9), (0.3, -0.2, 0.9), (1.0, 0.0, 0.0)], grad=True)
    criterion = loss_of(3, 2.0, centroid="batch")
    criterion(tensor(np.zeros((3, 2))), labels_of((0, 0, 1)), h).backward()
    assert terms(criterion)["cmi"] == pytest.approx(0.0, abs=1e-16)
    np.testing.assert_allclose(h.grad, 0.0, atol=1e-16)


def test_without_weight_a_term_has_no_say() -> None:
    """Not even where features are no numbers: the loss is the cross entropy, exactly."""
    import torch

    z, y, h = example()
    broken = torch.full_like(h, math.nan)
    for space in ("feature", "output"):
        criterion = loss_of(lam=0.0, space=space, centroid="batch")
        want = torch.nn.functional.cross_entropy(z, y)
        assert number(criterion(z, y, broken)) == pytest.approx(number(want), abs=CLOSE)
