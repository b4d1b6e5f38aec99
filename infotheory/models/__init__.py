"""Models at work and data sets for them, from the places where people keep them.

:func:`open_model` gives any trained classifier one form, :func:`open_dataset` any data set;
:func:`infotheory.evaluate_model` puts them together. The libraries behind them (torch,
transformers, timm, ONNX Runtime, scikit-learn, ...) are imported on use, nothing is downloaded
unless asked for, and nothing is unpickled.
"""

from infotheory.models.datasets import as_dataset, open_dataset
from infotheory.models.interface import Classifier, LabelledData, UnreadableSampleError
from infotheory.models.label_names import Alignment, align
from infotheory.models.opening import MODEL_FORMS, as_classifier, open_model
from infotheory.models.preprocessing import ImageTransform, Preprocessing

__all__ = [
    "MODEL_FORMS",
    "Alignment",
    "Classifier",
    "ImageTransform",
    "LabelledData",
    "Preprocessing",
    "UnreadableSampleError",
    "align",
    "as_classifier",
    "as_dataset",
    "open_dataset",
    "open_model",
]
