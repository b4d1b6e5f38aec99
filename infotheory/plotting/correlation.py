"""How NCMI and error move together, as figures and tables state it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from infotheory.classifiers import NCMIReport

__all__ = ["Correlation", "comparable", "ncmi_error_correlation"]


class Correlation(NamedTuple):
    """How NCMI and error move together over a set of models."""

    pearson: float
    """Correlation of the values."""
    spearman: float
    """Correlation of the ranks."""
    models: int
    """How many models it was measured on."""


def comparable(report: NCMIReport) -> bool:
    """Say whether a model has an error rate and an NCMI."""
    return math.isfinite(report.error) and math.isfinite(report.ncmi)


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
    from scipy import stats

    usable = [r for r in reports.values() if comparable(r) and math.isfinite(r.gamma)]
    if len(usable) < 3 or len({tuple(r.per_class["n"]) for r in usable}) > 1:
        return None
    x = np.array([r.ncmi for r in usable])
    y = np.array([r.error for r in usable])
    # A spread of rounding errors only has no direction either.
    if min(np.ptp(x) - 1e-12 * x.max(), np.ptp(y) - 1e-12 * y.max()) <= 0:
        return None
    return Correlation(
        float(stats.pearsonr(x, y).statistic), float(stats.spearmanr(x, y).statistic), len(usable)
    )
