"""Counts of discrete samples that come in batches, or from several machines."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.estimators.cells import Cells
from infotheory.estimators.entropy import check_options, estimate_counted
from infotheory.estimators.entropy_sums import (
    CONDITIONAL_MUTUAL_INFORMATION,
    MUTUAL_INFORMATION,
    EntropySum,
    Settings,
    estimate_sum,
)
from infotheory.estimators.reading import kind_of
from infotheory.estimators.symbols import count_symbols

__all__ = ["CountAccumulator"]


class CountAccumulator:
    """Streaming, mergeable counts of discrete samples.

    See Also
    --------
    infotheory.estimators.estimate_entropy : the same for samples that are in memory at once.

    Notes
    -----
    Memory grows with the number of distinct symbols, not with that of samples: a symbol is an entry
    of a table. Neither the size nor the order of batches changes a count, nor any estimate.

    One accumulator is not for several threads at once: each has its own, and they are merged.

    Examples
    --------
    >>> from infotheory.estimators import CountAccumulator
    >>> accumulator = CountAccumulator()
    >>> for batch in ["a", "b", "a"], ["b", "a", "a"]:
    ...     _ = accumulator.update(batch)
    >>> accumulator
    CountAccumulator(n=6, n_symbols_seen=2)
    >>> accumulator.symbols, accumulator.counts
    (['a', 'b'], array([4, 2]))
    """

    def __init__(self) -> None:
        self._counts: dict[Any, int] = {}
        self._n = 0
        self._kinds: tuple[str, ...] = ()  # of the columns; one where a sample is a single value
        self._flat = True
        self._names: tuple[Any, ...] | None = None

    @property
    def n(self) -> int:
        """Number of samples taken in."""
        return self._n

    @property
    def n_symbols_seen(self) -> int:
        """Number of distinct symbols, or of distinct rows."""
        return len(self._counts)

    @property
    def symbols(self) -> list[Any]:
        """The distinct symbols in increasing order, rows as tuples; without an order, as met."""
        try:
            return sorted(self._counts)
        except TypeError:
            return list(self._counts)

    @property
    def counts(self) -> IntArray:
        """How often each of :attr:`symbols` was seen."""
        return np.array([self._counts[symbol] for symbol in self.symbols], dtype=np.int64)

    def update(self, samples: Any, *, nan_policy: str = "raise") -> Self:
        """Take in a batch; a batch that is refused leaves the counts as they were.

        Parameters
        ----------
        samples : array_like, Series or DataFrame, shape (n,) or (n, d)
            Integers, booleans, strings or categories. With two dimensions each row is a sample.
        nan_policy : {"raise", "omit"}, default "raise"
            Whether samples with missing values are refused or left out.

        Returns
        -------
        CountAccumulator
            Itself.

        Raises
        ------
        ValueError, TypeError
            Where samples are not discrete, or are of another kind than those of earlier batches.
        """
        values, counts = count_symbols(samples, "samples", nan_policy)
        flat = values.ndim == 1
        symbols = values.tolist() if flat else list(map(tuple, values.tolist()))
        kinds = tuple(kind_of(value) for value in (symbols[:1] if flat else symbols[0]))
        names = tuple(samples.columns) if hasattr(samples, "iloc") and not flat else None
        self._accept("samples", flat, kinds, names)
        self._add(zip(symbols, counts.tolist(), strict=True))
        return self

    def merge(self, other: CountAccumulator) -> Self:
        """Take in the counts of another accumulator.

        Parameters
        ----------
        other : CountAccumulator
            Of samples of the same kind. Not changed.

        Returns
        -------
        CountAccumulator
            Itself.

        Raises
        ------
        ValueError, TypeError
            Where `other` is no accumulator or holds samples of another kind.
        """
        if not isinstance(other, CountAccumulator):
            raise TypeError(f"other must be a CountAccumulator; got {type(other).__name__}.")
        if other._counts:
            self._accept("other", other._flat, other._kinds, other._names)
            self._add(list(other._counts.items()))
        return self

    def __copy__(self) -> CountAccumulator:
        """Return an accumulator over the same samples that shares nothing with this one."""
        return copy.deepcopy(self)

    def __add__(self, other: CountAccumulator) -> CountAccumulator:
        """Return a new accumulator over the samples of both."""
        if not isinstance(other, CountAccumulator):
            return NotImplemented
        return copy.copy(self).merge(other)

    def __radd__(self, other: int) -> CountAccumulator:
        """Return a copy where `other` is 0, with which ``sum`` begins."""
        return copy.copy(self) if other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CountAccumulator):
            return NotImplemented
        return (self._kinds, self._counts) == (other._kinds, other._counts)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"CountAccumulator(n={self.n}, n_symbols_seen={self.n_symbols_seen})"

    def marginal(self, columns: Any) -> CountAccumulator:
        """Return the counts of some columns of rows.

        Parameters
        ----------
        columns : int, name, or sequence of them
            Positions, or names where frames were taken in. A single one, not in a sequence, gives
            counts of single values.

        Returns
        -------
        CountAccumulator
            Over the same samples.

        Raises
        ------
        ValueError
            Where there is no such column, or samples are not rows.
        """
        return self._marginal(self._places("columns", columns), flat=not _is_list(columns))

    def estimate_entropy(
        self,
        *,
        method: str = "auto",
        n_symbols: int | None = None,
        base: float | None = None,
        level: float = 0.95,
    ) -> Estimate:
        """Estimate the entropy of everything taken in so far.

        Parameters
        ----------
        method, n_symbols, base, level
            As in :func:`infotheory.estimators.estimate_entropy`.

        Returns
        -------
        Estimate

        Raises
        ------
        ValueError
            Where nothing has been taken in yet, or an option is refused.
        """
        options = check_options(method, n_symbols, base, level)
        self._check_filled()
        return estimate_counted(self.counts, *options)

    def estimate_mutual_information(
        self,
        x: Any,
        y: Any,
        *,
        method: str = "auto",
        n_symbols: Sequence[int] | None = None,
        base: float | None = None,
        level: float = 0.95,
        n_permutations: int = 0,
        rng: Any = None,
        progress: bool = False,
    ) -> Estimate:
        """Estimate I(X;Y) between columns of the rows taken in so far.

        Parameters
        ----------
        x, y : int, name, or sequence of them
            Columns, as in :meth:`marginal`; several together are one variable.
        method, n_symbols, base, level, n_permutations, rng, progress
            As in :func:`infotheory.estimators.estimate_mutual_information`.

        Returns
        -------
        Estimate

        Raises
        ------
        ValueError
            Where nothing has been taken in yet, a column is not there, or an option is refused.
        """
        settings = Settings.checked(
            "xy",
            method=method,
            n_symbols=n_symbols,
            base=base,
            level=level,
            n_permutations=n_permutations,
            rng=rng,
            progress=progress,
        )
        return self._estimate(MUTUAL_INFORMATION, {"x": x, "y": y}, settings)

    def estimate_conditional_mutual_information(
        self,
        x: Any,
        y: Any,
        z: Any,
        *,
        method: str = "auto",
        n_symbols: Sequence[int] | None = None,
        base: float | None = None,
        level: float = 0.95,
        n_permutations: int = 0,
        rng: Any = None,
        progress: bool = False,
    ) -> Estimate:
        """Estimate I(X;Y|Z) between columns of the rows taken in so far.

        Parameters
        ----------
        x, y, z : int, name, or sequence of them
            Columns, as in :meth:`marginal`; several together are one variable.
        method, n_symbols, base, level, n_permutations, rng, progress
            As in :func:`infotheory.estimators.estimate_conditional_mutual_information`.

        Returns
        -------
        Estimate

        Raises
        ------
        ValueError
            Where nothing has been taken in yet, a column is not there, or an option is refused.
        """
        settings = Settings.checked(
            "xyz",
            method=method,
            n_symbols=n_symbols,
            base=base,
            level=level,
            n_permutations=n_permutations,
            rng=rng,
            progress=progress,
        )
        variables = {"x": x, "y": y, "z": z}
        return self._estimate(CONDITIONAL_MUTUAL_INFORMATION, variables, settings)

    def _estimate(
        self, terms: EntropySum, variables: dict[str, Any], settings: Settings
    ) -> Estimate:
        self._check_filled()
        places = [self._places(name, columns) for name, columns in variables.items()]
        together = self._marginal([place for group in places for place in group], flat=False)
        numbers: list[dict[Any, int]] = [{} for _ in places]
        codes: list[list[int]] = [[] for _ in places]
        for row in together.symbols:
            start = 0
            for group, seen, code in zip(places, numbers, codes, strict=True):
                part = row[start : start + len(group)]
                code.append(seen.setdefault(part, len(seen)))
                start += len(group)
        cells = Cells(together.counts, tuple(np.array(code, dtype=np.int64) for code in codes))
        return estimate_sum(terms, cells, settings, stacklevel=4)

    def _marginal(self, places: list[int], *, flat: bool) -> CountAccumulator:
        found = CountAccumulator()
        found._flat, found._kinds = flat, tuple(self._kinds[place] for place in places)
        if self._names is not None and not flat:
            found._names = tuple(self._names[place] for place in places)
        found._add(
            (row[places[0]] if flat else tuple(row[place] for place in places), count)
            for row, count in self._counts.items()
        )
        return found

    def _check_filled(self) -> None:
        if not self._counts:
            raise refusal(
                "accumulator", "updated with at least one batch", "no samples", "Call update first."
            )

    def _add(self, counted: Iterable[tuple[Any, int]]) -> None:
        for symbol, count in counted:
            self._counts[symbol] = self._counts.get(symbol, 0) + count
            self._n += count

    def _accept(
        self, argument: str, flat: bool, kinds: tuple[str, ...], names: tuple[Any, ...] | None
    ) -> None:
        """Refuse samples that are not of the kind counted so far; the first set it."""
        if not self._counts:
            self._flat, self._kinds, self._names = flat, kinds, names
            return
        if (flat, len(kinds)) != (self._flat, len(self._kinds)):
            raise refusal(
                argument,
                f"{_shape(self._flat, self._kinds)}, as those before",
                _shape(flat, kinds),
                "Use one accumulator for each set of variables.",
            )
        if kinds != self._kinds:
            raise TypeError(
                str(
                    refusal(
                        argument,
                        f"of the types counted so far ({', '.join(self._kinds)})",
                        ", ".join(kinds),
                        "Convert them, with .astype(str) for instance.",
                    )
                )
            )
        if names is not None and self._names not in (None, names):
            raise refusal(
                argument,
                f"a frame with the columns {list(self._names or ())}, in this order",
                str(list(names)),
                "Select the columns by name before the update.",
            )
        self._names = self._names or names

    def _places(self, argument: str, columns: Any) -> list[int]:
        """Return the positions of columns that are given by position or by name."""
        self._check_filled()
        if self._flat:
            raise refusal(
                "accumulator",
                "one of rows, to have columns",
                "single values",
                "Update it with 2-dimensional samples.",
            )
        known = list(range(len(self._kinds)) if self._names is None else self._names)
        asked = list(columns) if _is_list(columns) else [columns]
        absent = [column for column in asked if column not in known]
        if absent or not asked:
            raise refusal(
                argument, f"among the columns {known}", repr(absent[0] if absent else columns)
            )
        return [known.index(column) for column in asked]


def _is_list(columns: Any) -> bool:
    return isinstance(columns, (Sequence, np.ndarray)) and not isinstance(columns, (str, bytes))


def _shape(flat: bool, kinds: tuple[str, ...]) -> str:
    return "single values" if flat else f"rows of {len(kinds)} value(s)"
