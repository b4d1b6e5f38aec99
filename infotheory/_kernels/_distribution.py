"""From a row of outputs to its distribution: what all readable loops begin with."""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._typing import FloatArray

__all__ = ["LOGITS", "LOG_PROBS", "PROBS", "distribution"]

LOGITS, PROBS, LOG_PROBS = 0, 1, 2  # what a row of outputs holds


@kernel
def distribution(
    row: FloatArray,
    kind: int,
    scale: float,
    smoothing: float,
    tolerance: float,
    p: FloatArray,
    log_p: FloatArray,
) -> bool:
    """Write P and ln P of one row of outputs; say whether the row was valid."""
    largest = -np.inf
    total = 0.0
    for value in row:
        if kind == PROBS:
            if not value >= 0.0:
                return False
            total += value
        else:
            if not value < np.inf:
                return False
            if kind == LOG_PROBS:
                total += math.exp(value)
        largest = max(largest, value)
    if largest == -np.inf or (kind != LOGITS and not abs(total - 1.0) <= tolerance):
        return False
    rest = 0.0  # without the first largest term, which is 1: log1p keeps what 1 + rest loses
    first = True
    for k in range(row.size):
        if kind == PROBS:
            ratio = row[k] / largest
            log_p[k] = math.log(ratio) * scale if ratio > 0.0 else -np.inf
            p[k] = ratio if scale == 1.0 else math.exp(log_p[k])
        else:
            log_p[k] = (row[k] - largest) * scale
            p[k] = math.exp(log_p[k])
        if first and row[k] == largest:
            first = False
        else:
            rest += p[k]
    lse = math.log1p(rest)
    for k in range(row.size):
        p[k] /= 1.0 + rest
        log_p[k] -= lse
    if smoothing > 0.0:
        for k in range(row.size):
            p[k] = (1.0 - smoothing) * p[k] + smoothing / row.size
            log_p[k] = math.log(p[k])
    return True
