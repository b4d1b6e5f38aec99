"""How much more than two variables share, from their joint distribution."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from infotheory._simplex import Block, over_blocks
from infotheory._typing import FloatArray
from infotheory.measures.information import block_conditional_mutual_information
from infotheory.measures.shannon import as_joint, block_entropy

__all__ = [
    "co_information",
    "dual_total_correlation",
    "o_information",
    "s_information",
    "total_correlation",
]

_Variables: TypeAlias = Iterable[int]
_Information: TypeAlias = Callable[[_Variables, _Variables, _Variables], FloatArray]


def total_correlation(
    joint: Any, *, n_variables: int | None = None, kind: str = "probs", base: float | None = None
) -> Any:
    """Total correlation TC(X1; ...; Xn), how far variables are from being independent.

    Parameters
    ----------
    joint : array_like, shape (..., K1, ..., Kn)
        Joint distributions along the last axes, one axis a variable.
    n_variables : int, optional
        How many of the last axes are variables, the axes before them being a batch; by default
        all of them.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, zero exactly for independent variables, and at most the sum of the entropies
        less the largest of them. The mutual information of two variables.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        axes than variables.

    Notes
    -----
    TC = H(X1) + ... + H(Xn) - H(X1, ..., Xn), also called multi-information. Computed by the chain
    rule as I(X2; X1) + I(X3; X1 X2) + ..., none of which cancels, so that variables close to
    independent keep their digits. n - 1 passes over the joint distribution.

    References
    ----------
    .. [1] watanabe1960information.

    Examples
    --------
    Three copies of one fair bit: two of them are redundant.

    >>> from infotheory.measures import total_correlation
    >>> copies = [[[0.5, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.5]]]
    >>> total_correlation(copies, base=2)
    2.0
    """

    def value(information: _Information, n: int) -> list[FloatArray]:
        return [information([i], range(i), ()) for i in range(1, n)]

    return _sum_of(value, joint, n_variables, kind, base)


def dual_total_correlation(
    joint: Any, *, n_variables: int | None = None, kind: str = "probs", base: float | None = None
) -> Any:
    """Dual total correlation DTC(X1; ...; Xn), what each variable shares with the others.

    Parameters
    ----------
    joint : array_like, shape (..., K1, ..., Kn)
        Joint distributions along the last axes, one axis a variable.
    n_variables : int, optional
        How many of the last axes are variables, the axes before them being a batch; by default
        all of them.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and at most H(X1, ..., Xn). The mutual information of two variables.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        axes than variables.

    Notes
    -----
    DTC = H(X1, ..., Xn) - sum_i H(Xi | all others), also called binding information and excess
    entropy. Computed as I(X2; X1 | X3 ... Xn) + I(X3; X1 X2 | X4 ... Xn) + ..., none of which
    cancels.

    References
    ----------
    .. [1] han1978nonnegative.

    Examples
    --------
    Three copies of one fair bit: the bit is all that they share.

    >>> from infotheory.measures import dual_total_correlation
    >>> copies = [[[0.5, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.5]]]
    >>> dual_total_correlation(copies, base=2)
    1.0
    """

    def value(information: _Information, n: int) -> list[FloatArray]:
        return [information([i], range(i), range(i + 1, n)) for i in range(1, n)]

    return _sum_of(value, joint, n_variables, kind, base)


def o_information(
    joint: Any, *, n_variables: int | None = None, kind: str = "probs", base: float | None = None
) -> Any:
    """O-information, the balance of redundancy and synergy.

    Parameters
    ----------
    joint : array_like, shape (..., K1, ..., Kn)
        Joint distributions along the last axes, one axis a variable.
    n_variables : int, optional
        How many of the last axes are variables, the axes before them being a batch; by default
        all of them.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        Positive where redundancy prevails, negative where synergy does; exactly 0 for two
        variables, and equal to :func:`co_information` for three.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        axes than variables.

    Notes
    -----
    Omega = TC - DTC = sum over i = 2 ... n - 1 of
    I(Xi; X1 ... X(i-1)) - I(Xi; X1 ... X(i-1) | X(i+1) ... Xn), in which form nothing larger than
    what the variables share is subtracted.

    References
    ----------
    .. [1] rosas2019quantifying.

    Examples
    --------
    Two fair bits and their parity are a synergy of one bit.

    >>> from infotheory.measures import o_information
    >>> parity = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> round(o_information(parity, base=2), 12)
    -1.0
    """

    def value(information: _Information, n: int) -> list[FloatArray]:
        pairs = (
            (information([i], range(i), ()), -information([i], range(i), range(i + 1, n)))
            for i in range(1, n - 1)
        )
        return [term for pair in pairs for term in pair]

    return _sum_of(value, joint, n_variables, kind, base)


def s_information(
    joint: Any, *, n_variables: int | None = None, kind: str = "probs", base: float | None = None
) -> Any:
    """S-information, the total strength of dependence.

    Parameters
    ----------
    joint : array_like, shape (..., K1, ..., Kn)
        Joint distributions along the last axes, one axis a variable.
    n_variables : int, optional
        How many of the last axes are variables, the axes before them being a batch; by default
        all of them.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0; twice the mutual information of two variables.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        axes than variables.

    Notes
    -----
    Sigma = TC + DTC = sum_i I(Xi; all others), which is how it is computed.

    References
    ----------
    .. [1] rosas2019quantifying.

    Examples
    --------
    Of two fair bits and their parity, each is determined by the others.

    >>> from infotheory.measures import s_information
    >>> parity = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> s_information(parity, base=2)
    3.0
    """

    def value(information: _Information, n: int) -> list[FloatArray]:
        return [information([i], [j for j in range(n) if j != i], ()) for i in range(n)]

    return _sum_of(value, joint, n_variables, kind, base)


def co_information(
    joint: Any, *, n_variables: int | None = None, kind: str = "probs", base: float | None = None
) -> Any:
    """Co-information I(X1; ...; Xn), what all variables share at once.

    Parameters
    ----------
    joint : array_like, shape (..., K1, ..., Kn)
        Joint distributions along the last axes, one axis a variable.
    n_variables : int, optional
        How many of the last axes are variables, the axes before them being a batch; by default
        all of them.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        Of either sign: for three variables positive where redundancy prevails and negative where
        synergy does. The entropy of one variable, the mutual information of two.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        axes than variables.

    Notes
    -----
    I(X1; ...; Xn) = I(X1; ...; X(n-1)) - I(X1; ...; X(n-1) | Xn), the atom in the middle of the
    information diagram: I(X;Y;Z) = I(X;Y) - I(X;Y|Z). Interaction information is the same for an
    even number of variables and has the other sign for an odd one: multiply by (-1)^n.
    Computed as the alternating sum of I(X1; X2 | X_T) over the subsets T of the other variables,
    2^(n-2) terms none of which cancels inside.

    References
    ----------
    .. [1] bell2003coinformation.
    .. [2] mcgill1954multivariate.

    Examples
    --------
    >>> from infotheory.measures import co_information
    >>> parity = [[[0.25, 0.0], [0.0, 0.25]], [[0.0, 0.25], [0.25, 0.0]]]
    >>> round(co_information(parity, base=2), 12)
    -1.0
    """

    def value(information: _Information, n: int) -> list[FloatArray]:
        return [
            information([0], [1], given) * (-1.0) ** size
            for size in range(n - 1)
            for given in combinations(range(2, n), size)
        ]

    operand = as_joint(joint, n_variables, kind)
    if operand.n_axes == 1:
        return over_blocks(block_entropy, operand, base=base)
    return _sum_of(value, joint, n_variables, kind, base)


def _sum_of(
    value: Callable[[_Information, int], list[FloatArray]],
    joint: Any,
    n_variables: int | None,
    kind: str,
    base: float | None,
) -> Any:
    """Add up terms, each of them information between groups of variables."""
    operand = as_joint(joint, n_variables, kind)

    def functional(block: Block) -> FloatArray:
        def information(x: _Variables, y: _Variables, z: _Variables) -> FloatArray:
            return _information(block, tuple(x), tuple(y), tuple(z))

        return sum(value(information, operand.n_axes), np.zeros(len(block)))

    return over_blocks(functional, operand, base=base)


def _information(
    block: Block, x: tuple[int, ...], y: tuple[int, ...], z: tuple[int, ...]
) -> FloatArray:
    """I(X; Y | Z) of three groups of variables, numbered from 0; Z may be empty."""
    weights = block.weights
    others = set(range(weights.ndim - 1)).difference(x, y, z)
    # The axes left after the sum keep their order, and so does each variable its rank among them.
    marginal = weights.sum(axis=tuple(1 + i for i in others))
    rank = {v: 1 + i for i, v in enumerate(sorted((*x, *y, *z)))}
    ordered = marginal.transpose(0, *(rank[v] for v in (*x, *y, *z)))
    sizes = [int(np.prod([weights.shape[1 + v] for v in group])) for group in (x, y, z)]
    grouped = Block(ordered.reshape(len(block), *sizes), block.total, positive=False)
    return block_conditional_mutual_information(grouped)
