"""Fill class sums from outputs and labels, reading the outputs once.

Which loop runs is decided here and nowhere else:

* logits, no smoothing, no weights: the explicit-vector kernels, in single precision where that is
  exact enough and in double precision otherwise (:mod:`infotheory.classifiers.vector_pass`);
* everything else, logits of minus infinity (whose zeros are to be counted) included: the scalar
  kernel;
* where compilation is switched off: whole-array operations.
"""

from __future__ import annotations

import numpy as np

from infotheory._jit import JIT_ENABLED
from infotheory._kernels.class_sums import scalar_class_sums
from infotheory._kernels.class_sums_array import add_block, distributions
from infotheory._simplex import KINDS, sum_tolerance
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.valid_rows import (
    blocks,
    check_rows,
    refuse_row,
)

if JIT_ENABLED:  # explicit vectors exist in compiled form only
    from infotheory.classifiers.vector_pass import VectorLoops, precisions, single_is_enough

__all__ = ["class_sums"]

_CHUNK_BYTES = 1 << 25  # rows that must be copied (strided, foreign byte order) come in chunks


def class_sums(
    outputs: AnyArray,
    labels: IntArray,
    n_classes: int,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    weights: FloatArray | None = None,
    parts: IntArray | None = None,
    n_parts: int = 1,
    n_jobs: int | None = None,
    first_row: int = 0,
) -> ClassSums:
    """Return the class sums of validated outputs and labels.

    Parameters
    ----------
    outputs : ndarray, shape (n, K)
        As returned by ``as_outputs``.
    labels : ndarray of int, shape (n,)
        As returned by ``as_labels``.
    n_classes : int
        C.
    kind, temperature, smoothing, n_jobs
        As in :func:`infotheory.measure_classifier`, checked.
    weights : ndarray of float, shape (n,), optional
        As returned by ``as_weights``.
    parts : ndarray of int, shape (n,), optional
        The part of each row, in [0, n_parts).
    n_parts : int
        Into how many parts the rows are divided.
    first_row : int
        What a refusal calls the first row.

    Returns
    -------
    ClassSums

    Raises
    ------
    ValueError
        Where a row is not a distribution; the message names the first one.
    """
    cells = labels if parts is None else labels * n_parts + parts

    def of_chunk(rows: AnyArray, chunk: slice) -> ClassSums:
        return _of_chunk(
            rows,
            cells[chunk],
            None if weights is None else weights[chunk],
            (n_classes, n_parts, kind, temperature, smoothing, n_jobs),
            first_row + (chunk.start or 0),
        )

    plain = outputs.flags.c_contiguous and outputs.flags.aligned and outputs.dtype.isnative
    if JIT_ENABLED and kind == "logits" and smoothing == 0.0 and weights is None and not plain:
        total = None
        step = max(1, _CHUNK_BYTES // (outputs.shape[1] * outputs.itemsize))
        for start in range(0, outputs.shape[0], step):
            chunk = slice(start, start + step)
            rows = outputs[chunk]
            sums = of_chunk(np.ascontiguousarray(rows, rows.dtype.newbyteorder("=")), chunk)
            total = sums if total is None else total.absorb(sums)
        assert total is not None  # there is at least one row
        return total
    return of_chunk(outputs, slice(None))


def _of_chunk(
    outputs: AnyArray,
    cells: IntArray,
    weights: FloatArray | None,
    options: tuple[int, int, str, float, float, int | None],
    offset: int,
) -> ClassSums:
    n_classes, n_parts, kind, temperature, smoothing, n_jobs = options
    size = n_classes * n_parts
    counts = np.bincount(cells if weights is None else cells[weights > 0.0], minlength=size)
    present = np.flatnonzero(counts)
    slots = cells
    if present.size < size:
        slot_of = np.zeros(size, np.int64)  # rows of weight zero may point anywhere
        slot_of[present] = np.arange(present.size)
        slots = slot_of[cells]

    def start() -> ClassSums:
        sums = ClassSums.empty(n_classes, outputs.shape[1], present, n_parts)
        sums.counts[:] = counts[present]
        sums.weight[:] = sums.squares[:] = sums.counts
        if weights is not None:
            sums.weight[:] = np.bincount(cells, weights, size)[present]
            sums.squares[:] = np.bincount(cells, weights**2, size)[present]
        sums.n_rows = outputs.shape[0]
        return sums

    if JIT_ENABLED and kind == "logits" and smoothing == 0.0 and weights is None:
        loops = VectorLoops(outputs, slots, temperature, n_jobs, offset)
        for precision in precisions(outputs):
            sums = start()
            terms = loops.fill(sums, precision)
            if not np.isfinite(sums.log_mass.sum()):
                break  # some logit is minus infinity: zeros are to be counted
            if precision == np.float64 or single_is_enough(sums, terms, outputs):
                return sums
    return _fill_by_blocks(start(), outputs, slots, weights, kind, temperature, smoothing, offset)


def _fill_by_blocks(
    sums: ClassSums,
    outputs: AnyArray,
    slots: IntArray,
    weights: FloatArray | None,
    kind: str,
    temperature: float,
    smoothing: float,
    offset: int,
) -> ClassSums:
    """Fill empty sums from outputs of any kind, a block in double precision at a time."""
    tolerance = sum_tolerance(outputs.dtype, outputs.shape[1], kind)
    classes = sums.classes
    every = np.ones(outputs.shape[0]) if weights is None else weights
    zeros = np.zeros(sums.mass.shape, np.int64)
    scalars = np.zeros((sums.cells.size, 3))
    results = (sums.mass, sums.log_mass, zeros, scalars, sums.top5_misses, sums.bins,
               sums.confidence)  # fmt: skip
    for start, rows in blocks(outputs):
        part = slice(start, start + rows.shape[0])
        here, weight = slots[part], every[part]
        if JIT_ENABLED:
            invalid, zero = scalar_class_sums(
                rows, here, weight, classes, sums.labelled, KINDS.index(kind), 1.0 / temperature,
                smoothing, tolerance, *results,
            )  # fmt: skip
            if invalid >= 0:
                refuse_row(rows, invalid, kind, tolerance, offset + start)
        else:
            check_rows(rows, kind, tolerance, offset + start)
            block = distributions(rows, KINDS.index(kind), temperature, smoothing)
            if classes.size > 0:  # else no row has any weight
                add_block(block, rows, classes[here], here, weight, sums.labelled, *results)
            with_zero = block.zero.any(axis=1) & (weight > 0.0)
            zero = int(np.argmax(with_zero)) if with_zero.any() else -1
        if zero >= 0 and sums.first_zero_row is None:
            sums.first_zero_row = start + zero
            sums.zeros = zeros
    sums.entropy[:], sums.loss[:] = scalars[:, :2].T
    return sums
