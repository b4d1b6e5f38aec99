"""What ``evaluate_model`` costs beside the forward passes of the model.

    python benchmarks/evaluation.py             ResNet-20, 10,000 pictures, batches of 100
    python benchmarks/evaluation.py --rows 2000 --rounds 9

The yardstick is a bare loop in torch over the same arrays: slices of a tensor of prepared pictures
into the module, with the outputs dropped. Ours reads the samples, makes batches of them, and
measures everything of the report, intervals included. One thread computes; both clocks are shown.

The verdict is on whole runs, round by round. Beside it stands what one and the same run spends
outside of the module, over what it spends inside, which scatters less and says more than it costs:
a batch that was put together a moment ago is in the cache when the module asks for it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from loading import loaded
from timing import interleave, machine, ratio, verdict

from infotheory.evaluation import evaluate_model
from infotheory.models.preprocessing import Preprocessing

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "evaluation.json"
BATCH = 100
GOAL = 1.02


class Timed(torch.nn.Module):
    """A module that adds up the time inside of it, on both clocks."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module
        self.seconds = np.zeros(2)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Apply the module."""
        start = clocks()
        outputs = self.module(batch)
        self.seconds += clocks() - start
        return outputs


def clocks() -> np.ndarray:
    return np.array([time.process_time(), time.perf_counter()])


def outside(net: torch.nn.Module, run: Callable[[torch.nn.Module], object], rounds: int) -> Any:
    """Return seconds outside of the module over those inside, by round, on both clocks."""
    shares = []
    for _ in range(rounds):
        timed = Timed(net).eval()
        start = clocks()
        run(timed)
        shares.append((clocks() - start) / timed.seconds - 1.0)
    return np.array(shares)


def shares_outside(
    works: dict[str, Callable[[torch.nn.Module], None]], net: torch.nn.Module, rounds: int
) -> list[dict[str, Any]]:
    """Print and return what is spent outside of the module."""
    rows = []
    for name, work in works.items():
        for clock, values in zip(("cpu", "wall"), outside(net, work, rounds).T, strict=True):
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
            rows.append({"what": name, "clock": clock, "share": middle, "quartiles": [low, high]})
            print(
                f"{name}, outside of the module over inside, {clock}: {100 * middle:.2f} % "
                f"({100 * low:.2f} to {100 * high:.2f})"
            )
    return rows


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    if "INFOTHEORY_DATA" not in os.environ:
        print("INFOTHEORY_DATA is not set: the pictures and weights are not at hand")
        return 1
    torch.set_num_threads(1)
    stored = np.load(Path(os.environ["INFOTHEORY_DATA"]) / "cifar10_jpeg" / "cifar10_test_jpeg.npz")
    pictures = loaded(ROOT / "tests" / "evaluation" / "exporting.py").decoded(
        stored, range(arguments.rows)
    )
    labels = stored["labels"][: arguments.rows].astype(np.int64)
    net, fields = loaded(ROOT / "tests" / "models" / "resnets.py").resnet20()
    net.eval()
    prepare = Preprocessing.of(fields)
    prepared = np.stack([prepare(picture) for picture in pictures])
    tensors = torch.from_numpy(prepared)
    pairs = torch.utils.data.TensorDataset(tensors, torch.from_numpy(labels))
    loader = torch.utils.data.DataLoader(pairs, batch_size=BATCH)

    def bare() -> None:
        with torch.inference_mode():
            for start in range(0, len(tensors), BATCH):
                net(tensors[start : start + BATCH])

    def bare_loader() -> None:
        with torch.inference_mode():
            for batch, _ in loader:
                net(batch)

    def ours(net: torch.nn.Module, n_threads: int = 0) -> None:
        evaluate_model(
            net, (prepared, labels), batch_size=BATCH, n_threads=n_threads, progress=False
        )

    def ours_loader(net: torch.nn.Module) -> None:
        evaluate_model(net, loader, progress=False)

    contenders = {
        "bare loop": bare,
        "bare loader": bare_loader,
        "evaluate_model": lambda: ours(net),
        "evaluate_model, two threads": lambda: ours(net, 2),
        "evaluate_model, loader": lambda: ours_loader(net),
    }
    taken = interleave(contenders, arguments.rounds)
    pairs_of = {
        "evaluate_model": "bare loop",
        "evaluate_model, two threads": "bare loop",
        "evaluate_model, loader": "bare loader",
    }
    rows = []
    for name, yardstick in pairs_of.items():
        row: dict[str, Any] = {"what": name, "against": yardstick}
        for clock in ("cpu", "wall"):
            middle, low, high = ratio(taken[name], taken[yardstick], clock)
            said = verdict(taken[name], taken[yardstick], GOAL, clock)
            row[clock] = {"ratio": middle, "quartiles": [low, high], "verdict": said}
            print(
                f"{name} / {yardstick}, {clock}: {middle:.4f} ({low:.4f} to {high:.4f}), "
                f"goal {GOAL}: {said}"
            )
        rows.append(row)
    shares = shares_outside(
        {"evaluate_model": ours, "evaluate_model, loader": ours_loader}, net, arguments.rounds
    )
    if arguments.save:
        content = {
            "command": f"python benchmarks/evaluation.py {' '.join(sys.argv[1:])}".strip(),
            "machine": machine(),
            "rows": arguments.rows,
            "batch_size": BATCH,
            "goal": GOAL,
            "seconds": {
                name: {"cpu": timing.cpu, "wall": timing.wall} for name, timing in taken.items()
            },
            "ratios": rows,
            "outside_over_inside": shares,
        }
        RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run())
