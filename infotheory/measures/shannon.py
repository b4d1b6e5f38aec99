"""Entropies of known distributions: one variable, several, one given another, one for another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._simplex import Block, Distributions, over_blocks
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_array, check_count
from infotheory.measures._pairs import pair
from infotheory.measures._terms import as_rows, dots, entropies_of_masses, of_rows, refined

__all__ = ["conditional_entropy", "cross_entropy", "entropy", "joint_entropy"]


def entropy(p: Any, *, kind: str = "probs", base: float | None = None) -> Any:
    """Shannon entropy H(p).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Distributions along the last axis.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0 and at most log K. A Series with the same index for a DataFrame.

    Raises
    ------
    ValueError
        If an entry is negative or nan, or a distribution does not sum to one.

    Notes
    -----
    H(p) = - sum_k p_k ln p_k, with 0 log 0 = 0. One pass over blocks that stay in cache. Where
    one symbol is almost certain its probability is taken as one less the others, so that a small
    entropy is as exact as the probabilities it rests on.

    References
    ----------
    .. [1] shannon1948mathematical, section 6.

    Examples
    --------
    >>> from infotheory.measures import entropy
    >>> entropy([0.5, 0.25, 0.25], base=2)
    1.5
    >>> entropy([[1.0, 0.0], [0.5, 0.5]], base=2)
    array([0., 1.])
    """
    return over_blocks(block_entropy, Distributions(p, "p", kind), base=base)


def block_entropy(block: Block) -> FloatArray:
    """Entropy of each row over the whole alphabet, joint ones included."""
    weights = as_rows(block.weights)
    quick = np.log(block.total) - dots(weights, block.finite_log_weights) / block.total

    def careful(rows: IntArray) -> FloatArray:
        return entropies_of_masses(weights[rows]) / block.total[rows]

    return refined(quick, careful, weights.shape[1])


def joint_entropy(
    joint: Any, *, n_variables: int | None = None, kind: str = "probs", base: float | None = None
) -> Any:
    """Joint entropy H(X, Y, ...) of several variables.

    Parameters
    ----------
    joint : array_like, shape (..., K1, K2, ...)
        Joint distributions along the last axes, one a variable.
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
        At least the entropy of each variable, and at most the sum of these.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        axes than variables.

    Notes
    -----
    The entropy of the joint symbol, computed as :func:`entropy`. The chain rule is
    H(X, Y) = H(Y) + H(X|Y).

    References
    ----------
    .. [1] shannon1948mathematical, section 6.

    Examples
    --------
    >>> from infotheory.measures import joint_entropy
    >>> joint_entropy([[0.5, 0.0], [0.25, 0.25]], base=2)
    1.5
    """
    return over_blocks(block_entropy, as_joint(joint, n_variables, kind), base=base)


def as_joint(joint: Any, n_variables: int | None, kind: str) -> Distributions:
    """Return joint distributions of so many variables, by default one an axis."""
    if n_variables is None:
        n_axes = max(1, as_array(joint, "joint").ndim)
    else:
        n_axes = check_count("n_variables", n_variables)
    return Distributions(joint, "joint", kind, n_axes)


def cross_entropy(p: Any, q: Any, *, kind: str = "probs", base: float | None = None) -> Any:
    """Cross entropy H(p, q) of q under p.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast. Symbols are drawn from `p` and
        described by a code for `q`.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least H(p). Infinite where `p` has mass on a symbol on which `q` has none.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    H(p, q) = - sum_k p_k ln q_k = H(p) + D(p||q), with 0 log 0 = 0. A probability close to one
    is taken as one less the others.

    References
    ----------
    .. [1] cover2006elements, theorem 5.4.3 (a code for q costs D(p||q) more than one for p).

    Examples
    --------
    >>> from infotheory.measures import cross_entropy
    >>> cross_entropy([0.5, 0.5], [0.25, 0.75], base=4)  # (1 + log4(4/3)) / 2
    0.603759374819711
    >>> cross_entropy([0.5, 0.5], [1.0, 0.0])
    inf
    """
    return over_blocks(_block_cross_entropy, *pair(p, q, kind), base=base)


def _block_cross_entropy(p: Block, q: Block) -> FloatArray:
    with np.errstate(invalid="ignore"):
        products = dots(p.weights, q.log_weights)
    quick = np.log(q.total) - products / p.total

    def careful(rows: IntArray) -> FloatArray:
        weights, log_p = of_rows(p.weights, rows), of_rows(p.log_weights, rows)
        log_q = _sure_log_p(of_rows(q.weights, rows), of_rows(q.log_weights, rows))
        terms = -weights * np.where(weights > 0, log_q, 0.0)
        impossible = np.isneginf(log_q) & (log_p > -np.inf)
        sums = np.where(impossible, np.inf, terms).sum(axis=1)
        return np.asarray(sums / of_rows(p.total, rows))

    return refined(quick, careful, p.weights.shape[1])


def _sure_log_p(weights: FloatArray, log_weights: FloatArray) -> FloatArray:
    """Logarithms of probabilities, that of the largest of a row from all the others."""
    place = weights.argmax(axis=1)[:, None]
    largest = np.take_along_axis(weights, place, axis=1)
    others = weights.copy()
    np.put_along_axis(others, place, 0.0, axis=1)
    odds = others.sum(axis=1, keepdims=True) / largest
    logs: FloatArray = log_weights - np.log(largest) - np.log1p(odds)
    np.put_along_axis(logs, place, -np.log1p(odds), axis=1)
    return logs


def conditional_entropy(joint: Any, *, kind: str = "probs", base: float | None = None) -> Any:
    """Conditional entropy H(X|Y) of the first variable given the second.

    Parameters
    ----------
    joint : array_like, shape (..., Kx, Ky)
        Joint distributions, X along the last axis but one and Y along the last.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and at most H(X). For H(Y|X) exchange the axes: ``joint.T``, or
        ``joint.swapaxes(-1, -2)`` for a batch.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or there are fewer
        than two axes.

    Notes
    -----
    H(X|Y) = - sum_xy p(x, y) ln p(x|y) = H(X, Y) - H(Y). Where that difference is small the sum
    is formed instead, each almost certain p(x|y) taken as one less the others.

    References
    ----------
    .. [1] cover2006elements, section 2.2 and example 2.2.1.

    Examples
    --------
    >>> from infotheory.measures import conditional_entropy
    >>> conditional_entropy([[0.25, 0.25], [0.0, 0.5]], base=2)  # 3/4 of h(1/3)
    0.6887218755408672
    """
    operand = Distributions(joint, "joint", kind, n_axes=2)
    return over_blocks(block_conditional_entropy, operand, base=base)


def block_conditional_entropy(block: Block, given: int = 2) -> FloatArray:
    """Entropy of one variable of each joint distribution given the one on axis `given`."""
    condition = block.weights.sum(axis=3 - given)
    joint_sum = dots(block.weights, block.finite_log_weights)
    logs = np.log(np.where(condition > 0, condition, 1.0))
    quick = (dots(condition, logs) - joint_sum) / block.total

    def careful(rows: IntArray) -> FloatArray:
        masses = np.moveaxis(block.weights[rows], given, 1)
        entropies: FloatArray = entropies_of_masses(masses).sum(axis=1)
        return entropies / block.total[rows]

    return refined(quick, careful, math.prod(block.weights.shape[1:]))
