"""Scores of Markov chains: the information density of a path, whose terms are not independent."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from infotheory._typing import FloatArray
from infotheory._validation import as_array, check_choice, refusal
from infotheory.measures import Score
from infotheory.sources import MarkovChain
from infotheory.spectrum._chain import (
    Chain,
    TiltedChain,
    cumulants,
    least_exponent,
    log_moment,
    tilt_chain,
)
from infotheory.spectrum._chain_grid import grid_bounds
from infotheory.spectrum._chain_law import chain_law, law_bounds
from infotheory.spectrum._events import check_length
from infotheory.spectrum.results import Bounds, LogInterval, complement

__all__ = ["MarkovScore"]

_SIZES = (2**8, 2**22)
_MOST_NUMBERS = 2**26  # of a transform: frequencies times entries of the matrix


class MarkovScore:
    """Score -ln p(x^n) of a path of a Markov chain, -ln pi(x_1) - sum_t ln P(x_t, x_(t+1)).

    Parameters
    ----------
    transition : array_like, shape (m, m)
        Row x is the distribution of the state that follows x. Each state can be reached from each
        other one; periodic chains are allowed. What is impossible stays so under every tilt.
    initial : "stationary", None or array_like, shape (m,)
        Distribution of the first state; None is the stationary one, too.

    Raises
    ------
    ValueError, TypeError
        If a row is not a distribution, or a state cannot be reached from another.

    Notes
    -----
    With A(lam) = P^(1 - lam), entry by entry, E exp(lam S_n) is pi^(1 - lam) A(lam)^(n - 1) 1, a
    row times a matrix times a column, so that Chernoff's bound holds at every n. K(lam) is the
    logarithm of the largest eigenvalue of A(lam): its derivatives at 0 are the entropy rate and the
    varentropy rate [1]_. The certificate of the grid rests on Azuma's inequality [2]_. The law is
    that of the numbers as they are: scores are rounded logarithms of transition probabilities.

    References
    ----------
    .. [1] kontoyiannis2014optimal.
    .. [2] azuma1967weighted.

    Examples
    --------
    A chain that stays where it is three times out of four:

    >>> import math
    >>> from infotheory.spectrum import MarkovScore
    >>> score = MarkovScore([[0.75, 0.25], [0.25, 0.75]])
    >>> round(score.entropy_rate, 6), round(score.varentropy_rate / math.log(3) ** 2, 6)
    (0.562335, 0.1875)

    It changes at each of three steps with probability 1/64:

    >>> math.log(1 / 64) in score.log_tail(4, 0.6)
    True
    """

    def __init__(self, transition: Any, initial: Any = "stationary") -> None:
        self.chain = MarkovChain(transition, "stationary" if initial is None else initial)
        count, label = connected_components(self.chain.transition > 0, connection="strong")
        if count > 1:
            other = int(np.argmax(label != label[0]))
            raise refusal(
                "transition",
                "such that each state can be reached from each other one",
                f"states 0 and {other}, which do not both lead to each other",
                "Take the states of one class that the chain does not leave.",
            )
        with np.errstate(divide="ignore"):
            log_first = np.log(self.chain.initial_distribution)
            log_steps = np.log(self.chain.transition)
        self._paths = Chain(
            np.where(log_first > -np.inf, -log_first, 0.0),
            np.where(log_steps > -np.inf, -log_steps, 0.0),
            log_first,
            log_steps,
        )

    # ---------------------------------------------------------------------------------- rates

    @property
    def entropy_rate(self) -> float:
        """Limit of H(X_1, ..., X_n) / n: the mean of a letter in the long run."""
        return self.chain.entropy_rate()

    @cached_property
    def varentropy_rate(self) -> float:
        """Limit of the variance of the score of n letters, over n."""
        return cumulants(self.chain.transition, self._paths.steps)[1]

    def cumulant_generating_function(self, lam: Any, *, derivative: int = 0) -> Any:
        """K(lam), the limit of ln E exp(lam S_n) / n, or one of its derivatives.

        Parameters
        ----------
        lam : float or array_like
            Of either sign, such that the eigenvector of A(lam) varies by less than exp(600).
        derivative : {0, 1, 2, 3}
            The second is the varentropy rate of the tilted chain.

        Returns
        -------
        float or ndarray
            Of the shape of `lam`.
        """
        if derivative not in (0, 1, 2, 3):
            raise refusal("derivative", "one of 0, 1, 2, 3", repr(derivative))
        slopes = _as_numbers("lam", lam)
        values = np.array([self._cumulant(slope, derivative) for slope in slopes.ravel().tolist()])
        return float(values[0]) if slopes.ndim == 0 else values.reshape(slopes.shape)

    def _cumulant(self, lam: float, derivative: int) -> float:
        tilted = tilt_chain(self._paths, lam)
        if derivative == 0:
            return tilted.log_root + math.log(float(tilted.kernel.sum(axis=1).mean()))
        found = cumulants(_law(tilted), self._paths.steps)[derivative - 1]
        if not math.isfinite(found):
            raise refusal(
                "lam",
                "such that the tilted chain moves between its states",
                f"{lam:g}",
                "Take one closer to 0.",
            )
        return found

    def tilted(self, lam: float) -> MarkovChain:
        """Return Doob's transform: the chain under which scores near K'(lam) a letter are common.

        Parameters
        ----------
        lam : float
            As in `cumulant_generating_function`; 0 changes nothing.

        Returns
        -------
        MarkovChain
            With transitions A(x, y) psi(y) / (rho psi(x)), for the largest eigenvalue rho of
            A(lam) and its eigenvector psi, and a first state drawn from pi^(1 - lam) psi.
        """
        slope = _one_number("lam", lam)
        tilted = tilt_chain(self._paths, slope)
        return MarkovChain(_law(tilted), tilted.start)

    # ----------------------------------------------------------------------------- finite length

    def log_moment(self, n: int, lam: float) -> float:
        """Return ln E exp(lam S_n), exact at any n up to rounding.

        Parameters
        ----------
        n : int
            Length of the path, up to 1e15.
        lam : float
            As in `cumulant_generating_function`.

        Returns
        -------
        float
            O(m^3 log n) time; off by some n units of rounding.
        """
        return log_moment(self._paths, check_length(n), _one_number("lam", lam))[0]

    def chernoff_bound(self, n: int, delta: float, side: str = "right") -> Bounds:
        """Bound ln P(S_n >= n (h + delta)) from above, or to the left ln P(S_n <= n (h - delta)).

        Parameters
        ----------
        n : int
            Length of the path, up to 1e15.
        delta : float
            Distance from the entropy rate h, a letter, of either sign.
        side : {"right", "left"}, default "right"
            Whether the sum lies above the threshold, or below.

        Returns
        -------
        Bounds
            With a lower end of minus infinity: the least of ln E exp(lam (S_n - threshold)) over
            lam, a theorem for every n, not an asymptotic rate.
        """
        paths, threshold, event = self._event(n, delta, side)
        _, value, error = least_exponent(paths, int(n), threshold)
        upper = min(0.0, value + error)
        return Bounds(-math.inf, upper, "Chernoff", event, {"relative rounding": error})

    def log_tail(
        self, n: int, delta: float, side: str = "right", *, method: str = "auto", size: int = 2**16
    ) -> Bounds:
        """Bound ln P(S_n > n (h + delta)), or to the left ln P(S_n < n (h - delta)).

        Parameters
        ----------
        n : int
            Length of the path, up to 1e15; a grid costs as much for any.
        delta : float
            Distance of the threshold from the entropy rate h, a letter, of either sign.
        side : {"right", "left"}, default "right"
            Whether the sum lies above the threshold, or below.
        method : {"auto", "counts", "grid"}
            "counts" groups paths by how often each score occurs, and is exact: two states up to
            some 200 letters. "grid" rounds the scores and takes one Fourier transform. "auto" takes
            the first where it can.
        size : int, default 65536
            Of the grid, a power of two from 256 to 4194304: the interval is as much narrower. Its
            step is some 20 standard deviations of the sum over `size`. Where that is as large as
            scores differ, from some 10^7 letters on by default, the lower end may be minus
            infinity and the upper one that of `chernoff_bound`.

        Returns
        -------
        Bounds
            Certified. They hold for > and for >=: sums within rounding of the threshold count on
            the upper side only. Never above `chernoff_bound`.
        """
        check_choice("method", method, ("auto", "counts", "grid"))
        if size not in {2**i for i in range(8, 23)}:
            raise refusal("size", f"a power of two from {_SIZES[0]} to {_SIZES[1]}", repr(size))
        if size * self._paths.size**2 > _MOST_NUMBERS:
            raise refusal(
                "size",
                f"at most {_MOST_NUMBERS // self._paths.size**2} for {self._paths.size} states",
                repr(size),
            )
        paths, threshold, event = self._event(n, delta, side)
        n = int(n)
        law = None if method == "grid" else chain_law(paths, n)
        if law is not None:
            found = law_bounds(law, threshold)
            return Bounds(found.lower, found.upper, "counts", event, found.terms)
        if method == "counts":
            raise self._too_long(n)
        tilt = least_exponent(paths, n, threshold)
        if tilt[0] > 0.0:
            found = _right_tail(paths, n, threshold, size, tilt)
        else:  # the threshold is below the mean
            other, threshold = paths.negated(), -threshold
            tilt = least_exponent(other, n, threshold)
            found = complement(_right_tail(other, n, threshold, size, tilt))
        return Bounds(found.lower, found.upper, "grid", event, found.terms)

    def law(self, n: int) -> Score:
        """Return the law of S_n, of few letters, as that of a score.

        Parameters
        ----------
        n : int
            Length of the path: some 200 for two states, 30 for three, and fewer for more, unless
            many of the transition probabilities are equal.

        Returns
        -------
        Score
            Sums that are equal to within their rounding are one atom.

        Raises
        ------
        ValueError
            If there are too many groups of paths.
        """
        found = chain_law(self._paths, check_length(n))
        if found is None:
            raise self._too_long(n)
        return Score(found.sums, found.log_probabilities, kind="logits", slack=found.slack)

    def sample(self, n: int, rng: Any = None) -> FloatArray:
        """Draw the scores of the letters of one path.

        Parameters
        ----------
        n : int
            How many letters.
        rng : int or numpy.random.Generator, optional
            Seed or source of randomness.

        Returns
        -------
        ndarray, shape (n,)
            Their sum is -ln p(x^n).
        """
        path = self.chain.sample(n, rng)
        steps = self._paths.steps[path[:-1], path[1:]]
        return np.concatenate([self._paths.first[path[:1]], steps])

    def _event(self, n: int, delta: float, side: str) -> tuple[Chain, float, str]:
        """Return the event as a right tail, and how it reads."""
        n = check_length(n)
        check_choice("side", side, ("right", "left"))
        distance = _one_number("delta", delta)
        sign = 1.0 if side == "right" else -1.0
        threshold = n * (self.entropy_rate + sign * distance)
        paths = self._paths if side == "right" else self._paths.negated()
        return paths, sign * threshold, f"P(S_{n} {'>' if sign > 0 else '<'} {threshold!r})"

    def _too_long(self, n: int) -> ValueError:
        return refusal(
            "n",
            f"short enough for paths of {self._paths.size} states to be grouped",
            f"{n}",
            "log_tail with method='grid' and chernoff_bound take any n.",
        )

    def __repr__(self) -> str:
        return (
            f"MarkovScore({self._paths.size} states, entropy rate {self.entropy_rate:.6g}, "
            f"varentropy rate {self.varentropy_rate:.6g})"
        )


def _law(tilted: TiltedChain) -> FloatArray:
    law: FloatArray = tilted.kernel / tilted.kernel.sum(axis=1, keepdims=True)
    return law


def _right_tail(
    paths: Chain, n: int, threshold: float, size: int, tilt: tuple[float, float, float]
) -> LogInterval:
    """Intersect the grid's interval with Chernoff's bound, whose slope it uses."""
    lam, value, error = tilt
    found = grid_bounds(paths, n, threshold, lam, size)
    upper = min(found.upper, value + error)
    return LogInterval(min(found.lower, upper), upper, found.terms)


def _as_numbers(name: str, value: Any) -> FloatArray:
    array = as_array(value, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or an array of numbers; got {value!r}.")
    if not np.isfinite(array).all():
        raise refusal(name, "finite", f"{array[~np.isfinite(array)].flat[0]:g}")
    return array.astype(np.float64)


def _one_number(name: str, value: Any) -> float:
    array = _as_numbers(name, value)
    if array.ndim:
        raise refusal(name, "one number", f"shape {array.shape}")
    return float(array)
