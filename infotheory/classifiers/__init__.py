"""CMI, Gamma and NCMI of classifier outputs.

A classifier maps each sample to a distribution over its classes. Samples of one class form a
cluster of points in the simplex: CMI says how concentrated the clusters are, Gamma how far apart,
and NCMI is their ratio. Everything rests on one additive state, :class:`ClassSums`.
"""

from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.functions import cmi, gamma, measure_classifier, ncmi
from infotheory.classifiers.report import NCMIReport

__all__ = [
    "ClassSums",
    "NCMIAccumulator",
    "NCMIReport",
    "cmi",
    "gamma",
    "measure_classifier",
    "ncmi",
]
