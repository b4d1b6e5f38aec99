"""Refusals of what a temperature, a plan, or names cannot be made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from classifiers.support import clustered_logits

import infotheory
from infotheory import measure_classifier, sample_size_for_width

K = 4
Y = np.arange(400) % K
Z = clustered_logits(np.random.default_rng(0), Y, K, 1.0)


@pytest.mark.parametrize("names", [5, 1.5])
def test_class_names_that_are_no_sequence(names: Any) -> None:
    with pytest.raises(TypeError, match=r"class_names must be a sequence of strings; got"):
        measure_classifier(Z, Y, class_names=names)


def test_a_temperature_needs_labels_that_name_columns() -> None:
    text = (
        r"n_classes must be the number of output columns \(4\) where a temperature is fitted; got 9"
    )
    with pytest.raises(ValueError, match=text):
        measure_classifier(Z, Y, n_classes=9, calibrate="temperature", rng=0)
    with pytest.raises(ValueError, match=text):
        infotheory.compare_classifiers({"a": (Z, Y)}, n_classes=9, calibrate="temperature", rng=0)


@pytest.mark.parametrize("quantity", ["ncmi", "error"])
def test_widths_that_no_data_set_gives(quantity: str) -> None:
    report = measure_classifier(Z, Y, interval="jackknife")
    with pytest.raises(ValueError, match=r"width must be at least 1e-8 of the present one"):
        sample_size_for_width(report, 1e-200, quantity)
    with pytest.raises(TypeError, match=r"report must be an NCMIReport; got int"):
        sample_size_for_width(3, 0.1, quantity)  # type: ignore[arg-type]
