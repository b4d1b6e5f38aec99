"""Maps of single variables that leave their information as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from infotheory._typing import AnyArray, FloatArray
from infotheory._validation import check_choice, refusal
from infotheory.sources._parameters import wrong_kind
from infotheory.sources.source import JointSource

__all__ = ["WARPS", "Warped"]

_NAMES = ("x", "y", "z")
_MERGED = 0.01  # share of distinct values that a warp may round to the same number


def _spiral(samples: AnyArray) -> FloatArray:
    """Turn the plane of the first two coordinates by the squared length of the vector."""
    turned = samples.astype(np.float64)  # vectors of symbols turn into numbers
    angle = (turned**2).sum(axis=1)
    cosine, sine = np.cos(angle), np.sin(angle)
    turned[:, 0] = cosine * samples[:, 0] - sine * samples[:, 1]
    turned[:, 1] = sine * samples[:, 0] + cosine * samples[:, 1]
    return turned


WARPS: tuple[str, ...] = ("asinh", "cubic", "half_cube", "normal_cdf", "spiral")
"""Names of the warps that come with the package."""

_ELEMENTWISE: dict[str, Callable[[FloatArray], FloatArray]] = {
    "asinh": np.arcsinh,
    "cubic": lambda x: x**3,
    "half_cube": lambda x: x * np.sqrt(np.abs(x)),
    "normal_cdf": ndtr,
}


@dataclass(frozen=True, eq=False, repr=False)
class Warped(JointSource):
    """A pair or triple whose variables are seen through maps that can be inverted.

    Attributes
    ----------
    source : JointSource
        What is warped.
    x, y, z : str or callable, optional
        How each variable is warped; by default it stays as it is. ``"asinh"`` shortens tails,
        ``"half_cube"`` (x times the root of its size) and ``"cubic"`` lengthen them,
        ``"normal_cdf"`` makes a standard Gaussian uniform, and ``"spiral"`` turns the plane of the
        first two coordinates of a vector by its squared length. A callable is applied to an array
        at once and must be strictly monotone, entry by entry.

    Raises
    ------
    TypeError
        If `source` is not a pair or a triple.
    ValueError
        If there is no such warp, or none can be applied to that variable; when samples are drawn,
        if a warp turns out not to be strictly monotone.

    Notes
    -----
    Mutual information and conditional mutual information do not change: an invertible map of one
    variable loses nothing. Samples are checked: a warp must keep or reverse the order of the
    values in each column, and may round no more than one in a hundred of them to the same number,
    as ``"normal_cdf"`` does beyond 8 standard deviations.

    References
    ----------
    .. [1] czyz2023beyond.

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.sources import GaussianPair, Warped
    >>> pair = GaussianPair(0.9)
    >>> warped = Warped(pair, x="cubic", y=np.exp)
    >>> warped.mutual_information() == pair.mutual_information()
    True
    """

    source: JointSource
    x: Any = None
    y: Any = None
    z: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.source, JointSource):
            raise wrong_kind("source", "a pair or a triple", self.source)
        for name in _NAMES:
            warp = getattr(self, name)
            if warp is None:
                continue
            if _NAMES.index(name) >= self.n_variables:
                raise refusal(name, "None for a pair", repr(warp), "A pair has no third variable.")
            if not callable(warp):
                check_choice(name, warp, WARPS)

    @property
    def n_variables(self) -> int:
        """As the source."""
        return self.source.n_variables

    def _mutual_information(self) -> float:
        return self.source.mutual_information()

    def _conditional_mutual_information(self) -> float:
        return self.source.conditional_mutual_information()

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        samples = self.source.sample(n, rng)
        pairs = zip(_NAMES[: self.n_variables], samples, strict=True)
        return tuple(_warp(name, getattr(self, name), variable) for name, variable in pairs)


def _warp(name: str, warp: Any, samples: AnyArray) -> AnyArray:
    if warp is None:
        return samples
    if isinstance(warp, str) and warp == "spiral":
        if samples.ndim == 1 or samples.shape[1] == 1:
            raise refusal(
                name,
                "of at least two coordinates for the warp 'spiral'",
                "one",
                "Give the source dimension=2.",
            )
        return _spiral(samples)
    function = _ELEMENTWISE[warp] if isinstance(warp, str) else warp
    with np.errstate(all="ignore"):  # what is lost to nan or overflow is refused below
        warped = np.asarray(function(samples))
    if warped.shape != samples.shape:
        raise refusal(
            name,
            f"a warp that keeps the shape {samples.shape} of samples",
            f"shape {warped.shape}",
            "It is called once, with all samples of the variable.",
        )
    rows = (samples.reshape(len(samples), -1).T, warped.reshape(len(samples), -1).T)
    for before, after in zip(*rows, strict=True):
        _check_monotone(name, before, after)
    return warped


def _check_monotone(name: str, before: AnyArray, after: AnyArray) -> None:
    values, first = np.unique(before, return_index=True)
    earlier, later = after[first[:-1]], after[first[1:]]
    rising, falling = earlier <= later, earlier >= later  # both false beside a nan
    if not (rising.all() or falling.all()):
        place = int(np.argmin(rising if rising[0] else falling))
        raise refusal(
            name,
            "a strictly monotone warp",
            f"{earlier[place]} at {values[place]} and {later[place]} at {values[place + 1]}",
            "Only a map that can be inverted keeps the information.",
        )
    merged = int((rising & falling).sum())
    if merged > _MERGED * values.size:
        raise refusal(
            name,
            "a warp that keeps values apart",
            f"{merged} of {values.size} distinct values rounded to the one before",
            "'asinh' keeps long tails apart.",
        )
