"""Mutual information between all columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._results import unit_name
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import (
    check_base,
    check_choice,
    check_count,
    check_flag,
    check_jobs,
    refusal,
)
from infotheory.estimators.continuous.information import INFORMATION_METHODS
from infotheory.estimators.methods import ENTROPY_METHODS
from infotheory.estimators.pair_columns import PairColumn, check_columns, read_columns
from infotheory.estimators.pair_values import (
    Found,
    PairOptions,
    Places,
    estimate_pairs,
    tell_warnings,
)
from infotheory.estimators.symbols import check_lengths

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["PAIR_METHODS", "PairwiseInformation", "pairwise_mutual_information"]

PAIR_METHODS = ("auto", *ENTROPY_METHODS, *INFORMATION_METHODS)
"""What estimates the mutual information of a pair of columns."""

_PARTS = ("values", "n", "method")


@dataclass(frozen=True, eq=False, repr=False)
class PairwiseInformation:
    """Mutual information of pairs of columns.

    ``result["age", "income"]`` is the estimate of one pair. Numpy takes the result for the array of
    its values.

    Attributes
    ----------
    values : ndarray of float, shape (m, p)
        Estimates, one row for each of `names` and one column for each of `other_names`; nan where
        there is none. Those of all pairs of a table are symmetric, with a diagonal of nan: what a
        variable tells about itself is its entropy where it is discrete, and infinite where it is
        measured.
    names : tuple
        Names of the columns of the table, or their numbers.
    other_names : tuple
        Names of the columns of the other table; the same as `names` where there was none.
    n : ndarray of int, shape (m, p)
        Number of samples that each estimate rests on.
    method : ndarray of str, shape (m, p)
        How it was made; empty where there is none.
    base : float or None
        Base of the logarithm; None for nats.
    warnings : mapping of pair of names to tuple of str
        What to know before relying on these estimates.
    """

    values: FloatArray
    names: tuple[Any, ...]
    other_names: tuple[Any, ...]
    n: IntArray
    method: AnyArray
    base: float | None
    warnings: Mapping[tuple[Any, Any], tuple[str, ...]] = field(default_factory=dict)
    _square: bool = True

    def __post_init__(self) -> None:
        for array in (self.values, self.n, self.method):
            array.flags.writeable = False

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    def __getitem__(self, pair: Any) -> float:
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise KeyError(f"a pair of names is needed, as result['x', 'y']; got {pair!r}")
        x, y = pair
        for name, names in ((x, self.names), (y, self.other_names)):
            if name not in names:
                raise KeyError(name)
        return float(self.values[self.names.index(x), self.other_names.index(y)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def to_frame(self, part: str = "values") -> pd.DataFrame:
        """Return a part of the result with its labels.

        Parameters
        ----------
        part : {"values", "n", "method"}, default "values"
            Which array.

        Returns
        -------
        DataFrame, shape (m, p)

        Raises
        ------
        ValueError
            If there is no such part.
        """
        import pandas as pd

        check_choice("part", part, _PARTS)
        index, columns = (pd.Index(list(names)) for names in (self.names, self.other_names))
        return pd.DataFrame(getattr(self, part), index=index, columns=columns)

    def pairs(self) -> pd.DataFrame:
        """Return a line for each pair, the most dependent first and those without estimate last.

        Returns
        -------
        DataFrame
            With columns x, y, value, n and method.
        """
        import pandas as pd

        rows = _places(len(self.names), None if self._square else len(self.other_names))
        lines = [
            (self.names[i], self.other_names[j], self.values[i, j], self.n[i, j], self.method[i, j])
            for i, j in rows
        ]
        frame = pd.DataFrame(lines, columns=["x", "y", "value", "n", "method"])
        return frame.sort_values("value", ascending=False, kind="stable", ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the values as a matrix of colours.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from infotheory.plotting import information_matrix

        return information_matrix(self, ax)

    def __str__(self) -> str:
        return f"{self.to_frame()}\n{self._about()}"

    def __repr__(self) -> str:
        return f"PairwiseInformation(\n{self}\n)"

    def _repr_html_(self) -> str:
        return f"{self.to_frame().to_html()}<p>{self._about()}</p>"

    def _about(self) -> str:
        methods = sorted({str(method) for method in self.method.flat} - {""})
        text = f"Mutual information in {self.unit}, {', '.join(methods)}"
        return f"{text}; {len(self.warnings)} with warnings" if self.warnings else text


def pairwise_mutual_information(
    frame: Any,
    other: Any = None,
    *,
    method: str = "auto",
    k: int = 3,
    discrete: Any = "auto",
    discrete_other: Any = "auto",
    base: float | None = None,
    standardize: bool = True,
    nan_policy: str = "raise",
    clip: bool = False,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> PairwiseInformation:
    """Estimate the mutual information of every two columns of a table, or of two tables.

    Parameters
    ----------
    frame : DataFrame, array_like of shape (n, m), or mapping of names to columns
        One variable a column: measurements (floats) or symbols (integers, booleans, strings, dates,
        categories), one beside the other. The columns of an array are numbered from 0.
    other : DataFrame, array_like, Series or mapping, optional
        Variables of the same samples, matched by position: each column of `frame` is paired with
        each of these. One column needs no table. By default all columns of `frame` are paired.
    method, k
        As for :func:`estimate_mutual_information`.
    discrete : bool or "auto", one a column, or mapping of names to these, default "auto"
        Which columns of `frame` are symbols; "auto" goes by their dtype, and takes whole numbers
        for measurements where `method` knows nothing else.
    discrete_other : bool or "auto", one a column, or mapping of names to these, default "auto"
        The same of `other`.
    base, standardize
        As for :func:`estimate_mutual_information`.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or each pair leaves out the samples that lack one of
        the two.
    clip : bool, default False
        Whether estimates below zero are returned as zero.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large.
    progress : bool, optional
        Whether to show a progress bar; by default where the work takes more than two seconds.

    Returns
    -------
    PairwiseInformation
        The array of estimates with the names of columns: ``.to_frame()`` for a table, ``.pairs()``
        for a ranked list, ``.plot()`` for a picture.

    Raises
    ------
    ValueError, TypeError
        Where a column is refused by :func:`estimate_mutual_information`; where `frame` is no table
        or has fewer than two columns, two of them with one name, or an option is unknown; where no
        pair has an estimate.

    Warns
    -----
    PrecisionWarning
        Once for all pairs whose estimate has a warning, which ``.warnings`` holds, and once for
        those that have none because there are too few samples with both, or the method is not for
        such variables. These are nan.

    Notes
    -----
    Every value is the same, to the last bit, as that of :func:`estimate_mutual_information` for the
    two columns alone:

    I(X;Y) = psi(k) + psi(n) - <psi(c_x) + psi(c_y)> for measurements [1]_; see there for others.

    There are no intervals here. A value close to zero need not differ from it: ask
    :func:`estimate_mutual_information` for an interval or a p-value of the pairs that matter, and
    keep in mind that the largest of many estimates is too large. Without parts of the sample there
    is no warning either where an estimate still depends on the number of samples.

    O(m n log n + m^2 n) time: measured columns are sorted once, and one compiled loop goes over
    many pairs. With missing values columns are sorted once for each set of rows.

    References
    ----------
    .. [1] kraskov2004estimating, equation (8).

    Examples
    --------
    Two coins that always agree share one bit, and tell nothing about a third:

    >>> from infotheory.estimators import pairwise_mutual_information
    >>> coins = {"a": [0, 1] * 50, "b": [0, 1] * 50, "c": [0, 0, 1, 1] * 25}
    >>> result = pairwise_mutual_information(coins, method="plugin", base=2)
    >>> result["a", "b"], result["a", "c"]
    (1.0, 0.0)
    >>> result.to_frame()
         a    b    c
    a  NaN  1.0  0.0
    b  1.0  NaN  0.0
    c  0.0  0.0  NaN
    """
    check_choice("method", method, PAIR_METHODS)
    options = PairOptions(
        method=method,
        k=check_count("k", k),
        base=check_base(base),
        standardize=check_flag("standardize", standardize),
        clip=check_flag("clip", clip),
        n_jobs=check_jobs(n_jobs),
    )
    shown = None if progress is None else check_flag("progress", progress)
    rows = read_columns(frame, "frame", discrete, method)
    columns: list[PairColumn] = []
    if other is not None:
        columns = read_columns(
            other, "other", discrete_other, method, single=True, kinds="discrete_other"
        )
        check_lengths({"frame": rows[0].missing.size, "other": columns[0].missing.size})
    elif len(rows) < 2:
        raise refusal("frame", "have at least two columns", "one", "Pass the others too.")
    check_columns([*rows, *columns], nan_policy)
    places = _places(len(rows), len(columns) or None)
    beside = len(rows) if columns else 0  # where the other columns begin
    pairs = [(i, beside + j) for i, j in places]
    found = estimate_pairs([*rows, *columns], pairs, options, shown)
    return _result(rows, columns, places, found, options.base)


def _places(m: int, p: int | None) -> list[Places]:
    """Return the places of every pair: those above the diagonal where there is one table."""
    return list(combinations(range(m), 2) if p is None else product(range(m), range(p)))


def _result(
    rows: Sequence[PairColumn],
    columns: Sequence[PairColumn],
    places: Sequence[Places],
    found: Sequence[Found],
    base: float | None,
) -> PairwiseInformation:
    names = tuple(column.label for column in rows)
    other_names = tuple(column.label for column in columns) or names
    labels = [(names[i], other_names[j]) for i, j in places]
    tell_warnings(labels, found, "result.warnings", 3)
    shape = (len(names), len(other_names))
    values, method = np.full(shape, np.nan), np.full(shape, "", dtype=object)
    n = np.zeros(shape, dtype=np.int64)
    for place, pair in zip(places, found, strict=True):
        for i, j in (place,) if columns else (place, place[::-1]):
            values[i, j], n[i, j], method[i, j] = pair.value, pair.n, pair.method
    texts = {
        label: (pair.refusal,) if pair.refusal else pair.warnings
        for label, pair in zip(labels, found, strict=True)
        if pair.refusal or pair.warnings
    }
    return PairwiseInformation(
        values, names, other_names, n, method, base, texts, _square=not columns
    )
