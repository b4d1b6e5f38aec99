"""Temperature: the one of least cross entropy, and what every other one makes of a classifier.

NCMI is not free of scale: the same decisions, made with logits twice as large, give tighter and
more distant clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._simplex import sum_tolerance
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import as_weights, check_jobs, check_temperature, decode, refusal
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.functions import measure_classifier
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.told_once import collected, tell
from infotheory.classifiers.valid_rows import blocks, check_rows

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "TemperatureCurve",
    "fit_temperature",
    "temperature_curve",
]

_CHUNK_NUMBERS = 1 << 24  # of a copy in double precision
_STEPS = 40  # of a factor four, in search of two temperatures with the best one between them
# The mean advantage of the label over its row, in units of the spread of the row, below which the
# best temperature, which is larger than the spread by its inverse, is lost in rounding.
_LEAST_ADVANTAGE = 1e-6
_CURVE = ("cmi", "gamma", "ncmi", "cross_entropy", "expected_calibration_error", "error")


def fit_temperature(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    sample_weight: Any = None,
    n_jobs: int | None = None,
) -> float:
    """Return the temperature T at which softmax(z / T) has the least cross entropy.

    Parameters
    ----------
    outputs : array_like, shape (n, K)
        One row a sample, as in :func:`infotheory.measure_classifier`.
    labels : array_like of int, shape (n,)
        Columns, in [0, K).
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What `outputs` holds; z is the logarithm of probabilities.
    sample_weight : array_like of float, shape (n,), optional
        How much each sample counts, one by default; zero leaves it out.
    n_jobs : int, optional
        Threads for one pass.

    Returns
    -------
    float
        Larger than one where the outputs are too confident.

    Raises
    ------
    ValueError, TypeError
        Where outputs or labels are refused as in :func:`infotheory.measure_classifier`, where a
        label has probability zero, and where the cross entropy has no minimum: every label has the
        largest output of its row (it falls as T goes to 0), or labels have no more than the
        average output of their rows (it falls as T grows without end).

    Notes
    -----
    Cross entropy is convex in 1/T, and T d/dT of it is the mean entropy of the rows less the cross
    entropy. At the minimum the two are equal: that root is bracketed and found, which gives T to
    some nine digits, where a search for the minimum itself would give half as many. A pass over the
    outputs in double precision for each of some fifteen trials; the copy in double precision holds
    a part of the rows at a time.

    References
    ----------
    guo2017calibration, section 4.2.

    Examples
    --------
    Three of four rows are right, and each says so with odds of nine to one; odds of three to one
    would be calibrated, so T = ln 9 / ln 3.

    >>> import math
    >>> from infotheory.classifiers import fit_temperature
    >>> logits = [[math.log(9), 0.0]] * 4
    >>> round(fit_temperature(logits, [0, 0, 0, 1]), 9)
    2.0
    """
    n_jobs = check_jobs(n_jobs)
    rows, targets = NCMIAccumulator().check(outputs, labels, kind)
    weights = None
    if sample_weight is not None:
        weights = as_weights(sample_weight, rows.shape[0])
        if not weights.any():
            raise refusal("sample_weight", "positive for at least one sample", "only zeros")
    scale = _scale(rows, targets, kind, weights)

    def excess(log_temperature: float) -> float:
        """Cross entropy less mean entropy of the rows: positive below the best temperature."""
        temperature, total = math.exp(log_temperature), 0.0
        for part, logits in _chunks(rows, kind):
            sums = class_sums(
                logits,
                targets[part],
                rows.shape[1],
                temperature=temperature,
                weights=None if weights is None else weights[part],
                n_jobs=n_jobs,
            )
            total += float(sums.loss.sum() + sums.entropy.sum())
        return total

    return math.exp(_root(excess, math.log(scale)))


def _chunks(rows: AnyArray, kind: str) -> Iterator[tuple[slice, FloatArray]]:
    """Logits in double precision of one part of the rows after the other, and which part."""
    step = max(1, _CHUNK_NUMBERS // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        part = slice(start, start + step)
        yield part, _as_logits(decode(rows[part]), kind)


def _as_logits(rows: FloatArray, kind: str) -> FloatArray:
    if kind != "probs":
        return rows
    with np.errstate(divide="ignore"):
        return np.log(rows)


def _scale(rows: AnyArray, targets: IntArray, kind: str, weights: FloatArray | None) -> float:
    """Refuse what has no best temperature; return the mean spread of logits within a row."""
    tolerance = sum_tolerance(rows.dtype, rows.shape[1], kind)
    wrong = slope = spread = 0.0
    for start, block in blocks(rows):
        check_rows(block, kind, tolerance, start)
        part = slice(start, start + block.shape[0])
        logits, here = _as_logits(block, kind), targets[part]
        w = np.ones(here.size) if weights is None else weights[part]
        own = logits[np.arange(here.size), here]
        impossible = np.isneginf(own) & (w > 0.0)
        if impossible.any():
            row = int(np.argmax(impossible))
            raise refusal(
                "outputs",
                "positive at the label",
                f"probability zero at row {start + row}, whose label is {here[row]}",
                "Its cross entropy is infinite at every temperature: repair or leave out that row.",
            )
        own = np.where(np.isneginf(own), 0.0, own)  # of weight zero
        used = np.isfinite(logits)
        wrong += float(w @ (logits.max(axis=1) - own))
        mean = np.mean(logits, axis=1, where=used)
        slope += float(w @ (mean - own))
        spread += float(w @ np.mean(np.abs(logits - mean[:, None]), axis=1, where=used))
    if spread == 0.0:
        raise refusal(
            "outputs",
            "different within a row",
            "rows of equal outputs only",
            "Every temperature gives them the uniform distribution.",
        )
    if wrong == 0.0:
        raise refusal(
            "outputs",
            "wrong in at least one row for a temperature to be fitted",
            "the largest output at the label of every row",
            "Cross entropy falls all the way to temperature 0: fit on more rows, or on rows that "
            "the classifier was not trained on.",
        )
    if slope >= -_LEAST_ADVANTAGE * spread:
        raise refusal(
            "outputs",
            "larger at the labels than on average over their rows",
            "labels that are no more likely than other columns",
            "Cross entropy falls as temperature grows without end: check that labels and outputs "
            "belong to the same samples.",
        )
    return spread / (targets.size if weights is None else float(weights.sum()))


def _root(excess: Callable[[float], float], start: float) -> float:
    """Where `excess` falls through zero, near `start` or far from it."""
    from scipy.optimize import brentq

    before, value = start, excess(start)
    direction = 1.0 if value > 0 else -1.0
    step = math.log(4.0)
    for _ in range(_STEPS):
        after = before + direction * step
        if direction * excess(after) < 0:
            return float(brentq(excess, min(before, after), max(before, after), xtol=1e-11))
        before = after
    raise refusal(
        "outputs",
        "of one scale in all rows",
        f"rows whose best temperature is more than {4.0**_STEPS:.0e} times away from their spread",
        "Leave out rows of extraordinary size.",
    )


@dataclass(frozen=True, eq=False)
class TemperatureCurve:
    """The quantities of a classifier over temperatures; see :func:`temperature_curve`.

    Attributes
    ----------
    temperatures : ndarray of float
        Ascending.
    cmi, gamma, ncmi, cross_entropy, expected_calibration_error, error : ndarray of float
        One value a temperature, as in :class:`~infotheory.classifiers.NCMIReport`.
    unit : str
        Of the information quantities.
    warnings : tuple of str
        Why some number means less than it seems.
    """

    temperatures: FloatArray
    cmi: FloatArray
    gamma: FloatArray
    ncmi: FloatArray
    cross_entropy: FloatArray
    expected_calibration_error: FloatArray
    error: FloatArray
    unit: str
    warnings: tuple[str, ...] = field(default=(), repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a temperature, which is its index."""
        import pandas as pd

        index = pd.Index(self.temperatures, name="temperature")
        return pd.DataFrame({name: getattr(self, name) for name in _CURVE}, index=index)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw NCMI and cross entropy against temperature; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        Axes
            Those of NCMI; the cross entropy has axes of its own over them.
        """
        from infotheory import plotting

        return plotting.temperature_lines(self, ax=ax)

    def __str__(self) -> str:
        return str(self.to_frame().to_string(float_format="{:.6g}".format))

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(float_format="{:.6g}".format))


def temperature_curve(
    outputs: Any,
    labels: Any,
    temperatures: Any = None,
    *,
    kind: str = "logits",
    smoothing: float = 0.0,
    n_classes: int | None = None,
    base: float | None = None,
    n_jobs: int | None = None,
) -> TemperatureCurve:
    """Measure a classifier at many temperatures.

    Parameters
    ----------
    outputs, labels
        As in :func:`infotheory.measure_classifier`.
    temperatures : array_like of float, optional
        Where to measure, in any order; 33 temperatures from 1/4 to 4 in equal ratios by default.
    kind, smoothing, n_classes, base, n_jobs
        As in :func:`infotheory.measure_classifier`.

    Returns
    -------
    TemperatureCurve

    Raises
    ------
    ValueError, TypeError
        As in :func:`infotheory.measure_classifier`, and where a temperature is not positive.

    Warns
    -----
    EmptyClassWarning, SingleClassWarning, InfiniteSeparationWarning
        Each once, since temperature changes none of their causes.

    Notes
    -----
    One pass over the outputs for each temperature.

    References
    ----------
    guo2017calibration

    Examples
    --------
    >>> from infotheory.classifiers import temperature_curve
    >>> logits = [[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]]
    >>> curve = temperature_curve(logits, [0, 0, 1], [1, 2])
    >>> curve.ncmi.round(6).tolist()
    [0.013344, 0.009125]
    """
    grid = _grid(temperatures)
    values: list[list[float]] = []
    unit: str = ""
    notes: tuple[str, ...] = ()
    with collected() as warned:
        for temperature in grid.tolist():
            report = measure_classifier(
                outputs,
                labels,
                kind=kind,
                temperature=temperature,
                smoothing=smoothing,
                n_classes=n_classes,
                base=base,
                n_jobs=n_jobs,
            )
            values.append([getattr(report, name) for name in _CURVE])
            unit, notes = report.unit, report.warnings
    tell(warned)
    columns = dict(zip(_CURVE, np.array(values).T, strict=True))
    return TemperatureCurve(temperatures=grid, **columns, unit=unit, warnings=notes)


def _grid(temperatures: Any) -> FloatArray:
    if temperatures is None:
        return np.geomspace(0.25, 4.0, 33)
    values = np.asarray(temperatures)
    if values.ndim != 1 or values.size == 0:
        raise refusal(
            "temperatures",
            "a sequence of at least one number",
            f"shape {values.shape}",
            "Pass for example [0.5, 1, 2].",
        )
    return np.array(sorted(check_temperature(value) for value in values))
