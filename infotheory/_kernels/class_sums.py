"""Per-class sums of softmax rows: the readable loop, and what both versions share.

For every class of a batch the kernels add up, in one pass over the logits ``x``,

* ``mass[s]``: sum of P_i (a row of K numbers),
* ``log_mass[s]``: sum of ln P_i,
* ``scalars[s]``: sum of <P_i, ln P_i>, and of the loss: the cross entropy -ln P_i(y_i), or where
  labels do not name columns -ln max P_i; and of -ln max P_i,
* ``top5_misses[s]``, and ``bins[s]``/``confidence[s]``: the reliability histogram.

The readable loop takes rows as they come.  The fast ones, in
:mod:`infotheory._kernels.class_sums_vector`, visit them class by class: ``order`` lists row numbers
grouped by class, ``starts`` says where each group begins, ``classes`` which class it is.  A call
handles the groups ``first`` to ``last`` only and writes nowhere else, so calls for disjoint groups
may run in threads, and the result does not depend on how many there are.
"""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._distribution import LOG_PROBS, LOGITS, PROBS, distribution
from infotheory._typing import FloatArray, IntArray

__all__ = [
    "LOGITS",
    "LOG_PROBS",
    "N_BINS",
    "PROBS",
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
    weight: float,
    top5_misses: FloatArray,
    bins: FloatArray,
    confidence: FloatArray,
) -> None:
    """Enter one row into the report: bins are (i/15, (i + 1)/15], rank 0 is a correct decision."""
    place = min(max(math.ceil(certainty * N_BINS) - 1, 0), N_BINS - 1)
    bins[slot, place, 0] += weight
    bins[slot, place, 1] += weight if rank == 0 else 0.0
    confidence[slot, place] += weight * certainty
    top5_misses[slot] += weight if rank >= 5 else 0.0


@kernel
def scalar_class_sums(
    x: FloatArray,
    slots: IntArray,
    weights: FloatArray,
    classes: IntArray,
    labelled: bool,
    kind: int,
    scale: float,
    smoothing: float,
    tolerance: float,
    mass: FloatArray,
    log_mass: FloatArray,
    zeros: IntArray,
    scalars: FloatArray,
    top5_misses: FloatArray,
    bins: FloatArray,
    confidence: FloatArray,
) -> tuple[int, int]:
    """Add a block of rows of any kind to the sums, in double precision, one number at a time.

    ``slots`` says which row of the sums each sample belongs to and ``classes`` of which class that
    row is; samples of weight zero are checked and left out; ``scale`` is 1/T.  ``log_mass`` gets
    the finite logarithms only, ``zeros`` the number of samples whose probability is exactly zero.
    Returns the first invalid row, where it stops, and the first row with a zero, or -1.

    This is the definition spelt out: the twin against which the explicit-vector kernels and the
    whole-array path are tested, and the loop that runs where those do not apply.
    """
    n_columns = x.shape[1]
    p, log_p = np.empty(n_columns), np.empty(n_columns)
    first_zero = -1
    for i in range(x.shape[0]):
        if not distribution(x[i], kind, scale, smoothing, tolerance, p, log_p):
            return i, first_zero
        slot, weight = slots[i], weights[i]
        if weight == 0.0:
            continue
        entropy = certainty = 0.0
        least = np.inf
        for k in range(n_columns):
            if log_p[k] == -np.inf:
                zeros[slot, k] += 1
                if first_zero < 0:
                    first_zero = i
                continue
            mass[slot, k] += weight * p[k]
            log_mass[slot, k] += weight * log_p[k]
            entropy += p[k] * log_p[k]
            certainty = max(certainty, p[k])
            least = min(least, -log_p[k])
        scalars[slot, 0] += weight * entropy
        scalars[slot, 2] += weight * least
        if not labelled:
            scalars[slot, 1] += weight * least
            continue
        label = classes[slot]
        scalars[slot, 1] -= weight * log_p[label]
        rank = 0
        for k in range(n_columns):
            rank += x[i, k] > x[i, label] or (k < label and x[i, k] == x[i, label])
        tally(slot, rank, certainty, weight, top5_misses, bins, confidence)
    return -1, first_zero
