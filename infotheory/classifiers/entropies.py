"""Entropies of centroids, formed from their small terms."""

from __future__ import annotations

import numpy as np

from infotheory._typing import FloatArray

__all__ = ["entropies", "row_blocks"]

_BLOCK_BYTES = 1 << 19  # temporaries of a block of rows stay in the second-level cache
_TINY = np.finfo(np.float64).tiny


def row_blocks(shape: tuple[int, ...]) -> list[slice]:
    """Slices of rows whose temporaries in double precision stay in cache."""
    step = max(1, _BLOCK_BYTES // (8 * max(1, shape[1])))
    return [slice(start, start + step) for start in range(0, shape[0], step)]


def entropies(mass: FloatArray, counts: FloatArray) -> FloatArray:
    """Return n H(A / n) for each row A of `mass`, whose entries add up to n.

    Where one entry is close to n, its logarithm is log1p(-rest / n) with the rest added up from
    the other entries: exact for peaked rows, where n - rest has lost the rest.
    """
    result = np.empty(counts.size)
    blocks = row_blocks(mass.shape)
    if not blocks:  # half of the shards of very few samples
        return result
    others_buffer, logs_buffer = np.empty((2, *mass[blocks[0]].shape))  # no allocation per block
    for block in blocks:
        part, n = mass[block], counts[block]
        rows = np.arange(n.size)
        others, logs = others_buffer[: n.size], logs_buffer[: n.size]
        np.copyto(others, part)
        others[rows, part.argmax(axis=1)] = 0.0
        rest = np.minimum(others.sum(axis=1), n)
        np.maximum(others, _TINY, out=logs)  # 0 ln 0 = 0: the logarithm of a zero is never used
        np.log(logs, out=logs)
        largest = n - rest
        with np.errstate(divide="ignore", invalid="ignore"):
            peak = np.where(largest > 0, largest * np.log1p(-rest / n), 0.0)
        result[block] = rest * np.log(n) - np.einsum("ij,ij->i", others, logs) - peak
    return result
