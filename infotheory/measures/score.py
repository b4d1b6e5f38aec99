"""The score of one observation, whose sums over n independent ones are information densities."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from infotheory._simplex import Distributions
from infotheory._typing import FloatArray
from infotheory._validation import as_array, as_rng, check_count, refusal
from infotheory.measures._atoms import (
    as_slack,
    as_slopes,
    channel_block,
    densities,
    drift,
    finite_logs,
    log_mean_of,
    merged,
    single,
)
from infotheory.measures._pairs import Comparison, pair
from infotheory.measures._power_forms import _with_sure_top, log_sums, sharp_log_ratios

__all__ = ["Score"]

_EPS = float(np.finfo(np.float64).eps)
_DERIVATIVES = (0, 1, 2, 3)


class Score:
    """Law of a score Z: what one observation adds to an information density.

    The sum of n independent scores is -ln p(x^n), -ln p(x^n|y^n), i(x^n;y^n) or ln p(x^n)/q(x^n):
    its law decides how well n symbols can be compressed, sent or told apart. All in nats.

    Parameters
    ----------
    values : array_like, shape (m,)
        Finite numbers, in any order.
    p : array_like, shape (m,)
        Their probabilities; values of probability zero are left out.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds. Logarithms keep atoms whose probability underflows.
    slack : array_like, optional
        How much rounding there is in all values, or in each, finite and at least 0: atoms are
        merged where neighbours are no further apart than the sum of theirs. By default only equal
        values are.

    Raises
    ------
    ValueError, TypeError
        If a value is not finite, `p` is no distribution, their lengths differ, or a slack is
        negative, not finite or of another length.

    Notes
    -----
    Atoms are merged at the mean of their values, in ascending order. Everything costs O(m).

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    >>> from infotheory.measures import Score
    >>> score = Score.entropy([0.5, 0.25, 0.25])
    >>> (score.values / 0.6931471805599453).tolist(), score.probabilities.tolist()
    ([1.0, 2.0], [0.5, 0.5])
    >>> score
    Score(2 atoms, mean 1.03972, variance 0.120113)
    """

    def __init__(self, values: Any, p: Any, *, kind: str = "probs", slack: Any = 0.0) -> None:
        block = single(Distributions(p, "p", kind))
        numbers = as_array(values, "values")
        if numbers.dtype.kind not in "iuf":
            raise TypeError(
                f"values must be numbers; got dtype {numbers.dtype}. Use .astype(float)."
            )
        if numbers.shape != block.log_p[0].shape:
            raise refusal(
                "values",
                f"have one entry a probability, shape {block.log_p[0].shape}",
                f"shape {numbers.shape}",
            )
        possible = block.log_p[0] > -np.inf
        wrong = possible & ~np.isfinite(numbers)
        if wrong.any():
            first = int(np.argmax(wrong))
            raise refusal("values", "finite", f"{numbers[first]:g} at values[{first}]")
        off = as_slack(slack, possible.shape)[possible]
        self._keep(*merged(numbers[possible].astype(np.float64), block.log_p[0][possible], off))

    def _keep(self, values: FloatArray, log_probabilities: FloatArray) -> Score:
        """Hold atoms that are in order, as they are."""
        self._values, self._log_probabilities = values, log_probabilities
        for array in (values, log_probabilities):
            array.flags.writeable = False
        return self

    # ------------------------------------------------------------------------------- the kinds

    @classmethod
    def entropy(cls, p: Any, *, kind: str = "probs") -> Score:
        """Score -ln p(x), whose mean is the entropy H(X).

        Parameters
        ----------
        p : array_like, shape (K,)
            A distribution.
        kind : {"probs", "log_probs", "logits"}
            What `p` holds.

        Returns
        -------
        Score
        """
        log_p = single(Distributions(p, "p", kind)).log_p[0]
        values = np.abs(finite_logs(_with_sure_top(np.exp(log_p), log_p)))
        return cls(values, log_p, kind="log_probs", slack=2 * _EPS * np.maximum(values, 1.0))

    @classmethod
    def conditional_entropy(cls, joint: Any, *, kind: str = "probs") -> Score:
        """Score -ln p(x|y), whose mean is the conditional entropy H(X|Y).

        Parameters
        ----------
        joint : array_like, shape (Kx, Ky)
            A joint distribution, X along the first axis and Y along the second.
        kind : {"probs", "log_probs", "logits"}
            What `joint` holds.

        Returns
        -------
        Score
        """
        log_p = single(Distributions(joint, "joint", kind, n_axes=2)).log_p[0]
        log_y = log_sums(log_p, axis=0)
        conditional = np.where(log_p > -np.inf, log_p - finite_logs(log_y), -np.inf).T
        conditional = _with_sure_top(np.exp(conditional), conditional).T
        return cls._of_logs(np.abs(finite_logs(conditional)), log_p, log_y[None, :])

    @classmethod
    def mutual_information(cls, joint: Any, *, kind: str = "probs") -> Score:
        """Score ln p(x,y)/(p(x)p(y)), whose mean is the mutual information I(X;Y).

        Parameters
        ----------
        joint : array_like, shape (Kx, Ky)
            A joint distribution, X along the first axis and Y along the second.
        kind : {"probs", "log_probs", "logits"}
            What `joint` holds.

        Returns
        -------
        Score
            Its mean is off by some 1e-15 of the values, which for nearly independent variables
            are far larger than the mean: below 1e-30 that may be negative.
        """
        block = single(Distributions(joint, "joint", kind, n_axes=2))
        log_p = block.log_p[0]
        log_x, log_y = log_sums(log_p, axis=1)[:, None], log_sums(log_p, axis=0)[None, :]
        return cls._of_logs(densities(block, log_x, log_y), log_p, log_x, log_y)

    @classmethod
    def channel(cls, channel: Any, p: Any, *, kind: str = "probs") -> Score:
        """Score ln W(y|x)/q(y) of a channel W used with inputs of law p, with mean I(X;Y).

        Parameters
        ----------
        channel : array_like, shape (Kx, Ky)
            One row an input: the law W(.|x) of the output.
        p : array_like, shape (Kx,)
            Law of the inputs, such as ``channel_capacity(channel).input_distribution``.
        kind : {"probs", "log_probs", "logits"}
            What `channel` and `p` hold.

        Returns
        -------
        Score
            As :meth:`mutual_information` of the joint law p(x) W(y|x).
        """
        rows = channel_block(channel, kind, "Make a score of").log_p
        inputs = single(Distributions(p, "p", kind)).log_p[0]
        if len(inputs) != len(rows):
            raise refusal("p", f"have one entry an input ({len(rows)})", str(len(inputs)))
        return cls.mutual_information(inputs[:, None] + rows, kind="logits")

    @classmethod
    def relative_entropy(cls, p: Any, q: Any, *, kind: str = "probs") -> Score:
        """Score ln p(x)/q(x) for x drawn from p, whose mean is the divergence D(p||q).

        Parameters
        ----------
        p, q : array_like, shape (K,)
            Distributions; `q` is positive wherever `p` is, or a score would be infinite.
        kind : {"probs", "log_probs", "logits"}
            What `p` and `q` hold.

        Returns
        -------
        Score
        """
        own, other = map(single, pair(p, q, kind))
        impossible = (own.log_p[0] > -np.inf) & np.isneginf(other.log_p[0])
        if impossible.any():
            got = f"probability zero at q[{int(np.argmax(impossible))}]"
            fix = "The divergence is infinite, and has no score."
            raise refusal("q", "positive wherever p is", got, fix)
        found = Comparison(own, other, slice(None))
        # Small values are taken from differences, so that they are as exact as p and q.
        values = -sharp_log_ratios(found.difference, found.p, found.log_ratio)[0]
        near = np.abs(found.difference[0]) <= 0.5 * found.p[0]
        size = np.abs(finite_logs(own.log_p[0])) + np.abs(finite_logs(other.log_p[0]))
        slack = _EPS * np.where(near, np.abs(finite_logs(values)), size)
        return cls(values, own.log_p[0], kind="log_probs", slack=slack)

    @classmethod
    def _of_logs(cls, values: FloatArray, log_p: FloatArray, *parts: FloatArray) -> Score:
        """Differences of logarithms, each of which may be off by its last digit."""
        size = sum((np.abs(finite_logs(part)) for part in parts), np.abs(finite_logs(log_p)))
        return cls(values.ravel(), log_p.ravel(), kind="log_probs", slack=2 * _EPS * size.ravel())

    # ---------------------------------------------------------------------------------- the law

    @property
    def values(self) -> FloatArray:
        """Values of the atoms, ascending; read-only."""
        return self._values

    @property
    def log_probabilities(self) -> FloatArray:
        """Natural logarithms of their probabilities; read-only."""
        return self._log_probabilities

    @cached_property
    def probabilities(self) -> FloatArray:
        """Probabilities of the atoms."""
        return np.exp(self._log_probabilities)

    @property
    def minimum(self) -> float:
        """Least value."""
        return float(self._values[0])

    @property
    def maximum(self) -> float:
        """Largest value."""
        return float(self._values[-1])

    @cached_property
    def mean(self) -> float:
        """Mean, the information quantity itself."""
        pivot = float(self._values[np.argmax(self._log_probabilities)])
        return pivot + float(self.probabilities @ (self._values - pivot))

    @cached_property
    def variance(self) -> float:
        """Variance: the information variance, or dispersion. Zero for a single atom."""
        return self._central_moment(2)

    @cached_property
    def third_central_moment(self) -> float:
        """E (Z - mean)^3, of either sign: the third cumulant."""
        return self._central_moment(3)

    @cached_property
    def third_absolute_moment(self) -> float:
        """Mean of the third power of abs(Z - mean), which bounds how far sums are from normal."""
        return float(self.probabilities @ np.abs(self._values - self.mean) ** 3)

    @property
    def _size(self) -> float:
        return max(-self.minimum, self.maximum)

    @np.errstate(over="ignore")
    def _central_moment(self, order: int) -> float:
        exponent = math.frexp(self.maximum - self.minimum)[1]
        around = np.ldexp(self._values - self.mean, -exponent)
        return float(np.ldexp(self.probabilities @ around**order, order * exponent))

    def cumulant_generating_function(
        self, lam: Any, *, derivative: int = 0, centred: bool = False
    ) -> Any:
        """K(lam) = ln E exp(lam Z), or one of its derivatives.

        Parameters
        ----------
        lam : float or array_like
            Finite, of either sign, and such that lam Z is of a size of at most 1e300.
        derivative : {0, 1, 2, 3}
            The first is the mean of the tilted score, the second its variance, the third its third
            central moment.
        centred : bool
            Whether to take Z - mean for Z. K is then at least 0 and keeps its digits for small
            lam, as does its first derivative.

        Returns
        -------
        float or ndarray
            Of the shape of `lam`.
        """
        if derivative not in _DERIVATIVES:
            listed = ", ".join(map(str, _DERIVATIVES))
            raise refusal("derivative", f"one of {listed}", repr(derivative))
        slopes = as_slopes(lam, self._size)
        deviations = self._values - self.mean
        steps = slopes[..., None] * deviations
        grown = self._log_probabilities + steps
        log_mean = log_sums(grown)
        if derivative == 0:
            result = log_mean_of(self.probabilities, steps, grown, log_mean)
            result = result if centred else result + slopes * self.mean
        else:
            weights = np.exp(grown - log_mean[..., None])
            first = drift(self.probabilities, steps, deviations, weights, log_mean)
            around = deviations - first[..., None]
            if derivative == 1:
                result = first if centred else first + self.mean
            else:
                result = (weights * around**derivative).sum(axis=-1)
        return float(result) if result.ndim == 0 else result

    def tilted(self, lam: float) -> Score:
        """Score of the same values under the law with density exp(lam Z - K(lam)).

        Parameters
        ----------
        lam : float
            Finite, of either sign; 0 changes nothing.

        Returns
        -------
        Score
        """
        slope = as_slopes(lam, self._size)
        if slope.ndim:
            raise refusal("lam", "one number", f"shape {slope.shape}", "Tilt by one at a time.")
        tilt = slope * (self._values - self.mean)
        return Score(self._values, self._log_probabilities + tilt, kind="logits")

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
        p = self.probabilities / self.probabilities.sum()
        drawn: FloatArray = as_rng(rng).choice(self._values, size=check_count("n", n), p=p)
        return drawn

    def scaled(self, exponent: int) -> Score:
        """Score 2^exponent Z, of the same probabilities to the last digit.

        Parameters
        ----------
        exponent : int
            Of either sign.

        Returns
        -------
        Score

        Raises
        ------
        ValueError
            If a value would overflow, or be so small that it loses digits.
        """
        with np.errstate(over="ignore"):
            values = np.ldexp(self._values, exponent)
            lost = np.ldexp(values, -exponent) != self._values
        if lost.any():
            got = f"{exponent!r} for the value {self._values[lost][0]:g}"
            raise refusal("exponent", "such that every value keeps its digits", got)
        return Score._keep(Score.__new__(Score), values, self._log_probabilities)

    def __neg__(self) -> Score:
        # Logarithms that are rounded once more would be another law.
        turned = 0.0 - self._values[::-1], self._log_probabilities[::-1].copy()
        return Score._keep(Score.__new__(Score), *turned)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        atoms = "1 atom" if len(self) == 1 else f"{len(self)} atoms"
        return f"Score({atoms}, mean {self.mean:.6g}, variance {self.variance:.6g})"
