"""Distributions for property tests: mostly the awkward kinds.

Shares range over forty orders of magnitude, some are exactly zero, some are alone. Logits reach
far below what a double can hold as a probability.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# Plain sums of at most 64 terms serve above 0.05 nats only. Rounding moves them by at most some 8
# units of the sum of the absolute terms, here below 6 nats: 8 * 1.1e-16 * 6 / 0.05 = 1.1e-13.
RELATIVE = 2e-13
# A logarithm of size 900 is rounded by up to 5.7e-14, normalised once more, and so is its share of
# a result.
LOGITS_RELATIVE = 5e-13


def same(found: float, expected: Any, relative: float = RELATIVE, absolute: float = 0.0) -> bool:
    """Whether a result is a number of the oracle, infinity included."""
    expected = float(expected)
    if math.isinf(expected):
        return found == expected
    return math.isfinite(found) and abs(found - expected) <= relative * abs(expected) + absolute


def close(expected: Any, relative: float) -> Any:
    """Numbers within a share of these: however small they are, beside nothing else."""
    return pytest.approx(expected, rel=relative, abs=0.0)


def same_of_logits(found: float, expected: Any) -> bool:
    """Whether a divergence D of logits is the oracle's.

    D is a mean of squares t^2 / 2 of differences of logarithms where they are small, each off by
    e, some units of rounding of its logarithms: the mean of e t is at most the root of 2 D times
    that of e^2, below 1e-15, and the square of e remains.
    """
    return same(found, expected, LOGITS_RELATIVE, 4e-15 * math.sqrt(expected) + 1e-29)


POSITIVE = st.one_of(
    st.sampled_from([1.0, 2.0, 5.0]), st.floats(0.01, 1.0), st.floats(-90.0, 0.0).map(math.exp)
)
SHARES = st.one_of(st.just(0.0), POSITIVE)
LOGITS = st.one_of(
    st.sampled_from([-math.inf, -800.0, -700.0, 0.0, 1.0]),
    st.floats(-900.0, 20.0),
    st.floats(-3.0, 3.0),
)


def normalised(weights: Any, n_axes: int = 1) -> Any:
    """Divide by the sums over the last axes; a distribution without mass gets it in one place."""
    weights = np.array(weights, dtype=float)
    shape = weights.shape
    rows = weights.reshape(*shape[: len(shape) - n_axes], -1)
    rows[..., 0] += rows.sum(axis=-1) == 0
    return (rows / rows.sum(axis=-1, keepdims=True)).reshape(shape)


@st.composite
def distributions(draw: Any, n_symbols: int | None = None, zeros: bool = True) -> Any:
    """One distribution over up to 7 symbols."""
    size = draw(st.integers(1, 7)) if n_symbols is None else n_symbols
    return normalised(draw(hnp.arrays(np.float64, size, elements=SHARES if zeros else POSITIVE)))


@st.composite
def pairs(draw: Any, zeros: bool = True) -> Any:
    """Two distributions over the same symbols, independent or close to each other."""
    p = draw(distributions(zeros=zeros))
    q = draw(distributions(n_symbols=p.size, zeros=zeros))
    closeness = draw(st.sampled_from([None, 1e-1, 1e-3, 1e-6, 1e-9, 1e-12]))
    if closeness is not None:
        q = normalised(p * (1.0 + closeness * (q - 0.5)))
    return p, q


@st.composite
def triples(draw: Any) -> Any:
    """Three distributions over the same symbols."""
    p, q = draw(pairs())
    return p, q, draw(distributions(n_symbols=p.size))


@st.composite
def logit_pairs(draw: Any) -> Any:
    """Two rows of logits of one length, each with a finite one."""
    size = draw(st.integers(1, 6))
    rows = draw(hnp.arrays(np.float64, (2, size), elements=LOGITS))
    rows[np.isneginf(rows).all(axis=1), 0] = 0.0
    return rows[0], rows[1]


@st.composite
def joints(draw: Any, n_variables: int = 2) -> Any:
    """A joint distribution of variables with up to 4 symbols each, sometimes of independent ones.

    Those are slightly disturbed, so that they share next to nothing.
    """
    shape = tuple(draw(st.integers(1, 4)) for _ in range(n_variables))
    joint = normalised(draw(hnp.arrays(np.float64, shape, elements=SHARES)), n_variables)
    closeness = draw(st.sampled_from([None, None, 1e-2, 1e-5, 1e-8]))
    if closeness is not None:
        parts = [draw(distributions(n_symbols=size, zeros=False)) for size in shape]
        product = np.ones(())
        for part in parts:
            product = np.multiply.outer(product, part)
        joint = normalised(product * (1.0 + closeness * (joint - 0.5)), n_variables)
    return joint


@st.composite
def channels(draw: Any, n_inputs: int) -> Any:
    """A random channel: one distribution of outputs for each input."""
    shape = (n_inputs, draw(st.integers(1, 4)))
    return normalised(draw(hnp.arrays(np.float64, shape, elements=SHARES)))
