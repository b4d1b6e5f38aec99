"""Sources of symbols and discrete joints: their truths against sums over every symbol."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import sources as oracle

from infotheory import sources

# K terms of at most 1/e each, rounded once, and a sum of at most ln K: far below this.
EXACT = {"rel": 1e-13, "abs": 1e-13}


@st.composite
def pmfs(draw: st.DrawFn, most: int = 8) -> Any:
    weights = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=most).filter(any))
    return np.array(weights) / sum(weights)


@st.composite
def joints(draw: st.DrawFn, n_axes: int | None = None) -> Any:
    axes = n_axes or draw(st.integers(2, 3))
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=axes, max_size=axes)))
    size = math.prod(shape)
    weights = draw(st.lists(st.integers(0, 50), min_size=size, max_size=size).filter(any))
    return np.reshape(np.array(weights) / sum(weights), shape)


# -------------------------------------------------------------------------------------- one symbol


@given(pmfs())
def test_the_entropy_of_a_categorical_source(p: Any) -> None:
    assert sources.Categorical(p).entropy() == pytest.approx(oracle.entropy(p), **EXACT)


@pytest.mark.parametrize("n_symbols", [1, 2, 3, 100])
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.5, 100.0])
def test_zipf(n_symbols: int, exponent: float) -> None:
    source = sources.Zipf(n_symbols, exponent)
    p = oracle.zipf(n_symbols, exponent)
    np.testing.assert_allclose(source.probabilities, p, rtol=1e-13)
    assert source.entropy() == pytest.approx(oracle.entropy(p), **EXACT)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.999, 1.0])
def test_geometric(p: float) -> None:
    """Sums of some thousand terms: 1e-25 is left out, each term is rounded."""
    expected = oracle.geometric_entropy(p)
    assert sources.Geometric(p).entropy() == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_known_entropies() -> None:
    assert sources.Categorical([0.5, 0.25, 0.25]).entropy(base=2) == 1.5
    assert sources.Categorical([1.0]).entropy() == 0.0
    assert sources.DiscreteUniform(1024).entropy(base=2) == pytest.approx(10, rel=1e-15, abs=0)
    assert sources.Geometric(0.5).entropy(base=2) == 2.0
    # p (1 - p)^k with small p is an exponential density in steps of p: 1 - ln p, off by p / 2.
    assert sources.Geometric(1e-12).entropy() == pytest.approx(1 + 12 * math.log(10), abs=1e-11)
    assert str(sources.Geometric(1.0).entropy()) == "0.0"
    assert str(sources.Zipf(1).entropy()) == "0.0"


@given(st.integers(1, 200))
def test_zipf_without_exponent_is_uniform(n_symbols: int) -> None:
    zipf, uniform = sources.Zipf(n_symbols, 0.0), sources.DiscreteUniform(n_symbols)
    np.testing.assert_array_equal(zipf.probabilities, uniform.probabilities)
    assert zipf.entropy() == pytest.approx(uniform.entropy(), **EXACT)


@given(st.integers(1, 50), st.floats(0, 5), st.floats(0, 5))
def test_a_steeper_zipf_has_less_entropy(n_symbols: int, one: float, two: float) -> None:
    """p_a^s / Z is more spread out for smaller s: escort distributions are ordered."""
    flat, steep = sorted((one, two))
    flatter = sources.Zipf(n_symbols, flat).entropy()
    assert sources.Zipf(n_symbols, steep).entropy() <= flatter + 1e-13


def test_zipf_stays_exact_where_terms_are_many_and_small() -> None:
    """A million terms of one sign, added in pairs: twenty roundings."""
    p = oracle.zipf(1_000_000, 1.0)
    truth = math.fsum(-q * math.log(q) for q in p)
    assert sources.Zipf(1_000_000).entropy() == pytest.approx(truth, rel=1e-13, abs=0)


@pytest.mark.parametrize("exponent", [20.0, 53.0, 60.0, 100.0])
def test_steep_zipf_sources_keep_their_digits(exponent: float) -> None:
    """Two ranks, w = 2^-s: H = ln(1 + w) + s ln(2) w / (1 + w). s ln 2 < 70 in an exponent."""
    w = 2.0**-exponent
    truth = math.log1p(w) + exponent * math.log(2) * w / (1 + w)
    assert sources.Zipf(2, exponent).entropy() == pytest.approx(truth, rel=1e-13, abs=0)


def test_probabilities_cannot_be_changed() -> None:
    given_p = np.array([0.5, 0.5])
    kept = sources.Categorical(given_p)
    given_p[0] = 0.0
    assert kept.entropy(base=2) == 1.0
    for source in (kept, sources.Zipf(3), sources.DiscreteUniform(3)):
        with pytest.raises(ValueError, match="read-only"):
            source.probabilities[0] = 1.0


@pytest.mark.parametrize("concentration", [1e-3, 0.1, 1.0, 100.0, 1e6])
def test_dirichlet_draws_have_the_mean_entropy_of_the_prior(concentration: float) -> None:
    """psi(K a + 1) - psi(a + 1), within 5 standard errors of the mean of 200 draws."""
    rng = np.random.default_rng(1)
    size = 30
    drawn = [sources.dirichlet(size, concentration, rng).entropy() for _ in range(200)]
    from scipy.special import psi

    mean = psi(size * concentration + 1) - psi(concentration + 1)
    assert abs(np.mean(drawn) - mean) < 5 * np.std(drawn) / math.sqrt(200)


def test_dirichlet_is_reproducible() -> None:
    assert sources.dirichlet(5, 1.0, 3) == sources.dirichlet(5, 1.0, 3)
    assert sources.dirichlet(5, 1.0, 3) != sources.dirichlet(5, 1.0, 4)


# ------------------------------------------------------------------------------------------ joints


@given(joints())
def test_a_joint_against_the_oracle(p: Any) -> None:
    source = sources.DiscreteJoint(p)
    pair = p.sum(axis=2) if p.ndim == 3 else p
    assert source.n_variables == p.ndim
    assert source.entropy() == pytest.approx(oracle.entropy(p.ravel()), **EXACT)
    assert source.mutual_information() == pytest.approx(oracle.mutual_information(pair), **EXACT)
    if p.ndim == 3:
        truth = oracle.conditional_mutual_information(p)
        assert source.conditional_mutual_information() == pytest.approx(truth, **EXACT)


@given(joints(3))
def test_the_chain_rule(p: Any) -> None:
    """I(X; Y, Z) = I(X; Z) + I(X; Y | Z)."""
    whole = sources.DiscreteJoint(p.reshape(len(p), -1)).mutual_information()
    through_z = sources.DiscreteJoint(p.sum(axis=1)).mutual_information()
    rest = sources.DiscreteJoint(p).conditional_mutual_information()
    assert whole == pytest.approx(through_z + rest, **EXACT)


@given(joints(2))
def test_information_is_symmetric(p: Any) -> None:
    one, other = sources.DiscreteJoint(p), sources.DiscreteJoint(p.T)
    assert one.mutual_information() == pytest.approx(other.mutual_information(), **EXACT)


@given(pmfs(), pmfs())
def test_a_product_has_no_information(p: Any, q: Any) -> None:
    """Rounding of the product only, and never below zero."""
    assert 0.0 <= sources.DiscreteJoint(np.outer(p, q)).mutual_information() < 1e-14


@given(joints())
def test_marginals(p: Any) -> None:
    source = sources.DiscreteJoint(p)
    for axis, name in enumerate("xyz"[: p.ndim]):
        others = tuple(i for i in range(p.ndim) if i != axis)
        marginal = source.marginal(name)
        np.testing.assert_allclose(marginal.probabilities, p.sum(axis=others), rtol=1e-14)


def test_marginal_refuses_a_variable_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"^variable must be one of 'x', 'y'; got 'z'\."):
        sources.DiscreteJoint([[0.5, 0.5]]).marginal("z")


# ---------------------------------------------------------------------------------------- channels


@given(joints(2))
def test_through_a_channel(weights: Any) -> None:
    """Any joint distribution is its own input, sent through its own conditional one."""
    inputs = weights.sum(axis=1)
    used = inputs[:, None] > 0
    channel = np.where(used, weights, 1) / np.where(used, inputs[:, None], weights.shape[1])
    source = sources.through_channel(channel, inputs)
    np.testing.assert_allclose(source.probabilities, weights, rtol=1e-14)
    np.testing.assert_allclose(
        source.probabilities, oracle.through_channel(channel, inputs), rtol=1e-14
    )


@pytest.mark.parametrize("one", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("loss", [0.0, 0.11, 0.5, 1.0])
def test_binary_channels_have_their_textbook_information(loss: float, one: float) -> None:
    """Cover and Thomas, sections 7.1.4 and 7.1.5; the Z-channel by the definition."""
    h = oracle.binary_entropy
    arrived = one * (1 - loss) + (1 - one) * loss
    symmetric = sources.binary_symmetric(loss, one).mutual_information()
    assert symmetric == pytest.approx(h(arrived) - h(loss), **EXACT)
    erasure = sources.binary_erasure(loss, one).mutual_information()
    assert erasure == pytest.approx((1 - loss) * h(one), **EXACT)
    z = sources.z_channel(loss, one).mutual_information()
    assert z == pytest.approx(h(one * (1 - loss)) - one * h(loss), **EXACT)


def test_the_erasure_is_the_third_symbol() -> None:
    x, y = sources.binary_erasure(0.4).sample(200, rng=0)
    kept = y != 2
    assert 0 < kept.sum() < 200
    np.testing.assert_array_equal(x[kept], y[kept])


def test_only_a_one_is_flipped_in_the_z_channel() -> None:
    x, y = sources.z_channel(0.4).sample(200, rng=0)
    assert (y <= x).all()
    assert (y < x).any()


def test_inputs_are_equally_likely_by_default() -> None:
    channel = [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]
    given_p = sources.through_channel(channel, [1 / 3, 1 / 3, 1 / 3])
    default = sources.through_channel(channel)
    np.testing.assert_allclose(default.probabilities, given_p.probabilities, rtol=1e-15)
    even = sources.binary_symmetric(0.2)
    assert even == sources.binary_symmetric(0.2, one=0.5)


@pytest.mark.parametrize("flip", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_xor(flip: float) -> None:
    triple = sources.xor(flip)
    assert triple.mutual_information() == 0.0
    expected = math.log(2) - oracle.binary_entropy(flip)
    assert triple.conditional_mutual_information() == pytest.approx(expected, **EXACT)
    for axis in (0, 1):  # nor do X and Z, or Y and Z
        pair = sources.DiscreteJoint(triple.probabilities.sum(axis=axis))
        assert pair.mutual_information() == 0.0


def test_xor_says_whether_the_bits_differ() -> None:
    x, y, z = sources.xor().sample(100, rng=0)
    np.testing.assert_array_equal(z, x ^ y)
