"""What training data refuse, and what they say."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")

import torch
from learning.small_data import FEATURES, IMAGES, LABELS

from infotheory.learning import TrainingData
from infotheory.learning.data import CropFlip


def made(inputs: Any = FEATURES, labels: Any = LABELS, **options: Any) -> TrainingData:
    return TrainingData(inputs, labels, **options)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: made(labels=[0, 1, 3] * 4), r"of all 4 classes; got none of 2\. .*allow_missing"),
        (lambda: made(class_names=["cat", "dog", "emu", "fox"]), "4 classes; got none of fox"),
        (lambda: made(n_classes=10), "got none of 3, 4, 5, 6, 7 and 2 more"),
        (lambda: made(n_classes=2), r"integers in \[0, 2\); got 2 at row 2"),
        (lambda: made(labels=LABELS - 1), "got -1 at row 0"),
        (lambda: made(labels=LABELS - 9), "got -9 at row 0"),
        (lambda: made(n_classes=-1), "n_classes must be a positive integer"),
        (lambda: made(labels=LABELS[:5]), r"have one entry a sample \(12\); got shape \(5,\)"),
        (lambda: made(n_classes=3, class_names=["a"]), "one name a class"),
        (lambda: made(FEATURES[:0], []), "have at least one sample"),
        (lambda: made(FEATURES[:, 0]), r"have one row a sample, shape \(n, ...\)"),
        (lambda: made(IMAGES.transpose(0, 3, 1, 2)), "Put the channels last"),
        (lambda: made(torch.from_numpy(IMAGES)[:, 0, 0]), "where they are uint8"),
        (lambda: made(IMAGES, std=0.0), "std must be positive"),
        (lambda: made(IMAGES, mean=float("nan")), "mean must be finite numbers"),
        (lambda: made(IMAGES, mean=["x"]), r"mean must be finite numbers, .* got \['x'\]"),
        (lambda: made(IMAGES, std=[[1.0], [1.0, 2.0]]), "std must be finite numbers"),
        (lambda: made(IMAGES, std={"a": 1}), "std must be finite numbers"),
        (lambda: made(IMAGES, mean=[0.1, 0.2]).batch([0]), "each of the 3 channels; got 2"),
        (lambda: made(LABELS[:, None], mean=1.0).batch([0]), "where inputs are not floating point"),
        (lambda: CropFlip()(torch.zeros(1, 3), torch.zeros(1, 3)), "images of shape"),
        (lambda: made().split(1.0), r"fraction must be a number in \(0, 1\)"),
        (lambda: made().few_shot(0), r"fraction must be a number in \(0, 1\)"),
        (lambda: made(FEATURES[:3], LABELS[:3]).split(0.5), "large enough to set samples aside"),
        (lambda: made().take([]), "rows must have at least one number"),
        (lambda: made().take([0, 1]), "got none of 2"),
        (lambda: made([IMAGES[0], IMAGES[1, :2]], [0, 1]).batch([0, 1]), r"\(2, 6, 3\) in row 1"),
        (lambda: CropFlip(-1), "padding must be a whole number of pixels"),
        (lambda: CropFlip(flip=2), "flip must be True or False"),
    ],
)
def test_values_that_cannot_be_used(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: made(7, [0]), "inputs must be an array, a tensor, or an object"),
        (lambda: made(np.array([["a"], ["b"]]), [0, 1]), "inputs must be numbers"),
        (lambda: made(["a", "b"], [0, 1]).batch([0]), "arrays or images; got str"),
        (lambda: made(labels=LABELS * 1.0), "labels must be integers"),
        (lambda: made(augment=lambda x: x), "augment must be an Augmentation"),
        (lambda: TrainingData.of(5), "data must be a pair"),
        (lambda: TrainingData.of([1, 2, 3]), "data must give pairs .* got int in row 0"),
        (lambda: TrainingData.of(made(), mean=1.0), "mean must be left out"),
    ],
)
def test_objects_that_are_something_else(make: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        make()


def test_missing_classes_may_be_allowed() -> None:
    data = TrainingData(FEATURES, [0, 2] * 6, allow_missing=True)
    assert data.counts.tolist() == [6, 0, 6]
    assert repr(data) == "TrainingData(n=12, n_classes=3)"


def test_data_of_other_class_names_are_not_measured_on() -> None:
    from infotheory.models import as_dataset

    inputs = np.zeros((3, 2))
    own = TrainingData(inputs, [0, 1, 2], class_names=["a", "b", "c"])
    message = r"data to measure on must be of the classes of .* \(a, b, c\); got c, b, a\."
    with pytest.raises(ValueError, match=message):
        own.matching(TrainingData(inputs, [0, 1, 2], class_names=["c", "b", "a"]))
    with pytest.raises(ValueError, match=r"got a, c\."):
        own.matching(as_dataset(inputs[:2], ["a", "c"]))
    assert own.matching((inputs[:2], [0, 2])).labels.tolist() == [0, 2]
    assert own.matching(as_dataset(inputs, ["a", "b", "c"])).class_names == ("a", "b", "c")


def test_targets_are_not_trusted_where_they_are_transformed() -> None:
    class Pairs:
        targets: ClassVar = [0, 0, 1]
        target_transform: ClassVar = {0: 1, 1: 0}

        def __len__(self) -> int:
            return 3

        def __getitem__(self, row: int) -> tuple[Any, int]:
            return torch.zeros(2), self.target_transform[self.targets[row]]

    assert TrainingData.of(Pairs()).labels.tolist() == [1, 1, 0]
