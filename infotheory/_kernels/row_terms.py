"""What each row of outputs contributes to concentration and separation, given the class sums."""

from __future__ import annotations

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._distribution import distribution
from infotheory._typing import FloatArray, IntArray

__all__ = ["row_terms"]


@kernel
def row_terms(
    x: FloatArray,
    slots: IntArray,
    classes: IntArray,
    labelled: bool,
    kind: int,
    scale: float,
    smoothing: float,
    tolerance: float,
    log_centroid: FloatArray,
    others_mass: FloatArray,
    others_log_mass: FloatArray,
    terms: FloatArray,
) -> int:
    """Write D(P || Q_c), the separation from other classes, and whether the decision is wrong.

    Row ``i`` belongs to row ``slots[i]`` of the three tables: ln Q_c, and the sums over the other
    classes of p_b Q_b and of p_b L_b, L_b the mean of ln P.  ``terms`` has shape (n, 3).  Returns
    the first invalid row, where it stops, or -1.
    """
    n_columns = x.shape[1]
    p, log_p = np.empty(n_columns), np.empty(n_columns)
    for i in range(x.shape[0]):
        if not distribution(x[i], kind, scale, smoothing, tolerance, p, log_p):
            return i
        slot = slots[i]
        divergence = separation = 0.0
        for k in range(n_columns):
            if p[k] > 0.0:
                divergence += p[k] * (log_p[k] - log_centroid[slot, k])
                separation -= p[k] * others_log_mass[slot, k]
            if others_mass[slot, k] > 0.0:
                separation -= others_mass[slot, k] * log_p[k]
        terms[i, 0] = max(divergence, 0.0)  # never negative but for rounding
        terms[i, 1] = separation
        if labelled:
            label = classes[slot]
            wrong = False
            for k in range(n_columns):
                wrong |= x[i, k] > x[i, label] or (k < label and x[i, k] == x[i, label])
            terms[i, 2] = 1.0 if wrong else 0.0
        else:
            terms[i, 2] = np.nan
    return -1
