"""What processes tell each other: sums, and saved states as bytes. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed

from infotheory._validation import refusal
from infotheory.classifiers import NCMIAccumulator
from infotheory.classifiers.state import pack_states, unpack_states

__all__ = ["gathered_states", "summed_over_processes"]

_NAME = "metric"


def gathered_states(
    accumulator: NCMIAccumulator, reduced: bool, group: Any = None
) -> Iterator[tuple[int, NCMIAccumulator]]:
    """Yield the accumulators of all ranks, one after the other, on every rank.

    Parameters
    ----------
    accumulator : NCMIAccumulator
        Of this rank.
    reduced : bool
        Whether it holds the samples of the others already.
    group : ProcessGroup, optional
        Of which processes.

    Yields
    ------
    rank : int
        In the group.
    accumulator : NCMIAccumulator
        A copy, for this process.

    Raises
    ------
    ValueError
        On every rank, where one has been reduced already.
    """
    distributed = torch.distributed
    rank, world = distributed.get_rank(group), distributed.get_world_size(group)
    device = _device_of(group)
    mine = np.frombuffer(pack_states({_NAME: accumulator}), np.uint8)
    told = torch.tensor([mine.size, int(reduced)], device=device)
    everyone = [torch.empty_like(told) for _ in range(world)]
    distributed.all_gather(everyone, told, group=group)
    table = torch.stack(everyone).tolist()
    for other, (_, already) in enumerate(table):
        if already:
            raise refusal(
                "metric",
                "reduced once",
                f"one on rank {other} that holds the samples of all ranks",
                "Call reset() before the next epoch; copy the metric to go on with the part.",
            )
    for other, (size, _) in enumerate(table):
        if other == rank:
            content = torch.from_numpy(mine.copy()).to(device)
        else:
            content = torch.empty(size, dtype=torch.uint8, device=device)
        source = other if group is None else distributed.get_global_rank(group, other)
        distributed.broadcast(content, source, group=group)
        received = unpack_states(content.cpu().numpy().tobytes(), f"the state of rank {other}")
        yield other, received[_NAME].accumulator


def summed_over_processes(*tensors: torch.Tensor) -> None:
    """Add up tensors over the processes of the default group, in place; one process: nothing.

    Parameters
    ----------
    *tensors : Tensor
        Of the same shapes in every process, on a device that the group's backend knows.
    """
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        for tensor in tensors:
            distributed.all_reduce(tensor)


def _device_of(group: Any) -> torch.device:
    """Where tensors must be to travel in this group: NCCL knows GPUs only."""
    backends = torch.distributed.get_backend_config(group)
    if "cpu:" in backends:
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())
