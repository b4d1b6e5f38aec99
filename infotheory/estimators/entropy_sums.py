"""Quantities that are sums of joint entropies with signs: the one way to estimate all of them.

I(X;Y) = H(X) + H(Y) - H(X,Y), I(X;Y|Z) = H(X,Z) + H(Y,Z) - H(X,Y,Z) - H(Z) and
H(X|Y) = H(X,Y) - H(Y), each entropy by the same method.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from infotheory._results import Estimate, Interval
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_rng, check_base, check_choice, check_level, refusal
from infotheory.estimators.cells import Cells
from infotheory.estimators.coverage import sample_coverage
from infotheory.estimators.methods import ENTROPY_METHODS, automatic_method, value, without_one
from infotheory.estimators.permutation import check_permutations, permutation_p_value
from infotheory.estimators.profile import Profile, profile_of
from infotheory.exceptions import InfotheoryWarning, PrecisionWarning, UndefinedIntervalWarning

__all__ = [
    "CONDITIONAL_ENTROPY",
    "CONDITIONAL_MUTUAL_INFORMATION",
    "MUTUAL_INFORMATION",
    "EntropySum",
    "Settings",
    "estimate_sum",
]

EntropySum = tuple[tuple[int, tuple[int, ...]], ...]
"""For each entropy its sign, and the axes of its variables."""

# In an order that keeps the rounding when x and y change places: the first two commute.
MUTUAL_INFORMATION: EntropySum = ((1, (0,)), (1, (1,)), (-1, (0, 1)))
CONDITIONAL_MUTUAL_INFORMATION: EntropySum = (
    (1, (0, 2)),
    (1, (1, 2)),
    (-1, (0, 1, 2)),
    (-1, (2,)),
)
CONDITIONAL_ENTROPY: EntropySum = ((1, (0, 1)), (-1, (1,)))

_LARGEST = 2**63 - 1
_COVERED = 0.9  # share of the distribution that was seen, below which bias may exceed scatter

_ROUNDING = 64 * np.finfo(float).eps  # of an entropy below sixteen nats


@dataclass(frozen=True)
class Settings:
    """How to estimate, checked; see :func:`infotheory.estimators.estimate_mutual_information`."""

    method: str
    n_symbols: tuple[int, ...] | None
    base: float | None
    level: float
    n_permutations: int
    rng: np.random.Generator
    progress: bool

    @classmethod
    def checked(
        cls,
        names: str,
        *,
        method: str = "auto",
        n_symbols: Any = None,
        base: Any = None,
        level: Any = 0.95,
        n_permutations: Any = 0,
        rng: Any = None,
        progress: bool = False,
    ) -> Settings:
        """Check what does not depend on the samples; `names` has a letter for each variable."""
        check_choice("method", method, ("auto", *ENTROPY_METHODS))
        return cls(
            method,
            _check_sizes(n_symbols, names),
            check_base(base),
            check_level(level),
            check_permutations(n_permutations),
            as_rng(rng),
            bool(progress),
        )


def _check_sizes(n_symbols: Any, names: str) -> tuple[int, ...] | None:
    if n_symbols is None:
        return None
    given = tuple(n_symbols) if isinstance(n_symbols, (tuple, list, np.ndarray)) else (n_symbols,)
    whole = (isinstance(size, (int, np.integer)) and not isinstance(size, bool) for size in given)
    if not (len(given) == len(names) and all(whole) and min(given) >= 1):
        raise refusal(
            "n_symbols",
            f"None or positive integers ({', '.join(f'K{name}' for name in names)})",
            repr(n_symbols),
            "Give the size of the alphabet of each variable.",
        )
    sizes = tuple(int(size) for size in given)
    if math.prod(sizes) > _LARGEST:
        raise refusal(
            "n_symbols",
            "sizes with a product of at most 2**63 - 1",
            repr(n_symbols),
            "Pass None: alphabets as large are as good as unknown.",
        )
    return sizes


class _Margin(NamedTuple):
    """One entropy of a sum: its sign, the profile of its counts, and the count of each cell."""

    sign: int
    profile: Profile
    place: IntArray


def estimate_sum(terms: EntropySum, cells: Cells, settings: Settings, stacklevel: int) -> Estimate:
    """Estimate a sum of entropies from the cells of its variables."""
    sizes, n = settings.n_symbols, cells.n
    if sizes is not None:
        _check_seen(cells, sizes)
    joint, _ = profile_of(cells.counts, None if sizes is None else math.prod(sizes))
    method = automatic_method(joint) if settings.method == "auto" else settings.method
    margins = [_margin(cells, sign, axes, sizes) for sign, axes in terms]
    estimate = _value(margins, method)
    unit = 1.0 if settings.base is None else math.log(settings.base)
    interval = _interval(margins, cells, method, estimate, settings.level)
    found = _doubts(margins, joint, interval)
    for kind, text in found:
        warnings.warn(text, kind, stacklevel=stacklevel)
    p_value = None
    if settings.n_permutations:
        p_value = permutation_p_value(
            cells, settings.n_permutations, settings.rng, settings.progress
        )
    return Estimate(
        estimate / unit,
        interval=interval.scaled(unit),
        n=n,
        method=method,
        base=settings.base,
        n_symbols=joint.shape.n_symbols,
        p_value=p_value,
        warnings=tuple(text for _, text in found),
    )


def _margin(
    cells: Cells, sign: int, axes: tuple[int, ...], sizes: tuple[int, ...] | None
) -> _Margin:
    counts, place = cells.margin(axes)
    size = None if sizes is None else math.prod(sizes[axis] for axis in axes)
    profile, distinct = profile_of(counts, size)
    return _Margin(sign, profile, distinct[place])


def _value(margins: list[_Margin], method: str) -> float:
    return float(sum(margin.sign * value(margin.profile, method) for margin in margins))


def _check_seen(cells: Cells, sizes: tuple[int, ...]) -> None:
    seen = tuple(cells.margin((axis,))[0].size for axis in range(len(sizes)))
    if any(size < number for size, number in zip(sizes, seen, strict=True)):
        raise refusal(
            "n_symbols",
            f"at least the numbers of symbols seen, {seen}",
            str(sizes),
            "Count the symbols that could occur, whether they did or not.",
        )


def _interval(
    margins: list[_Margin], cells: Cells, method: str, estimate: float, level: float
) -> Interval:
    """Return the normal interval, in nats; its ends are nan where its width is not defined."""
    # What the plug-in value exceeds the truth by, to first order, and at independence half the
    # degrees of freedom of its chi-square law over n.
    excess = -sum(margin.sign * (margin.profile.shape.observed - 1) for margin in margins) / (
        2 * cells.n
    )
    without = _without_one(margins, method)
    if excess == 0.0 and np.ptp(without) < _ROUNDING * len(margins):
        variance = 0.0  # what is left is rounding
    else:
        variance = _jackknife_variance(without, cells) + abs(excess) / cells.n
    error = math.sqrt(variance)
    bias = excess if method == "plugin" else 0.0
    how = "delete-one jackknife and second order, normal"
    reach = float(ndtri(0.5 + level / 2)) * error
    low, high = estimate - bias - reach, estimate - bias + reach
    return Interval(estimate, low, high, error, level, how, bias)


def _without_one(margins: list[_Margin], method: str) -> FloatArray:
    """Return for each cell the estimate without one of its samples; nan where it is not finite."""
    with np.errstate(invalid="ignore"):  # infinities of both signs
        parts = [
            margin.sign * without_one(margin.profile, method)[margin.place] for margin in margins
        ]
        # In the order of the terms, of which the first two may change places.
        found: FloatArray = sum(parts[1:], start=parts[0])
    return np.where(np.isfinite(found), found, math.nan)


def _jackknife_variance(without: FloatArray, cells: Cells) -> float:
    """Return (n-1)/n times the squared deviations of the n values without one sample each.

    Sums are rounded once, so that they do not depend on the order of the cells.
    """
    n, least = cells.n, float(without.min())
    mean = least + math.fsum(cells.counts * (without - least)) / n
    return (n - 1) / n * math.fsum(cells.counts * (without - mean) ** 2)


def _doubts(
    margins: list[_Margin], joint: Profile, interval: Interval
) -> list[tuple[type[InfotheoryWarning], str]]:
    """Say in which respect an estimate is less certain than its interval, if in any."""
    n, alone = joint.shape.n, joint.shape.singletons
    if n == 1:
        text = "The interval is undefined, since one sample does not vary. Take more samples."
        return [(UndefinedIntervalWarning, text)]
    if math.isnan(interval.standard_error):  # of 'nsb' or 'ansb': the other methods are finite
        text = (
            f"The interval is undefined: without one of the {n} samples the estimate is not "
            "finite. Take more samples, or use method='chao_wang_jost'."
        )
        return [(UndefinedIntervalWarning, text)]
    if sample_coverage(joint.shape) < _COVERED:
        advice = "" if joint.shape.n_symbols else ", or pass n_symbols"
        text = (
            f"{alone} of {n} samples are alone with their combination of symbols: about "
            f"{100 * alone / n:.0f} % of the distribution was not seen, and the interval leaves "
            f"out the bias this may bring. Take more samples or fewer symbols{advice}."
        )
        return [(PrecisionWarning, text)]
    if interval.standard_error == 0.0:
        text = (
            f"Without any one of the {n} samples the estimate would be the same, which leaves the "
            "interval no width: a variable of one symbol, or one that follows from the others. "
            "Only samples of what has not been seen yet could tell more."
        )
        return [(PrecisionWarning, text)]
    off = interval.corrected - _value(margins, "chao_wang_jost")
    if abs(off) > interval.standard_error:
        text = (
            f"The estimate lies {abs(off) / interval.standard_error:.1f} standard errors from that "
            "of method='chao_wang_jost', which has hardly any bias with so few combinations of "
            "symbols not seen. Use that one; the interval leaves out the bias."
        )
        return [(PrecisionWarning, text)]
    return []
