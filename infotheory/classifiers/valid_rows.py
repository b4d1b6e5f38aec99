"""What a row of outputs must be, and the refusals that name the first row that is not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from infotheory._simplex import are_probabilities
from infotheory._typing import AnyArray, FloatArray
from infotheory._validation import decode, refusal

__all__ = [
    "blocks",
    "check_rows",
    "refuse_logits",
    "refuse_probabilities",
    "refuse_row",
]

_BLOCK_NUMBERS = 1 << 16  # of one block in double precision: temporaries stay in cache


def blocks(outputs: AnyArray) -> Iterator[tuple[int, FloatArray]]:
    """Row number and double-precision copy of one block of rows after the other."""
    step = max(1, _BLOCK_NUMBERS // outputs.shape[1])
    for start in range(0, outputs.shape[0], step):
        yield start, decode(outputs[start : start + step])


def refuse_probabilities(outputs: AnyArray) -> None:
    """Refuse non-negative rows, two or more, that all sum to one, as nobody's logits do."""
    if not are_probabilities(outputs):
        return
    raise refusal(
        "outputs",
        "logits for kind='logits'",
        "non-negative rows that sum to one",
        "Pass kind='probs'.",
    )


def _check_logits(rows: FloatArray, kind: str, offset: int) -> None:
    wrong = ~(rows < np.inf)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise refusal(
            "outputs",
            "finite or -inf logits" if kind == "logits" else "at most 0 for kind='log_probs'",
            f"{rows[row, column]:g} at row {offset + row}, column {column}",
            "Remove or repair those samples; minus infinity is legal and masks a symbol.",
        )
    masked = np.isneginf(rows).all(axis=1)
    if masked.any():
        raise refusal(
            "outputs",
            "rows with at least one finite entry",
            f"only -inf in row {offset + int(np.argmax(masked))}",
            "A row that masks every symbol is not a distribution.",
        )


def _check_probs(rows: FloatArray, tolerance: float, offset: int) -> None:
    for wrong, requirement, fix in (
        (np.isnan(rows), "not nan", "Remove or repair those samples."),
        (rows < 0, "non-negative for kind='probs'", "Pass kind='logits' if these are logits."),
    ):
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise refusal(
                "outputs",
                requirement,
                f"{rows[row, column]:g} at row {offset + row}, column {column}",
                fix,
            )
    _check_sums(rows.sum(axis=1), "probs", tolerance, offset)


def _check_sums(
    totals: FloatArray, kind: str, tolerance: float, offset: int, *, refuse: bool = False
) -> None:
    wrong = ~(np.abs(totals - 1.0) <= tolerance) | refuse
    if wrong.any():
        row = int(np.argmax(wrong))
        what = "sum to one" if kind == "probs" else "whose exponentials sum to one"
        raise refusal(
            "outputs",
            f"rows that {what} for kind={kind!r}" if kind == "probs" else f"rows {what}",
            f"row {offset + row} with sum {totals[row]:.9g}, where {tolerance:.1e} is allowed",
            "Pass kind='logits' for scores that are not normalised, or normalise the rows; the "
            "tolerance is that of the dtype, so pass float32 values as float32.",
        )


def check_rows(rows: FloatArray, kind: str, tolerance: float, offset: int) -> None:
    """Refuse a block of rows if one of them is not a distribution, naming the first."""
    if kind == "probs":
        _check_probs(rows, tolerance, offset)
        return
    _check_logits(rows, kind, offset)
    if kind == "log_probs":
        with np.errstate(over="ignore"):
            _check_sums(np.exp(rows).sum(axis=1), kind, tolerance, offset)


def refuse_row(rows: FloatArray, row: int, kind: str, tolerance: float, offset: int) -> NoReturn:
    """Say what is wrong with the first row of a block that a compiled loop found invalid."""
    check_rows(rows[: row + 1], kind, tolerance, offset)
    # Only its sum is left, which the order of adding can carry over the edge of the tolerance.
    last = rows[row : row + 1]
    total = (last if kind == "probs" else np.exp(last)).sum(axis=1)
    _check_sums(total, kind, tolerance, offset + row, refuse=True)
    raise AssertionError("a sum that is to be refused was not")


def refuse_logits(outputs: AnyArray, offset: int) -> NoReturn:
    """Name the first row of all that a compiled loop found invalid."""
    for start, rows in blocks(outputs):
        check_rows(rows, "logits", math.inf, offset + start)
    raise AssertionError("a compiled loop refused logits in which no fault can be found")
