"""Augmentation of images, beside a loop."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")

import torch
from learning.small_data import RNG

from infotheory.learning import TrainingData
from infotheory.learning.data import CropFlip


@pytest.mark.parametrize(("padding", "flip"), [(2, True), (0, True), (3, False)])
def test_crop_and_flip_are_those_of_a_loop(padding: int, flip: bool) -> None:
    images = torch.from_numpy(RNG.normal(size=(40, 3, 5, 6)))
    augment = CropFlip(padding, flip)
    draws = augment.draw(40, torch.Generator().manual_seed(1))
    got = augment(images, draws)
    for image, (top, left, mirrored), found in zip(images, draws.tolist(), got, strict=True):
        padded = np.pad(image.numpy(), ((0, 0), (padding, padding), (padding, padding)))
        want = padded[:, top : top + 5, left : left + 6]
        assert np.array_equal(want[:, :, ::-1] if mirrored else want, found.numpy())
    assert set(draws[:, 2].tolist()) == ({0, 1} if flip else {0})
    assert set(draws[:, 0].tolist()) == set(range(2 * padding + 1))
    assert set(draws[:, 1].tolist()) == set(range(2 * padding + 1))
    assert got.is_contiguous()


def test_chance_is_of_the_generator_alone() -> None:
    augment = CropFlip()
    first, second = (augment.draw(9, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    augment.draw(9, torch.Generator().manual_seed(3))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_border_is_black_before_normalisation() -> None:
    white = np.full((2, 4, 4), 255, np.uint8)
    data = TrainingData(white, [0, 1], augment=CropFlip(1, flip=False), mean=0.5)
    batch = data.batch([0], draws=torch.tensor([[0, 1, 0]]))
    assert batch[0, 0].tolist() == [[-0.5] * 4] + [[0.5] * 4] * 3
    assert torch.equal(data.batch([0]), torch.full((1, 1, 4, 4), 0.5))
