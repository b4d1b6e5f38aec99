"""Nearest neighbours in a column."""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._kernels._line import kth_distance
from infotheory._typing import AnyArray, FloatArray

__all__ = ["fill_kth_distances"]


@kernel
def fill_kth_distances(
    values: FloatArray, order: AnyArray, k: int, start: int, stop: int, distances: FloatArray
) -> None:
    """Write the k-th distance of each number of ranks `start` to `stop`."""
    for rank in range(start, stop):
        distances[order[rank]] = kth_distance(values, rank, 0, values.size, k)
