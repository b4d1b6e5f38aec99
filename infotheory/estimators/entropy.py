"""Entropy from samples and from counts."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import IntArray
from infotheory._validation import (
    as_rng,
    check_base,
    check_choice,
    check_count,
    check_flag,
    check_jobs,
    check_level,
    refusal,
)
from infotheory.estimators.certainty import doubts, interval_of
from infotheory.estimators.continuous.entropy import (
    DENSITY_METHODS,
    DensityOptions,
    estimate_density_entropy,
)
from infotheory.estimators.counting import as_counts
from infotheory.estimators.measurements import (
    are_measurements,
    as_kinds,
    check_kind,
    check_no_symbols,
    read_variables,
)
from infotheory.estimators.methods import ENTROPY_METHODS, automatic_method, value
from infotheory.estimators.profile import profile_of
from infotheory.estimators.symbols import Symbols, count_symbols

__all__ = [
    "check_options",
    "estimate_counted",
    "estimate_entropy",
    "estimate_entropy_from_counts",
]

_LARGEST = 2**63 - 1


def estimate_entropy(
    samples: Any,
    *,
    method: str = "auto",
    k: int = 3,
    discrete: bool | str = "auto",
    n_symbols: int | None = None,
    base: float | None = None,
    level: float = 0.95,
    interval: bool = True,
    norm: str = "max",
    standardize: bool = True,
    nan_policy: str = "raise",
    rng: Any = None,
    n_jobs: int | None = None,
) -> Estimate:
    """Estimate the entropy H(X) of symbols, or the differential entropy h(X) of measurements.

    Parameters
    ----------
    samples : array_like, Series or DataFrame, shape (n,) or (n, d)
        Symbols (integers, booleans, strings, dates, categories) or measurements (floats). With two
        dimensions each row is one sample, and the entropy that of all columns together.
    method : str, default "auto"
        For symbols one of `ENTROPY_METHODS`, for measurements one of `DENSITY_METHODS`, both listed
        in the notes; it decides which of the two `samples` are. With "auto" their dtype does:
        measurements take "kozachenko_leonenko", symbols "nsb" where `n_symbols` is given and more
        than a tenth of the distribution belongs to symbols not seen, or "chao_wang_jost" would
        exceed ln K, and "chao_wang_jost" otherwise.
    k : int, default 3
        Number of neighbours, for "kozachenko_leonenko". More scatter less and are more biased.
    discrete : bool or "auto", default "auto"
        Whether floats are symbols (True), or whole numbers measurements (False).
    n_symbols : int, optional
        Size of the alphabet, symbols that do not occur included. Only "james_stein", "laplace",
        "jeffreys", "perks", "minimax", "dirichlet", "nsb" and "auto" use it.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    interval : bool, default True
        Whether "kozachenko_leonenko" estimates its scatter from parts of the sample too, which
        takes up to as long again; the others do at no cost.
    norm : {"max", "euclidean"}, default "max"
        In which distances "kozachenko_leonenko" measures.
    standardize : bool, default True
        Whether "kozachenko_leonenko" divides each column by its interquartile range first, and adds
        the logarithms at the end, so that it does not matter in which units columns come.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether samples with missing values are refused or left out.
    rng : int or numpy.random.Generator, optional
        Into which parts the samples are dealt for the interval; always the same by default.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large.

    Returns
    -------
    Estimate
        A float with ``standard_error``, ``interval``, ``n``, ``method`` (never "auto") and
        ``warnings``; for measurements also with ``local``, -ln of the density at each sample.

    Raises
    ------
    ValueError, TypeError
        Where samples are missing, infinite or of several types, do not suit the method, or are
        fewer than it needs, or `n_symbols` is less than the number of symbols seen; the message
        names the first offending row.

    Warns
    -----
    PrecisionWarning
        Where the bias may exceed the standard error (a bias as large as it lowers the coverage of a
        95 % interval to 83 %). With u the share of the distribution that was not seen, by Good and
        Turing, the estimate may be off by u ln 10, for an uncertainty of a factor of ten in the
        number of unseen symbols, and by its distance from "chao_wang_jost". Also where the estimate
        is below 0 or above ln K for K = `n_symbols`, which "auto" is not: it is left as it is.
        Of measurements: where more than a hundredth of the values of a column repeat others, as
        rounded ones do, where they have copies, so that the estimate is minus infinity, or where
        parts of the sample say something else than the whole, so that more samples would too.
    UndefinedIntervalWarning
        Where there is one symbol, or too few measurements to be cut into parts.

    See Also
    --------
    estimate_entropy_from_counts : the same from how often each symbol was seen.

    Notes
    -----
    With c how often a symbol was seen, n the sum of all c, s the number of symbols seen, and f1, f2
    how many were seen once and twice:

    ================  ==========================================================================
    "plugin"          -sum (c/n) ln (c/n). Too small by about (s - 1) / (2 n); by far more where
                      symbols are missing.
    "miller_madow"    plug-in + (s - 1) / (2 n). For samples of each symbol in plenty.
    "jackknife"       n times the plug-in less n - 1 times its mean without one sample.
    "grassberger"     ln n - (1/n) sum c G(c), G(c) = psi(c) + (-1)^c (psi((c + 1)/2) - psi(c/2)) /
                      2 [1]_. Jumps between even and odd counts where there are few symbols.
    "zhang"           sum (c/n) (psi(n) - psi(c)) [2]_. Bias falls exponentially for a finite
                      alphabet.
    "chao_shen"       Horvitz-Thompson sum with frequencies times 1 - f1/n [3]_. Good for heavy
                      tails; too small by (s - 1) / (2 n) where all symbols were seen.
    "chao_wang_jost"  Zhang's sum and an estimate of what is left of its series, from f1 and f2
                      [4]_. The most even of all where the alphabet is not known.
    "james_stein"     Plug-in of frequencies shrunk to the uniform distribution over `n_symbols`
                      [5]_, else over those seen. Excellent for nearly uniform distributions only.
    "laplace"         Plug-in of frequencies with 1 added to each count of `n_symbols`, else of
                      those seen, as in the software of [5]_ with the next three. Uniform by
                      assumption where samples are few: off by nats for steep distributions.
    "jeffreys"        The same with 1/2 added. "dirichlet" has the same prior, and the mean of H.
    "perks"           The same with 1/K added.
    "minimax"         The same with sqrt(n) / K added. Two errors cancel where a large alphabet has
                      a heavy tail; no use otherwise.
    "dirichlet"       Mean under Jeffreys' prior, half a sample for each of `n_symbols`, else of
                      those seen [6]_. Bound to the prior: useless for large alphabets.
    "nsb"             Mean under a mixture of Dirichlet priors that is uniform in entropy [7]_, by
                      an exact integral; for an infinite alphabet without `n_symbols`. Too small
                      for heavy tails.
    "ansb"            Limit of "nsb" for an infinite alphabet and few coincidences [8]_. Useless
                      where more than a tenth of the samples repeat a symbol.
    "jvhw"            Best polynomial approximation for rare symbols [9]_, with the authors'
                      constants. Minimax in rate for large alphabets.
    ================  ==========================================================================

    The standard error is that of the delete-one jackknife (in closed form), or the posterior
    deviation for "dirichlet", "nsb" and "ansb"; the interval adds a normal quantile and is cut to
    [0, ln K], outside of which an estimate may lie.

    Of measurements:

    =====================  =====================================================================
    "kozachenko_leonenko"  psi(n) - psi(k) + the mean logarithm of the volume of the ball around
                           each sample that reaches to its k-th neighbour [10]_.
    "vasicek", "van_es",   From the distances of samples m apart in order, m near sqrt(n), for
    "ebrahimi", "correa"   one column: those of :func:`scipy.stats.differential_entropy`.
    "gaussian"             That of a Gaussian law with the covariance of the samples, without
                           bias if they are Gaussian.
    "kde"                  The mean of -ln of a Gaussian kernel density without the sample itself,
                           O(n^2).
    =====================  =====================================================================

    The differential entropy depends on units: that of a X is h(X) + ln abs(a), and it may be
    negative. The standard error of "kozachenko_leonenko" is that of five or ten disjoint parts, of
    at most a thousand samples each, scaled to n, and the interval adds Student's quantile; for the
    others it follows from the local values. None holds the bias, which falls slowly where there
    are many columns.

    Counting takes O(n) for integers that lie close together and O(n log n) otherwise;
    what follows takes O(s log s), and at most O(n) for the standard error of "james_stein".

    References
    ----------
    .. [1] grassberger2003entropy.
    .. [2] zhang2012entropy.
    .. [3] chao2003nonparametric.
    .. [4] chao2013entropy.
    .. [5] hausser2009entropy.
    .. [6] wolpert1995estimating.
    .. [7] nemenman2001entropy.
    .. [8] nemenman2011coincidences.
    .. [9] jiao2015minimax.
    .. [10] kozachenko1987sample.

    Examples
    --------
    >>> from infotheory.estimators import estimate_entropy
    >>> estimate_entropy(list("abab"), method="plugin", base=2).value
    1.0
    >>> estimate_entropy(list("abab"), method="miller_madow", base=2).value  # + 1/8 nat
    1.1803...
    >>> import numpy as np
    >>> estimate_entropy(np.arange(100) / 100 + 1e-3, method="vasicek").method
    'vasicek'
    """
    check_choice("method", method, ("auto", *ENTROPY_METHODS, *DENSITY_METHODS))
    check_choice("norm", norm, ("max", "euclidean"))
    counting = method if method in ENTROPY_METHODS else "auto"
    options = check_options(counting, n_symbols, base, level)
    density = DensityOptions(
        method=method,
        k=check_count("k", k),
        norm="max" if norm == "max" else "euclidean",
        standardize=check_flag("standardize", standardize),
        base=options[2],
        level=options[3],
        interval=check_flag("interval", interval),
        n_jobs=check_jobs(n_jobs),
        rng=None if rng is None else as_rng(rng),
    )
    (declared,) = as_kinds(discrete, ("samples",)).values()
    kind = declared
    if method in DENSITY_METHODS or method in ENTROPY_METHODS:
        check_kind("samples", method, kind, method in ENTROPY_METHODS)
        kind = kind or method in ENTROPY_METHODS
    elif kind is None:
        kind = not are_measurements(samples)
    if kind and not (declared and are_measurements(samples)):
        _, counts = count_symbols(samples, "samples", nan_policy)
        return estimate_counted(counts, *options)
    (found,) = read_variables({"samples": samples}, {"samples": kind}, nan_policy)
    if isinstance(found, Symbols):
        return estimate_counted(found.counts, *options)
    check_no_symbols(n_symbols)
    return estimate_density_entropy(found, density, stacklevel=3)


def estimate_entropy_from_counts(
    counts: Any,
    *,
    method: str = "auto",
    n_symbols: int | None = None,
    base: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the entropy H(X) from how often each symbol was seen.

    Parameters
    ----------
    counts : array_like, Series or mapping, shape (s,)
        Whole numbers. Zeros are left out: they do not say how large the alphabet is.
    method, n_symbols, base, level
        As in :func:`estimate_entropy`.

    Returns
    -------
    Estimate
        As from :func:`estimate_entropy`.

    Raises
    ------
    ValueError, TypeError
        Where counts are negative, not whole or all zero, or `n_symbols` is less than the number of
        symbols seen; the message names the first offending entry.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`estimate_entropy`.

    Notes
    -----
    Formulas are those of :func:`estimate_entropy`. Everything rests on the distinct counts, of
    which there are fewer than sqrt(2 n): after sorting the counts "nsb" takes some milliseconds,
    whatever the size of the alphabet.

    References
    ----------
    .. [1] nemenman2001entropy.

    Examples
    --------
    >>> from infotheory.estimators import estimate_entropy_from_counts
    >>> estimate_entropy_from_counts({"heads": 8, "tails": 8}, method="plugin", base=2).value
    1.0
    """
    options = check_options(method, n_symbols, base, level)
    return estimate_counted(as_counts(counts), *options)


def check_options(
    method: str, n_symbols: Any, base: Any, level: Any
) -> tuple[str, int | None, float | None, float]:
    """Check what does not depend on the samples."""
    check_choice("method", method, ("auto", *ENTROPY_METHODS))
    whole = isinstance(n_symbols, (int, np.integer)) and not isinstance(n_symbols, bool)
    if not (n_symbols is None or (whole and 1 <= n_symbols <= _LARGEST)):
        raise refusal(
            "n_symbols",
            "None or an integer from 1 to 2**63 - 1",
            repr(n_symbols),
            "Give the size of the alphabet, or None where it is not known.",
        )
    return method, n_symbols and int(n_symbols), check_base(base), check_level(level)


def estimate_counted(
    counts: IntArray,
    method: str,
    n_symbols: int | None,
    base: float | None,
    level: float,
    stacklevel: int = 3,
) -> Estimate:
    """Estimate the entropy from positive counts and checked options."""
    if n_symbols is not None and n_symbols < counts.size:
        raise refusal(
            "n_symbols",
            f"at least the number of symbols seen ({counts.size})",
            str(n_symbols),
            "Count the symbols that could occur, whether they did or not.",
        )
    profile, _ = profile_of(counts, n_symbols)
    if method == "auto":
        method = automatic_method(profile)
    estimate = value(profile, method)
    interval = interval_of(profile, method, estimate, level)
    found = doubts(profile, method, interval, base)
    for kind, text in found:
        warnings.warn(text, kind, stacklevel=stacklevel)
    unit = 1.0 if base is None else math.log(base)
    return Estimate(
        estimate / unit,
        interval=interval.scaled(unit),
        n=profile.shape.n,
        method=method,
        base=base,
        n_symbols=n_symbols,
        warnings=tuple(text for _, text in found),
    )
