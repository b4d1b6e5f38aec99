"""Explicit-vector building blocks of the class-sum kernels.

Why this file exists.  The inner loop of the class sums is one pass of about twenty vector
operations per sixteen numbers.  LLVM's loop vectoriser refuses it: it contains floating-point
sums, which may not be reordered without fast-math, and fast-math is not allowed here because
it gives LLVM licence to drop NaN checks.  Writing the vectors out fixes the order of every sum
once and keeps IEEE semantics.  :mod:`infotheory._kernels.class_sums` holds the readable scalar
twin; parity tests tie the two.

Two element types are supported for the arithmetic, decided by the type of the work arrays:
float32 (16 lanes) and float64 (8 lanes).  Rows may be stored as float32, float64, IEEE half
(passed as its ``uint16`` bits) or bfloat16 (passed as its ``int16`` bits).  LLVM turns the fixed
lane counts into whatever the processor offers.

In this file ``v`` is a logit less the largest of its row, and ``exp(v / T)`` is computed as
``2 ** (v * c)`` with ``c = log2(e) / T`` split into a high and a low part, so that a temperature
costs nothing.  The polynomial for ``2 ** f`` on [-1/2, 1/2] is a minimax fit with value one at
zero for float32 (relative error 3e-9, mean -3e-12) and the Taylor polynomial of degree 13 for
float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

__all__ = [
    "DOUBLE",
    "I32",
    "I64",
    "SINGLE",
    "Arithmetic",
    "RowState",
    "arithmetic_of",
    "broadcast",
    "fma",
    "fold",
    "intrinsic",
    "larger",
    "load",
    "load_row",
    "log",
    "power",
    "prefetch",
    "store",
    "stored_as",
    "to_int64",
    "transpose",
    "unpack",
    "widen",
]


_POLYNOMIAL_SINGLE = (
    1.0,
    0.6931471824645996,
    0.24022647738456726,
    0.05550359934568405,
    0.009618505835533142,
    0.0013390807434916496,
    0.00015326574794016778,
)
_POLYNOMIAL_DOUBLE = tuple(math.log(2.0) ** k / math.factorial(k) for k in range(14))

# Numba's own annotation counts the typing context among the arguments of a call.
intrinsic: Any = extending.intrinsic

I32 = ir.IntType(32)
I64 = ir.IntType(64)


@dataclass(frozen=True)
class Arithmetic:
    """One element type of the arithmetic and everything that depends on it."""

    element: ir.Type
    bits: ir.IntType
    lanes: int
    suffix: str
    magic: float  # adding it rounds to an integer and leaves that integer in the low bits
    mantissa: int
    polynomial: tuple[float, ...]

    @property
    def vector(self) -> ir.VectorType:
        return ir.VectorType(self.element, self.lanes)

    @property
    def integers(self) -> ir.VectorType:
        return ir.VectorType(self.bits, self.lanes)

    def splat(self, value: float) -> ir.Constant:
        return ir.Constant(self.vector, [value] * self.lanes)

    def integer_splat(self, value: int) -> ir.Constant:
        return ir.Constant(self.integers, [value] * self.lanes)


SINGLE = Arithmetic(ir.FloatType(), I32, 16, "f32", 12582912.0, 23, _POLYNOMIAL_SINGLE)
DOUBLE = Arithmetic(ir.DoubleType(), I64, 8, "f64", 6755399441055744.0, 52, _POLYNOMIAL_DOUBLE)


def arithmetic_of(work: types.Array) -> Arithmetic:
    return SINGLE if work.dtype == types.float32 else DOUBLE


# ---------------------------------------------------------------------------- small emitters


def broadcast(builder: Any, scalar: Any, lanes: int) -> Any:
    vector = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, I32(0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def fma(builder: Any, a: Any, b: Any, c: Any, kind: Arithmetic) -> Any:
    name = f"llvm.fma.v{kind.lanes}{kind.suffix}"
    signature = ir.FunctionType(kind.vector, [kind.vector] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), [a, b, c])


def load(builder: Any, pointer: Any, offset: Any, vector: ir.VectorType) -> Any:
    """Load a vector that starts ``offset`` elements behind ``pointer``."""
    place = builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())
    return builder.load(place, align=1)


def store(builder: Any, value: Any, pointer: Any, offset: Any) -> None:
    place = builder.bitcast(builder.gep(pointer, [offset]), value.type.as_pointer())
    builder.store(value, place, align=1)


def prefetch(builder: Any, pointer: Any, offset: Any) -> None:
    byte = ir.IntType(8).as_pointer()
    signature = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
    function = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
    place = builder.bitcast(builder.gep(pointer, [offset]), byte)
    builder.call(function, [place, I32(0), I32(2), I32(1)])  # read, into L2, data


def stored_as(dtype: types.Type) -> tuple[ir.Type, str, int]:
    """LLVM type of one stored element, its intrinsic suffix, and the bits of minus infinity."""
    return {
        types.float32: (ir.FloatType(), "f32", 0),
        types.float64: (ir.DoubleType(), "f64", 0),
        types.uint16: (ir.IntType(16), "i16", 0xFC00),
        types.int16: (ir.IntType(16), "i16", 0xFF80),
    }[dtype]


def widen(builder: Any, raw: Any, dtype: types.Type, kind: Arithmetic) -> Any:
    """Turn a vector of stored elements into the arithmetic type (exactly)."""
    if dtype == types.uint16:
        raw = builder.bitcast(raw, ir.VectorType(ir.HalfType(), kind.lanes))
        return builder.fpext(raw, kind.vector)
    if dtype == types.int16:
        wide = builder.zext(raw, ir.VectorType(I32, kind.lanes))
        wide = builder.shl(wide, ir.Constant(wide.type, [16] * kind.lanes))
        raw = builder.bitcast(wide, ir.VectorType(ir.FloatType(), kind.lanes))
        return raw if kind is SINGLE else builder.fpext(raw, kind.vector)
    return raw if raw.type.element == kind.element else builder.fpext(raw, kind.vector)


def load_row(
    builder: Any, pointer: Any, offset: Any, left: Any, dtype: types.Type, kind: Arithmetic
) -> Any:
    """Load one vector of a row of which ``left`` elements remain; minus infinity beyond them."""
    element, suffix, minus_infinity = stored_as(dtype)
    vector = ir.VectorType(element, kind.lanes)
    fill = minus_infinity if suffix == "i16" else -math.inf
    mask_type = ir.VectorType(ir.IntType(1), kind.lanes)
    lanes = ir.Constant(ir.VectorType(I64, kind.lanes), list(range(kind.lanes)))
    mask = builder.icmp_signed("<", lanes, broadcast(builder, left, kind.lanes))
    signature = ir.FunctionType(vector, [vector.as_pointer(), I32, mask_type, vector])
    name = f"llvm.masked.load.v{kind.lanes}{suffix}.p0"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    place = builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())
    raw = builder.call(function, [place, I32(1), mask, ir.Constant(vector, [fill] * kind.lanes)])
    return widen(builder, raw, dtype, kind)


def power(builder: Any, v: Any, c_high: Any, c_low: Any, kind: Arithmetic) -> Any:
    """``2 ** (v * c)``: round to the nearest integer, a polynomial, and an exponent shift."""
    magic = kind.splat(kind.magic)
    t = fma(builder, v, c_high, magic, kind)
    k = builder.fsub(t, magic)
    f = fma(builder, v, c_high, builder.fneg(k), kind)
    f = fma(builder, v, c_low, f, kind)
    q = kind.splat(kind.polynomial[-1])
    for coefficient in reversed(kind.polynomial[:-1]):
        q = fma(builder, q, f, kind.splat(coefficient), kind)
    exponent = builder.shl(builder.bitcast(t, kind.integers), kind.integer_splat(kind.mantissa))
    return builder.bitcast(builder.add(builder.bitcast(q, kind.integers), exponent), kind.vector)


def fold(builder: Any, vector: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Reduce a vector by halving it, which fixes the order of the sum."""
    lanes = vector.type.count
    undefined = ir.Constant(vector.type, ir.Undefined)
    while lanes > 1:
        lanes //= 2
        order = [i + lanes if i < lanes else 0 for i in range(vector.type.count)]
        moved = builder.shuffle_vector(
            vector, undefined, ir.Constant(ir.VectorType(I32, len(order)), order)
        )
        vector = combine(vector, moved)
    return builder.extract_element(vector, I32(0))


def to_int64(builder: Any, value: Any) -> Any:
    return value if value.type.width == 64 else builder.sext(value, I64)


class RowState:
    """The running sums of a softmax row (or of ``lanes`` rows side by side)."""

    def __init__(self, builder: Any, kind: Arithmetic) -> None:
        self.kind = kind
        self.builder = builder
        self.s = cgutils.alloca_once_value(builder, kind.splat(0.0))
        self.d = cgutils.alloca_once_value(builder, kind.splat(0.0))
        self.ties = cgutils.alloca_once_value(builder, kind.integer_splat(0))
        self.rank = cgutils.alloca_once_value(builder, kind.integer_splat(0))

    def add(self, v: Any, c_high: Any, c_low: Any, floor: Any) -> Any:
        """Take in one vector of v = x - largest; return exp(v / T)."""
        builder, kind = self.builder, self.kind
        # An ordered comparison is false for NaN, so NaN passes through to d, which detects it.
        v = builder.select(builder.fcmp_ordered("<", v, floor), floor, v)
        e = power(builder, v, c_high, c_low, kind)
        # The largest terms, one each, are counted apart: 1 + small would lose the small.
        tie = builder.fcmp_ordered("==", v, kind.splat(0.0))
        others = builder.select(tie, kind.splat(0.0), e)
        builder.store(builder.fadd(builder.load(self.s), others), self.s)
        builder.store(fma(builder, e, v, builder.load(self.d), kind), self.d)
        self.count(self.ties, tie)
        return e

    def count(self, place: Any, found: Any) -> None:
        """Count the lanes in which a comparison holds."""
        # A true comparison, sign-extended, is -1.
        ones = self.builder.sext(found, self.kind.integers)
        self.builder.store(self.builder.sub(self.builder.load(place), ones), place)


def unpack(
    context: Any, builder: Any, array_types: Sequence[Any], values: Sequence[Any]
) -> list[Any]:
    return [
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(array_types, values, strict=True)
    ]


def larger(builder: Any, p: Any, q: Any) -> Any:
    """The larger of two, lane by lane; q where p is NaN."""
    return builder.select(builder.fcmp_ordered(">", p, q), p, q)


def transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose a square of registers by log2(lanes) rounds of interleaving."""
    lanes = len(rows)
    half = lanes // 2
    order_type = ir.VectorType(I32, lanes)
    low = ir.Constant(order_type, [i // 2 + lanes * (i % 2) for i in range(lanes)])
    high = ir.Constant(order_type, [half + i // 2 + lanes * (i % 2) for i in range(lanes)])
    for _ in range(lanes.bit_length() - 1):
        pairs = [(rows[i], rows[i + half]) for i in range(half)]
        rows = [builder.shuffle_vector(p, q, order) for p, q in pairs for order in (low, high)]
    return rows


def log(builder: Any, u: Any) -> Any:
    """Natural logarithm of a vector of normal, positive doubles (error below 2 ulp)."""
    lanes = u.type.count
    integers = ir.VectorType(I64, lanes)

    def ints(value: int) -> ir.Constant:
        return ir.Constant(integers, [value] * lanes)

    def doubles(value: float) -> ir.Constant:
        return ir.Constant(u.type, [value] * lanes)

    # u = 2**k * m with m in [sqrt(1/2), sqrt(2)); then ln m = 2 artanh((m - 1) / (m + 1)).
    bits = builder.bitcast(u, integers)
    shifted = builder.sub(bits, ints(0x3FE6A09E667F3BCD))
    k = builder.ashr(shifted, ints(52))
    m = builder.bitcast(builder.sub(bits, builder.shl(k, ints(52))), u.type)
    ratio = builder.fdiv(builder.fsub(m, doubles(1.0)), builder.fadd(m, doubles(1.0)))
    square = builder.fmul(ratio, ratio)
    series = doubles(2.0 / 21.0)
    for power in range(19, 2, -2):
        series = builder.fadd(builder.fmul(series, square), doubles(2.0 / power))
    series = builder.fmul(builder.fmul(series, square), ratio)
    mantissa = builder.fadd(builder.fadd(ratio, ratio), series)
    scale = builder.sitofp(k, u.type)
    return builder.fadd(builder.fmul(scale, doubles(math.log(2.0))), mantissa)
