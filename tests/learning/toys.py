"""A small problem, a small network and small procedures, for tests of the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from infotheory.learning.data import TrainingData
from infotheory.learning.engine import Batch, Context, Procedure, Settings

N, N_FEATURES, N_CLASSES = 41, 6, 3


def problem(n: int = N, seed: int = 0, **options: Any) -> TrainingData:
    """Clusters in double precision; every class is there."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % N_CLASSES
    inputs = rng.normal(size=(n, N_FEATURES)) + 1.5 * np.eye(N_FEATURES)[labels]
    return TrainingData(inputs, labels, **options)


def mlp(dropout: float = 0.0, seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(N_FEATURES, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, N_CLASSES)]
        return nn.Sequential(*layers).double()


def settings(**options: Any) -> Settings:
    """Three short epochs on the host."""
    return Settings(**{"epochs": 3, "batch_size": 8, "device": "cpu"} | options)


def weights(network: nn.Module) -> list[Tensor]:
    return [each.detach().clone() for each in network.state_dict().values()]


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(map(torch.equal, weights(first), weights(second)))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Of small products, more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class CrossEntropy(Procedure):
    """The plainest procedure; it remembers what it was asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.batches: list[tuple[Batch, Context]] = []
        self._terms: dict[str, Tensor | float] = {}

    def loss(self, batch: Batch, context: Context) -> Tensor:
        self.batches.append((batch, context))
        loss = cross_entropy(batch.outputs, batch.labels)
        self._terms = {"cross_entropy": loss.detach(), "two": 2.0}
        return loss

    def terms(self) -> Mapping[str, Tensor | float]:
        return self._terms


class PairLoss(CrossEntropy):
    """Every row meets every other: a loss that the parts of a batch cannot compute alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        teacher = mlp(seed=7)
        self.teacher = teacher.requires_grad_(False)

    def companion(self, inputs: Tensor, rows: Tensor) -> Tensor:
        return self.teacher(inputs) + rows[:, None] / N

    def loss(self, batch: Batch, context: Context) -> Tensor:
        logs = torch.log_softmax(batch.outputs, 1)
        apart = (batch.labels[:, None] != batch.labels).to(logs)
        separation = -(apart * (logs.exp() @ logs.T)).mean()
        distance = (batch.outputs - batch.companion).square().mean()
        return super().loss(batch, context) - 0.1 * separation + 0.1 * distance


class Restless(CrossEntropy):
    """Keeps state everywhere and draws from every source of chance."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.centre = nn.Module()
        self.centre.register_buffer("mean", torch.zeros(N_CLASSES, dtype=torch.float64))
        self.count = 0

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"centre": self.centre}

    def loss(self, batch: Batch, context: Context) -> Tensor:
        chance = random.random() + np.random.random() + float(torch.rand(()))  # noqa: S311, NPY002
        pull = (batch.outputs.mean(0) - self.centre.mean).square().sum()
        return super().loss(batch, context) + 0.01 * chance * pull

    def after_step(self, batch: Batch, context: Context) -> None:
        rows = torch.randint(len(context.labels), (4,), generator=context.generator)
        seen = self.network(context.inputs(rows, augment=True)).mean(0)
        self.centre.mean.lerp_(seen, 0.1)
        self.count += 1

    def figures(self, context: Context) -> Mapping[str, float]:
        return {"centre": float(self.centre.mean.sum()), "count": self.count}

    def extra_state(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        self.count = state["count"]
