"""Models at work and data sets for them, from the places where people keep them.

:func:`open_model` gives any trained classifier one form, :func:`open_dataset` any data set;
:func:`infotheory.evaluate_model` puts them together; :func:`read_task` reads the classification
tasks of GLUE by name, and :func:`token_information` tells how a language model predicts a text.
The libraries behind them (torch, transformers, timm, ONNX Runtime, scikit-learn, ...) are imported
on use, nothing is downloaded unless asked for, and nothing is unpickled.
"""

from infotheory.models.datasets import as_dataset, open_dataset
from infotheory.models.glue import GLUE_TASKS, GlueTask, TaskData, read_task
from infotheory.models.interface import Classifier, LabelledData, UnreadableSampleError
from infotheory.models.label_names import Alignment, align
from infotheory.models.opening import MODEL_FORMS, as_classifier, open_model
from infotheory.models.preprocessing import ImageTransform, Preprocessing
from infotheory.models.token_information import token_information
from infotheory.models.token_result import TokenInformation

__all__ = [
    "GLUE_TASKS",
    "MODEL_FORMS",
    "Alignment",
    "Classifier",
    "GlueTask",
    "ImageTransform",
    "LabelledData",
    "Preprocessing",
    "TaskData",
    "TokenInformation",
    "UnreadableSampleError",
    "align",
    "as_classifier",
    "as_dataset",
    "open_dataset",
    "open_model",
    "read_task",
    "token_information",
]
