"""Scores of continuous variables whose laws are known in closed form."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
from scipy.special import gammaincc, gammaln, kve

from infotheory import sources
from infotheory._typing import FloatArray
from infotheory._validation import refusal
from infotheory.measures._terms import two_product
from infotheory.spectrum._continuous import LARGEST, ContinuousScore, as_number, as_positive
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum._gamma_tail import difference_tail, gamma_tail, log_remainder
from infotheory.spectrum.results import LogInterval

__all__ = ["GammaScore", "GaussianPairScore"]


class GammaScore(ContinuousScore):
    """Score Z = offset + scale G, with G of a gamma law: those of many densities.

    Parameters
    ----------
    offset : float
        Finite.
    shape : float
        Of the gamma law, from 1e-3 to 1e15.
    scale : float
        From 1e-100 to 1e100 in size; negative for scores that are bounded above.

    Raises
    ------
    ValueError, TypeError
        If a parameter is not such a number.

    Notes
    -----
    The mean, rounded to a double, is taken to be exact, and so are shape and scale; the offset is
    what they leave. For G of shape a, K(lam) = offset lam - a ln(1 - scale lam), and the sum of n
    scores is n offset
    + scale G_n with G_n of shape n a, so that a tail is a regularised incomplete gamma function.
    That is formed as a factor in fifty digits and a positive integral with a proved error, since
    the function itself underflows.

    References
    ----------
    .. [1] yang2012nonasymptotic.
    .. [2] trefethen2014exponentially.

    Examples
    --------
    The number -ln p(X) of an exponential variable is one more number of that kind, so that two of
    them exceed 2 + 2 with probability (1 + 4) exp(-4):

    >>> import math
    >>> from infotheory.spectrum import GammaScore
    >>> score = GammaScore.exponential()
    >>> score.mean, score.variance, score.slope_limit
    (1.0, 1.0, 1.0)
    >>> math.log(5) - 4 in score.log_tail(2, 1.0)
    True
    """

    def __init__(self, offset: float, shape: float, scale: float) -> None:
        self._offset = as_number("offset", offset, 0.0, LARGEST)
        self._shape = as_number("shape", shape, 1e-3, 1e15)
        self._scale = as_number("scale", scale, 1.0 / LARGEST, LARGEST)
        if self._shape < 0.0:
            raise refusal("shape", "positive", f"{self._shape:g}", "It is that of a gamma law.")

    @classmethod
    def gaussian(cls, covariance: Any = 1.0) -> GammaScore:
        """Score -ln p(X) of a Gaussian number or vector.

        Parameters
        ----------
        covariance : float or array_like, shape (d, d)
            Variance of a number, or the matrix of a vector.

        Returns
        -------
        GammaScore
            Of shape d / 2 and scale 1, whatever the covariance.
        """
        source = sources.Gaussian(0.0, covariance)
        half = 0.5 * len(np.atleast_1d(source.covariance))
        return cls(source.differential_entropy() - half, half, 1.0)

    @classmethod
    def exponential(cls, scale: float = 1.0) -> GammaScore:
        """Score -ln p(X) of a waiting time.

        Parameters
        ----------
        scale : float
            Its mean.

        Returns
        -------
        GammaScore
            Of shape 1 and scale 1.
        """
        return cls(sources.Exponential(scale).differential_entropy() - 1.0, 1.0, 1.0)

    @classmethod
    def laplace(cls, scale: float = 1.0) -> GammaScore:
        """Score -ln p(X) of a Laplace variable.

        Parameters
        ----------
        scale : float
            Mean distance from the centre.

        Returns
        -------
        GammaScore
            Of shape 1 and scale 1.
        """
        return cls(sources.Laplace(scale=scale).differential_entropy() - 1.0, 1.0, 1.0)

    @classmethod
    def pareto(cls, index: float, minimum: float = 1.0) -> GammaScore:
        """Score -ln p(X) of the density index minimum^index / x^(index + 1) for x > minimum.

        Parameters
        ----------
        index : float
            How fast the tail falls, from 1e-50 to 1e50.
        minimum : float
            Least value, from 1e-100 to 1e100.

        Returns
        -------
        GammaScore
            Of shape 1 and scale 1 + 1 / index, rounded to a double.
        """
        index = as_positive("index", index, 1e50)
        minimum = as_positive("minimum", minimum, LARGEST)
        return cls(math.log(minimum) - math.log(index), 1.0, 1.0 + 1.0 / index)

    @property
    def mean(self) -> float:
        """Mean, the information quantity itself."""
        return self._offset + self._shape * self._scale

    @property
    def minimum(self) -> float:
        """Greatest lower bound of the values."""
        return self._offset if self._scale > 0.0 else -math.inf

    @property
    def maximum(self) -> float:
        """Least upper bound of the values."""
        return math.inf if self._scale > 0.0 else self._offset

    @property
    def slope_limit(self) -> float:
        """Least upper bound of the lam for which E exp(lam Z) is finite."""
        return 1.0 / self._scale if self._scale > 0.0 else math.inf

    def _cumulant(self, slopes: FloatArray, derivative: int) -> FloatArray:
        a, s = self._shape, self._scale
        u, rest = _product_and_rest(s, slopes)
        if derivative == 0:
            near = np.abs(u) <= 0.5
            return a * np.where(near, log_remainder(-np.where(near, u, 0.0)), -np.log(rest) - u)
        if derivative == 1:
            return a * s * u / rest
        return a * (derivative - 1) * (s / rest) ** derivative

    def _third_absolute(self, lam: float) -> float:
        # E abs(G - a)^3 = 4 a Q(a, a) + 4 a (a + 1) a^a e^-a / Gamma(a + 1) - 2 a, by parts.
        a = self._shape
        scale = abs(self._scale) / float(_product_and_rest(self._scale, np.array(lam))[1])
        peak = math.exp(a * math.log(a) - a - float(gammaln(a + 1.0)))
        above = float(gammaincc(a, a))
        return scale**3 * (4.0 * a * (above - 0.5) + 4.0 * a * (a + 1.0) * peak)

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        drawn: FloatArray = self._offset + self._scale * rng.gamma(self._shape, size=n)
        return drawn

    def _tail(self, n: int, away: Decimal, right: bool) -> LogInterval:
        shape = DIGITS.multiply(Decimal(n), Decimal(self._shape))
        steps = DIGITS.divide(away, Decimal(abs(self._scale)))
        if right == (self._scale > 0.0):
            return gamma_tail(shape, DIGITS.add(shape, steps), upper=True)
        return gamma_tail(shape, DIGITS.subtract(shape, steps), upper=False)

    def __neg__(self) -> GammaScore:
        return GammaScore(-self._offset, self._shape, -self._scale)


class GaussianPairScore(ContinuousScore):
    """Score ln p(x,y)/(p(x)p(y)) of two Gaussian numbers.

    Parameters
    ----------
    correlation : float
        Between -1 and 1, and not 0.

    Raises
    ------
    ValueError, TypeError
        If it is not such a number.

    Notes
    -----
    Z = I + rho (A - B) / 2 with independent A, B of the chi-squared law with one degree of freedom,
    so that K(lam) = lam I - ln(1 - rho^2 lam^2) / 2, and a sum of n is a difference of two gamma
    variables of shape n / 2. A tail of it is an integral of a Gaussian tail over a gamma law.

    References
    ----------
    .. [1] polyanskiy2010channel.
    .. [2] trefethen2014exponentially.

    Examples
    --------
    The density of two samples has a Laplace law:

    >>> import math
    >>> from infotheory.spectrum import GaussianPairScore
    >>> score = GaussianPairScore(-0.5)
    >>> round(score.mean, 6), score.variance, score.slope_limit
    (0.143841, 0.25, 2.0)
    >>> math.log(0.5) - 4 in score.log_tail(2, 1.0)
    True
    """

    def __init__(self, correlation: float) -> None:
        rho = as_number("correlation", correlation, 1e-100, 1.0)
        if abs(rho) == 1.0:
            raise refusal(
                "correlation", "less than 1 in size", repr(rho), "The information is infinite."
            )
        self._rho = abs(rho)
        self._mean = -0.5 * math.log1p(-rho * rho)

    @property
    def mean(self) -> float:
        """Mean, the information quantity itself."""
        return self._mean

    @property
    def minimum(self) -> float:
        """Greatest lower bound of the values."""
        return -math.inf

    @property
    def maximum(self) -> float:
        """Least upper bound of the values."""
        return math.inf

    @property
    def slope_limit(self) -> float:
        """Least upper bound of the lam for which E exp(lam Z) is finite."""
        return 1.0 / self._rho

    def _cumulant(self, slopes: FloatArray, derivative: int) -> FloatArray:
        w, below = _product_and_rest(self._rho, slopes)
        rest = below * (2.0 - below)
        if derivative == 0:
            return -0.5 * np.where(np.abs(w) <= 0.5, np.log1p(-w * w), np.log(rest))
        if derivative == 1:
            return self._rho * w / rest
        if derivative == 2:
            return self._rho**2 * (1.0 + w * w) / rest**2
        return self._rho**3 * 2.0 * w * (3.0 + w * w) / rest**3

    def _third_absolute(self, lam: float) -> float:
        # Of the density exp(w y) K_0(abs(y)) sqrt(1 - w^2) / pi of (Z - I) / rho: with m its mean,
        # twice the part above m less the third cumulant. For y = m + e^t the integrand is analytic
        # where abs(Im t) < pi / 2, and the trapezoidal rule of step 1/8 is right to rounding.
        w, below = map(float, _product_and_rest(self._rho, np.array(abs(lam))))
        rest = below * (2.0 - below)
        m = w / rest
        steps = np.exp(np.arange(-320, 64) / 8.0) / below
        y = m + steps
        density = kve(0, y) * np.exp(-below * y) * (math.sqrt(rest) / math.pi)
        above = float((steps**4 * density).sum()) / 8.0
        return self._rho**3 * (2.0 * above - 2.0 * w * (3.0 + w * w) / rest**3)

    def _draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        normal = rng.standard_normal((2, n))
        drawn: FloatArray = self._mean + 0.5 * self._rho * (normal[0] ** 2 - normal[1] ** 2)
        return drawn

    def _tail(self, n: int, away: Decimal, right: bool) -> LogInterval:  # noqa: ARG002
        # The law is symmetric about its mean.
        half = DIGITS.multiply(Decimal(n), Decimal("0.5"))
        return difference_tail(half, DIGITS.divide(away, Decimal(self._rho)))

    def __neg__(self) -> GaussianPairScore:
        other = GaussianPairScore(self._rho)
        other._mean = -self._mean
        return other


def _product_and_rest(scale: float, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a product and what it leaves of one, each right to rounding even near one."""
    product, lack = two_product(np.asarray(slopes), np.asarray(scale))
    return product, (1.0 - product) - lack
