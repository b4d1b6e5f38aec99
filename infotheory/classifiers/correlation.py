"""How NCMI and error move together over a set of models, and the order of models by NCMI."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infotheory._results import Interval
from infotheory._typing import FloatArray
from infotheory.classifiers.report import NCMIReport

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Correlation",
    "CorrelationIntervals",
    "comparable",
    "correlation_intervals",
    "ncmi_error_correlation",
    "ranked",
    "why_no_correlation",
]

_DRAWS = 2000


class Correlation(NamedTuple):
    """How NCMI and error move together over a set of models."""

    pearson: float
    """Correlation of the values."""
    spearman: float
    """Correlation of the ranks."""
    models: int
    """How many models it was measured on."""


def ranked(reports: Mapping[str, NCMIReport]) -> dict[str, NCMIReport]:
    """Sort by NCMI, smallest first; behind them infinite Gamma, and last those without an NCMI.

    Parameters
    ----------
    reports : mapping of str to NCMIReport
        One report a model.

    Returns
    -------
    dict of str to NCMIReport

    Notes
    -----
    An infinite Gamma makes NCMI zero, which is no merit and must not lead the table.
    """

    def key(item: tuple[str, NCMIReport]) -> tuple[int, float]:
        report = item[1]
        if math.isnan(report.ncmi):
            return 2, 0.0
        return (1, report.cmi) if math.isinf(report.gamma) else (0, report.ncmi)

    return dict(sorted(reports.items(), key=key))


def comparable(report: NCMIReport) -> bool:
    """Say whether a model has an error rate and an NCMI.

    Parameters
    ----------
    report : NCMIReport
        Of the model.

    Returns
    -------
    bool
    """
    return math.isfinite(report.error) and math.isfinite(report.ncmi)


def _usable(reports: Mapping[str, NCMIReport]) -> dict[str, NCMIReport]:
    return {k: r for k, r in reports.items() if comparable(r) and math.isfinite(r.gamma)}


def why_no_correlation(reports: Mapping[str, NCMIReport]) -> str | None:
    """Say why NCMI and error of these models have no correlation; None where they have one.

    Parameters
    ----------
    reports : mapping of str to NCMIReport
        One report a model.

    Returns
    -------
    str or None
    """
    usable = list(_usable(reports).values())
    if len(usable) < 3:
        return f"it takes three models with an error rate and a finite Gamma; got {len(usable)}"
    if len({tuple(report.per_class["n"]) for report in usable}) > 1:
        return "the models were not measured on the same number of samples in each class"
    for name in ("ncmi", "error"):
        values = np.array([getattr(report, name) for report in usable])
        # A spread of rounding errors only has no direction either.
        if np.ptp(values) <= 1e-12 * values.max():
            return f"all models have the same {'NCMI' if name == 'ncmi' else name}"
    return None


def ncmi_error_correlation(reports: Mapping[str, NCMIReport]) -> Correlation | None:
    """Correlate NCMI with the error rate over models measured on the same labels.

    Models with an infinite Gamma take no part: their NCMI of zero says nothing about concentration.

    Parameters
    ----------
    reports : mapping of str to NCMIReport
        One report a model.

    Returns
    -------
    Correlation or None
        None where no correlation is defined: fewer than three models with finite Gamma and an
        error rate, all of them alike, or not measured on the same number of samples in each class.

    Notes
    -----
    Error rates on different data sets differ for reasons that have nothing to do with the models,
    hence the last condition.
    """
    if why_no_correlation(reports) is not None:
        return None
    usable = _usable(reports).values()
    values = np.array([(r.ncmi, r.error) for r in usable])
    return Correlation(float(_pearson(values)), float(_spearman(values)), len(usable))


def _pearson(values: FloatArray) -> FloatArray:
    """Correlation of the two columns of one set of models or of many, shape (..., M, 2)."""
    centred = values - values.mean(axis=-2, keepdims=True)
    centred = centred / np.sqrt((centred**2).sum(axis=-2, keepdims=True))
    products: FloatArray = centred.prod(axis=-1).sum(axis=-1)
    return np.clip(products, -1.0, 1.0)


def _spearman(values: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    return _pearson(rankdata(values, axis=-2))


@dataclass(frozen=True)
class CorrelationIntervals:
    """The correlation of NCMI and error over models, with intervals of two kinds.

    Attributes
    ----------
    pearson, spearman : float
        Correlation of the values, and of the ranks.
    models, n : int
        How many models, measured on how many rows.
    pearson_over_models, spearman_over_models : Interval
        For other models of the same kind on the same rows: the models are taken as a random sample
        of such models, which a hand-picked set is not.
    pearson_over_rows, spearman_over_rows : Interval or None
        For the same models on other rows of the same kind. None where the models were not measured
        on the same rows.
    """

    pearson: float
    spearman: float
    models: int
    n: int
    pearson_over_models: Interval
    spearman_over_models: Interval
    pearson_over_rows: Interval | None
    spearman_over_rows: Interval | None

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a coefficient and kind of interval."""
        import pandas as pd

        rows = []
        for name in ("pearson", "spearman"):
            for over in ("models", "rows"):
                found: Interval | None = getattr(self, f"{name}_over_{over}")
                if found is not None:
                    ends = (found.estimate, found.low, found.high, found.level, found.method)
                    rows.append((name, over, *ends))
        columns = ["coefficient", "over", "estimate", "low", "high", "level", "method"]
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        lines = [f"NCMI against error, {self.models} models, {self.n:,} rows"]
        for name in ("pearson", "spearman"):
            parts = []
            for over, meant in (("models", "other models"), ("rows", "other rows")):
                found: Interval | None = getattr(self, f"{name}_over_{over}")
                if found is not None:
                    parts.append(f"{meant} [{found.low:.2f}, {found.high:.2f}]")
            lines.append(f"{name.title()} {getattr(self, name):.3f}: {', '.join(parts)}")
        return "\n".join(lines)


def correlation_intervals(
    found: Correlation,
    n: int,
    level: float,
    measured: FloatArray,
    covariance: FloatArray | None,
    rng: np.random.Generator,
) -> CorrelationIntervals:
    """Return the correlation of NCMI and error with its intervals.

    Parameters
    ----------
    found : Correlation
        Over M models.
    n : int
        Rows that they were measured on.
    level : float
        Confidence level.
    measured : ndarray of float, shape (M, 2)
        NCMI and error of each model.
    covariance : ndarray of float, shape (2 M, 2 M), or None
        Of the sampling errors of `measured`, read row by row; None where rows were not the same.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    CorrelationIntervals

    Notes
    -----
    Over models: Fisher's z with variance 1/(M - 3) for Pearson's coefficient, and with Bonett and
    Wright's (1 + r^2/2)/(M - 3) for Spearman's. Where that says nothing (three models, or a
    coefficient of exactly 1 or -1) the interval is all of [-1, 1].

    Over rows: NCMI and error of all models are drawn from the normal law around the measured
    values, 2000 times, and correlated. Spearman's interval is between the percentiles of the draws.
    Draws scatter more than the measured values and thereby weaken a strong correlation, for which
    Pearson's interval uses bias-corrected percentiles. Where sampling errors are not small beside
    the differences among the models, both are still too low for a correlation close to one.
    """
    over_models = {
        "pearson": _fisher(found.pearson, 1.0, found.models, level, "Fisher z"),
        "spearman": _fisher(
            found.spearman,
            1.0 + found.spearman**2 / 2,
            found.models,
            level,
            "Fisher z, variance of Bonett and Wright",
        ),
    }
    rows: dict[str, Interval | None] = {"pearson": None, "spearman": None}
    if covariance is not None:
        values, vectors = np.linalg.eigh(covariance)
        noise = rng.standard_normal((_DRAWS, values.size))
        errors = (noise * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        draws = measured + errors.reshape(_DRAWS, *measured.shape)
        rows["pearson"] = _percentiles(found.pearson, draws, _pearson, level, corrected=True)
        rows["spearman"] = _percentiles(found.spearman, draws, _spearman, level, corrected=False)
    return CorrelationIntervals(
        found.pearson,
        found.spearman,
        found.models,
        n,
        over_models["pearson"],
        over_models["spearman"],
        rows["pearson"],
        rows["spearman"],
    )


def _fisher(value: float, factor: float, models: int, level: float, method: str) -> Interval:
    from scipy.special import ndtri

    if models <= 3 or abs(value) >= 1.0 - 1e-12:
        why = f"undetermined by {models} models" if models <= 3 else "undetermined at 1"
        return Interval(value, -1.0, 1.0, math.nan, level, f"{method}, {why}")
    error = math.sqrt(factor / (models - 3))
    reach = float(ndtri(0.5 + level / 2)) * error
    z = math.atanh(value)
    error *= 1 - value**2
    return Interval(value, math.tanh(z - reach), math.tanh(z + reach), error, level, method)


def _percentiles(
    value: float,
    draws: FloatArray,
    coefficient: Callable[[FloatArray], FloatArray],
    level: float,
    *,
    corrected: bool,
) -> Interval:
    from scipy.special import ndtr, ndtri

    with np.errstate(invalid="ignore"):
        drawn = coefficient(draws)
    drawn = drawn[np.isfinite(drawn)]
    ends = np.array([0.5 - level / 2, 0.5 + level / 2])
    method = f"{'bias-corrected ' if corrected else ''}percentiles of {_DRAWS} normal draws"
    if corrected:
        below = (float((drawn < value).sum()) + 0.5) / (drawn.size + 1)
        ends = ndtr(2 * ndtri(below) + ndtri(ends))
    low, high = np.quantile(drawn, ends)
    return Interval(value, float(low), float(high), float(drawn.std()), level, method)
