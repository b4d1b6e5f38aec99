"""The report on one classifier: numbers that behave as floats, tables, and plots."""

from __future__ import annotations

import math
import warnings as python_warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._results import Interval, unit_name
from infotheory._simplex import KINDS
from infotheory._typing import FloatArray
from infotheory._validation import as_labels, as_outputs, check_choice, check_count, refusal
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.findings import findings
from infotheory.classifiers.quantities import finish, separation_matrix
from infotheory.classifiers.report_text import (
    INFORMATION,
    MEANING,
    as_html,
    as_text,
    group_table,
    interval_columns,
)
from infotheory.classifiers.row_terms import row_terms
from infotheory.classifiers.valid_rows import refuse_probabilities

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["NCMIReport"]


@dataclass(frozen=True, eq=False)
class NCMIReport:
    """What :func:`infotheory.measure_classifier` found; every quantity is a plain float.

    Attributes
    ----------
    cmi : float
        Concentration, I(X; Yhat | Y): mean over samples of D(P_i || Q_y). Small is tight.
    gamma : float
        Separation: (1/n^2) times the sum of H(P_i, P_j) over pairs with different labels. It is
        inf where some output excludes a symbol to which another class gives mass.
    gamma_kl, gamma_pair : float
        Gamma with D(P_i || P_j) in place of H(P_i, P_j); Gamma as a mean over the pairs with
        different labels.
    ncmi : float
        cmi / gamma. 0 where gamma is inf (do not rank it), nan where there is one class only.
    mutual_information, label_information : float
        I(X; Yhat) and I(Y; Yhat); their difference is cmi.
    cross_entropy, error, top5_error, expected_calibration_error : float
        Of the labels. Ties go to the lowest index; calibration uses 15 equal-width bins
        (i/15, (i+1)/15] of the largest probability. nan where labels do not name columns.
    n, n_classes, n_outputs : int
        Samples, classes C and output symbols K.
    zeros : int
        How many probabilities were exactly zero.
    first_zero_row : int or None
        The first sample that has one.
    base : float or None
        Base of the logarithms; None means nats.
    temperature, smoothing : float
        What was applied to the outputs.
    warnings : tuple of str
        Why some number means less than it seems.
    intervals : mapping of str to Interval
        Confidence intervals of "cmi", "gamma", "ncmi" and "error", where they were asked for:
        see :func:`infotheory.measure_classifier`.

    References
    ----------
    yang2023cmicdl, sections on CMI, Gamma and NCMI; guo2017calibration for the calibration error.
    """

    cmi: float
    gamma: float
    ncmi: float
    gamma_kl: float
    gamma_pair: float
    mutual_information: float
    label_information: float
    cross_entropy: float
    error: float
    top5_error: float
    expected_calibration_error: float
    n: int
    n_classes: int
    n_outputs: int
    zeros: int
    first_zero_row: int | None
    base: float | None
    temperature: float
    smoothing: float
    warnings: tuple[str, ...] = field(repr=False)
    intervals: Mapping[str, Interval] = field(repr=False)
    _names: tuple[str, ...] | None = field(repr=False)
    _sums: ClassSums = field(repr=False)
    _groups: Mapping[str, NCMIReport] = field(repr=False)

    @classmethod
    def from_sums(
        cls,
        sums: ClassSums,
        *,
        base: float | None = None,
        temperature: float = 1.0,
        smoothing: float = 0.0,
        class_names: Sequence[str] | None = None,
        intervals: Mapping[str, Interval] | None = None,
        groups: Mapping[str, NCMIReport] | None = None,
        stacklevel: int | None = 2,
    ) -> NCMIReport:
        """Build the report from class sums, which it keeps; give each of its warnings.

        Parameters
        ----------
        sums : ClassSums
            In one part, over at least one sample.
        base, temperature, smoothing, class_names
            As in :func:`infotheory.measure_classifier`, checked.
        intervals : mapping of str to Interval, optional
            In nats.
        groups : mapping of str to NCMIReport, optional
            Reports on groups of the samples.
        stacklevel : int or None
            Whose line a warning shows, as in :func:`warnings.warn`; None gives no warning.

        Returns
        -------
        NCMIReport
        """
        quantities = finish(sums)
        nats = 1.0 if base is None else math.log(base)
        values = {
            name: getattr(quantities, name) / (nats if name in INFORMATION else 1.0)
            for name in MEANING
        }
        named = class_names or range(sums.n_classes)
        found = list(findings(sums, quantities.gamma, named, intervals or {}))
        if stacklevel is not None:
            for category, text in found:
                python_warnings.warn(text, category, stacklevel=stacklevel)
        return cls(
            **values,
            n=sums.n,
            n_classes=sums.n_classes,
            n_outputs=sums.n_outputs,
            zeros=0 if sums.zeros is None else int(sums.zeros.sum()),
            first_zero_row=sums.first_zero_row,
            base=base,
            temperature=temperature,
            smoothing=smoothing,
            _names=None if class_names is None else tuple(class_names),
            warnings=tuple(text for _, text in found),
            intervals={
                name: interval.scaled(nats) if name in INFORMATION else interval
                for name, interval in (intervals or {}).items()
            },
            _sums=sums,
            _groups=groups or {},
        )

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The given names, or the class numbers."""
        return self._names or tuple(map(str, range(self.n_classes)))

    @property
    def unit(self) -> str:
        """Name of the unit of information."""
        return unit_name(self.base)

    @property
    def sums(self) -> ClassSums:
        """The class sums behind the numbers: read them, do not change them."""
        return self._sums

    @property
    def _nats(self) -> float:
        return 1.0 if self.base is None else math.log(self.base)

    @property
    def cmi_bias(self) -> float:
        """First-order bias of `cmi` for small divergences: minus the sum of p_c CMI_c / n_c.

        Without weights that is -(1/n) times the sum of CMI_c.

        The plug-in CMI is too small because centroids are fitted to the same samples. For peaked
        outputs the bias is larger, up to some ten times; ``intervals["cmi"].bias`` measures it, and
        ``intervals["cmi"].corrected`` is CMI without it.
        """
        sums = self._sums
        share = sums.weight / sums.weight.sum()
        return -float((share * sums.class_cmi / sums.worth).sum()) / self._nats

    @property
    def per_group(self) -> pd.DataFrame:
        """Table with one row a group, where `groups` were given.

        Gamma depends on which classes meet, and how often. So `ncmi_same_classes` tells what all
        samples would have with only the classes of the group, in its proportions: a group stands
        out where its `ncmi` differs from that, not from the NCMI of the whole.
        """
        return group_table(self, self._groups)

    def group(self, name: str | int) -> NCMIReport:
        """Return the report on one group, as named in :attr:`per_group`.

        Parameters
        ----------
        name : str or int
            Of the group.

        Returns
        -------
        NCMIReport

        Raises
        ------
        ValueError
            Where there is no such group.
        """
        if str(name) not in self._groups:
            known = ", ".join(map(repr, list(self._groups)[:10])) or "none: pass groups= to measure"
            raise refusal("name", "the name of a group", repr(name), f"Groups are {known}.")
        return self._groups[str(name)]

    def sample_divergences(self, outputs: Any, labels: Any, kind: str = "logits") -> FloatArray:
        """Return D(P_i || Q_y) for each sample, y its label: how far it is from its class.

        Large values point to wrong labels, outliers and errors. The samples may be those of the
        report, whose mean divergence is `cmi`, or others.

        Parameters
        ----------
        outputs : array_like, shape (n, K)
            As in :func:`infotheory.measure_classifier`; temperature and smoothing of the report
            are applied.
        labels : array_like of int, shape (n,)
            Of classes that have samples in the report.
        kind : {"logits", "probs", "log_probs"}, default "logits"
            What `outputs` holds.

        Returns
        -------
        ndarray of float, shape (n,)
            In the unit of the report; inf where a sample has mass at a symbol at which its
            centroid has none.

        Raises
        ------
        ValueError, TypeError
            As in :func:`infotheory.measure_classifier`.
        """
        check_choice("kind", kind, KINDS)
        rows = as_outputs(outputs)
        if rows.shape[1] != self.n_outputs:
            raise refusal(
                "outputs", f"rows of {self.n_outputs} symbols", f"{rows.shape[1]} columns"
            )
        if kind == "logits":
            refuse_probabilities(rows)
        targets = as_labels(labels, rows.shape[0], self.n_classes)
        unknown = ~np.isin(targets, self._sums.cells)
        if unknown.any():
            row = int(np.argmax(unknown))
            raise refusal(
                "labels",
                "classes that have samples in the report",
                f"{targets[row]} at row {row}",
                "A class without samples has no centroid.",
            )
        terms = row_terms(self._sums, rows, targets, kind, self.temperature, self.smoothing)
        return terms.divergence / self._nats

    @property
    def per_class(self) -> pd.DataFrame:
        """Table with one row a class: n, cmi, error, centroid_entropy; nan where n is 0.

        Where single-precision arithmetic was chosen, which is for the sake of the whole, the CMI of
        a class of few samples may be off by some 1e-6.
        """
        import pandas as pd

        quantities = finish(self._sums)
        size, present = self.n_classes, self._sums.classes
        counts = np.zeros(size, np.int64)
        counts[present] = self._sums.counts
        table = pd.DataFrame({"n": counts}, index=pd.Index(self.class_names, name="class"))
        for column, values in (
            ("cmi", quantities.class_cmi / self._nats),
            ("error", quantities.class_error),
            ("centroid_entropy", quantities.class_centroid_entropy / self._nats),
        ):
            full = np.full(size, np.nan)
            full[present] = values
            table[column] = full
        return table

    @cached_property
    def separation(self) -> FloatArray:
        """Matrix of shape (C, C): mean of H(P_i, P_j), i of the row class, j of the column class.

        Gamma is the sum over different classes of p_a p_b separation[a, b]. Computed at the first
        access, by one product that costs more than the pass over the data when C is large.
        """
        matrix = separation_matrix(self._sums) / self._nats
        matrix.flags.writeable = False
        return matrix

    def most_confused(self, top: int = 10) -> pd.DataFrame:
        """Return the pairs of classes that are least separated.

        Parameters
        ----------
        top : int, default 10
            How many pairs.

        Returns
        -------
        DataFrame
            Columns class_a, class_b and separation, the mean of both directions, ascending.
        """
        import pandas as pd

        top = check_count("top", top)
        both = (self.separation + self.separation.T) / 2 + 0.0  # no -0.0
        first, second = np.triu_indices(self.n_classes, 1)
        values = both[first, second]
        present = np.flatnonzero(~np.isnan(values))
        order = present[np.argsort(values[present], kind="stable")[:top]]
        return pd.DataFrame(
            {
                "class_a": [self.class_names[i] for i in first[order]],
                "class_b": [self.class_names[i] for i in second[order]],
                "separation": values[order],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as numbers, strings and lists; inf and nan stay floats."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name[0] != "_"}
        values["class_names"] = self.class_names
        values["intervals"] = {name: asdict(interval) for name, interval in self.intervals.items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def to_frame(self, name: str = "classifier") -> pd.DataFrame:
        """Return the numbers as a table of one row, to be stacked with those of other models.

        Parameters
        ----------
        name : str, default "classifier"
            Index of the row.

        Returns
        -------
        DataFrame
            A column for each number; class names and warnings are left out.
        """
        import pandas as pd

        left_out = ("class_names", "warnings", "base", "intervals")
        row = {k: v for k, v in self.to_dict().items() if k not in left_out}
        row |= interval_columns(self)
        return pd.DataFrame({**row, "unit": self.unit}, index=pd.Index([name], name="model"))

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def plot(self, kind: str = "plane", ax: Axes | None = None) -> Axes:
        """Draw the report; needs matplotlib.

        Parameters
        ----------
        kind : {"plane", "classes"}, default "plane"
            The concentration-separation plane, or bars for each class.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        Axes
        """
        from infotheory import plotting

        check_choice("kind", kind, ("plane", "classes"))
        if kind == "classes":
            return plotting.class_bars(self, ax=ax)
        return plotting.concentration_separation_plane({"classifier": self}, ax=ax)
