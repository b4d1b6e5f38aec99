"""Passes over one long softmax row, with the lanes along the row."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    larger,
    load,
    load_row,
    prefetch,
    store,
    stored_as,
    to_int64,
    unpack,
    widen,
)

__all__ = ["add_pair", "element", "row_max", "row_pass", "row_rank"]


def _start_of_row(builder: Any, matrix: Any, row: Any) -> tuple[Any, Any]:
    """Return a pointer to a row and its length."""
    columns = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
    return builder.gep(matrix.data, [builder.mul(row, columns)]), columns


def _over_rows(
    builder: Any,
    starts: tuple[Any, ...],
    columns: Any,
    dtype: Any,
    kind: Any,
    body: Callable[..., None],
) -> None:
    """Emit ``body(column, *vectors)`` over rows; beyond the end the last vectors are -inf."""
    lanes = I64(kind.lanes)
    whole = builder.mul(builder.sdiv(columns, lanes), lanes)
    raw = ir.VectorType(stored_as(dtype)[0], kind.lanes)
    with cgutils.for_range_slice(builder, I64(0), whole, lanes) as (j, _):
        loaded = (load(builder, start, j, raw) for start in starts)
        body(j, *(widen(builder, vector, dtype, kind) for vector in loaded))
    with builder.if_then(builder.icmp_signed("<", whole, columns)):
        left = builder.sub(columns, whole)
        body(whole, *(load_row(builder, start, whole, left, dtype, kind) for start in starts))


@intrinsic
def row_pass(  # type: ignore[no-untyped-def]
    typingctx, x, row, following, ahead, largest, c_high, c_low, floor, b, e
):
    """One pass over row ``row`` of ``x``, whose largest element is given.

    Adds v = x - largest to ``b``, writes exp(v / T) to ``e`` and returns ``(s, d, ties, next)``:
    the sum of the exponentials but those of the largest elements, the sum of ``e * v``, how many
    elements are largest, and the largest element of row ``following``, which costs little here
    and brings that row close.  Row ``ahead`` is prefetched.  ``b`` and ``e`` are padded to a
    multiple of the lane count; their padding is scratch.
    """
    kind = arithmetic_of(b)
    number = b.dtype
    returned = types.Tuple((number, number, types.int64, number))
    signature = returned(x, *(types.intp,) * 3, *(number,) * 4, b, e)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        x_value, row_, following_, ahead_, *scalars, b_value, e_value = arguments
        matrix, sums, powers = unpack(context, builder, (x, b, e), (x_value, b_value, e_value))
        here, columns = _start_of_row(builder, matrix, row_)
        there, _ = _start_of_row(builder, matrix, following_)
        beyond, _ = _start_of_row(builder, matrix, ahead_)
        largest_, high, low, floor_ = (broadcast(builder, s, kind.lanes) for s in scalars)
        state = RowState(builder, kind)
        best = cgutils.alloca_once_value(builder, kind.splat(-math.inf))

        def body(j: Any, loaded: Any, upcoming: Any) -> None:
            prefetch(builder, beyond, j)
            builder.store(larger(builder, upcoming, builder.load(best)), best)
            v = builder.fsub(loaded, largest_)
            total = load(builder, sums.data, j, kind.vector)
            store(builder, builder.fadd(total, v), sums.data, j)
            store(builder, state.add(v, high, low, floor_), powers.data, j)

        _over_rows(builder, (here, there), columns, x.dtype, kind, body)
        s = fold(builder, builder.load(state.s), builder.fadd)
        d = fold(builder, builder.load(state.d), builder.fadd)
        ties = to_int64(builder, fold(builder, builder.load(state.ties), builder.add))
        next_ = fold(builder, builder.load(best), lambda p, q: larger(builder, p, q))
        return context.make_tuple(builder, returned, [s, d, ties, next_])

    return signature, generate


@intrinsic
def row_max(typingctx, x, row, work):  # type: ignore[no-untyped-def]
    """Largest element of a row in the arithmetic type of ``work`` (NaN elements are ignored)."""
    kind = arithmetic_of(work)
    signature = work.dtype(x, types.intp, work)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        (matrix,) = unpack(context, builder, (x,), arguments[:1])
        here, columns = _start_of_row(builder, matrix, arguments[1])
        best = cgutils.alloca_once_value(builder, kind.splat(-math.inf))

        def body(j: Any, loaded: Any) -> None:
            builder.store(larger(builder, loaded, builder.load(best)), best)

        _over_rows(builder, (here,), columns, x.dtype, kind, body)
        return fold(builder, builder.load(best), lambda p, q: larger(builder, p, q))

    return signature, generate


@intrinsic
def row_rank(typingctx, x, row, label, work):  # type: ignore[no-untyped-def]
    """How many elements of a row come before that of the label; ties go to the lower index."""
    kind = arithmetic_of(work)
    signature = types.int64(x, types.intp, types.intp, work)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        (matrix,) = unpack(context, builder, (x,), arguments[:1])
        here, columns = _start_of_row(builder, matrix, arguments[1])
        own = broadcast(builder, builder.load(builder.gep(here, [arguments[2]])), kind.lanes)
        own = widen(builder, own, x.dtype, kind)
        label_ = broadcast(builder, arguments[2], kind.lanes)
        offsets = ir.Constant(ir.VectorType(I64, kind.lanes), list(range(kind.lanes)))
        state = RowState(builder, kind)

        def body(j: Any, loaded: Any) -> None:
            place = builder.add(broadcast(builder, j, kind.lanes), offsets)
            earlier = builder.icmp_signed("<", place, label_)
            tie = builder.and_(builder.fcmp_ordered("==", loaded, own), earlier)
            state.count(state.rank, builder.or_(builder.fcmp_ordered(">", loaded, own), tie))

        _over_rows(builder, (here,), columns, x.dtype, kind, body)
        return to_int64(builder, fold(builder, builder.load(state.rank), builder.add))

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
