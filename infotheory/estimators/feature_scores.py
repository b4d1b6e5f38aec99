"""How much each feature tells about a target, as feature selection asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from infotheory._validation import (
    as_rng,
    check_base,
    check_choice,
    check_count,
    check_flag,
    check_jobs,
    refusal,
)
from infotheory.estimators.pair_columns import check_columns, read_columns
from infotheory.estimators.pair_values import PairOptions, estimate_pairs, tell_warnings
from infotheory.estimators.pairwise import PAIR_METHODS
from infotheory.estimators.permutation import check_permutations
from infotheory.estimators.symbols import check_lengths

__all__ = ["mutual_information_scores"]


def mutual_information_scores(
    X: Any,
    y: Any,
    *,
    discrete_features: Any = "auto",
    discrete_target: bool | str = "auto",
    method: str = "auto",
    k: int = 3,
    base: float | None = None,
    standardize: bool = True,
    nan_policy: str = "raise",
    clip: bool = False,
    n_permutations: int = 0,
    rng: Any = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Score features by their mutual information with a target, for ``SelectKBest`` and alike.

    Parameters
    ----------
    X : DataFrame, array_like of shape (n, m), or mapping of names to columns
        One feature a column: measurements (floats) or symbols (integers, booleans, strings, dates,
        categories). Scikit-learn hands arrays over, in which all columns have one dtype.
    y : array_like or Series, shape (n,)
        The target of the same samples: integers and strings are classes, floats are measured.
    discrete_features : bool or "auto", one a column, or mapping of names to these, default "auto"
        Which features are symbols; "auto" goes by their dtype.
    discrete_target : bool or "auto", default "auto"
        The same of the target.
    method, k, base, standardize
        As for :func:`estimate_mutual_information`.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or each feature leaves out the samples that lack it or
        the target.
    clip : bool, default False
        Whether scores below zero are returned as zero.
    n_permutations : int, default 0
        Number of random permutations of the target for the p-value of each feature; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of the permutations. Every feature begins with the same seed, and so has the p-value
        of a call for it alone; a generator is drawn from in the order of the features.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large.
    progress : bool, optional
        Whether to show a progress bar; by default where the work takes more than two seconds.

    Returns
    -------
    scores : ndarray of float, shape (m,), or Series for a DataFrame
        Estimates of I(feature; target), nan where there is none.
    p_values : ndarray of float, shape (m,), or Series for a DataFrame
        Of tests of independence; only where permutations were asked for.

    Raises
    ------
    ValueError, TypeError
        Where a column is refused by :func:`estimate_mutual_information`, or `X` is sparse or no
        table; where no feature has an estimate, or an option is unknown.

    Warns
    -----
    PrecisionWarning
        Once for all features whose estimate has a warning, and once for those that have none.

    Notes
    -----
    Scores are those of :func:`estimate_mutual_information` for each feature alone, to the last
    bit: I(X;Y) = psi(k) + psi(n) - <psi(c_x) + psi(c_y)> for measurements [1]_, and <psi(n) +
    psi(k) - psi(n_s) - psi(c)> for a measured feature and classes [2]_. They are not cut off at
    zero, and no noise is added. The p-values are those of each feature by itself: among a hundred
    features that tell nothing some five fall below 0.05.

    Features are scored one by one: two that say the same score the same, and one that tells
    something only beside another scores nothing.

    O(m n log n) time; with permutations so many times more.

    References
    ----------
    .. [1] kraskov2004estimating, equation (8).
    .. [2] ross2014mutual.

    Examples
    --------
    The first feature repeats the target, a fair coin, and the second has nothing to do with it:

    >>> import numpy as np
    >>> from infotheory.estimators import mutual_information_scores
    >>> y = np.array([0, 1] * 50)
    >>> X = np.stack([y, [0, 0, 1, 1] * 25], axis=1)
    >>> mutual_information_scores(X, y, method="plugin", base=2)
    array([1., 0.])

    Options are set by ``functools.partial(mutual_information_scores, k=5)``, which is a
    ``score_func`` again.
    """
    check_choice("method", method, PAIR_METHODS)
    if n_permutations:
        as_rng(rng)
    options = PairOptions(
        method=method,
        k=check_count("k", k),
        base=check_base(base),
        standardize=check_flag("standardize", standardize),
        clip=check_flag("clip", clip),
        n_jobs=check_jobs(n_jobs),
        n_permutations=check_permutations(n_permutations),
        rng=rng,
    )
    shown = None if progress is None else check_flag("progress", progress)
    features = read_columns(X, "X", discrete_features, method, kinds="discrete_features")
    target = read_columns(y, "y", discrete_target, method, single=True, kinds="discrete_target")
    if len(target) > 1:
        fact = f"{len(target)} columns"
        raise refusal("y", "one column", fact, "Use pairwise_mutual_information(X, y).")
    check_lengths({"X": features[0].missing.size, "y": target[0].missing.size})
    columns = [*features, *target]
    check_columns(columns, nan_policy)
    pairs = [(feature, len(features)) for feature in range(len(features))]
    found = estimate_pairs(columns, pairs, options, shown)
    tell_warnings([(f.label, target[0].label) for f in features], found, "", 2)
    scores = _labelled([pair.value for pair in found], X)
    if not n_permutations:
        return scores
    return scores, _labelled([pair.p_value for pair in found], X)


def _labelled(values: list[float], table: Any) -> Any:
    """Give the values the labels that a DataFrame has."""
    array = np.array(values)
    if not hasattr(table, "iloc"):
        return array
    import pandas as pd

    return pd.Series(array, index=table.columns)
