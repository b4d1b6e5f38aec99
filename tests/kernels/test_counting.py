"""Loops that count integers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infotheory._kernels.counting import count_integers, span

pytestmark = pytest.mark.kernel

VALUES = arrays(np.int64, st.integers(1, 40), elements=st.integers(-(2**40), -(2**40) + 30))


@given(VALUES)
def test_each_value_is_counted_once(values: np.ndarray) -> None:
    low, width = int(values.min()), int(np.ptp(values)) + 1
    tables = np.zeros((4, width), dtype=np.int64)
    count_integers(values, low, tables)
    want = Counter(values.tolist())
    assert tables.sum(axis=0).tolist() == [want[low + k] for k in range(width)]


@given(VALUES)
def test_the_span(values: np.ndarray) -> None:
    ends = np.empty(2, dtype=np.int64)
    span(values, ends)
    assert ends.tolist() == [min(values), max(values)]


def test_the_span_of_the_extremes() -> None:
    ends = np.empty(2, dtype=np.int64)
    span(np.array([0, 2**63 - 1, -(2**63)]), ends)
    assert ends.tolist() == [-(2**63), 2**63 - 1]
