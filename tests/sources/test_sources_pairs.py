"""Informations of pairs and triples against quadrature, fractions and known values."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import sources as oracle

from infotheory import sources

# Quadrature at 15 digits of integrals whose parts add up to less than a hundred.
QUADRATURE = {"rel": 1e-11, "abs": 1e-11}

correlations = st.floats(-0.999, 0.999)
dimensions = st.sampled_from([None, 1, 2, 5])


def pair_information(r: float) -> float:
    return float(-mpmath.log(1 - mpmath.mpf(r) ** 2) / 2)


# ---------------------------------------------------------------------------------------- Gaussian


@pytest.mark.parametrize("r", [0.0, 1e-9, 0.1, -0.5, 0.69, 0.71, 0.9, -0.999, 1 - 1e-8, 1 - 1e-12])
def test_a_gaussian_pair_keeps_its_digits(r: float) -> None:
    """Relative to itself, where r is tiny and where it is nearly one."""
    with mpmath.workdps(50):
        truth = pair_information(r)
    assert sources.GaussianPair(r).mutual_information() == pytest.approx(truth, rel=1e-14, abs=0)
    three = sources.GaussianPair(r, dimension=3).mutual_information()
    assert three == pytest.approx(3 * truth, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("r", "dimension", "truth"),
    [
        # -d ln(1 - r^2) / 2 to four digits.
        (0.5, None, 0.1438), (0.9, None, 0.8304), (0.99, None, 1.9585), (0.999, None, 3.1076),
        (0.5, 3, 0.4315), (0.5, 10, 1.4384), (0.9, 3, 2.4911), (0.9, 10, 8.3037),
    ],
)  # fmt: skip
def test_known_gaussian_pairs(r: float, dimension: int | None, truth: float) -> None:
    assert sources.GaussianPair(r, dimension).mutual_information() == pytest.approx(truth, abs=5e-5)


@given(correlations, correlations, correlations)
def test_a_triple_has_the_information_of_its_covariance(a: float, b: float, r: float) -> None:
    """The closed forms against determinants in fractions, as long as these keep eight digits."""
    triple = sources.GaussianTriple(a, b, r)
    total = a * b + r * math.sqrt((1 - a * a) * (1 - b * b))
    covariance = [[1, total, a], [total, 1, b], [a, b, 1]]
    pair = oracle.gaussian_information(covariance, [0], [1])
    given_z = oracle.gaussian_information(covariance, [0], [1], [2])
    # An error of 2e-16 in `total` over a variance given Z of at least 2e-3 each, and 1 - r^2.
    assert triple.mutual_information() == pytest.approx(pair, rel=1e-9, abs=1e-9)
    assert triple.conditional_mutual_information() == pytest.approx(given_z, rel=1e-7, abs=1e-7)


@given(correlations, correlations, dimensions)
def test_a_chain_keeps_no_information_beside_z(a: float, b: float, dimension: int | None) -> None:
    chain = sources.GaussianTriple(a, b, dimension=dimension)
    assert chain.conditional_mutual_information() == 0.0
    first = sources.GaussianPair(a, dimension).mutual_information()
    second = sources.GaussianPair(b, dimension).mutual_information()
    # Data processing: X - Z - Y.
    assert chain.mutual_information() <= min(first, second) * (1 + 1e-12)


def test_conditional_information_is_that_of_the_partial_correlation() -> None:
    triple = sources.GaussianTriple(0.3, -0.4, partial_correlation=0.9, dimension=2)
    expected = sources.GaussianPair(0.9, 2).mutual_information()
    assert triple.conditional_mutual_information() == expected


@st.composite
def block_covariances(draw: st.DrawFn) -> tuple[Any, tuple[int, ...]]:
    sizes = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=3)))
    d = sum(sizes)
    entries = draw(st.lists(st.integers(-3, 3), min_size=d * d, max_size=d * d))
    b = np.reshape(np.array(entries, dtype=float), (d, d))
    return b @ b.T + np.eye(d), sizes


@given(block_covariances())
def test_joint_gaussians_against_determinants_in_fractions(given_blocks: Any) -> None:
    covariance, sizes = given_blocks
    source = sources.JointGaussian(covariance, sizes)
    x, y, *z = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    # Eigenvalues lie between 1 and some hundreds: thirteen digits remain.
    truth = oracle.gaussian_information(covariance.tolist(), x, y)
    assert source.mutual_information() == pytest.approx(truth, abs=1e-12)
    assert source.n_variables == len(sizes)
    if z:
        truth = oracle.gaussian_information(covariance.tolist(), x, y, z[0])
        assert source.conditional_mutual_information() == pytest.approx(truth, abs=1e-12)


@given(block_covariances(), st.lists(st.floats(1e-6, 1e6), min_size=9, max_size=9))
def test_units_do_not_matter(given_blocks: Any, units: list[float]) -> None:
    covariance, sizes = given_blocks
    scale = np.diag(units[: len(covariance)])
    one = sources.JointGaussian(covariance, sizes).mutual_information()
    other = sources.JointGaussian(scale @ covariance @ scale, sizes).mutual_information()
    assert other == pytest.approx(one, abs=1e-12)


def test_a_joint_gaussian_keeps_small_information() -> None:
    """Where log-determinants would leave nothing: r = 1e-9 gives 5e-19."""
    r = 1e-9
    pair = sources.JointGaussian([[1, 0, r], [0, 1, 0], [r, 0, 1]], (2, 1))
    assert pair.mutual_information() == pytest.approx(r * r / 2, rel=1e-12, abs=0)
    triple = sources.JointGaussian([[1, r, 0], [r, 1, 0], [0, 0, 1]], (1, 1, 1))
    assert triple.conditional_mutual_information() == pytest.approx(r * r / 2, rel=1e-12, abs=0)


@given(correlations, st.integers(1, 4))
def test_a_pair_is_a_joint_gaussian(r: float, d: int) -> None:
    block = np.block([[np.eye(d), r * np.eye(d)], [r * np.eye(d), np.eye(d)]])
    joint = sources.JointGaussian(block, (d, d)).mutual_information()
    pair = sources.GaussianPair(r, d).mutual_information()
    # 1 - r^2 is at least 2e-3, and comes out of a subtraction in the Cholesky factor. Squares of
    # the smallest r are subnormal.
    assert joint == pytest.approx(pair, rel=1e-12, abs=1e-300)


# --------------------------------------------------------------------------------------- Student-t


@pytest.mark.parametrize(
    ("df", "dimension", "r"),
    [(0.5, None, 0.0), (1, 1, 0.5), (2, 3, 0.5), (5, 2, -0.9), (30, 10, 0.1), (200, 4, 0.5)],
)
def test_student_pairs_against_quadrature(df: float, dimension: int | None, r: float) -> None:
    truth = oracle.student_information(df, dimension or 1, r)
    found = sources.StudentTPair(df, r, dimension).mutual_information()
    assert found == pytest.approx(truth, **QUADRATURE)


def test_uncorrelated_cauchy_variables_share_their_tails() -> None:
    """2 ln(4 pi) less the entropy ln(2 pi) + 3 of the plane: ln(8 pi) - 3."""
    found = sources.StudentTPair(1, 0.0).mutual_information()
    assert found == pytest.approx(math.log(8 * math.pi) - 3, rel=1e-14, abs=0)


@given(st.floats(0.1, 1e9), correlations, dimensions)
def test_tails_add_information(df: float, r: float, dimension: int | None) -> None:
    """By an amount that does not depend on r, and falls as the tails become lighter."""
    pair = sources.StudentTPair(df, r, dimension).mutual_information()
    gaussian = sources.GaussianPair(r, dimension).mutual_information()
    tails = sources.StudentTPair(df, 0.0, dimension).mutual_information()
    assert pair == pytest.approx(gaussian + tails, abs=1e-12)
    assert tails > -1e-13
    assert sources.StudentTPair(2 * df, 0.0, dimension).mutual_information() < tails + 1e-13


@pytest.mark.parametrize("df", [1e3, 1e5])
def test_information_of_the_tails_falls_with_the_square(df: float) -> None:
    """d^2 / (2 v^2) to first order, and less than 5 d / v of it to the next."""
    for d in (1, 3):
        tails = sources.StudentTPair(df, 0.0, d).mutual_information()
        assert tails == pytest.approx(d * d / (2 * df * df), rel=5 * d / df, abs=1e-14)


# ------------------------------------------------------------------------------------------- mixed


@pytest.mark.parametrize("noise", [1e-3, 0.1, 0.3, 0.4999, 0.5, 0.5001, 0.55, 0.75, 3.0])
def test_uniform_sums(noise: float) -> None:
    found = sources.UniformSum(noise).mutual_information()
    assert found == pytest.approx(oracle.uniform_sum_information(noise), **QUADRATURE)


def test_known_uniform_sums() -> None:
    assert sources.UniformSum(0.75).mutual_information() == pytest.approx(1 / 3, rel=1e-15, abs=0)
    assert sources.UniformSum(0.1).mutual_information() == pytest.approx(math.log(5) + 0.1)
    assert sources.UniformSum(0.5).mutual_information() == 0.5
    below = sources.UniformSum(math.nextafter(0.5, 0)).mutual_information()
    assert below == pytest.approx(0.5, rel=1e-15, abs=0)


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.0])
def test_gamma_exponential(shape: float) -> None:
    found = sources.GammaExponential(shape).mutual_information()
    assert found == pytest.approx(oracle.gamma_exponential_information(shape), **QUADRATURE)


@pytest.mark.parametrize("shape", [0.05, 1.0, 21.0, 99.0, 100.0, 100.1, 1e3, 1e6, 1e9, 1e12])
def test_gamma_exponential_in_fifty_digits(shape: float) -> None:
    """Up to t = 100 psi, of at most 4.6, is off by some 1e-15, and the difference is 5e-3 or more.

    The series has one term of that size, and a handful of roundings of half of 2e-16 each.
    """
    with mpmath.workdps(50):
        truth = float(mpmath.digamma(mpmath.mpf(shape) + 1) - mpmath.log(mpmath.mpf(shape)))
    found = sources.GammaExponential(shape).mutual_information()
    assert found == pytest.approx(truth, rel=1e-12 if shape <= 100 else 1e-15, abs=0)


@given(st.floats(1.0, 1e9))
def test_gamma_exponential_lies_between_the_bounds_of_psi(shape: float) -> None:
    """1 / (2 t) - 1 / (12 t^2) < psi(t + 1) - ln(t) < 1 / (2 t), by Stirling's series."""
    found = sources.GammaExponential(shape).mutual_information()
    assert 0.5 / shape - 1 / (12 * shape**2) - 1e-14 < found < 0.5 / shape + 1e-14


@pytest.mark.parametrize("zeros", [0.0, 0.15, 0.9])
def test_zero_inflated_counts(zeros: float) -> None:
    found = sources.ZeroInflatedPoisson(zeros).mutual_information()
    assert found == pytest.approx(oracle.zero_inflated_information(zeros), **QUADRATURE)


def test_known_zero_inflated_counts() -> None:
    """The formula in print, 0.25606 at p = 0.15, is right only where no zero is put in."""
    found = sources.ZeroInflatedPoisson(0.15).mutual_information()
    assert found == pytest.approx(0.2297760, abs=5e-8)
    log_sum = math.fsum(math.log(k) / 2.0**k for k in range(2, 100))
    printed = 2 * math.log(2) - float(mpmath.euler) - log_sum
    poisson = sources.ZeroInflatedPoisson(0.0).mutual_information()
    assert poisson == pytest.approx(printed, rel=1e-14, abs=0)
    assert 0.85 * printed == pytest.approx(0.2560581, abs=5e-8)


@given(st.floats(0, 0.99), st.floats(0, 0.99))
def test_more_zeros_tell_less(one: float, two: float) -> None:
    """Putting in more zeros is a further channel behind Y."""
    few, many = sorted((one, two))
    more = sources.ZeroInflatedPoisson(few).mutual_information()
    assert 0 <= sources.ZeroInflatedPoisson(many).mutual_information() <= more + 1e-15


def test_hardly_any_counts_left() -> None:
    """Terms of size one cancel: what remains may be rounding, but is never negative."""
    for gap in (1e-6, 1e-12, 2.0**-53):
        assert 0 <= sources.ZeroInflatedPoisson(1 - gap).mutual_information() < gap + 1e-14


@pytest.mark.parametrize("m", [1, 2, 5, 40])
def test_overlapping_uniforms(m: int) -> None:
    found = sources.OverlappingUniforms(m).mutual_information()
    assert found == pytest.approx(oracle.overlapping_information(m), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("q", [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize("m", [1, 2, 5, 30])
def test_a_chain_through_a_symbol(m: int, q: Fraction) -> None:
    """Logarithms of factorials below 30! are near 70: errors of 1e-14."""
    chain = sources.UniformBinomialChain(m, float(q))
    truth = oracle.binomial_chain_information(m, q)
    assert chain.mutual_information() == pytest.approx(truth, abs=1e-12)
    assert chain.conditional_mutual_information() == 0.0
    assert chain.n_variables == 3


def test_long_chains() -> None:
    """Logarithms of factorials up to 300! are off by 2e-13, sums of probabilities with them."""
    truth = oracle.binomial_chain_information(300, Fraction(1, 2))
    found = sources.UniformBinomialChain(300).mutual_information()
    assert found == pytest.approx(truth, abs=1e-11)
    # With q = 1 the count is the symbol.
    chain = sources.UniformBinomialChain(1000, 1.0)
    assert chain.mutual_information() == pytest.approx(math.log(1000), rel=1e-13, abs=0)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("covariance", "sizes", "message"),
    [
        (np.eye(3), (1, 1), r"dimensions must be two or three numbers .* \(3\); got \(1, 1\)\."),
        (np.eye(3), 3, r"whose sum is the size of the covariance \(3\); got \(3,\)\."),
        (np.eye(4), (1, 1, 1, 1), r"got \(1, 1, 1, 1\)\."),
        (np.eye(2), ([1], [1, 2]), r"dimensions must be a rectangular array; got rows of"),
        (np.eye(2), (2, 0), r"dimensions must be a positive integer .* got .*0"),
        ([[1, 1], [1, 1]], (1, 1), r"covariance must be positive definite; got"),
    ],
)
def test_refused_joint_gaussians(covariance: Any, sizes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sources.JointGaussian(covariance, sizes)


@pytest.mark.parametrize(
    "pair",
    [
        sources.GaussianPair(0.5),
        sources.JointGaussian(np.eye(2), (1, 1)),
        sources.DiscreteJoint([[0.5, 0.5]]),
        sources.Stacked([sources.GaussianPair(0.5)]),
        sources.Warped(sources.GaussianPair(0.5), x="cubic"),
    ],
)
def test_a_pair_has_no_z(pair: sources.JointSource) -> None:
    with pytest.raises(ValueError, match=r"^source must be of three variables, .*; got two"):
        pair.conditional_mutual_information()
