"""Sources of data that know their own truth.

Each source draws samples with ``sample(n, rng)`` and states exact quantities, so that an estimate
can be held against what it estimates:

>>> from infotheory import sources
>>> pair = sources.GaussianPair(correlation=0.9, dimension=3)
>>> x, y = pair.sample(2000, rng=0)
>>> round(pair.mutual_information(base=2), 4)
3.5939

Discrete sources have ``entropy``, continuous ones ``differential_entropy``, pairs
``mutual_information`` and triples ``conditional_mutual_information``; all take ``base``. Truths are
closed forms, or finite sums over an alphabet.
"""

from infotheory.sources.combined import Independent, Stacked
from infotheory.sources.continuous import Exponential, Gamma, Laplace, Uniform
from infotheory.sources.correlated import GaussianPair, GaussianTriple, JointGaussian, StudentTPair
from infotheory.sources.discrete import Categorical, DiscreteUniform, Geometric, Zipf, dirichlet
from infotheory.sources.elliptical import Gaussian, StudentT
from infotheory.sources.fitted import SMOOTHINGS, MarkovSource, fit_markov
from infotheory.sources.joint import (
    DiscreteJoint,
    binary_erasure,
    binary_symmetric,
    through_channel,
    xor,
    z_channel,
)
from infotheory.sources.markov import MarkovChain
from infotheory.sources.mixed import (
    GammaExponential,
    OverlappingUniforms,
    UniformBinomialChain,
    UniformSum,
    ZeroInflatedPoisson,
)
from infotheory.sources.source import ContinuousSource, DiscreteSource, JointSource, Source
from infotheory.sources.warps import WARPS, Warped

__all__ = [
    "SMOOTHINGS",
    "WARPS",
    "Categorical",
    "ContinuousSource",
    "DiscreteJoint",
    "DiscreteSource",
    "DiscreteUniform",
    "Exponential",
    "Gamma",
    "GammaExponential",
    "Gaussian",
    "GaussianPair",
    "GaussianTriple",
    "Geometric",
    "Independent",
    "JointGaussian",
    "JointSource",
    "Laplace",
    "MarkovChain",
    "MarkovSource",
    "OverlappingUniforms",
    "Source",
    "Stacked",
    "StudentT",
    "StudentTPair",
    "Uniform",
    "UniformBinomialChain",
    "UniformSum",
    "Warped",
    "ZeroInflatedPoisson",
    "Zipf",
    "binary_erasure",
    "binary_symmetric",
    "dirichlet",
    "fit_markov",
    "through_channel",
    "xor",
    "z_channel",
]
