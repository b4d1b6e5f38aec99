"""Per-class sums of softmax rows: the readable loop, and what both versions share.

For every class of a batch the kernels add up, in one pass over the logits ``x``,

* ``mass[s]``: sum of P_i (a row of K numbers),
* ``log_mass[s]``: sum of ln P_i,
* ``scalars[s]``: sum of <P_i, ln P_i>, and of the loss: the cross entropy -ln P_i(y_i), or where
  labels do not name columns -ln max P_i; and of -ln max P_i,
* ``top5_misses[s]``, and ``bins[s]``/``confidence[s]``: the reliability histogram.

Rows are visited class by class: ``order`` lists row numbers grouped by class, ``starts`` says
where each group begins, ``classes`` which class it is.  A call handles the groups ``first`` to
``last`` only and writes nowhere else, so calls for disjoint groups may run in threads, and the
result does not depend on how many there are.

Every kernel says whether the rows were valid: not nan or plus infinity, nor all minus infinity.
"""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._typing import AnyArray, FloatArray, IntArray

__all__ = [
    "N_BINS",
    "counting_sort",
    "scalar_class_sums",
    "tally",
]

N_BINS = 15  # equal-width confidence bins of the expected calibration error


@kernel
def counting_sort(labels: IntArray, offset: int, order: IntArray, ends: IntArray) -> None:
    """Group row numbers by label, stably.

    ``ends`` enters as zeros of size (largest label + 2); it leaves with ``ends[c]`` the end of
    group c in ``order``, so that group c is ``order[ends[c - 1]:ends[c]]``.
    """
    for label in labels:
        ends[label + 1] += 1
    for c in range(1, ends.size):
        ends[c] += ends[c - 1]
    for i in range(labels.size):
        c = labels[i]
        order[ends[c]] = offset + i
        ends[c] += 1


@kernel
def tally(
    slot: int,
    rank: int,
    certainty: float,
    top5_misses: IntArray,
    bins: IntArray,
    confidence: FloatArray,
) -> None:
    """Enter one row into the report: bins are (i/15, (i + 1)/15], rank 0 is a correct decision."""
    place = min(max(math.ceil(certainty * N_BINS) - 1, 0), N_BINS - 1)
    bins[slot, place, 0] += 1
    bins[slot, place, 1] += rank == 0
    confidence[slot, place] += certainty
    top5_misses[slot] += rank >= 5


@kernel
def scalar_class_sums(
    x: AnyArray,
    order: IntArray,
    starts: IntArray,
    classes: IntArray,
    first: int,
    last: int,
    labelled: bool,
    scale: float,
    mass: FloatArray,
    log_mass: FloatArray,
    zeros: IntArray,
    scalars: FloatArray,
    top5_misses: IntArray,
    bins: IntArray,
    confidence: FloatArray,
) -> bool:
    """Sums of groups ``first`` to ``last`` in double precision, one number at a time.

    This is the definition spelt out, the twin against which the explicit-vector kernels and the
    whole-array path are tested and timed.  ``log_mass`` gets the finite logarithms only, ``zeros``
    the number of rows whose probability is exactly zero.  ``scale`` is 1/T.
    """
    n_columns = x.shape[1]
    z = np.empty(n_columns)
    for slot in range(first, last):
        label = classes[slot]
        for t in range(starts[slot], starts[slot + 1]):
            row = order[t]
            largest = -np.inf
            for k in range(n_columns):
                z[k] = x[row, k]
                if not z[k] < np.inf:
                    return False
                largest = max(largest, z[k])
            if largest == -np.inf:
                return False
            rest = (
                0.0  # without the first largest term, which is 1: log1p keeps what 1 + rest loses
            )
            above = equal_before = equal = 0
            pivot = z[label] if labelled else largest
            for k in range(n_columns):
                if z[k] < largest:
                    rest += math.exp((z[k] - largest) * scale)
                else:
                    equal += 1
                above += z[k] > pivot
                equal_before += k < label and z[k] == pivot
            rest += equal - 1
            lse = math.log1p(rest)
            total = 1.0 + rest
            entropy = 0.0
            for k in range(n_columns):
                if z[k] == -np.inf:
                    zeros[slot, k] += 1
                    continue
                log_p = (z[k] - largest) * scale - lse
                p = math.exp((z[k] - largest) * scale) / total
                mass[slot, k] += p
                log_mass[slot, k] += log_p
                entropy += p * log_p
            scalars[slot, 0] += entropy
            scalars[slot, 1] += lse + (largest - pivot) * scale
            scalars[slot, 2] += lse
            if labelled:
                rank = above + equal_before
                tally(slot, rank, 1.0 / total, top5_misses, bins, confidence)
    return True
