"""The report on one classifier: numbers that behave as floats, tables, and plots."""

from __future__ import annotations

import html
import math
import warnings as python_warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._typing import FloatArray
from infotheory._validation import check_choice, check_count
from infotheory.classifiers.class_sums import ClassSums, finish, separation_matrix
from infotheory.exceptions import (
    EmptyClassWarning,
    InfiniteSeparationWarning,
    InfotheoryWarning,
    SingleClassWarning,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["NCMIReport"]

_MEANING = {
    "cmi": "CMI, concentration I(X;Yhat|Y)",
    "gamma": "Gamma, separation",
    "ncmi": "NCMI = CMI / Gamma",
    "gamma_kl": "Gamma, KL form",
    "gamma_pair": "Gamma, mean over pairs",
    "mutual_information": "I(X;Yhat)",
    "label_information": "I(Y;Yhat)",
    "cross_entropy": "cross entropy",
    "error": "error",
    "top5_error": "top-5 error",
    "expected_calibration_error": "expected calibration error",
}
_INFORMATION = (
    "cmi",
    "gamma",
    "gamma_kl",
    "gamma_pair",
    "mutual_information",
    "label_information",
    "cross_entropy",
)


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
    _names: tuple[str, ...] | None = field(repr=False)
    _sums: ClassSums = field(repr=False)

    @classmethod
    def from_sums(
        cls,
        sums: ClassSums,
        *,
        base: float | None = None,
        temperature: float = 1.0,
        smoothing: float = 0.0,
        class_names: Sequence[str] | None = None,
        stacklevel: int = 2,
    ) -> NCMIReport:
        """Build the report from class sums, which it keeps; give each of its warnings.

        Parameters
        ----------
        sums : ClassSums
            Over at least one sample.
        base, temperature, smoothing, class_names
            As in :func:`infotheory.measure_classifier`, checked.
        stacklevel : int
            Whose line a warning shows, as in :func:`warnings.warn`.

        Returns
        -------
        NCMIReport
        """
        quantities = finish(sums)
        nats = 1.0 if base is None else math.log(base)
        values = {
            name: getattr(quantities, name) / (nats if name in _INFORMATION else 1.0)
            for name in _MEANING
        }
        found = list(_findings(sums, quantities.gamma, class_names or range(sums.n_classes)))
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
            _sums=sums,
        )

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The given names, or the class numbers."""
        return self._names or tuple(map(str, range(self.n_classes)))

    @property
    def unit(self) -> str:
        """Name of the unit of information."""
        if self.base is None:
            return "nats"
        return "bits" if self.base == 2 else f"base {self.base:g}"

    @property
    def _nats(self) -> float:
        return 1.0 if self.base is None else math.log(self.base)

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

        left_out = ("class_names", "warnings", "base")
        row = {k: v for k, v in self.to_dict().items() if k not in left_out}
        return pd.DataFrame({**row, "unit": self.unit}, index=pd.Index([name], name="model"))

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for name, meaning in _MEANING.items():
            unit = f" [{self.unit}]" if name in _INFORMATION else ""
            rows.append((meaning + unit, f"{getattr(self, name):.6g}"))
        rows.append(("samples, classes, outputs", f"{self.n}, {self.n_classes}, {self.n_outputs}"))
        if self.zeros:
            first = f"{self.zeros}, first in row {self.first_zero_row}"
            rows.append(("exact zeros", first))
        if self.temperature != 1.0 or self.smoothing != 0.0:
            applied = f"{self.temperature:g}, {self.smoothing:g}"
            rows.append(("temperature, smoothing", applied))
        return rows

    def __str__(self) -> str:
        rows = self._rows()
        width = max(len(label) for label, _ in rows)
        lines = [f"{label:<{width}}  {value}" for label, value in rows]
        return "\n".join([*lines, *(f"note: {text}" for text in self.warnings)])

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
            f"<td>{html.escape(value)}</td></tr>"
            for label, value in self._rows()
        )
        notes = "".join(f"<p><em>note:</em> {html.escape(text)}</p>" for text in self.warnings)
        return f"<table><tbody>{cells}</tbody></table>{notes}"

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


def _findings(
    sums: ClassSums, gamma: float, names: Sequence[object]
) -> Iterator[tuple[type[InfotheoryWarning], str]]:
    """Say why some number of the report means less than it seems."""
    if sums.classes.size < sums.n_classes:
        absent = np.ones(sums.n_classes, np.bool_)
        absent[sums.classes] = False
        empty = np.flatnonzero(absent)
        shown = ", ".join(str(names[i]) for i in empty[:10])
        more = f" and {empty.size - 10} more" if empty.size > 10 else ""
        yield (
            EmptyClassWarning,
            f"{empty.size} of {sums.n_classes} classes have no samples and weight 0: {shown}{more}",
        )
    if sums.classes.size == 1:
        yield (
            SingleClassWarning,
            f"NCMI is undefined (nan): all samples have class {names[sums.classes[0]]}; Gamma is 0",
        )
    elif gamma == 0.0:
        yield (
            SingleClassWarning,
            "NCMI is undefined (nan): all outputs are the same single symbol, so Gamma is 0",
        )
    if math.isinf(gamma) and sums.zeros is not None:
        yield (
            InfiniteSeparationWarning,
            (
                f"Gamma is infinite and NCMI 0: {int(sums.zeros.sum())} probabilities are exactly "
                f"zero (first in row {sums.first_zero_row}), some where another class has mass; "
                "do not rank this NCMI; smoothing=1e-3 gives a finite one"
            ),
        )
