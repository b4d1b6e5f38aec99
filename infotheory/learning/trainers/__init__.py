"""Training procedures, one file each; :func:`infotheory.learning.train` runs them."""

from infotheory.learning.trainers.classifier import ClassifierTraining
from infotheory.learning.trainers.cmic import CMICTraining
from infotheory.learning.trainers.distillation import DistillationTraining
from infotheory.learning.trainers.ncmi import NCMITraining
from infotheory.learning.trainers.teacher import TeacherTraining

__all__ = [
    "CMICTraining",
    "ClassifierTraining",
    "DistillationTraining",
    "NCMITraining",
    "TeacherTraining",
]
