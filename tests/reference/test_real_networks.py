"""Outputs of real networks, against the double-precision oracle and their published accuracies.

The data lie outside the repository; INFOTHEORY_DATA names their folder.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers.support import assert_close, measure
from oracles import classifiers as oracle
from oracles import classifiers_large as large

EIGHT = "logits_cifar10/logits_8models.npz"
TWO = "logits_cifar10/probs_2models_netcal.npz"
ONE = "logits_cifar10/probs_vgg16_verified_calibration.npz"
JPEG = "logits_cifar10_jpeg_resnet/logits_4resnets_on_jpeg.npz"

# File, array, kind, accuracy in per cent as stated beside the data.
CIFAR10 = [
    (EIGHT, "shake_shake_26_2x64d_SSI_cutout16", "logits", 97.30),
    (EIGHT, "resnext_29_8x64d", "logits", 96.46),
    (EIGHT, "wrn_28_10", "logits", 96.24),
    (EIGHT, "pyramidnet_basic_110_270", "logits", 96.21),
    (EIGHT, "densenet_BC_100_12", "logits", 95.62),
    (EIGHT, "resnet_preact_bottleneck_164", "logits", 94.28),
    (EIGHT, "resnet_basic_110", "logits", 94.06),
    (EIGHT, "vgg_15_BN_64", "logits", 93.18),
    (ONE, "probs", "probs", 93.59),
    (TWO, "wideresnet-16-4", "probs", 91.09),
    (TWO, "lenet-5", "probs", 53.08),
]
OTHERS = [
    (JPEG, "resnet20", "logits", 81.03),
    (JPEG, "resnet32", "logits", 82.56),
    (JPEG, "resnet44", "logits", 82.67),
    (JPEG, "resnet56", "logits", 83.20),
    ("logits_cifar100/probs_wideresnet-16-4.npz", "probs", "probs", 75.43),
    ("logits_cifar100/probs_densenet-bc-100.npz", "probs", "probs", 75.41),
    ("logits_cifar100/probs_lenet-5.npz", "probs", "probs", 12.46),
    ("probs_cleanlab/cifar10_test.npz", "probs", "probs", 92.94),
    ("probs_cleanlab/mnist_test.npz", "probs", "probs", 99.13),
    ("probs_cleanlab/20news_test.npz", "probs", "probs", 92.34),
    ("probs_cleanlab/imdb_test.npz", "probs", "probs", 89.58),
]
ALL = [pytest.param(*row, id=f"{Path(row[0]).stem}:{row[1]}") for row in CIFAR10 + OTHERS]


@cache
def load(path: Path, name: str) -> tuple[Any, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return archive[name], archive["labels"]


@cache
def exact(path: Path, name: str, kind: str) -> oracle.Exact:
    return large.measure(*load(path, name), kind=kind)


@pytest.mark.parametrize(("file", "name", "kind", "accuracy"), ALL)
def test_the_oracle(data_dir: Path, file: str, name: str, kind: str, accuracy: float) -> None:
    """Error, CMI, Gamma and NCMI to 1e-6, and in fact to the library's own promise of 1e-7."""
    z, y = load(data_dir / file, name)
    report, want = measure(z, y, kind=kind), exact(data_dir / file, name, kind)
    assert_close(report.error, want.error, 0.0, 1e-12, "error")
    assert_close(report.cmi, want.cmi, 1e-7, 0.0, "cmi")
    assert_close(report.gamma, want.gamma, 1e-7, 0.0, "gamma")
    assert_close(report.ncmi, want.ncmi, 2e-7, 0.0, "ncmi")
    for field in ("gamma_kl", "mutual_information", "label_information", "cross_entropy"):
        assert_close(getattr(report, field), getattr(want, field), 1e-6, 0.0, field)
    assert_close(report.top5_error, want.top5_error, 0.0, 1e-12, "top5_error")
    assert (report.zeros, report.first_zero_row) == (want.zeros, want.first_zero_row)
    # A confidence on an edge of a bin may be rounded across it: one row in n each.
    assert_close(
        report.expected_calibration_error,
        want.expected_calibration_error,
        1e-6,
        2.0 / want.n,
        "expected_calibration_error",
    )
    # Accuracies are stated with two decimals.
    assert 100 * (1 - report.error) == pytest.approx(accuracy, abs=0.005 + 1e-9)


@pytest.mark.parametrize(
    ("file", "name", "kind"), [(EIGHT, "wrn_28_10", "logits"), (TWO, "lenet-5", "probs")]
)
def test_tables(data_dir: Path, file: str, name: str, kind: str) -> None:
    z, y = load(data_dir / file, name)
    report, want = measure(z, y, kind=kind), exact(data_dir / file, name, kind)
    table = report.per_class
    assert table["n"].tolist() == [1000] * 10
    np.testing.assert_allclose(table["cmi"], want.class_cmi, rtol=1e-6)
    np.testing.assert_allclose(table["error"], want.class_error, atol=1e-12)
    np.testing.assert_allclose(table["centroid_entropy"], want.centroid_entropy, rtol=1e-6)
    np.testing.assert_allclose(report.separation, want.separation, rtol=1e-6)


def test_written_down_values(data_dir: Path) -> None:
    """Pairwise double precision, written down when these tests were made."""
    values = {
        "densenet_BC_100_12": (0.0438, 0.2227626, 16.203472, 0.013748),
        "resnet_basic_110": (0.0594, 0.2848108, 19.030760, 0.014966),
        "shake_shake_26_2x64d_SSI_cutout16": (0.0270, 0.1479473, 16.531174, 0.008950),
        "wrn_28_10": (0.0376, 0.1918999, 8.557946, 0.022424),
    }
    for name, (error, cmi, gamma, ncmi) in values.items():
        report = measure(*load(data_dir / EIGHT, name))
        assert report.error == pytest.approx(error, abs=1e-9)
        assert report.cmi == pytest.approx(cmi, abs=6e-8)
        assert report.gamma == pytest.approx(gamma, abs=6e-7)
        assert report.ncmi == pytest.approx(ncmi, abs=6e-7)


def test_ncmi_follows_the_error(data_dir: Path) -> None:
    """Pearson correlation 0.993 over eleven networks, 0.48 among the eight with logits.

    The eight have errors from 2.7 to 6.8 per cent: within so narrow a range, how confidently a
    network was trained moves NCMI as much as its error does.
    """
    points = []
    for file, name, kind, _ in CIFAR10:
        report = measure(*load(data_dir / file, name), kind=kind)
        points.append((report.ncmi, report.error))
    every, eight = np.array(points), np.array(points[:8])
    assert float(np.corrcoef(every.T)[0, 1]) == pytest.approx(0.993, abs=0.0005)
    assert float(np.corrcoef(eight.T)[0, 1]) == pytest.approx(0.480, abs=0.0005)


def test_exact_zeros_of_real_outputs(data_dir: Path) -> None:
    """20news holds 111,050 exact zeros: Gamma is infinite until it is smoothed."""
    p, y = load(data_dir / "probs_cleanlab/20news_test.npz", "probs")
    report = measure(p, y, kind="probs")
    assert report.zeros == int((p == 0).sum()) == 111_050
    assert report.first_zero_row == int(np.flatnonzero((p == 0).any(axis=1))[0])
    assert (report.gamma, report.ncmi) == (math.inf, 0.0)
    assert report.warnings
    smooth, want = (f(p, y, kind="probs", smoothing=1e-3) for f in (measure, large.measure))
    assert smooth.zeros == 0
    assert_close(smooth.cmi, want.cmi, 1e-7, 0.0, "cmi")
    assert_close(smooth.gamma, want.gamma, 1e-7, 0.0, "gamma")


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_on_a_real_network(data_dir: Path, temperature: float) -> None:
    z, y = load(data_dir / EIGHT, "vgg_15_BN_64")
    report = measure(z, y, temperature=temperature)
    want = large.measure(z, y, temperature=temperature)
    assert_close(report.cmi, want.cmi, 1e-7, 0.0, "cmi")
    assert_close(report.gamma, want.gamma, 1e-7, 0.0, "gamma")
    assert_close(report.cross_entropy, want.cross_entropy, 1e-6, 0.0, "cross_entropy")
