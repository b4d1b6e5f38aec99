"""Means of values that depend on their neighbours, such as the information of successive tokens."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy.special import stdtrit

from infotheory._results import Estimate, Interval
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_array, check_base, check_count, check_level, refusal
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

__all__ = ["block_means", "estimate_rate"]

_FEW = 10  # blocks, with which an interval is a guess


def estimate_rate(
    values: Any,
    *,
    sizes: Any = None,
    lengths: Any = None,
    block: int | None = None,
    base: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean of values in a row, with an interval by blocks.

    Of the information densities of a text it is the cross-entropy rate of the model that gave them,
    for texts of this kind.

    Parameters
    ----------
    values : array_like, shape (n,)
        One for each symbol, in order: stationary, and the less dependent the further apart.
    sizes : array_like, shape (n,), optional
        How much each value covers, 0 or more: characters of a token, say. The estimate is the sum
        of values over that of sizes; by default each value counts as one.
    lengths : array_like of int, optional
        How many of the values belong to each document, in order; documents do not depend on each
        other. By default there is one.
    block : int, optional
        Values in a block, about; sqrt(n) by default. Long enough for two blocks to be nearly
        independent.
    base : float, optional
        Base of the logarithm that the values are in, 2 for bits; nats by default. Names the unit:
        nothing is converted.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    Estimate
        With the values as ``local`` where there are no sizes.

    Raises
    ------
    ValueError, TypeError
        If a value is no number, or there is none; if sizes or lengths do not fit.

    Warns
    -----
    UndefinedIntervalWarning
        Where all values are in one block, or one of them is infinite: the ends are nan.
    PrecisionWarning
        Where there are fewer than ten blocks.

    Notes
    -----
    Batch means [1]_: each document is cut into blocks of equal length, within one, or is one where
    it is shorter. With S_b and A_b the sums of values and sizes of B blocks, and r = sum S_b /
    sum A_b,

    SE^2 = B / (B - 1) sum_b (S_b - r A_b)^2 / (sum_b A_b)^2,

    with Student's t of B - 1 degrees of freedom. SE^2 n estimates the sum of all autocovariances,
    the long-run variance, which is that of single values only where these are independent.
    Dependence over more than a block makes the interval too short.

    References
    ----------
    .. [1] flegal2010batch.

    Examples
    --------
    Four blocks of two values, with sums 0, 2, 2 and 4:

    >>> from infotheory.estimators import estimate_rate
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     rate = estimate_rate([0, 0, 1, 1, 0, 2, 2, 2], block=2)
    >>> rate.value, round(rate.standard_error**2, 6)  # 4/3 (4 + 0 + 0 + 4) / 64
    (1.0, 0.166667)
    """
    array, unit, level = _values(values), check_base(base), check_level(level)
    weights = _sizes(sizes, array.size)
    documents = _lengths(lengths, array.size)
    width = math.isqrt(array.size - 1) + 1 if block is None else check_count("block", block)
    starts = _starts(documents, width)
    sums, areas = np.add.reduceat(array, starts), np.add.reduceat(weights, starts)
    rate = float(array.sum() / weights.sum())
    n_blocks, how = starts.size, f"batch means, {starts.size} blocks"
    doubt = _doubt(n_blocks, rate)
    if math.isfinite(rate) and n_blocks > 1:
        off = (sums - rate * areas) / weights.sum()
        error = math.sqrt(n_blocks / (n_blocks - 1) * float(off @ off))
        reach = float(stdtrit(n_blocks - 1, 0.5 + level / 2)) * error
    else:
        error = reach = math.nan
    for kind, text in doubt:
        warnings.warn(text, kind, stacklevel=2)
    return Estimate(
        rate,
        interval=Interval(rate, rate - reach, rate + reach, error, level, how),
        n=array.size,
        method="mean",
        base=unit,
        warnings=tuple(text for _, text in doubt),
        local=array if sizes is None else None,
    )


def block_means(values: Any, n: int, *, lengths: Any = None) -> FloatArray:
    """Means of blocks of n values in a row: of information densities, samples of their spectrum.

    Parameters
    ----------
    values : array_like, shape (m,)
        One for each symbol, in order.
    n : int
        Values in a block.
    lengths : array_like of int, optional
        As for :func:`estimate_rate`. What is left at the end of a document makes no block.

    Returns
    -------
    ndarray of float
        One mean a block. Their law is that of -ln p(x^n) / n, the information spectrum at n.

    Raises
    ------
    ValueError, TypeError
        If a value is no number, lengths do not fit, or no document has n values.

    Notes
    -----
    Were the values independent with variance V, means would be normal with variance V / n in the
    limit; for a Markov source V is its varentropy rate [1]_.

    References
    ----------
    .. [1] kontoyiannis2014optimal.

    Examples
    --------
    >>> from infotheory.estimators import block_means
    >>> block_means([1, 2, 3, 4, 9], 2).tolist()
    [1.5, 3.5]
    """
    array, width = _values(values), check_count("n", n)
    documents = _lengths(lengths, array.size)
    ends = np.cumsum(documents)
    whole = [
        array[end - length : end - length % width].reshape(-1, width).mean(axis=1)
        for length, end in zip(documents.tolist(), ends.tolist(), strict=True)
    ]
    means: FloatArray = np.concatenate(whole)
    if not means.size:
        most = int(documents.max())
        raise refusal("n", f"at most {most}, the longest document", str(n), "Take shorter blocks.")
    return means


def _starts(lengths: IntArray, width: int) -> IntArray:
    """Where blocks begin: about `width` values each, and none in two documents."""
    begins = np.cumsum(lengths) - lengths
    parts = [
        begin + np.arange(count) * length // count
        for begin, length, count in zip(
            begins, lengths, np.maximum(lengths // width, 1), strict=True
        )
    ]
    return np.concatenate(parts)


def _doubt(n_blocks: int, rate: float) -> list[tuple[type[Warning], str]]:
    if not math.isfinite(rate):
        text = "The interval is undefined, since a value is infinite. Smooth the model."
    elif n_blocks == 1:
        text = "The interval is undefined, since all values are in one block. Take more values."
    elif n_blocks < _FEW:
        text = (
            f"The interval rests on {n_blocks} blocks, too few to tell how they vary. Take more "
            "values."
        )
        return [(PrecisionWarning, text)]
    else:
        return []
    return [(UndefinedIntervalWarning, text)]


def _values(values: Any, argument: str = "values") -> FloatArray:
    array = as_array(values, argument)
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(str(refusal(argument, "numbers", f"dtype {array.dtype}")))
    if array.ndim != 1 or not array.size:
        raise refusal(argument, "1-dimensional, of one number at least", f"shape {array.shape}")
    wrong = np.isnan(array) | (array == -np.inf)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise refusal(
            argument,
            "numbers",
            f"{array[place]} at {argument}[{place}]",
            "values[~np.isnan(values)] leaves out what is not known.",
        )
    return array.astype(np.float64)


def _sizes(sizes: Any, n: int) -> FloatArray:
    if sizes is None:
        return np.ones(n)
    weights = _values(sizes, "sizes")
    if weights.size != n:
        raise refusal("sizes", f"have one entry a value ({n})", str(weights.size))
    if weights.min() < 0 or not 0 < weights.sum() < math.inf:
        raise refusal(
            "sizes", "at least 0, with a finite sum above 0", f"a sum of {weights.sum():g}"
        )
    return weights


def _lengths(lengths: Any, n: int) -> IntArray:
    if lengths is None:
        return np.array([n])
    documents = _values(lengths, "lengths")
    whole = documents.astype(np.int64)
    if whole.min() < 1 or (whole != documents).any() or whole.sum() != n:
        raise refusal(
            "lengths",
            f"positive integers that add up to the number of values ({n})",
            f"a least of {documents.min():g} and a sum of {documents.sum():g}",
        )
    return whole
