"""Measure outputs that are in memory, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._validation import refusal
from infotheory.classifiers.measuring import measure
from infotheory.classifiers.report import NCMIReport

__all__ = ["cmi", "gamma", "measure_classifier", "ncmi"]


def measure_classifier(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    n_classes: int | None = None,
    smoothing: float = 0.0,
    class_names: Sequence[str] | None = None,
    sample_weight: Any = None,
    groups: Any = None,
    interval: str | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    calibrate: str | None = None,
    rng: np.random.Generator | int | None = None,
    base: float | None = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> NCMIReport:
    """Measure concentration, separation and NCMI of a classifier from its outputs.

    Parameters
    ----------
    outputs : array_like, shape (n, K)
        One row a sample: float16, float32, float64 or bfloat16; numpy, pandas, or a torch tensor
        on any device. A memory-mapped array may be larger than memory.
    labels : array_like of int, shape (n,)
        True classes, in [0, C).
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What `outputs` holds; never guessed. Rows of probabilities must sum to one within the
        rounding of their dtype, and that rounding is divided out. -inf logits mask a symbol.
    temperature : float, default 1.0
        P = softmax(z / temperature); probabilities are raised to 1/temperature and normalised.
    n_classes : int, optional
        C; by default K, and labels then name columns. Give it where outputs are features rather
        than class scores: cross entropy, error, top-5 and calibration error are then nan.
    smoothing : float, default 0.0
        Weight in [0, 1) of the uniform distribution mixed into every row: the explicit remedy for
        exact zeros, which make Gamma infinite.
    class_names : sequence of str, optional
        One name a class.
    sample_weight : array_like of float, shape (n,), optional
        How much each sample counts, one by default; zero leaves it out.
    groups : array_like of str or int, shape (n,), optional
        To which group each sample belongs; the report then has ``per_group`` and ``group(name)``.
    interval : {"jackknife", "delta", "bootstrap"}, optional
        How to form the confidence intervals of CMI, Gamma, NCMI and error; none by default.
        "jackknife" leaves out one of up to 20 shards in turn and is the most reliable with few
        samples; "delta" uses influence functions and a second pass over the outputs; "bootstrap"
        resamples rows within classes, which takes `n_resamples` passes of matrix products. All
        take the class shares as given and correct the bias of CMI.
    level : float, default 0.95
        Confidence level of the intervals.
    n_resamples : int, default 1000
        Bootstrap resamples.
    calibrate : {"temperature"}, optional
        Fit the temperature on one half of the samples, drawn within classes, and measure the other
        half at it: see :func:`infotheory.classifiers.calibrate_classifier`.
    rng : numpy.random.Generator or int, optional
        Source of randomness or its seed, for "bootstrap" and `calibrate`.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.
    n_jobs : int, optional
        Threads; by default one, or all cores from fifty million numbers on. The result does not
        depend on it.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    NCMIReport

    Raises
    ------
    ValueError, TypeError
        Where outputs are not distributions or labels are not classes; the message names the
        argument and the first offending row.

    Warns
    -----
    EmptyClassWarning, SingleClassWarning, InfiniteSeparationWarning
        Where a number means less than it seems; the texts are in ``report.warnings``.

    See Also
    --------
    NCMIAccumulator : the same, batch by batch.

    Notes
    -----
    CMI = (1/n) sum of D(P_i || Q_y) with Q_y the mean of P_i over class y, and Gamma = (1/n^2)
    times the sum of H(P_i, P_j) over pairs with different labels, both through class sums:
    O(n K) time, one read of the outputs, O(S K) memory for the S classes present. Sums are in
    double precision; logits of 32 bits or less use single-precision arithmetic inside a row where
    CMI keeps a relative accuracy of 1e-7, and double precision elsewhere.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> from infotheory import measure_classifier
    >>> report = measure_classifier([[0.7, 0.3], [0.9, 0.1], [0.2, 0.8]], [0, 0, 1], kind="probs")
    >>> round(report.cmi, 6), round(report.gamma, 6), round(report.ncmi, 6)
    (0.021619, 0.618001, 0.034982)
    >>> report.error
    0.0
    """
    options: dict[str, Any] = {
        "kind": kind,
        "n_classes": n_classes,
        "smoothing": smoothing,
        "class_names": class_names,
        "sample_weight": sample_weight,
        "groups": groups,
        "interval": interval,
        "level": level,
        "n_resamples": n_resamples,
        "base": base,
        "n_jobs": n_jobs,
        "progress": progress,
    }
    if calibrate is None:
        return measure(outputs, labels, temperature=temperature, rng=rng, **options)
    from infotheory.classifiers.calibration import calibrate_classifier

    if temperature != 1.0:
        raise refusal(
            "temperature",
            "left at 1.0 where calibrate is given",
            repr(temperature),
            "Calibration finds the temperature.",
        )
    return calibrate_classifier(outputs, labels, method=calibrate, rng=rng, **options).after


def ncmi(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    n_classes: int | None = None,
    smoothing: float = 0.0,
    n_jobs: int | None = None,
) -> float:
    """Return NCMI = CMI / Gamma of a classifier; small means tight and well separated.

    Parameters
    ----------
    outputs, labels, kind, temperature, n_classes, smoothing, n_jobs
        As in :func:`measure_classifier`.

    Returns
    -------
    float
        A ratio, so the same in every unit. 0 where Gamma is infinite and nan where there is one
        class only; both give a warning.

    Raises
    ------
    ValueError, TypeError
        As in :func:`measure_classifier`.

    Notes
    -----
    One pass over the outputs; cost and numerical care as in :func:`measure_classifier`, which
    gives all the quantities for the same price.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> from infotheory import ncmi
    >>> rows = [[0.75, 0.25], [0.25, 0.75]]
    >>> round(ncmi(rows, [0, 1], kind="probs"), 6)  # one row a class: its own centroid
    0.0
    """
    report = measure(
        outputs,
        labels,
        kind=kind,
        temperature=temperature,
        n_classes=n_classes,
        smoothing=smoothing,
        n_jobs=n_jobs,
    )
    return report.ncmi


def cmi(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    n_classes: int | None = None,
    smoothing: float = 0.0,
    n_jobs: int | None = None,
    base: float | None = None,
) -> float:
    """Return the concentration CMI = I(X; Yhat | Y) of a classifier's outputs.

    Parameters
    ----------
    outputs, labels, kind, temperature, n_classes, smoothing, n_jobs, base
        As in :func:`measure_classifier`.

    Returns
    -------
    float
        Mean over samples of D(P_i || Q_y), in nats unless `base` is given; in [0, ln K].

    Raises
    ------
    ValueError, TypeError
        As in :func:`measure_classifier`.

    Notes
    -----
    One pass over the outputs; cost and numerical care as in :func:`measure_classifier`, which
    gives all the quantities for the same price.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> from infotheory.classifiers import cmi
    >>> cmi([[1, 0], [0, 1], [0.5, 0.5], [0.5, 0.5]], [0, 0, 1, 1], kind="probs", smoothing=0.5)
    0.0654...
    """
    report = measure(
        outputs,
        labels,
        kind=kind,
        temperature=temperature,
        n_classes=n_classes,
        smoothing=smoothing,
        n_jobs=n_jobs,
        base=base,
    )
    return report.cmi


def gamma(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    n_classes: int | None = None,
    smoothing: float = 0.0,
    n_jobs: int | None = None,
    base: float | None = None,
) -> float:
    """Return the separation Gamma of a classifier's output clusters.

    Parameters
    ----------
    outputs, labels, kind, temperature, n_classes, smoothing, n_jobs, base
        As in :func:`measure_classifier`.

    Returns
    -------
    float
        (1/n^2) times the sum of H(P_i, P_j) over pairs with different labels, in nats unless `base`
        is given; inf where an output excludes a symbol to which another class gives mass, with a
        warning.

    Raises
    ------
    ValueError, TypeError
        As in :func:`measure_classifier`.

    Notes
    -----
    One pass over the outputs; cost and numerical care as in :func:`measure_classifier`, which
    gives all the quantities for the same price.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> from infotheory.classifiers import gamma
    >>> gamma([[0.5, 0.5], [0.5, 0.5]], [0, 1], kind="probs", base=2)  # half of all pairs
    0.5
    """
    report = measure(
        outputs,
        labels,
        kind=kind,
        temperature=temperature,
        n_classes=n_classes,
        smoothing=smoothing,
        n_jobs=n_jobs,
        base=base,
    )
    return report.gamma
