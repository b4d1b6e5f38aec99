"""Discrete variables with a given joint distribution, and those that a channel makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr, rel_entr

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_array, check_choice, refusal
from infotheory.sources._parameters import as_probabilities, as_rows, check_number
from infotheory.sources.discrete import Categorical
from infotheory.sources.source import JointSource, in_base

__all__ = [
    "DiscreteJoint",
    "binary_erasure",
    "binary_symmetric",
    "through_channel",
    "xor",
    "z_channel",
]


@dataclass(frozen=True, eq=False, repr=False)
class DiscreteJoint(JointSource):
    """Two or three discrete variables with a given joint distribution.

    Attributes
    ----------
    probabilities : array_like, shape (Kx, Ky) or (Kx, Ky, Kz)
        Entry (x, y, z) is P(X = x, Y = y, Z = z). They must sum to one within the rounding of
        their dtype; that rounding is divided out.

    Raises
    ------
    ValueError
        If an entry is negative or nan, the sum is not one, or there are not 2 or 3 axes.

    Notes
    -----
    I(X; Y) = D(P_XY || P_X P_Y), and I(X; Y | Z) = D(P_XYZ || P_XZ P_YZ / P_Z). Both sums are
    cut off at zero, below which only rounding can bring them. A cell of probability zero is never
    drawn.

    References
    ----------
    .. [1] cover2006elements, chapter 2.

    Examples
    --------
    >>> from infotheory.sources import DiscreteJoint
    >>> pair = DiscreteJoint([[0.5, 0.0], [0.0, 0.5]])
    >>> pair.mutual_information(base=2)
    1.0
    >>> x, y = pair.sample(100, rng=0)
    >>> bool((x == y).all())
    True
    """

    probabilities: Any

    def __post_init__(self) -> None:
        n_axes = as_array(self.probabilities, "probabilities").ndim
        if n_axes not in (2, 3):
            raise refusal(
                "probabilities",
                "have 2 or 3 axes, one a variable",
                str(n_axes),
                "Categorical is for one variable.",
            )
        self._keep(probabilities=as_probabilities("probabilities", self.probabilities, n_axes))

    @property
    def n_variables(self) -> int:
        """X and Y, or X, Y and Z."""
        axes: int = self.probabilities.ndim
        return axes

    def entropy(self, base: float | None = None) -> float:
        """Joint entropy of all variables.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            H(X, Y), or H(X, Y, Z).
        """
        return in_base(float(entr(self.probabilities).sum()), base)

    def marginal(self, variable: str) -> Categorical:
        """Distribution of one variable.

        Parameters
        ----------
        variable : {"x", "y", "z"}
            Which.

        Returns
        -------
        Categorical
            Its symbols are those of the variable.

        Raises
        ------
        ValueError
            If there is no such variable.
        """
        names = ("x", "y", "z")[: self.n_variables]
        check_choice("variable", variable, names)
        others = tuple(i for i, name in enumerate(names) if name != variable)
        return Categorical(self.probabilities.sum(axis=others))

    def _mutual_information(self) -> float:
        p = self.probabilities
        return _divergence(p.sum(axis=2, keepdims=True) if p.ndim == 3 else p[:, :, None])

    def _conditional_mutual_information(self) -> float:
        if self.n_variables == 2:
            return super()._conditional_mutual_information()
        return _divergence(self.probabilities)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[IntArray, ...]:
        p = self.probabilities
        cells = rng.choice(p.size, size=n, p=p.ravel())
        return np.unravel_index(cells, p.shape)


def _divergence(p: FloatArray) -> float:
    """I(X; Y | Z), for one Z at a time with the shares P(x | z) and P(y | z)."""
    p_xz, p_yz, p_z = p.sum(axis=1), p.sum(axis=0), p.sum(axis=(0, 1))
    share = p_xz / np.where(p_z > 0, p_z, 1.0)
    return max(0.0, float(rel_entr(p, share[:, None, :] * p_yz).sum()))


def through_channel(channel: Any, probabilities: Any = None) -> DiscreteJoint:
    """Input and output of a discrete memoryless channel.

    Parameters
    ----------
    channel : array_like, shape (Kx, Ky)
        Row x is the distribution of the output Y given the input X = x.
    probabilities : array_like, shape (Kx,), optional
        Of the inputs; equally likely by default.

    Returns
    -------
    DiscreteJoint
        P(x, y) = P(x) W(y | x).

    Raises
    ------
    ValueError
        If a row of the channel, or the input, is not a distribution.

    Notes
    -----
    The mutual information is that of this input, not the capacity, which is the largest one over
    all inputs.

    References
    ----------
    .. [1] shannon1948mathematical, section 12.

    Examples
    --------
    >>> from infotheory.sources import through_channel
    >>> through_channel([[1.0, 0.0], [0.0, 1.0]]).mutual_information(base=2)
    1.0
    """
    rows = as_rows("channel", channel)
    if probabilities is None:
        return DiscreteJoint(rows / len(rows))
    p = as_probabilities("probabilities", probabilities)
    if p.size != len(rows):
        raise refusal(
            "probabilities",
            f"have one entry for each row of the channel ({len(rows)})",
            str(p.size),
            "They are those of the inputs.",
        )
    return DiscreteJoint(p[:, None] * rows)


def _with_binary_input(channel: Any, one: float) -> DiscreteJoint:
    p = check_number("one", one, "[0, 1]")
    return through_channel(channel, [1.0 - p, p])


def binary_symmetric(crossover: float, one: float = 0.5) -> DiscreteJoint:
    """Input and output of the binary symmetric channel.

    Parameters
    ----------
    crossover : float
        Probability in [0, 1] that the bit is flipped.
    one : float
        Probability that the input is 1.

    Returns
    -------
    DiscreteJoint
        Of shape (2, 2).

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    I(X; Y) = h(P(Y = 1)) - h(crossover), with the binary entropy h; the capacity, ln 2 -
    h(crossover), is reached at ``one=0.5``.

    References
    ----------
    .. [1] cover2006elements, section 7.1.4.

    Examples
    --------
    >>> from infotheory.sources import binary_symmetric
    >>> round(binary_symmetric(0.11).mutual_information(base=2), 4)  # 1 - h(0.11)
    0.5001
    """
    flip = check_number("crossover", crossover, "[0, 1]")
    return _with_binary_input([[1.0 - flip, flip], [flip, 1.0 - flip]], one)


def binary_erasure(erasure: float, one: float = 0.5) -> DiscreteJoint:
    """Input and output of the binary erasure channel.

    Parameters
    ----------
    erasure : float
        Probability in [0, 1] that the bit is erased; the output is then 2.
    one : float
        Probability that the input is 1.

    Returns
    -------
    DiscreteJoint
        Of shape (2, 3).

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    I(X; Y) = (1 - erasure) h(one), with the binary entropy h.

    References
    ----------
    .. [1] cover2006elements, section 7.1.5.

    Examples
    --------
    >>> from infotheory.sources import binary_erasure
    >>> binary_erasure(0.25).mutual_information(base=2)
    0.75
    """
    lost = check_number("erasure", erasure, "[0, 1]")
    return _with_binary_input([[1.0 - lost, 0.0, lost], [0.0, 1.0 - lost, lost]], one)


def z_channel(crossover: float, one: float = 0.5) -> DiscreteJoint:
    """Input and output of the Z-channel, in which only a 1 may be flipped.

    Parameters
    ----------
    crossover : float
        Probability in [0, 1] that a 1 arrives as 0.
    one : float
        Probability that the input is 1.

    Returns
    -------
    DiscreteJoint
        Of shape (2, 2).

    Raises
    ------
    ValueError
        If a parameter is not in its range.

    Notes
    -----
    I(X; Y) = h(one (1 - crossover)) - one h(crossover), with the binary entropy h.

    References
    ----------
    .. [1] cover2006elements, chapter 7.

    Examples
    --------
    >>> from infotheory.sources import z_channel
    >>> round(z_channel(0.5, one=0.4).mutual_information(base=2), 4)  # h(0.2) - 0.4, the capacity
    0.3219
    """
    flip = check_number("crossover", crossover, "[0, 1]")
    return _with_binary_input([[1.0, 0.0], [flip, 1.0 - flip]], one)


def xor(flip: float = 0.0) -> DiscreteJoint:
    """Two fair bits X and Y, and Z, which says whether they differ.

    Parameters
    ----------
    flip : float
        Probability in [0, 1] that Z says the opposite.

    Returns
    -------
    DiscreteJoint
        Of shape (2, 2, 2).

    Raises
    ------
    ValueError
        If it is not in its range.

    Notes
    -----
    Any two of the variables are independent, so I(X; Y) = 0, yet I(X; Y | Z) = ln 2 - h(flip),
    with the binary entropy h: dependence that no look at pairs can find.

    References
    ----------
    .. [1] williams2010nonnegative.

    Examples
    --------
    >>> from infotheory.sources import xor
    >>> triple = xor()
    >>> triple.mutual_information(base=2), triple.conditional_mutual_information(base=2)
    (0.0, 1.0)
    """
    wrong = check_number("flip", flip, "[0, 1]")
    p = np.empty((2, 2, 2))
    p[0, 0] = p[1, 1] = [(1.0 - wrong) / 4, wrong / 4]
    p[0, 1] = p[1, 0] = [wrong / 4, (1.0 - wrong) / 4]
    return DiscreteJoint(p)
