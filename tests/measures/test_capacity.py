"""Capacities against the iteration of Blahut and Arimoto, laws of channels, and known values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.channel_cases import channels, divergences, information
from measures.measure_cases import normalised
from oracles import capacity as oracle

from infotheory.exceptions import PrecisionWarning
from infotheory.measures import channel_capacity, entropy

LN2 = math.log(2)
TOLERANCE = 1e-9
# Both bounds are off by some units of rounding of entropies, here of at most 8 symbols; the
# divergence from an output of probability e^-90 adds its logarithm.
ROUNDING = 1e-13


# ------------------------------------------------------------------------------------- the oracle


@given(channels())
def test_between_the_bounds_of_blahut_and_arimoto(channel: Any) -> None:
    lower, upper, _ = oracle.blahut_arimoto(channel.tolist(), rounds=40)
    found = channel_capacity(channel)
    assert found.lower <= upper + ROUNDING
    assert found.upper >= lower - ROUNDING


@given(channels(inputs=2), st.floats(0.01, 1.0))
def test_two_inputs_by_search(channel: Any, most: float) -> None:
    # A search for a maximum finds its value to the second order: to rounding.
    expected = oracle.two_inputs(channel.tolist())
    assert channel_capacity(channel).capacity == pytest.approx(expected, abs=2 * TOLERANCE)
    expected = oracle.two_inputs(channel.tolist(), most)
    found = channel_capacity(channel, costs=[0, 1], max_cost=most)
    assert found.capacity == pytest.approx(expected, abs=2 * TOLERANCE)


# --------------------------------------------------------------------------------------- the result


@given(channels(), st.sampled_from([1e-6, 1e-9, 1e-12]))
def test_both_bounds_hold(channel: Any, tolerance: float) -> None:
    found = channel_capacity(channel, tolerance=tolerance)
    p, q = found.input_distribution, found.output_distribution
    assert p.min() >= 0.0
    assert p.sum() == pytest.approx(1.0, rel=0, abs=1e-14)
    assert q == pytest.approx(p @ channel, rel=0, abs=1e-15)
    assert found.lower == pytest.approx(information(p, channel), rel=0, abs=ROUNDING)
    assert 0.0 <= found.gap <= tolerance
    assert found.upper <= min(math.log(channel.shape[0]), math.log(channel.shape[1])) + tolerance
    assert found.price == 0.0
    assert found.warnings == ()


@given(channels())
def test_inputs_in_use_are_equally_far_from_the_output(channel: Any) -> None:
    """The conditions of Kuhn and Tucker, as nearly as the gap tells.

    The best output is at a divergence of at most the gap (Pinsker: at a distance of root 2e-12),
    and the mean over p of the changes of divergences is the mean of |ln q/q*|, about as much.
    """
    found = channel_capacity(channel, tolerance=1e-12)
    seen = found.output_distribution > 0
    possible = (channel[:, ~seen] == 0).all(axis=1)
    d = divergences(channel[possible][:, seen], found.output_distribution[seen])
    used = found.input_distribution[possible]
    assert (used * np.abs(d - found.capacity)).sum() <= 3e-6
    assert (found.input_distribution[~possible] == 0).all()


# ------------------------------------------------------------------------------------------- laws


@given(channels(), st.data())
def test_the_order_of_symbols_does_not_matter(channel: Any, data: Any) -> None:
    rows = data.draw(st.permutations(range(channel.shape[0])))
    columns = data.draw(st.permutations(range(channel.shape[1])))
    expected = channel_capacity(channel).capacity
    found = channel_capacity(channel[rows][:, columns]).capacity
    assert found == pytest.approx(expected, rel=0, abs=TOLERANCE)


@given(channels(), st.data())
def test_processing_the_output_loses_capacity(channel: Any, data: Any) -> None:
    after = data.draw(channels(inputs=channel.shape[1]))
    processed = channel_capacity(normalised(channel @ after))
    assert processed.lower <= channel_capacity(channel).upper + ROUNDING


@given(channels(outputs=4), channels(outputs=4))
def test_one_more_input_does_not_hurt(channel: Any, other: Any) -> None:
    more = channel_capacity(np.vstack([channel, other[:1]]))
    assert more.upper >= channel_capacity(channel).lower - ROUNDING


@given(channels(), channels())
def test_a_choice_of_two_channels(first: Any, second: Any) -> None:
    """Shannon 1948: e^C of the sum of two channels is the sum of theirs."""
    apart = np.zeros((len(first) + len(second), first.shape[1] + second.shape[1]))
    apart[: len(first), : first.shape[1]] = first
    apart[len(first) :, first.shape[1] :] = second
    one, other = channel_capacity(first).capacity, channel_capacity(second).capacity
    expected = math.log(math.exp(one) + math.exp(other))
    assert channel_capacity(apart).capacity == pytest.approx(expected, rel=0, abs=2 * TOLERANCE)


@given(channels(outputs=3), channels(outputs=2))
def test_two_channels_side_by_side(first: Any, second: Any) -> None:
    expected = channel_capacity(first).capacity + channel_capacity(second).capacity
    both = normalised(np.kron(first, second))
    assert channel_capacity(both).capacity == pytest.approx(expected, rel=0, abs=3 * TOLERANCE)


# ---------------------------------------------------------------------------------- known values


def binary_entropy(p: float) -> float:
    return entropy([p, 1 - p])


@pytest.mark.parametrize("p", [0.0, 0.001, 0.11, 0.5])
def test_binary_symmetric(p: float) -> None:
    found = channel_capacity([[1 - p, p], [p, 1 - p]])
    assert found.capacity == pytest.approx(LN2 - binary_entropy(p), abs=1e-15)
    assert found.input_distribution.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_binary_erasure(p: float) -> None:
    found = channel_capacity([[1 - p, p, 0.0], [0.0, p, 1 - p]])
    assert found.capacity == pytest.approx((1 - p) * LN2, abs=1e-15)


@pytest.mark.parametrize("p", [1e-6, 0.1, 0.5, 0.999])
def test_z_channel(p: float) -> None:
    """Capacity ln(1 + (1 - p) p^(p / (1 - p))), the second input lost with probability p."""
    found = channel_capacity([[1.0, 0.0], [p, 1 - p]], tolerance=1e-12)
    expected = math.log1p((1 - p) * p ** (p / (1 - p)))
    assert found.capacity == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("n", [3, 5, 26])
def test_noisy_typewriter(n: int) -> None:
    channel = 0.5 * (np.eye(n) + np.roll(np.eye(n), 1, axis=1))
    assert channel_capacity(channel, base=2).capacity == pytest.approx(math.log2(n / 2), abs=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_formula_of_muroga(seed: int) -> None:
    """An invertible channel: C = ln sum_y exp(-sum_x W^-1_yx H_x), if all inputs are used."""
    rng = np.random.default_rng(seed)
    channel = normalised(np.eye(4) + 0.3 * rng.random((4, 4)))
    inverse = np.linalg.inv(channel)
    expected = math.log(np.exp(-inverse @ entropy(channel)).sum())
    found = channel_capacity(channel, tolerance=1e-12)
    assert found.input_distribution.min() > 0
    assert found.capacity == pytest.approx(expected, rel=0, abs=2e-12)


def test_useless_and_perfect_channels() -> None:
    assert channel_capacity(np.full((4, 3), 1 / 3)).upper == pytest.approx(0.0, abs=1e-15)
    assert channel_capacity([[0.2, 0.8]]).capacity == 0.0
    assert channel_capacity([[1.0]]).gap == 0.0
    assert channel_capacity(np.eye(7)).capacity == pytest.approx(math.log(7), rel=1e-15)
    assert channel_capacity(np.eye(3)[[0, 1, 0, 2, 2]], base=3).capacity == pytest.approx(1.0)


def test_an_input_that_is_not_worth_it() -> None:
    found = channel_capacity([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]])
    assert found.input_distribution == pytest.approx([0.5, 0.5, 0.0], abs=1e-9)
    assert found.input_distribution[2] == 0.0
    assert found.capacity == pytest.approx(LN2 - binary_entropy(0.1), abs=1e-9)


def test_many_inputs_and_few_outputs() -> None:
    """Twenty throws of a coin of unknown bias: few of its many values are used.

    Twice as many values, on a finer grid, are worth a little more.
    """
    counts = np.arange(21)
    coefficients = np.array([math.comb(20, int(k)) for k in counts])

    def capacity(n: int) -> Any:
        theta = np.linspace(0.0, 1.0, n)[:, None]
        return channel_capacity(
            normalised(coefficients * theta**counts * (1 - theta) ** (20 - counts))
        )

    coarse, fine = capacity(101), capacity(201)
    assert coarse.capacity - TOLERANCE <= fine.capacity <= coarse.capacity + 1e-3
    assert (coarse.input_distribution > 0).sum() < 20


# ------------------------------------------------------------------------ input, units and warnings


def test_units() -> None:
    channel, costs = [[0.9, 0.1], [0.2, 0.8]], [0.0, 1.0]
    nats = channel_capacity(channel, costs=costs, max_cost=0.3, tolerance=1e-12)
    bits = channel_capacity(channel, costs=costs, max_cost=0.3, tolerance=1e-12, base=2)
    assert bits.capacity == pytest.approx(nats.capacity / LN2, rel=1e-11)
    assert bits.price == pytest.approx(nats.price / LN2, rel=1e-6)
    assert (nats.unit, bits.unit) == ("nats", "bits")
    # In a unit of a thousandth of a nat the tolerance is that much smaller.
    assert channel_capacity(channel, tolerance=1e-8, base=math.exp(1e-3)).gap <= 1e-8
    assert channel_capacity(channel, tolerance=1e-2, base=math.exp(1e2)).iterations == 0


@pytest.mark.parametrize("kind", ["log_probs", "logits"])
def test_logarithms_and_lower_precision(kind: str) -> None:
    rng = np.random.default_rng(2)
    channel = rng.dirichlet(np.ones(4), size=3)
    expected = channel_capacity(channel).capacity
    found = channel_capacity(np.log(channel), kind=kind)
    assert found.capacity == pytest.approx(expected, rel=0, abs=2 * TOLERANCE)
    # Rounding the entries by 6e-8 of themselves moves the capacity by about as much.
    single = channel_capacity(channel.astype(np.float32))
    assert single.capacity == pytest.approx(expected, abs=1e-6)


def test_a_gap_wider_than_asked_for_is_told() -> None:
    channel = [[0.6, 0.3, 0.1], [0.7, 0.1, 0.2], [0.5, 0.05, 0.45]]
    with pytest.warns(PrecisionWarning, match="bounds on the capacity are .* bits apart") as caught:
        found = channel_capacity(channel, max_iterations=2, base=2)
    assert found.warnings == (str(caught[0].message),)
    assert caught[0].filename == __file__
    assert found.iterations == 2
    assert found.gap > TOLERANCE
    assert found.lower <= channel_capacity(channel, base=2).capacity <= found.upper
    assert "max_iterations" in found._repr_html_()


def test_in_print() -> None:
    found = channel_capacity([[0.75, 0.25, 0.0], [0.0, 0.25, 0.75]], base=2)
    assert str(found).startswith("0.75 bits a use, certified to ")
    assert float(found) == found.capacity == found.lower
    assert "input_distribution" not in repr(found)
    page = found._repr_html_()
    assert "0.75 bits" in page
    assert "2 of 2" in page
    assert "warnings" not in page


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("channel", "options", "text"),
    [
        ([[0.5, 0.5], [0.5, 0.4]], {}, r"sum one over the last axis; got 0\.9 at channel\[1\]"),
        ([[0.5, 0.5], [1.5, -0.5]], {}, r"at least 0 and not nan; got -0\.5 at channel\[1, 1\]"),
        ([0.5, 0.5], {}, r"channel must be 2-dimensional.*got shape \(2,\)"),
        (np.ones((2, 2, 1)), {}, r"got shape \(2, 2, 1\)\. Compute the capacity of one channel"),
        (np.ones((0, 2)), {}, r"channel must have at least one row; got shape \(0, 2\)"),
        (np.eye(2), {"base": 0.5}, "base must be None"),
        (np.eye(2), {"kind": "rows"}, "kind must be one of"),
        (np.eye(2), {"tolerance": 0}, "tolerance must be a positive finite number; got 0"),
        (np.eye(2), {"tolerance": "x"}, "tolerance must be a positive finite number; got 'x'"),
        (np.eye(2), {"tolerance": True}, "tolerance must be a positive finite number; got True"),
        (np.eye(2), {"max_iterations": 0}, "max_iterations must be a positive integer"),
        (np.eye(2), {"costs": [0, 1]}, "max_cost must be given with costs; got None"),
        (np.eye(2), {"max_cost": 1}, "costs must be given with max_cost; got None"),
        (np.eye(2), {"costs": [0, 1], "max_cost": math.nan}, "max_cost must be a finite number"),
        (np.eye(2), {"costs": [0, 1, 2], "max_cost": 1}, r"one number per row of channel \(2\)"),
        (np.eye(2), {"costs": ["a", "b"], "max_cost": 1}, "one number per row of channel"),
        (
            np.eye(2),
            {"costs": [0, math.inf], "max_cost": 1},
            "costs must be finite; got inf at row 1",
        ),
        (np.eye(2), {"costs": [2, 3], "max_cost": 1}, r"cheapest input \(2\); got 1"),
    ],
)
def test_refusals(channel: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        channel_capacity(channel, **options)


def test_strings_are_refused() -> None:
    with pytest.raises(TypeError, match="channel must be numeric"):
        channel_capacity([["a", "b"]])
