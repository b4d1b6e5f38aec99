"""First terms of the least rate of codes, as words get longer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from scipy.special import ndtri

from infotheory._validation import refusal
from infotheory.spectrum._events import check_length
from infotheory.spectrum._exponents import exponent_at
from infotheory.spectrum._words import Source, as_number, source_of

__all__ = ["RateExpansion", "rate_expansion"]

_HALVINGS = 64


@dataclasses.dataclass(frozen=True)
class RateExpansion:
    """First terms of the least rate as n grows, where the error shrinks in a given manner.

    Attributes
    ----------
    rate : float
        Their sum, in nats a letter.
    terms : tuple of float
        The limit, and what follows in order of size.
    log_error : float
        Natural logarithm of the error probability at this n.
    """

    rate: float
    terms: tuple[float, ...]
    log_error: float


def rate_expansion(
    p: Any,
    n: int,
    *,
    epsilon: float | None = None,
    polynomial: float | None = None,
    subexponential: float | None = None,
    exponent: float | None = None,
    kind: str = "probs",
) -> RateExpansion:
    """Expand the least rate in n, for errors that are constant or shrink in one of three ways.

    Parameters
    ----------
    p : array_like, shape (K,)
        Law of a letter; letters are drawn independently.
    n : int
        Length of a word, at least 2.
    epsilon : float, optional
        A constant error probability, in (0, 1).
    polynomial : float, optional
        alpha > 0 for errors n^-alpha / (2 sqrt(pi alpha ln n)).
    subexponential : float, optional
        alpha in (0, 1) for errors exp(-n^alpha).
    exponent : float, optional
        r > 0 for errors exp(-n r).
    kind : {"probs", "log_probs", "logits"}
        What `p` holds.

    Returns
    -------
    RateExpansion
        In nats a letter: an approximation, and no bound.

    Raises
    ------
    ValueError, TypeError
        If `p` is no distribution, not exactly one manner is given, or its number is out of range.

    Notes
    -----
    With the entropy H, the information variance sigma^2, the third central moment k3 of -ln p, and
    g = 1 - k3 / (3 sigma^2):

    - constant: H + sigma Q^-1(epsilon) / sqrt(n) - ln n / (2 n), and O(1/n) that is left out;
    - polynomial: H + sigma sqrt(2 alpha ln n / n) - (1/2 + alpha g) ln n / n;
    - sub-exponential: H + sigma sqrt(2 rho) - g rho with rho = n^(alpha - 1);
    - exponential: the entropy of the law proportional to p^(1 - lam) with divergence r from p, less
      ln n / (2 lam n). From lam = 1 on, where almost all words are needed, ln k.

    The leading terms are those of [1]_, the second ones follow from its prefactors. Where all
    letters are equally likely the rate is ln k.

    References
    ----------
    .. [1] yang2012nonasymptotic.
    .. [2] strassen1962asymptotische.

    Examples
    --------
    The exact rate is 0.6470 nats a letter.

    >>> from infotheory.spectrum import rate_expansion
    >>> found = rate_expansion([0.7, 0.3], 1000, polynomial=1.0)
    >>> round(found.rate, 4), [round(term, 4) for term in found.terms]
    (0.6469, [0.6109, 0.0456, -0.0096])
    """
    source, n = source_of(p, kind), check_length(n)
    if n < 2:
        raise refusal("n", "at least 2", repr(n), "An expansion is for large n.")
    given = {
        "epsilon": epsilon,
        "polynomial": polynomial,
        "subexponential": subexponential,
        "exponent": exponent,
    }
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        raise refusal(f"one of {', '.join(given)}", "given", " and ".join(named) or "none of them")
    ((name, value),) = named.items()
    limit = 1.0 if name in ("epsilon", "subexponential") else math.inf
    number = as_number(name, value)
    if not 0.0 < number < limit:
        asked = "a positive finite number" if limit > 1.0 else "a number between 0 and 1"
        raise refusal(name, asked, repr(value))
    terms, log_error = _expansions(source, n)[name](number)
    if len(source.score) == 1:
        terms = (source.log_letters,)
    return RateExpansion(math.fsum(terms), terms, log_error)


_Terms = tuple[tuple[float, ...], float]


def _expansions(source: Source, n: int) -> dict[str, Callable[[float], _Terms]]:
    """Terms of the rate, and the logarithm of the error, by the manner in which that shrinks."""
    score, log_n = source.score, math.log(n)
    mean, spread = score.mean, math.sqrt(score.variance)
    bend = 1.0 - score.third_central_moment / (3.0 * score.variance) if spread > 0.0 else 1.0

    def constant(epsilon: float) -> _Terms:
        first = -spread * float(ndtri(epsilon)) / math.sqrt(n)
        return (mean, first, -log_n / (2 * n)), math.log(epsilon)

    def polynomial(alpha: float) -> _Terms:
        first = spread * math.sqrt(2.0 * alpha * log_n / n)
        log_error = -alpha * log_n - math.log(2.0 * math.sqrt(math.pi * alpha * log_n))
        return (mean, first, -(0.5 + alpha * bend) * log_n / n), log_error

    def subexponential(alpha: float) -> _Terms:
        rho = math.exp((alpha - 1.0) * log_n)
        return (mean, spread * math.sqrt(2.0 * rho), -bend * rho), -n * rho

    def exponential(rate: float) -> _Terms:
        return _of_exponent(source, n, rate), -n * rate

    return {
        "epsilon": constant,
        "polynomial": polynomial,
        "subexponential": subexponential,
        "exponent": exponential,
    }


def _of_exponent(source: Source, n: int, rate: float) -> tuple[float, ...]:
    score, even = source.score, source.counting.mean
    if len(score) == 1 or rate >= exponent_at(score, even).rate:
        return (source.log_letters,)
    low, high = score.mean, even
    for _ in range(_HALVINGS):
        level = 0.5 * (low + high)
        low, high = (level, high) if exponent_at(score, level).rate < rate else (low, level)
    found = exponent_at(score, 0.5 * (low + high))
    return 0.5 * (low + high) - found.rate, -math.log(n) / (2.0 * found.lam * n)
