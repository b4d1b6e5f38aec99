"""Differential entropies against quadrature of the density."""

from __future__ import annotations

import math
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

scales = st.floats(1e-3, 1e3)


@st.composite
def covariances(draw: st.DrawFn, most: int = 4) -> Any:
    """B B^T + 1: no eigenvalue is below one, and each entry is a small whole number."""
    size = draw(st.integers(1, most))
    entries = draw(st.lists(st.integers(-3, 3), min_size=size * size, max_size=size * size))
    b = np.reshape(np.array(entries, dtype=float), (size, size))
    return b @ b.T + np.eye(size)


# ----------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("source", "density", "edges"),
    [
        (sources.Uniform(-1, 3), lambda x: 0.25, [-1, 3]),
        (sources.Exponential(2.5), lambda x: mpmath.exp(-x / 2.5) / 2.5, [0, 1, 10, 200]),
        (
            sources.Laplace(1.0, 0.3),
            lambda x: mpmath.exp(-abs(x - 1) / 0.3) / 0.6,
            [-20, -1, 1, 3, 22],
        ),
        (sources.Gaussian(5.0, 4.0), lambda x: mpmath.npdf(x, 5, 2), [-80, 0, 5, 10, 90]),
    ],
)
def test_against_quadrature(source: Any, density: Any, edges: Any) -> None:
    truth = oracle.differential_entropy(density, edges)
    assert source.differential_entropy() == pytest.approx(truth, **QUADRATURE)


@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 3.0, 50.0, 900.0, 1000.0, 1000.1, 5000.0])
def test_gamma_against_quadrature(shape: float) -> None:
    """On both sides of where the series begins; the oracle's ln Gamma(k) is near 4e4 at most."""
    truth = oracle.gamma_entropy(shape)
    assert sources.Gamma(shape).differential_entropy() == pytest.approx(truth, abs=1e-10)
    scaled = sources.Gamma(shape, 2.0).differential_entropy()
    assert scaled == pytest.approx(truth + math.log(2), abs=1e-10)


@pytest.mark.parametrize("shape", [999.0, 1001.0, 1e6, 1e12])
def test_gamma_of_large_shapes_in_fifty_digits(shape: float) -> None:
    with mpmath.workdps(50):
        k = mpmath.mpf(shape)
        truth = float(k + mpmath.loggamma(k) + (1 - k) * mpmath.digamma(k))
    # The closed form loses ln Gamma(1000) = 5905 rounding errors, the series 1 / (120 k^4).
    assert sources.Gamma(shape).differential_entropy() == pytest.approx(truth, abs=3e-12)


@pytest.mark.parametrize(
    ("source", "nats"),
    [
        (sources.Uniform(), 0.0),
        (sources.Uniform(2, 2 + math.e), 1.0),
        (sources.Exponential(), 1.0),
        (sources.Gamma(1.0), 1.0),
        (sources.Laplace(), 1 + math.log(2)),
        (sources.Gaussian(), 0.5 * math.log(2 * math.pi * math.e)),
        (sources.Gaussian(np.zeros(3), np.eye(3)), 1.5 * math.log(2 * math.pi * math.e)),
        (sources.StudentT(1.0), math.log(4 * math.pi)),
        (sources.Gamma(3.0), math.log(2) + 2 * float(mpmath.euler)),  # psi(3) = 3/2 - Euler's
    ],
)
def test_known_entropies(source: Any, nats: float) -> None:
    assert source.differential_entropy() == pytest.approx(nats, abs=1e-14)
    assert source.differential_entropy(base=2) == pytest.approx(nats / math.log(2), abs=1e-14)


@given(scales, st.floats(0.05, 1e3))
def test_a_change_of_unit_adds_its_logarithm(scale: float, shape: float) -> None:
    pairs = [
        (sources.Exponential(scale), sources.Exponential()),
        (sources.Laplace(3.0, scale), sources.Laplace()),
        (sources.Gamma(shape, scale), sources.Gamma(shape)),
        (sources.Uniform(0, scale), sources.Uniform()),
        (sources.Gaussian(1.0, scale**2), sources.Gaussian()),
        (sources.StudentT(shape + 0.1, 1.0, scale**2), sources.StudentT(shape + 0.1)),
    ]
    for scaled, standard in pairs:
        expected = standard.differential_entropy() + math.log(scale)
        assert scaled.differential_entropy() == pytest.approx(expected, abs=1e-12)


@given(st.floats(0.05, 100))
def test_of_one_mean_the_exponential_has_the_most_entropy(shape: float) -> None:
    gamma = sources.Gamma(shape, 1 / shape)
    assert gamma.differential_entropy() <= 1.0 + 1e-12


# ----------------------------------------------------------------------------------------- vectors


@given(covariances())
def test_gaussian_vectors(covariance: Any) -> None:
    """d ln(2 pi e) / 2 and the log-determinant in fractions."""
    size = len(covariance)
    truth = 0.5 * oracle.log_determinant(covariance.tolist())
    truth += 0.5 * size * math.log(2 * math.pi * math.e)
    source = sources.Gaussian(np.ones(size), covariance)
    assert source.differential_entropy() == pytest.approx(truth, rel=1e-12, abs=0)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_gaussian_vectors_against_quadrature(dimension: int) -> None:
    source = sources.Gaussian(0.0, np.eye(dimension))
    truth = oracle.spherical_entropy(oracle.gaussian_radial(dimension), dimension)
    assert source.differential_entropy() == pytest.approx(truth, **QUADRATURE)


@pytest.mark.parametrize(
    ("df", "dimension"),
    [(0.5, 1), (1, 1), (1, 4), (2.5, 2), (30, 10), (199.9, 3), (200, 3), (201, 3), (1e4, 2)],
)
def test_student_vectors_against_quadrature(df: float, dimension: int) -> None:
    """On both sides of where the series begins."""
    truth = oracle.spherical_entropy(oracle.student_radial(df, dimension), dimension)
    source = sources.StudentT(df, 0.0, np.eye(dimension))
    assert source.differential_entropy() == pytest.approx(truth, **QUADRATURE)


@pytest.mark.parametrize("df", [0.1, 1.0, 199.0, 200.0, 201.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("dimension", [1, 2, 7, 1000])
def test_student_vectors_in_fifty_digits(df: float, dimension: int) -> None:
    """Below v = 200 a few ln Gamma of at most 3300 are rounded; the series leaves 1e-12."""
    with mpmath.workdps(50):
        v, d = mpmath.mpf(df), mpmath.mpf(dimension)
        a, b = v / 2, (v + d) / 2
        truth = d / 2 * mpmath.log(v * mpmath.pi) + mpmath.loggamma(a) - mpmath.loggamma(b)
        truth += b * (mpmath.digamma(b) - mpmath.digamma(a))
    source = sources.StudentT(df, 0.0, np.eye(dimension))
    assert source.differential_entropy() == pytest.approx(float(truth), abs=1e-11)


@pytest.mark.parametrize("df", [1e103, 1e155, 1.7e308])
def test_student_sources_of_nearly_no_tails(df: float) -> None:
    """Powers of the degrees of freedom would overflow; the excess, 1 / v, is far below rounding."""
    gaussian = sources.Gaussian().differential_entropy()
    assert sources.StudentT(df).differential_entropy() == gaussian
    assert sources.StudentTPair(df, 0.0).mutual_information() < 1e-100


@given(covariances(), st.floats(0.1, 1e3))
def test_stretching_adds_the_log_determinant(matrix: Any, df: float) -> None:
    size = len(matrix)
    stretched = sources.StudentT(df, 0.0, matrix).differential_entropy()
    standard = sources.StudentT(df, 0.0, np.eye(size)).differential_entropy()
    volume = 0.5 * oracle.log_determinant(matrix.tolist())
    assert stretched == pytest.approx(standard + volume, rel=1e-12, abs=1e-11)


@given(st.floats(2.1, 1e4))
def test_of_one_variance_the_gaussian_has_the_most_entropy(df: float) -> None:
    variance = df / (df - 2)
    gaussian = sources.Gaussian(0.0, variance).differential_entropy()
    assert sources.StudentT(df).differential_entropy() <= gaussian + 1e-12


def test_a_student_source_nears_the_gaussian() -> None:
    """The excess of one coordinate is about 1 / v."""
    gap = sources.StudentT(1e6).differential_entropy() - sources.Gaussian().differential_entropy()
    assert gap == pytest.approx(1e-6, rel=1e-4)


def test_numbers_and_vectors_of_one_coordinate() -> None:
    number, vector = sources.Gaussian(1.0, 4.0), sources.Gaussian([1.0], [[4.0]])
    assert number.differential_entropy() == vector.differential_entropy()
    np.testing.assert_array_equal(number.sample(5, rng=0), vector.sample(5, rng=0)[:, 0])
    assert number.sample(5).shape == (5,)
    assert vector.sample(5).shape == (5, 1)
    assert repr(number) == "Gaussian(mean=1.0, covariance=4.0)"


def test_variances_of_very_different_units() -> None:
    """Only correlations decide whether a covariance is positive definite."""
    covariance = np.diag([1e-200, 1e200])
    covariance[0, 1] = covariance[1, 0] = 0.5
    truth = math.log(2 * math.pi * math.e) + 0.5 * math.log(0.75)
    found = sources.Gaussian([0.0, 0.0], covariance).differential_entropy()
    assert found == pytest.approx(truth, rel=1e-13, abs=0)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (0.0, r"covariance must be of variances in \(1e-300, 1e300\); got 0\.0\. Change the unit"),
        (-1.0, r"got -1\.0\."),
        ([[1.0, 0], [0, -2.0]], r"got -2\.0 at covariance\[1, 1\]\."),
        ([1.0, 2.0], r"covariance must be a variance or a square matrix; got shape \(2,\)\."),
        (np.ones((2, 3)), r"got shape \(2, 3\)\. numpy\.diag makes"),
        (np.ones((0, 0)), r"got shape \(0, 0\)"),
        ([[1, 0.5], [0.4, 1]], r"symmetric; got 0\.5 at \[0, 1\] and 0\.4 at \[1, 0\]\."),
        ([[1, 1], [1, 1]], r"positive definite; got .* as the least eigenvalue"),
        ([[1, 2], [2, 1]], r"positive definite; got -1 as the least eigenvalue"),
        ([[1, math.nan], [0, 1]], r"finite; got nan at covariance\[0, 1\]\. Repair"),
        (math.inf, r"covariance must be finite; got inf\."),
    ],
)
def test_refused_covariances(covariance: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sources.Gaussian(0.0, covariance)


def test_refused_types_and_locations() -> None:
    with pytest.raises(TypeError, match=r"^covariance must be numeric; got dtype <U1\. Use"):
        sources.Gaussian(0.0, "a")
    with pytest.raises(TypeError, match=r"^location must be numeric; got dtype bool\."):
        sources.StudentT(3, True)
    with pytest.raises(ValueError, match=r"^mean must be a number, as the spread is; got shape"):
        sources.Gaussian([0.0, 0.0], 1.0)
    with pytest.raises(ValueError, match=r"mean must be a number, or have shape \(2,\); got shape"):
        sources.Gaussian([0.0, 0.0, 0.0], np.eye(2))
    with pytest.raises(ValueError, match=r"^df must be a number in \[0\.1, inf\); got inf\. Gauss"):
        sources.StudentT(math.inf)
    with pytest.raises(ValueError, match=r"^high must be greater than low \(1\.0\); got 1\.0\."):
        sources.Uniform(1, 1)


def test_tensors() -> None:
    torch = pytest.importorskip("torch", exc_type=ImportError)
    matrix = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    assert sources.Gaussian(0.0, matrix) == sources.Gaussian(0.0, matrix.tolist())
    with pytest.raises(TypeError, match=r"^covariance must be numeric; got dtype torch\.bfloat16"):
        sources.Gaussian(0.0, matrix.to(torch.bfloat16))
