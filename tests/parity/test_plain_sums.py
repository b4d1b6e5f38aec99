"""The whole-tensor pass against the array version, and against the definitions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from classifiers.support import assert_matches, away_from_bin_edges, quietly
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import classifiers_large as large
from oracles import weighted
from parity.support import Case, arrays, assert_same_double, drawn, held

from infotheory.classifiers import NCMIReport

pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")


def tensors(case: Case, labels: Any = None, **more: Any) -> Any:
    from infotheory.learning.functional import class_sums

    labels = case.labels if labels is None else labels
    return class_sums(case.tensor(), labels, **case.options, **more).class_sums()


def with_outputs(case: Case, outputs: Any, **options: Any) -> Case:
    return Case(held(outputs, case.dtype), case.labels, case.dtype, case.options | options)


def probabilities(case: Case, kind: str) -> Any:
    return large.distributions(case.outputs)[kind == "log_probs"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("k", [2, 3, 17, 200, 1000])
def test_logits(k: int, dtype: str) -> None:
    case = drawn(160, k, k, dtype, seed=k)
    assert_same_double(tensors(case), arrays(case))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["probs", "log_probs"])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_probabilities(kind: str, dtype: str, temperature: float) -> None:
    """Down to exact zeros, where the type cannot hold what is left."""
    case = drawn(120, 12, 12, dtype, scale=1.5)
    case = with_outputs(case, probabilities(case, kind), kind=kind, temperature=temperature)
    assert_same_double(tensors(case), arrays(case))


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.05},
        {"temperature": 300.0},
        {"smoothing": 0.01},
        {"n_classes": 30},
        {"n_classes": 4},
        {"weights": np.random.default_rng(0).choice([0.0, 0.5, 3.0], 90)},
        {"parts": np.random.default_rng(1).integers(0, 5, 90), "n_parts": 5},
    ],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.parametrize("zeros", [False, True])
def test_options(options: dict[str, Any], zeros: bool) -> None:
    case = drawn(90, 8, 4, seed=11)
    outputs = case.outputs.copy()
    if zeros:
        outputs[30:60, 3] = outputs[5, 1] = outputs[80, :7] = -np.inf
    case = with_outputs(case, outputs, **options)
    sums = tensors(case)
    assert_same_double(sums, arrays(case))
    assert (sums.zeros is not None) == (zeros and "smoothing" not in options)


def test_a_class_of_weight_zero_is_not_there() -> None:
    case = drawn(50, 6, 6, seed=12)
    case = with_outputs(case, case.outputs, weights=np.where(case.labels == 2, 0.0, 1.5))
    assert_same_double(tensors(case), arrays(case))
    assert 2 not in tensors(case).cells


def test_extremes() -> None:
    case = drawn(60, 9, 9, "float64", seed=13, scale=1e4)
    assert_same_double(tensors(case), arrays(case))
    huge = with_outputs(case, np.where(case.outputs > 0, 1e308, -1e308))
    assert_same_double(tensors(huge), arrays(huge))


def test_sorted_rows_and_labels_on_the_device(torch: ModuleType) -> None:
    case = drawn(200, 5, 5, seed=14)
    order = np.argsort(case.labels, kind="stable")
    case = Case(case.outputs[order], case.labels[order])
    assert_same_double(tensors(case, torch.from_numpy(case.labels).to(torch.int32)), arrays(case))


def test_many_cells_and_few_rows(torch: ModuleType) -> None:
    """More cells than rows: only those met get a row; and more than int16 can number."""
    from infotheory.learning.functional.class_sums import group

    few = drawn(7, 3, 3, seed=15, n_classes=100_000)
    present, _ = group(torch.from_numpy(few.labels), 100_000, 1)
    assert present.tolist() == sorted(set(few.labels.tolist()))
    assert_same_double(tensors(few), arrays(few))
    rng = np.random.default_rng(16)
    many = Case(held(rng.normal(size=(40_000, 2)), "float32"), rng.integers(0, 39_000, 40_000),
                options={"n_classes": 39_000})  # fmt: skip
    assert_same_double(tensors(many), arrays(many))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.learning.functional import plain_sums

    case = drawn(130, 6, 6, seed=17)
    outputs = case.outputs.copy()
    outputs[77, 2] = -np.inf
    case = with_outputs(case, outputs)
    want = tensors(case)
    monkeypatch.setattr(plain_sums, "_BLOCK_NUMBERS", 42)  # seven rows, across classes
    assert_same_double(tensors(case), want)


def test_temporaries_are_blocks(monkeypatch: pytest.MonkeyPatch, torch: ModuleType) -> None:
    """Nothing of the size of all rows is made; the blocks are as large as is promised."""
    from infotheory.learning.functional import plain_sums

    assert plain_sums._BLOCK_NUMBERS == 1 << 20
    monkeypatch.setattr(plain_sums, "_BLOCK_NUMBERS", 500)
    case = drawn(130, 7, 7, seed=20)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(
            self, function: Any, _: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            nonlocal largest
            found = function(*args, **(kwargs or {}))
            if isinstance(found, torch.Tensor) and found.dtype == torch.float64:
                largest = max(largest, found.numel())
            return found

    x, labels = case.tensor(), torch.from_numpy(case.labels)
    from infotheory.learning.functional import class_sums

    with Watch():
        class_sums(x, labels)
    # The tallies of a block are 51 numbers a row, 71 rows a block; all rows have 910 numbers.
    assert 490 <= largest <= 71 * 51
    monkeypatch.setattr(plain_sums, "_BLOCK_NUMBERS", 70)
    largest = 0
    with Watch():
        class_sums(x, labels)
    assert largest <= 10 * 51


def test_equal_inputs_give_equal_sums() -> None:
    case = drawn(300, 40, 7, seed=18, n_classes=40)
    first, second = tensors(case), tensors(case)
    assert np.array_equal(first.mass, second.mass)
    assert np.array_equal(first.entropy, second.entropy)


@settings(max_examples=25)
@given(data=st.data())
def test_the_report_is_that_of_the_definitions(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(1, 40)), data.draw(st.integers(2, 8))
    temperature = data.draw(st.sampled_from([0.3, 1.0, 2.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    outputs = rng.normal(size=(n, k)) * data.draw(st.sampled_from([0.1, 3.0, 50.0]))
    outputs[rng.random((n, k)) < data.draw(st.sampled_from([0.0, 0.1]))] = -np.inf
    outputs[np.arange(n), rng.integers(0, k, n)] = 0.0
    labels = rng.integers(0, k, n)
    try:
        outputs, labels = away_from_bin_edges(outputs / temperature, labels)
    except AssertionError:
        return  # few rows, too many of them at an edge
    case = Case(outputs * temperature, labels, "float64", {"temperature": temperature})
    sums = tensors(case)
    report = quietly(NCMIReport.from_sums, sums, temperature=temperature)
    assert_matches(report, large.measure(case.outputs, labels, temperature=temperature))


def test_the_weighted_report() -> None:
    case = drawn(30, 5, 5, "float64", seed=19)
    weights = np.random.default_rng(2).choice([0.0, 0.25, 2.0], 30)
    report = quietly(NCMIReport.from_sums, tensors(case, weights=weights))
    assert_matches(report, weighted.measure(case.outputs, list(case.labels), list(weights)))


def test_known_value() -> None:
    """Worked example A of 'CMI constrained deep learning'."""
    from classifiers.support import EXAMPLE_A, LABELS_A

    case = Case(np.array(EXAMPLE_A), np.array(LABELS_A), "float64", {"kind": "probs"})
    report = quietly(NCMIReport.from_sums, tensors(case))
    assert report.cmi == pytest.approx(arrays_cmi(), rel=1e-12)


def arrays_cmi() -> float:
    """Mean of D(P_i || Q_y), written out."""
    from math import fsum, log

    from classifiers.support import EXAMPLE_A, LABELS_A

    total = 0.0
    for row, label in zip(EXAMPLE_A, LABELS_A, strict=True):
        members = [r for r, c in zip(EXAMPLE_A, LABELS_A, strict=True) if c == label]
        centroid = [fsum(column) / len(members) for column in zip(*members, strict=True)]
        total += fsum(p * log(p / q) for p, q in zip(row, centroid, strict=True))
    return total / len(LABELS_A)
