"""Mutual information from samples of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infotheory._results import Estimate
from infotheory.estimators.dependence import estimate_dependence

__all__ = ["estimate_mutual_information"]


def estimate_mutual_information(
    x: Any,
    y: Any,
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
    """Estimate the mutual information I(X;Y) of symbols, measurements, or one of each.

    Parameters
    ----------
    x, y : array_like, Series or DataFrame, shape (n,) or (n, d)
        The variables of the same samples, matched by position: measurements (floats) or symbols
        (integers, booleans, strings, dates, categories). With two dimensions each row is one
        sample of a vector, or one joint symbol.
    method : str, default "auto"
        For two variables of symbols, how each entropy is estimated: one of `ENTROPY_METHODS`. Else
        one of `INFORMATION_METHODS`, listed in the notes. "auto" takes "ksg1" for two densities,
        "ross" for a density and symbols, "ksg_ties" where more than a hundredth of the values
        repeat; and for symbols "nsb" where `n_symbols` is given and more than a tenth of the joint
        distribution was not seen, by Good and Turing, or "chao_wang_jost" would exceed the
        logarithm of the number of pairs, and "chao_wang_jost" otherwise.
    k : int, default 3
        Number of neighbours. More scatter less and are more biased.
    discrete : bool or "auto", or a pair of them, default "auto"
        Whether x and y are symbols; "auto" goes by their dtype, and takes whole numbers for
        measurements where `method` knows nothing else.
    n_symbols : pair of int, optional
        Sizes (Kx, Ky) of the alphabets. The joint alphabet is taken to have Kx Ky symbols, which is
        an upper bound: pairs that cannot occur count as if they could. The result holds Kx Ky.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    interval : bool, default True
        Whether methods with neighbours estimate their scatter from parts of the sample too, which
        takes up to as long again, and without which there is no warning of bias in many dimensions;
        the others do at no cost.
    standardize : bool, default True
        Whether each column is divided by its interquartile range before distances are measured, so
        that it does not matter in which units columns come.
    clip : bool, default False
        Whether an estimate below zero is returned as zero, and its interval cut off there.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or samples that lack x or y are left out.
    n_permutations : int, default 0
        Number of random permutations for the p-value of independence; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of the permutations, and of the parts that the interval rests on; the latter are
        always the same by default.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large.
    progress : bool, default False
        Whether to show a progress bar while permutations are drawn.

    Returns
    -------
    Estimate
        A float with its interval, and with ``local`` and ``null_distribution`` where there are such
        parts. It may be negative, where corrections exceed what they correct: setting it to zero
        would bias the mean of many estimates, so it is left alone.

    Raises
    ------
    ValueError, TypeError
        Where x or y is empty, of another length than the other, infinite, of several types or has
        missing values; where there are not more than `k` samples; where `n_symbols` is smaller than
        the number of symbols seen, or an option unknown or no use for such variables.

    Warns
    -----
    PrecisionWarning
        Where the bias may exceed the interval: more than a tenth of the samples are alone with
        their pair of symbols, or else the estimate lies more than a standard error from that of
        "chao_wang_jost". Also where the estimate does not scatter at all.
        Of measurements: where the estimate is near the largest that n samples can show, psi(n) -
        psi(k); where parts of the sample say something else than the whole, as in many dimensions;
        where values repeat though the method assumes a density; where a variable is constant.
    UndefinedIntervalWarning
        Where there is one sample, the estimate without some sample is infinite, or there are too
        few measurements to be cut into parts.

    Notes
    -----
    The value is the same to the last bit when x and y change places and when symbols change names.

    Of symbols: I(X;Y) = H(X) + H(Y) - H(X,Y), each entropy by the same method.

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

    Of measurements, with e the distance of a point to its k-th neighbour, the largest over all
    columns, and c how many points are closer than e in x or y alone, itself included:

    =================  =========================================================================
    "ksg1"             psi(k) + psi(n) - <psi(c_x) + psi(c_y)> [5]_. For densities in few
                       dimensions.
    "ksg2"             The second algorithm of [5]_, with an own distance in x and in y. Scatters
                       more, and is less biased in several dimensions.
    "ksg_ties"         "ksg1" with psi(k_e) for psi(k), where k_e other samples lie up to e in both,
                       and c of those up to e where they are more. That is "ksg1" where no
                       distances tie, and far less biased for values rounded to steps within e.
                       Where most samples have k copies they are symbols rather: count them.
    "lnc"              "ksg2" with a correction for densities that are far from even within e [6]_,
                       as where the dependence is strong.
    "ross"             psi(n) + <psi(k) - psi(n_s) - psi(c)> with neighbours among the n_s samples
                       of the same symbol [7]_. For one variable of symbols.
    "gao"              As "ksg1", with the plug-in value where samples repeat [8]_. For mixtures of
                       densities and atoms.
    "mesner_shalizi"   As "gao", with counts up to e [9]_.
    "gaussian"         From canonical correlations, without bias for Gaussian samples.
    "gaussian_copula"  "gaussian" of normal scores of ranks [10]_: a lower bound, for monotone
                       dependence, that works in many dimensions.
    "binned"           From bins of equal frequency, as for symbols: a lower bound.
    =================  =========================================================================

    Symbols are at the same distance from each other, further than any two measurements. The
    standard error of methods with neighbours is that of five or ten disjoint parts of at most a
    thousand samples each, scaled to n, and the interval adds Student's quantile; neighbours in a
    bootstrap sample would be copies. It does not hold the bias. The p-value permutes y.

    O(n log n) time for few columns, and more the more columns there are; O(n) for symbols that are
    integers of a narrow range. "nsb" takes a millisecond or so for each distinct count besides.

    References
    ----------
    .. [1] shannon1948mathematical.
    .. [2] miller1955note.
    .. [3] efron1981jackknife.
    .. [4] phipson2010permutation.
    .. [5] kraskov2004estimating, equations (8) and (9).
    .. [6] gao2015efficient.
    .. [7] ross2014mutual.
    .. [8] gao2017estimating.
    .. [9] mesner2019conditional.
    .. [10] ince2017statistical.

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
    return estimate_dependence(
        {"x": x, "y": y},
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
