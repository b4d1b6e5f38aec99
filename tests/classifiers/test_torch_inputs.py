"""Tensors: bfloat16, gradients, strides; the library itself never imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from classifiers.support import (
    assert_matches,
    away_from_bin_edges,
    class_sizes,
    clustered_logits,
    labels_of_sizes,
    quietly,
)
from oracles import classifiers_large as large

import infotheory
from infotheory import measures
from infotheory._validation import BFLOAT16, as_array, as_numbers, decode

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")

WIDTHS = [2, 3, 10, 16, 17, 64, 100, 200, 201, 257, 1000]


def data(k: int, dtype: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(k)
    y = labels_of_sizes(class_sizes(k, 300), rng)
    z = torch.from_numpy(clustered_logits(rng, y, k)).to(dtype)
    return away_from_bin_edges(z.double().numpy(), y)


def of(outputs: Any, labels: Any, **options: Any) -> infotheory.NCMIReport:
    return quietly(infotheory.measure_classifier, outputs, labels, **options)


@pytest.mark.kernel
@pytest.mark.parametrize("k", WIDTHS)
@pytest.mark.parametrize("name", ["bfloat16", "float16", "float32", "float64"])
def test_tensors_of_every_type(name: str, k: int) -> None:
    dtype = getattr(torch, name)
    z, y = data(k, dtype)
    report = of(torch.from_numpy(z).to(dtype), torch.from_numpy(y))
    assert_matches(report, large.measure(z, y), name)


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
@pytest.mark.parametrize("k", [4, 210])
def test_half_precision_probabilities(k: int, kind: str) -> None:
    rng = np.random.default_rng(k)
    y = labels_of_sizes(class_sizes(k, 200), rng)
    p, logs = large.distributions(clustered_logits(rng, y, k, scale=0.5, spread=0.5))
    tensor = torch.from_numpy(p if kind == "probs" else logs).to(torch.bfloat16)
    values, y = away_from_bin_edges(tensor.double().numpy(), y, kind)
    report = of(torch.from_numpy(values).to(torch.bfloat16), y, kind=kind)
    assert_matches(report, large.measure(values, y, kind=kind), "bfloat16")


@pytest.mark.parametrize("name", ["bfloat16", "float32"])
def test_tensors_that_require_gradients(name: str) -> None:
    dtype = getattr(torch, name)
    z, y = data(10, dtype)
    tensor = torch.from_numpy(z).to(dtype).requires_grad_()
    assert_matches(of(tensor, y), large.measure(z, y), name)
    assert tensor.grad is None
    assert tensor.requires_grad
    assert_matches(of(tensor * 1.0, y), large.measure(z, y), name)


@pytest.mark.parametrize("name", ["bfloat16", "float32"])
def test_strided_tensors(name: str) -> None:
    dtype = getattr(torch, name)
    z, y = data(10, dtype)
    want = large.measure(z, y)
    transposed = torch.from_numpy(z.T.copy()).to(dtype).T
    assert not transposed.is_contiguous()
    assert_matches(of(transposed, y), want, name)
    wide = torch.from_numpy(np.repeat(z, 2, axis=1)).to(dtype)[:, ::2]
    assert_matches(of(wide, torch.from_numpy(np.repeat(y, 2))[::2]), want, name)


@pytest.mark.parametrize("name", ["uint8", "int16", "int32", "int64"])
def test_label_tensors(name: str) -> None:
    z, y = data(10, torch.float32)
    labels = torch.from_numpy(y).to(getattr(torch, name))
    assert_matches(of(torch.from_numpy(z).float(), labels), large.measure(z, y), "float32")


def test_float_and_boolean_label_tensors_are_refused() -> None:
    z = torch.zeros(3, 2)
    for labels in (torch.tensor([0.0, 1.0, 0.0]), torch.tensor([True, False, True])):
        with pytest.raises((TypeError, ValueError), match="labels must be integers"):
            infotheory.ncmi(z, labels)


def test_bad_rows_of_tensors_are_named() -> None:
    z = torch.zeros(5, 3, dtype=torch.bfloat16)
    z[3, 1] = float("nan")
    with pytest.raises(ValueError, match="nan at row 3, column 1"):
        infotheory.ncmi(z, [0, 1, 2, 0, 1])


COVARIANCE = [[2.0, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda t: measures.gaussian_entropy(t(COVARIANCE)),
        lambda t: measures.gaussian_kl_divergence(
            t([1.0, 2.0]), t(COVARIANCE), t([0.0, 0.5]), t([[1.0, 0.0], [0.0, 4.0]])
        ),
        lambda t: measures.Score(t([1.0, 2.0]), t([0.25, 0.75])).mean,
        lambda t: len(measures.Score([1.0, 2.0], [0.25, 0.75], slack=t(0.75))),
        lambda t: measures.Score([1.0, 2.0], [0.25, 0.75]).tilted(t(0.5)).mean,
        lambda t: float(
            measures.channel_capacity(
                t([[0.75, 0.25], [0.25, 0.75]]), costs=t([0.0, 1.0]), max_cost=0.25
            )
        ),
        lambda t: float(
            measures.rate_distortion(
                t([0.5, 0.5]), t([[0.0, 1.0], [1.0, 0.0]]), max_distortion=0.25
            )
        ),
        lambda t: measures.entropy(t([[0.5, 0.5], [0.25, 0.75]])),
        lambda t: (
            infotheory.measure_classifier(
                t([[1.0, 0.0], [0.5, 2.0], [1.0, -1.0], [0.0, 0.5]]),
                [0, 1, 0, 1],
                sample_weight=t([1.0, 0.5, 2.0, 1.5]),
            ).cmi
        ),
    ],
)
def test_bfloat16_means_the_same_as_float32(call: Any) -> None:
    """All numbers above are exact in bfloat16."""
    half, single = (
        call(lambda value, dtype=dtype: torch.tensor(value, dtype=dtype))
        for dtype in (torch.bfloat16, torch.float32)
    )
    np.testing.assert_allclose(half, single, rtol=1e-6)


def test_bfloat16_labels_are_no_integers() -> None:
    labels = torch.tensor([0.0, 1.0, 0.0], dtype=torch.bfloat16)
    with pytest.raises(TypeError, match="labels must be integers; got dtype float32"):
        infotheory.ncmi(torch.eye(3)[:, :2], labels)


def test_bfloat16_numbers_travel_as_bits() -> None:
    tensor = torch.tensor([[1.0, -2.0]], dtype=torch.bfloat16)
    bits = as_numbers(tensor, "outputs")
    assert bits.dtype == BFLOAT16
    assert bits.__array_interface__["data"][0] == tensor.data_ptr()  # nothing is copied
    np.testing.assert_array_equal(decode(bits), [[1.0, -2.0]])
    np.testing.assert_array_equal(as_array(tensor.T, "values"), [[1.0], [-2.0]])


@pytest.mark.gpu
def test_tensors_on_a_device() -> None:
    z, y = data(10, torch.float32)
    tensor, labels = torch.from_numpy(z).float().cuda(), torch.from_numpy(y).cuda()
    assert_matches(of(tensor, labels), large.measure(z, y), "float32")
