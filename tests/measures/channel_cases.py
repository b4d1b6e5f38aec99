"""Channels for property tests, and what is asked of them in more than one file."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from measures.measure_cases import SHARES, normalised
from oracles import capacity as oracle

from infotheory.measures import mutual_information


@st.composite
def channels(draw: Any, inputs: int | None = None, outputs: int | None = None) -> Any:
    """Rows with zeros, with one entry, with shares down to e^-90, and rows that repeat."""
    k = draw(st.integers(1, 6)) if inputs is None else inputs
    m = draw(st.integers(1, 6)) if outputs is None else outputs
    rows = normalised(draw(hnp.arrays(np.float64, (k, m), elements=SHARES)))
    if draw(st.booleans()):
        rows = rows[draw(hnp.arrays(np.int64, k, elements=st.integers(0, k - 1)))]
    closeness = draw(st.sampled_from([None, None, 1e-2, 1e-5]))
    if closeness is not None:
        rows = normalised(rows[0] * (1.0 - closeness) + closeness * rows)
    return rows


def information(p: Any, channel: Any) -> float:
    return mutual_information(p[:, None] * channel)


def divergences(channel: Any, q: Any) -> Any:
    return np.array([oracle.divergence(row, q.tolist()) for row in channel.tolist()])
