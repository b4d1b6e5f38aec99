"""Mutual information, conditional or not, and conditional entropy from discrete samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infotheory._results import Estimate
from infotheory.estimators.cells import cells_of_samples
from infotheory.estimators.entropy_sums import (
    CONDITIONAL_ENTROPY,
    CONDITIONAL_MUTUAL_INFORMATION,
    MUTUAL_INFORMATION,
    Settings,
    estimate_sum,
)
from infotheory.estimators.symbols import aligned_symbols

__all__ = [
    "estimate_conditional_entropy",
    "estimate_conditional_mutual_information",
    "estimate_mutual_information",
]


def estimate_mutual_information(
    x: Any,
    y: Any,
    *,
    method: str = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    nan_policy: str = "raise",
    n_permutations: int = 0,
    rng: Any = None,
    progress: bool = False,
) -> Estimate:
    """Estimate the mutual information I(X;Y) of discrete samples.

    Parameters
    ----------
    x, y : array_like, Series or DataFrame, shape (n,) or (n, d)
        The variables of the same samples, matched by position: integers, booleans, strings or
        categories. With two dimensions each row is one joint symbol.
    method : str, default "auto"
        How each entropy is estimated: one of :data:`infotheory.estimators.ENTROPY_METHODS`. With
        "auto" it is "nsb" where `n_symbols` is given and more than a tenth of the joint
        distribution was not seen, by Good and Turing, or "chao_wang_jost" would exceed the
        logarithm of the number of pairs; "chao_wang_jost" otherwise.
    n_symbols : pair of int, optional
        Sizes (Kx, Ky) of the alphabets. The joint alphabet is taken to have Kx Ky symbols, which is
        an upper bound: pairs that cannot occur count as if they could. The result holds Kx Ky.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or samples that lack x or y are left out.
    n_permutations : int, default 0
        Number of random permutations for the p-value of independence; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of the permutations.
    progress : bool, default False
        Whether to show a progress bar while permutations are drawn.

    Returns
    -------
    Estimate
        A float with its interval. It may be negative, where the corrections exceed what they
        correct: setting it to zero would bias the mean of many estimates, so it is left alone.

    Raises
    ------
    ValueError, TypeError
        Where x or y is not discrete, empty, of another length than the other or has missing
        values; where `n_symbols` is smaller than the number of symbols seen, or an option unknown.

    Warns
    -----
    PrecisionWarning
        Where the bias may exceed the interval: more than a tenth of the samples are alone with
        their pair of symbols, or else the estimate lies more than a standard error from that of
        "chao_wang_jost". Also where the estimate does not scatter at all.
    UndefinedIntervalWarning
        Where there is one sample, or the estimate without some sample is infinite.

    Notes
    -----
    I(X;Y) = H(X) + H(Y) - H(X,Y), each entropy by the same method. The value is the same to the
    last bit when x and y change places and when symbols change names.

    The standard error is that of the delete-one jackknife, over the pairs of symbols seen. At
    independence its leading term vanishes, and what is left is as random as the estimate. To the
    variance is added abs(df) / (2 n^2), that of a chi-square variable with df degrees of freedom
    over 2n, which is the law of the plug-in estimate there; df is the number of pairs seen, less
    that of symbols of x and that of y, plus one. Since the jackknife is biased upwards besides
    [3]_, the interval is too wide near independence, by a factor of about two. It is centred on
    the estimate, for "plugin" on that less its bias df / (2n) [2]_, and is not cut off at zero.

    The p-value counts permutations with a plug-in estimate at least as large, the sample itself
    among them: (1 + r) / (1 + B) [4]_. It is exact whatever the size of the sample, and the same
    for every `method`.

    O(n) time to count where the symbols are integers of a narrow range. "nsb" takes a millisecond
    or so for each distinct count besides, for the jackknife.

    References
    ----------
    .. [1] shannon1948mathematical.
    .. [2] miller1955note.
    .. [3] efron1981jackknife.
    .. [4] phipson2010permutation.

    Examples
    --------
    Two fair coins of which the second always repeats the first share one bit:

    >>> from infotheory.estimators import estimate_mutual_information
    >>> x = [0, 1] * 50
    >>> float(estimate_mutual_information(x, x, method="plugin", base=2))
    1.0
    >>> estimate_mutual_information(x, x, n_permutations=99, rng=0).p_value
    0.01
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
    cells = cells_of_samples(*aligned_symbols({"x": x, "y": y}, nan_policy))
    return estimate_sum(MUTUAL_INFORMATION, cells, settings, stacklevel=3)


def estimate_conditional_mutual_information(
    x: Any,
    y: Any,
    z: Any,
    *,
    method: str = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    nan_policy: str = "raise",
    n_permutations: int = 0,
    rng: Any = None,
    progress: bool = False,
) -> Estimate:
    """Estimate the conditional mutual information I(X;Y|Z) of discrete samples.

    Parameters
    ----------
    x, y, z : array_like, Series or DataFrame, shape (n,) or (n, d)
        The variables of the same samples, as in :func:`estimate_mutual_information`; z may be
        several columns.
    method : str, default "auto"
        How each entropy is estimated; "auto" as in :func:`estimate_mutual_information`.
    n_symbols : triple of int, optional
        Sizes (Kx, Ky, Kz) of the alphabets; joint ones are taken to have the product.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or samples that lack x, y or z are left out.
    n_permutations : int, default 0
        Number of random permutations of y among the samples with the same z, for the p-value of
        conditional independence; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of the permutations.
    progress : bool, default False
        Whether to show a progress bar while permutations are drawn.

    Returns
    -------
    Estimate
        A float with its interval; it may be negative.

    Raises
    ------
    ValueError, TypeError
        As in :func:`estimate_mutual_information`.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`estimate_mutual_information`.

    Notes
    -----
    I(X;Y|Z) = H(X,Z) + H(Y,Z) - H(X,Y,Z) - H(Z). Standard error, interval and p-value are as in
    :func:`estimate_mutual_information`, with df = triples + symbols of z - pairs (x, z) - pairs
    (y, z), all counted as seen. Where most values of z come once or twice, hardly any permutation
    changes the sample: the test is still exact, but finds nothing.

    References
    ----------
    .. [1] cover2006elements, section 2.5.

    Examples
    --------
    The sum of two fair bits modulo 2 says nothing about the first, until the second is known:

    >>> from infotheory.estimators import estimate_conditional_mutual_information
    >>> x, z = [0, 0, 1, 1] * 25, [0, 1, 0, 1] * 25
    >>> y = [a ^ b for a, b in zip(x, z)]
    >>> float(estimate_conditional_mutual_information(x, y, z, method="plugin", base=2))
    1.0
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
    cells = cells_of_samples(*aligned_symbols({"x": x, "y": y, "z": z}, nan_policy))
    return estimate_sum(CONDITIONAL_MUTUAL_INFORMATION, cells, settings, stacklevel=3)


def estimate_conditional_entropy(
    x: Any,
    y: Any,
    *,
    method: str = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    nan_policy: str = "raise",
) -> Estimate:
    """Estimate the conditional entropy H(X|Y) of discrete samples.

    Parameters
    ----------
    x, y : array_like, Series or DataFrame, shape (n,) or (n, d)
        The variables of the same samples, as in :func:`estimate_mutual_information`.
    method : str, default "auto"
        How each entropy is estimated: one of :data:`infotheory.estimators.ENTROPY_METHODS`. With
        "auto" it is "nsb" where `n_symbols` is given and more than a tenth of the joint
        distribution was not seen, by Good and Turing, or "chao_wang_jost" would exceed the
        logarithm of the number of pairs; "chao_wang_jost" otherwise.
    n_symbols : pair of int, optional
        Sizes (Kx, Ky) of the alphabets; the joint one is taken to have the product.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or samples that lack x or y are left out.

    Returns
    -------
    Estimate
        A float with its interval, neither of which is cut off at zero.

    Raises
    ------
    ValueError, TypeError
        As in :func:`estimate_mutual_information`.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`estimate_mutual_information`.

    Notes
    -----
    H(X|Y) = H(X,Y) - H(Y). Standard error and interval are as in
    :func:`estimate_mutual_information`, with df = pairs - symbols of y, as seen.

    References
    ----------
    .. [1] cover2006elements, section 2.2.

    Examples
    --------
    Of four equally frequent symbols, y tells in which half they are:

    >>> from infotheory.estimators import estimate_conditional_entropy
    >>> x, y = ["a", "b", "c", "d"] * 25, [0, 0, 1, 1] * 25
    >>> float(estimate_conditional_entropy(x, y, method="plugin", base=2))
    1.0
    """
    settings = Settings.checked("xy", method=method, n_symbols=n_symbols, base=base, level=level)
    cells = cells_of_samples(*aligned_symbols({"x": x, "y": y}, nan_policy))
    return estimate_sum(CONDITIONAL_ENTROPY, cells, settings, stacklevel=3)
