"""Types, and the laws of sums that they give."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from oracles import spectrum as oracle

from infotheory.measures import Score
from infotheory.testing import enumerated_law, types_of


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (1, 4), (6, 2), (5, 3), (4, 4), (3, 5)])
def test_types_are_those_of_all_sequences(n: int, k: int) -> None:
    words = itertools.product(range(k), repeat=n)
    want = {tuple(Counter(word)[letter] for letter in range(k)) for word in words}
    found = types_of(n, k)
    assert {tuple(row) for row in found.tolist()} == want
    assert len(found) == len(want)


def test_too_many_types() -> None:
    with pytest.raises(
        ValueError,
        match=r"^n must be so small that there are at most 1,000,000 types; got 4,590,551",
    ):
        types_of(300, 4)
    with pytest.raises(ValueError, match=r"^k must be a positive integer"):
        types_of(3, 0)


@pytest.mark.parametrize("p", [[0.5, 0.5], [0.7, 0.3], [0.5, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_law_of_a_sum(p: list[float], n: int) -> None:
    score = Score.entropy(p) if p[0] != p[1] else Score([0.0, 1.0], p)
    law = enumerated_law(score, n)
    assert math.fsum(np.exp(law.log_probabilities)) == pytest.approx(1.0, rel=1e-14)
    assert np.exp(law.log_probabilities) @ law.sums == pytest.approx(n * score.mean, rel=1e-13)
    assert (np.diff(law.sums) >= 0).all()
    values, logs = score.values.tolist(), score.log_probabilities.tolist()
    middle = float(law.sums[len(law.sums) // 2])
    for threshold in (middle - 0.01, middle + 0.01):
        want = float(oracle.log_tail(values, logs, n, Fraction(threshold), True))
        assert law.is_clear_of(threshold)
        assert law.log_above(threshold) == pytest.approx(want, rel=1e-13)
        assert law.log_from(threshold) == law.log_above(threshold)
    assert not law.is_clear_of(middle)
    assert law.log_from(middle) > law.log_above(middle)
    assert law.log_above(math.inf) == -math.inf
