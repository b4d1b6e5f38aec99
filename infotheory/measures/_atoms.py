"""Values, their slack and their slopes: what a score is made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._simplex import Block, Distributions
from infotheory._typing import FloatArray
from infotheory._validation import as_array, refusal
from infotheory.measures._power_forms import ENOUGH, second_remainder, sharp_log_ratios
from infotheory.measures._terms import two_product

__all__ = [
    "as_slack",
    "as_slopes",
    "channel_block",
    "densities",
    "drift",
    "finite_logs",
    "log_mean_of",
    "merged",
    "single",
]

_LARGEST = 1e300  # of a slope times a value


def single(distributions: Distributions) -> Block:
    """Return the block of a single distribution."""
    if distributions.batch:
        raise refusal(
            distributions.argument,
            "one distribution, not a batch",
            f"shape {distributions.array.shape}",
            "Make a score of each.",
        )
    return distributions.blocks(())(0, 1)


def channel_block(channel: Any, kind: str, use: str) -> Block:
    """Return the rows of a channel, one an input, in one block."""
    operand = Distributions(channel, "channel", kind)
    if operand.array.ndim != 2:
        raise refusal(
            "channel",
            "2-dimensional, one row an input and one column an output",
            f"shape {operand.array.shape}",
            f"{use} one channel at a time.",
        )
    if len(operand.array) == 0:
        raise refusal("channel", "have at least one row", f"shape {operand.array.shape}")
    return operand.blocks(operand.batch)(0, len(operand.array))


def finite_logs(logs: FloatArray) -> FloatArray:
    """Zeros for infinite logarithms, which belong to what never happens."""
    return np.where(np.isfinite(logs), logs, 0.0)


def as_slack(slack: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return how far off each value may be."""
    array = as_array(slack, "slack")
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"slack must be a number or an array of numbers; got dtype {array.dtype}. "
            "Use .astype(float)."
        )
    if array.shape not in ((), shape):
        raise refusal(
            "slack",
            f"one number, or one a value, shape {shape}",
            f"shape {array.shape}",
            "A slack of 0 merges equal values only.",
        )
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        place = f" at slack[{first}]" if array.ndim else ""
        raise refusal(
            "slack",
            "finite and at least 0",
            f"{array.flat[first]:g}{place}",
            "A slack of 0 merges equal values only.",
        )
    return np.broadcast_to(array.astype(np.float64), shape)


def as_slopes(lam: Any, size: float) -> FloatArray:
    """Return what scores of at most this size are multiplied with."""
    slopes = as_array(lam, "lam")
    if slopes.dtype.kind not in "iuf":
        raise TypeError(f"lam must be a number or an array of numbers; got {lam!r}.")
    slopes = slopes.astype(np.float64)
    limit = _LARGEST / max(size, 1.0)
    wrong = ~(np.abs(slopes) <= limit)
    if wrong.any():
        raise refusal(
            "lam",
            f"finite, and for these values at most {limit:.3g} in size",
            f"{slopes[wrong].flat[0]:g}",
            "In the limit all mass is on the extreme value.",
        )
    return slopes


def densities(block: Block, log_x: FloatArray, log_y: FloatArray) -> FloatArray:
    """Return ln p(x,y)/(p(x)p(y)) of one joint distribution, small values from differences."""
    weights = block.weights[0]
    x, x_lack = (part[:, None] for part in _two_sum(weights))
    y, y_lack = (part[None, :] for part in _two_sum(weights.T))
    total, total_lack = _two_sum(x.T)
    expected, expected_lack = two_product(x, y)
    observed, observed_lack = two_product(weights, total)
    lacks = x_lack * y + x * y_lack - weights * (total_lack + x_lack.sum())
    difference = ((expected - observed) + (expected_lack - observed_lack + lacks)) / total
    with np.errstate(invalid="ignore"):
        log_ratio = log_x + log_y - block.log_p[0]
    return -sharp_log_ratios(difference, weights, log_ratio)


def _two_sum(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums along the last axis, each as two numbers: rounded, and what that lacks."""
    sums = rows.sum(axis=-1)
    # The marginals of a nearly independent pair must be exact for its information not to be noise.
    pairs = zip(rows.tolist(), sums.tolist(), strict=True)
    return sums, np.array([math.fsum((*row, -total)) for row, total in pairs])


def merged(
    values: FloatArray, log_p: FloatArray, slack: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sort atoms and merge those that agree to within their slack."""
    order = np.argsort(values, kind="stable")
    values, log_p, slack = values[order], log_p[order], slack[order]
    apart = np.diff(values) > slack[:-1] + slack[1:]
    starts = np.flatnonzero(np.concatenate([[True], apart]))
    sizes = np.diff(np.append(starts, len(values)))
    top = np.maximum.reduceat(log_p, starts)
    weights = np.exp(log_p - np.repeat(top, sizes))
    sums = np.add.reduceat(weights, starts)
    first = values[starts]
    offsets = np.add.reduceat(weights * (values - np.repeat(first, sizes)), starts)
    return first + offsets / sums, top + np.log(sums)


def log_mean_of(
    p: FloatArray, steps: FloatArray, grown: FloatArray, plain: FloatArray
) -> FloatArray:
    """Logarithm of E e^step for steps of mean zero; a small one from e^step - 1 - step >= 0."""
    small = np.abs(steps) <= 0.5
    near = np.where(small, steps, 0.0)
    with np.errstate(over="ignore"):
        far = np.exp(grown) - p * (1.0 + steps)
    terms = np.where(small, p * near**2 * second_remainder(near), far)
    return np.where(plain < ENOUGH, np.log1p(terms.sum(axis=-1)), plain)


def drift(
    p: FloatArray,
    steps: FloatArray,
    deviations: FloatArray,
    weights: FloatArray,
    log_mean: FloatArray,
) -> FloatArray:
    """How far tilting moves the mean: of terms of one sign where the steps are small."""
    gentle = (np.abs(steps) <= 1.0).all(axis=-1)
    rises = p * np.expm1(np.clip(steps, -1.0, 1.0)) * deviations
    exact = rises.sum(axis=-1) / np.exp(np.where(gentle, log_mean, 0.0))
    moved: FloatArray = np.where(gentle, exact, (weights * deviations).sum(axis=-1))
    return moved
