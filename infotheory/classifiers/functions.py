"""Measure outputs that are in memory, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._validation import check_base
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.report import NCMIReport

__all__ = ["cmi", "gamma", "measure_classifier", "ncmi"]

_CHUNK_BYTES = 1 << 28  # of a file mapped into memory, or between two steps of a progress bar


def measure_classifier(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    n_classes: int | None = None,
    smoothing: float = 0.0,
    class_names: Sequence[str] | None = None,
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
    return _measure(
        outputs,
        labels,
        kind=kind,
        temperature=temperature,
        n_classes=n_classes,
        smoothing=smoothing,
        class_names=class_names,
        base=base,
        n_jobs=n_jobs,
        progress=progress,
    )


def _measure(
    outputs: Any,
    labels: Any,
    *,
    kind: str,
    temperature: float,
    n_classes: int | None,
    smoothing: float,
    n_jobs: int | None,
    class_names: Sequence[str] | None = None,
    base: float | None = None,
    progress: bool = False,
) -> NCMIReport:
    """Do the work of every public function, so that a warning shows the line of its caller."""
    base = check_base(base)
    accumulator = NCMIAccumulator(
        n_classes,
        temperature=temperature,
        smoothing=smoothing,
        class_names=class_names,
        n_jobs=n_jobs,
    )
    if not (progress or isinstance(outputs, np.memmap)):
        accumulator.update(outputs, labels, kind)
    else:
        _stream(accumulator, outputs, labels, kind, progress)
    return NCMIReport.from_sums(
        accumulator.sums,
        base=base,
        temperature=accumulator.temperature,
        smoothing=accumulator.smoothing,
        class_names=accumulator.class_names,
        stacklevel=4,
    )


def _stream(
    accumulator: NCMIAccumulator, outputs: Any, labels: Any, kind: str, progress: bool
) -> None:
    from tqdm.auto import tqdm

    rows, targets = accumulator.check(outputs, labels, kind)
    step = max(1, min(_CHUNK_BYTES // (rows.shape[1] * rows.itemsize), -(-rows.shape[0] // 20)))
    with tqdm(total=rows.shape[0], unit="row", disable=not progress, delay=0.5) as bar:
        for start in range(0, rows.shape[0], step):
            part = slice(start, start + step)
            accumulator.take(rows[part], targets[part], kind, first_row=start)
            bar.update(rows[part].shape[0])


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
    report = _measure(
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
    report = _measure(
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
    report = _measure(
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
