"""What CMI, Gamma and their kin as functions of logits obey, and awkward batches."""

from __future__ import annotations

import itertools
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning.class_batches import (
    CLOSE,
    FUNCTIONS,
    batches,
    call,
    example_b,
    gradient,
    labels_of,
    number,
    tensor,
)
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")


# -------------------------------------------------------------------------------------------- laws


@given(batches(least=2), st.integers(0, 2**32))
def test_the_gap_of_the_surrogate(batch: tuple[Any, Any], seed: int) -> None:
    """It is the mean divergence of the centroids from those given, so never negative."""
    logits, labels = tensor(batch[0]), labels_of(batch[1])
    k = logits.shape[1]
    dummy = tensor(np.random.default_rng(seed).normal(size=(k, k))).log_softmax(1)
    q = call("class_centroids")(logits, labels)
    met = q.counts > 0
    terms = (q.log_probs.exp() * (q.log_probs - dummy))[met].sum(1) * q.counts[met]
    gap = number(call("cmi")(logits, labels, dummy)) - number(call("cmi")(logits, labels))
    assert gap == pytest.approx(float(terms.sum()) / len(labels), abs=1e-12)
    assert gap >= -1e-13


@given(batches())
def test_nothing_flows_through_exact_centroids(batch: tuple[Any, Any]) -> None:
    """Envelope theorem: as PyTorch finds it through the means, and with the means held constant."""
    import torch

    z, labels = tensor(batch[0], grad=True), labels_of(batch[1])
    q = call("class_centroids")(z, labels).log_probs
    held = gradient(call("cmi")(z, labels, q), z)
    through = gradient(call("cmi")(z, labels, reduction="none").mean(), z)
    assert torch.allclose(held, through, atol=1e-13)
    assert torch.allclose(held, gradient(call("cmi")(z, labels), z), atol=1e-14)


@settings(max_examples=20)
@given(batches())
def test_the_bound_lies_below_and_is_tight(batch: tuple[Any, Any]) -> None:
    logits, labels = batch
    stored = tensor(logits, grad=True)
    after = tensor(logits + np.random.default_rng(3).normal(size=logits.shape))
    y = labels_of(labels)
    ratio = call("reverse_channel_log_ratio")(stored, y)
    lower = number(call("reverse_channel_bound")(after, ratio))
    want = oracle.reverse_bound(after.tolist(), labels.tolist(), logits.tolist())
    assert lower == pytest.approx(want, abs=1e-11)
    exact = number(call("cmi")(after, y))
    assert lower <= exact + 1e-13
    gap = oracle.reverse_gap(after.tolist(), labels.tolist(), logits.tolist())
    assert exact - lower == pytest.approx(gap, abs=1e-11)
    upper = number(call("cmi")(after, y, call("class_centroids")(stored, y).log_probs))
    assert exact <= upper + 1e-13
    tight = call("reverse_channel_bound")(stored, ratio)
    assert number(tight) == pytest.approx(number(call("cmi")(stored, y)), abs=1e-12)
    np.testing.assert_allclose(
        gradient(tight, stored), gradient(call("cmi")(stored, y), stored), atol=1e-12
    )


@settings(max_examples=20)
@given(batches(), st.integers(0, 2**32))
def test_invariances(batch: tuple[Any, Any], seed: int) -> None:
    """Order of the samples, names of the classes, order of the columns, shifts, repetition."""
    logits, labels = batch
    rng = np.random.default_rng(seed)
    n, k = logits.shape
    order, names, columns = rng.permutation(n), rng.permutation(k), rng.permutation(k)
    versions = [
        (logits[order], labels[order]),
        (logits, names[labels]),
        (logits[:, columns], labels),
        (logits + rng.normal(size=(n, 1)) * 10, labels),
        (np.tile(logits, (3, 1)), np.tile(labels, 3)),
    ]
    for name in ("cmi", "gamma", "gamma_kl"):
        want = number(call(name)(tensor(logits), labels_of(labels)))
        for changed, y in versions:
            got = number(call(name)(tensor(changed), labels_of(y)))
            assert got == pytest.approx(want, abs=1e-11), name


@settings(max_examples=20)
@given(batches())
def test_rows_of_gradients_sum_to_zero(batch: tuple[Any, Any]) -> None:
    z, labels = tensor(batch[0], grad=True), labels_of(batch[1])
    for name in ("cmi", "gamma", "gamma_kl"):
        for row in gradient(call(name)(z, labels), z).sum(1):
            assert abs(float(row)) < 1e-14


@given(batches(least=3))
def test_merging_two_labels(batch: tuple[Any, Any]) -> None:
    """Concentration does not fall, separation does not rise."""
    logits, labels = tensor(batch[0]), batch[1]
    merged = np.where(labels == labels[0], labels[-1], labels)
    before, after = labels_of(labels), labels_of(merged)
    assert number(call("cmi")(logits, after)) >= number(call("cmi")(logits, before)) - 1e-13
    assert number(call("gamma")(logits, after)) <= number(call("gamma")(logits, before)) + 1e-13


@given(batches())
def test_summing_columns(batch: tuple[Any, Any]) -> None:
    """Data processing: neither quantity rises where two symbols become one."""
    log_p, labels = tensor(batch[0]).log_softmax(1), labels_of(batch[1])
    if log_p.shape[1] < 3:
        return
    import torch

    coarse = torch.cat([torch.logsumexp(log_p[:, :2], 1, keepdim=True), log_p[:, 2:]], 1)
    size = log_p.shape[1]
    for name in ("cmi", "gamma"):
        fine = number(call(name)(log_p, labels, n_classes=size))
        assert number(call(name)(coarse, labels, n_classes=size)) <= fine + 1e-13


@settings(max_examples=20)
@given(batches(least=2))
def test_averaging_two_samples_of_a_class(batch: tuple[Any, Any]) -> None:
    logits, labels = batch
    labels[1] = labels[0]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    mixed = p.copy()
    mixed[:2] = p[:2].mean(0)
    y = labels_of(labels)
    for name in ("cmi", "gamma"):
        before = number(call(name)(tensor(np.log(p)), y))
        assert number(call(name)(tensor(np.log(mixed)), y)) <= before + 1e-12


@given(batches())
def test_the_two_separations_differ_by_entropies(batch: tuple[Any, Any]) -> None:
    from infotheory.learning.functional.entropies import entropy

    logits, labels = tensor(batch[0]), labels_of(batch[1])
    n = len(labels)
    shares = 1.0 - (labels[:, None] == labels).double().sum(1) / n
    gap = number(call("gamma")(logits, labels) - call("gamma_kl")(logits, labels))
    assert gap == pytest.approx(float((shares * entropy(logits)).mean()), abs=1e-12)


@pytest.mark.parametrize("size", [2, 3])
def test_the_bias_of_separation_in_batches(size: int) -> None:
    """Over all batches: 1 - 1/b with replacement; without, over 1 - 1/n; none if unbiased."""
    logits, labels = example_b()
    whole = number(call("gamma")(logits, labels))

    def mean(draws: Any, **options: Any) -> float:
        values = [number(call("gamma")(logits[list(d)], labels[list(d)], **options)) for d in draws]
        return math.fsum(values) / len(values)

    with_return = list(itertools.product(range(5), repeat=size))
    factor = 1 - 1 / size
    assert mean(with_return) == pytest.approx(factor * whole, abs=CLOSE)
    assert mean(with_return, unbiased=True) == pytest.approx(whole, abs=CLOSE)
    without = list(itertools.combinations(range(5), size))
    assert mean(without) == pytest.approx(factor / (1 - 1 / 5) * whole, abs=CLOSE)


def test_the_bias_of_concentration_in_batches(torch: ModuleType) -> None:
    """Some 1 - 1/m with m samples of a class: exactly so to second order, where rows are close.

    Over all m-tuples of four rows near uniform, CMI is half the mean squared distance of the rows
    from their mean times K, whose expectation has the factor 1 - 1/m; the next order is a factor
    1 + O(size).
    """
    rng = np.random.default_rng(0)
    size = 1e-4
    rows = tensor(rng.normal(size=(4, 3)) * size)
    whole = number(call("cmi")(rows, labels_of([0] * 4)))
    previous = -1.0
    for m in (1, 2, 3, 4):
        draws = list(itertools.product(range(4), repeat=m))
        values = [number(call("cmi")(rows[list(d)], labels_of([0] * m))) for d in draws]
        ratio = math.fsum(values) / len(values) / whole
        assert ratio == pytest.approx(1 - 1 / m, abs=20 * size)
        assert ratio > previous
        previous = ratio


# --------------------------------------------------------------------------------- awkward batches


def test_a_class_with_one_sample_has_neither_value_nor_gradient() -> None:
    import torch

    z = tensor(np.random.default_rng(4).normal(size=(5, 7)) * 3, grad=True)
    labels = labels_of([0, 2, 3, 4, 6])
    value = call("cmi")(z, labels)
    assert number(value) == 0.0
    assert torch.equal(gradient(value, z), torch.zeros(5, 7, dtype=torch.float64))
    mixed = labels_of([0, 2, 2, 4, 6])
    grad = gradient(call("cmi")(z, mixed), z)
    assert torch.equal(grad[[0, 3, 4]], torch.zeros(3, 7, dtype=torch.float64))
    assert (grad[[1, 2]] != 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rows_have_no_concentration(dtype: str, torch: ModuleType) -> None:
    z = torch.randn(1, 6, dtype=getattr(torch, dtype)).mul(4).repeat(5, 1).requires_grad_()
    value = call("cmi")(z, labels_of([1, 1, 1, 4, 4]))
    assert number(value) == 0.0
    assert not gradient(value, z).any()


def test_rounding_makes_nothing_negative(torch: ModuleType) -> None:
    """In single precision, where the rows of a class are nearly equal; a third of these would."""
    for seed in range(30):
        generator = torch.Generator().manual_seed(seed)
        z = 3 * torch.randn(1, 8, generator=generator)
        z = z + 1e-4 * torch.randn(4, 8, generator=generator)
        assert number(call("cmi")(z, labels_of([0] * 4))) >= 0.0
        assert number(call("gamma_kl")(z, labels_of([0, 0, 1, 1]))) >= 0.0


def test_one_class_is_not_separated(torch: ModuleType) -> None:
    z = tensor(np.random.default_rng(5).normal(size=(6, 4)), grad=True)
    labels = labels_of([2] * 6)
    for name in ("gamma", "gamma_kl"):
        for options in ({}, {"gradient": "first"}, {"unbiased": True}):
            value = call(name)(z, labels, **options)
            assert math.copysign(1.0, number(value)) == 1.0
            assert number(value) == 0.0
            assert not gradient(value, z).any()
    assert math.isnan(number(call("ncmi")(z, labels)))
    assert number(call("gamma")(z[:1], labels[:1], unbiased=True)) == 0.0


def test_absent_classes_are_marked() -> None:
    logits, _ = example_b()
    q = call("class_centroids")(logits, labels_of([0, 0, 4, 4, 4]), n_classes=6)
    assert q.counts.tolist() == [2, 0, 0, 0, 3, 0]
    assert (q.log_probs[q.counts == 0] == -math.inf).all()
    assert q.log_probs[[0, 4]].isfinite().all()


@pytest.mark.parametrize("n_classes", [3, 4, 5, 6, 500])
def test_more_classes_than_rows_or_fewer(n_classes: int, torch: ModuleType) -> None:
    """Sums over all classes and over those met are the same."""
    logits, labels = example_b(grad=True)
    for name in FUNCTIONS:
        want = call(name)(logits, labels, n_classes=3)
        got = call(name)(logits, labels, n_classes=n_classes)
        assert torch.equal(got, want)
        assert torch.equal(gradient(got, logits), gradient(want, logits))
    assert call("class_centroids")(logits, labels, n_classes).counts.sum() == 5


def test_labels_need_not_name_columns() -> None:
    logits = tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    value = number(call("cmi")(logits, labels_of([7, 7, 2]), n_classes=8))
    assert value == pytest.approx(oracle.cmi(logits.tolist(), [7, 7, 2]), abs=CLOSE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_logits(dtype: str, torch: ModuleType) -> None:
    """Certain and opposite: values far beyond where probabilities underflow."""
    z = torch.zeros(4, 3, dtype=getattr(torch, dtype))
    z[range(4), [0, 1, 1, 2]] = 1e4
    z[3, 0] = -1e4
    z.requires_grad_()
    labels = labels_of([0, 0, 1, 2])
    rows = z.detach().double().tolist()
    for name in ("cmi", "gamma", "gamma_kl", "ncmi"):
        value = call(name)(z, labels)
        assert value.isfinite()
        assert gradient(value, z).isfinite().all()
        if name != "ncmi":
            want = getattr(oracle, name)(rows, labels.tolist())
            assert number(value) == pytest.approx(want, rel=1e-6)
    q = call("class_centroids")(z, labels).log_probs
    assert q.isfinite().all()
    assert float(q[2, 0]) == pytest.approx(-2e4, rel=1e-6)
    assert number(call("cmi")(z, labels, q)) == pytest.approx(math.log(2) / 2, rel=1e-6)
    ratio = call("reverse_channel_log_ratio")(z, labels)
    assert ratio.isfinite().all()


def test_what_is_no_number_stays_so() -> None:
    logits, labels = example_b()
    logits[2, 1] = math.nan
    assert all(math.isnan(number(call(name)(logits, labels))) for name in FUNCTIONS)
    logits[2, 1] = math.inf
    assert all(math.isnan(number(call(name)(logits, labels))) for name in FUNCTIONS)


@pytest.mark.parametrize("shape", [(40, 10), (64, 300)])
def test_single_precision(shape: tuple[int, int], torch: ModuleType) -> None:
    """ln P is good to some roundings of its size, below 25 here, and errors of rows average."""
    torch.manual_seed(3)
    z = torch.randn(shape) * 3
    labels = torch.randint(0, shape[1] // 3, shape[:1])
    allowed = 25 * 4 * 2.0**-24
    for name in ("cmi", "gamma", "gamma_kl"):
        wide, narrow = z.double().requires_grad_(), z.clone().requires_grad_()
        want, got = call(name)(wide, labels), call(name)(narrow, labels)
        assert got.dtype == torch.float32
        assert number(got) == pytest.approx(number(want), abs=allowed)
        assert torch.allclose(
            gradient(got, narrow).double(), gradient(want, wide), atol=allowed / shape[0]
        )


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_widened(name: str, dtype: str, torch: ModuleType) -> None:
    """Also under autocast: the value in single precision of the logits as they came."""
    torch.manual_seed(4)
    z = torch.randn(20, 6).to(getattr(torch, dtype)).requires_grad_()
    labels = torch.randint(0, 6, (20,))
    want = call(name)(z.detach().float(), labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = call(name)(z, labels)
    assert got.dtype == torch.float32
    assert torch.equal(got, want)
    assert gradient(got, z).dtype == z.dtype


def test_labels_of_other_integers(torch: ModuleType) -> None:
    logits, labels = example_b()
    for dtype in (torch.int32, torch.int16, torch.uint8):
        assert number(call("gamma")(logits, labels.to(dtype))) == float(
            call("gamma")(logits, labels)
        )


def test_no_graph_without_need(torch: ModuleType) -> None:
    logits, labels = example_b(grad=True)
    with torch.no_grad():
        assert not call("gamma")(logits, labels).requires_grad
    assert not call("gamma")(logits.detach(), labels).requires_grad
    assert not call("class_centroids")(logits, labels).log_probs.requires_grad
