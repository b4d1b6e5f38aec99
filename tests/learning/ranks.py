"""One process of several: measures its part of each case, and writes down the total it is given.

RANK=0 WORLD_SIZE=2 python ranks.py STORE FOLDER
"""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from samples import everything, part

from infotheory.learning import NCMIMetric


def fill(metric: NCMIMetric, rows: slice, batch: int = 16) -> NCMIMetric:
    """Batch by batch, the last one shorter."""
    logits, labels = (torch.from_numpy(part[rows]) for part in everything())
    for start in range(0, len(labels), batch):
        metric.update(logits[start : start + batch], labels[start : start + batch])
    return metric


def text_of(action: Callable[[], object]) -> str:
    try:
        action()
    except ValueError as error:
        return str(error)
    return ""


def main(store: str, folder: str) -> None:
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=world,
        timeout=timedelta(seconds=120),
    )  # fmt: skip
    mine = part(rank, world)
    metrics = {
        "whole": fill(NCMIMetric(shards=5, class_names=list("abcdefg")), mine).all_reduce(),
        # The last rank has nothing, and has not heard how many classes there are.
        "empty": fill(NCMIMetric(), slice(0, 60) if rank == 0 else slice(0, 0)).all_reduce(),
        "alike": fill(NCMIMetric(), slice(0, 30)).all_reduce(),
    }
    texts = {"twice": text_of(metrics["whole"].all_reduce)}
    again = copy.copy(metrics["alike"]).reset()
    metrics["again"] = fill(again, mine).all_reduce()
    other = fill(NCMIMetric(temperature=2.0 if rank == world - 1 else 1.0), mine)
    texts["unlike"] = text_of(other.all_reduce)
    ends = dist.new_group([0, world - 1])
    some = fill(NCMIMetric(), mine)
    metrics["ends"] = some.all_reduce(ends) if rank in (0, world - 1) else some
    if world == 2:
        texts["torchmetrics"] = json.dumps(by_torchmetrics(mine))
    for name, metric in metrics.items():
        metric.save(Path(folder) / f"{name}-{rank}")
    (Path(folder) / f"texts-{rank}.json").write_text(json.dumps(texts))
    dist.barrier()
    dist.destroy_process_group()


def by_torchmetrics(rows: slice) -> dict[str, float]:
    """What torchmetrics itself makes of the processes; the part is whole again afterwards."""
    from infotheory.learning import torchmetrics_metric

    metric = torchmetrics_metric(7)
    logits, labels = (torch.from_numpy(part[rows]) for part in everything())
    metric.update(logits, labels)
    values = {name: float(value) for name, value in metric.compute().items()}
    with metric.sync_context():
        values["zeros of all"] = float(metric.zeros.sum())
    return values | {"n": float(metric.counts.sum())}


if __name__ == "__main__":
    main(*sys.argv[1:])
