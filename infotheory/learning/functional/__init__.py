"""Pure functions of tensors, on any device.

What training minimises, differentiable by the logits, and the sums that measurement is made of.
"""

from infotheory.learning.functional.centroids import (
    Centroids,
    class_centroids,
    reverse_channel_bound,
    reverse_channel_log_ratio,
)
from infotheory.learning.functional.class_sums import class_sums
from infotheory.learning.functional.classification import cmi, gamma, gamma_kl, ncmi
from infotheory.learning.functional.codewords import (
    centroid_scores,
    log_sigmax,
    ncmi_codeword_loss,
    normalised_features,
)
from infotheory.learning.functional.distillation import dist_loss, kd_loss, ttm_loss, wttm_loss
from infotheory.learning.functional.entropies import (
    entropy,
    power_sum,
    power_transform,
    renyi_entropy,
)
from infotheory.learning.functional.tensor_sums import TensorSums

__all__ = [
    "Centroids",
    "TensorSums",
    "centroid_scores",
    "class_centroids",
    "class_sums",
    "cmi",
    "dist_loss",
    "entropy",
    "gamma",
    "gamma_kl",
    "kd_loss",
    "log_sigmax",
    "ncmi",
    "ncmi_codeword_loss",
    "normalised_features",
    "power_sum",
    "power_transform",
    "renyi_entropy",
    "reverse_channel_bound",
    "reverse_channel_log_ratio",
    "ttm_loss",
    "wttm_loss",
]
