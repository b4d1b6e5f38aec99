"""Samples in every form come out alike, and subsets are what they are named."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train on")

import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from learning.small_data import FEATURES, IMAGES, LABELS, Pairs, Targets
from torch.utils.data import TensorDataset

from infotheory.learning.data import Augmentation, CropFlip, TrainingData
from infotheory.models import as_dataset


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


# ------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    "data",
    [
        (FEATURES, LABELS),
        [torch.from_numpy(FEATURES), torch.from_numpy(LABELS)],
        (FEATURES.tolist(), LABELS.tolist()),
        (FEATURES[::-1][::-1], LABELS),
        (FEATURES.astype(">f4"), LABELS),
        (read_only(FEATURES), LABELS),
        (list(torch.from_numpy(FEATURES)), LABELS),
        TensorDataset(torch.from_numpy(FEATURES), torch.from_numpy(LABELS)),
        Pairs(),
        Targets(),
        as_dataset(FEATURES, LABELS),
        TrainingData(FEATURES, LABELS),
    ],
    ids=lambda data: type(data).__name__,
)
def test_every_form_gives_the_same_batch(data: Any) -> None:
    made = TrainingData.of(data)
    batch = made.batch([3, 0, 3])
    assert np.array_equal(made.labels, LABELS)
    assert np.allclose(batch.numpy(), FEATURES[[3, 0, 3]], rtol=1e-7)
    assert (len(made), made.n_classes) == (12, 3)


def test_labels_are_not_read_item_by_item_where_they_are_known() -> None:
    asked, known = Pairs(), Targets()
    TrainingData.of(asked)
    TrainingData.of(known)
    assert (asked.asked, known.asked) == (12, 0)


def test_images_become_floats_with_channels_first() -> None:
    batch = TrainingData(IMAGES, LABELS).batch([2, 5])
    assert batch.dtype == torch.float32
    assert batch.is_contiguous()
    for place, row in enumerate((2, 5)):
        for channel in range(3):
            want = IMAGES[row, :, :, channel].astype(np.float32) / np.float32(255)
            assert np.array_equal(batch[place, channel].numpy(), want)
    grey = TrainingData(IMAGES[..., 0], LABELS).batch([2])
    assert torch.equal(grey, batch[:1, :1])


@pytest.mark.parametrize("as_pil", [False, True])
def test_images_that_are_read_one_by_one(as_pil: bool) -> None:
    samples: Any = list(IMAGES)
    if as_pil:
        image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
        samples = [image.fromarray(each) for each in IMAGES]
    whole = TrainingData(IMAGES, LABELS).batch(range(12))
    data = TrainingData.of(as_dataset(samples, LABELS, class_names=["a", "b", "c"]))
    assert data.class_names == ("a", "b", "c")
    assert torch.equal(data.batch(range(12)), whole)


def test_a_palette_becomes_colours() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    picture = image.fromarray(np.full((2, 2, 3), 255, np.uint8)).convert("P")
    batch = TrainingData([picture, picture], [0, 1]).batch([0])
    assert batch.tolist() == np.ones((1, 3, 2, 2)).tolist()


def test_mean_and_deviation_are_by_channel() -> None:
    mean, std = [0.1, 0.2, 0.3], [0.5, 1.0, 2.0]
    plain = TrainingData(IMAGES, LABELS).batch(range(12)).double()
    batch = TrainingData(IMAGES, LABELS, mean=mean, std=std).batch(range(12))
    want = (plain - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    # One subtraction and one division in single precision, of numbers below 2.
    torch.testing.assert_close(batch.double(), want.double(), atol=1e-6, rtol=0)
    one = TrainingData(FEATURES, LABELS, std=2.0).batch(range(12))
    assert torch.equal(one, torch.from_numpy(FEATURES) / 2)


def test_whole_numbers_stay_as_they_are() -> None:
    tokens = np.arange(24).reshape(12, 2)
    assert TrainingData(tokens, LABELS).batch([1]).dtype == torch.int64


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # of fork
def test_workers_read_the_same() -> None:
    data = TrainingData.of(Pairs())
    parts = [np.array([4, 1]), np.array([0]), np.array([7, 8, 9])]
    alone, helped = (list(data.read(parts, workers=workers)) for workers in (0, 2))
    assert len(alone) == len(helped) == 3
    assert all(torch.equal(first, second) for first, second in zip(alone, helped, strict=True))


class Chance:
    """Samples that are drawn anew each time."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.rand(3)


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # of fork
def test_what_workers_draw_is_of_the_seed() -> None:
    data, parts = TrainingData(Chance(), LABELS), [np.arange(6), np.arange(6, 12)]
    first, same, other = (
        torch.cat(list(data.read(parts, workers=2, seed=seed))) for seed in (1, 1, 2)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


# ----------------------------------------------------------------------------------------- subsets


def test_taking_is_in_order_and_nested() -> None:
    data = TrainingData(FEATURES, LABELS)
    taken = data.take([5, 4, 3, 0]).take([3, 1, 0])
    assert np.array_equal(taken.labels, LABELS[[0, 4, 5]])
    assert np.array_equal(taken.batch([0, 1, 2]).numpy(), FEATURES[[0, 4, 5]])
    masked = data.take(LABELS < 3)
    assert len(masked) == 12


labels_of_classes = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(
    lambda counts: np.repeat(np.arange(len(counts)), counts)
)


def everything(data: TrainingData) -> np.ndarray:
    """The one feature of all samples, which is their number."""
    return data.batch(range(len(data)))[:, 0].numpy().astype(int)


@given(labels=labels_of_classes, fraction=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_a_split_is_a_partition_in_which_each_class_keeps_a_sample(
    labels: np.ndarray, fraction: float, seed: int
) -> None:
    data = TrainingData(np.arange(len(labels))[:, None].astype(float), labels)
    counts = np.bincount(labels)
    assume(np.any(np.floor(fraction * counts) >= 1) and counts.max() > 1)  # or none is set aside
    rest, aside = data.split(fraction, rng=seed)
    numbers = [int(x) for part in (rest, aside) for x in everything(part)]
    assert sorted(numbers) == list(range(len(labels)))
    for part in (rest, aside):
        assert np.array_equal(labels[everything(part)], part.labels)
    assert rest.counts.min() >= 1
    assert aside.n_classes == data.n_classes
    # Of each class a share rounded up or down, but for the sample that it keeps.
    assert np.all(np.abs(aside.counts - fraction * counts) <= 1.0 + 1e-9)


@given(labels=labels_of_classes, fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_few_shots_are_of_every_class(labels: np.ndarray, fraction: float, seed: int) -> None:
    data = TrainingData(np.arange(len(labels))[:, None].astype(float), labels)
    few = data.few_shot(fraction, rng=seed)
    counts = np.bincount(labels)
    want = [max(1, round(fraction * count)) for count in counts.tolist()]
    assert few.counts.tolist() == want
    numbers = everything(few).tolist()
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)


def test_few_shots_are_by_chance() -> None:
    data = TrainingData(np.arange(30.0)[:, None], np.arange(30) % 3)
    seen = Counter(
        int(x) for seed in range(60) for x in data.few_shot(0.1, rng=seed).batch([0, 1, 2])[:, 0]
    )
    assert len(seen) == 30  # 180 draws; each of 30 is missed with probability (9/10)^60 = 0.002


def test_dropped_classes_stay_classes() -> None:
    data = TrainingData(FEATURES, LABELS).without([1])
    assert data.counts.tolist() == [4, 0, 4]
    assert data.n_classes == 3
    with pytest.raises(ValueError, match=r"classes must be integers in \[0, 3\); got 3"):
        data.without([3])
    with pytest.raises(ValueError, match="such that samples are left; got all that there are"):
        data.without([0, 2])


def test_other_data_get_the_same_preparation() -> None:
    data = TrainingData(IMAGES, LABELS, mean=0.5, augment=CropFlip(), class_names=["a", "b", "c"])
    other = data.matching((IMAGES[:2], [0, 0]))
    assert torch.equal(other.batch([0, 1]), data.batch([0, 1]))
    assert (other.n_classes, other.class_names, other.augment) == (3, ("a", "b", "c"), None)
    assert data.matching(data) is data
    with pytest.raises(ValueError, match="of the 3 classes of the training data; got 2"):
        data.matching(TrainingData(IMAGES, LABELS % 2))


@pytest.mark.parametrize(
    ("own", "other", "fits"),
    [
        ({"mean": 0.5}, {"mean": [0.5] * 3}, True),
        ({"mean": 0.0, "std": [1.0] * 3}, {}, True),
        ({"mean": 0.5, "std": 2.0}, {"mean": 0.5, "std": 2.0}, True),
        ({"mean": 0.5}, {}, False),
        ({}, {"std": 2.0}, False),
        ({"mean": [0.5, 0.5, 0.4]}, {"mean": 0.5}, False),
        ({"mean": 0.5, "std": 2.0}, {"mean": 0.5, "std": 2.1}, False),
    ],
)
def test_data_of_another_scale_are_not_measured_on(own: Any, other: Any, fits: bool) -> None:
    data, others = (TrainingData(IMAGES, LABELS, **scale) for scale in (own, other))
    if fits:
        assert data.matching(others) is others
        assert torch.equal(data.batch([0]), others.batch([0]))
        return
    with pytest.raises(ValueError, match=r"(mean|std) of data to measure on must be that of the t"):
        data.matching(others)


def test_one_seed_sets_the_same_samples_aside_of_data_that_are_read_otherwise() -> None:
    """So random transforms can stay out of validation: see the notes of `split`."""
    plain, changed = Pairs(), Pairs(-FEATURES)
    rest, _ = TrainingData.of(changed).split(0.25, rng=3)
    _, aside = TrainingData.of(plain).split(0.25, rng=3)
    both = torch.cat([-rest.batch(range(len(rest))), aside.batch(range(len(aside)))])
    assert np.array_equal(np.unique(both, axis=0), np.unique(FEATURES, axis=0))


# ------------------------------------------------------------------------------------- fingerprint


def test_a_fingerprint_is_of_content() -> None:
    base = TrainingData(IMAGES, LABELS)
    same = [TrainingData(IMAGES.copy(), LABELS.tolist()), base.take(range(12)).take(range(12))]
    assert same[0].fingerprint() == base.fingerprint()
    changed_images, changed_labels = IMAGES.copy(), LABELS.copy()
    changed_images[7, 2, 3, 1] ^= 1
    changed_labels[0] = 1
    others = [
        TrainingData(changed_images, LABELS),
        TrainingData(IMAGES, changed_labels),
        TrainingData(IMAGES, LABELS, n_classes=4, allow_missing=True),
        TrainingData(IMAGES, LABELS, mean=0.5),
        TrainingData(IMAGES, LABELS, std=0.5),
        TrainingData(IMAGES, LABELS, augment=CropFlip(2)),
        TrainingData(IMAGES, LABELS, augment=CropFlip(3)),
        base.take(range(9)),
        base.take([3, 1, 2, 0, 4, 5, 6, 7, 8]),
        base.take([0, 1, 2, 3, 4, 5, 6, 7, 11]),
        TrainingData(torch.from_numpy(FEATURES), LABELS),
        TrainingData(torch.from_numpy(FEATURES).bfloat16(), LABELS),
        TrainingData.of(Pairs()),
        TrainingData.of(as_dataset(list(IMAGES), LABELS)),
    ]
    names = [each.fingerprint() for each in (base, *others)]
    assert len(set(names)) == len(names)
    assert names == [each.fingerprint() for each in (base, *others)]


class Odd(Augmentation):
    def draw(self, n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(n, 1, generator=generator)

    def __call__(self, inputs: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return inputs + draws


def test_a_fingerprint_does_not_depend_on_where_objects_are() -> None:
    first, second = (TrainingData(FEATURES, LABELS, augment=Odd()) for _ in range(2))
    assert first.fingerprint() == second.fingerprint()
