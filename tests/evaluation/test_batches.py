"""Batches that are ready for the model: a torch module with a loader, or any model with any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation.fakes import FEATURES, LABELS, MATRIX, OUTPUTS, FakeModel, K, N

from infotheory import measure_classifier
from infotheory.evaluation import evaluate_model, evaluate_models


def pairs(size: int = 10) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, N, size):
        yield FEATURES[start : start + size], LABELS[start : start + size]


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


def network(torch: Any) -> Any:
    """The matrix as a module with dropout, which counts only where evaluation mode is forgotten."""
    layer = torch.nn.Linear(K, K, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(MATRIX.T))
    return torch.nn.Sequential(torch.nn.Dropout(0.5), layer)


def loader(torch: Any, **options: Any) -> Any:
    rows = torch.utils.data.TensorDataset(torch.from_numpy(FEATURES), torch.from_numpy(LABELS))
    return torch.utils.data.DataLoader(rows, batch_size=16, **options)


def test_any_model_takes_batches(tmp_path: Path) -> None:
    models = {"one": FakeModel(), "two": FakeModel(2 * MATRIX)}
    found = evaluate_models(models, pairs(), save_outputs=tmp_path)
    by_hand = measure_classifier(OUTPUTS, LABELS, interval="jackknife")
    assert found["one"].ncmi == pytest.approx(by_hand.ncmi, rel=1e-12)
    assert np.array_equal(np.load(tmp_path / "two.npy"), 2 * OUTPUTS)
    assert np.array_equal(np.load(tmp_path / "labels.npy"), LABELS)
    # 26 samples a class or so: as many shards as there are at most
    assert found["one"].intervals["ncmi"].low == pytest.approx(
        by_hand.intervals["ncmi"].low, rel=1e-9
    )


def test_a_module_with_a_loader(torch: Any) -> None:
    net = network(torch).train()
    found = evaluate_model(net, loader(torch))
    assert found.n == N
    assert found.ncmi == pytest.approx(measure_classifier(OUTPUTS, LABELS).ncmi, rel=1e-10)
    assert all(part.training for part in net.modules())  # as it was


def test_the_module_gets_whole_batches_as_they_are(torch: Any) -> None:
    seen: list[Any] = []

    class Picky(torch.nn.Module):
        def forward(self, tokens: Any) -> Any:
            seen.append((tokens.dtype, tuple(tokens.shape), torch.is_grad_enabled()))
            return torch.nn.functional.one_hot(tokens[:, 0], K) * 3.0

    tokens = torch.from_numpy(np.stack([LABELS, LABELS], axis=1))
    batches = [(tokens[:60], LABELS[:60]), (tokens[60:], LABELS[60:])]
    found = evaluate_model(Picky(), iter(batches), shards=0)
    assert found.error == 0.0
    assert seen == [(torch.int64, (60, 2), False), (torch.int64, (43, 2), False)]


@pytest.mark.parametrize("key", ["labels", "label"])
def test_a_batch_may_be_a_mapping(torch: Any, key: str) -> None:
    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network(torch)

        def forward(self, first: Any, second: Any) -> dict[str, Any]:
            return {"logits": self.net(first + second), "loss": None}

    batches = (
        {"first": torch.from_numpy(x), "second": 0 * torch.from_numpy(x), key: y}
        for x, y in pairs()
    )
    found = evaluate_model(Named(), batches, shards=0)
    assert found.ncmi == pytest.approx(measure_classifier(OUTPUTS, LABELS).ncmi, rel=1e-10)


def test_memory_that_does_not_suffice_halves_a_batch(torch: Any) -> None:
    sizes: list[int] = []

    class Large(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrix = torch.nn.Parameter(torch.from_numpy(MATRIX))

        def forward(self, batch: Any) -> Any:
            sizes.append(len(batch))
            if len(batch) > 5:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return batch @ self.matrix

    from infotheory.exceptions import BatchHalvedWarning

    with pytest.warns(BatchHalvedWarning):
        found = evaluate_model(Large(), loader(torch), shards=0)
    assert sizes[:6] == [16, 8, 4, 4, 4, 4]
    assert found.ncmi == pytest.approx(measure_classifier(OUTPUTS, LABELS).ncmi, rel=1e-10)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("batch", "fact"),
    [
        ((FEATURES, LABELS, LABELS), "3 things as batch 0"),
        ({"x": FEATURES}, "a mapping with 'x' as batch 0"),
        ({}, "a mapping with nothing as batch 0"),
        (FEATURES, "ndarray as batch 0"),
    ],
)
def test_other_things_than_batches_are_refused(batch: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=f"data must be batches that are pairs .*; got {fact}"):
        evaluate_model(FakeModel(), iter([batch]))


@pytest.mark.parametrize(
    ("inputs", "fact"),
    [
        ((FEATURES, FEATURES), "a tuple of 2 arrays as batch 1"),
        ([FEATURES, FEATURES], "a list of 2 arrays as batch 1"),
        ([*FEATURES[:4]], "a list of 4 arrays as batch 1"),
    ],
)
@pytest.mark.parametrize("module", [False, True])
def test_several_inputs_need_names(torch: Any, module: bool, inputs: Any, fact: str) -> None:
    """A list of samples is fine for a function, if it is as long as the labels."""
    batches = [(FEATURES[:5], LABELS[:5]), (inputs, LABELS[:5])]
    text = f"data must be batches whose inputs are one array, or a mapping .*; got {fact}"
    with pytest.raises(ValueError, match=text):
        evaluate_model(network(torch) if module else FakeModel(), iter(batches))


def test_a_list_of_samples_is_a_batch(torch: Any) -> None:
    by_hand = measure_classifier(OUTPUTS, LABELS)
    found = evaluate_model(FakeModel(), iter([([*FEATURES], LABELS)]))
    assert found.ncmi == pytest.approx(by_hand.ncmi, rel=1e-12)
    with pytest.raises(ValueError, match="got a list of 103 arrays as batch 0"):
        evaluate_model(network(torch), iter([([*FEATURES], LABELS)]))


@pytest.mark.parametrize("labels", [3, np.array(3), None])
def test_labels_are_one_a_sample(labels: Any) -> None:
    with pytest.raises(ValueError, match="data must be batches with a label for each sample; got"):
        evaluate_model(FakeModel(), iter([(FEATURES[:1], labels)]))


def test_empty_batches_are_passed_over(torch: Any, tmp_path: Path) -> None:
    """A filter may leave nothing of a batch."""

    def batches() -> Iterator[Any]:
        for features, labels in pairs():
            yield FEATURES[:0], LABELS[:0]
            yield torch.from_numpy(features), torch.from_numpy(labels)

    found = evaluate_model(network(torch), batches(), save_outputs=tmp_path)
    assert found.ncmi == pytest.approx(measure_classifier(OUTPUTS, LABELS).ncmi, rel=1e-10)
    assert np.array_equal(np.load(tmp_path / "labels.npy"), LABELS)
    nothing = iter([(FEATURES[:0], LABELS[:0])] * 2)
    with pytest.raises(ValueError, match="data must have at least one batch with samples; got non"):
        evaluate_model(FakeModel(), nothing)


def test_no_batch_at_all_is_refused() -> None:
    used_up = pairs()
    list(used_up)
    with pytest.raises(
        ValueError, match="data must have at least one batch with samples; got none"
    ):
        evaluate_model(FakeModel(), used_up)


@pytest.mark.parametrize(
    "options",
    [{"label_map": {0: 1}}, {"on_error": "skip"}, {"n_threads": 2}, {"save_state": "state"}],
)
def test_what_batches_do_not_have_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be left out for batches"):
        evaluate_model(FakeModel(), pairs(), **options)


def test_labels_out_of_range_leave_no_outputs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels must be integers in \[0, 4\); got 4 at row 3"):
        evaluate_model(
            FakeModel(),
            iter([(FEATURES[:5], LABELS[:5]), (FEATURES[:4], [0, 1, 2, 4])]),
            save_outputs=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []
