"""What the classifier tests share: quiet calls, tolerances, and data with clusters."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from oracles import classifiers as oracle
from oracles import classifiers_large as large

import infotheory
from infotheory.exceptions import InfotheoryWarning

EPS = 2.0**-52

# Worked example A of "CMI constrained deep learning": rows of probabilities and labels.
EXAMPLE_A = [
    (0.7, 0.2, 0.1),
    (0.5, 0.3, 0.2),
    (0.1, 0.8, 0.1),
    (0.2, 0.6, 0.2),
    (0.3, 0.3, 0.4),
    (0.05, 0.15, 0.8),
]
LABELS_A = [0, 0, 1, 1, 1, 2]

# Worked example B: logits and labels.
EXAMPLE_B = [
    (2.0, 0.0, -1.0),
    (0.5, 1.0, 0.0),
    (0.0, 0.0, 0.0),
    (-1.0, 2.0, 0.5),
    (1.0, -0.5, 0.25),
]
LABELS_B = [0, 0, 1, 1, 2]


def quietly(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call without the package's own warnings; every other warning is still an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)
        return function(*args, **kwargs)


def measure(outputs: Any, labels: Any, **options: Any) -> infotheory.NCMIReport:
    """`measure_classifier` without the warnings about empty classes and the like."""
    return quietly(
        infotheory.measure_classifier, np.asarray(outputs), np.asarray(labels), **options
    )


def rounding_floor(exact: oracle.Exact) -> float:
    """Absolute error that rounding of float64 sums may leave in CMI and its like.

    They are differences of two sums over n rows: of row entropies, each itself a slope less a
    log-sum-exp of the size of the row's loss, and of entropies of centroids. Rounding of a sum
    walks to about sqrt(n) eps/2 of it, and each row brings a few eps of its own. Entropies are at
    most ln K but tiny for peaked rows; beyond 16 nats a row is taken from its maximum, so that
    its loss no longer enters.
    """
    loss = exact.cross_entropy if exact.n_classes == exact.n_outputs else 0.0
    size = exact.row_entropy + exact.cmi + min(loss, 16.0)
    return 4.0 * size * (1.0 + math.sqrt(exact.n) / 2.0) * EPS


def relative_goal(dtype: Any) -> float:
    """Relative error promised for CMI and Gamma: 1e-12 from float64, 1e-7 from anything less."""
    return 1e-12 if str(dtype) in {"float64", ">f8"} else 1e-7


def assert_close(got: float, want: float, relative: float, absolute: float, name: str) -> None:
    """Like math.isclose, for nan and infinity too, with a message that tells the error."""
    if math.isnan(want) or math.isinf(want):
        assert got == want or (math.isnan(got) and math.isnan(want)), f"{name}: {got} not {want}"
        return
    allowed = relative * abs(want) + absolute
    assert abs(got - want) <= allowed, (
        f"{name}: {got!r} differs from {want!r} by {abs(got - want):.2e}, allowed {allowed:.2e}"
    )


def assert_matches(
    report: infotheory.NCMIReport, exact: oracle.Exact, dtype: Any = "float64"
) -> None:
    """Every field of a report against the oracle."""
    goal, floor = relative_goal(dtype), rounding_floor(exact)
    # Sums over rows of float32 results, one rounding each: 2^-24 of values of order ln k. The
    # promise of 1e-7 concerns CMI and Gamma; the other quantities get one decimal less.
    other = goal if goal == 1e-12 else 1e-6
    other_floor = floor if goal == 1e-12 else 2e-8
    assert (report.n, report.n_classes, report.n_outputs) == (
        exact.n,
        exact.n_classes,
        exact.n_outputs,
    )
    assert_close(report.cmi, exact.cmi, goal, floor, "cmi")
    assert_close(report.gamma, exact.gamma, goal, floor, "gamma")
    assert_close(report.gamma_pair, exact.gamma_pair, goal, floor * square(exact), "gamma_pair")
    if math.isfinite(exact.ncmi):
        share = floor / exact.gamma if math.isfinite(exact.gamma) else 0.0
        assert_close(report.ncmi, exact.ncmi, 2 * goal + share, share, "ncmi")
    else:
        assert_close(report.ncmi, exact.ncmi, 0.0, 0.0, "ncmi")
    names = ("gamma_kl", "mutual_information", "label_information", "cross_entropy")
    for name in names:
        assert_close(getattr(report, name), getattr(exact, name), other, other_floor, name)
    assert_close(report.error, exact.error, 0.0, 1e-15, "error")
    assert_close(report.top5_error, exact.top5_error, 0.0, 1e-15, "top5_error")
    assert_close(
        report.expected_calibration_error,
        exact.expected_calibration_error,
        other,
        other_floor * 10,
        "expected_calibration_error",
    )
    assert report.zeros == exact.zeros
    assert report.first_zero_row == exact.first_zero_row


def square(exact: oracle.Exact) -> float:
    """n^2 over the number of pairs with different labels: Gamma_pair over Gamma."""
    pairs = exact.n**2 - sum(m * m for m in exact.class_n)
    return exact.n**2 / pairs if pairs else 0.0


def class_floor(exact: oracle.Exact, dtype: Any) -> Any:
    """Absolute error allowed in the CMI of each class.

    In single precision a row's sum of P ln P is a slope less a log-sum-exp, both of the size of
    its loss plus ln K, each with a rounding or two of 2^-24; rows average. From 16 nats on a
    softmax starts at the maximum instead, whose loss is below ln K. The 1e-7 promised for CMI as
    a whole is a mean over classes and does not hold for classes of a few rows.
    """
    if relative_goal(dtype) == 1e-12:
        return rounding_floor(exact)
    size = np.minimum(exact.class_loss, 16.0) + math.log(exact.n_outputs)
    with np.errstate(divide="ignore"):
        return 4 * 2.0**-24 * size / np.sqrt(exact.class_n)


def assert_per_class(
    report: infotheory.NCMIReport, exact: oracle.Exact, dtype: Any = "float64"
) -> None:
    """The per-class table and the separation matrix against the oracle."""
    double = relative_goal(dtype) == 1e-12
    relative = 1e-12 if double else 1e-6
    floor = rounding_floor(exact) if double else 1e-7
    table = report.per_class
    assert table["n"].tolist() == list(exact.class_n)
    empty = np.array(exact.class_n) == 0
    for column, wanted in (
        ("cmi", exact.class_cmi),
        ("error", exact.class_error),
        ("centroid_entropy", exact.centroid_entropy),
    ):
        got, want = table[column].to_numpy(dtype=float), np.array(wanted, dtype=float)
        absolute = class_floor(exact, dtype) if column == "cmi" else floor
        allowed = relative * np.abs(want) + absolute
        assert np.isnan(got[empty]).all(), column
        assert (np.isnan(got) == np.isnan(want)).all(), column
        wrong = np.flatnonzero(np.abs(got - want) > allowed)
        assert not wrong.size, f"{column} of classes {wrong}: {got[wrong]} not {want[wrong]}"
    np.testing.assert_allclose(
        report.separation, np.array(exact.separation), rtol=relative, atol=floor
    )


def clustered_logits(
    rng: np.random.Generator, labels: Any, k: int, scale: float = 3.0, spread: float = 1.0
) -> Any:
    """Rows around one random centre a class, the label's own column raised where it exists."""
    y = np.asarray(labels)
    centres = rng.normal(size=(int(y.max()) + 1, k)) * scale
    own = np.arange(min(len(centres), k))
    centres[own, own] += scale
    return centres[y] + rng.normal(size=(len(y), k)) * spread


def labels_of_sizes(sizes: Any, rng: np.random.Generator | None = None) -> Any:
    """Labels with the given class sizes, grouped or in random order."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    return y if rng is None else rng.permutation(y)


CLASS_SIZES = (130, 1, 65, 0, 64, 63, 17, 16, 15, 2, 3, 33, 0, 5)


def class_sizes(classes: int, rows: int = 650) -> list[int]:
    """Sizes on both sides of the block lengths 16 and 64, single samples and empty classes."""
    sizes = list(CLASS_SIZES[:classes])
    left = max(0, rows - sum(sizes))
    while len(sizes) < classes:
        # Every third of the remaining classes is empty; once the rows are used up, all are.
        size = min(left, (1, 2, 0)[len(sizes) % 3])
        sizes.append(size)
        left -= size
    return sizes


def away_from_bin_edges(
    outputs: Any, labels: Any, kind: str = "logits", margin: float = 1e-5
) -> tuple[Any, Any]:
    """Drop the rows whose confidence is so near an edge of a bin that rounding would decide.

    The calibration error jumps there, so no two computations in different precision agree. At
    most a few rows in a thousand go.
    """
    values = np.asarray(outputs, dtype=np.float64)
    confidence = large.distributions(values, kind)[0].max(axis=1)
    distance = np.abs(confidence[:, None] - np.arange(1, 15) / 15).min(axis=1)
    keep = distance > margin
    assert keep.mean() > 0.95
    return outputs[keep], np.asarray(labels)[keep]
