"""Theorems that tie the functionals of known distributions together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import channels, close, distributions, joints, pairs, triples

from infotheory import measures
from infotheory.measures import (
    F_DIVERGENCES,
    cauchy_schwarz_divergence,
    chi_squared,
    conditional_entropy,
    conditional_mutual_information,
    cross_entropy,
    entropy,
    f_divergence,
    hellinger,
    information_density,
    jensen_shannon_distance,
    jensen_shannon_divergence,
    joint_entropy,
    kl_divergence,
    mutual_information,
    normalized_mutual_information,
    total_variation,
    variation_of_information,
)

# Entropies here are at most ln 64 = 4.2 nats, and off by some units of 1e-16 of that: each side of
# an identity has at most four of them.
CLOSE = 1e-14
# Of a law that compares numbers of any size: some units of the larger.
UNITS = 1e-13

CONTRACTING = [
    "kl_divergence",
    "jensen_shannon_divergence",
    "jensen_shannon_distance",
    "total_variation",
    "hellinger",
    "chi_squared",
]


def at_most(a: float, b: float, slack: float = 1e-31) -> bool:
    return a <= b * (1 + UNITS) + slack


# ---------------------------------------------------------------------------------------- entropy


@given(distributions())
def test_entropy_lies_between_certainty_and_uniformity(p: Any) -> None:
    found = entropy(p)
    assert 0.0 <= found <= math.log(p.size) + CLOSE
    assert (found == 0.0) == (np.count_nonzero(p) == 1)
    uniform = np.full(p.size, 1 / p.size)
    assert cross_entropy(p, uniform) == pytest.approx(math.log(p.size), abs=CLOSE)


@given(pairs(), st.floats(0.0, 1.0))
def test_entropy_is_concave(pair: Any, a: float) -> None:
    p, q = pair
    mixture = a * p + (1 - a) * q
    assert entropy(mixture / mixture.sum()) >= a * entropy(p) + (1 - a) * entropy(q) - CLOSE


@given(pairs(zeros=False))
def test_gibbs(pair: Any) -> None:
    """H(p, q) = H(p) + D(p||q) >= H(p)."""
    p, q = pair
    assert cross_entropy(p, q) == close(entropy(p) + kl_divergence(p, q), UNITS)
    assert at_most(entropy(p), cross_entropy(p, q))


@given(joints())
def test_chain_rule_of_entropy(joint: Any) -> None:
    """H(X, Y) = H(Y) + H(X|Y), and conditioning does not increase entropy."""
    x, y = joint.sum(axis=1), joint.sum(axis=0)
    given_y = conditional_entropy(joint)
    assert joint_entropy(joint) == pytest.approx(entropy(y) + given_y, abs=CLOSE)
    assert given_y <= entropy(x) + CLOSE
    assert joint_entropy(joint) <= entropy(x) + entropy(y) + CLOSE


@given(joints(3))
def test_chain_rule_of_information(joint: Any) -> None:
    """I(X; Y, Z) = I(X; Z) + I(X; Y|Z)."""
    whole = mutual_information(joint.reshape(joint.shape[0], -1))
    parts = mutual_information(joint.sum(axis=1)) + conditional_mutual_information(joint)
    assert whole == pytest.approx(parts, abs=CLOSE)


@given(joints())
def test_information_is_what_is_lost_of_entropy(joint: Any) -> None:
    """I(X;Y) = H(X) - H(X|Y) = D(p(x,y)||p(x)p(y)) = I(Y;X)."""
    x, y = joint.sum(axis=1), joint.sum(axis=0)
    found = mutual_information(joint)
    assert found == pytest.approx(entropy(x) - conditional_entropy(joint), abs=CLOSE)
    assert found == pytest.approx(mutual_information(joint.T), rel=UNITS, abs=1e-30)
    product = np.outer(x, y)
    product /= product.sum()
    # That product is rounded before it is compared: its share of a small information is lost.
    divergence = kl_divergence(joint.ravel(), product.ravel())
    assert found == pytest.approx(divergence, rel=UNITS, abs=1e-15 * math.sqrt(found) + 1e-30)
    density = information_density(joint)
    occurs = joint > 0
    assert found == pytest.approx(float(joint[occurs] @ density[occurs]), abs=CLOSE)


@given(joints())
def test_distance_of_variables(joint: Any) -> None:
    """VI = H(X, Y) - I(X; Y), and NMI by the joint entropy is one less its share."""
    found = variation_of_information(joint)
    assert found == pytest.approx(joint_entropy(joint) - mutual_information(joint), abs=CLOSE)
    if joint_entropy(joint) > 0:
        share = normalized_mutual_information(joint, normalization="joint")
        assert share * joint_entropy(joint) == pytest.approx(mutual_information(joint), abs=CLOSE)


@given(joints(3))
def test_variation_of_information_has_the_triangle_inequality(joint: Any) -> None:
    x_y, x_z, y_z = (joint.sum(axis=axis) for axis in (2, 1, 0))
    assert variation_of_information(x_y) <= (
        variation_of_information(x_z) + variation_of_information(y_z) + CLOSE
    )


@given(joints(), st.data())
def test_data_processing(joint: Any, data: Any) -> None:
    """Of a Markov chain X, Y, Z: I(X;Z) <= I(X;Y), and I(X;Z|Y) = 0."""
    channel = data.draw(channels(joint.shape[1]))
    chain = joint[:, :, None] * channel
    chain /= chain.sum()
    # Rounding moves each entry by 2^-53 of itself, a divergence D so by 2^-52 sqrt(2 D) at most.
    whole = mutual_information(joint)
    slack = 4 * 2.0**-52 * math.sqrt(2 * whole) + 1e-29
    assert at_most(mutual_information(chain.sum(axis=1)), whole, slack)
    # Rounding leaves a square of 1e-16 of it.
    assert conditional_mutual_information(chain.transpose(0, 2, 1)) <= 1e-29


@given(joints())
def test_fano(joint: Any) -> None:
    """Of the best guess of X from Y, wrong with probability e: H(X|Y) <= h(e) + e ln(K - 1)."""
    wrong = max(0.0, 1.0 - float(joint.max(axis=0).sum()))
    bound = entropy([wrong, 1 - wrong]) + wrong * math.log(max(1, joint.shape[0] - 1))
    # The probability of an error is itself rounded, and h is steep at zero: 1e-16 ln 1e16.
    assert conditional_entropy(joint) <= bound + 1e-14


# ------------------------------------------------------------------------------------ divergences


@pytest.mark.parametrize("name", CONTRACTING)
@given(pairs(), st.data())
def test_divergences_shrink_in_channels(name: str, pair: Any, data: Any) -> None:
    p, q = pair
    divergence = getattr(measures, name)
    channel = data.draw(channels(p.size))
    before = divergence(p, q)
    after = divergence(*(out / out.sum() for out in (p @ channel, q @ channel)))
    # What comes out is rounded, by 1e-15 of itself: that is a distance between outputs, in first
    # order of distances and with their product in divergences, which are second order.
    first_order = name in ("jensen_shannon_distance", "total_variation", "hellinger")
    slack = 1e-14 if first_order else 1e-14 * math.sqrt(min(before, 1.0)) + 1e-28
    assert at_most(after, before, slack)


@pytest.mark.parametrize("name", F_DIVERGENCES)
@given(pairs(zeros=False), st.data())
def test_f_divergences_shrink_in_channels(name: str, pair: Any, data: Any) -> None:
    p, q = pair
    channel = data.draw(channels(p.size))
    outputs = [out / out.sum() for out in (p @ channel, q @ channel)]
    before = f_divergence(p, q, f=name)
    slack = 1e-14 * max(1.0, math.sqrt(min(before, 1e300)))
    assert at_most(f_divergence(*outputs, f=name), before, slack)


@pytest.mark.parametrize("name", [name for name in CONTRACTING if "distance" not in name])
@given(triples(), st.floats(0.0, 1.0))
def test_divergences_are_convex(name: str, triple: Any, a: float) -> None:
    """In their first argument, with the second at hand."""
    p, r, q = triple
    if name == "hellinger":  # whose square it is that is convex

        def divergence(one: Any, other: Any) -> Any:
            return hellinger(one, other) ** 2
    else:
        divergence = getattr(measures, name)
    mixture = a * p + (1 - a) * r
    terms = [weight * divergence(x, q) for weight, x in ((a, p), (1 - a, r)) if weight > 0]
    assert at_most(divergence(mixture / mixture.sum(), q), sum(terms), CLOSE)


@pytest.mark.parametrize("name", ["total_variation", "hellinger", "jensen_shannon_distance"])
@given(triples())
def test_metrics_have_the_triangle_inequality(name: str, triple: Any) -> None:
    p, q, r = triple
    distance = getattr(measures, name)
    assert distance(p, r) <= distance(p, q) + distance(q, r) + 4e-16


@given(pairs())
def test_pinsker_and_what_lies_beyond(pair: Any) -> None:
    """2 TV^2 <= D <= ln(1 + chi^2); TV < 1 - exp(-D)/2 (Bretagnolle and Huber, weakened)."""
    p, q = pair
    distance, divergence = total_variation(p, q), kl_divergence(p, q)
    assert at_most(2 * distance**2, divergence)
    assert at_most(divergence, math.log1p(chi_squared(p, q)))
    assert distance <= 1 - 0.5 * math.exp(-divergence) + 1e-15
    assert at_most(4 * distance**2, chi_squared(p, q))


@given(pairs())
def test_hellinger_and_total_variation(pair: Any) -> None:
    """H^2 <= TV <= H sqrt(2 - H^2) (Le Cam), and 2 H^2 <= D."""
    p, q = pair
    distance, root = total_variation(p, q), hellinger(p, q)
    assert at_most(root**2, distance)
    assert at_most(distance, root * math.sqrt(2 - root**2))
    assert at_most(2 * root**2, kl_divergence(p, q))


@given(pairs())
def test_jensen_and_shannon_between_bounds(pair: Any) -> None:
    """TV^2 / 2 <= JS <= TV ln 2, and H^2 ln 2 <= JS <= H^2 in nats."""
    p, q = pair
    found, distance, root = (
        measure(p, q) for measure in (jensen_shannon_divergence, total_variation, hellinger)
    )
    assert at_most(distance**2 / 2, found)
    assert at_most(found, distance * math.log(2))
    assert at_most(root**2 * math.log(2), found)
    assert at_most(found, root**2)


@given(pairs())
def test_jensen_and_shannon_are_the_information_about_the_source(pair: Any) -> None:
    p, q = pair
    joint = np.stack([p, q]) / 2
    joint /= joint.sum()
    found = jensen_shannon_divergence(p, q)
    assert mutual_information(joint) == pytest.approx(
        found, rel=UNITS, abs=1e-15 * math.sqrt(found) + 1e-30
    )


@given(triples())
def test_the_compensation_identity(triple: Any) -> None:
    """(D(p||r) + D(q||r)) / 2 = JS(p, q) + D((p + q)/2||r)."""
    p, q, r = triple
    middle = (p + q) / (p + q).sum()
    left = (kl_divergence(p, r) + kl_divergence(q, r)) / 2
    right = jensen_shannon_divergence(p, q) + kl_divergence(middle, r)
    assert left == pytest.approx(right, rel=UNITS, abs=CLOSE)


@given(pairs())
def test_cauchy_and_schwarz_in_entropies(pair: Any) -> None:
    """D_CS = 2 (-ln sum p q) - H_2(p) - H_2(q)."""
    p, q = pair
    dot = float(p @ q)
    found = cauchy_schwarz_divergence(p, q)
    if dot == 0:
        assert found == math.inf or found > 1400  # of a product below the doubles
    else:
        expected = math.log(p @ p) + math.log(q @ q) - 2 * math.log(dot)
        assert found == pytest.approx(expected, rel=UNITS, abs=CLOSE)


@given(pairs())
def test_the_divergence_of_products_adds_up(pair: Any) -> None:
    p, q = pair
    twice = [np.outer(x, x).ravel() for x in (p, q)]
    found = kl_divergence(*(x / x.sum() for x in twice))
    single = kl_divergence(p, q)
    # The products are rounded before they are compared.
    slack = 1e-15 * math.sqrt(min(single, 1.0)) + 1e-30
    assert found == pytest.approx(2 * single, rel=UNITS, abs=slack)


def test_the_distance_is_no_divergence() -> None:
    p, q = [0.8, 0.2], [0.3, 0.7]
    assert jensen_shannon_distance(p, q) ** 2 == close(jensen_shannon_divergence(p, q), 1e-15)
