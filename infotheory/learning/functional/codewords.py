"""Features as distributions, and how near they are to a codeword for each class.

Distributions are over the m features, and given by their logarithms throughout. Matrices of
codewords and centroids have a row for each class.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from infotheory._validation import check_temperature, refusal
from infotheory.learning.functional.checks import check_labels, check_logits, in_full_precision

__all__ = [
    "centroid_scores",
    "check_floor",
    "codeword_divergences",
    "codeword_ratio",
    "log_sigmax",
    "ncmi_codeword_loss",
    "normalised_features",
]

_LEAST_NORM = 1e-12  # features this near to the centre have no direction
_OFFSET = 1e-10  # of the numerator, as the authors have it


@in_full_precision
def normalised_features(features: Tensor, centre: Tensor, temperature: float) -> Tensor:
    """Direction of each row from a centre, u = (f - mu) / (T norm(f - mu)).

    Parameters
    ----------
    features : Tensor, shape (n, m)
        f.
    centre : Tensor, shape (m,)
        mu.
    temperature : float
        T > 0; the rows have Euclidean norm 1/T.

    Returns
    -------
    Tensor, shape (n, m)

    Raises
    ------
    TypeError, ValueError
        Where shapes do not fit, or `temperature` is not positive and finite.

    Notes
    -----
    The gradient of a row is orthogonal to f - mu: its length does not matter. A row within 1e-12 of
    the centre has no direction and gives (almost) zero, with a gradient that is not divided by that
    length.

    References
    ----------
    ye2026ncmi

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import normalised_features
    >>> normalised_features(torch.tensor([[4.0, 5.0]]), torch.tensor([1.0, 1.0]), 0.5)
    tensor([[1.2000, 1.6000]])
    """
    _, m = check_logits(features, "features")
    temperature = check_temperature(temperature)
    if centre.shape != (m,):
        raise refusal("centre", f"have shape ({m},)", f"shape {tuple(centre.shape)}")
    offset = features - centre
    norm = torch.linalg.vector_norm(offset, dim=1, keepdim=True)
    norm = norm.masked_fill(norm <= _LEAST_NORM, 1.0)
    directions: Tensor = offset / (temperature * norm)
    return directions


@in_full_precision
def log_sigmax(u: Tensor, epsilon: float = 0.0) -> Tensor:
    """Logarithms of the normalised sigmoid of each row, ln(sigma(u_k) / sum_l sigma(u_l)).

    Parameters
    ----------
    u : Tensor, shape (n, m)
        Any numbers.
    epsilon : float, default 0.0
        Added to the sum of sigmoids. The authors' code has 1e-8, so that rows sum to a little less
        than one.

    Returns
    -------
    Tensor, shape (n, m)
        Logarithms of probabilities.

    Raises
    ------
    TypeError, ValueError
        Where `u` is no batch of rows, or `epsilon` negative or infinite.

    Notes
    -----
    Like softmax it keeps the order; unlike softmax it changes when a number is added to a row, and
    is nearly uniform on all features that are clearly positive.

    References
    ----------
    ye2026ncmi

    Examples
    --------
    The sigmoids are 1/2 and 1/4.

    >>> import torch
    >>> from infotheory.learning.functional import log_sigmax
    >>> log_sigmax(-torch.tensor([[1.0, 3.0]]).log()).exp()
    tensor([[0.6667, 0.3333]])
    """
    check_logits(u, "u")
    if not 0.0 <= epsilon < math.inf:
        raise refusal("epsilon", "a finite number of at least 0", repr(epsilon), "0 is exact.")
    logs = torch.nn.functional.logsigmoid(u)
    total = torch.logsumexp(logs, 1, keepdim=True)
    if epsilon > 0.0:
        total = torch.logaddexp(total, total.new_tensor(math.log(epsilon)))
    probabilities: Tensor = logs - total
    return probabilities


@in_full_precision
def ncmi_codeword_loss(
    log_probs: Tensor, labels: Tensor, log_codewords: Tensor, *, floor: float = 1e-8
) -> Tensor:
    """Nearness to the own codeword over distance from the others, on average.

    Parameters
    ----------
    log_probs : Tensor, shape (n, m)
        ln P_i.
    labels : Tensor of int, shape (n,)
        Classes in [0, C).
    log_codewords : Tensor, shape (C, m)
        ln S_c. Differentiated where they ask for gradients.
    floor : float, default 1e-8
        Least denominator: near the start of training the samples may be near all codewords.

    Returns
    -------
    Tensor
        A scalar; positive for rows that sum to one.

    Raises
    ------
    TypeError, ValueError
        Where shapes or labels do not fit, or there is one codeword only.

    Notes
    -----
    The mean of [D(P_i || S_y) + 1e-10] / [(1/C) sum_{c != y} D(S_c || P_i)], y the class of sample
    i. It is a mean of ratios and not a ratio of means; the divisor is C though the own class is
    left out; the directions of the two divergences are opposite; all as in the authors' code. For
    time and memory see :func:`codeword_divergences`.

    References
    ----------
    ye2026ncmi

    Examples
    --------
    A fair coin is ln(5/4) from either codeword; they are ln 2 - H(0.2) from it, halved since C = 2.

    >>> import torch
    >>> from infotheory.learning.functional import ncmi_codeword_loss
    >>> codewords = torch.tensor([[0.8, 0.2], [0.2, 0.8]]).log()
    >>> ncmi_codeword_loss(torch.full((2, 2), 0.5).log(), torch.tensor([0, 1]), codewords)
    tensor(2.3154)
    """
    own, others = codeword_divergences(log_probs, labels, log_codewords)
    return codeword_ratio(own, others, floor)


def codeword_ratio(own: Tensor, others: Tensor, floor: float) -> Tensor:
    """Return the mean of the ratios of :func:`codeword_divergences`.

    Parameters
    ----------
    own, others : Tensor, shape (n,)
        Numerators and denominators.
    floor : float
        Least denominator.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    ValueError
        If `floor` is not positive and finite.
    """
    ratio: Tensor = ((own + _OFFSET) / others.clamp_min(check_floor(floor))).mean()
    return ratio


def check_floor(floor: float) -> float:
    """Return the least denominator, positive and finite.

    Parameters
    ----------
    floor : float
        The number.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not positive and finite.
    """
    if not 0.0 < floor < math.inf:
        raise refusal("floor", "a positive finite number", repr(floor), "1e-8 is the usual one.")
    return floor


@in_full_precision
def codeword_divergences(
    log_probs: Tensor, labels: Tensor, log_codewords: Tensor
) -> tuple[Tensor, Tensor]:
    """Distance of each sample from its own codeword, and of the other codewords from it.

    Parameters
    ----------
    log_probs : Tensor, shape (n, m)
        ln P_i.
    labels : Tensor of int, shape (n,)
        Classes in [0, C).
    log_codewords : Tensor, shape (C, m)
        ln S_c. Differentiated where they ask for gradients.

    Returns
    -------
    own : Tensor, shape (n,)
        D(P_i || S_y), y the class of the sample.
    others : Tensor, shape (n,)
        (1/C) sum_{c != y} D(S_c || P_i).

    Raises
    ------
    TypeError, ValueError
        Where shapes or labels do not fit, or there is one codeword only.

    Notes
    -----
    The divergences of the other codewords are linear in ln P_i, so their sum needs the sum of all
    codewords, less the own one: O(n m + C m) time and memory, and no number for each sample and
    class. Good to some units of rounding of ln m: 1e-6 in single precision, where divergences of
    nearly uniform distributions may be as small as 1e-3.

    References
    ----------
    ye2026ncmi

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional.codewords import codeword_divergences
    >>> codewords = torch.tensor([[0.8, 0.2], [0.2, 0.8]]).log()
    >>> own, others = codeword_divergences(codewords, torch.tensor([0, 1]), codewords)
    >>> own.tolist(), torch.isclose(others, 0.3 * torch.tensor(4.0).log()).tolist()
    ([0.0, 0.0], [True, True])
    """
    n, m = check_logits(log_probs, "log_probs")
    n_classes, width = check_logits(log_codewords, "log_codewords")
    if n_classes < 2 or width != m:
        raise refusal(
            "log_codewords",
            f"have shape (C, {m}) with C >= 2",
            f"shape {(n_classes, width)}",
            "One codeword a class, over the same features.",
        )
    labels = check_labels(labels, n, n_classes)
    s = log_codewords.exp()
    inner = (s * log_codewords).sum(1)
    own = (log_probs.exp() * (log_probs - log_codewords.index_select(0, labels))).sum(1)
    rest = s.sum(0) - s.index_select(0, labels)
    others = inner.sum() - inner.index_select(0, labels) - (rest * log_probs).sum(1)
    return own, others / n_classes


@in_full_precision
def centroid_scores(log_probs: Tensor, log_centroids: Tensor) -> Tensor:
    """Minus the distance of each sample from each centroid, -D(P_i || V_c).

    Parameters
    ----------
    log_probs : Tensor, shape (n, m)
        ln P_i.
    log_centroids : Tensor, shape (C, m)
        ln V_c.

    Returns
    -------
    Tensor, shape (n, C)
        At most 0, to rounding; the largest in a row is the nearest centroid. As logits they make a
        distribution over the classes.

    Raises
    ------
    TypeError, ValueError
        Where shapes do not fit.

    Notes
    -----
    <P_i, ln V_c> - <P_i, ln P_i>: one product of matrices, differentiable.

    References
    ----------
    ye2026ncmi

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import centroid_scores
    >>> centroids = torch.tensor([[0.8, 0.2], [0.2, 0.8]]).log()
    >>> centroid_scores(centroids[:1], centroids).argmax(1)
    tensor([0])
    """
    _, m = check_logits(log_probs, "log_probs")
    if log_centroids.ndim != 2 or log_centroids.shape[1] != m:
        raise refusal(
            "log_centroids", f"have shape (C, {m})", f"shape {tuple(log_centroids.shape)}"
        )
    # Relative to the uniform distribution logarithms are small, which a product of matrices that
    # rounds its factors, as some devices do, needs.
    p, log_p, log_v = log_probs.exp(), log_probs + math.log(m), log_centroids + math.log(m)
    scores: Tensor = p @ log_v.T - (p * log_p).sum(1, keepdim=True)
    return scores
