"""Capacities under a constraint on cost, against the iteration at a price and the laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from measures.channel_cases import channels, divergences, information
from oracles import capacity as oracle

from infotheory.measures import capacity, channel_capacity

TOLERANCE = 1e-9
ROUNDING = 1e-13  # some units of entropies of at most 8 symbols


@st.composite
def constrained(draw: Any) -> tuple[Any, Any, float]:
    """A channel, costs, and a mean cost that can be met."""
    channel = draw(channels())
    cost = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(0.0, 1.0), st.floats(0.0, 1e3))
    costs = draw(hnp.arrays(np.float64, len(channel), elements=cost))
    share = draw(st.one_of(st.just(0.0), st.floats(1e-4, 1.0)))
    return channel, costs, float(costs.min() + share * (costs.max() - costs.min()))


@pytest.mark.parametrize("seed", range(4))
def test_cost_at_the_price_of_the_iteration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channel, costs = rng.dirichlet(np.ones(4), size=5), rng.random(5)
    price = 0.1 + 0.2 * rng.random()
    lower, upper, p = oracle.blahut_arimoto(channel.tolist(), 4000, costs.tolist(), price)
    spent = float(costs @ p)
    found = channel_capacity(channel, costs=costs, max_cost=spent)
    # max I - price E[cost] is attained at this cost, where the capacity is that plus its price.
    assert lower + price * spent - ROUNDING <= found.upper
    assert found.lower <= upper + price * spent + ROUNDING
    assert upper - lower < 1e-6
    assert found.price == pytest.approx(price, abs=0.01)


@given(constrained())
def test_bounds_with_costs(case: tuple[Any, Any, float]) -> None:
    channel, costs, most = case
    found = channel_capacity(channel, costs=costs, max_cost=most)
    p = found.input_distribution
    # Sums of 6 costs of at most 1000 are off by some 1e-13 of the largest.
    assert costs @ p <= most + 1e-12 * costs.max()
    assert found.lower == pytest.approx(information(p, channel), rel=0, abs=ROUNDING)
    assert found.gap <= TOLERANCE
    whole = channel_capacity(channel)
    assert found.lower <= whole.upper + ROUNDING
    assert math.isnan(found.price) or found.price >= 0.0


@given(constrained())
def test_capacity_is_concave_in_the_cost(case: tuple[Any, Any, float]) -> None:
    channel, costs, most = case
    low, high = float(costs.min()), float(costs.max())
    ends = [channel_capacity(channel, costs=costs, max_cost=c).lower for c in (low, most, high)]
    share = (most - low) / (high - low) if high > low else 0.0
    assert ends[1] >= (1 - share) * ends[0] + share * ends[2] - 2 * TOLERANCE
    assert ends[0] - TOLERANCE <= ends[1] <= ends[2] + TOLERANCE


@given(constrained(), st.floats(0.0, 1.0))
def test_the_price_bounds_the_capacity_at_other_costs(
    case: tuple[Any, Any, float], share: float
) -> None:
    channel, costs, most = case
    found = channel_capacity(channel, costs=costs, max_cost=most)
    other = float(costs.min() + share * (costs.max() - costs.min()))
    if math.isnan(found.price):
        return
    line = found.upper + found.price * (other - most)
    # Prices up to those of a bit for a cost of next to nothing: the line is rounded as its terms.
    room = ROUNDING + 1e-14 * found.price * costs.max()
    assert channel_capacity(channel, costs=costs, max_cost=other).lower <= line + room


def test_the_price_is_the_slope() -> None:
    rng = np.random.default_rng(5)
    channel, costs = rng.dirichlet(np.ones(5), size=4), np.array([0.0, 1.0, 2.0, 3.0])
    step = 1e-3
    low, middle, high = (
        channel_capacity(channel, costs=costs, max_cost=0.6 + d, tolerance=1e-12, base=2)
        for d in (-step, 0.0, step)
    )
    # A central difference is off by a sixth of step squared times the third derivative.
    slope = (high.capacity - low.capacity) / (2 * step)
    assert middle.price == pytest.approx(slope, rel=1e-4)


def test_capacity_per_unit_cost_near_a_free_symbol() -> None:
    """Verdu 1990: C(cost)/cost rises to max D(channel_x || channel_free) / cost_x as cost falls."""
    channel = np.array([[0.9, 0.1], [0.3, 0.7], [0.1, 0.9]])
    costs = np.array([0.0, 1.0, 3.0])
    limit = max(divergences(channel, channel[0])[1:] / costs[1:])
    rates = [
        channel_capacity(channel, costs=costs, max_cost=c, tolerance=1e-14).capacity / c
        for c in (1e-1, 1e-2, 1e-3)
    ]
    assert rates[0] < rates[1] < rates[2] < limit
    # C(c) is below the limit by the order of c.
    assert rates[2] == pytest.approx(limit, rel=2e-2)


def test_costs_that_bind_or_not() -> None:
    channel = [[0.9, 0.1], [0.2, 0.8]]
    free = channel_capacity(channel)
    loose = channel_capacity(channel, costs=[0.0, 1.0], max_cost=0.9)
    assert loose.capacity == pytest.approx(free.capacity, abs=TOLERANCE)
    assert loose.price == pytest.approx(0.0, abs=1e-6)
    every = channel_capacity(channel, costs=[0.0, 1.0], max_cost=1)
    assert (every.capacity, every.price) == (free.capacity, 0.0)
    cheapest = channel_capacity([[0.9, 0.1], [0.2, 0.8], [0.0, 1.0]], costs=[1, 1, 2], max_cost=1)
    assert cheapest.capacity == free.capacity
    assert cheapest.input_distribution[2] == 0.0
    assert math.isnan(cheapest.price)


# ------------------------------------------------------------------------------------ hard cases


@pytest.mark.parametrize("seed", range(150))
def test_hard_channels_take_few_steps(seed: int) -> None:
    """More inputs than outputs and fewer, probabilities down to 1e-40, costs from 1e-9 to 1e3.

    A wider gap than asked for would be a warning, which is an error here.
    """
    rng = np.random.default_rng(seed)
    k, m = rng.integers(2, 12, 2)
    weights = (
        rng.dirichlet(np.full(m, 0.05), size=k) + 1e-9,
        rng.dirichlet(np.full(m, 1e6), size=k),
        10.0 ** rng.uniform(-40.0, 0.0, (k, m)),
        np.eye(m)[rng.integers(0, m, k)] + (rng.random((k, m)) < 0.3),
    )[seed % 4]
    channel = weights / weights.sum(axis=1, keepdims=True)
    options = {}
    if seed % 3:
        costs = 10.0 ** rng.uniform(-9.0, 3.0, k) if seed % 2 else rng.random(k)
        share = 10.0 ** rng.uniform(-6.0, 0.0)
        options = {
            "costs": costs,
            "max_cost": costs.min() + share * (costs.max() - costs.min()),
        }
    # Some 10 to 25 for each of 20,000 such channels, and never 60.
    assert channel_capacity(channel, tolerance=1e-12, **options).iterations <= 60


def test_what_is_left_out_must_not_make_the_rest_too_dear() -> None:
    program = capacity._Program(np.eye(2), np.array([0.0, 1.05]))
    x = np.array([0.1, 0.9, 0.055])
    outgoing = capacity._Point(x, np.array([0.5, 1e-9, 1e-9]))
    p, attained = program.tidied(outgoing, -1.0)
    assert (p.tolist(), attained) == ([0.1, 0.9], -1.0)
    # The dearer one may go, if what is left attains as much.
    outgoing = capacity._Point(x, np.array([1e-9, 1.5, 1e-9]))
    p, attained = program.tidied(outgoing, -1.0)
    assert (p.tolist(), attained) == ([1.0, 0.0], 0.0)
    p, attained = program.tidied(outgoing, 0.1)
    assert (p.tolist(), attained) == ([0.1, 0.9], 0.1)
