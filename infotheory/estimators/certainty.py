"""How far an entropy estimate may be off: its interval, and where that leaves out the bias."""

from __future__ import annotations

import math

from scipy.special import ndtri

from infotheory._results import Interval, unit_name
from infotheory.estimators.coverage import sample_coverage
from infotheory.estimators.methods import deviation, value
from infotheory.estimators.profile import Profile, Shape
from infotheory.exceptions import InfotheoryWarning, PrecisionWarning, UndefinedIntervalWarning

__all__ = ["doubts", "interval_of", "possible_bias"]

_REFERENCE = "chao_wang_jost"
_ROUNDING = 1e-12  # of an entropy, for which methods that keep within the range may leave it
_MANIFOLD = 10.0  # by which factor the number of unseen symbols is taken to be uncertain
_FEW = 0.1  # share of coincidences among samples beyond which "ansb" has no ground


def interval_of(profile: Profile, method: str, estimate: float, level: float) -> Interval:
    """Return the interval of an estimate, in nats, cut to what an entropy can be.

    The estimate may lie outside. Its ends are nan where the standard error is not defined (one
    sample) or infinite.
    """
    error, how = deviation(profile, method)
    if not math.isfinite(error):
        return Interval(estimate, math.nan, math.nan, error, level, how)
    reach = float(ndtri(0.5 + level / 2)) * error
    most = profile.shape.most
    low, high = (min(max(end, 0.0), most) for end in (estimate - reach, estimate + reach))
    return Interval(estimate, low, high, error, level, how)


def possible_bias(profile: Profile, estimate: float) -> float:
    """Return by how much an estimate may be off beside its scatter, in nats.

    Notes
    -----
    Symbols not seen have the share u of the distribution, by Good and Turing. Spread over M symbols
    it adds u ln(M / u) to the entropy, and samples bound M from below only: if M is uncertain by a
    factor of ten, the entropy is by u ln 10. For a known alphabet the factor is at most the number
    of symbols not seen over Chao's lower bound of it. Added to this is the distance from the
    estimate of Chao, Wang and Jost, which shows what a method makes of the symbols not seen, or
    what a prior does.
    """
    most = profile.shape.most  # what exceeds it is a doubt of its own
    distance = abs(min(estimate, most) - min(value(profile, _REFERENCE), most))
    return distance + _unseen(profile.shape)


def _unseen(shape: Shape) -> float:
    if shape.singletons == 0:
        return 0.0
    factor = _MANIFOLD
    if shape.n_symbols is not None:
        pairs = shape.singletons * (shape.singletons - 1) / 2
        least = shape.singletons**2 / (2 * shape.doubletons) if shape.doubletons else pairs
        factor = min(factor, max((shape.n_symbols - shape.observed) / max(least, 1.0), 1.0))
    return (1.0 - sample_coverage(shape)) * math.log(factor)


def doubts(
    profile: Profile, method: str, interval: Interval, base: float | None
) -> list[tuple[type[InfotheoryWarning], str]]:
    """Say that an estimate is impossible, and why it is less certain than its interval, if so."""
    return _impossible(profile.shape, interval.estimate, base) + _uncertain(
        profile, method, interval, base
    )


def _impossible(
    shape: Shape, estimate: float, base: float | None
) -> list[tuple[type[InfotheoryWarning], str]]:
    unit = 1.0 if base is None else math.log(base)
    if math.isfinite(estimate) and estimate > shape.most + _ROUNDING:
        where = (
            f"{(estimate - shape.most) / unit:.2g} {unit_name(base)} above the logarithm of "
            f"n_symbols={shape.n_symbols}"
        )
        fix = "Use method='nsb', which keeps below it."
    elif estimate < -_ROUNDING:
        where = f"{-estimate / unit:.2g} {unit_name(base)} below 0"
        fix = "Use method='nsb', which keeps above it."
    else:
        return []
    text = f"The estimate lies {where}, where no entropy is; it is left as it is. {fix}"
    return [(PrecisionWarning, text)]


def _uncertain(
    profile: Profile, method: str, interval: Interval, base: float | None
) -> list[tuple[type[InfotheoryWarning], str]]:
    shape = profile.shape
    if shape.n_symbols == 1:
        return []
    if math.isnan(interval.standard_error):
        text = "The interval is undefined, since one sample does not vary. Take more samples."
        return [(UndefinedIntervalWarning, text)]
    advice = "Take more samples" + (
        "." if shape.n_symbols else ", or give n_symbols where the alphabet is known."
    )
    repeated = shape.n - shape.observed
    bias = possible_bias(profile, interval.estimate)
    # Nothing is unseen then, and the other estimate knows no more than the prior does.
    complete = method == "nsb" and shape.observed == shape.n_symbols
    if math.isinf(interval.estimate):
        text = f"No symbol was seen twice: nothing bounds the entropy from above. {advice}"
    elif interval.standard_error == 0.0:
        text = f"One symbol was seen only: the interval cannot show other ones. {advice}"
    elif method == "ansb" and repeated > _FEW * shape.n:
        text = (
            f"{repeated} of {shape.n} samples repeat a symbol: too many for 'ansb'. "
            "Use method='nsb', of which it is a limit."
        )
    elif bias > interval.standard_error and not complete:  # a coverage of 95 % would be one of 83 %
        text = f"{_bias_in_words(profile, bias, interval, base)} {advice}"
    else:
        return []
    return [(PrecisionWarning, text)]


def _bias_in_words(profile: Profile, bias: float, interval: Interval, base: float | None) -> str:
    unit = 1.0 if base is None else math.log(base)
    unseen = 100 * (1 - sample_coverage(profile.shape))
    other, most = value(profile, _REFERENCE), profile.shape.most
    cut = f", cut to {most / unit:.4g}" if other > most else ""
    return (
        f"The bias may be {bias / unit:.2g} {unit_name(base)} (symbols not seen have about "
        f"{unseen:.2g} % of the distribution, and {_REFERENCE!r} gives {other / unit:.4g}{cut}), "
        f"more than the standard error of {interval.standard_error / unit:.2g}: the interval "
        "leaves it out."
    )
