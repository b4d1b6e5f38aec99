"""The whole law of a sum of n scores: the information spectrum at a block length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._typing import FloatArray
from infotheory._validation import as_array, check_choice, refusal
from infotheory.measures import Score
from infotheory.spectrum._events import check_length, in_moderate_units
from infotheory.spectrum._lattice import lattice_of
from infotheory.spectrum._laws import Atoms, Gridded, Latticed, Listed, Target, law_of_sum
from infotheory.spectrum.results import Bounds
from infotheory.spectrum.tail import tail

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Spectrum", "exact"]

_SIZE, _LEAST_SIZE, _MOST_SIZE = 2**19, 2**8, 2**24


def exact(score: Score, n: int, *, span: float | None = None, size: int | None = None) -> Spectrum:
    """Law of the mean S_n / n of n independent scores, in both tails however rare.

    Parameters
    ----------
    score : Score
        Law of one score, such as ``Score.entropy(p)``.
    n : int
        Number of them, up to 1e15.
    span : float, optional
        Distance of which all differences of values are multiples, where the score is known to lie
        on such a lattice. Simple ones are found.
    size : int, optional
        Points of a transform at most, a power of two from 2^8 to 2^24; 2^19 by default. More
        resolve a grid more finely. A transform takes some 60 bytes a point.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, a span is claimed that the values do not have, or n is
        so large that a grid of `size` points would resolve less than half a standard
        deviation.

    Notes
    -----
    Up to a million types the law is the list of its atoms; neighbouring sums that are within some
    units of rounding of the sizes of their letters are one. Values on a lattice whose windows have
    at most `size` points have the law of a sum of integers; all others are rounded to a grid, under
    whose best span the differences of the values are nearly integers.

    Sums of integers come from transforms of tilted laws, each where it is right: the relation
    P(S = s) = exp(n K(lam) - lam s) P_lam(S = s) makes an absolute error of the tilted law a
    relative one of the probability [1]_. Blocks of some deviations are computed when they are
    first asked for. A tail is always summed from its own end, never taken as 1 less the other.

    Logarithms of tails are right to some 1e-12 up to n = 1e6 and to 1e-16 sqrt(n) beyond, but for
    what was merged or rounded to a grid: :attr:`Spectrum.resolution` says how far, and
    :meth:`Spectrum.bounds` certifies single values.

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    Heads of ten coins, of which at most one is as rare as 11 / 1024:

    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import exact
    >>> law = exact(Score([0.0, 1.0], [0.5, 0.5]), 10)
    >>> round(law.cdf(0.1) * 1024, 9), law.quantile(0.5)
    (11.0, 0.5)
    """
    if not isinstance(score, Score):
        raise TypeError(
            f"score must be a Score; got {type(score).__name__}. Make one with "
            "Score.entropy(p), or another of its constructors."
        )
    n, points = check_length(n), _checked_size(size)
    shown, exponent = in_moderate_units(score)
    step = None
    if span is not None:
        lattice_of(score, span)  # a wrong one is refused in the units it was given in
        step = float(np.ldexp(span, -exponent))
    return Spectrum(score, n, law_of_sum(shown, n, step, points), span)


class Spectrum:
    """Law of the mean S_n / n of n independent scores; made by :func:`exact`.

    Parameters
    ----------
    score : Score
        Law of one score.
    n : int
        Number of scores.
    law : object
        What computes with the sum, in moderate units.
    span : float, optional
        That of a declared lattice.
    """

    def __init__(
        self, score: Score, n: int, law: Listed | Latticed | Gridded, span: float | None = None
    ) -> None:
        self._score, self._n, self._law, self._span = score, n, law, span
        self._shown, self._exponent = in_moderate_units(score)

    def _as_rates(self, sums: Any) -> Any:
        """Values of S_n / n, from sums in the units of the law."""
        return np.ldexp(sums / self._n, self._exponent)

    @property
    def score(self) -> Score:
        """Law of one score."""
        return self._score

    @property
    def n(self) -> int:
        """Number of scores."""
        return self._n

    @property
    def mean(self) -> float:
        """Mean of S_n / n: that of the score, the information quantity itself."""
        return self._score.mean

    @property
    def variance(self) -> float:
        """Variance of S_n / n: that of the score, divided by n; it may over- or underflow."""
        return self._score.variance / self._n

    @property
    def form(self) -> str:
        """Whether the law is listed ("atoms"), on a "lattice", or rounded to a "grid"."""
        return self._law.form

    @property
    def span(self) -> float | None:
        """Distance of neighbouring values of S_n / n on a lattice; None for the other forms."""
        return float(self._as_rates(self._law.span)) if isinstance(self._law, Latticed) else None

    @property
    def resolution(self) -> float:
        """How far atoms were moved that were merged, or a grid moves S_n / n; 0 on a lattice.

        What a grid moves further has a probability of at most 1e-12.
        """
        return float(self._as_rates(self._law.resolution))

    def cdf(self, x: Any) -> Any:
        """P(S_n / n <= x).

        Parameters
        ----------
        x : float or array_like
            Values of S_n / n; an atom within rounding of one is that value.

        Returns
        -------
        float or ndarray
        """
        return _exp(self.log_cdf(x))

    def sf(self, x: Any) -> Any:
        """P(S_n / n > x).

        Parameters
        ----------
        x : float or array_like
            Values of S_n / n; an atom within rounding of one is that value.

        Returns
        -------
        float or ndarray
        """
        return _exp(self.log_sf(x))

    def log_cdf(self, x: Any) -> Any:
        """Logarithm of P(S_n / n <= x), which is finite far below the least of doubles.

        Parameters
        ----------
        x : float or array_like
            Values of S_n / n; an atom within rounding of one is that value.

        Returns
        -------
        float or ndarray
        """
        rates = _numbers("x", x)
        return _shaped(self._law.log_cdf(self._sums(rates)), rates)

    def log_sf(self, x: Any) -> Any:
        """Logarithm of P(S_n / n > x), which is finite far below the least of doubles.

        Parameters
        ----------
        x : float or array_like
            Values of S_n / n; an atom within rounding of one is that value.

        Returns
        -------
        float or ndarray
        """
        rates = _numbers("x", x)
        return _shaped(self._law.log_sf(self._sums(rates)), rates)

    def _sums(self, rates: FloatArray) -> FloatArray:
        """Values of the sum; those far outside its range, such as infinity, a little outside."""
        low, high = self._shown.minimum, self._shown.maximum
        out = max(high - low, abs(low), abs(high), 1.0)
        with np.errstate(over="ignore"):
            shown = np.ldexp(rates.ravel(), -self._exponent)
        sums: FloatArray = self._n * np.clip(shown, low - out, high + out)
        return sums

    def quantile(self, q: Any) -> Any:
        """Least x with P(S_n / n <= x) >= q, up to the rounding of q.

        Parameters
        ----------
        q : float or array_like
            Probabilities from 0 to 1.

        Returns
        -------
        float or ndarray
            The least value for 0.

        Raises
        ------
        ValueError
            If a probability is not between 0 and 1.
        """
        given = _numbers("q", q)
        wrong = ~((given >= 0.0) & (given <= 1.0))
        if wrong.any():
            raise refusal("q", "between 0 and 1", f"{given[wrong].flat[0]:g}")
        found = np.array([self._quantile(float(one)) for one in given.flat])
        return _shaped(found, given)

    def _quantile(self, q: float) -> float:
        if q in (0.0, 1.0):
            return self._score.minimum if q == 0.0 else self._score.maximum
        return float(self._as_rates(self._law.quantile(Target.of(q))))

    def pmf(self) -> Atoms:
        """Every value of S_n / n, with the logarithm of its probability.

        Returns
        -------
        Atoms
            ``values`` and ``log_probabilities``.

        Raises
        ------
        ValueError
            If there are too many to list, or the law is rounded to a grid.
        """
        found = self._law.atoms()
        if found is None:
            raise ValueError(
                f"pmf must be that of atoms that can be listed; got {self!r}. Differences of cdf "
                "give the mass of intervals."
            )
        sums, logs = found
        return Atoms(self._as_rates(sums), logs.copy())

    def bounds(self, x: float, side: str = "right") -> Bounds:
        """Certified bounds on one value of the law, whatever its form.

        Parameters
        ----------
        x : float
            A value of S_n / n, or infinite: the threshold of S_n is the double n x.
        side : {"right", "left"}
            Whether to bound ln P(S_n > n x), as `log_sf`, or ln P(S_n <= n x), as `log_cdf`.

        Returns
        -------
        Bounds
            Of the natural logarithm, with the method and every error that it allows for.

        See Also
        --------
        tail : The same for any threshold, with a choice of methods.
        """
        check_choice("side", side, ("right", "left"))
        rate = _numbers("x", x)
        if rate.ndim:
            raise refusal("x", "one number", f"shape {rate.shape}", "Bound one value at a time.")
        threshold, within = (
            float(rate) * self._n,
            self._score.minimum <= rate <= self._score.maximum,
        )
        if math.isinf(threshold) and within:
            raise refusal("x", "such that n x is finite", f"{float(rate):g} with n = {self._n}")
        return tail(
            self._score,
            self._n,
            threshold=threshold,
            side=side,
            strict=side == "right",
            span=self._span,
        )

    def plot(self, ax: Axes | None = None, *, normal: bool = True) -> Axes:
        """Draw the density of S_n / n.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        normal : bool, default True
            Whether to draw the normal law of the same mean and variance, too.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from infotheory.plotting.spectrum import spectrum_density

        return spectrum_density(self, ax, normal=normal)

    def __repr__(self) -> str:
        deviation = np.ldexp(math.sqrt(self._shown.variance / self._n), self._exponent)
        mean = f"mean {self.mean:.6g}, deviation {deviation:.3g}"
        if isinstance(self._law, Gridded):
            form = f"grid that resolves {self.resolution:.2g}"
        elif isinstance(self._law, Latticed):
            form = f"lattice of span {self.span:.3g}"
        else:
            count = len(self._law.sums)
            form = "1 atom" if count == 1 else f"{count} atoms"
        return f"Spectrum(n={self._n}, {mean}, {form})"


def _checked_size(size: Any) -> int:
    if size is None:
        return _SIZE
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if not whole or not _LEAST_SIZE <= size <= _MOST_SIZE or int(size).bit_count() != 1:
        raise refusal("size", f"a power of two from {_LEAST_SIZE} to {_MOST_SIZE}", repr(size))
    return int(size)


def _numbers(name: str, value: Any) -> FloatArray:
    array = as_array(value, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or an array of numbers; got {value!r}.")
    numbers: FloatArray = array.astype(np.float64)
    if np.isnan(numbers).any():
        raise refusal(name, "numbers", "nan")
    return numbers


def _shaped(found: FloatArray, like: FloatArray) -> Any:
    return found.reshape(like.shape) if like.ndim else float(found[0])


def _exp(logs: Any) -> Any:
    return np.exp(logs) if isinstance(logs, np.ndarray) else math.exp(logs)
