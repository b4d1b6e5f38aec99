"""Distributions, channels and orders for the tests of Rényi quantities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

# Both sides of every change of formula, the limits, and neighbours of the limits.
ORDERS = (
    0.0,
    1e-12,
    0.01,
    0.3,
    0.49,
    0.5,
    0.7,
    0.96,
    0.999,
    1 - 1e-9,
    1 - 2.0**-53,
    1.0,
    1 + 2.0**-52,
    1 + 1e-9,
    1.001,
    1.04,
    1.5,
    2.0,
    3.0,
    8.0,
    9.0,
    50.0,
    1000.0,
    math.inf,
)

orders = st.sampled_from(ORDERS)
finite_orders = st.sampled_from(ORDERS[:-1])
weights = st.one_of(st.floats(1e-3, 1.0), st.floats(1e-12, 1e-3), st.sampled_from([0.0, 0.25]))


def _normalised(values: list[float]) -> Any:
    array = np.array(values)
    return array / array.sum()


def distributions(size: int | None = None) -> Any:
    least, most = (1, 6) if size is None else (size, size)
    rows = st.lists(weights, min_size=least, max_size=most)
    return rows.filter(lambda row: sum(row) > 0).map(_normalised)


positive_distributions = st.lists(st.floats(1e-9, 1.0), min_size=2, max_size=6).map(_normalised)


@st.composite
def pairs(draw: Any) -> Any:
    """Two distributions over one alphabet, unrelated or almost equal."""
    p = draw(distributions())
    if draw(st.booleans()):
        return p, draw(distributions(len(p)))
    size = 10.0 ** draw(st.integers(-9, -1))
    noise = draw(st.lists(st.floats(-1, 1), min_size=len(p), max_size=len(p)))
    q = p * (1 + size * np.array(noise) / 2)
    return p, q / q.sum()


@st.composite
def joints(draw: Any) -> Any:
    """Joint distributions of two variables, some almost independent."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    joint = draw(distributions(shape[0] * shape[1])).reshape(shape)
    if draw(st.integers(0, 2)) == 0:
        noise = draw(st.lists(st.floats(-1, 1), min_size=joint.size, max_size=joint.size))
        size = 10.0 ** draw(st.integers(-6, -1))
        joint = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        joint = joint * (1 + size * np.array(noise).reshape(shape) / 2)
    return joint / joint.sum()


@st.composite
def channels(draw: Any, inputs: int) -> Any:
    """Row-stochastic matrices."""
    outputs = draw(st.integers(1, 4))
    rows = [draw(distributions(outputs)) for _ in range(inputs)]
    return np.array(rows)


def close(found: Any, want: Any, relative: float, absolute: float = 0.0) -> bool:
    """Both infinite, or within either tolerance."""
    if math.isinf(found) or math.isinf(want):
        return bool(found == want)
    return bool(abs(found - want) <= max(relative * abs(want), absolute))
