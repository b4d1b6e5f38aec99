"""Exact functionals of known distributions: entropy, divergence, information and their kin."""

from infotheory.measures.capacity import (
    ChannelCapacity,
    channel_capacity,
)
from infotheory.measures.conditional_renyi import (
    arimoto_mutual_information,
    conditional_renyi_entropy,
    sibson_centre,
    sibson_mutual_information,
)
from infotheory.measures.coupling import (
    Coupling,
    minimum_entropy_coupling,
)
from infotheory.measures.decomposition import (
    PartialInformationDecomposition,
    partial_information_decomposition,
)
from infotheory.measures.distance import (
    chi_squared,
    hellinger,
    total_variation,
)
from infotheory.measures.divergence import (
    cauchy_schwarz_divergence,
    jensen_shannon_distance,
    jensen_shannon_divergence,
    kl_divergence,
)
from infotheory.measures.f_divergence import (
    F_DIVERGENCES,
    FDivergence,
    alpha_divergence_generator,
    f_divergence,
)
from infotheory.measures.gaussian import (
    gaussian_conditional_mutual_information,
    gaussian_entropy,
    gaussian_kl_divergence,
    gaussian_mutual_information,
    gaussian_total_correlation,
)
from infotheory.measures.information import (
    conditional_mutual_information,
    information_density,
    mutual_information,
    normalized_mutual_information,
    variation_of_information,
)
from infotheory.measures.multivariate import (
    co_information,
    dual_total_correlation,
    o_information,
    s_information,
    total_correlation,
)
from infotheory.measures.partitions import (
    adjusted_mutual_information,
)
from infotheory.measures.rate_distortion import (
    RateDistortion,
    rate_distortion,
)
from infotheory.measures.renyi import (
    power_sum,
    power_transform,
    renyi_divergence,
    renyi_entropy,
    tsallis_entropy,
)
from infotheory.measures.score import (
    Score,
)
from infotheory.measures.shannon import (
    conditional_entropy,
    cross_entropy,
    entropy,
    joint_entropy,
)

__all__ = [
    "F_DIVERGENCES",
    "ChannelCapacity",
    "Coupling",
    "FDivergence",
    "PartialInformationDecomposition",
    "RateDistortion",
    "Score",
    "adjusted_mutual_information",
    "alpha_divergence_generator",
    "arimoto_mutual_information",
    "cauchy_schwarz_divergence",
    "channel_capacity",
    "chi_squared",
    "co_information",
    "conditional_entropy",
    "conditional_mutual_information",
    "conditional_renyi_entropy",
    "cross_entropy",
    "dual_total_correlation",
    "entropy",
    "f_divergence",
    "gaussian_conditional_mutual_information",
    "gaussian_entropy",
    "gaussian_kl_divergence",
    "gaussian_mutual_information",
    "gaussian_total_correlation",
    "hellinger",
    "information_density",
    "jensen_shannon_distance",
    "jensen_shannon_divergence",
    "joint_entropy",
    "kl_divergence",
    "minimum_entropy_coupling",
    "mutual_information",
    "normalized_mutual_information",
    "o_information",
    "partial_information_decomposition",
    "power_sum",
    "power_transform",
    "rate_distortion",
    "renyi_divergence",
    "renyi_entropy",
    "s_information",
    "sibson_centre",
    "sibson_mutual_information",
    "total_correlation",
    "total_variation",
    "tsallis_entropy",
    "variation_of_information",
]
