"""Means of dependent values: batch means by loops, and processes whose variance is known."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from infotheory.estimators.sequences import block_means, estimate_rate
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

few = pytest.mark.filterwarnings(
    # Small cases have few blocks.
    "ignore:The interval:infotheory.exceptions.InfotheoryWarning"
)
numbers = st.floats(-50, 50)


def cut(lengths: list[int], width: int) -> list[range]:
    """Places of the blocks: each document in as many as it has room for, evenly."""
    found, begin = [], 0
    for length in lengths:
        count = max(length // width, 1)
        edges = [begin + i * length // count for i in range(count + 1)]
        found += [range(a, b) for a, b in itertools.pairwise(edges)]
        begin += length
    return found


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[float], list[float], list[int]]:
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    n = sum(lengths)
    values = draw(st.lists(numbers, min_size=n, max_size=n))
    sizes = draw(st.lists(st.integers(1, 4).map(float), min_size=n, max_size=n))
    return values, sizes, lengths


@few
@given(documents(), st.integers(1, 6), st.booleans())
def test_batch_means_by_loops(given: Any, width: int, sized: bool) -> None:
    values, sizes, lengths = given
    areas = sizes if sized else [1.0] * len(values)
    rate = math.fsum(values) / math.fsum(areas)
    blocks = cut(lengths, width)
    off = [math.fsum(values[i] - rate * areas[i] for i in block) for block in blocks]
    found = estimate_rate(
        values, sizes=sizes if sized else None, lengths=lengths, block=width, level=0.9
    )
    assert found.value == pytest.approx(rate, rel=1e-12, abs=1e-12)
    assert (found.n, found.method, found.level) == (len(values), "mean", 0.9)
    assert found.interval.method == f"batch means, {len(blocks)} blocks"
    assert (found.local is None) == sized
    if len(blocks) == 1:
        assert math.isnan(found.low)
        assert math.isnan(found.standard_error)
        return
    count = len(blocks)
    error = math.sqrt(count / (count - 1) * math.fsum(x * x for x in off)) / math.fsum(areas)
    # Sums of 45 values of size 50 times 4: rounding of 1e-12
    assert found.standard_error == pytest.approx(error, rel=1e-9, abs=1e-11)
    reach = student(count - 1).ppf(0.95) * error
    assert found.high - found.value == pytest.approx(reach, rel=1e-9, abs=1e-9)
    assert found.value - found.low == pytest.approx(reach, rel=1e-9, abs=1e-9)


@few
def test_blocks_are_as_long_as_the_root_of_their_number() -> None:
    values = np.random.default_rng(0).normal(size=400)
    assert estimate_rate(values).interval == estimate_rate(values, block=20).interval
    assert estimate_rate(values[:399]).interval.method == "batch means, 19 blocks"
    assert estimate_rate(values[:5]).interval.method == "batch means, 1 blocks"


def test_the_unit_is_named() -> None:
    found = estimate_rate(np.arange(400) % 7, base=2)
    assert found.unit == "bits"
    assert found.value == pytest.approx(np.mean(np.arange(400) % 7), rel=1e-15)


def test_independent_values_have_the_error_of_a_mean() -> None:
    """n SE^2 is the variance: with 200 blocks within 4 sqrt(2 / 200) of it."""
    values = np.random.default_rng(1).exponential(size=40_000)
    found = estimate_rate(values)
    assert abs(found.standard_error**2 * 40_000 - 1.0) < 4 * math.sqrt(2 / 200)
    assert 1.0 in found.interval


def test_dependent_values_have_a_larger_one() -> None:
    """x_t = r x_(t-1) + e_t has the long-run variance 1 / (1 - r)^2, not 1 / (1 - r^2)."""
    r, n = 0.8, 40_000
    noise = np.random.default_rng(2).normal(size=n)
    values = np.empty(n)
    values[0] = noise[0] / math.sqrt(1 - r * r)
    for t in range(1, n):
        values[t] = r * values[t - 1] + noise[t]
    found = estimate_rate(values)
    # Blocks of 200 miss 2 r / ((1 - r^2) 200) of it, 2 %; and 200 of them vary by 10 %.
    assert found.standard_error**2 * n * (1 - r) ** 2 == pytest.approx(1.0, abs=0.42)
    assert 0.0 in found.interval


@few
def test_documents_that_do_not_vary_inside() -> None:
    """Ten documents of one value each: only ten values are independent."""
    means = np.random.default_rng(3).normal(size=10)
    found = estimate_rate(np.repeat(means, 5), lengths=[5] * 10, block=5)
    assert found.standard_error == pytest.approx(means.std(ddof=1) / math.sqrt(10), rel=1e-12)


@few
def test_blocks_are_even() -> None:
    """Eleven values in blocks of about four: of five and six, with sums 0 and 6, not of 4 and 7."""
    found = estimate_rate([0] * 5 + [1] * 6, block=4)
    off = 5 * 6 / 11
    assert found.standard_error == pytest.approx(math.sqrt(2 * 2 * off * off) / 11, rel=1e-13)


def test_doubts_are_said() -> None:
    with pytest.warns(UndefinedIntervalWarning, match="all values are in one block"):
        found = estimate_rate([1.0])
    assert (found.value, len(found.warnings)) == (1.0, 1)
    with pytest.warns(PrecisionWarning, match="rests on 9 blocks, too few"):
        found = estimate_rate(np.arange(81.0))
    assert found.warnings[0].startswith("The interval rests on 9 blocks")
    with pytest.warns(UndefinedIntervalWarning, match="a value is infinite"):
        found = estimate_rate([*range(120), math.inf])
    assert math.isinf(found.value)
    assert math.isnan(found.high)
    assert estimate_rate(np.arange(100.0)).warnings == ()


@pytest.mark.parametrize(
    ("values", "options", "fault"),
    [
        ([], {}, "values must be 1-dimensional, of one number at least; got shape (0,)"),
        ([[1.0]], {}, "values must be 1-dimensional"),
        ([1.0, math.nan], {}, "values must be numbers; got nan at values[1]. values[~np.isnan"),
        ([-math.inf], {}, "values must be numbers; got -inf at values[0]"),
        ([1.0], {"sizes": [1, 2]}, "sizes must have one entry a value (1); got 2."),
        ([1.0, 1.0], {"sizes": [1, -1]}, "sizes must be at least 0, with a finite sum above 0"),
        ([1.0, 1.0], {"sizes": [0, 0]}, "sizes must be at least 0, with a finite sum above 0"),
        ([1.0], {"sizes": [math.inf]}, "sizes must be at least 0, with a finite sum above 0"),
        ([1.0], {"lengths": [2]}, "lengths must be positive integers that add up to the number"),
        ([1.0], {"lengths": [0, 1]}, "lengths must be positive integers that add up"),
        ([1.0], {"lengths": [0.5, 0.5]}, "lengths must be positive integers that add up"),
        ([1.0], {"block": 0}, "block must be a positive integer"),
        ([1.0], {"level": 2}, "level must be a number between 0 and 1"),
        ([1.0], {"base": 0}, "base must be None (nats) or a finite number greater than 1"),
    ],
)
def test_bad_input_is_refused(values: Any, options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        estimate_rate(values, **options)


def test_words_are_no_values() -> None:
    with pytest.raises(TypeError, match="values must be numbers; got dtype <U1"):
        estimate_rate(["a"])


# ------------------------------------------------------------------------------------- block means


@given(documents(), st.integers(1, 4))
def test_block_means_by_loops(given: Any, n: int) -> None:
    values, _, lengths = given
    truth, begin = [], 0
    for length in lengths:
        starts = range(begin, begin + length - n + 1, n)
        truth += [math.fsum(values[start : start + n]) / n for start in starts]
        begin += length
    if truth:
        found = block_means(values, n, lengths=lengths)
        assert found.tolist() == pytest.approx(truth, rel=1e-12, abs=1e-12)
    else:
        with pytest.raises(ValueError, match=f"n must be at most {max(lengths)}, the longest doc"):
            block_means(values, n, lengths=lengths)


def test_block_means_of_one_document() -> None:
    assert block_means([1, 2, 3, 4, 9], 2).tolist() == [1.5, 3.5]
    with pytest.raises(ValueError, match="n must be a positive integer"):
        block_means([1], 0)
