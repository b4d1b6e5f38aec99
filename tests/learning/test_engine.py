"""The loop is the loop one would write by hand, and asks procedures what it says it does."""

from __future__ import annotations

import copy
import itertools
import os
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import (
    N_CLASSES,
    CrossEntropy,
    N,
    Restless,
    mlp,
    one_thread,  # noqa: F401 - a fixture of every test here
    problem,
    same,
    settings,
)
from torch import nn

from infotheory.learning.data import Augmentation, CropFlip, TrainingData
from infotheory.learning.engine import Batch, Context, train
from infotheory.learning.engine.schedules import learning_rate

# -------------------------------------------------------------------------------------- the oracle


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
        {"optimiser": "adamw", "lr": 0.01, "schedule": "constant"},
        {"accumulation": 4, "clip": 0.05, "warmup_epochs": 2},
        {"drop_last": True, "schedule": "steps", "milestones": (1,)},
    ],
    ids=["nesterov", "adamw", "accumulation", "steps"],
)
def test_the_loop_is_the_one_written_by_hand(options: dict[str, Any]) -> None:
    chosen = settings(**options)
    data, network = problem(), mlp()
    by_hand = copy.deepcopy(network)
    procedure = CrossEntropy(network)
    run = train(procedure, data, settings=chosen)
    orders = [batch.rows.tolist() for batch, _ in procedure.batches]
    per_epoch = len(orders) // 3
    if chosen.optimiser == "sgd":
        optimiser: Any = torch.optim.SGD(
            by_hand.parameters(), lr=1.0, momentum=0.9, nesterov=chosen.nesterov,
            weight_decay=chosen.weight_decay,
        )  # fmt: skip
    else:
        optimiser = torch.optim.AdamW(by_hand.parameters(), weight_decay=chosen.weight_decay)
    losses = []
    for epoch in range(3):
        batches = orders[epoch * per_epoch : (epoch + 1) * per_epoch]
        losses.append([])
        for first in range(0, per_epoch, chosen.accumulation):
            group = batches[first : first + chosen.accumulation]
            optimiser.zero_grad()
            for rows in group:
                outputs = by_hand(data.batch(rows))
                loss = nn.functional.cross_entropy(outputs, torch.tensor(data.labels[rows]))
                losses[-1].append((loss.item(), len(rows)))
                (loss / len(group)).backward()
            if chosen.clip is not None:
                nn.utils.clip_grad_norm_(by_hand.parameters(), chosen.clip)
            done = (first + len(group)) / per_epoch
            optimiser.param_groups[0]["lr"] = learning_rate(chosen, epoch, done)
            optimiser.step()
    assert same(network, by_hand)
    for row, found in zip(run.history, losses, strict=True):
        want = sum(loss * n for loss, n in found) / sum(n for _, n in found)
        # Two means of at most 41 numbers of order one.
        assert row["loss"] == pytest.approx(want, rel=1e-13)
        assert row["loss_cross_entropy"] == pytest.approx(want, rel=1e-13)
        assert row["loss_two"] == 2.0


def test_every_row_is_met_once_an_epoch_in_another_order() -> None:
    procedure = CrossEntropy(mlp())
    train(procedure, problem(), settings=settings())
    sizes = [len(batch.rows) for batch, _ in procedure.batches]
    assert sizes == [8, 8, 8, 8, 8, 1] * 3
    rows = [batch.rows.tolist() for batch, _ in procedure.batches]
    orders = [list(itertools.chain(*rows[start : start + 6])) for start in (0, 6, 12)]
    assert all(sorted(order) == list(range(N)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    for batch, _ in procedure.batches:
        assert np.array_equal(batch.labels.numpy(), problem().labels[batch.rows.numpy()])
        assert batch.outputs.shape == (len(batch.rows), N_CLASSES)


def test_the_order_is_of_seed_and_epoch() -> None:
    def orders(seed: int, dropout: float) -> list[list[int]]:
        procedure = CrossEntropy(mlp(dropout))
        train(procedure, problem(), settings=settings(seed=seed))
        return [batch.rows.tolist() for batch, _ in procedure.batches]

    assert orders(0, 0.0) == orders(0, 0.5)
    assert orders(0, 0.0) != orders(1, 0.0)


def test_the_last_batch_may_be_left_out() -> None:
    procedure = CrossEntropy(mlp())
    train(procedure, problem(), settings=settings(drop_last=True))
    assert [len(batch.rows) for batch, _ in procedure.batches] == [8] * 15


def test_a_seed_says_it_all_and_the_chance_of_the_caller_is_left_alone() -> None:
    def trained(seed: int) -> nn.Module:
        procedure = Restless(mlp(0.5))
        return train(procedure, problem(), settings=settings(seed=seed)).network

    torch.manual_seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    first = trained(4)
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002
    random.seed(5)
    assert same(first, trained(4))
    assert not same(first, trained(5))


def test_deterministic_algorithms_are_for_the_run_alone() -> None:
    seen = []

    class Looking(CrossEntropy):
        def start(self, context: Context) -> None:
            seen.append(torch.are_deterministic_algorithms_enabled())

    train(Looking(mlp()), problem(), settings=settings(epochs=1, deterministic=True))
    assert seen == [True]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("strict", "warns"), [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("deterministic", [True, False])
def test_the_caller_gets_back_what_was_asked_of_algorithms(
    strict: bool, warns: bool, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def modes() -> tuple[bool, bool, str | None]:
        return (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        )

    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    torch.use_deterministic_algorithms(strict, warn_only=warns)
    try:
        before = modes()
        chosen = settings(epochs=1, deterministic=deterministic)
        train(CrossEntropy(mlp()), problem(), settings=chosen)
        assert modes() == before
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        train(CrossEntropy(mlp()), problem(), settings=chosen)
        assert modes()[2] == ":16:8"
    finally:
        torch.use_deterministic_algorithms(False)


class Frozen(nn.Sequential):
    """A part whose running statistics stay, as the documents say how."""

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        self[1].eval()
        return self


def test_statistics_move_unless_the_network_says_otherwise() -> None:
    """Training mode is for all of a network, as in PyTorch, whatever mode it came in."""
    for kind, moves in ((nn.Sequential, True), (Frozen, False)):
        network = kind(nn.Linear(6, 3), nn.BatchNorm1d(3).requires_grad_(False)).double().eval()
        train(CrossEntropy(network), problem(40), settings=settings(epochs=1))
        assert bool(network[1].running_mean.any()) == moves


# ----------------------------------------------------------------------------------------- hooks


class Telling(CrossEntropy):
    """Writes down when it is asked what."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.told: list[tuple[str, int, int, bool]] = []
        self.companions: list[tuple[list[int], torch.Tensor]] = []

    def _tell(self, what: str, context: Context) -> None:
        self.told.append((what, context.epoch, context.step, torch.is_grad_enabled()))

    def start(self, context: Context) -> None:
        self._tell("start", context)

    def start_epoch(self, context: Context) -> None:
        self._tell("start_epoch", context)

    def loss(self, batch: Batch, context: Context) -> torch.Tensor:
        self._tell("loss", context)
        return super().loss(batch, context)

    def companion(self, inputs: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        self.companions.append((rows.tolist(), inputs))
        return rows * 10

    def after_step(self, batch: Batch, context: Context) -> None:
        self._tell("after_step", context)

    def end_epoch(self, context: Context) -> None:
        self._tell("end_epoch", context)

    def figures(self, context: Context) -> Mapping[str, float]:
        self._tell("figures", context)
        return {"steps": context.step}


def test_hooks_are_run_when_they_should() -> None:
    procedure = Telling(mlp())
    run = train(procedure, problem(), settings=settings(epochs=2, batch_size=21, accumulation=2))
    assert procedure.told == [
        ("start", 0, 0, True),
        ("start_epoch", 0, 0, True),
        ("loss", 0, 0, True),
        ("loss", 0, 0, True),
        ("after_step", 0, 1, False),
        ("end_epoch", 1, 1, True),
        ("figures", 1, 1, True),
        ("start_epoch", 1, 1, True),
        ("loss", 1, 1, True),
        ("loss", 1, 1, True),
        ("after_step", 1, 2, False),
        ("end_epoch", 2, 2, True),
        ("figures", 2, 2, True),
    ]
    assert [row["steps"] for row in run.history] == [1, 2]
    for (batch, _), (rows, inputs) in zip(procedure.batches, procedure.companions, strict=True):
        assert rows == batch.rows.tolist()
        assert torch.equal(inputs, problem().batch(rows))
        assert torch.equal(batch.companion, batch.rows * 10)


def test_the_context_is_of_the_run() -> None:
    procedure = CrossEntropy(mlp())
    train(procedure, problem(), settings=settings(epochs=1))
    _, context = procedure.batches[0]
    assert context.device == torch.device("cpu")
    assert context.n_classes == N_CLASSES
    assert np.array_equal(context.labels, problem().labels)
    for rows in ([3, 1], np.array([3, 1]), torch.tensor([3, 1])):
        assert torch.equal(context.inputs(rows), problem().batch([3, 1]))


def test_inputs_and_passes_are_augmented_on_demand() -> None:
    """With draws of the procedure's own generator, so that checkpoints know them."""
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4), dtype=np.uint8)
    data = TrainingData(images, np.arange(10) % 2, augment=CropFlip(2))
    seen: dict[str, Any] = {}

    class Asking(CrossEntropy):
        def start(self, context: Context) -> None:
            seen["plain"] = context.inputs([4, 2])
            before = context.generator.get_state()
            seen["changed"] = context.inputs([4, 2], augment=True)
            seen["drawn"] = not torch.equal(before, context.generator.get_state())
            seen["pass"] = list(context.passes())
            after = context.generator.get_state()
            seen["other"] = list(context.passes(augment=True))
            seen["drawn too"] = not torch.equal(after, context.generator.get_state())

    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    train(Asking(network), data, settings=settings(epochs=1, batch_size=4))
    assert torch.equal(seen["plain"], data.batch([4, 2]))
    assert not torch.equal(seen["plain"], seen["changed"])
    assert seen["drawn"]
    assert seen["drawn too"]
    assert [rows.tolist() for _, _, rows in seen["pass"]] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert not torch.equal(seen["pass"][0][0], seen["other"][0][0])
    for _, labels, rows in seen["pass"]:
        assert np.array_equal(labels.numpy(), data.labels[rows])


class Noise(Augmentation):
    """Adds what was drawn, so that it can be read off."""

    def draw(self, n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(n, 6, generator=generator, dtype=torch.float64)

    def __call__(self, inputs: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return inputs + draws


def test_augmentation_is_drawn_anew_in_each_epoch() -> None:
    procedure = Telling(mlp())
    train(procedure, problem(augment=Noise()), settings=settings(epochs=2, batch_size=41))
    first, second = (
        (inputs - problem().batch(rows)).numpy() for rows, inputs in procedure.companions
    )
    # 246 numbers each, and no two alike: the chance that any come as close as this is 1e-9.
    assert np.diff(np.sort(np.concatenate([first, second], axis=None))).min() > 1e-15
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.3  # five deviations


def test_a_pass_is_without_gradients_in_the_mode_that_is_asked_for() -> None:
    modes = []

    class Asking(CrossEntropy):
        def start_epoch(self, context: Context) -> None:
            for training in (False, True):
                for outputs, _, _ in context.passes(training=training):
                    modes.append((self.network.training, outputs.requires_grad))
            modes.append(self.network[2].training)

    network = mlp(0.5)
    network.train()
    network[2].eval()
    train(Asking(network), problem(), settings=settings(epochs=1, batch_size=41))
    assert modes == [(False, False), (True, False), False]
