"""Conditional mutual information and conditional entropy from samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infotheory._results import Estimate
from infotheory.estimators.cells import cells_of_samples
from infotheory.estimators.dependence import estimate_dependence
from infotheory.estimators.entropy_sums import CONDITIONAL_ENTROPY, Settings, estimate_sum
from infotheory.estimators.symbols import aligned_symbols

__all__ = ["estimate_conditional_entropy", "estimate_conditional_mutual_information"]


def estimate_conditional_mutual_information(
    x: Any,
    y: Any,
    z: Any,
    *,
    method: str = "auto",
    k: int = 3,
    discrete: bool | str | Sequence[bool | str] = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    interval: bool = True,
    standardize: bool = True,
    clip: bool = False,
    nan_policy: str = "raise",
    n_permutations: int = 0,
    rng: Any = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> Estimate:
    """Estimate the conditional mutual information I(X;Y|Z) of symbols, measurements or both.

    Parameters
    ----------
    x, y, z : array_like, Series or DataFrame, shape (n,) or (n, d)
        The variables of the same samples, as in :func:`estimate_mutual_information`; each may be
        several columns.
    method : str, default "auto"
        Where all three are symbols, how each entropy is estimated: one of `ENTROPY_METHODS`. Else
        one of `CONDITIONAL_METHODS`: "ksg1", "ksg_ties", "mesner_shalizi", "gaussian",
        "gaussian_copula" or "binned". "auto" takes "ksg1" for densities, and "ksg_ties" where some
        variables are symbols or values repeat.
    k : int, default 3
        Number of neighbours.
    discrete : bool or "auto", or three of them, default "auto"
        Whether x, y and z are symbols; "auto" goes by their dtype.
    n_symbols : triple of int, optional
        Sizes (Kx, Ky, Kz) of the alphabets; joint ones are taken to have the product.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    interval : bool, default True
        Whether methods with neighbours estimate their scatter from parts of the sample too.
    standardize : bool, default True
        Whether each column is divided by its interquartile range before distances are measured.
    clip : bool, default False
        Whether an estimate below zero is returned as zero, and its interval cut off there.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or samples that lack x, y or z are left out.
    n_permutations : int, default 0
        Number of random permutations for the p-value of conditional independence; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of the permutations, and of the parts that the interval rests on.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large.
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
    Of symbols: I(X;Y|Z) = H(X,Z) + H(Y,Z) - H(X,Y,Z) - H(Z). Standard error, interval and p-value
    are as in :func:`estimate_mutual_information`, with df = triples + symbols of z - pairs (x, z) -
    pairs (y, z), all counted as seen. Where most values of z come once or twice, hardly any
    permutation changes the sample: the test is still exact, but finds nothing.

    Of measurements, with c counts of points closer than the k-th neighbour among all coordinates:
    "ksg1" is psi(k) - <psi(c_xz) + psi(c_yz) - psi(c_z)> [2]_, "ksg_ties" counts those that tie as
    in :func:`estimate_mutual_information`, and "mesner_shalizi" is the same with
    counts up to that distance and without the point itself, and with the number of copies for k
    where a point has that many [3]_. The p-value rests on values of y from samples that are near
    in z (the same, for symbols; one of six, for measurements) [4]_: approximate for measurements,
    and exact for symbols.

    O(n log n) time for few columns, and more the more columns there are.

    References
    ----------
    .. [1] cover2006elements, section 2.5.
    .. [2] frenzel2007partial.
    .. [3] mesner2019conditional.
    .. [4] runge2018conditional.

    Examples
    --------
    The sum of two fair bits modulo 2 says nothing about the first, until the second is known:

    >>> from infotheory.estimators import estimate_conditional_mutual_information
    >>> x, z = [0, 0, 1, 1] * 25, [0, 1, 0, 1] * 25
    >>> y = [a ^ b for a, b in zip(x, z)]
    >>> float(estimate_conditional_mutual_information(x, y, z, method="plugin", base=2))
    1.0
    """
    return estimate_dependence(
        {"x": x, "y": y, "z": z},
        method=method,
        k=k,
        discrete=discrete,
        n_symbols=n_symbols,
        base=base,
        level=level,
        interval=interval,
        standardize=standardize,
        clip=clip,
        nan_policy=nan_policy,
        n_permutations=n_permutations,
        rng=rng,
        n_jobs=n_jobs,
        progress=progress,
    )


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
