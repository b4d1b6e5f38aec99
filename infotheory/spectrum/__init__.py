"""Laws of information densities at any block length: certified, exact or approximate."""

from infotheory.spectrum.approximations import (
    bahadur_rao_approximation,
    edgeworth_approximation,
    lugannani_rice_approximation,
    normal_approximation,
)
from infotheory.spectrum.coding_bounds import (
    RateBounds,
    coding_error_bounds,
    coding_rate_bounds,
    size_bounds,
)
from infotheory.spectrum.continuous import GammaScore, GaussianPairScore
from infotheory.spectrum.equipartition import nep_approximation, nep_bounds, nep_terms
from infotheory.spectrum.markov import MarkovScore
from infotheory.spectrum.rate_expansion import RateExpansion, rate_expansion
from infotheory.spectrum.results import Bounds
from infotheory.spectrum.source_coding import minimum_rate, optimal_error
from infotheory.spectrum.spectrum import Spectrum, exact
from infotheory.spectrum.tail import TAIL_METHODS, tail

__all__ = [
    "TAIL_METHODS",
    "Bounds",
    "GammaScore",
    "GaussianPairScore",
    "MarkovScore",
    "RateBounds",
    "RateExpansion",
    "Spectrum",
    "bahadur_rao_approximation",
    "coding_error_bounds",
    "coding_rate_bounds",
    "edgeworth_approximation",
    "exact",
    "lugannani_rice_approximation",
    "minimum_rate",
    "nep_approximation",
    "nep_bounds",
    "nep_terms",
    "normal_approximation",
    "optimal_error",
    "rate_expansion",
    "size_bounds",
    "tail",
]
