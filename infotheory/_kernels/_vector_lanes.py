"""Passes over short softmax rows, laid side by side: one lane a row."""

from __future__ import annotations

import math
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
    load,
    load_row,
    log,
    power,
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
    typingctx,
    x,
    rows,
    zero_row,
    pivot_column,
    c_high,
    c_low,
    floor,
    scale,
    e,
    b,
    lse,
    h,
    w,
    top,
    counts,
):
    """One pass over as many rows of ``x`` as there are lanes, one row a lane.

    ``rows`` holds the row numbers; a negative one stands for an absent row, is read from
    ``zero_row`` and gets weight 0.  Column ``pivot_column`` is the pivot of each row; a negative
    number takes the row maximum instead.  Writes, with one lane a row: the exponentials to ``e``
    (columns x lanes); the log-sum-exp relative to the pivot to ``lse``; sum P ln P to ``h``;
    1/sum to ``w``; exp of the largest ``v``, and the largest ``v``, to ``top``; the number
    of logits above and equal to the pivot to ``counts``.  Adds v = x - pivot to ``b``.  The second
    half of ``rows`` is prefetched.  ``scale`` is 1/T.
    """
    kind = arithmetic_of(b)
    element_type = b.dtype
    signature = types.void(
        x,
        rows,
        zero_row,
        types.intp,
        *(element_type,) * 3,
        types.float64,
        e,
        b,
        lse,
        h,
        w,
        top,
        counts,
    )

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        names = (x, rows, zero_row, e, b, lse, h, w, top, counts)
        values = (*arguments[:3], *arguments[8:])
        matrix, numbers, zeros, powers, sums, lse_, h_, w_, top_, counts_ = unpack(
            context, builder, names, values
        )
        column, high_, low_, floor_, scale_ = arguments[3:8]
        columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
        lanes = I64(kind.lanes)
        pointers, present = [], []
        for lane in range(kind.lanes):
            number = builder.load(builder.gep(numbers.data, [I64(lane)]))
            here = builder.icmp_signed(">=", number, I64(0))
            place = builder.gep(matrix.data, [builder.mul(number, columns)])
            pointers.append(builder.select(here, place, zeros.data))
            present.append(here)
        later = []
        for lane in range(kind.lanes, 2 * kind.lanes):
            number = builder.load(builder.gep(numbers.data, [I64(lane)]))
            here = builder.icmp_signed(">=", number, I64(0))
            place = builder.gep(matrix.data, [builder.mul(number, columns)])
            later.append(builder.select(here, place, zeros.data))

        def spread(j: Any, loaded: list[Any]) -> None:
            for lane, vector in enumerate(transpose(builder, loaded)):
                target = builder.mul(builder.add(j, I64(lane)), lanes)
                store(builder, vector, powers.data, target)

        raw = ir.VectorType(stored_as(x.dtype)[0], kind.lanes)
        whole = builder.mul(builder.sdiv(columns, lanes), lanes)
        with cgutils.for_range_slice(builder, I64(0), whole, lanes) as (j, _):
            for pointer in later:
                prefetch(builder, pointer, j)
            loaded = [load(builder, p, j, raw) for p in pointers]
            spread(j, [widen(builder, v, x.dtype, kind) for v in loaded])
        with builder.if_then(builder.icmp_signed("<", whole, columns)):
            left = builder.sub(columns, whole)
            for pointer in later:
                prefetch(builder, pointer, whole)
            spread(whole, [load_row(builder, p, whole, left, x.dtype, kind) for p in pointers])

        pivot = cgutils.alloca_once_value(builder, kind.splat(-math.inf))
        with builder.if_else(builder.icmp_signed("<", column, I64(0))) as (maximum, label):
            with maximum, cgutils.for_range(builder, columns) as loop:
                candidate = load(builder, powers.data, builder.mul(loop.index, lanes), kind.vector)
                best = builder.load(pivot)
                bigger = builder.fcmp_ordered(">", candidate, best)
                builder.store(builder.select(bigger, candidate, best), pivot)
            with label:
                chosen = load(builder, powers.data, builder.mul(column, lanes), kind.vector)
                builder.store(chosen, pivot)
        pivot_ = builder.load(pivot)
        high, low, floor_v = (broadcast(builder, s, kind.lanes) for s in (high_, low_, floor_))
        state = RowState(builder, kind)
        with cgutils.for_range(builder, columns) as loop:
            target = builder.mul(loop.index, lanes)
            logits = load(builder, powers.data, target, kind.vector)
            difference = builder.fsub(logits, pivot_)
            total = load(builder, sums.data, target, kind.vector)
            store(builder, builder.fadd(total, difference), sums.data, target)
            store(builder, state.add(difference, high, low, floor_v), powers.data, target)
            state.count(state.above, builder.fcmp_ordered(">", difference, kind.splat(0.0)))

        double = ir.VectorType(ir.DoubleType(), kind.lanes)

        def wide(vector: Any) -> Any:
            return vector if vector.type == double else builder.fpext(vector, double)

        s, d = wide(builder.load(state.s)), wide(builder.load(state.d))
        above, equal = builder.load(state.above), builder.load(state.equal)
        ties = builder.sitofp(equal, double)
        ones = ir.Constant(double, [1.0] * kind.lanes)
        # ln(ties + s) = ln(ties) + log1p(s / ties); the last term restores what 1 + r rounded away.
        r = builder.fdiv(s, ties)
        u = builder.fadd(ones, r)
        lost = builder.fdiv(builder.fsub(r, builder.fsub(u, ones)), u)
        log_ties = builder.select(
            builder.fcmp_ordered("==", ties, ones),
            ir.Constant(double, [0.0] * kind.lanes),
            log(builder, ties),
        )
        lse_v = builder.fadd(builder.fadd(log(builder, u), lost), log_ties)
        inverse = builder.fdiv(ones, builder.fadd(ties, s))
        slope = builder.fmul(builder.fmul(d, broadcast(builder, scale_, kind.lanes)), inverse)
        weight = inverse if kind is DOUBLE else builder.fptrunc(inverse, kind.vector)
        largest = builder.bitcast(builder.load(state.largest), kind.vector)
        origin = I64(0)
        store(builder, lse_v, lse_.data, origin)
        store(builder, builder.fsub(slope, lse_v), h_.data, origin)
        for lane, here in enumerate(present):
            value = builder.extract_element(weight, I32(lane))
            value = builder.select(here, value, ir.Constant(kind.element, 0.0))
            weight = builder.insert_element(weight, value, I32(lane))
        store(builder, weight, w_.data, origin)
        store(builder, power(builder, largest, high, low, kind), top_.data, origin)
        store(builder, largest, top_.data, lanes)
        for place, found in ((origin, above), (lanes, equal)):
            whole_number = ir.VectorType(I64, kind.lanes)
            number = found if kind is DOUBLE else builder.sext(found, whole_number)
            store(builder, number, counts_.data, place)
        return context.get_dummy_value()

    return signature, generate


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
