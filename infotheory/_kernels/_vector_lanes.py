"""Passes over short softmax rows, laid side by side: one lane a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from infotheory._kernels._vector import (
    DOUBLE,
    I32,
    I64,
    RowState,
    arithmetic_of,
    broadcast,
    fma,
    intrinsic,
    larger,
    load,
    load_row,
    log,
    prefetch,
    store,
    stored_as,
    transpose,
    unpack,
    widen,
)

__all__ = ["lanes_add", "lanes_pass"]


@intrinsic
def lanes_pass(  # type: ignore[no-untyped-def]
    typingctx, x, rows, zero_row, label, c_high, c_low, floor, scale, e, b, lse, h, loss, w, rank
):
    """One pass over as many rows of ``x`` as there are lanes, one row a lane.

    ``rows`` holds the row numbers; a negative one stands for an absent row, is read from
    ``zero_row`` and gets weight 0; the second half of ``rows`` is prefetched.  With v the logits
    less the largest of their row, writes, with one lane a row: exp(v / T) to ``e`` (columns x
    lanes), the log of its sum to ``lse``, sum P ln P to ``h``, the loss -ln P(label) to ``loss``,
    1/sum to ``w``, and to ``rank`` how many logits come before that of the label, ties going to the
    lower index.  A negative label stands for the largest logit.  Adds v to ``b``; ``scale`` is 1/T.
    """
    kind = arithmetic_of(b)
    number = b.dtype
    signature = types.void(
        x, rows, zero_row, types.intp, *(number,) * 3, types.float64, e, b, lse, h, loss, w, rank
    )
    names = (x, rows, zero_row, e, b, lse, h, loss, w, rank)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        values = (*arguments[:3], *arguments[8:])
        matrix, numbers, zeros, powers, sums, *results = unpack(context, builder, names, values)
        label_, *constants, scale_ = arguments[3:8]
        columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
        lanes = I64(kind.lanes)
        pointers, present = _row_pointers(builder, matrix, numbers, zeros, columns, kind.lanes)
        best = cgutils.alloca_once_value(builder, kind.splat(-math.inf))

        def spread(j: Any, loaded: list[Any]) -> None:
            for lane, vector in enumerate(transpose(builder, loaded)):
                builder.store(larger(builder, vector, builder.load(best)), best)
                store(builder, vector, powers.data, builder.mul(builder.add(j, I64(lane)), lanes))

        _transposed(builder, x.dtype, columns, kind, pointers, spread)
        largest = builder.load(best)
        own = cgutils.alloca_once_value(builder, largest)
        labelled = builder.icmp_signed(">=", label_, I64(0))
        with builder.if_then(labelled):
            chosen = load(builder, powers.data, builder.mul(label_, lanes), kind.vector)
            builder.store(chosen, own)
        own_ = builder.load(own)
        high, low, floor_ = (broadcast(builder, c, kind.lanes) for c in constants)
        state = RowState(builder, kind)

        def over(first: Any, last: Any, beats: str) -> None:
            with cgutils.for_range_slice(builder, first, last, I64(1)) as (k, _):
                target = builder.mul(k, lanes)
                logits = load(builder, powers.data, target, kind.vector)
                v = builder.fsub(logits, largest)
                total = load(builder, sums.data, target, kind.vector)
                store(builder, builder.fadd(total, v), sums.data, target)
                store(builder, state.add(v, high, low, floor_), powers.data, target)
                state.count(state.rank, builder.fcmp_ordered(beats, logits, own_))

        split = builder.select(labelled, label_, I64(0))
        over(I64(0), split, ">=")
        over(split, columns, ">")
        _finish_rows(builder, kind, state, largest, own_, scale_, present, results)
        return context.get_dummy_value()

    return signature, generate


def _row_pointers(
    builder: Any, matrix: Any, numbers: Any, zeros: Any, columns: Any, lanes: int
) -> tuple[list[Any], list[Any]]:
    """Pointers to this group of rows and to the next, and whether each is there."""
    pointers, present = [], []
    for lane in range(2 * lanes):
        number = builder.load(builder.gep(numbers.data, [I64(lane)]))
        here = builder.icmp_signed(">=", number, I64(0))
        place = builder.gep(matrix.data, [builder.mul(number, columns)])
        pointers.append(builder.select(here, place, zeros.data))
        present.append(here)
    return pointers, present


def _transposed(
    builder: Any,
    dtype: Any,
    columns: Any,
    kind: Any,
    pointers: list[Any],
    body: Callable[[Any, list[Any]], None],
) -> None:
    """Emit ``body(column, vectors)`` over square tiles of the group of rows."""
    lanes = I64(kind.lanes)
    now, later = pointers[: kind.lanes], pointers[kind.lanes :]
    raw = ir.VectorType(stored_as(dtype)[0], kind.lanes)
    whole = builder.mul(builder.sdiv(columns, lanes), lanes)
    with cgutils.for_range_slice(builder, I64(0), whole, lanes) as (j, _):
        for pointer in later:
            prefetch(builder, pointer, j)
        body(j, [widen(builder, load(builder, p, j, raw), dtype, kind) for p in now])
    with builder.if_then(builder.icmp_signed("<", whole, columns)):
        left = builder.sub(columns, whole)
        for pointer in later:
            prefetch(builder, pointer, whole)
        body(whole, [load_row(builder, p, whole, left, dtype, kind) for p in now])


def _finish_rows(
    builder: Any,
    kind: Any,
    state: RowState,
    largest: Any,
    own: Any,
    scale: Any,
    present: list[Any],
    results: list[Any],
) -> None:
    """From the sums of the rows to what ``lanes_pass`` writes, in double precision."""
    double = ir.VectorType(ir.DoubleType(), kind.lanes)
    lse_, h_, loss_, w_, rank_ = (result.data for result in results)

    def wide(vector: Any) -> Any:
        return vector if vector.type == double else builder.fpext(vector, double)

    s, d = wide(builder.load(state.s)), wide(builder.load(state.d))
    ties = builder.sitofp(builder.load(state.ties), double)
    ones = ir.Constant(double, [1.0] * kind.lanes)
    # ln(ties + s) = ln(ties) + log1p(s / ties); `lost` restores what 1 + r rounded away.
    r = builder.fdiv(s, ties)
    u = builder.fadd(ones, r)
    lost = builder.fdiv(builder.fsub(r, builder.fsub(u, ones)), u)
    lse = builder.fadd(builder.fadd(log(builder, u), lost), log(builder, ties))
    inverse = builder.fdiv(ones, builder.fadd(ties, s))
    factor = broadcast(builder, scale, kind.lanes)
    slope = builder.fmul(builder.fmul(d, factor), inverse)
    behind = builder.fmul(builder.fsub(wide(largest), wide(own)), factor)
    weight = inverse if kind is DOUBLE else builder.fptrunc(inverse, kind.vector)
    for lane in range(kind.lanes):
        value = builder.extract_element(weight, I32(lane))
        value = builder.select(present[lane], value, ir.Constant(kind.element, 0.0))
        weight = builder.insert_element(weight, value, I32(lane))
    rank = builder.load(state.rank)
    whole_numbers = ir.VectorType(I64, kind.lanes)
    rank = rank if kind is DOUBLE else builder.sext(rank, whole_numbers)
    loss = builder.fadd(lse, behind)
    for vector, place in (
        (lse, lse_),
        (builder.fsub(slope, lse), h_),
        (loss, loss_),
        (weight, w_),
        (rank, rank_),
    ):
        store(builder, vector, place, I64(0))


@intrinsic
def lanes_add(typingctx, a, e, w, columns):  # type: ignore[no-untyped-def]
    """``a[k] += e[k] * w`` lane by lane for every column ``k``."""
    kind = arithmetic_of(a)
    signature = types.void(a, e, w, types.intp)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        sums, powers, weights = unpack(context, builder, (a, e, w), arguments[:3])
        weight = load(builder, weights.data, I64(0), kind.vector)
        with cgutils.for_range(builder, arguments[3]) as loop:
            target = builder.mul(loop.index, I64(kind.lanes))
            total = load(builder, sums.data, target, kind.vector)
            loaded = load(builder, powers.data, target, kind.vector)
            store(builder, fma(builder, loaded, weight, total, kind), sums.data, target)
        return context.get_dummy_value()

    return signature, generate
