"""CMI, Gamma and NCMI of classifier outputs.

A classifier maps each sample to a distribution over its classes. Samples of one class form a
cluster of points in the simplex: CMI says how concentrated the clusters are, Gamma how far apart,
and NCMI is their ratio. Everything rests on one additive state, :class:`ClassSums`.
"""

from infotheory._results import Interval
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.calibration import Calibration, calibrate_classifier
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.comparing import compare_classifiers
from infotheory.classifiers.comparison import Comparison, CorrelationIntervals, PairedTest
from infotheory.classifiers.functions import cmi, gamma, measure_classifier, ncmi
from infotheory.classifiers.planning import sample_size_for_width
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.state import StoredState, read_states, write_states
from infotheory.classifiers.temperature import (
    TemperatureCurve,
    fit_temperature,
    temperature_curve,
)

__all__ = [
    "Calibration",
    "ClassSums",
    "Comparison",
    "CorrelationIntervals",
    "Interval",
    "NCMIAccumulator",
    "NCMIReport",
    "PairedTest",
    "StoredState",
    "TemperatureCurve",
    "calibrate_classifier",
    "cmi",
    "compare_classifiers",
    "fit_temperature",
    "gamma",
    "measure_classifier",
    "ncmi",
    "read_states",
    "sample_size_for_width",
    "temperature_curve",
    "write_states",
]
