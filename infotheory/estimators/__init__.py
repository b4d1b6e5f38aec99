"""Information quantities from samples, each with an interval."""

from infotheory._results import Estimate, Interval
from infotheory.estimators.conditional import (
    estimate_conditional_entropy,
    estimate_conditional_mutual_information,
)
from infotheory.estimators.contingency import (
    estimate_conditional_mutual_information_from_counts,
    estimate_mutual_information_from_counts,
)
from infotheory.estimators.continuous.entropy import DENSITY_METHODS
from infotheory.estimators.continuous.information import CONDITIONAL_METHODS, INFORMATION_METHODS
from infotheory.estimators.count_accumulator import CountAccumulator
from infotheory.estimators.divergence import estimate_divergence
from infotheory.estimators.entropy import estimate_entropy, estimate_entropy_from_counts
from infotheory.estimators.feature_scores import mutual_information_scores
from infotheory.estimators.methods import ENTROPY_METHODS
from infotheory.estimators.multivariate import (
    estimate_o_information,
    estimate_total_correlation,
)
from infotheory.estimators.mutual_information import estimate_mutual_information
from infotheory.estimators.pairwise import PairwiseInformation, pairwise_mutual_information
from infotheory.estimators.sequences import block_means, estimate_rate
from infotheory.estimators.transfer_entropy import estimate_transfer_entropy

__all__ = [
    "CONDITIONAL_METHODS",
    "DENSITY_METHODS",
    "ENTROPY_METHODS",
    "INFORMATION_METHODS",
    "CountAccumulator",
    "Estimate",
    "Interval",
    "PairwiseInformation",
    "block_means",
    "estimate_conditional_entropy",
    "estimate_conditional_mutual_information",
    "estimate_conditional_mutual_information_from_counts",
    "estimate_divergence",
    "estimate_entropy",
    "estimate_entropy_from_counts",
    "estimate_mutual_information",
    "estimate_mutual_information_from_counts",
    "estimate_o_information",
    "estimate_rate",
    "estimate_total_correlation",
    "estimate_transfer_entropy",
    "mutual_information_scores",
    "pairwise_mutual_information",
]
