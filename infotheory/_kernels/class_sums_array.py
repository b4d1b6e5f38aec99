"""Per-class sums by whole-array operations, where just-in-time compilation is switched off.

Rows of any kind come in double precision, a block at a time, and are known to be valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infotheory._kernels._distribution import PROBS
from infotheory._kernels.class_sums import N_BINS
from infotheory._typing import BoolArray, FloatArray, IntArray

__all__ = ["Block", "add_block", "distributions", "from_logits", "from_probs", "smooth"]


@dataclass(frozen=True)
class Block:
    """A block of output distributions: P, ln P with 0 in place of minus infinity, and where."""

    probs: FloatArray
    log_probs: FloatArray
    zero: BoolArray


def from_logits(logits: FloatArray, temperature: float) -> Block:
    """Softmax and log-softmax of finite or -inf logits (at least one finite in each row)."""
    rows = np.arange(logits.shape[0])
    top = logits.argmax(axis=1)
    z = (logits - logits[rows, top][:, None]) / temperature
    probs = np.exp(z)
    # The largest term is 1: summing the others apart keeps what 1 + rest would round away.
    probs[rows, top] = 0.0
    rest = probs.sum(axis=1, keepdims=True)
    probs[rows, top] = 1.0
    zero = np.isneginf(z)
    z[zero] = 0.0
    z -= np.log1p(rest)
    z[zero] = 0.0
    return Block(probs / (1.0 + rest), z, zero)


def from_probs(probs: FloatArray, temperature: float) -> Block:
    """Rows that sum to one up to rounding, which is divided out."""
    logs = np.log(np.where(probs > 0.0, probs, 1.0))
    logs[probs == 0.0] = -np.inf
    return from_logits(logs, temperature)


def smooth(block: Block, smoothing: float) -> Block:
    """Mix with the uniform distribution: (1 - smoothing) P + smoothing / K."""
    probs = (1.0 - smoothing) * block.probs + smoothing / block.probs.shape[1]
    return Block(probs, np.log(probs), np.zeros_like(block.zero))


def distributions(rows: FloatArray, kind: int, temperature: float, smoothing: float) -> Block:
    """Distributions of valid rows of any kind, numbered as for the kernels."""
    block = (from_probs if kind == PROBS else from_logits)(rows, temperature)
    return smooth(block, smoothing) if smoothing > 0.0 else block


def add_block(
    block: Block,
    ranked: FloatArray,
    labels: IntArray,
    slots: IntArray,
    weights: FloatArray,
    labelled: bool,
    mass: FloatArray,
    log_mass: FloatArray,
    zeros: IntArray,
    scalars: FloatArray,
    top5_misses: FloatArray,
    bins: FloatArray,
    confidence: FloatArray,
) -> None:
    """Add a block to the sums; ``slots`` says which row of the sums each sample belongs to.

    ``ranked`` holds the outputs as they came, in whose order ties are to be seen.  Samples of
    weight zero are left out.
    """
    order = np.argsort(slots, kind="stable")
    order = order[weights[order] > 0.0]
    groups, starts = np.unique(slots[order], return_index=True)
    w = weights[order][:, None]
    mass[groups] += np.add.reduceat(w * block.probs[order], starts, axis=0)
    log_mass[groups] += np.add.reduceat(w * block.log_probs[order], starts, axis=0)
    zeros[groups] += np.add.reduceat(block.zero[order].astype(np.int64), starts, axis=0)
    entropy = np.einsum("ij,ij->i", block.probs, block.log_probs)
    certainty = block.probs.max(axis=1)
    rows = np.arange(labels.size)
    least = -block.log_probs[rows, block.probs.argmax(axis=1)]
    loss = least
    if labelled:
        loss = np.where(block.zero[rows, labels], np.inf, -block.log_probs[rows, labels])
        own = ranked[rows, labels][:, None]
        before = np.arange(ranked.shape[1]) < labels[:, None]
        rank = (ranked > own).sum(axis=1) + ((ranked == own) & before).sum(axis=1)
        place = np.clip(np.ceil(certainty * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
        np.add.at(bins[:, :, 0], (slots, place), weights)
        np.add.at(bins[:, :, 1], (slots, place), weights * (rank == 0))
        np.add.at(confidence, (slots, place), weights * certainty)
        np.add.at(top5_misses, slots, weights * (rank >= 5))
    np.add.at(scalars[:, 0], slots, weights * entropy)
    np.add.at(scalars[:, 1], slots[order], weights[order] * loss[order])
    np.add.at(scalars[:, 2], slots, weights * least)
