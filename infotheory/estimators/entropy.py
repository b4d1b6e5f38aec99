"""Entropy from samples and from counts."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import IntArray
from infotheory._validation import check_base, check_choice, check_level, refusal
from infotheory.estimators.certainty import doubts, interval_of
from infotheory.estimators.counting import as_counts
from infotheory.estimators.methods import ENTROPY_METHODS, automatic_method, value
from infotheory.estimators.profile import profile_of
from infotheory.estimators.symbols import count_symbols

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
    n_symbols: int | None = None,
    base: float | None = None,
    level: float = 0.95,
    nan_policy: str = "raise",
) -> Estimate:
    """Estimate the entropy H(X) of a discrete variable from samples of it.

    Parameters
    ----------
    samples : array_like, Series or DataFrame, shape (n,) or (n, d)
        Integers, booleans, strings, dates or categories. With two dimensions each row is one
        symbol, and the entropy that of all columns together.
    method : str, default "auto"
        One of `ENTROPY_METHODS`, listed in the notes, or "auto": "nsb" where `n_symbols` is given
        and more than a tenth of the distribution belongs to symbols not seen, or "chao_wang_jost"
        would exceed ln K; "chao_wang_jost" otherwise.
    n_symbols : int, optional
        Size of the alphabet, symbols that do not occur included. Only "james_stein", "minimax",
        "dirichlet", "nsb" and "auto" use it.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether samples with missing values are refused or left out.

    Returns
    -------
    Estimate
        A float with ``standard_error``, ``interval``, ``n``, ``method`` (never "auto") and
        ``warnings``.

    Raises
    ------
    ValueError, TypeError
        Where samples are missing, continuous or of several types, or `n_symbols` is less than the
        number of symbols seen; the message names the first offending row.

    Warns
    -----
    PrecisionWarning
        Where the bias may exceed the standard error (a bias as large as it lowers the coverage of a
        95 % interval to 83 %). With u the share of the distribution that was not seen, by Good and
        Turing, the estimate may be off by u ln 10, for an uncertainty of a factor of ten in the
        number of unseen symbols, and by its distance from "chao_wang_jost". Also where the estimate
        is below 0 or above ln K for K = `n_symbols`, which "auto" is not: it is left as it is.
    UndefinedIntervalWarning
        Where there is one sample.

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
    "minimax"         Plug-in of frequencies with sqrt(n) / K added to each count, as in the
                      software of [5]_. Two errors cancel where a large alphabet has a heavy tail;
                      no use otherwise.
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

    Examples
    --------
    >>> from infotheory.estimators import estimate_entropy
    >>> estimate_entropy(list("abab"), method="plugin", base=2).value
    1.0
    >>> estimate_entropy(list("abab"), method="miller_madow", base=2).value  # + 1/8 nat
    1.1803...
    """
    options = check_options(method, n_symbols, base, level)
    _, counts = count_symbols(samples, "samples", nan_policy)
    return estimate_counted(counts, *options)


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
