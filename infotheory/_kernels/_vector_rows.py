"""Passes over one long softmax row, with the lanes along the row."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from infotheory._kernels._vector import (
    I32,
    I64,
    RowState,
    arithmetic_of,
    broadcast,
    fma,
    fold,
    intrinsic,
    load,
    load_row,
    prefetch,
    store,
    stored_as,
    to_int64,
    unpack,
    widen,
)

__all__ = ["add_pair", "count_above", "element", "row_max", "row_pass"]


@intrinsic
def row_pass(typingctx, x, row, ahead, pivot, c_high, c_low, floor, b, e):  # type: ignore[no-untyped-def]
    """One pass over row ``row`` of ``x``.

    Adds v = x - pivot to ``b``, writes exp(v / T) to ``e`` and returns ``(s, d, largest,
    equal)``: the sum of the exponentials that are not ties with the pivot, the sum of ``e * v``,
    the largest ``v``, and how many logits equal the pivot.  Row ``ahead``
    is prefetched.  ``b`` and ``e`` are padded to a multiple of the lane count; their padding is
    scratch.
    """
    kind = arithmetic_of(b)
    element = b.dtype
    returned = types.Tuple((element, element, element, types.int64))
    signature = returned(x, types.intp, types.intp, element, element, element, element, b, e)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        x_value, row_, ahead_, *scalars, b_value, e_value = arguments
        matrix, sums, powers = unpack(context, builder, (x, b, e), (x_value, b_value, e_value))
        columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
        here = builder.gep(matrix.data, [builder.mul(row_, columns)])
        there = builder.gep(matrix.data, [builder.mul(ahead_, columns)])
        pivot_, high, low, floor_ = (broadcast(builder, s, kind.lanes) for s in scalars)
        state = RowState(builder, kind)
        lanes = I64(kind.lanes)
        whole = builder.mul(builder.sdiv(columns, lanes), lanes)
        raw = ir.VectorType(stored_as(x.dtype)[0], kind.lanes)

        def step(j: Any, loaded: Any) -> None:
            difference = builder.fsub(loaded, pivot_)
            total = load(builder, sums.data, j, kind.vector)
            store(builder, builder.fadd(total, difference), sums.data, j)
            store(builder, state.add(difference, high, low, floor_), powers.data, j)

        with cgutils.for_range_slice(builder, I64(0), whole, lanes) as (j, _):
            prefetch(builder, there, j)
            step(j, widen(builder, load(builder, here, j, raw), x.dtype, kind))
        with builder.if_then(builder.icmp_signed("<", whole, columns)):
            left = builder.sub(columns, whole)
            step(whole, load_row(builder, here, whole, left, x.dtype, kind))
        s = fold(builder, builder.load(state.s), builder.fadd)
        d = fold(builder, builder.load(state.d), builder.fadd)
        largest = fold(
            builder,
            builder.load(state.largest),
            lambda p, q: builder.select(builder.icmp_signed(">", p, q), p, q),
        )
        equal = to_int64(builder, fold(builder, builder.load(state.equal), builder.add))
        parts = [s, d, builder.bitcast(largest, kind.element), equal]
        return context.make_tuple(builder, returned, parts)

    return signature, generate


@intrinsic
def row_max(typingctx, x, row, work):  # type: ignore[no-untyped-def]
    """Largest element of a row in the arithmetic type of ``work`` (NaN elements are ignored)."""
    kind = arithmetic_of(work)
    signature = work.dtype(x, types.intp, work)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        (matrix,) = unpack(context, builder, (x,), arguments[:1])
        columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
        here = builder.gep(matrix.data, [builder.mul(arguments[1], columns)])
        best = cgutils.alloca_once_value(builder, kind.splat(-math.inf))
        lanes = I64(kind.lanes)

        def larger(p: Any, q: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", p, q), p, q)

        with cgutils.for_range_slice(builder, I64(0), columns, lanes) as (j, _):
            left = builder.sub(columns, j)
            loaded = load_row(builder, here, j, left, x.dtype, kind)
            builder.store(larger(loaded, builder.load(best)), best)
        return fold(builder, builder.load(best), larger)

    return signature, generate


@intrinsic
def count_above(typingctx, x, row, pivot, work):  # type: ignore[no-untyped-def]
    """How many elements of a row exceed the pivot."""
    kind = arithmetic_of(work)
    signature = types.int64(x, types.intp, work.dtype, work)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        (matrix,) = unpack(context, builder, (x,), arguments[:1])
        columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
        here = builder.gep(matrix.data, [builder.mul(arguments[1], columns)])
        threshold = broadcast(builder, arguments[2], kind.lanes)
        state = RowState(builder, kind)
        with cgutils.for_range_slice(builder, I64(0), columns, I64(kind.lanes)) as (j, _):
            left = builder.sub(columns, j)
            loaded = load_row(builder, here, j, left, x.dtype, kind)
            state.count(state.above, builder.fcmp_ordered(">", loaded, threshold))
        return to_int64(builder, fold(builder, builder.load(state.above), builder.add))

    return signature, generate


@intrinsic
def add_pair(typingctx, a, e0, w0, e1, w1):  # type: ignore[no-untyped-def]
    """``a += e0 * w0 + e1 * w1``: two rows per update halve the traffic of ``a``."""
    kind = arithmetic_of(a)
    signature = types.void(a, e0, a.dtype, e1, a.dtype)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        a_value, first_value, w0_, second_value, w1_ = arguments
        values = (a_value, first_value, second_value)
        sums, first, second = unpack(context, builder, (a, e0, e1), values)
        weights = [broadcast(builder, w, kind.lanes) for w in (w0_, w1_)]
        size = cgutils.unpack_tuple(builder, sums.shape, 1)[0]
        with cgutils.for_range_slice(builder, I64(0), size, I64(kind.lanes)) as (j, _):
            total = load(builder, sums.data, j, kind.vector)
            for part, weight in zip((first, second), weights, strict=True):
                loaded = load(builder, part.data, j, kind.vector)
                total = fma(builder, loaded, weight, total, kind)
            store(builder, total, sums.data, j)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def element(typingctx, x, row, column, work):  # type: ignore[no-untyped-def]
    """``x[row, column]`` in the arithmetic type of ``work``."""
    kind = arithmetic_of(work)
    signature = work.dtype(x, types.intp, types.intp, work)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        (matrix,) = unpack(context, builder, (x,), arguments[:1])
        columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
        place = builder.add(builder.mul(arguments[1], columns), arguments[2])
        raw = builder.load(builder.gep(matrix.data, [place]))
        wide = widen(builder, broadcast(builder, raw, kind.lanes), x.dtype, kind)
        return builder.extract_element(wide, I32(0))

    return signature, generate
