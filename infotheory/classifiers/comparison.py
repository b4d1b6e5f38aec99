"""Several classifiers side by side: their table, how NCMI goes with error, and paired tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import check_choice, refusal
from infotheory.classifiers.correlation import (
    Correlation,
    CorrelationIntervals,
    comparable,
    correlation_intervals,
    ncmi_error_correlation,
    ranked,
    why_no_correlation,
)
from infotheory.classifiers.paired import (
    PairedTest,
    holm,
    influence,
    paired_test,
    stratified_covariance,
)
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.row_terms import RowTerms

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "ComparedRows",
    "Comparison",
    "Correlation",
    "CorrelationIntervals",
    "PairedTest",
    "comparable",
    "ncmi_error_correlation",
    "ranked",
]

_QUANTITIES = ("error", "cmi", "gamma", "ncmi")
_DECIMALS = "{:.6g}".format


@dataclass(frozen=True)
class ComparedRows:
    """What is kept of the rows of a model: the labels, and three numbers each.

    Attributes
    ----------
    labels : ndarray of int, shape (N,)
        Of all rows as given; models with the same labels share the array.
    kept : ndarray of int, shape (n,), or None
        Numbers of the rows that were measured; None means all.
    terms : RowTerms
        Of these rows, with pseudo-values of the jackknife for the divergences.
    """

    labels: IntArray
    kept: IntArray | None
    terms: RowTerms

    @property
    def measured(self) -> IntArray:
        """Labels of the rows that were measured."""
        return self.labels if self.kept is None else self.labels[self.kept]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`infotheory.compare_classifiers` found.

    Attributes
    ----------
    reports : dict of str to NCMIReport
        One a model, in the order in which the models were given.
    level : float
        Confidence level of intervals and tests.
    """

    reports: dict[str, NCMIReport]
    level: float
    _rows: dict[str, ComparedRows] = field(repr=False)
    _seed: int = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a model, the smallest NCMI first.

        Returns
        -------
        DataFrame
            Columns n, error, cmi, gamma and ncmi; temperature, where it differs from 1; and
            ``<quantity>_low`` and ``<quantity>_high``, where intervals were asked for. Models with
            infinite Gamma come behind those that NCMI can rank, and last those without an NCMI.
        """
        import pandas as pd

        rows = []
        for report in ranked(self.reports).values():
            row = {name: getattr(report, name) for name in ("n", *_QUANTITIES)}
            if any(r.temperature != 1.0 for r in self.reports.values()):
                row["temperature"] = report.temperature
            for name in _QUANTITIES:
                if name in report.intervals:
                    interval = report.intervals[name]
                    row |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
            rows.append(row)
        return pd.DataFrame(rows, index=pd.Index(list(ranked(self.reports)), name="model"))

    @cached_property
    def correlation(self) -> CorrelationIntervals | None:
        """Correlation of NCMI and error over the models, with intervals; None if undefined.

        Why it is undefined is in :attr:`correlation_note`.
        """
        found = ncmi_error_correlation(self.reports)
        if found is None:
            return None
        usable = {
            name: report
            for name, report in self.reports.items()
            if comparable(report) and np.isfinite(report.gamma)
        }
        covariance = None
        first = next(iter(usable))
        if all(self._difference(first, name) is None for name in usable):
            influences = [
                influence(self._rows[name].terms, report, quantity)
                for name, report in usable.items()
                for quantity in ("ncmi", "error")
            ]
            covariance = stratified_covariance(
                np.stack(influences, axis=1), self._rows[first].measured
            )
        return correlation_intervals(
            found,
            usable[first].n,
            self.level,
            np.array([(report.ncmi, report.error) for report in usable.values()]),
            covariance,
            np.random.default_rng(self._seed),
        )

    @property
    def correlation_note(self) -> str:
        """The correlation in words, or why there is none."""
        if self.correlation is None:
            return f"no correlation of NCMI with error: {why_no_correlation(self.reports)}"
        return str(self.correlation)

    def test(self, first: str, second: str, quantity: str = "ncmi") -> PairedTest:
        """Test whether two models differ, row by row.

        Parameters
        ----------
        first, second : str
            Names of the models, which were measured on the same rows in the same order.
        quantity : {"ncmi", "cmi", "gamma", "error"}, default "ncmi"
            What to compare.

        Returns
        -------
        PairedTest
            Of the value of the first less that of the second.

        Raises
        ------
        ValueError
            Where a model is unknown or lacks the quantity, where the labels of the two differ, or
            where no class has two rows.

        Notes
        -----
        Row by row, what one model contributes to the quantity is subtracted from what the other
        contributes, so that rows which both find hard cancel. For CMI these are pseudo-values of a
        jackknife that leaves out one row, for Gamma influence functions, for NCMI both. The
        variance of the differences within classes, whose shares are taken as given, is referred to
        a t law with Satterthwaite's degrees of freedom. For the error rate the p-value is that of
        McNemar's exact test.

        CMI is too small with few rows in a class, and more so where it is large, which draws models
        together: the test stays valid, and the interval is extended by the estimated bias.
        """
        check_choice("quantity", quantity, ("ncmi", "cmi", "gamma", "error"))
        for argument, name in (("first", first), ("second", second)):
            check_choice(argument, name, tuple(self.reports))
            self._check_defined(name, quantity)
        fact = self._difference(first, second)
        if fact is not None:
            raise refusal(
                "models",
                "measured on the same rows for a paired test",
                fact,
                "Pass the rows of all models in one order.",
            )
        mine, its = self._rows[first], self._rows[second]
        labels = mine.measured
        if np.bincount(labels).max() < 2:
            raise refusal(
                "labels",
                "such that some class has two rows, for a paired test",
                f"{labels.size} rows of as many classes",
                "The variance is that within classes.",
            )
        return paired_test(
            (first, second),
            (self.reports[first], self.reports[second]),
            (mine.terms, its.terms),
            labels,
            quantity,
            self.level,
        )

    def tests(self, quantity: str = "ncmi") -> pd.DataFrame:
        """Test all pairs of models.

        Parameters
        ----------
        quantity : {"ncmi", "cmi", "gamma", "error"}, default "ncmi"
            What to compare.

        Returns
        -------
        DataFrame
            One row a pair, in the order of the table: first, second, difference, low, high,
            standard_error, statistic, p_value, and p_holm, which is adjusted for the number of
            tests. A pair with a model that lacks the quantity is nan.

        Raises
        ------
        ValueError
            As in :meth:`test`.
        """
        import pandas as pd

        check_choice("quantity", quantity, ("ncmi", "cmi", "gamma", "error"))
        columns = ("difference", "low", "high", "standard_error", "statistic", "p_value")
        order = ranked(self.reports)
        rows = []
        for first, second in combinations(order, 2):
            row: dict[str, Any] = {"first": first, "second": second}
            values = [float("nan")] * len(columns)
            if self._defined(first, quantity) and self._defined(second, quantity):
                found = self.test(first, second, quantity)
                values = [getattr(found, name) for name in columns]
            rows.append(row | dict(zip(columns, values, strict=True)))
        table = pd.DataFrame(rows, columns=["first", "second", *columns])
        table["p_holm"] = holm(table["p_value"].tolist())
        return table

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw error against NCMI, with intervals and the correlation; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        Axes
        """
        from infotheory import plotting

        return plotting.ncmi_error_scatter(self.reports, ax=ax, note=self.correlation_note)

    def __str__(self) -> str:
        table = self.to_frame().to_string(float_format=_DECIMALS)
        return f"{table}\n{self.correlation_note}"

    def _repr_html_(self) -> str:
        note = self.correlation_note.replace("\n", "<br>")
        return f"{self.to_frame().to_html(float_format=_DECIMALS)}<p>{note}</p>"

    def _defined(self, name: str, quantity: str) -> bool:
        report = self.reports[name]
        finite = np.isfinite(report.gamma) or quantity not in ("ncmi", "gamma")
        return bool(finite and np.isfinite(getattr(report, quantity)))

    def _check_defined(self, name: str, quantity: str) -> None:
        if not self._defined(name, quantity):
            report = self.reports[name]
            infinite = np.isinf(report.gamma) and quantity in ("ncmi", "gamma")
            raise refusal(
                f"{quantity} of {name!r}",
                "finite for a test",
                "an infinite Gamma" if infinite else f"{getattr(report, quantity)}",
                "Measure with smoothing=1e-3, or test another quantity."
                if infinite
                else "Test another quantity.",
            )

    def _difference(self, first: str, second: str) -> str | None:
        """Say where the rows of two models differ; None where they are the same."""
        mine, its = self._rows[first].labels, self._rows[second].labels
        if mine.size != its.size:
            return f"{mine.size} rows for {first!r} and {its.size} for {second!r}"
        differ = np.flatnonzero(mine != its)
        if differ.size == 0:
            return None
        row = int(differ[0])
        return f"label {mine[row]} for {first!r} and {its[row]} for {second!r} at row {row}"
