"""Per-class sums of softmax rows with explicit vectors: the fast twins.

Same sums, same arguments as :func:`infotheory._kernels.class_sums.scalar_class_sums`, with two
layouts: :func:`row_class_sums` lets the lanes run along a long row, :func:`lane_class_sums` lets
them run over sixteen (eight in double precision) short rows of one class.

What makes them fast.  The pivot of a row is its label's logit instead of its maximum: no separate
maximum pass, the cross entropy is the log-sum-exp itself, and the sign of v = x - pivot gives the
rank of the label.  Sum ln P needs no logarithm: ln P = v / T - cross entropy.
Rows are gathered in label order, with the row after next prefetched, so that the sums of one class
stay in the first-level cache; every ``_BLOCK`` rows they are emptied into double precision.

What keeps them exact.  Where v exceeds ``ceiling``, the row is done again with its maximum as
pivot, since single precision would lose the small terms (or overflow).  The sum leaves out ties
with the pivot, which are exactly one each, so that peaked rows keep their small terms.

Zeros.  A logit of minus infinity makes its entry of ``log_mass`` infinite; the caller looks for
that and turns to a path that counts zeros.
"""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._vector_lanes import lanes_add, lanes_pass
from infotheory._kernels._vector_rows import add_pair, count_above, element, row_max, row_pass
from infotheory._kernels.class_sums import counting_sort, tally
from infotheory._typing import AnyArray, FloatArray, IntArray

__all__ = ["lane_class_sums", "row_class_sums"]

_BLOCK = 64


@kernel
def _ties_before(x: AnyArray, row: int, label: int, work: AnyArray) -> int:
    """Columns before the label that tie with it: the lowest index wins."""
    pivot = element(x, row, label, work)
    found = 0
    for k in range(label):
        found += element(x, row, k, work) == pivot
    return found


@kernel
def _empty_block(
    a: AnyArray, b: AnyArray, loss: float, scale: float, mass: FloatArray, log_mass: FloatArray
) -> None:
    for k in range(mass.size):
        mass[k] += a[k]
        a[k] = 0
    for k in range(mass.size):
        log_mass[k] += b[k] * scale - loss
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
    top5_misses: IntArray,
    bins: IntArray,
    confidence: FloatArray,
) -> bool:
    """Sums of groups ``first`` to ``last``, lanes along the row.

    ``constants`` holds log2(e)/T (high part, low part), the floor and the ceiling of v;
    ``work`` five zero rows of padded length, whose type is that of the arithmetic.
    """
    c_high, c_low, floor, ceiling = constants
    a, b, scratch = work[0], work[1], work[2]
    weights = np.zeros(3, work.dtype)  # of the even row, the odd row, and no row
    end = starts[last]
    for slot in range(first, last):
        label = classes[slot]
        entropies = losses = block_loss = 0.0
        filled = 0
        waiting = False
        for t in range(starts[slot], starts[slot + 1]):
            row = order[t]
            ahead = order[min(t + 2, end - 1)]
            e = work[4] if waiting else work[3]
            pivot = element(x, row, label, work) if labelled else row_max(x, row, work)
            s, d, largest, equal = row_pass(x, row, ahead, pivot, c_high, c_low, floor, b, e)
            to_label = 0.0
            ties = equal
            wrong = largest > 0
            if not largest <= ceiling:
                start = row_max(x, row, work)
                to_label = (np.float64(start) - np.float64(pivot)) * scale
                s, d, largest, ties = row_pass(
                    x, row, ahead, start, c_high, c_low, floor, scratch, e
                )
            total = ties + np.float64(s)
            slope = np.float64(d) * scale / total
            if not abs(slope) < 1e30:
                return False
            lse = math.log1p(np.float64(s) / ties)
            if ties > 1:
                lse += math.log(ties)
            entropies += slope - lse
            block_loss += lse + to_label
            weights[1 if waiting else 0] = 1.0 / total
            if labelled:
                certainty = (math.exp(np.float64(largest) * scale) if largest > 0 else 1.0) / total
                rank = 0
                if wrong:
                    rank = count_above(x, row, pivot, work)
                if equal > 1:
                    rank += _ties_before(x, row, label, work)
                tally(
                    slot,
                    rank == 0,
                    rank >= 5,
                    certainty,
                    top5_misses,
                    bins,
                    confidence,
                )
            if waiting:
                add_pair(a, work[3], weights[0], work[4], weights[1])
            waiting = not waiting
            filled += 1
            if filled == _BLOCK or t + 1 == starts[slot + 1]:
                if waiting:
                    add_pair(a, work[3], weights[0], work[3], weights[2])
                    waiting = False
                _empty_block(a, b, block_loss, scale, mass[slot], log_mass[slot])
                losses += block_loss
                block_loss = 0.0
                filled = 0
        scalars[slot, 0] += entropies
        scalars[slot, 1] += losses
    return True


@kernel
def _empty_lanes(
    a: AnyArray, b: AnyArray, loss: float, scale: float, mass: FloatArray, log_mass: FloatArray
) -> None:
    for k in range(mass.size):
        total = 0.0
        logits = 0.0
        for lane in range(a.shape[1]):
            total += a[k, lane]
            logits += b[k, lane]
            a[k, lane] = 0
            b[k, lane] = 0
        mass[k] += total
        log_mass[k] += logits * scale - loss


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
    top5_misses: IntArray,
    bins: IntArray,
    confidence: FloatArray,
) -> bool:
    """Sums of groups ``first`` to ``last``, one lane a row.

    Rows are taken in chunks of the given length, so that they are read nearly in the order of
    memory, and grouped inside a chunk; ``slots`` holds the group number of each row.  ``work`` has
    shape (4, padded columns, lanes) and holds zeros.
    """
    c_high, c_low, floor, ceiling = constants
    e, a, b, scratch = work[0], work[1], work[2], work[3]
    n_columns = x.shape[1]
    lanes = work.shape[2]
    zero_row = np.zeros(n_columns, x.dtype)
    rows = np.empty(2 * lanes, np.int64)
    lse, entropy = np.empty(lanes), np.empty(lanes)
    weight, top = np.empty(lanes, work.dtype), np.empty((2, lanes), work.dtype)
    counts, redone = np.empty((2, lanes), np.int64), np.empty((2, lanes), np.int64)
    order, ends = np.empty(chunk, np.int64), np.empty(classes.size + 1, np.int64)
    for begin in range(0, slots.size, chunk):
        part = slots[begin : begin + chunk]
        ends[:] = 0
        counting_sort(part, begin, order, ends)
        for slot in range(first, last):
            label = classes[slot]
            stop = ends[slot]
            start = ends[slot - 1] if slot > 0 else 0
            entropies = losses = block_loss = 0.0
            filled = 0
            for t in range(start, stop, lanes):
                for lane in range(2 * lanes):
                    rows[lane] = order[t + lane] if t + lane < stop else -1
                lanes_pass(
                    x, rows, zero_row, label if labelled else -1, c_high, c_low, floor, scale,
                    e, b, lse, entropy, weight, top, counts,
                )  # fmt: skip
                again = False
                present = min(lanes, stop - t)
                for lane in range(present):
                    again |= not top[1, lane] <= ceiling
                if again:
                    lanes_pass(
                        x, rows, zero_row, -1, c_high, c_low, floor, scale,
                        e, scratch, lse, entropy, weight, top, redone,
                    )  # fmt: skip
                for lane in range(present):
                    if not abs(entropy[lane]) < 1e30:
                        return False
                    entropies += entropy[lane]
                    block_loss += lse[lane]
                    if labelled:
                        row = rows[lane]
                        if again:
                            own = np.float64(element(x, row, label, work))
                            block_loss += (np.float64(row_max(x, row, work)) - own) * scale
                        peak = np.float64(top[0, lane]) if top[1, lane] > 0 else 1.0
                        rank = counts[0, lane]
                        if counts[1, lane] > 1:
                            rank += _ties_before(x, row, label, work)
                        tally(
                            slot, rank == 0, rank >= 5, peak * weight[lane],
                            top5_misses, bins, confidence,
                        )  # fmt: skip
                lanes_add(a, e, weight, n_columns)
                filled += 1
                if filled == _BLOCK or t + lanes >= stop:
                    _empty_lanes(a, b, block_loss, scale, mass[slot], log_mass[slot])
                    losses += block_loss
                    block_loss = 0.0
                    filled = 0
            scalars[slot, 0] += entropies
            scalars[slot, 1] += losses
    return True
