"""The sums of one batch, formed where its outputs are."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_weights
from infotheory.classifiers import NCMIAccumulator
from infotheory.classifiers.shards import deal
from infotheory.learning.functional import TensorSums, class_sums
from infotheory.learning.functional.class_sums import stand_in

__all__ = ["is_elsewhere", "sums_of_batch"]


def sums_of_batch(
    accumulator: NCMIAccumulator,
    outputs: torch.Tensor,
    labels: Any,
    kind: str,
    sample_weight: Any = None,
    so_far: TensorSums | None = None,
) -> TensorSums:
    """Return the sums of a batch that an accumulator could take in, which is not changed.

    Parameters
    ----------
    accumulator : NCMIAccumulator
        Says how to measure, and what came before.
    outputs, labels, kind, sample_weight
        As of :meth:`infotheory.learning.NCMIMetric.update`.
    so_far : TensorSums, optional
        What came before besides.

    Returns
    -------
    TensorSums
        On the device of `outputs`.

    Raises
    ------
    ValueError, TypeError
        As :meth:`infotheory.learning.NCMIMetric.update`.
    """
    if not is_elsewhere(outputs):
        alone = NCMIAccumulator(**accumulator.settings)
        alone.update(outputs, labels, kind, sample_weight=sample_weight)
        return TensorSums.of(alone.sums)
    _, targets = accumulator.check(stand_in(outputs), labels, kind)
    weights = None if sample_weight is None else as_weights(sample_weight, targets.size)
    n_classes = accumulator.n_classes or outputs.shape[1]
    parts = _dealt(accumulator, targets, n_classes, weights, so_far) if accumulator.shards else None
    return class_sums(
        outputs,
        targets,
        n_classes,
        kind=kind,
        temperature=accumulator.temperature,
        smoothing=accumulator.smoothing,
        weights=weights,
        parts=parts,
        n_parts=max(1, accumulator.shards),
    )


def _dealt(
    accumulator: NCMIAccumulator,
    targets: IntArray,
    n_classes: int,
    weights: FloatArray | None,
    so_far: TensorSums | None,
) -> IntArray:
    """Deal a batch on from where dealing had got to, here and on the device."""
    starts = np.arange(n_classes)
    if so_far is not None:
        classes = so_far.cells // so_far.n_parts
        starts += np.bincount(classes, so_far.counts, n_classes).astype(np.int64)
    before = accumulator.sums if accumulator.n_outputs is not None else None
    return deal(targets, accumulator.shards, n_classes, before, weights, starts)


def is_elsewhere(outputs: Any) -> bool:
    """Whether these are tensors of a device that can add them up: in double precision, that is.

    Parameters
    ----------
    outputs : object
        Tensors or anything else.

    Returns
    -------
    bool
    """
    return isinstance(outputs, torch.Tensor) and outputs.device.type not in ("cpu", "mps")
