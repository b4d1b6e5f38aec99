"""Real networks compared: how NCMI goes with error, and what calibration does to that.

The data lie outside the repository; INFOTHEORY_DATA names their folder.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import infotheory
from infotheory.classifiers import Comparison, calibrate_classifier, fit_temperature

CIFAR10 = "logits_cifar10"


@cache
def networks(folder: Path) -> dict[str, tuple[Any, Any]]:
    found = {}
    for file in sorted((folder / CIFAR10).glob("*.npz")):
        with np.load(file, allow_pickle=False) as archive:
            for name in archive.files:
                if archive[name].ndim == 2:
                    key = f"{file.stem[:6].rstrip('_')}:{name}"
                    found[key] = (archive[name], archive["labels"])
    return found


@cache
def compared(folder: Path, **options: Any) -> Comparison:
    models = networks(folder)
    kinds = {name: "logits" if name.startswith("logits") else "probs" for name in models}
    return infotheory.compare_classifiers(models, kind=kinds, rng=0, **options)


def of_models(comparison: Comparison, names: list[str]) -> Comparison:
    """The comparison of some of its models."""
    return Comparison(
        {name: comparison.reports[name] for name in names},
        comparison.level,
        {name: comparison._rows[name] for name in names},
        0,
    )


def test_how_error_goes_with_ncmi_depends_on_the_set_of_models(data_dir: Path) -> None:
    """0.993 over all eleven, of which one is far from the others; 0.480 over the eight with logits;
    0.604 over the nine with an error below seven per cent."""
    everything = compared(data_dir)
    logits = [name for name in everything.reports if name.startswith("logits")]
    good = [name for name, report in everything.reports.items() if report.error < 0.07]
    assert (len(everything.reports), len(logits), len(good)) == (11, 8, 9)
    for names, pearson in ((list(everything.reports), 0.993), (logits, 0.480), (good, 0.604)):
        found = of_models(everything, names).correlation
        assert found is not None
        assert found.pearson == pytest.approx(pearson, abs=5e-4)
        assert found.n == 10_000
        # The rows decide a correlation far better than so few models do.
        assert found.pearson_over_rows.width < found.pearson_over_models.width
    over_models = of_models(everything, logits).correlation.pearson_over_models
    assert over_models.low < 0 < over_models.high


def test_the_order_follows_error_more_closely_once_calibrated(data_dir: Path) -> None:
    before, after = (compared(data_dir, calibrate=c).correlation for c in (None, "temperature"))
    assert before.spearman == pytest.approx(0.655, abs=5e-4)
    assert after.spearman > 0.9
    assert after.n == 5000


def test_the_labels_of_all_files_are_in_one_order(data_dir: Path) -> None:
    """Were they not, a paired test would be refused."""
    comparison = compared(data_dir)
    table = comparison.tests("ncmi")
    assert len(table) == 55
    assert (table["p_value"] <= table["p_holm"]).all()
    first = table.set_index(["first", "second"]).iloc[0]
    assert first["p_holm"] < 1e-20
    # Two networks of the same NCMI and very different error.
    same = comparison.test("logits:vgg_15_BN_64", "logits:wrn_28_10")
    assert same.p_value > 0.5
    assert comparison.test("logits:vgg_15_BN_64", "logits:wrn_28_10", "error").p_value < 1e-30


def test_real_networks_are_too_confident(data_dir: Path) -> None:
    for name, (outputs, labels) in networks(data_dir).items():
        if name.startswith("logits"):
            assert 1.2 < fit_temperature(outputs, labels) < 3.0
    outputs, labels = networks(data_dir)["logits:vgg_15_BN_64"]
    found = calibrate_classifier(outputs, labels, rng=0)
    assert found.temperature == pytest.approx(fit_temperature(outputs, labels), rel=0.05)
    before, after = found.before, found.after
    assert after.expected_calibration_error < 0.3 * before.expected_calibration_error
    assert after.ncmi > 1.5 * before.ncmi
    assert after.error == before.error
