"""Outputs and labels for property tests: mostly the awkward kinds.

The regimes: ordinary logits, confident ones (rows nearly one-hot, probabilities down to e^-120),
whole numbers (ties everywhere), the same forty times larger (one-hot to the last bit, ties
included), almost flat rows (CMI of order 1e-13), and masks of minus infinity. Class sizes are
whatever comes: single samples, classes without samples, one class only; the number of classes is
drawn independently of the number of columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import classifiers_large as large

REGIMES = {
    "ordinary": st.floats(-5.0, 5.0, width=32),
    "confident": st.floats(-60.0, 60.0, width=32),
    "ties": st.sampled_from([-1.0, 0.0, 1.0, 2.0]),
    "one-hot": st.sampled_from([-40.0, 0.0, 40.0, 80.0]),
    "flat": st.floats(-1e-6, 1e-6),
}


@dataclass(frozen=True)
class Case:
    """One data set; `options` are the keyword arguments of the library and of the oracle."""

    outputs: Any
    labels: Any
    n_classes: int
    kind: str = "logits"

    @property
    def options(self) -> dict[str, Any]:
        return {"kind": self.kind, "n_classes": self.n_classes}

    @property
    def present(self) -> int:
        return len(np.unique(self.labels))

    def but(self, **changes: Any) -> Case:
        return replace(self, **changes)


def looks_like_probabilities(z: Any) -> bool:
    """Rows the library refuses as logits, and rightly: non-negative, each with sum one."""
    return bool((z >= 0).all() and (np.abs(z.sum(axis=1) - 1.0) < 1e-3).all())


@st.composite
def logit_cases(
    draw: Any,
    *,
    regimes: tuple[str, ...] = tuple(REGIMES),
    masked: bool = False,
    square: bool = False,
    min_rows: int = 1,
    max_rows: int = 20,
    min_outputs: int = 2,
    max_outputs: int = 7,
) -> Case:
    """Float64 logits; `square` ties the number of classes to the number of columns."""
    n = draw(st.integers(min_rows, max_rows))
    k = draw(st.integers(min_outputs, max_outputs))
    classes = k if square else draw(st.integers(1, 8))
    z = draw(hnp.arrays(np.float64, (n, k), elements=REGIMES[draw(st.sampled_from(regimes))]))
    if masked:
        hidden = draw(hnp.arrays(np.bool_, (n, k)))
        # A row needs one symbol left: column 0 stays wherever everything else is masked.
        hidden[hidden.all(axis=1), 0] = False
        z = np.where(hidden, -math.inf, z)
    assume(not looks_like_probabilities(z))
    y = draw(hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1)))
    return Case(z, y, classes)


@st.composite
def probability_cases(draw: Any, *, zeros: bool = False, **sizes: Any) -> Case:
    """Float64 rows that sum to one; with `zeros`, some entries are exactly zero."""
    case = draw(logit_cases(masked=zeros, **sizes))
    p, _ = large.distributions(case.outputs)
    return case.but(outputs=p / p.sum(axis=1, keepdims=True), kind="probs")


def any_cases(**sizes: Any) -> st.SearchStrategy[Case]:
    """Logits or probabilities without exact zeros."""
    return st.one_of(logit_cases(**sizes), probability_cases(**sizes))
