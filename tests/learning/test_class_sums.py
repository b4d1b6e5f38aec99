"""What the tensor version refuses, in the words of the array version; and its state."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from infotheory import NCMIAccumulator

pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")

ROWS = np.array([[2.0, 1.0, 0.5], [0.0, 3.0, 1.0], [1.0, 0.0, 4.0], [2.0, 2.0, 2.0]])
LABELS = np.array([0, 1, 2, 0])
HALF = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def changed(values: Any, row: int, entry: Any) -> Any:
    values = values.copy()
    values[row] = entry
    return values


REFUSED: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "nan": (changed(ROWS, 2, [0, np.nan, 0]), LABELS, {}),
    "infinite": (changed(ROWS, 1, [np.inf, 0, 0]), LABELS, {}),
    "all masked": (changed(ROWS, 3, -np.inf), LABELS, {}),
    "probabilities": (HALF, LABELS, {}),
    "negative": (changed(HALF, 1, [1.5, -0.5, 0]), LABELS, {"kind": "probs"}),
    "nan probability": (changed(HALF, 1, [np.nan, 0, 0]), LABELS, {"kind": "probs"}),
    "sum": (changed(HALF, 2, [0.5, 0.25, 0.2]), LABELS, {"kind": "probs"}),
    "nothing": (changed(HALF, 2, 0.0), LABELS, {"kind": "probs"}),
    "sum of exponentials": (ROWS, LABELS, {"kind": "log_probs"}),
    "positive": (changed(-HALF, 0, [np.inf, 0, 0]), LABELS, {"kind": "log_probs"}),
    "kind": (ROWS, LABELS, {"kind": "scores"}),
    "temperature": (ROWS, LABELS, {"temperature": 0.0}),
    "smoothing": (ROWS, LABELS, {"smoothing": 1.0}),
    "n_classes": (ROWS, LABELS, {"n_classes": 0}),
    "label too large": (ROWS, changed(LABELS, 2, 3), {}),
    "label negative": (ROWS, changed(LABELS, 3, -1), {}),
    "labels of numbers": (ROWS, LABELS * 1.0, {}),
    "labels in a table": (ROWS, LABELS[:, None], {}),
    "labels too few": (ROWS, LABELS[:3], {}),
    "weights too few": (ROWS, LABELS, {"sample_weight": np.ones(3)}),
    "weight negative": (ROWS, LABELS, {"sample_weight": np.array([1.0, 1.0, -1.0, 1.0])}),
    "one dimension": (ROWS[0], LABELS, {}),
    "no rows": (ROWS[:0], LABELS[:0], {}),
    "booleans": (ROWS > 1, LABELS, {}),
    "complex": (ROWS * 1j, LABELS, {}),
}


@pytest.mark.parametrize("on_device", [False, True])
@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_those_of_arrays(name: str, on_device: bool, torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    outputs, labels, options = REFUSED[name]
    kind = options.get("kind", "logits")
    weights = options.get("sample_weight")
    settings = {k: v for k, v in options.items() if k not in ("kind", "sample_weight")}
    with pytest.raises((ValueError, TypeError)) as want:
        NCMIAccumulator(**settings).update(outputs, labels, kind, sample_weight=weights)
    given = torch.from_numpy(labels) if on_device else labels
    with pytest.raises(want.type) as got:
        class_sums(torch.from_numpy(outputs), given, kind=kind, weights=weights, **settings)
    assert str(got.value) == str(want.value)


def test_rows_are_named_from_the_first_on(torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    wrong = torch.from_numpy(changed(changed(ROWS, 2, np.nan), 3, np.nan))
    with pytest.raises(ValueError, match="got nan at row 502, column 0"):
        class_sums(wrong, LABELS, first_row=500)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"method": "fast"}, "method must be one of 'fused', 'plain'; got 'fast'."),
        ({"precision": "half"}, "precision must be one of 'single', 'double'; got 'half'."),
        ({"method": "fused", "smoothing": 0.5}, "method must be 'plain' here; got 'fused' with"),
    ],
)
def test_choices(options: dict[str, Any], text: str, torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    with pytest.raises(ValueError, match=text):
        class_sums(torch.from_numpy(ROWS), LABELS, **options)


def test_only_tensors(torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    with pytest.raises(TypeError, match="outputs must be a tensor; got ndarray"):
        class_sums(ROWS, LABELS)


def test_types_that_numpy_lacks(torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    with pytest.raises(TypeError, match="outputs must be numeric"):
        class_sums(torch.from_numpy(ROWS).to(torch.float8_e4m3fn), LABELS)


@pytest.mark.parametrize("name", ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32"])
def test_labels_of_any_whole_type(name: str, torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    outputs, want = torch.from_numpy(ROWS), class_sums(torch.from_numpy(ROWS), LABELS)
    labels = torch.from_numpy(LABELS).to(getattr(torch, name))
    assert torch.equal(class_sums(outputs, labels).mass, want.mass)
    wrong = torch.from_numpy(changed(LABELS, 2, 3)).to(getattr(torch, name))
    with pytest.raises(ValueError, match=r"labels must be integers in \[0, 3\); got 3 at row 2"):
        class_sums(outputs, wrong)


def test_integers_and_gradients(torch: ModuleType) -> None:
    from infotheory.learning.functional import class_sums

    whole = torch.tensor([[2, 0], [0, 1]])
    grown = whole.double().requires_grad_()
    assert torch.equal(class_sums(whole, [0, 1]).mass, class_sums(grown, [0, 1]).mass)
    assert not class_sums(grown, [0, 1]).mass.requires_grad


@pytest.mark.parametrize("masked", [False, True])
def test_sums_add_up(masked: bool, torch: ModuleType) -> None:
    """In parts with cells of their own, as if the rows had come at once."""
    from infotheory.learning.functional import class_sums

    rng = np.random.default_rng(0)
    outputs, labels = rng.normal(size=(60, 9)), np.sort(rng.integers(0, 9, 60))
    labels = np.roll(labels, 20)
    if masked:
        outputs[33, 4] = -np.inf
    total = None
    for part in (slice(0, 5), slice(5, 30), slice(30, 60)):
        sums = class_sums(torch.from_numpy(outputs[part]), labels[part])
        total = sums if total is None else total.absorb(sums)
    want = NCMIAccumulator().update(outputs, labels).sums
    got = total.class_sums()
    for name in ("cells", "counts", "mass", "log_mass", "entropy", "bins", "loss"):
        # Terms of one sign: 60 roundings of the sum and some of each term.
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-13)
    assert (got.n_rows, got.first_zero_row) == (want.n_rows, want.first_zero_row)
    if masked:
        assert np.array_equal(got.zeros, want.zeros)


def test_there_and_back(torch: ModuleType) -> None:
    from infotheory.learning.functional import TensorSums

    sums = NCMIAccumulator().update(ROWS, LABELS).sums
    again = TensorSums.of(sums).class_sums()
    assert again.mass is not sums.mass
    assert np.shares_memory(again.mass, sums.mass)
    assert again.zeros is None
