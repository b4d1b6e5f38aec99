"""Class-wise bootstrap of CMI, Gamma and NCMI, for outputs that are in memory."""

from __future__ import annotations

import math

import numpy as np

from infotheory._kernels.class_sums_array import distributions
from infotheory._results import Interval
from infotheory._simplex import KINDS
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import decode
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.entropies import entropies
from infotheory.classifiers.intervals import (
    Spread,
    cmi_bias,
    error_interval,
    log_intervals,
    shard_replicates,
)
from infotheory.classifiers.quantities import cmi_and_gamma

__all__ = ["bootstrap_intervals", "resample"]

Samples = tuple[AnyArray, IntArray, FloatArray | None]

_FEWEST = 0.95  # share of the resamples that must have a logarithm; the others are left out
_NUMBERS = 1 << 24  # of one table of a block of replicates


def bootstrap_intervals(
    sums: ClassSums,
    total: ClassSums,
    samples: Samples,
    applied: tuple[str, float, float],
    *,
    level: float,
    n_resamples: int,
    rng: np.random.Generator,
    progress: bool = False,
) -> dict[str, Interval]:
    """Return intervals from resampling rows within their classes.

    Parameters
    ----------
    sums, total : ClassSums
        Of these rows, in shards and together: the bias is measured on shards, because replicates
        are biased against the estimate as it is against the truth.
    samples : tuple
        The rows, their labels, and their weights or None; checked.
    applied : tuple
        Kind, temperature and smoothing, as in :func:`infotheory.measure_classifier`.
    level : float
        Confidence level.
    n_resamples : int
        B, how many replicates.
    rng : numpy.random.Generator
        Source of randomness.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict of str to Interval
        For "cmi", "gamma", "ncmi" and "error", in nats. The error rate has its score interval.

    Notes
    -----
    Basic intervals for logarithms: the quantiles of the replicates about their mean, reversed,
    around the corrected estimate; widened by the square root of n / (n - C), as resampling within
    classes understates the variance, and by the uncertainty of the bias. O(B n K) operations, most
    of them in matrix products.
    """
    from scipy.special import ndtri

    replicates = resample(total, samples, applied, n_resamples, rng, progress=progress)
    freedom = max(total.n - total.cells.size, 1)
    widened = math.sqrt(total.n / freedom)
    quantile = float(ndtri(0.5 + level / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        cmi, gamma = np.log(replicates)
        spreads = []
        for logs in (cmi, gamma, cmi - gamma):
            finite = logs[np.isfinite(logs)]  # a resample of equal rows has CMI 0
            if finite.size < _FEWEST * logs.size:
                spreads.append(Spread(math.nan, math.nan, math.nan, math.nan))
                continue
            centred = widened * (finite - finite.mean())
            low, high = np.quantile(centred, [0.5 - level / 2, 0.5 + level / 2])
            spreads.append(Spread(float(centred.std()), float(high), float(-low), quantile))
    deleted = shard_replicates(sums, total)
    bias = cmi_bias(sums, total, deleted[:, 0])
    return {
        **log_intervals(total, spreads, bias, level, f"bootstrap, {n_resamples} resamples"),
        "error": error_interval(total, level),
    }


def resample(
    total: ClassSums,
    samples: Samples,
    applied: tuple[str, float, float],
    n_resamples: int,
    rng: np.random.Generator,
    *,
    progress: bool = False,
) -> FloatArray:
    """Return CMI and Gamma of B resamples within classes, whose shares are kept.

    Parameters
    ----------
    total, samples, applied, n_resamples, rng, progress
        As in :func:`bootstrap_intervals`.

    Returns
    -------
    ndarray of float, shape (2, B)
        In nats; Gamma is nan where that of all rows is infinite.
    """
    from tqdm.auto import tqdm

    outputs, labels, weights = samples
    kind, *scaling = applied
    share = total.weight / total.weight.sum()
    members = [np.flatnonzero(labels == c) for c in total.classes]
    if weights is not None:
        members = [rows[weights[rows] > 0.0] for rows in members]
    step = max(1, _NUMBERS // max(outputs.shape[1], *(rows.size for rows in members)))
    result = np.empty((2, n_resamples))
    with tqdm(
        total=n_resamples * total.n, unit="row", unit_scale=True, disable=not progress, delay=0.5
    ) as bar:
        for start in range(0, n_resamples, step):
            size = min(step, n_resamples - start)
            cmi, same = np.zeros(size), np.zeros(size)
            mass, log_mass = np.zeros((2, size, outputs.shape[1]))
            for p, rows in zip(share, members, strict=True):
                block = distributions(decode(outputs[rows]), KINDS.index(kind), *scaling)
                times = _multiplicities(rows.size, size, rng)
                if weights is not None:
                    times *= weights[rows]
                drawn = times.sum(axis=1)
                own = times @ block.probs
                row_entropy = np.einsum("ij,ij->i", block.probs, block.log_probs)
                divergence = entropies(own, drawn) + times @ row_entropy
                cmi += p * np.maximum(divergence, 0.0) / drawn
                own *= (p / drawn)[:, None]
                own_logs = (times @ block.log_probs) * (p / drawn)[:, None]
                same += np.einsum("ij,ij->i", own, own_logs)
                mass += own
                log_mass += own_logs
                bar.update(size * rows.size)
            every = np.einsum("ij,ij->i", mass, log_mass)
            result[:, start : start + size] = cmi, same - every
    if not math.isfinite(cmi_and_gamma(total)[1]):
        result[1] = math.nan
    return result


def _multiplicities(n: int, size: int, rng: np.random.Generator) -> FloatArray:
    """How often each of n rows is drawn in each of `size` resamples of n rows."""
    drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
