"""Focal loss, confidence penalty and centre loss."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from classifiers.support import EXAMPLE_B, LABELS_B
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.classifiers import entropy, log_softmax_row, softmax_row

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

CLOSE = 1e-13


def baselines() -> ModuleType:
    from infotheory.learning.losses import baselines

    return baselines


def tensor(values: Any, grad: bool = False) -> Any:
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64), requires_grad=grad)


def labels_of(values: Any) -> Any:
    import torch

    return torch.tensor(list(values), dtype=torch.int64)


def example_b(grad: bool = False) -> tuple[Any, Any]:
    return tensor(EXAMPLE_B, grad), labels_of(LABELS_B)


def gradient(value: Any, logits: Any) -> Any:
    import torch

    return torch.autograd.grad(value, logits)[0]


def number(value: Any) -> float:
    return float(value.detach())


# ------------------------------------------------------------------------------------------- focal


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]))
def test_focal(seed: int, focus: float) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = 3 * rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    want = [
        (1 - softmax_row(z)[y]) ** focus * -log_softmax_row(z)[y]
        for z, y in zip(rows.tolist(), labels.tolist(), strict=True)
    ]
    for reduction, total in (
        ("none", want),
        ("sum", math.fsum(want)),
        ("mean", math.fsum(want) / 6),
    ):
        loss = baselines().FocalLoss(focus, reduction=reduction)
        got = loss(tensor(rows), labels_of(labels))
        # 1 - p from a p near one loses digits in the oracle.
        np.testing.assert_allclose(got, total, rtol=1e-9, atol=1e-12)


def test_focal_of_exponent_zero_is_cross_entropy(torch: ModuleType) -> None:
    logits, labels = example_b()
    got = float(baselines().FocalLoss(0.0)(logits, labels))
    want = float(torch.nn.functional.cross_entropy(logits, labels))
    assert got == pytest.approx(want, abs=CLOSE)


@pytest.mark.parametrize("focus", [0.0, 0.3, 1.0, 2.0])
def test_focal_is_differentiable(focus: float, torch: ModuleType) -> None:
    logits, labels = example_b(grad=True)
    loss = baselines().FocalLoss(focus)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels), logits)
    assert torch.autograd.gradgradcheck(lambda z: loss(z, labels), logits)
    for scale in (1e2, 1e4):
        sure = (scale * torch.eye(3)).requires_grad_()
        for right in (labels_of([0, 1, 2]), labels_of([1, 2, 0])):
            value = loss(sure, right)
            assert value.isfinite()
            assert gradient(value, sure).isfinite().all()


# ------------------------------------------------------------------------------ confidence penalty


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 2.0]))
def test_confidence_penalty(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = 3 * rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    each = [
        -log_softmax_row(z)[y] - weight * entropy(softmax_row(z))
        for z, y in zip(rows.tolist(), labels.tolist(), strict=True)
    ]
    for reduction, total in (
        ("none", each),
        ("sum", math.fsum(each)),
        ("mean", math.fsum(each) / 6),
    ):
        loss = baselines().ConfidencePenaltyLoss(weight, reduction=reduction)
        got = loss(tensor(rows), labels_of(labels))
        np.testing.assert_allclose(got, total, atol=1e-12)
    terms = loss.terms
    mean = float(terms["cross_entropy"]) - weight * float(terms["entropy"])
    assert mean == pytest.approx(math.fsum(each) / 6, abs=1e-12)


def test_confidence_penalty_is_differentiable(torch: ModuleType) -> None:
    logits, labels = example_b(grad=True)
    loss = baselines().ConfidencePenaltyLoss(0.3)
    assert torch.autograd.gradcheck(lambda z: loss(z, labels), logits)
    assert not any(term.requires_grad for term in loss.terms.values())
    sure = (1e4 * torch.eye(3)).requires_grad_()
    assert gradient(loss(sure, labels_of([0, 1, 1])), sure).isfinite().all()


def test_it_is_the_loss_of_cmi_with_uniform_centroids() -> None:
    from infotheory.learning.losses.classification import CMICLoss

    logits, labels = example_b()
    uniform = CMICLoss(3, lam=0.3, beta=0.0).double().reset()
    got = float(baselines().ConfidencePenaltyLoss(0.3)(logits, labels))
    want = float(uniform(logits, labels)) - 0.3 * math.log(3)
    assert got == pytest.approx(want, abs=CLOSE)


# ------------------------------------------------------------------------------------- centre loss


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_centre_loss(seed: int) -> None:
    """Value, gradient and the paper's step of the centres, over three batches."""
    rng = np.random.default_rng(seed)
    loss = baselines().CenterLoss(4, 3, rate=0.7).double()
    centers = [[0.0] * 3 for _ in range(4)]
    for _ in range(3):
        rows, y = rng.normal(size=(6, 3)), rng.integers(0, 4, 6).tolist()
        z = tensor(rows, grad=True)
        got = loss(z, labels_of(y))
        gaps = [
            [a - b for a, b in zip(f, centers[c], strict=True)]
            for f, c in zip(rows, y, strict=True)
        ]
        want = math.fsum(v * v for gap in gaps for v in gap) / 12
        assert number(got) == pytest.approx(want, abs=1e-12)
        np.testing.assert_allclose(gradient(got, z), np.array(gaps) / 6, atol=1e-14)
        for c in range(4):
            members = [gap for gap, label in zip(gaps, y, strict=True) if label == c]
            for k in range(3):
                step = math.fsum(gap[k] for gap in members) / (1 + len(members))
                centers[c][k] += 0.7 * step
        np.testing.assert_allclose(loss.centers, centers, atol=1e-14)


def test_centres_stay_where_nothing_is_trained(torch: ModuleType) -> None:
    loss = baselines().CenterLoss(2, 2)
    features, labels = torch.ones(3, 2), labels_of([0, 1, 1])
    loss(features, labels)
    with torch.no_grad():
        loss(features.requires_grad_(), labels)
    loss.eval()(features, labels)
    assert not loss.centers.any()
    assert list(loss.state_dict()) == ["centers"]
    assert not list(loss.parameters())
    loss.train()(features, labels)
    assert (loss.centers != 0).all()


# -------------------------------------------------------------------------------------------- all


def test_half_precision_is_widened(torch: ModuleType) -> None:
    torch.manual_seed(0)
    z, labels = torch.randn(8, 4).bfloat16(), torch.randint(0, 4, (8,))
    room = baselines()
    for loss in (room.FocalLoss(), room.ConfidencePenaltyLoss(), room.CenterLoss(4, 4)):
        want = loss(z.float(), labels)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(loss(z, labels), want)


def test_they_say_what_they_are() -> None:
    room = baselines()
    assert repr(room.FocalLoss()) == "FocalLoss(focus=2.0, reduction='mean')"
    assert repr(room.ConfidencePenaltyLoss()) == (
        "ConfidencePenaltyLoss(weight=0.1, reduction='mean')"
    )
    assert repr(room.CenterLoss(3, 2)) == "CenterLoss(3, 2, rate=0.5)"


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("FocalLoss", (-1.0,), r"^focus must be a finite number of at least 0; got -1\.0\."),
        ("ConfidencePenaltyLoss", (math.nan,), r"^weight must be a finite number of at least 0"),
        ("CenterLoss", (0, 2), r"^n_classes must be a positive integer"),
        ("CenterLoss", (2, 0), r"^n_features must be a positive integer"),
    ],
)
def test_refused_arguments(name: str, args: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        getattr(baselines(), name)(*args)


def test_refused_options() -> None:
    room = baselines()
    for kind in (room.FocalLoss, room.ConfidencePenaltyLoss):
        with pytest.raises(ValueError, match=r"^reduction must be one of 'mean', 'sum', 'none'"):
            kind(reduction="median")
        with pytest.raises(ValueError, match=r"^labels must .*in \[0, 3\); got 3 in row 0\."):
            kind()(tensor(EXAMPLE_B), labels_of([3, 0, 0, 0, 0]))
    with pytest.raises(ValueError, match=r"^rate must be at most 1; got 1\.5\. Beyond it"):
        room.CenterLoss(2, 2, rate=1.5)


def test_refused_features(torch: ModuleType) -> None:
    loss = baselines().CenterLoss(2, 3)
    with pytest.raises(ValueError, match=r"^features must have shape \(n, 3\); got shape \(4, 2\)"):
        loss(torch.zeros(4, 2), labels_of([0, 0, 1, 1]))
    with pytest.raises(TypeError, match=r"^features must be a tensor of 2 dimensions; got shape"):
        loss(torch.zeros(4, 2, 2), labels_of([0, 0, 1, 1]))
    with pytest.raises(TypeError, match=r"^features must be a tensor of 2 dimensions; got list"):
        loss([[0.0] * 3], labels_of([0]))


def test_features_that_overflowed_do_not_move_centres(torch: Any) -> None:
    from infotheory.learning.losses import CenterLoss

    criterion = CenterLoss(2, 2)
    features = torch.tensor([[math.inf, 0.0], [1.0, 1.0]], requires_grad=True)
    criterion(features, torch.tensor([0, 1]))
    assert criterion.centers.tolist() == [[0.0, 0.0], [0.25, 0.25]]
