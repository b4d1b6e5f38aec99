"""What scores of continuous variables have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, Self

import numpy as np

from infotheory._typing import FloatArray
from infotheory._validation import as_array, as_rng, check_choice, check_count, refusal
from infotheory.spectrum._events import check_length
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum.results import Bounds, LogInterval

__all__ = ["LARGEST", "ContinuousScore", "as_number", "as_positive"]

LARGEST = 1e100
"""Of parameters and distances."""

_INSIDE = 1.0 - 3.0 * 2.0**-53
_METHOD = "closed form"


class ContinuousScore(ABC):
    """What the scores of this file have in common: an interface like that of a finite score."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Mean, the information quantity itself."""

    @property
    def variance(self) -> float:
        """Variance: the information variance, or dispersion."""
        return float(self.cumulant_generating_function(0.0, derivative=2))

    @property
    @abstractmethod
    def slope_limit(self) -> float:
        """Least upper bound of the lam for which E exp(lam Z) is finite."""

    def cumulant_generating_function(
        self, lam: Any, *, derivative: int = 0, centred: bool = False
    ) -> Any:
        """K(lam) = ln E exp(lam Z), or one of its derivatives.

        Parameters
        ----------
        lam : float or array_like
            Finite, less than the `slope_limit` of the score and more than the negative of that of
            the negated score.
        derivative : {0, 1, 2, 3}
            The first is the mean of the tilted score, the second its variance, the third its third
            central moment.
        centred : bool
            Whether to take Z - mean for Z, which keeps the digits of K and K' for small lam.

        Returns
        -------
        float or ndarray
            Of the shape of `lam`.
        """
        if derivative not in (0, 1, 2, 3):
            raise refusal("derivative", "one of 0, 1, 2, 3", repr(derivative))
        slopes = self._as_slopes(lam)
        result = self._cumulant(slopes, derivative)
        if not centred and derivative < 2:
            result = result + (self.mean if derivative else slopes * self.mean)
        return float(result) if slopes.ndim == 0 else result

    @abstractmethod
    def _cumulant(self, slopes: FloatArray, derivative: int) -> FloatArray:
        """Return the derivative for the centred score."""

    def tilted_third_absolute_moment(self, lam: float) -> float:
        """Third absolute central moment under the law with density exp(lam Z - K(lam)).

        Parameters
        ----------
        lam : float
            As in `cumulant_generating_function`.

        Returns
        -------
        float
            Right to some units of rounding of itself; it is not bounded.
        """
        slope = self._as_slopes(lam)
        if slope.ndim:
            raise refusal("lam", "one number", f"shape {slope.shape}", "Tilt by one at a time.")
        return self._third_absolute(float(slope))

    @abstractmethod
    def _third_absolute(self, lam: float) -> float: ...

    def _as_slopes(self, lam: Any) -> FloatArray:
        slopes = as_array(lam, "lam")
        if slopes.dtype.kind not in "iuf":
            raise TypeError(f"lam must be a number or an array of numbers; got {lam!r}.")
        slopes = slopes.astype(np.float64)
        # The product with the scale is below one, however the limit and this bound were rounded.
        low, high = -_INSIDE * (-self).slope_limit, _INSIDE * self.slope_limit
        wrong = ~((slopes >= low) & (slopes <= high) & np.isfinite(slopes))
        if wrong.any():
            raise refusal(
                "lam",
                f"in ({low:g}, {high:g}) for this score",
                f"{slopes[wrong].flat[0]:g}",
                "Beyond that E exp(lam Z) is infinite.",
            )
        return slopes

    def sample(self, n: int, rng: Any = None) -> FloatArray:
        """Draw independent scores.

        Parameters
        ----------
        n : int
            How many.
        rng : int or numpy.random.Generator, optional
            Seed or source of randomness.

        Returns
        -------
        ndarray, shape (n,)
        """
        return self._draw(check_count("n", n), as_rng(rng))

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray: ...

    def log_tail(self, n: int, delta: float, side: str = "right") -> Bounds:
        """Bound ln P(S_n > n (E Z + delta)), or to the left ln P(S_n < n (E Z - delta)).

        Parameters
        ----------
        n : int
            Number of independent scores in the sum S_n, up to 1e15.
        delta : float
            Distance of the threshold from the mean, a letter, of either sign; taken to be exact,
            as are the parameters of the score. The law is continuous: whether the threshold itself
            counts does not matter.
        side : {"right", "left"}, default "right"
            Whether the sum lies above the threshold, or below.

        Returns
        -------
        Bounds
            Certified and some 1e-13 wide, or some units of rounding of the logarithm, however
            small the probability.
        """
        n = check_length(n)
        check_choice("side", side, ("right", "left"))
        distance = as_array(delta, "delta")
        if distance.ndim or distance.dtype.kind not in "iuf":
            raise TypeError(f"delta must be a number; got {delta!r}. Ask for one event at a time.")
        if not abs(float(distance)) <= LARGEST:
            raise refusal("delta", f"at most {LARGEST:g} in size", f"{float(distance):g}")
        away = DIGITS.multiply(Decimal(n), Decimal(float(distance)))
        found = self._tail(n, away, side == "right")
        sign = {"right": "> n (E Z +", "left": "< n (E Z -"}[side]
        event = f"P(S_{n} {sign} {float(distance)!r}))"
        return Bounds(found.lower, found.upper, _METHOD, event, found.terms)

    @abstractmethod
    def _tail(self, n: int, away: Decimal, right: bool) -> LogInterval:
        """Bound the tail beyond a distance of the sum from its mean."""

    @abstractmethod
    def __neg__(self) -> Self: ...

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}(mean {self.mean:.6g}, variance {self.variance:.6g})"


def as_number(name: str, value: Any, least: float, most: float) -> float:
    """Return a number of a size in a range, of either sign."""
    array = as_array(value, name)
    if array.ndim or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number; got {value!r}. Pass a float.")
    number = float(array)
    if not least <= abs(number) <= most:
        raise refusal(name, f"from {least:g} to {most:g} in size", f"{number:g}")
    return number


def as_positive(name: str, value: Any, most: float) -> float:
    number = as_number(name, value, 1.0 / most, most)
    if number < 0.0:
        raise refusal(name, "positive", f"{number:g}")
    return number
