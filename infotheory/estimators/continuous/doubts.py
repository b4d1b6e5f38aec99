"""In which respect an estimate from measurements is less certain than its interval says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import digamma

from infotheory._results import Interval
from infotheory.estimators.continuous.coordinates import TIED, Placed
from infotheory.estimators.continuous.neighbour_information import Terms
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.continuous.subsampling import Scatter
from infotheory.exceptions import InfotheoryWarning, PrecisionWarning, UndefinedIntervalWarning

__all__ = ["Doubt", "Facts", "doubts", "infinite", "still_moving", "tied", "undefined"]

Doubt = tuple[type[InfotheoryWarning], str]

_NEAR_CEILING = 1.0  # nats
_NEAR_SHARE = 0.75  # of the ceiling, where that is low
_COPIED = 0.5
_ALONE = 0.05
_ERRORS = 2.58  # beyond which one of a hundred steps lies by chance
_ROUNDING = 1e-12  # nats
_DENSITIES = ("ksg1", "ksg2", "lnc")
_LOCAL = (*_DENSITIES, "ksg_ties", "ross", "gao", "mesner_shalizi")


class Facts(NamedTuple):
    """What is known about an estimate of information."""

    method: str
    n: int
    k: int
    whole: Terms | Parts
    interval: Interval
    scatter: Scatter | None
    place: Placed
    alone: float = 0.0  # share of samples with fewer than k others that have their symbols
    names: Sequence[str] = "xyz"  # of the variables
    symbols: str = "discrete=True"  # what makes symbols of a variable
    repeats: int = 1  # how often what two variables share can be seen again in others


def doubts(facts: Facts) -> list[Doubt]:
    """Return warnings and their texts."""
    found = [_constant(facts), _undefined(facts), infinite(facts.whole.value)]
    if facts.method in _LOCAL:
        found += [_tied(facts), _copied(facts), _alone(facts), _left_out(facts)]
        found += [_ceiling(facts) or _still_moving(facts)]
    return [doubt for doubt in found if doubt is not None]


def _constant(facts: Facts) -> Doubt | None:
    if not facts.place.constant:
        return None
    names = [facts.names[place] for place in facts.place.constant]
    has, it = ("has", "it") if len(names) == 1 else ("have", "them")
    return (
        PrecisionWarning,
        f"{' and '.join(names)} {has} one value only: nothing can depend on {it}.",
    )


def _undefined(facts: Facts) -> Doubt | None:
    if facts.interval.method != "subsampling, t" or facts.scatter is not None:
        return None
    return undefined(facts.n, facts.k)


def undefined(n: int, k: int) -> Doubt:
    """Say that there were no parts of the sample to estimate from."""
    return UndefinedIntervalWarning, (
        f"The interval is undefined: {n} samples cannot be cut into parts large enough for {k} "
        "neighbours each, or some part has no finite estimate. Take more samples."
    )


def infinite(value: float) -> Doubt | None:
    """Say why an estimate is no number; a difference of infinite ones is nan."""
    if math.isfinite(value):
        return None
    said = "undefined" if math.isnan(value) else "infinite"
    return PrecisionWarning, (
        f"The estimate is {said}: some columns of one variable follow linearly from those of the "
        "others. Leave out what is known already."
    )


def _tied(facts: Facts) -> Doubt | None:
    if facts.method not in _DENSITIES or facts.place.constant:
        return None
    fix = f"Use method='ksg_ties', or {facts.symbols} for variables that are symbols."
    return tied(facts.place.tied_share, facts.method, fix)


def tied(share: float, method: str, fix: str) -> Doubt | None:
    """Say that a share of the values of a column repeat others."""
    if share <= TIED:
        return None
    return PrecisionWarning, (
        f"{100 * share:.0f} % of the values of a column repeat others, where method={method!r} "
        f"assumes a density. {fix}"
    )


def _copied(facts: Facts) -> Doubt | None:
    whole = facts.whole
    if not isinstance(whole, Terms) or whole.copied <= _COPIED or facts.place.constant:
        return None
    return PrecisionWarning, (
        f"{100 * whole.copied:.0f} % of the samples have {facts.k} copies or more: the values are "
        "those of symbols rather than of measurements, and the estimate is too small. Count them, "
        f"with {facts.symbols}."
    )


def _alone(facts: Facts) -> Doubt | None:
    if facts.alone <= _ALONE:
        return None
    return PrecisionWarning, (
        f"{100 * facts.alone:.0f} % of the samples have fewer than {facts.k} others with their "
        "symbols, and tell nothing. Join rare symbols, or pass discrete=False for whole numbers "
        "that are measured."
    )


def _left_out(facts: Facts) -> Doubt | None:
    whole = facts.whole
    if not isinstance(whole, Terms) or whole.kept is None or whole.kept.all():
        return None
    lost = int(np.count_nonzero(~whole.kept))
    return PrecisionWarning, (
        f"{lost} of {facts.n} samples are alone with their symbol and were left out. Join rare "
        "symbols, or pass discrete=False for whole numbers that are measured."
    )


def _ceiling(facts: Facts) -> Doubt | None:
    """What finds k neighbours of a point within a line says psi(n) - psi(k) for each repeat."""
    ceiling = facts.repeats * float(digamma(facts.n) - digamma(facts.k))
    near = max(ceiling - _NEAR_CEILING, _NEAR_SHARE * ceiling)
    if facts.method in ("ross", "lnc") or facts.whole.value < near:
        return None
    return PrecisionWarning, (
        f"The estimate is near {ceiling:.2f} nats, the largest that {facts.n} samples and k="
        f"{facts.k} can show: the truth may be larger, or infinite. Take more samples, or use "
        "method='gaussian_copula' where the dependence is monotone."
    )


def _still_moving(facts: Facts) -> Doubt | None:
    if facts.place.constant:
        return None
    return still_moving(
        facts.whole.value,
        facts.scatter,
        facts.n,
        facts.place.width,
        "method='gaussian_copula'",
        steady=not facts.place.is_tied,
    )


def still_moving(
    value: float,
    scatter: Scatter | None,
    n: int,
    width: int,
    other: str,
    *,
    steady: bool = True,
) -> Doubt | None:
    """Say where parts of the sample say something else than the whole, so that more would too.

    What is missing is extrapolated from the step between the parts and the whole, for a bias that
    falls as n^(-2/d) with the number d of columns, and as 1/n at the fastest: the volume up to the
    k-th neighbour falls as 1/n, and a smooth density changes within it by the square of its side.
    The bias from ties is not `steady`: it first grows, so that any step counts.
    """
    if scatter is None:
        return None
    moved = value - scatter.mean
    missing = moved / ((n / scatter.size) ** min(1.0, 2.0 / width) - 1.0)
    error = math.hypot(scatter.error, scatter.standard_error)
    if abs(moved) <= max(_ERRORS * error, _ROUNDING):
        return None
    if steady and abs(missing) <= scatter.standard_error:
        return None
    why = "Repeated values bias it"
    if steady:
        why = f"With more samples it would come to about {value + missing:.2g}"
    return PrecisionWarning, (
        f"The estimate still depends on the number of samples: {scatter.mean:.3g} nats from "
        f"{scatter.size} of them on average, {value:.3g} from all {n}. {why}; the interval leaves "
        f"this bias out. Take more samples or fewer columns, or use {other} if what it assumes is "
        "near the truth."
    )
