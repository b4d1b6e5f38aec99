"""Two distributions over one alphabet, and what they differ by."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from infotheory._simplex import Block, Distributions
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.measures._terms import of_rows, rows_at_once

__all__ = ["Comparison", "compare", "pair"]


def pair(p: Any, q: Any, kind: str) -> tuple[Distributions, Distributions]:
    """Return both batches, of one alphabet."""
    first, second = Distributions(p, "p", kind), Distributions(q, "q", kind)
    (n_symbols,), (found,) = first.alphabet, second.alphabet
    if n_symbols != found:
        raise refusal(
            "q",
            f"have as many symbols as p ({n_symbols})",
            f"{found}",
            "A symbol that one of them never takes has probability zero.",
        )
    _check_labels(p, q)
    return first, second


def _check_labels(p: Any, q: Any) -> None:
    """Refuse pandas objects whose symbols, or rows where there are as many, have other names."""
    axes_p, axes_q = (getattr(value, "axes", ()) for value in (p, q))
    for back, (own, other) in enumerate(zip(reversed(axes_p), reversed(axes_q), strict=False)):
        if len(own) != len(other) or own.equals(other):
            continue
        labels = zip(own.tolist(), other.tolist(), strict=True)
        place, (expected, found) = next(
            (i, pair) for i, pair in enumerate(labels) if repr(pair[0]) != repr(pair[1])
        )
        name = "p.index" if len(axes_p) == 1 or back else "p.columns"
        raise refusal(
            "q",
            "have the labels of p in the same order",
            f"{found!r} in place {place} of the {'rows' if back else 'symbols'}, for {expected!r}",
            f"Use {'q.loc' if back else 'q'}[{name}], or q.to_numpy() where places are meant.",
        )


class Comparison:
    """Some rows of two blocks: probabilities `p` and `q`, and `difference`, which is q - p."""

    def __init__(self, p: Block, q: Block, rows: IntArray | slice) -> None:
        self._blocks, self._rows = (p, q), rows
        weights_p, weights_q = of_rows(p.weights, rows), of_rows(q.weights, rows)
        total_p, total_q = of_rows(p.total, rows)[:, None], of_rows(q.total, rows)[:, None]
        self.p, self.q = weights_p * (1.0 / total_p), weights_q * (1.0 / total_q)
        # The difference of these would be blurred by their rounding where they are close, and
        # that of the weights is not: with totals T and means m of both, q - p is
        # (dw m(T) - dT m(w)) / (T_p T_q). Exchanging p and q changes its sign and nothing else.
        gap = weights_q - weights_p
        total_gap = gap.sum(axis=1, keepdims=True)
        mean, mean_total = 0.5 * (weights_p + weights_q), 0.5 * (total_p + total_q)
        self.difference: FloatArray = (gap * mean_total - mean * total_gap) / (total_p * total_q)

    @cached_property
    def log_p(self) -> FloatArray:
        """Logarithms of `p`, also where that underflows."""
        return self._logs(self._blocks[0])

    @cached_property
    def log_q(self) -> FloatArray:
        """The same of `q`."""
        return self._logs(self._blocks[1])

    def _logs(self, block: Block) -> FloatArray:
        totals = of_rows(block.total, self._rows)[:, None]
        return of_rows(block.log_weights, self._rows) - np.log(totals)

    @cached_property
    def log_ratio(self) -> FloatArray:
        """Logarithms of q/p; nan where both are zero."""
        with np.errstate(invalid="ignore"):
            return self.log_q - self.log_p


def compare(functional: Callable[[Comparison], FloatArray], p: Block, q: Block) -> FloatArray:
    """Apply a functional to a few rows at a time, so that temporaries stay small."""
    step = rows_at_once(p.weights.shape[1])
    n_rows = max(len(p), len(q))
    parts = [functional(Comparison(p, q, slice(i, i + step))) for i in range(0, n_rows, step)]
    return np.concatenate(parts)
