"""The loop where there is a GPU: precision, chance, and losses that are looked at later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import CrossEntropy, N, Restless, mlp, problem

from infotheory.learning.data import CropFlip, TrainingData
from infotheory.learning.engine import Settings, evaluate, train
from infotheory.learning.engine.checkpoints import load_checkpoint

pytestmark = pytest.mark.gpu


def settings(**options: Any) -> Settings:
    return Settings(**{"epochs": 3, "batch_size": 8} | options)


def test_the_device_comes_to_the_network_of_the_host() -> None:
    networks = []
    for device in (None, "cpu"):
        run = train(
            CrossEntropy(mlp()), problem(), validation=problem(12), settings=settings(device=device)
        )
        networks.append(run.network)
    assert next(networks[0].parameters()).is_cuda
    for first, second in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        # Twelve steps in double precision on another order of sums.
        torch.testing.assert_close(first.cpu(), second, atol=1e-10, rtol=0)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_learns(precision: str, tmp_path: Path) -> None:
    data = TrainingData(problem(300).batch(range(300)).float(), problem(300).labels)
    chosen = settings(epochs=10, batch_size=32, precision=precision, clip=5.0)
    run = train(
        CrossEntropy(mlp().float()), data, validation=data, settings=chosen, folder=tmp_path
    )
    assert run.history[-1]["error"] < 0.2  # by chance 2/3
    assert (load_checkpoint(tmp_path / "checkpoint.pt")["scaler"] is None) == (precision == "bf16")
    assert evaluate(run.network, data).error < 0.2


def test_a_broken_run_goes_on_as_it_would_have(tmp_path: Path) -> None:
    """With dropout on the device, whose state of chance is in the checkpoint."""

    class Interrupted(Restless):
        def end_epoch(self, context: Any) -> None:
            if context.epoch == self.last:
                raise KeyboardInterrupt

        last = 3

    data = problem()
    chosen = settings(deterministic=True)
    with pytest.raises(KeyboardInterrupt):
        train(Interrupted(mlp(0.5)), data, settings=chosen, folder=tmp_path)
    Interrupted.last = -1
    resumed = train(Interrupted(mlp(0.5)), data, settings=chosen, folder=tmp_path, resume=True)
    whole = train(Interrupted(mlp(0.5)), data, settings=chosen)
    for first, second in zip(resumed.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(first, second)


def test_a_loss_that_is_not_finite_is_found_later_and_named_right() -> None:
    class Breaking(CrossEntropy):
        def loss(self, batch: Any, context: Any) -> torch.Tensor:
            loss = super().loss(batch, context)
            return loss * float("nan") if context.step == 7 else loss

    with pytest.raises(FloatingPointError, match="got nan in step 2 of epoch 2"):
        train(Breaking(mlp()), problem(), settings=settings())


def test_images_are_changed_there_as_on_the_host() -> None:
    images = np.random.default_rng(0).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)
    data = TrainingData(images, problem().labels, augment=CropFlip(2), mean=[0.1, 0.2, 0.3])
    draws = CropFlip(2).draw(5, torch.Generator().manual_seed(0))
    host, there = (data.batch(range(5), draws=draws, device=place) for place in ("cpu", "cuda"))
    # On a GPU the division by 255 is a product with its rounded inverse.
    torch.testing.assert_close(host, there.cpu(), atol=1e-6, rtol=0)
