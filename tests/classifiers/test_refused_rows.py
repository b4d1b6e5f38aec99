"""What compiled loops found invalid is looked at again, to say what is wrong with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from infotheory._simplex import sum_tolerance
from infotheory.classifiers.valid_rows import refuse_logits, refuse_row

ROWS = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_a_sum_at_the_edge_of_the_tolerance(kind: str) -> None:
    """Added up in another order it would pass: it is refused all the same, by its number."""
    rows = ROWS if kind == "probs" else np.log(ROWS)
    with pytest.raises(ValueError, match=r"outputs must be rows .*sum to one.*; got row 42 with"):
        refuse_row(rows, 2, kind, sum_tolerance(rows.dtype, rows.shape[1], kind), 40)


def test_the_first_fault_up_to_the_row_is_named() -> None:
    rows = ROWS.copy()
    rows[1, 2] = -0.25
    with pytest.raises(ValueError, match=r"non-negative .*; got -0\.25 at row 41, column 2"):
        refuse_row(rows, 2, "probs", 1e-9, 40)


def test_the_first_fault_of_logits_over_all_blocks() -> None:
    logits = np.zeros((300, 700))
    logits[250, 1] = math.inf
    with pytest.raises(ValueError, match=r"finite or -inf logits; got inf at row 1250, column 1"):
        refuse_logits(logits, 1000)


def test_a_refusal_without_a_fault_would_be_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError, match="in which no fault can be found"):
        refuse_logits(ROWS, 0)
