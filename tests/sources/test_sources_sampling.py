"""Samples follow the distribution whose truth is stated.

Bounds hold but for one seed in a million, or are five standard errors of the mean (6e-7); seeds are
fixed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from infotheory import sources

N = 20_000
RARE = 1e-6


def check_frequencies(samples: Any, p: Any) -> None:
    """Pearson's statistic below its quantile; cells that expect fewer than 5 are pooled."""
    p = np.asarray(p, dtype=float)
    counts = np.bincount(samples, minlength=p.size)
    assert counts.size == p.size
    assert counts[p == 0].sum() == 0
    common = p * samples.size >= 5
    seen = np.append(counts[common], counts[~common].sum())
    expected = np.append(p[common], p[~common].sum()) * samples.size
    seen, expected = seen[expected > 0], expected[expected > 0]
    if expected.size > 1:
        statistic = ((seen - expected) ** 2 / expected).sum()
        assert statistic < stats.chi2.isf(RARE, expected.size - 1)


def check_distribution(samples: Any, law: Any) -> None:
    """Largest gap of the distribution functions below Massart's bound."""
    x = np.sort(samples)
    steps = np.arange(x.size + 1) / x.size
    cdf = law.cdf(x)
    gap = max((steps[1:] - cdf).max(), (cdf - steps[:-1]).max())
    assert gap < math.sqrt(math.log(2 / RARE) / (2 * x.size))


def check_mean(values: Any, truth: float) -> None:
    """Within five standard errors; of a constant, within rounding."""
    assert abs(values.mean() - truth) < 5 * values.std() / math.sqrt(values.size) + 1e-14


def name_of(value: Any) -> str:
    return repr(value) if isinstance(value, sources.Source) else ""


# ----------------------------------------------------------------------------------------- symbols


@pytest.mark.parametrize(
    "source",
    [
        sources.Categorical([0.5, 0.0, 0.2, 0.3, 0.0]),
        sources.Categorical([1.0]),
        sources.DiscreteUniform(7),
        sources.Zipf(50, 1.2),
        sources.dirichlet(20, 0.5, rng=1),
    ],
    ids=repr,
)
def test_symbols_are_as_frequent_as_their_probability(source: Any) -> None:
    check_frequencies(source.sample(N, rng=0), source.probabilities)


@pytest.mark.parametrize("p", [0.2, 0.9, 1.0])
def test_failures_before_the_first_success(p: float) -> None:
    samples = sources.Geometric(p).sample(N, rng=0)
    assert samples.min() == 0
    law = p * (1 - p) ** np.arange(200)
    check_frequencies(np.minimum(samples, 200), np.append(law, 1 - law.sum()).clip(0))


@pytest.mark.parametrize(
    "source",
    [
        sources.DiscreteJoint(np.arange(12).reshape(3, 4) / 66),
        sources.DiscreteJoint(np.arange(24).reshape(2, 3, 4) / 276),
        sources.binary_erasure(0.3, 0.2),
        sources.xor(0.25),
    ],
    ids=repr,
)
def test_cells_are_as_frequent_as_their_probability(source: Any) -> None:
    variables = source.sample(N, rng=0)
    shape = source.probabilities.shape
    assert len(variables) == len(shape)
    check_frequencies(np.ravel_multi_index(variables, shape), source.probabilities.ravel())


# ----------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("source", "law"),
    [
        (sources.Uniform(-1, 3), stats.uniform(-1, 4)),
        (sources.Exponential(2.5), stats.expon(scale=2.5)),
        (sources.Gamma(0.3, 2.0), stats.gamma(0.3, scale=2.0)),
        (sources.Gamma(50.0), stats.gamma(50.0)),
        (sources.Laplace(1.0, 0.3), stats.laplace(1.0, 0.3)),
        (sources.Gaussian(5.0, 4.0), stats.norm(5.0, 2.0)),
        (sources.StudentT(1.5, 2.0, 9.0), stats.t(1.5, 2.0, 3.0)),
    ],
    ids=name_of,
)
def test_numbers_follow_their_distribution(source: Any, law: Any) -> None:
    samples = source.sample(N, rng=0)
    check_distribution(samples, law)
    check_mean(-law.logpdf(samples), source.differential_entropy())


COVARIANCE = np.array([[4.0, 1.2, -0.5], [1.2, 1.0, 0.3], [-0.5, 0.3, 2.0]])


@pytest.mark.parametrize(
    ("source", "law"),
    [
        (
            sources.Gaussian([1.0, -2.0, 0.5], COVARIANCE),
            stats.multivariate_normal([1.0, -2.0, 0.5], COVARIANCE),
        ),
        (
            sources.StudentT(3, [1.0, -2.0, 0.5], COVARIANCE),
            stats.multivariate_t([1.0, -2.0, 0.5], COVARIANCE, df=3),
        ),
    ],
    ids=name_of,
)
def test_vectors_follow_their_distribution(source: Any, law: Any) -> None:
    """The mean surprise is the entropy; each coordinate and a sum of them has its own law."""
    samples = source.sample(N, rng=0)
    check_mean(-law.logpdf(samples), source.differential_entropy())
    centre = np.array([1.0, -2.0, 0.5])
    gaussian = isinstance(source, sources.Gaussian)
    for weights in (*np.eye(3), np.array([1.0, -2.0, 3.0])):
        scale = math.sqrt(weights @ COVARIANCE @ weights)
        one = stats.norm if gaussian else stats.t(3)
        check_distribution((samples - centre) @ weights / scale, one)


# ------------------------------------------------------------------------------------------- pairs


def gaussian_density(x: Any, y: Any, r: float) -> Any:
    joint = stats.multivariate_normal([0, 0], [[1, r], [r, 1]])
    pairs = np.stack([x, y], axis=-1)
    return joint.logpdf(pairs) - stats.norm.logpdf(x) - stats.norm.logpdf(y)


def student_density(df: float, r: float, x: Any, y: Any) -> Any:
    d = x.shape[1]
    block = np.block([[np.eye(d), r * np.eye(d)], [r * np.eye(d), np.eye(d)]])
    joint = stats.multivariate_t(np.zeros(2 * d), block, df=df).logpdf(np.hstack([x, y]))
    one = stats.multivariate_t(np.zeros(d), np.eye(d), df=df)
    return joint - one.logpdf(x) - one.logpdf(y)


def uniform_density(e: float, x: Any, y: Any) -> Any:
    assert (np.abs(y - x) <= e).all()
    marginal = np.minimum(y + e, 1) - np.maximum(y - e, 0)
    return -np.log(marginal)


def gamma_exponential_density(t: float, x: Any, y: Any) -> Any:
    return stats.expon.logpdf(y, scale=1 / x) - stats.lomax.logpdf(y, t)


def zero_inflated_density(p: float, x: Any, y: Any) -> Any:
    given_x = (1 - p) * stats.poisson.pmf(y, x) + p * (y == 0)
    marginal = (1 - p) * 0.5 ** (y + 1.0) + p * (y == 0)
    return np.log(given_x / marginal)


def overlapping_density(m: int, x: Any, y: Any) -> Any:
    ends = (y < 1) | (y > m)
    return np.log(0.5) - np.log(np.where(ends, 0.5 / m, 1 / m))


PAIRS = [
    (sources.GaussianPair(0.8), lambda x, y: gaussian_density(x, y, 0.8)),
    (sources.GaussianPair(-0.6, 3), lambda x, y: gaussian_density(x, y, -0.6).sum(axis=1)),
    (sources.StudentTPair(1, 0.0, 1), lambda x, y: student_density(1, 0.0, x, y)),
    (sources.StudentTPair(4, 0.7, 2), lambda x, y: student_density(4, 0.7, x, y)),
    (sources.UniformSum(0.2), lambda x, y: uniform_density(0.2, x, y)),
    (sources.UniformSum(1.5), lambda x, y: uniform_density(1.5, x, y)),
    (sources.GammaExponential(0.7), lambda x, y: gamma_exponential_density(0.7, x, y)),
    (sources.ZeroInflatedPoisson(0.0), lambda x, y: zero_inflated_density(0.0, x, y)),
    (sources.ZeroInflatedPoisson(0.4), lambda x, y: zero_inflated_density(0.4, x, y)),
    (sources.OverlappingUniforms(4), lambda x, y: overlapping_density(4, x, y)),
]


@pytest.mark.parametrize(("source", "density"), PAIRS, ids=name_of)
def test_the_mean_information_density_is_the_information(source: Any, density: Any) -> None:
    x, y = source.sample(N, rng=3)
    check_mean(density(x, y), source.mutual_information())


NORMAL = stats.norm()


@pytest.mark.parametrize(
    ("source", "x_law", "y_law"),
    [
        (sources.GaussianPair(0.8), NORMAL, NORMAL),
        (sources.GaussianPair(-0.99), NORMAL, NORMAL),
        (sources.StudentTPair(2, 0.5), stats.t(2), stats.t(2)),
        (sources.GaussianTriple(0.9, -0.5, 0.7), NORMAL, NORMAL),
        (sources.UniformSum(0.5), stats.uniform(), stats.triang(0.5, -0.5, 2.0)),
        (sources.GammaExponential(0.7), stats.gamma(0.7), stats.lomax(0.7)),
        (sources.UniformBinomialChain(4), stats.uniform(0, 4), None),
        (sources.OverlappingUniforms(1), None, stats.uniform(0, 2)),
        (sources.ZeroInflatedPoisson(0.3), stats.expon(), None),
    ],
    ids=name_of,
)
def test_marginals_follow_their_distribution(source: Any, x_law: Any, y_law: Any) -> None:
    x, y, *_ = source.sample(N, rng=4)
    if x_law is not None:
        check_distribution(x, x_law)
    if y_law is not None:
        check_distribution(y, y_law)


def test_symbols_of_mixed_sources() -> None:
    x, y = sources.OverlappingUniforms(5).sample(N, rng=0)
    check_frequencies(x, np.full(5, 0.2))
    check_distribution(y - x, stats.uniform(0, 2))
    x, y, z = sources.UniformBinomialChain(4, 0.3).sample(N, rng=0)
    check_frequencies(z, np.full(4, 0.25))
    np.testing.assert_array_equal(np.floor(x), z)
    for symbol in range(4):  # given Z, the count is binomial whatever X is
        law = stats.binom(symbol, 0.3).pmf(np.arange(symbol + 1))
        for half in (x % 1 < 0.5, x % 1 >= 0.5):
            check_frequencies(y[(z == symbol) & half], law)
    _, y = sources.ZeroInflatedPoisson(0.3).sample(N, rng=0)
    counts = 0.7 * 0.5 ** np.arange(1.0, 60)
    counts[0] += 0.3
    check_frequencies(np.minimum(y, 59), np.append(counts, 1 - counts.sum()).clip(0))


def test_a_triple_has_its_correlations() -> None:
    """Products have a standard deviation of at most sqrt(2): five standard errors."""
    a, b, r = 0.8, -0.5, 0.6
    total = a * b + r * math.sqrt((1 - a * a) * (1 - b * b))
    for dimension in (None, 2):
        x, y, z = sources.GaussianTriple(a, b, r, dimension).sample(N, rng=0)
        for product, truth in ((x * z, a), (y * z, b), (x * y, total), (x * x, 1), (z * z, 1)):
            assert np.abs(product.mean(axis=0) - truth).max() < 5 * math.sqrt(2 / N)
    # Different coordinates are independent.
    assert abs((x[:, 0] * y[:, 1]).mean()) < 5 * math.sqrt(2 / N)


def test_a_joint_gaussian_has_its_covariance() -> None:
    """Whitened products have a standard deviation of at most sqrt(2): five standard errors."""
    source = sources.JointGaussian(COVARIANCE, (1, 2))
    x, y = source.sample(N, rng=0)
    assert (x.shape, y.shape) == ((N, 1), (N, 2))
    white = np.linalg.solve(np.linalg.cholesky(COVARIANCE), np.hstack([x, y]).T)
    assert np.abs(white @ white.T / N - np.eye(3)).max() < 5 * math.sqrt(2 / N)
    assert np.abs(white.mean(axis=1)).max() < 5 / math.sqrt(N)


def test_coordinates_of_a_pair_are_paired_one_by_one() -> None:
    x, y = sources.GaussianPair(0.7, dimension=3).sample(N, rng=0)
    assert np.abs(x.T @ y / N - 0.7 * np.eye(3)).max() < 5 * math.sqrt(2 / N)


def test_symbols_of_probability_zero_are_never_drawn() -> None:
    p = np.zeros(1000)
    p[[3, 500]] = 0.5
    assert set(sources.Categorical(p).sample(1000, rng=0).tolist()) == {3, 500}
