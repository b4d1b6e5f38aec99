"""Training with information, and measurement inside training code; everything that needs PyTorch.

Losses (:class:`CMICLoss`, :class:`NCMILoss`, :class:`MCMITeacherLoss`, :class:`WTTMLoss`, ...) drop
into a loop of your own; :func:`train` runs a whole experiment by one of the procedures in
:mod:`infotheory.learning.trainers`. :class:`NCMIMetric` measures tensors on any device and merges
over processes; :func:`torchmetrics_metric`, :class:`NCMIComputeMetrics` and
:func:`lightning_callback` bring it to torchmetrics, to the trainer of transformers and to
Lightning.
"""

from infotheory.learning.callbacks import NCMIComputeMetrics, lightning_callback
from infotheory.learning.data import CropFlip, TrainingData
from infotheory.learning.eigen_cam import eigen_cam, plot_eigen_cam
from infotheory.learning.engine import Procedure, Run, Settings, train
from infotheory.learning.losses import (
    CenterLoss,
    CMICLoss,
    ConfidencePenaltyLoss,
    DISTLoss,
    FocalLoss,
    KDLoss,
    LanguageCMILoss,
    MCMITeacherLoss,
    NCMILoss,
    TTMLoss,
    WTTMLoss,
)
from infotheory.learning.metrics import NCMIMetric, torchmetrics_metric

__all__ = [
    "CMICLoss",
    "CenterLoss",
    "ConfidencePenaltyLoss",
    "CropFlip",
    "DISTLoss",
    "FocalLoss",
    "KDLoss",
    "LanguageCMILoss",
    "MCMITeacherLoss",
    "NCMIComputeMetrics",
    "NCMILoss",
    "NCMIMetric",
    "Procedure",
    "Run",
    "Settings",
    "TTMLoss",
    "TrainingData",
    "WTTMLoss",
    "eigen_cam",
    "lightning_callback",
    "plot_eigen_cam",
    "torchmetrics_metric",
    "train",
]
