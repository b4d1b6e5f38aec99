"""One process of several that train together; or the only one.

RANK=0 WORLD_SIZE=2 ... python training_ranks.py FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from infotheory.learning.data import Augmentation, TrainingData
from infotheory.learning.engine import Batch, Context, Settings, gather_rows, train

try:
    from learning.toys import CrossEntropy, PairLoss, mlp, problem
except ModuleNotFoundError:  # as a script
    from toys import CrossEntropy, PairLoss, mlp, problem


class Noise(Augmentation):
    """What happens to a row must not depend on who has it."""

    def draw(self, n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(n, 6, generator=generator, dtype=torch.float64)

    def __call__(self, inputs: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return inputs + 0.1 * draws


class Watching(PairLoss):
    """Also passes over the data, and draws, in every process alike."""

    def __init__(self, network: nn.Module, push: float = 0.0) -> None:
        super().__init__(network)
        self.found: list[float] = []
        self.pushing = nn.Module()
        self.pushing.register_buffer("push", torch.tensor(push))

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"pushing": self.pushing}

    def loss(self, batch: Batch, context: Context) -> torch.Tensor:
        return super().loss(batch, context) + self.pushing.push * batch.outputs.mean()

    def start_epoch(self, context: Context) -> None:
        passed = list(context.passes(augment=True))
        outputs, labels, rows = (torch.cat(each) for each in zip(*passed, strict=True))
        drawn = torch.randint(99, (1,), generator=context.generator)
        order = (rows == torch.arange(len(rows))).all()
        self.found += [float(outputs.sum()), float(labels.sum()), float(drawn), float(order)]

    def after_step(self, batch: Batch, context: Context) -> None:
        self.found.append(float(batch.outputs.sum()))


class Looking(CrossEntropy):
    """Asks for outputs in evaluation mode after each step, which all processes have to agree on."""

    seen: float = 0.0

    def after_step(self, batch: Batch, context: Context) -> None:
        self.network.eval()
        self.seen += float(self.network(context.inputs([0, 1])).sum())
        self.network.train()


def settings(**options: Any) -> Settings:
    return Settings(**{"epochs": 3, "batch_size": 8, "device": "cpu", "clip": 1.0} | options)


CASES = {
    "pairs": settings(),
    "accumulated": settings(accumulation=4, epochs=2),
    "few": settings(batch_size=20, epochs=2, optimiser="adam", lr=0.01),
}


def normed() -> nn.Sequential:
    return nn.Sequential(mlp(), nn.BatchNorm1d(3).double())


def text_of(action: Any) -> str:
    try:
        action()
    except ValueError as error:
        return str(error)
    return ""


def main(folder: Path) -> None:
    rank = int(os.environ.get("RANK", "0"))
    found: dict[str, Any] = {}
    for name, chosen in CASES.items():
        procedure = Watching(mlp(seed=rank), push=float(rank))  # what the first begins with counts
        data = problem(augment=Noise())
        if name == "few":  # samples that are read one by one
            data = TrainingData(list(data.batch(range(len(data)))), data.labels, augment=Noise())
        run = train(
            procedure, data, validation=problem(13, seed=5), settings=chosen,
            folder=folder / name,
        )  # fmt: skip
        torch.save(run.network.state_dict(), folder / f"{name}-{rank}.pt")
        found[name] = {
            "history": [{**row, "seconds": 0} for row in run.history],
            "found": procedure.found,
            "batches": [
                [batch.rows.tolist(), batch.labels.tolist()] for batch, _ in procedure.batches
            ],
            "report": run.report.ncmi if run.report is not None else None,
        }
    again = train(
        Watching(mlp(seed=4)), problem(augment=Noise()), validation=problem(13, seed=5),
        settings=CASES["pairs"], folder=folder / "pairs", resume=True,
    )  # fmt: skip
    found["again"] = [{**row, "seconds": 0} for row in again.history]
    looking = Looking(normed())
    train(looking, problem(40), settings=settings(epochs=1))
    found["statistics"] = [looking.seen, looking.network[1].running_mean.tolist()]
    found["taken"] = text_of(lambda: train(CrossEntropy(mlp()), problem(), folder=folder / "pairs"))
    found["small"] = text_of(
        lambda: train(CrossEntropy(mlp()), problem(), settings=settings(batch_size=1))
    )
    if "RANK" in os.environ:
        found["gradient"] = gradient_of_gathered(rank)
    (folder / f"found-{rank}.json").write_text(json.dumps(found))


def gradient_of_gathered(rank: int) -> list[list[float]]:
    """What each process gets back of a loss of all the rows; the second has a stand-in alone."""
    part = torch.arange(1.0, 7.0).reshape(3, 2).requires_grad_() + rank * 10
    part.retain_grad()
    whole = gather_rows(part, [3, 0], rank)
    (whole.square().sum()).backward()
    assert part.grad is not None
    return [*whole.tolist(), *part.grad.tolist()]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
