"""The loss of CMI fine-tuning: its precision, its centroids, what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from learning.language.worked_example import (
    CLOSE,
    DUMMY,
    FEATURES,
    LABELS,
    example,
    labels_of,
    loss_of,
    number,
    tensor,
    terms,
)
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

# --------------------------------------------------------------------------------------- precision


def test_half_precision_is_widened_also_under_autocast() -> None:
    import torch

    z, y, h = (each.float() if each.is_floating_point() else each for each in example())
    criterion = loss_of(lam=1.0, centroid="epoch").float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        criterion.fit([(h.bfloat16(), y)])
        value = criterion(z.bfloat16(), y, h.bfloat16())
    assert value.dtype == torch.float32
    want = loss_of(lam=1.0, centroid="batch")(z.bfloat16().double(), y, h.bfloat16().double())
    # Some twenty operations in single precision.
    assert number(value) == pytest.approx(number(want), abs=20 * 1.2e-7)


def test_features_far_apart_stay_finite() -> None:
    h = tensor([(1e4, 0.0, -1e4), (-1e4, 0.0, 1e4), (1e4, 0.0, 0.0)], grad=True)
    criterion = loss_of(3, 1.0, centroid="ema")
    criterion.fit([(h.detach(), labels_of((0, 0, 1)))])
    value = criterion(tensor(np.zeros((3, 2))), labels_of((0, 0, 1)), h)
    value.backward()
    assert math.isfinite(number(value))
    assert bool(h.grad.isfinite().all())
    assert terms(criterion)["surrogate"] == pytest.approx(2 / 3 * math.log(2), rel=1e-9)


# --------------------------------------------------------------------------------------- centroids


def test_parts_of_a_step_move_the_centroids_as_the_whole_does() -> None:
    z, y, h = example(grad=True)
    whole, parts = (loss_of().fit([(h.detach() * 0.5, y)]) for _ in range(2))
    whole.train()(z, y, h)
    value = 0.0
    for own in (slice(0, 2), slice(2, 5)):
        value += parts(z[own], y[own], h[own], update=False) * len(y[own])
        parts.observe(h[own], y[own])
    assert not np.array_equal(whole.centroids, parts.centroids)  # it has not moved yet
    parts.step()
    np.testing.assert_allclose(parts.centroids, whole.centroids, rtol=CLOSE)
    assert parts.seen.tolist() == whole.seen.tolist() == [4, 6]
    again = loss_of().fit([(h.detach() * 0.5, y)])
    assert number(value) / 5 == pytest.approx(number(again(z, y, h, update=False)), abs=CLOSE)
    parts.step()
    np.testing.assert_allclose(parts.centroids, whole.centroids, rtol=CLOSE)  # nothing to move by


def test_moving_averages() -> None:
    _, y, h = example()
    criterion = loss_of(decay=0.75).set_centroids(DUMMY)
    criterion.observe(h, y).step()
    means = [oracle.centroids(FEATURES, LABELS)[label] for label in (0, 1)]
    want = 0.75 * np.array(DUMMY) + 0.25 * np.array(means)
    np.testing.assert_allclose(criterion.centroids, want, rtol=CLOSE)


def test_a_new_class_takes_its_first_mean_whole_and_an_absent_one_stays() -> None:
    _, y, h = example()
    criterion = loss_of(n_classes=3, decay=0.75)
    criterion.observe(h[:2], y[:2]).step()
    means = [oracle.centroids(FEATURES, LABELS)[label] for label in (0, 1)]
    np.testing.assert_allclose(criterion.centroids[0], means[0], rtol=CLOSE)
    assert criterion.centroids[1:].tolist() == [[0.25] * 4] * 2
    criterion.observe(h[2:], y[2:]).step()
    np.testing.assert_allclose(criterion.centroids[:2], means, rtol=CLOSE)
    assert criterion.seen.tolist() == [2, 3, 0]


def test_centroids_stay_where_they_are_not_to_move() -> None:
    z, y, h = example(grad=True)
    criterion = loss_of().fit([(h.detach(), y)])
    before = criterion.centroids.clone()
    criterion(z, y, 2 * h, update=False)
    criterion.eval()(z, y, 2 * h)
    criterion.train()(z.detach(), y, 2 * h.detach())
    assert np.array_equal(criterion.centroids, before)
    for centroid in ("epoch", "frozen", "batch"):
        other = loss_of(centroid=centroid).fit([(h.detach(), y)])
        other.train()(z, y, 2 * h)
        other.observe(2 * h, y).step()
        assert np.array_equal(other.centroids, before)
    criterion.observe(h, y).forget().step()
    assert np.array_equal(criterion.centroids, before)


def test_a_batch_that_overflowed_moves_nothing() -> None:
    _, y, h = example()
    criterion = loss_of().fit([(h, y)])
    before = criterion.centroids.clone()
    criterion.observe(h * math.nan, y).step()
    assert np.array_equal(criterion.centroids, before)


def test_fewer_features_than_classes() -> None:
    rng = np.random.default_rng(3)
    h, y = tensor(rng.normal(size=(9, 2))), labels_of([0, 1, 2, 3, 4, 5, 6, 6, 0])
    criterion = loss_of(2, 1.0, 7).fit([(h, y)])
    assert tuple(criterion.centroids.shape) == (7, 2)
    criterion(tensor(np.zeros((9, 7))), y, h)
    want = oracle.cmi(h.tolist(), y.tolist())
    assert terms(criterion)["cmi"] == pytest.approx(want, abs=CLOSE)


def test_the_state_travels() -> None:
    z, y, h = example(grad=True)
    criterion = loss_of().fit([(h.detach(), y)])
    other = loss_of()
    other.load_state_dict(criterion.state_dict())
    assert number(other(z, y, h)) == number(criterion(z, y, h))
    assert "decay=0.9" in repr(criterion)
    assert "space='feature'" in repr(criterion)
    reverse = loss_of(role="teacher", centroid="reverse", n_samples=5)
    assert "n_samples=5" in repr(reverse)


def test_it_equals_the_accumulator_on_the_same_features() -> None:
    from infotheory import NCMIAccumulator

    rng = np.random.default_rng(11)
    h, y = rng.normal(size=(40, 12)), rng.integers(0, 3, 40)
    report = NCMIAccumulator(3).update(h, y).report()
    criterion = loss_of(12, 0.3, 3, beta=0.1, centroid="batch")
    criterion(tensor(np.zeros((40, 3))), labels_of(y), tensor(h))
    found = terms(criterion)
    assert found["cmi"] == pytest.approx(report.cmi, rel=1e-12)
    assert found["gamma"] == pytest.approx(report.gamma, rel=1e-12)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lam": -0.1}, r"lam must be at least 0; got -0.1. Or use role='teacher'."),
        ({"lam": -0.1, "role": "teacher"}, r"got -0.1. Or use role='student'."),
        ({"lam": math.nan}, r"lam must be a finite number"),
        ({"beta": -1.0}, r"beta must be a finite number of at least 0"),
        ({"beta": 0.1, "role": "teacher"}, r"beta must be 0 with role='teacher'; got 0.1."),
        ({"role": "both"}, r"role must be one of 'student', 'teacher'; got 'both'"),
        ({"space": "input"}, r"space must be one of 'feature', 'output'"),
        ({"centroid": "mean"}, r"centroid must be one of 'ema', 'epoch'"),
        (
            {"centroid": "reverse", "n_samples": 3},
            r"centroid must be another than 'reverse' with role='student'",
        ),
        ({"centroid": "reverse", "role": "teacher"}, r"n_samples must be given with"),
        ({"n_samples": 4}, r"n_samples must be given with centroid='reverse' and with no other"),
        ({"feature_temperature": 0.0}, r"temperature must be a positive finite number"),
        ({"decay": 1.0}, r"decay must be a number in \[0, 1\)"),
        ({"n_features": 1}, r"n_features must be at least 2; got 1"),
        ({"n_features": 0, "space": "output"}, r"n_features must be"),
    ],
)
def test_arguments_that_do_not_go_together(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        loss_of(**options)


def test_batches_that_do_not_fit() -> None:
    z, y, h = example()
    criterion = loss_of(centroid="batch")
    with pytest.raises(ValueError, match=r"features must be given with space='feature'; got None"):
        criterion(z, y)
    with pytest.raises(ValueError, match=r"features must have 4 columns, as the centroids; got 3"):
        criterion(z, y, h[:, :3])
    with pytest.raises(ValueError, match=r"features must have one row a row of logits, 5; got 4"):
        criterion(z, y, h[:4])
    with pytest.raises(ValueError, match=r"logits must have 2 columns, one a class; got 4"):
        criterion(h, y, h)
    with pytest.raises(ValueError, match=r"labels must be in \[0, 2\); got -100 in row 1"):
        criterion(z, labels_of((0, -100, 1, 1, 1)), h)
    with pytest.raises(TypeError, match=r"features must be floating point"):
        criterion(z, y, h.long())
    for centroid in ("epoch", "frozen"):
        with pytest.raises(ValueError, match=r"centroids must be computed before the first batch"):
            loss_of(centroid=centroid)(z, y, h)
    reverse = loss_of(role="teacher", centroid="reverse", n_samples=5)
    with pytest.raises(ValueError, match=r"centroids must be computed before the first batch"):
        reverse(z, y, h)
    reverse.fit([(h, y, labels_of(range(5)))])
    with pytest.raises(ValueError, match=r"rows must be given with centroid='reverse'"):
        reverse(z, y, h)
