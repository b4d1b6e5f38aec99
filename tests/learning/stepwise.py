"""Runs of a small problem, and the same steps taken by hand, for tests of the procedures."""

from __future__ import annotations

from typing import Any

import torch
from learning.toys import N_CLASSES, problem
from torch import Tensor, nn
from torch.nn.functional import softmax

from infotheory.learning import Procedure, Run, Settings, train
from infotheory.learning.engine import Batch, Context

# Two orders of the same double-precision sums, over some 40 terms and a dozen steps.
CLOSE = {"rtol": 1e-10, "atol": 1e-12}
PLAIN = Settings(epochs=3, batch_size=16, lr=0.2, momentum=0.0, weight_decay=0.0,
                 schedule="constant", device="cpu")  # fmt: skip


def run(procedure: Procedure, settings: Settings = PLAIN, **options: Any) -> Run:
    return train(procedure, problem(), settings=settings, progress=False, **options)


def double(loss: Any) -> Any:
    return loss.double()


class Remembering:
    """Keeps the rows of each batch, and those that each step of the centroids draws."""

    def __init__(self, procedure: Procedure) -> None:
        self.batches: list[Tensor] = []
        loss = procedure.loss

        def remembered(batch: Batch, context: Context) -> Tensor:
            self.batches.append(batch.rows.clone())
            return loss(batch, context)

        procedure.loss = remembered  # type: ignore[method-assign]


def inputs_and_labels() -> tuple[Tensor, Tensor]:
    data = problem()
    return data.batch(range(len(data))), torch.from_numpy(data.labels)


def class_means(logits: Tensor, labels: Tensor) -> Tensor:
    p = softmax(logits, 1)
    return torch.stack([p[labels == c].mean(0) for c in range(N_CLASSES)])


def descend(network: nn.Module, loss: Tensor, rate: float = 0.2) -> None:
    """One plain step of gradient descent."""
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    with torch.no_grad():
        for weight, gradient in zip(network.parameters(), gradients, strict=True):
            weight.sub_(rate * gradient)


def same_weights(first: nn.Module, second: nn.Module) -> None:
    for mine, its in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(mine, its, **CLOSE)
