"""What a distribution must be, and batches of distributions cut into blocks that stay in cache.

A *block* is some rows of a batch in double precision, checked and normalised, with logarithms
that are formed once, on demand. Functionals are written for one block and applied to a batch by
:func:`over_blocks`: however large the batch, temporaries stay small, and single or half precision
is widened piece by piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, FloatArray
from infotheory._validation import (
    BFLOAT16,
    as_numbers,
    check_base,
    check_choice,
    decode,
    refusal,
)

__all__ = [
    "KINDS",
    "Block",
    "Distributions",
    "are_probabilities",
    "over_blocks",
    "sum_tolerance",
]

KINDS = ("logits", "probs", "log_probs")  # in the order of the numbers that kernels take

# How far the sum of a row of probabilities may be from one: a constant, and a part for each entry.
# Half precision and bfloat16 hold results of a wider type, so each entry is rounded once, by a
# share of itself: at most the unit roundoff in all (and half a subnormal each). The constant allows
# eight such errors. In single precision the sum itself was rounded at each step, and softmax on
# accelerators has been seen to be off by 2e-5. In double precision only those steps remain.
_SUM_TOLERANCE = {
    np.dtype(np.float16): (2.0**-8, 2.0**-25),
    BFLOAT16: (2.0**-6, 0.0),
    np.dtype(np.float32): (2.0**-15, 2.0**-24),
    np.dtype(np.float64): (2.0**-42, 2.0**-53),
}

_BLOCK_NUMBERS = 1 << 16  # in double precision: a block and its temporaries stay in cache


def sum_tolerance(dtype: np.dtype[Any], size: int, kind: str) -> float:
    """How far the sum of `size` probabilities of this dtype may be from one."""
    base, unit = _SUM_TOLERANCE[dtype.newbyteorder("=")]
    # A logarithm rounded by a share of itself is a probability off by |ln p| such shares; the
    # average of |ln p| is the entropy, at most ln K.
    return (base + size * unit) * (1.0 + (math.log(size) if kind == "log_probs" else 0.0))


def are_probabilities(rows: AnyArray) -> bool:
    """Whether all rows, two or more, are non-negative with sum one, as nobody's logits are."""
    if len(rows) < 2:
        return False  # one row proves nothing: integer logits may look like this
    tolerance = sum_tolerance(rows.dtype, rows.shape[1], "probs")
    step = max(1, _BLOCK_NUMBERS // rows.shape[1])
    edges = ((start, start + step) for start in range(0, len(rows), step))
    for start, stop in chain([(0, 8)], edges):  # most often eight rows suffice
        part = decode(rows[start:stop])
        with np.errstate(over="ignore"):
            if (part < 0).any() or not (np.abs(part.sum(axis=1) - 1.0) <= tolerance).all():
                return False
    return True


class Block:
    """Some distributions, one a row: shape (rows, K), or (rows, K1, K2, ...) of joint ones.

    Of probabilities the block keeps what was handed in, `weights`, whose sum is 1 but for the
    rounding of its dtype, and that sum, `total`; of logarithms only the logarithms.
    """

    def __init__(self, weights: FloatArray, total: FloatArray | None, *, positive: bool) -> None:
        self._given, self._total = weights, total
        self._positive = positive  # known to hold no zero

    def __len__(self) -> int:
        return len(self._given)

    @property
    def weights(self) -> FloatArray:
        """Probabilities before they are divided by `total`: sums of many cost less this way."""
        return self.p if self._total is None else self._given

    @property
    def total(self) -> FloatArray:
        """Sums of `weights`, of shape (rows,)."""
        return np.ones(len(self)) if self._total is None else self._total

    @cached_property
    def p(self) -> FloatArray:
        """Probabilities."""
        if self._total is None:
            return np.exp(self._given)
        return self._given * _beside(1.0 / self._total, self._given)

    @cached_property
    def log_p(self) -> FloatArray:
        """Logarithms; -inf where the probability is zero."""
        if self._total is None:
            return self._given
        return self.log_weights - _beside(np.log(self._total), self._given)

    @cached_property
    def log_weights(self) -> FloatArray:
        """Logarithms of `weights`; -inf where the probability is zero."""
        if self._total is None:
            return self._given
        if self._positive:
            return np.log(self._given)
        with np.errstate(divide="ignore"):
            return np.log(self._given)

    @cached_property
    def finite_log_p(self) -> FloatArray:
        """Logarithms with 0 where the probability is zero, so that 0 log 0 = 0 in a product."""
        return self._finite(self.log_p)

    @cached_property
    def finite_log_weights(self) -> FloatArray:
        """The same of `weights`."""
        return self._finite(self.log_weights)

    def _finite(self, log_p: FloatArray) -> FloatArray:
        return log_p if self._positive else np.where(log_p > -np.inf, log_p, 0.0)


def _beside(values: FloatArray, rows: FloatArray) -> FloatArray:
    """Give one number a row the axes of the rows."""
    return values.reshape(-1, *(1,) * (rows.ndim - 1))


class Distributions:
    """What a caller handed in as a distribution or a batch of them, not looked into yet.

    The last `n_axes` axes are the alphabet: two of them for a joint distribution of two variables.
    """

    def __init__(self, value: Any, argument: str = "p", kind: str = "probs", n_axes: int = 1):
        check_choice("kind", kind, KINDS)
        array = as_numbers(value, argument)
        if array.ndim < n_axes or 0 in array.shape[array.ndim - n_axes :]:
            alphabet = "1 axis" if n_axes == 1 else f"{n_axes} axes, one a variable"
            raise refusal(
                argument,
                f"have at least {alphabet}, and at least one symbol along each",
                f"shape {array.shape}",
                "Probabilities lie along the last axis."
                if n_axes == 1
                else "Pass the joint distribution, not its parts.",
            )
        self.array, self.argument, self.kind, self.n_axes = array, argument, kind, n_axes
        self.like = value
        self.batch = array.shape[: array.ndim - n_axes]
        self.alphabet = array.shape[array.ndim - n_axes :]

    def blocks(self, batch: tuple[int, ...]) -> Callable[[int, int], Block]:
        """Return what cuts rows out of the batch once it is broadcast to shape `batch`."""
        array = self.array
        if math.prod(self.batch) == 1:  # one distribution, against each of the others
            block = self._block(array.reshape(1, *self.alphabet), 0)
            return lambda _start, _stop: block
        if self.batch != batch:
            array = np.broadcast_to(array, batch + self.alphabet)
        rows = array.reshape(-1, *self.alphabet)
        if self.kind == "logits" and are_probabilities(self._flat(rows)):
            axes = "" if self.n_axes == 1 else f" over the last {self.n_axes} axes"
            raise refusal(
                self.argument,
                "logits for kind='logits'",
                f"non-negative distributions that sum to one{axes}",
                "Pass kind='probs'.",
            )
        return lambda start, stop: self._block(rows[start:stop], start)

    def _block(self, rows: AnyArray, start: int) -> Block:
        x = np.ascontiguousarray(rows) if rows.dtype == np.float64 else decode(rows)
        flat = self._flat(x)
        if self.kind == "probs":
            least = flat.min(initial=np.inf)
            # For short rows einsum is much faster; long ones need the pairwise sum.
            total = np.einsum("ij->i", flat) if flat.shape[1] <= 1024 else flat.sum(axis=1)
            tolerance = sum_tolerance(self.array.dtype, flat.shape[1], self.kind)
            if not (least >= 0 and (np.abs(total - 1.0) <= tolerance).all()):
                self._refuse_probabilities(flat, total, tolerance, start)
            return Block(x, total, positive=least > 0)
        most = flat.max(axis=1, initial=-np.inf)
        if not ((most < np.inf) & (most > -np.inf)).all():
            self._refuse_logarithms(flat, start)
        shifted = flat - most[:, None]
        rest = np.exp(shifted)
        rest[np.arange(len(flat)), shifted.argmax(axis=1)] = 0.0  # that term is 1: log1p adds it
        log_total = np.log1p(rest.sum(axis=1))
        if self.kind == "log_probs":
            total = np.exp(np.minimum(log_total + most, 700.0))
            tolerance = sum_tolerance(self.array.dtype, flat.shape[1], self.kind)
            if not (np.abs(total - 1.0) <= tolerance).all():
                self._refuse_sums(total, tolerance, start)
        log_p = shifted - log_total[:, None]
        return Block(log_p.reshape(x.shape), None, positive=False)

    def _flat(self, rows: AnyArray) -> AnyArray:
        return rows.reshape(len(rows), math.prod(self.alphabet))

    def _at(self, row: int, column: int | None = None) -> str:
        """Say where, as the caller would index it."""
        place: tuple[Any, ...] = np.unravel_index(row, self.batch) if self.batch else ()
        if column is not None:
            place += np.unravel_index(column, self.alphabet)
        inside = ", ".join(str(int(i)) for i in place)
        return f" at {self.argument}[{inside}]" if inside else ""

    def _refuse_probabilities(
        self, rows: FloatArray, total: FloatArray, tolerance: float, start: int
    ) -> None:
        wrong = ~(rows >= 0)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise refusal(
                self.argument,
                "probabilities, at least 0 and not nan",
                f"{rows[row, column]:g}{self._at(start + row, column)}",
                "Drop or repair that distribution; scores that are no probabilities are "
                "kind='logits'.",
            )
        self._refuse_sums(total, tolerance, start)

    def _refuse_sums(self, total: FloatArray, tolerance: float, start: int) -> None:
        row = int(np.argmax(~(np.abs(total - 1.0) <= tolerance)))
        axes = "last axis" if self.n_axes == 1 else f"last {self.n_axes} axes"
        raise refusal(
            self.argument,
            f"have sum one over the {axes}",
            f"{total[row]:.9g}{self._at(start + row)}, where {tolerance:.1e} is allowed",
            "Divide by the sum; counts are for the estimators, which correct their bias.",
        )

    def _refuse_logarithms(self, rows: FloatArray, start: int) -> None:
        wrong = ~(rows < np.inf)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise refusal(
                self.argument,
                f"finite or -inf for kind={self.kind!r}",
                f"{rows[row, column]:g}{self._at(start + row, column)}",
                "Minus infinity is the logarithm of zero; drop or repair anything else.",
            )
        row = int(np.argmax(np.isneginf(rows).all(axis=1)))
        raise refusal(
            self.argument,
            f"have a finite entry in each distribution for kind={self.kind!r}",
            f"only -inf{self._at(start + row)}",
            "A row that excludes every symbol is not a distribution.",
        )


def over_blocks(
    functional: Callable[..., FloatArray], *operands: Distributions, base: float | None = None
) -> Any:
    """Apply a functional of blocks to whole batches, and convert nats to `base`.

    The functional gets one block an operand, with rows in common or a single row, and returns an
    array with one entry (or one array) a row. The result has the shape to which the batches of
    the operands broadcast: a float without a batch, a labelled Series for a pandas DataFrame.
    """
    unit = check_base(base)
    batch = _common_batch(operands)
    n_rows = math.prod(batch)
    largest = max(math.prod(operand.alphabet) for operand in operands)
    step = max(1, _BLOCK_NUMBERS // largest)
    cut = [operand.blocks(batch) for operand in operands]
    edges = [*range(0, n_rows, step), n_rows] if n_rows else [0, 0]
    parts = [
        result
        if len(result) == stop - start
        else np.broadcast_to(result, (stop - start, *result.shape[1:]))
        for start, stop in pairwise(edges)
        for result in (functional(*(block(start, stop) for block in cut)),)
    ]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if unit is not None:
        values = values / math.log(unit)
    values = values.reshape(batch + values.shape[1:])
    if values.ndim == 0:
        return float(values)
    return _labelled(values, operands)


def _common_batch(operands: tuple[Distributions, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(operand.batch for operand in operands))
    except ValueError:
        first = operands[0]
        shapes = ", ".join(f"{o.argument} {o.array.shape}" for o in operands)
        raise refusal(
            operands[-1].argument,
            f"of a batch shape that goes with that of {first.argument}",
            f"shapes {shapes}",
            "Batch axes come first and broadcast as in numpy.",
        ) from None


def _labelled(values: FloatArray, operands: tuple[Distributions, ...]) -> Any:
    """Return a pandas Series where the rows came with names."""
    for operand in operands:
        series = getattr(operand.like, "_constructor_sliced", None)
        if series is not None and operand.batch == values.shape:
            return series(values, index=operand.like.index)
    return np.ascontiguousarray(values)
