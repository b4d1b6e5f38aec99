"""The k-th nearest of numbers that ascend: what is the same for all of them and within a class."""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._typing import FloatArray

__all__ = ["kth_distance"]

_FEW = 8  # so many rows cost less than bisection


@kernel
def kth_distance(values: FloatArray, place: int, start: int, stop: int, k: int) -> float:
    """Distance of the number at `place` to the k-th nearest of the others from `start` to `stop`.

    The number and the k nearest of the others are k + 1 numbers in a row, so it is the least
    reach of such a row that holds the number: the larger one of the distances to its ends. The
    one to the left end falls from row to row, and the other one rises.
    """
    value = values[place]
    low = max(start, place - k)
    high = min(place, stop - 1 - k)
    while high - low > _FEW:
        middle = (low + high) >> 1
        if values[middle + k] - value < value - values[middle]:
            low = middle
        else:
            high = middle
    least: float = max(value - values[low], values[low + k] - value)
    for left in range(low + 1, high + 1):
        least = min(least, max(value - values[left], values[left + k] - value))
    return least
