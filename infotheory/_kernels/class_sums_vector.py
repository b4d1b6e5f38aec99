"""Per-class sums of softmax rows with explicit vectors: the fast twins.

Same sums as :func:`infotheory._kernels.class_sums.scalar_class_sums`, of logits only, with two
layouts: :func:`row_class_sums` lets the lanes run along a long row, :func:`lane_class_sums` lets
them run over sixteen (eight in double precision) short rows of one class.

What makes them fast.  Sum ln P needs no logarithm of its own: ln P = v / T - ln S, with v the logit
less the largest of its row and S the sum of exp(v / T).  Rows are gathered in label order, so that
the sums of one class stay in the first-level cache; every ``_BLOCK`` rows they are emptied into
double precision.  The largest logit of the next row is found on the way over the present one, and
a row further on is prefetched.

What keeps them exact.  S leaves out the largest logits, which count exactly one each, so that rows
that are nearly certain keep their small terms.

A kernel says whether the rows were valid: not nan or plus infinity, nor all minus infinity.  Some
logit of minus infinity makes its entry of ``log_mass`` infinite; the caller looks for that and
turns to the loop that counts zeros.
"""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._vector_lanes import lanes_add, lanes_pass
from infotheory._kernels._vector_rows import add_pair, element, row_max, row_pass, row_rank
from infotheory._kernels.class_sums import counting_sort, tally
from infotheory._typing import AnyArray, FloatArray, IntArray

__all__ = ["lane_class_sums", "row_class_sums"]

_BLOCK = 64


@kernel
def _empty_block(
    a: AnyArray, b: AnyArray, logs: float, scale: float, mass: FloatArray, log_mass: FloatArray
) -> None:
    for k in range(mass.size):
        mass[k] += a[k]
        a[k] = 0
    for k in range(mass.size):
        log_mass[k] += b[k] * scale - logs
        b[k] = 0


@kernel
def row_class_sums(
    x: AnyArray,
    order: IntArray,
    starts: IntArray,
    classes: IntArray,
    first: int,
    last: int,
    labelled: bool,
    scale: float,
    constants: AnyArray,
    work: AnyArray,
    mass: FloatArray,
    log_mass: FloatArray,
    scalars: FloatArray,
    top5_misses: FloatArray,
    bins: FloatArray,
    confidence: FloatArray,
) -> bool:
    """Sums of groups ``first`` to ``last``, lanes along the row.

    ``constants`` holds log2(e)/T (high part, low part) and the floor of v; ``work`` four zero rows
    of padded length, whose type is that of the arithmetic.
    """
    c_high, c_low, floor = constants
    a, b = work[0], work[1]
    weights = np.zeros(3, work.dtype)  # of the even row, the odd row, and no row
    end = starts[last]
    upcoming = row_max(x, order[starts[first]], work)
    for slot in range(first, last):
        label = classes[slot]
        entropies = losses = logs = 0.0
        block_logs = 0.0
        filled = 0
        waiting = False
        for t in range(starts[slot], starts[slot + 1]):
            row = order[t]
            following = order[min(t + 1, end - 1)]
            ahead = order[min(t + 2, end - 1)]
            e = work[3] if waiting else work[2]
            largest = upcoming
            s, d, ties, upcoming = row_pass(
                x, row, following, ahead, largest, c_high, c_low, floor, b, e
            )
            total = ties + np.float64(s)
            slope = np.float64(d) * scale / total
            if not abs(slope) < 1e30:
                return False
            lse = math.log1p(np.float64(s) / ties)
            if ties > 1:
                lse += math.log(ties)
            entropies += slope - lse
            block_logs += lse
            losses += lse
            weights[1 if waiting else 0] = 1.0 / total
            if labelled:
                own = element(x, row, label, work)
                losses += (np.float64(largest) - np.float64(own)) * scale
                rank = row_rank(x, row, label, work) if own < largest or ties > 1 else 0
                tally(slot, rank, 1.0 / total, 1.0, top5_misses, bins, confidence)
            if waiting:
                add_pair(a, work[2], weights[0], work[3], weights[1])
            waiting = not waiting
            filled += 1
            if filled == _BLOCK or t + 1 == starts[slot + 1]:
                if waiting:
                    add_pair(a, work[2], weights[0], work[2], weights[2])
                    waiting = False
                _empty_block(a, b, block_logs, scale, mass[slot], log_mass[slot])
                logs += block_logs
                block_logs = 0.0
                filled = 0
        scalars[slot, 0] += entropies
        scalars[slot, 1] += losses
        scalars[slot, 2] += logs
    return True


@kernel
def _empty_lanes(
    a: AnyArray, b: AnyArray, logs: float, scale: float, mass: FloatArray, log_mass: FloatArray
) -> None:
    for k in range(mass.size):
        # Four sums at a time, so that an addition need not wait for the one before.
        m0 = m1 = m2 = m3 = 0.0
        v0 = v1 = v2 = v3 = 0.0
        for lane in range(0, a.shape[1], 4):
            m0 += a[k, lane]
            m1 += a[k, lane + 1]
            m2 += a[k, lane + 2]
            m3 += a[k, lane + 3]
            v0 += b[k, lane]
            v1 += b[k, lane + 1]
            v2 += b[k, lane + 2]
            v3 += b[k, lane + 3]
        a[k] = 0
        b[k] = 0
        mass[k] += (m0 + m1) + (m2 + m3)
        log_mass[k] += ((v0 + v1) + (v2 + v3)) * scale - logs


@kernel
def lane_class_sums(
    x: AnyArray,
    slots: IntArray,
    chunk: int,
    classes: IntArray,
    first: int,
    last: int,
    labelled: bool,
    scale: float,
    constants: AnyArray,
    work: AnyArray,
    mass: FloatArray,
    log_mass: FloatArray,
    scalars: FloatArray,
    top5_misses: FloatArray,
    bins: FloatArray,
    confidence: FloatArray,
) -> bool:
    """Sums of groups ``first`` to ``last``, one lane a row.

    Rows are taken in chunks of the given length, so that they are read nearly in the order of
    memory, and grouped inside a chunk; ``slots`` holds the group number of each row.  ``work`` has
    shape (3, padded columns, lanes) and holds zeros.
    """
    c_high, c_low, floor = constants
    e, a, b = work[0], work[1], work[2]
    n_columns = x.shape[1]
    lanes = work.shape[2]
    zero_row = np.zeros(n_columns, x.dtype)
    rows = np.empty(2 * lanes, np.int64)
    lse, entropy, loss = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    weight, rank = np.empty(lanes, work.dtype), np.empty(lanes, np.int64)
    order, ends = np.empty(chunk, np.int64), np.empty(classes.size + 1, np.int64)
    for begin in range(0, slots.size, chunk):
        ends[:] = 0
        counting_sort(slots[begin : begin + chunk], begin, order, ends)
        for slot in range(first, last):
            label = classes[slot] if labelled else -1
            stop = ends[slot]
            start = ends[slot - 1] if slot > 0 else 0
            entropies = losses = logs = 0.0
            block_logs = 0.0
            filled = 0
            for t in range(start, stop, lanes):
                for lane in range(2 * lanes):
                    rows[lane] = order[t + lane] if t + lane < stop else -1
                lanes_pass(
                    x, rows, zero_row, label, c_high, c_low, floor, scale,
                    e, b, lse, entropy, loss, weight, rank,
                )  # fmt: skip
                for lane in range(min(lanes, stop - t)):
                    if not abs(entropy[lane]) < 1e30:
                        return False
                    entropies += entropy[lane]
                    losses += loss[lane]
                    block_logs += lse[lane]
                    if labelled:
                        certainty = np.float64(weight[lane])
                        tally(slot, rank[lane], certainty, 1.0, top5_misses, bins, confidence)
                lanes_add(a, e, weight, n_columns)
                filled += 1
                if filled == _BLOCK or t + lanes >= stop:
                    _empty_lanes(a, b, block_logs, scale, mass[slot], log_mass[slot])
                    logs += block_logs
                    block_logs = 0.0
                    filled = 0
            scalars[slot, 0] += entropies
            scalars[slot, 1] += losses
            scalars[slot, 2] += logs
    return True
