"""The centroids that a loss keeps: moved, computed, saved and restored."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning.class_batches import (
    CLOSE,
    DUMMY,
    doubled,
    example_a,
    example_b,
    gradient,
    labels_of,
    loss_of,
    number,
    tensor,
)
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")


# ------------------------------------------------------------------------------------ known values


def test_a_step_of_the_centroids_of_example_a() -> None:
    """Dummy centroids, then one moving average with decay 0.9 towards the true ones."""
    logits, labels = example_a()
    criterion = doubled(3, 0.7, 0.4, decay=0.9).set_centroids(DUMMY)
    criterion(logits, labels, update=False)
    assert number(criterion.terms["cmi"]) == pytest.approx(0.0592147124131202, abs=CLOSE)
    criterion.update(logits, labels)
    want = [
        [0.6, 0.25, 0.15],
        [0.2, 0.5966666666666667, 0.2033333333333333],
        [0.095, 0.195, 0.71],
    ]
    np.testing.assert_allclose(criterion.centroids, want, rtol=CLOSE)
    criterion(logits, labels, update=False)
    assert number(criterion.terms["cmi"]) == pytest.approx(0.0580338612700672, abs=CLOSE)


# -------------------------------------------------------------------------------- moving centroids


def test_they_start_uniform_and_go_back() -> None:
    criterion = doubled(4, 0.7, 0.4)
    assert (criterion.centroids == 0.25).all()
    logits, labels = tensor(np.eye(4)), labels_of([0, 1, 2, 3])
    criterion.update(logits, labels)
    assert (criterion.seen == 1).all()
    criterion.reset()
    assert (criterion.centroids == 0.25).all()
    assert not criterion.seen.any()


def test_from_uniform_centroids_cmi_is_a_penalty_on_confidence() -> None:
    from infotheory.learning.functional.entropies import entropy

    logits, labels = example_b()
    criterion = doubled(3, 0.7, 0.4)
    criterion(logits, labels)
    want = math.log(3) - float(entropy(logits).mean())
    assert number(criterion.terms["cmi"]) == pytest.approx(want, abs=CLOSE)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 0.99]))
def test_updates(seed: int, decay: float) -> None:
    """Steps of classes that are there; the others stay."""
    rng = np.random.default_rng(seed)
    criterion = doubled(5, 0.7, 0.4, decay=decay)
    q = [list(row) for row in criterion.centroids.tolist()]
    counts = [0] * 5
    for _ in range(3):
        rows, y = rng.normal(size=(6, 5)), rng.integers(0, 5, 6).tolist()
        criterion.update(tensor(rows), labels_of(y))
        for c, mean in oracle.centroids(rows.tolist(), y).items():
            q[c] = oracle.moved(q[c], mean, 1.0 - decay)
            counts[c] += y.count(c)
    np.testing.assert_allclose(criterion.centroids, q, atol=1e-14)
    assert criterion.seen.tolist() == counts


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_own_batches_move_them(seed: int) -> None:
    """By twice the share of the new samples, at most wholly, at least by 1 - decay."""
    rng = np.random.default_rng(seed)
    criterion = doubled(4, 0.7, 0.4, decay=0.6)
    q = [list(row) for row in criterion.centroids.tolist()]
    counts = [0] * 4
    for _ in range(6):
        rows, y = rng.normal(size=(5, 4)), rng.integers(0, 4, 5).tolist()
        criterion(tensor(rows, grad=True), labels_of(y))
        for c, mean in oracle.centroids(rows.tolist(), y).items():
            m = y.count(c)
            share = 2.0 * m / (counts[c] + m)
            q[c] = oracle.moved(q[c], mean, min(1.0, max(0.4, share)))
            counts[c] += m
        np.testing.assert_allclose(criterion.centroids, q, atol=1e-14)


def test_steps_normalise() -> None:
    """What rounding has left over is taken out again."""
    z, labels = example_b(grad=True)
    for step in ("update", "__call__"):
        criterion = doubled(3, 0.7, 0.4).set_centroids(DUMMY)
        criterion.centroids *= 1.001
        getattr(criterion, step)(z, labels)
        assert criterion.centroids.sum(1).tolist() == pytest.approx([1.0] * 3, abs=1e-15)


@pytest.mark.parametrize("step", ["update", "__call__"])
def test_absent_classes_stay_to_the_last_digit(step: str, torch: ModuleType) -> None:
    kept = torch.softmax(torch.randn(4, 7, generator=torch.Generator().manual_seed(0)), 1)
    criterion = loss_of(4, 0.7, 0.4, n_outputs=7)
    criterion.centroids.copy_(kept).mul_(1.001)  # no row sums to one
    before = criterion.centroids.clone()
    getattr(criterion, step)(torch.zeros(5, 7, requires_grad=True), torch.tensor([0, 0, 2, 2, 2]))
    assert torch.equal(criterion.centroids[[1, 3]], before[[1, 3]])
    assert criterion.centroids[[0, 2]].sum(1).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


def test_the_first_batch_replaces_the_uniform_start() -> None:
    z, labels = example_b(grad=True)
    criterion = doubled(3, 0.7, 0.4)
    criterion(z, labels)
    exact = doubled(3, 0.7, 0.4, centroid="batch")
    want = number(exact(z, labels))
    assert number(criterion(z, labels, update=False)) == pytest.approx(want, abs=CLOSE)


@pytest.mark.parametrize("case", ["update=False", "eval", "no_grad", "constant", "batch", "epoch"])
def test_when_they_stay(case: str, torch: ModuleType) -> None:
    z, labels = example_b(grad=case != "constant")
    centroid = case if case in ("batch", "epoch") else "ema"
    criterion = doubled(3, 0.7, 0.4, centroid=centroid).set_centroids(DUMMY)
    before = criterion.centroids.clone()
    criterion.train(case != "eval")
    with torch.set_grad_enabled(case != "no_grad"):
        criterion(z, labels, update=case != "update=False")
    assert torch.equal(criterion.centroids, before)


def test_more_classes_than_samples(torch: ModuleType) -> None:
    """Only what is met is looked at and moved."""
    torch.manual_seed(2)
    z = torch.randn(6, 50, dtype=torch.float64, requires_grad=True)
    labels = labels_of([3, 3, 49, 7, 7, 0])
    wide = doubled(50, 0.7, 0.4).set_centroids(torch.rand(50, 50).softmax(1))
    before = wide.centroids.clone()
    value = wide(z, labels)
    log_q = {c: row.log().tolist() for c, row in enumerate(before)}
    want = oracle.surrogate(z.tolist(), labels.tolist(), log_q)
    assert number(wide.terms["cmi"]) == pytest.approx(want, abs=1e-12)
    assert value.isfinite()
    moved = (wide.centroids != before).any(1)
    assert moved.nonzero()[:, 0].tolist() == [0, 3, 7, 49]


def test_stored_zeros_are_raised(torch: ModuleType) -> None:
    """A symbol that a centroid lacks costs ln 1e12, not infinity."""
    criterion = doubled(2, 1.0, 0.0).set_centroids([[1.0, 0.0], [0.5, 0.5]])
    z = tensor([[0.0, 100.0]], grad=True)
    loss = criterion(z, labels_of([0]), update=False)
    assert number(criterion.terms["cmi"]) == pytest.approx(12 * math.log(10), rel=1e-12)
    assert gradient(loss, z).isfinite().all()


# --------------------------------------------------------------------------------- exact centroids


def test_a_pass_gives_the_class_means(torch: ModuleType) -> None:
    torch.manual_seed(3)
    logits, labels = torch.randn(40, 6), torch.randint(0, 5, (40,))
    criterion = loss_of(6, 0.7, 0.4, centroid="epoch")
    rows = torch.arange(40)
    parts = [slice(0, 17), slice(17, 18), slice(18, 40)]
    criterion.fit((logits[p], labels[p], rows[p]) for p in parts)
    want = oracle.centroids(logits.double().tolist(), labels.tolist())
    for c, row in want.items():
        np.testing.assert_allclose(criterion.centroids[c], row, rtol=2.0**-23)
    assert (criterion.centroids[5] == 1 / 6).all()  # no sample
    assert criterion.seen.tolist() == torch.bincount(labels, minlength=6).tolist()


def test_a_pass_in_half_precision(torch: ModuleType) -> None:
    logits, labels = torch.randn(9, 3).bfloat16(), torch.arange(9) % 3
    criterion = loss_of(3, 0.7, 0.4, centroid="epoch").fit([(logits, labels)])
    want = oracle.centroids(logits.double().tolist(), labels.tolist())
    np.testing.assert_allclose(criterion.centroids, [want[c] for c in range(3)], rtol=2.0**-23)


def test_another_pass_replaces_the_first() -> None:
    logits, labels = example_a()
    criterion = doubled(3, 0.7, 0.4, centroid="epoch").fit([(logits.flip(1), labels)])
    criterion.fit([(logits, labels)])
    assert number(criterion(logits, labels)) == pytest.approx(0.1885177027901368, abs=CLOSE)
    assert criterion.seen.tolist() == [2, 3, 1]


# ------------------------------------------------------------------------------------- saved state


def test_state_is_restored_bit_for_bit(tmp_path: Path, torch: ModuleType) -> None:
    z, labels = example_b(grad=True)
    criterion = doubled(3, 0.7, 0.4, decay=0.9)
    criterion(z, labels)
    assert sorted(criterion.state_dict()) == ["centroids", "seen"]
    torch.save(criterion.state_dict(), tmp_path / "state.pt")
    other = doubled(3, 0.7, 0.4, decay=0.9)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    twin = copy.deepcopy(criterion)
    for _ in range(3):
        want = criterion(z, labels)
        assert torch.equal(other(z, labels), want)
        assert torch.equal(twin(z, labels), want)
    assert torch.equal(other.centroids, criterion.centroids)
    assert torch.equal(other.seen, criterion.seen)


def test_restored_centroids_count_as_computed() -> None:
    logits, labels = example_b()
    saved = doubled(3, 0.7, 0.4, centroid="epoch").fit([(logits, labels)]).state_dict()
    other = doubled(3, 0.7, 0.4, centroid="epoch")
    empty = other.state_dict()
    empty = {name: value.clone() for name, value in empty.items()}
    other.load_state_dict(saved)
    assert number(other(logits, labels)) < 1
    other.load_state_dict(empty)
    with pytest.raises(ValueError, match="fit"):
        other(logits, labels)


@pytest.mark.parametrize("wrap", [False, True])
def test_state_of_another_shape_is_refused(wrap: bool, torch: ModuleType) -> None:
    given_state, own = loss_of(5, 0.7, 0.4), loss_of(3, 0.7, 0.4)
    if wrap:
        given_state, own = torch.nn.Sequential(given_state), torch.nn.Sequential(own)
    with pytest.raises(
        ValueError,
        match=r"^state_dict must have centroids of shape \(3, 3\); got shape \(5, 5\)\. It was",
    ):
        own.load_state_dict(given_state.state_dict())


def test_missing_state_is_told() -> None:
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "seen"'):
        loss_of(3, 0.7, 0.4).load_state_dict({"centroids": loss_of(3, 0.7, 0.4).centroids})


# --------------------------------------------------------------------------------------- precision


def test_centroids_are_never_in_half_precision(torch: ModuleType) -> None:
    criterion = loss_of(3, 0.7, 0.4).set_centroids(DUMMY)
    for convert in (lambda c: c.half(), lambda c: c.bfloat16(), lambda c: c.to(torch.float16)):
        assert convert(criterion).centroids.dtype == torch.float32
        assert torch.equal(criterion.centroids, torch.tensor(DUMMY))
    assert criterion.double().centroids.dtype == torch.float64


def test_updates_in_half_precision(torch: ModuleType) -> None:
    torch.manual_seed(8)
    z, labels = torch.randn(12, 5).bfloat16(), torch.randint(0, 5, (12,))
    plain, cast = loss_of(5, 0.7, 0.4), loss_of(5, 0.7, 0.4)
    plain.update(z.float(), labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast.update(z, labels)
    assert torch.equal(plain.centroids, cast.centroids)


# ---------------------------------------------------------------------------------------- refusals


def test_centroids_of_an_epoch_need_a_pass() -> None:
    logits, labels = example_b()
    criterion = doubled(3, 0.7, 0.4, centroid="epoch")
    with pytest.raises(
        ValueError,
        match=r"^centroids must be computed before the first batch with centroid='epoch'; got a "
        r"loss without any\. Call fit\(batches\)",
    ):
        criterion(logits, labels)
    criterion.fit([(logits, labels)])
    criterion(logits, labels)
    criterion.reset()
    with pytest.raises(ValueError, match="Call fit"):
        criterion(logits, labels)


def test_a_pass_without_samples_is_refused() -> None:
    criterion = doubled(3, 0.7, 0.4)
    used_up = iter([])
    with pytest.raises(ValueError, match=r"^batches must have at least one sample; got none\."):
        criterion.fit(used_up)
    assert (criterion.centroids == 1 / 3).all()


@pytest.mark.parametrize(
    ("centroids", "text"),
    [
        (np.eye(4), r"^centroids must have shape \(3, 3\); got shape \(4, 4\)\."),
        ([[1, 0, 0], [0, 1, 0], [1, 1, 0]], r"^centroids must be distributions.*got row 2 with"),
        (
            [[1, 0, 0], [-1, 2, 0], [1, 0, 0]],
            r"got row 1 with sum 1 and least entry -1\. Pass prob",
        ),
        ([[math.nan] * 3] * 3, r"got row 0 with sum nan"),
    ],
)
def test_refused_centroids(centroids: Any, text: str) -> None:
    criterion = doubled(3, 0.7, 0.4)
    with pytest.raises(ValueError, match=text):
        criterion.set_centroids(centroids)
    assert not criterion.seen.any()


def test_given_centroids_are_normalised_and_counted() -> None:
    criterion = doubled(2, 0.7, 0.4, decay=0.99).set_centroids([[0.50002, 0.5], [1.0, 0.0]])
    assert float(criterion.centroids.sum(1).max()) == pytest.approx(1.0, abs=1e-15)
    assert criterion.seen.tolist() == [100, 100]
    assert criterion.set_centroids([[0.5, 0.5]] * 2, seen=[3, 4]).seen.tolist() == [3, 4]


def test_a_batch_that_overflowed_moves_nothing(torch: Any) -> None:
    """A loop that skips the batch goes on as if it had not been."""
    from infotheory.learning.losses import CMICLoss, MCMITeacherLoss

    good = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    bad = good.clone()
    bad[0, 1] = math.inf
    for criterion in (CMICLoss(3, 0.3, 0.1), MCMITeacherLoss(3, 0.1, centroid="ema")):
        first = criterion(good.clone().requires_grad_(), labels)
        kept = criterion.centroids.clone(), criterion.seen.clone()
        assert not criterion(bad.clone().requires_grad_(), labels).isfinite()
        assert torch.equal(criterion.centroids[0], kept[0][0])
        assert criterion.seen[0] == kept[1][0]
        assert criterion(good.clone().requires_grad_(), labels).isfinite()
        assert first.isfinite()
