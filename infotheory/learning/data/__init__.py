"""What networks are trained on: samples with labels in one form, and augmentation of images."""

from infotheory.learning.data.augmentation import Augmentation, CropFlip
from infotheory.learning.data.training_data import TrainingData

__all__ = ["Augmentation", "CropFlip", "TrainingData"]
