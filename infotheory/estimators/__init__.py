"""Information quantities from samples, each with an interval."""

from infotheory._results import Estimate, Interval
from infotheory.estimators.contingency import (
    estimate_conditional_mutual_information_from_counts,
    estimate_mutual_information_from_counts,
)
from infotheory.estimators.count_accumulator import CountAccumulator
from infotheory.estimators.entropy import estimate_entropy, estimate_entropy_from_counts
from infotheory.estimators.methods import ENTROPY_METHODS
from infotheory.estimators.mutual_information import (
    estimate_conditional_entropy,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)

__all__ = [
    "ENTROPY_METHODS",
    "CountAccumulator",
    "Estimate",
    "Interval",
    "estimate_conditional_entropy",
    "estimate_conditional_mutual_information",
    "estimate_conditional_mutual_information_from_counts",
    "estimate_entropy",
    "estimate_entropy_from_counts",
    "estimate_mutual_information",
    "estimate_mutual_information_from_counts",
]
