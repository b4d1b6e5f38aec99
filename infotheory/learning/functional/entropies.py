"""Entropies and powers of softmax distributions, a value for each row of logits, differentiable.

Everything is formed from logarithms of probabilities: none of them underflows. A logit of minus
infinity is a symbol of probability zero, which gets no gradient.

The gradient is a closed form, of what the value needs anyway. It can be differentiated in its turn.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from infotheory._validation import refusal
from infotheory.learning.functional.checks import check_logits, in_full_precision

__all__ = ["entropy", "power_sum", "power_transform", "renyi_entropy"]

_NEAR = 0.25  # orders as near to 1 as this take the form that loses no digits there
_LARGEST_ORDER = 1e30  # beyond it the values are those of infinity to every digit


@in_full_precision
def entropy(logits: Tensor) -> Tensor:
    """Shannon entropy of each row, H(softmax(z)).

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z; float16, bfloat16, float32 or float64.

    Returns
    -------
    Tensor, shape (n,)
        In nats, from 0 to ln K.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits.

    See Also
    --------
    infotheory.entropy : the same for arrays.

    Notes
    -----
    H = -<q, ln q> with q = softmax(z), and dH/dz = -q (ln q + H). Good to some units of rounding
    of one. Not a number where a row holds one, or only minus infinities.

    References
    ----------
    shannon1948mathematical

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import entropy
    >>> entropy(torch.tensor([[0.0, 0.0, 0.0, 0.0]])) / torch.tensor(2.0).log()  # two bits
    tensor([2.])
    """
    check_logits(logits)
    return _entropies(logits, 1.0)


@in_full_precision
def renyi_entropy(logits: Tensor, alpha: float) -> Tensor:
    """Rényi entropy of each row, H_alpha(softmax(z)).

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z; float16, bfloat16, float32 or float64.
    alpha : float
        Order, at least 0; `math.inf` included. A constant: nothing is differentiated by it.

    Returns
    -------
    Tensor, shape (n,)
        In nats, from 0 to ln K; no larger for a larger order.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, or `alpha` no order.

    See Also
    --------
    infotheory.measures.renyi_entropy : the same for arrays, with more digits.

    Notes
    -----
    H_alpha = ln(sum_k q_k^alpha) / (1 - alpha) with q = softmax(z); order 0 is the logarithm of the
    number of finite logits, 1 Shannon's entropy, infinity -ln max q. Its gradient is
    alpha / (1 - alpha) (q^(alpha) - q), with the power transform q^(alpha); at infinity q less the
    uniform distribution on the largest entries; at order 0 it is zero.

    Near order 1 the sum less one is taken as sum q expm1((alpha - 1) ln q), and the gradient as
    -alpha q expm1(s) / (alpha - 1) with s = (alpha - 1) (ln q + H_alpha): both go over into
    Shannon's without a loss of digits.

    References
    ----------
    renyi1961measures
    zheng2024ttm, equation 4.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import renyi_entropy
    >>> logits = torch.tensor([[0.5, 0.25, 0.25]]).log()
    >>> torch.exp(-renyi_entropy(logits, 2.0))  # the squares sum to 3/8
    tensor([0.3750])
    """
    check_logits(logits)
    return _entropies(logits, _check_order(alpha))


@in_full_precision
def power_sum(logits: Tensor, alpha: float) -> Tensor:
    """Sum of the powers of the probabilities of each row, U_alpha(softmax(z)).

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z; float16, bfloat16, float32 or float64.
    alpha : float
        Order, at least 0; `math.inf` included. A constant.

    Returns
    -------
    Tensor, shape (n,)
        From 1 to K^(1 - alpha) for an order below 1; that range reversed above.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, or `alpha` no order.

    See Also
    --------
    infotheory.measures.power_sum : the same for arrays.

    Notes
    -----
    U_alpha = sum_k q_k^alpha = exp((1 - alpha) H_alpha) with q = softmax(z). Its gradient is
    alpha U_alpha (q^(alpha) - q), with the power transform q^(alpha). At infinity it is 1 where
    one symbol is certain and 0 elsewhere, without a gradient.

    References
    ----------
    zheng2024ttm, equation 22.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import power_sum
    >>> power_sum(torch.tensor([[0.5, 0.25, 0.25]]).log(), 2.0)
    tensor([0.3750])
    """
    check_logits(logits)
    alpha = _check_order(alpha)
    values = _entropies(logits, alpha)
    if alpha == math.inf:
        return torch.where(values > 0, 0.0, 1.0).to(values.dtype)
    return torch.exp((1.0 - alpha) * values)


@in_full_precision
def power_transform(logits: Tensor, alpha: float) -> Tensor:
    """Logarithms of the power transform (escort distribution) of each row, ln q^(alpha).

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z; float16, bfloat16, float32 or float64.
    alpha : float
        Order, at least 0; `math.inf` included. 1/T for a temperature T. A constant.

    Returns
    -------
    Tensor, shape (n, K)
        Logarithms of probabilities, which are logits again.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, or `alpha` no order.

    See Also
    --------
    infotheory.measures.power_transform : the same for arrays.

    Notes
    -----
    q^(alpha)_k = q_k^alpha / sum_j q_j^alpha = softmax(alpha z)_k. Order 0 is uniform on the finite
    logits, infinity uniform on the largest ones. Differentiated by PyTorch itself.

    The logarithms are given since powers of probabilities that underflow are lost: in single
    precision softmax(z)^0.1 is 0 where the truth may be 3e-5.

    References
    ----------
    zheng2024ttm, equation 7.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import power_transform
    >>> power_transform(torch.tensor([[0.5, 0.25, 0.25]]).log(), 2.0).exp()
    tensor([[0.6667, 0.1667, 0.1667]])
    """
    check_logits(logits)
    alpha = _check_order(alpha)
    # Differences first: no digits of large logits are multiplied, and none overflows.
    return torch.log_softmax(_powers(logits - logits.detach().amax(1, keepdim=True), alpha), 1)


def _check_order(alpha: Any) -> float:
    if isinstance(alpha, bool) or not isinstance(alpha, Real):
        raise TypeError(f"alpha must be a number; got {alpha!r}. Pass for example alpha=2.")
    order = float(alpha)
    if not order >= 0.0:
        raise refusal(
            "alpha",
            "an order of at least 0, infinity included",
            f"{order:g}",
            "alpha=1 is Shannon's.",
        )
    return order if order <= _LARGEST_ORDER else math.inf


def _powers(log_p: Tensor, alpha: float) -> Tensor:
    """Return logarithms of powers, less a constant of the row where the order has no power."""
    if alpha == 0.0:
        return torch.where(log_p > -math.inf, 0.0 * log_p, log_p.detach())
    if alpha == math.inf:
        top = log_p == log_p.detach().amax(1, keepdim=True)
        return torch.where(top, 0.0 * log_p, -math.inf)
    return alpha * log_p


def _entropies(logits: Tensor, alpha: float) -> Tensor:
    value: Tensor = _RenyiEntropy.apply(logits, alpha)
    return value


class _RenyiEntropy(torch.autograd.Function):
    """The value, and in the same pass its gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, alpha: float) -> Tensor:
        value, gradient = _value_and_gradient(logits, alpha)
        ctx.alpha = alpha
        ctx.save_for_backward(logits, gradient)
        return value.abs()  # -0.0 is 0

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        logits, gradient = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient is to be differentiated in its turn
            _, gradient = _value_and_gradient(logits, ctx.alpha)
        return upstream[:, None] * gradient, None


def _value_and_gradient(logits: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    log_p = torch.log_softmax(logits, 1)
    return (_near_one if abs(alpha - 1.0) < _NEAR else _far_from_one)(log_p, alpha)


def _near_one(log_p: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    t = alpha - 1.0
    p = log_p.exp()
    log_p = log_p.masked_fill(p == 0.0, 0.0)  # 0 ln 0 = 0
    if t == 0.0:
        value = -(p * log_p).sum(1)
        return value, -p * (log_p + value[:, None])
    value = -torch.log1p((p * torch.expm1(t * log_p)).sum(1)) / t
    return value, (-alpha / t) * p * torch.expm1(t * (log_p + value[:, None]))


def _far_from_one(log_p: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    powers = _powers(log_p, alpha)
    log_escort = torch.log_softmax(powers, 1)
    if alpha == math.inf:
        value, factor = log_p.amax(1), -1.0
    else:
        # A logarithm of the sum, which is what log_softmax has taken from each entry.
        log_sum = powers.amax(1) - log_escort.amax(1)
        value, factor = log_sum / (1.0 - alpha), alpha / (1.0 - alpha)
    return value, factor * (log_escort.exp() - log_p.exp())
