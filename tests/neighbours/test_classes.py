"""Neighbours within the classes of a column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbours as brute
from oracles import pairs as oracle

from infotheory.estimators.neighbours.classes import ross_terms
from infotheory.estimators.neighbours.columns import sorted_column
from infotheory.estimators.neighbours.digamma import digamma_table

# Differences of the "huge" cloud overflow, which numpy notices where the loops are plain Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]
PSI = digamma_table(60)


@st.composite
def classified(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """A column, labels of which some may be missing, and a k that classes may be too small for."""
    n = draw(st.integers(1, 40))
    x = brute.cloud(draw(st.sampled_from(brute.CLOUDS)), n, 1, draw(st.integers(0, 1000)))[:, 0]
    labels = draw(st.lists(st.integers(0, draw(st.integers(0, n))), min_size=n, max_size=n))
    return x, np.array(labels), draw(st.integers(1, 20))


@pytest.mark.kernel
@given(classified())
def test_terms_are_those_of_all_pairs(sample: tuple[np.ndarray, np.ndarray, int]) -> None:
    x, labels, k = sample
    kept, terms = ross_terms(sorted_column(x), labels, k, PSI)
    want = oracle.ross_counts(x.tolist(), labels.tolist(), k)
    assert np.flatnonzero(kept).tolist() == [i for i, *_ in want]
    assert terms.tolist() == [PSI[near] - PSI[size] - PSI[c] for _, near, size, c in want]


@given(classified(), st.integers(1, 6))
def test_threads_do_not_matter(sample: tuple[np.ndarray, np.ndarray, int], workers: int) -> None:
    x, labels, k = sample
    column = sorted_column(x)
    _, want = ross_terms(column, labels, k, PSI, workers=1)
    assert ross_terms(column, labels, k, PSI, workers=workers)[1].tolist() == want.tolist()


def test_two_classes_by_hand() -> None:
    # The 9 is alone in its class and does not count. Nearest mates: 0-2 at 2, 1-5 at 4, 6-5 at 1.
    x = sorted_column(np.array([0.0, 1, 2, 5, 6, 9]))
    kept, terms = ross_terms(x, np.array([0, 1, 0, 1, 1, 2]), 1, PSI)
    assert kept.tolist() == [True] * 5 + [False]
    # Strictly nearer and oneself: 0 1; 0 1 2; 1 2; 5; 6.
    assert terms.tolist() == [
        PSI[1] - PSI[m] - PSI[c] for m, c in zip([2, 3, 2, 3, 3], [2, 3, 2, 1, 1], strict=True)
    ]


def test_nobody_is_left_where_all_are_alone() -> None:
    kept, terms = ross_terms(sorted_column(np.arange(3.0)), np.array([0, 2, 5]), 3, PSI)
    assert kept.tolist() == [False] * 3
    assert terms.size == 0
