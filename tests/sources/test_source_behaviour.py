"""What all sources have in common: seeds, units, equality, printing, refusals."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from typing import Any

import numpy as np
import pytest

from infotheory import sources

P = [0.5, 0.3, 0.2]
DISCRETE = [
    sources.Categorical(P),
    sources.DiscreteUniform(5),
    sources.Zipf(6),
    sources.Geometric(0.3),
]
CONTINUOUS = [
    sources.Uniform(),
    sources.Exponential(),
    sources.Gamma(2.0),
    sources.Laplace(),
    sources.Gaussian(),
    sources.Gaussian([1.0, 2.0], [[2.0, 0.5], [0.5, 1.0]]),
    sources.StudentT(3),
    sources.StudentT(3, [0.0, 1.0], np.eye(2)),
]
PAIRS = [
    sources.DiscreteJoint([[0.4, 0.1], [0.2, 0.3]]),
    sources.GaussianPair(0.5),
    sources.GaussianPair(0.5, dimension=2),
    sources.StudentTPair(3, 0.5, dimension=2),
    sources.JointGaussian([[1, 0.5, 0.2], [0.5, 1, 0.1], [0.2, 0.1, 1]], (1, 2)),
    sources.UniformSum(0.3),
    sources.GammaExponential(2.0),
    sources.ZeroInflatedPoisson(0.2),
    sources.OverlappingUniforms(3),
    sources.Independent(sources.Gamma(1.0), sources.Zipf(3)),
    sources.Stacked([sources.UniformSum(0.3), sources.GaussianPair(0.1)]),
    sources.Warped(sources.GaussianPair(0.1), x="cubic"),
]
TRIPLES = [
    sources.xor(0.1),
    sources.GaussianTriple(0.5, 0.4, 0.3),
    sources.JointGaussian(np.eye(3) + 0.1, (1, 1, 1)),
    sources.UniformBinomialChain(4),
]
CHAIN = sources.MarkovChain([[0.9, 0.1], [0.5, 0.5]])
FITTED = sources.fit_markov([0, 1, 1, 0, 2, 1, 0, 1, 2, 2, 0, 1], order=1)
ALL: list[Any] = [*DISCRETE, *CONTINUOUS, *PAIRS, *TRIPLES, CHAIN, FITTED]


def arrays(samples: Any) -> list[Any]:
    return [*samples] if isinstance(samples, tuple) else [samples]


def test_every_source_is_looked_at() -> None:
    kinds = {
        value
        for value in map(sources.__dict__.get, sources.__all__)
        if isinstance(value, type) and dataclasses.is_dataclass(value)
    }
    assert kinds == {type(source) for source in ALL}


@pytest.mark.parametrize("source", ALL, ids=repr)
def test_the_same_seed_draws_the_same_samples(source: Any) -> None:
    one, same = arrays(source.sample(50, rng=7)), arrays(source.sample(50, rng=7))
    from_generator = arrays(source.sample(50, np.random.default_rng(7)))
    for a, b, c in zip(one, same, from_generator, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize("source", ALL, ids=repr)
def test_a_generator_goes_on_and_no_seed_is_a_new_one(source: Any) -> None:
    """Two hundred samples are never the same twice."""
    rng = np.random.default_rng(7)
    first, second = arrays(source.sample(200, rng)), arrays(source.sample(200, rng))
    assert any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    fresh, other = arrays(source.sample(200)), arrays(source.sample(200))
    assert any(not np.array_equal(a, b) for a, b in zip(fresh, other, strict=True))


@pytest.mark.parametrize("source", ALL, ids=repr)
def test_samples_lie_along_the_first_axis(source: Any) -> None:
    for n in (1, 6):
        for samples in arrays(source.sample(n, rng=0)):
            assert samples.shape[0] == n
            assert samples.ndim <= 2
            assert samples.dtype in (np.int64, np.float64)
            assert np.isfinite(samples).all()


@pytest.mark.parametrize("source", ALL, ids=repr)
def test_truths_are_converted_to_the_unit(source: Any) -> None:
    names = ("entropy", "differential_entropy", "mutual_information", "entropy_rate")
    names += ("excess_entropy", "block_entropy", "conditional_mutual_information")
    seen = 0
    for name in names:
        if not hasattr(source, name) or (name.startswith("cond") and source.n_variables == 2):
            continue
        options = {"n": 3} if name == "block_entropy" else {}
        nats = getattr(source, name)(**options)
        assert type(nats) is float
        assert getattr(source, name)(**options, base=2) == nats / math.log(2)
        assert getattr(source, name)(**options, base=10) == nats / math.log(10)
        for wrong in (1, 0, "2", True, math.nan):
            with pytest.raises(ValueError, match="base must be None"):
                getattr(source, name)(**options, base=wrong)
        seen += 1
    assert seen


@pytest.mark.parametrize("source", ALL, ids=repr)
@pytest.mark.parametrize("n", [0, -1, 2.0, "3", None, True])
def test_refused_numbers_of_samples(source: Any, n: Any) -> None:
    with pytest.raises(ValueError, match=r"^n must be a positive integer"):
        source.sample(n)


@pytest.mark.parametrize("source", ALL, ids=repr)
def test_refused_seeds(source: Any) -> None:
    with pytest.raises(ValueError, match=r"^rng must be a seed"):
        source.sample(3, rng=-1)


@pytest.mark.parametrize("source", ALL, ids=repr)
def test_sources_are_values(source: Any) -> None:
    for twin in (copy.deepcopy(source), pickle.loads(pickle.dumps(source))):  # noqa: S301
        assert twin == source
        assert hash(twin) == hash(source)
    assert source != 3
    name = dataclasses.fields(source)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(source, name, 0.5)


def test_different_sources_differ() -> None:
    for i, one in enumerate(ALL):
        assert all(one != other for j, other in enumerate(ALL) if i != j)
    assert sources.Categorical([0.5, 0.5]) != sources.DiscreteUniform(2)
    assert sources.Gaussian(-0.0, [[1.0]]) == sources.Gaussian(0.0, [[1.0]])
    assert sources.GaussianPair(0.5) != sources.GaussianPair(0.5, dimension=1)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (sources.Zipf(1000), "Zipf(n_symbols=1000, exponent=1.0)"),
        (sources.GaussianPair(0.9, 3), "GaussianPair(correlation=0.9, dimension=3)"),
        (sources.Categorical([0.5, 0.5]), "Categorical(probabilities=[0.5, 0.5])"),
        (
            sources.Categorical(np.full(16, 1 / 16)),
            "Categorical(probabilities=<array of shape (16,)>)",
        ),
        (
            sources.MarkovChain([[0.5, 0.5], [1, 0]]),
            "MarkovChain(transition=[[0.5, 0.5], [1.0, 0.0]], initial='stationary')",
        ),
        (
            sources.Warped(sources.UniformSum(1), x="cubic", y=np.exp),
            "Warped(source=UniformSum(noise=1.0), x='cubic', y=exp, z=None)",
        ),
        (
            sources.Stacked([sources.UniformSum(1)]),
            "Stacked(sources=(UniformSum(noise=1.0),))",
        ),
    ],
)
def test_sources_print_their_parameters(source: Any, text: str) -> None:
    assert repr(source) == text


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        (sources.Categorical, {"probabilities": [0.5, 0.4]}, "probabilities must have sum one"),
        (sources.Categorical, {"probabilities": [1.5, -0.5]}, r"got -0\.5 at probabilities\[1\]"),
        (sources.Categorical, {"probabilities": [[0.5, 0.5]]}, r"of 1 dimension; got shape \(1, 2"),
        (sources.Categorical, {"probabilities": 1.0}, r"probabilities must have at least 1 axis"),
        (sources.Categorical, {"probabilities": []}, r"at least one symbol .* got shape \(0,\)"),
        (sources.DiscreteJoint, {"probabilities": P}, "have 2 or 3 axes, one a variable; got 1"),
        (sources.DiscreteJoint, {"probabilities": np.ones((2,) * 4) / 16}, "axes.*; got 4"),
        (sources.DiscreteJoint, {"probabilities": [[0.5, 0.2]]}, r"have sum one .* got 0\.7"),
        (sources.DiscreteUniform, {"n_symbols": 0}, "n_symbols must be a positive integer"),
        (sources.Zipf, {"n_symbols": 2.0}, "n_symbols must be a positive integer"),
        (sources.Zipf, {"n_symbols": 2, "exponent": -1}, r"a number in \[0, 100\]; got -1\."),
        (sources.Geometric, {"probability": 0}, r"probability must be .* \[1e-15, 1\]; got 0\."),
        (sources.dirichlet, {"n_symbols": 3, "concentration": 0}, r"\[1e-3, 1e6\]; got 0\."),
        (sources.dirichlet, {"n_symbols": 0}, "n_symbols must be a positive integer"),
        (sources.binary_symmetric, {"crossover": 1.1}, r"crossover must be .* \[0, 1\]; got 1\.1"),
        (sources.binary_symmetric, {"crossover": 0, "one": -1}, r"one must be a number in \[0, 1"),
        (sources.binary_erasure, {"erasure": math.nan}, r"erasure must be .*; got nan\."),
        (sources.z_channel, {"crossover": "0.1"}, r"crossover must be a number .*; got '0\.1'"),
        (sources.xor, {"flip": True}, r"flip must be a number in \[0, 1\]; got True\."),
        (sources.through_channel, {"channel": P}, r"channel must be a matrix, one distribution a"),
        (
            sources.through_channel,
            {"channel": np.eye(2), "probabilities": P},
            r"one entry for each row of the channel \(2\); got 3",
        ),
        (sources.Uniform, {"low": 0, "high": math.inf}, r"high must be a number in .*; got inf"),
        (sources.Exponential, {"scale": 0}, r"scale must be a number in \(1e-300, 1e300\); got 0"),
        (sources.Gamma, {"shape": 0.01}, r"shape must be a number in \[0\.05, 1e12\]; got 0\.01"),
        (sources.Gamma, {"shape": 1, "scale": np.bool_(True)}, "scale must be a number"),
        (sources.Laplace, {"scale": -1}, "scale must be a number"),
        (sources.Laplace, {"location": None}, "location must be a number .* got None"),
        (sources.GaussianPair, {"correlation": 1}, r"a number in \(-1, 1\); got 1\."),
        (sources.GaussianPair, {"correlation": -1.0}, r"a number in \(-1, 1\); got -1\.0\."),
        (sources.GaussianPair, {"correlation": 0, "dimension": 0}, "dimension must be a positive"),
        (sources.StudentTPair, {"df": 0.05, "correlation": 0}, r"\[0\.1, inf\); got 0\.05\. Gau"),
        (sources.StudentTPair, {"df": 1, "correlation": 2}, r"correlation must be .*; got 2\."),
        (
            sources.GaussianTriple,
            {"correlation_xz": 0, "correlation_yz": 0, "partial_correlation": 1.0},
            r"partial_correlation must be a number in \(-1, 1\); got 1\.0\.",
        ),
        (sources.UniformSum, {"noise": 0.0}, r"noise must be a number in \(0, 1e300\); got 0\.0"),
        (sources.GammaExponential, {"shape": -1}, "shape must be a number"),
        (sources.ZeroInflatedPoisson, {"zeros": 1}, r"zeros must be a number in \[0, 1\); got 1\."),
        (sources.OverlappingUniforms, {"n_symbols": True}, "n_symbols must be a positive integer"),
        (sources.UniformBinomialChain, {"n_symbols": 1001}, r"\[1, 1000\]; got 1001\."),
        (sources.UniformBinomialChain, {"n_symbols": 2, "probability": 2}, "probability must be"),
    ],
)
def test_refused_parameters(kind: Any, parameters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**parameters)


def test_refused_kinds_of_numbers() -> None:
    with pytest.raises(TypeError, match="probabilities must be numeric"):
        sources.Categorical(["a", "b"])


def test_what_cannot_be_seen_is_no_error() -> None:
    """Single precision rounds its sums, and whole numbers may be probabilities."""
    single = np.full(3, 1 / 3, dtype=np.float32)
    assert sources.Categorical(single).entropy() == pytest.approx(math.log(3), rel=1e-7)
    assert sources.Categorical([0, 1]).entropy() == 0.0
