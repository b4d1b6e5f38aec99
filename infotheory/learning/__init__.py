"""Measurement inside training code; everything that needs PyTorch.

:class:`NCMIMetric` takes in tensors on any device and merges over processes;
:func:`torchmetrics_metric`, :class:`NCMIComputeMetrics` and :func:`lightning_callback` bring it to
torchmetrics, to the trainer of transformers and to Lightning.
"""

from infotheory.learning.callbacks import NCMIComputeMetrics, lightning_callback
from infotheory.learning.metrics import NCMIMetric, torchmetrics_metric

__all__ = ["NCMIComputeMetrics", "NCMIMetric", "lightning_callback", "torchmetrics_metric"]
