"""Sources made of sources: stacked, independent and warped."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory import sources

ELEMENTWISE = [name for name in sources.WARPS if name != "spiral"]
PAIR = sources.GaussianPair(0.9)
TRIPLE = sources.GaussianTriple(0.8, 0.6, 0.3)


# ------------------------------------------------------------------------------ several at a time


@given(st.lists(st.floats(-0.99, 0.99), min_size=1, max_size=4))
def test_information_of_a_stack_is_the_sum(rs: list[float]) -> None:
    pairs = [sources.GaussianPair(r) for r in rs]
    expected = math.fsum(pair.mutual_information() for pair in pairs)
    stack = sources.Stacked(pairs)
    assert stack.mutual_information() == expected
    assert stack.mutual_information(base=2) == pytest.approx(
        expected / math.log(2), rel=1e-15, abs=0
    )
    # A stack of stacks is a stack.
    assert sources.Stacked([stack, stack]).mutual_information() == pytest.approx(2 * expected)


def test_a_stack_of_triples() -> None:
    stack = sources.Stacked([TRIPLE, sources.xor(), sources.UniformBinomialChain(4)])
    assert stack.n_variables == 3
    expected = TRIPLE.conditional_mutual_information() + math.log(2)
    assert stack.conditional_mutual_information() == pytest.approx(expected, rel=1e-15, abs=0)
    assert [variable.shape for variable in stack.sample(7, rng=0)] == [(7, 3)] * 3


def test_columns_of_a_stack_are_those_of_its_sources() -> None:
    """In order, drawn one after the other."""
    parts = [sources.GaussianPair(0.5, dimension=2), sources.UniformSum(0.1)]
    x, y = sources.Stacked(parts).sample(20, rng=4)
    rng = np.random.default_rng(4)
    (x1, y1), (x2, y2) = (part.sample(20, rng) for part in parts)
    np.testing.assert_array_equal(x, np.column_stack([x1, x2]))
    np.testing.assert_array_equal(y, np.column_stack([y1, y2]))


def test_symbols_of_a_stack_stay_whole() -> None:
    x, y = sources.Stacked([sources.binary_symmetric(0.1)] * 2).sample(5, rng=0)
    assert x.dtype == y.dtype == np.int64


def test_independent_sources() -> None:
    one, other = sources.Gamma(0.3), sources.Gaussian(np.zeros(2), np.eye(2))
    pair = sources.Independent(one, other)
    assert pair.mutual_information() == 0.0
    x, y = pair.sample(30, rng=1)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(x, one.sample(30, rng))
    np.testing.assert_array_equal(y, other.sample(30, rng))


# ----------------------------------------------------------------------------------------- warping


@pytest.mark.parametrize("source", [PAIR, TRIPLE, sources.UniformSum(0.1), sources.xor()])
def test_warps_leave_information_alone(source: sources.JointSource) -> None:
    warped = sources.Warped(source, x="cubic", y="asinh")
    assert warped.mutual_information() == source.mutual_information()
    assert warped.mutual_information(base=2) == source.mutual_information(base=2)
    assert warped.n_variables == source.n_variables
    if source.n_variables == 3:
        expected = source.conditional_mutual_information()
        assert sources.Warped(source, z="half_cube").conditional_mutual_information() == expected


INVERSES: dict[str, Any] = {
    "asinh": np.sinh,
    "cubic": np.cbrt,
    "half_cube": lambda x: np.sign(x) * np.abs(x) ** (2 / 3),
}


@pytest.mark.parametrize("name", INVERSES)
def test_warps_can_be_inverted(name: str) -> None:
    """A few roundings forth and back, of functions that change by at most 3 for 1 (relative)."""
    plain = PAIR.sample(500, rng=0)
    warped = sources.Warped(PAIR, x=name, y=name).sample(500, rng=0)
    for before, after in zip(plain, warped, strict=True):
        assert not np.array_equal(before, after)
        np.testing.assert_allclose(INVERSES[name](after), before, rtol=1e-14, atol=1e-15)


def test_known_warps() -> None:
    """Of 1 and 2 standard deviations, written out."""

    class Fixed(sources.JointSource):
        def _mutual_information(self) -> float:
            return 0.0

        def _draw(self, n: int, rng: Any) -> Any:
            return np.array([-2.0, 0.0, 1.0]), np.array([0.0, 1.0, 2.0])

    expected = {
        "asinh": [-math.asinh(2), 0, math.asinh(1)],
        "cubic": [-8, 0, 1],
        "half_cube": [-(2**1.5), 0, 1],
        "normal_cdf": [0.022750131948179212, 0.5, 0.8413447460685429],
    }
    assert sorted(expected) == sorted(ELEMENTWISE)
    for name, values in expected.items():
        x, y = sources.Warped(Fixed(), x=name).sample(3)
        np.testing.assert_allclose(x, values, rtol=1e-14, atol=1e-15)
        np.testing.assert_array_equal(y, [0, 1, 2])


def test_the_normal_cdf_makes_gaussians_uniform() -> None:
    """The largest gap of the distribution function: Massart's bound at 1e-6."""
    x, _ = sources.Warped(PAIR, x="normal_cdf").sample(5000, rng=0)
    gap = np.abs(np.sort(x) - np.arange(1, 5001) / 5000).max() + 1 / 5000
    assert gap < math.sqrt(math.log(2 / 1e-6) / (2 * 5000))


@pytest.mark.parametrize("dimension", [2, 5])
def test_the_spiral_turns_by_the_squared_length(dimension: int) -> None:
    pair = sources.GaussianPair(0.5, dimension)
    x, y = pair.sample(200, rng=0)
    turned, same = sources.Warped(pair, x="spiral").sample(200, rng=0)
    np.testing.assert_array_equal(same, y)
    np.testing.assert_array_equal(turned[:, 2:], x[:, 2:])
    before, after = (v[:, 0] + 1j * v[:, 1] for v in (x, turned))
    angle = (x**2).sum(axis=1)
    # A rounding of the angle, of at most some tens, is one of the phase.
    np.testing.assert_allclose(after, before * np.exp(1j * angle), rtol=1e-13, atol=1e-13)
    # The length is kept, so turning back by it inverts the map.
    np.testing.assert_allclose((turned**2).sum(axis=1), angle, rtol=1e-14)


def test_the_spiral_turns_vectors_of_symbols() -> None:
    """Sixteen vectors of whole numbers, all kept apart: none is rounded to whole numbers again."""
    pair = sources.Stacked([sources.DiscreteJoint(np.eye(4) / 4)] * 2)
    x, y = pair.sample(500, rng=0)
    turned, same = sources.Warped(pair, x="spiral").sample(500, rng=0)
    np.testing.assert_array_equal(same, y)
    assert turned.dtype == np.float64
    angle = (x**2).sum(axis=1)
    after = (x[:, 0] + 1j * x[:, 1]) * np.exp(1j * angle)
    np.testing.assert_allclose(turned[:, 0] + 1j * turned[:, 1], after, rtol=1e-13)
    assert len(np.unique(turned, axis=0)) == len(np.unique(x, axis=0)) == 16


def test_a_callable_may_rise_or_fall() -> None:
    x, y = PAIR.sample(50, rng=0)
    up, down = sources.Warped(PAIR, x=np.exp, y=np.negative).sample(50, rng=0)
    np.testing.assert_array_equal(up, np.exp(x))
    np.testing.assert_array_equal(down, -y)


def test_warps_of_vectors_are_applied_to_each_coordinate() -> None:
    pair = sources.GaussianPair(0.5, dimension=3)
    x, _ = pair.sample(40, rng=0)
    warped, _ = sources.Warped(pair, x="cubic").sample(40, rng=0)
    np.testing.assert_array_equal(warped, x**3)


def test_symbols_can_be_renamed() -> None:
    """Values that come twice are no sign of a map that merges."""
    x, _ = sources.Warped(sources.binary_symmetric(0.1), x=lambda s: 5 - 3 * s).sample(50, rng=0)
    assert set(x.tolist()) == {2, 5}


def test_one_sample_is_monotone() -> None:
    assert sources.Warped(PAIR, x=np.exp).sample(1, rng=0)[0].shape == (1,)


def test_a_few_values_may_be_rounded_together() -> None:
    """One in a hundred, no more."""

    def merging(few: int) -> Any:
        def warp(x: Any) -> Any:
            return np.maximum(x, np.sort(x)[few])

        return warp

    assert sources.Warped(PAIR, x=merging(1)).sample(100, rng=0)
    with pytest.raises(ValueError, match=r"^x must be a warp that keeps values apart; got 2 of"):
        sources.Warped(PAIR, x=merging(2)).sample(100, rng=0)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("warp", "message"),
    [
        (np.square, r"^x must be a strictly monotone warp; got .* at .* and .* at .*\. Only a map"),
        (np.log, r"^x must be a strictly monotone warp; got nan at -"),
        (lambda x: x[:, None], r"^x must be a warp that keeps the shape \(100,\) .* \(100, 1\)\."),
        (lambda x: 3.0, r"got shape \(\)\. It is called once"),
        (np.round, r"^x must be a warp that keeps values apart; got 9\d of 100 distinct values"),
        ("spiral", r"^x must be of at least two coordinates for the warp 'spiral'; got one\."),
    ],
)
def test_refused_when_drawn(warp: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sources.Warped(PAIR, x=warp).sample(100, rng=0)


def test_refused_where_the_order_breaks() -> None:
    """The message names the two values between which a falling map rises."""
    pair = sources.through_channel(np.eye(4))
    with pytest.raises(ValueError, match=r"got 0 at 1 and 5 at 2\. Only"):
        sources.Warped(pair, y=np.array([1, 0, 5, 4]).__getitem__).sample(200, rng=0)


def test_a_spiral_of_one_column_is_refused() -> None:
    pair = sources.GaussianPair(0.5, dimension=1)
    with pytest.raises(ValueError, match=r"^y must be of at least two coordinates"):
        sources.Warped(pair, y="spiral").sample(10, rng=0)


def test_heavy_tails_are_lost_in_the_normal_cdf() -> None:
    with pytest.raises(ValueError, match=r"rounded to the one before\. 'asinh' keeps long tails"):
        sources.Warped(sources.StudentTPair(1, 0.5), y="normal_cdf").sample(1000, rng=0)


def test_refused_when_made() -> None:
    with pytest.raises(ValueError, match=r"^x must be one of 'asinh', .*'spiral'; got 'square'"):
        sources.Warped(PAIR, x="square")
    with pytest.raises(ValueError, match=r"^y must be one of 'asinh', .*; got 3"):
        sources.Warped(PAIR, y=3)
    with pytest.raises(ValueError, match=r"^z must be None for a pair; got 'cubic'\. A pair has"):
        sources.Warped(PAIR, z="cubic")
    with pytest.raises(TypeError, match=r"^source must be a pair or a triple; got Gamma"):
        sources.Warped(sources.Gamma(1.0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^y must be a source of one variable; got GaussianPair"):
        sources.Independent(sources.Gamma(1.0), PAIR)
    with pytest.raises(TypeError, match=r"^x must be a source of one variable; got int"):
        sources.Independent(3, sources.Gamma(1.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([], ValueError, r"^sources must be a list of at least one source; got \[\]\."),
        (PAIR, ValueError, r"^sources must be a list of at least one source; got GaussianPair"),
        ([PAIR, 3], TypeError, r"^sources\[1\] must be a pair or a triple; got int\."),
        ([PAIR, TRIPLE], ValueError, r"^sources\[1\] must be of as many variables .* \(2\); got 3"),
    ],
)
def test_refused_stacks(parts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sources.Stacked(parts)
