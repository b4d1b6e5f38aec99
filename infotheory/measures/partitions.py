"""How much two labellings of the same samples agree, less what chance alone would give."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import as_array, check_choice, refusal
from infotheory.measures._terms import entropies_of_masses, relative_entropy_terms
from infotheory.measures.information import NORMALIZATIONS

__all__ = ["adjusted_mutual_information"]

_CELLS = 1 << 14  # of a table of terms, which stays in cache
_PAIRS = 1 << 20  # of distinct sizes that are held at once
_SMALL_TABLE = 1 << 16  # of cells, which is laid out however few are in use
_MOST_SAMPLES = 90_000_000  # products of two margins stay whole numbers in double precision


def adjusted_mutual_information(
    labels_true: Any, labels_pred: Any, *, normalization: str = "arithmetic"
) -> float:
    """Adjusted mutual information (AMI) of two partitions of the same samples.

    Parameters
    ----------
    labels_true, labels_pred : array_like, shape (n,)
        Cluster of each sample: integers, booleans or strings. Only which samples share a label
        matters.
    normalization : {"arithmetic", "geometric", "min", "max"}
        The mean of the two entropies that stands for perfect agreement, or the smaller or the
        larger of them.

    Returns
    -------
    float
        1 where the partitions are the same, 0 on average where labels were dealt at random, so it
        may be negative. It is 0 where one of them has a single cluster, or a
        cluster for each sample, and the other has not: chance then gives the same information.

    Raises
    ------
    ValueError
        If the labels are not 1-dimensional, are none, differ in number, are more than 90,000,000,
        or the normalization is unknown.
    TypeError
        If labels are neither integers, booleans nor strings, or are of mixed types.

    Notes
    -----
    AMI = (I - E[I]) / (mean(H(U), H(V)) - E[I]). The expectation is over all pairs of partitions
    with the same cluster sizes a_i and b_j. Each count is hypergeometric then:
    E[I] = sum_ij E[N ln(N n / (a_i b_j))] / n, computed once for each pair of distinct sizes,
    from terms N ln(N/m) - N + m of at least zero (m = a_i b_j / n is the mean of N), with
    probabilities by their ratios from the mode, over counts that have all but 1e-20 of the
    probability. So no factorial of n costs digits. The expectation takes at most some sqrt(n)
    terms a pair of distinct sizes, and numbering the labels some n log n steps.

    References
    ----------
    .. [1] vinh2010information.

    Examples
    --------
    >>> from infotheory.measures import adjusted_mutual_information
    >>> adjusted_mutual_information([0, 0, 1, 1], ["b", "b", "a", "a"])
    1.0
    >>> round(adjusted_mutual_information([0, 0, 1, 1], [0, 1, 0, 1]), 12)  # by chance, ln(2) / 3
    -0.5
    """
    check_choice("normalization", normalization, tuple(NORMALIZATIONS))
    true, pred = _numbered(labels_true, "labels_true"), _numbered(labels_pred, "labels_pred")
    if true.size != pred.size:
        raise refusal(
            "labels_pred",
            f"have one entry a sample, as labels_true ({true.size})",
            f"{pred.size}",
            "Both label the same samples, in the same order.",
        )
    table = _contingency(true, pred)
    n_clusters = (table.rows.size, table.columns.size)
    if table.counts.size == n_clusters[0] == n_clusters[1]:
        return 1.0
    if not {1, true.size}.isdisjoint(n_clusters):
        return 0.0
    ratios = table.counts * (true.size / (table.rows[table.row] * table.columns[table.column]))
    information = (table.counts * np.log(ratios)).sum() / true.size
    expected = expected_information(table.rows, table.columns)
    x, y = (entropies_of_masses(sizes) / true.size for sizes in (table.rows, table.columns))
    return float((information - expected) / (NORMALIZATIONS[normalization](x, y) - expected))


# ---------------------------------------------------------------------------------- the labels


def _numbered(labels: Any, argument: str) -> IntArray:
    """Number the clusters of labels from 0."""
    # Numpy would make strings of the numbers that stand beside strings in a list.
    listed = isinstance(labels, (list, tuple))
    array = np.array(labels, dtype=object) if listed else as_array(labels, argument)
    if array.ndim != 1 or array.size == 0:
        raise refusal(
            argument,
            "1-dimensional, with at least one label",
            f"shape {array.shape}",
            "Give the label of each sample.",
        )
    if array.size > _MOST_SAMPLES:
        raise refusal(
            argument, f"at most {_MOST_SAMPLES:,} labels", f"{array.size:,}", "Draw some of them."
        )
    if array.dtype.kind == "O":
        _check_one_type(array, argument)
    elif array.dtype.kind not in "iubUST":
        raise TypeError(
            f"{argument} must be integers, booleans or strings; got dtype {array.dtype}. "
            "Cut measurements into bins, or convert whole numbers with .astype(int)."
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _check_one_type(array: AnyArray, argument: str) -> None:
    # In this order, since bool is a kind of int.
    kinds = ((bool, np.bool_), (int, np.integer), (str,), (bytes,))
    expected: tuple[type, ...] = ()
    for row, label in enumerate(array.tolist()):
        kind = next((types for types in kinds if isinstance(label, types)), ())
        expected = expected or kind
        if not kind or kind != expected:
            raise TypeError(
                f"{argument} must be integers, booleans or strings, all of one type; got "
                f"{label!r} at row {row}. Convert the labels with map(str, ...), or drop samples "
                "without one."
            )


class _Table(NamedTuple):
    """Cells of a contingency table that are not empty, and the sums of its rows and columns."""

    counts: FloatArray
    row: IntArray
    column: IntArray
    rows: FloatArray
    columns: FloatArray


def _contingency(true: IntArray, pred: IntArray) -> _Table:
    rows, columns = np.bincount(true), np.bincount(pred)
    cells = true * columns.size + pred
    if rows.size * columns.size <= max(4 * true.size, _SMALL_TABLE):
        counts = np.bincount(cells)
        found = np.flatnonzero(counts)
        counts = counts[found]
    else:
        found, counts = np.unique(cells, return_counts=True)
    row, column = np.divmod(found, columns.size)
    real = np.float64
    return _Table(counts.astype(real), row, column, rows.astype(real), columns.astype(real))


# ----------------------------------------------------------------------------------- by chance


def expected_information(rows: FloatArray, columns: FloatArray) -> float:
    """Mean mutual information of partitions with clusters of these sizes, dealt at random."""
    n = float(rows.sum())
    a, a_times = np.unique(rows, return_counts=True)
    b, b_times = np.unique(columns, return_counts=True)
    total = 0.0
    step = max(1, _PAIRS // b.size)
    for start in range(0, a.size, step):
        part = slice(start, start + step)
        sizes = np.repeat(a[part], b.size), np.tile(b, a[part].size)
        times = np.outer(a_times[part], b_times).ravel()
        total += float(times @ _expected_terms(*sizes, n))
    return total / n


def _expected_terms(a: FloatArray, b: FloatArray, n: float) -> FloatArray:
    """E[N ln(N/m) - N + m] of the count N that clusters of sizes a and b have in common."""
    mode = np.floor((a + 1.0) * (b + 1.0) / (n + 2.0))
    # Bernstein's inequality, which holds as for binomial counts (Hoeffding): N is further from its
    # mean than this with a probability of at most 2 e^-50.
    variance = a * b / n * (1.0 - np.maximum(a, b) / n)
    reach = np.ceil(50.0 / 3.0 + np.sqrt((50.0 / 3.0) ** 2 + 100.0 * variance)) + 1.0
    steps = np.minimum(reach, np.minimum(a, b)).astype(np.int64)
    result = np.empty(a.size)
    order, start = np.argsort(-steps), 0
    while start < order.size:
        most = int(steps[order[start]])
        place = order[start : start + max(1, _CELLS // most)]
        x, y, start_at = (values[place][:, None] for values in (a, b, mode))
        result[place] = _means(x, y, start_at, np.arange(1.0, most + 1.0), n)
        start += place.size
    return result


def _means(
    a: FloatArray, b: FloatArray, mode: FloatArray, steps: FloatArray, n: float
) -> FloatArray:
    """Mean terms over counts that are these steps or none away from the mode."""
    mean = a * b / n
    # a - N is the count of the first cluster with all that is not in the second.
    up, down = _falling(a, b, mode, steps, n), _falling(a, n - b, a - mode, steps, n)
    weights = np.hstack([np.ones_like(mode), up, down])
    counts = np.hstack([mode, mode + steps, np.maximum(mode - steps, 0.0)])
    log_ratio = np.log(mean) - np.log(np.maximum(counts, 1.0))
    terms = relative_entropy_terms(counts, mean, mean - counts, log_ratio)
    means: FloatArray = (weights * terms).sum(axis=1) / weights.sum(axis=1)
    return means


def _falling(
    a: FloatArray, b: FloatArray, mode: FloatArray, steps: FloatArray, n: float
) -> FloatArray:
    """Hypergeometric probabilities of counts above the mode as shares of that of the mode."""
    k = mode + steps
    # The first ratio beyond the largest possible count is zero, and all that follow stay so.
    ratios = (a - k + 1.0) * (b - k + 1.0) / (k * (n - a - b + k))
    return np.asarray(np.cumprod(ratios, axis=1), dtype=np.float64)
