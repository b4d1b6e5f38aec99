"""Networks measured: the one pass that validation, tests and :func:`evaluate` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from infotheory._typing import IntArray
from infotheory._validation import check_count, refusal
from infotheory.classifiers import NCMIReport
from infotheory.learning.data import TrainingData
from infotheory.learning.engine.feed import chunks
from infotheory.learning.engine.procedure import Procedure
from infotheory.learning.metrics import NCMIMetric
from infotheory.learning.networks.at_work import in_mode, place_of

__all__ = ["evaluate", "metric_over"]


def evaluate(
    trained: Procedure | nn.Module,
    data: Any,
    *,
    batch_size: int = 256,
    workers: int = 0,
    base: float | None = None,
) -> NCMIReport:
    """Measure CMI, Gamma, NCMI and the error of a network on data.

    Parameters
    ----------
    trained : Procedure or Module
        A network, whose outputs are logits over the classes; or a procedure, which says what they
        are. Columns beyond the classes are answers that no label names: in the report they are
        further classes, without samples.
    data : TrainingData or object
        What to measure on; other objects as :meth:`TrainingData.of` takes them.
    batch_size : int, default 256
        Rows at a time.
    workers : int, default 0
        Processes that read samples which are not in memory.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    NCMIReport

    Raises
    ------
    TypeError, ValueError
        If there is no network, data cannot be used, or outputs are not finite.

    Notes
    -----
    On the device where the parameters of the network are, in evaluation mode, which is undone
    afterwards. Floating samples get the type of the parameters. Each process measures everything
    by itself.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.engine import evaluate
    >>> inputs = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 3.0]])
    >>> evaluate(torch.nn.Identity(), (inputs, [0, 1, 1])).error
    0.0
    """
    network = trained.network if isinstance(trained, Procedure) else trained
    if not isinstance(network, nn.Module):
        raise TypeError(
            f"trained must be a Procedure or a torch.nn.Module; got {type(trained).__name__}."
        )
    if not isinstance(data, TrainingData):
        data = TrainingData.of(data, allow_missing=True)
    scores = trained.scores if isinstance(trained, Procedure) else _as_they_are
    parts = chunks(np.arange(len(data)), check_count("batch_size", batch_size))
    with in_mode(network, training=False), torch.no_grad():
        metric = metric_over(
            lambda inputs: scores(network(inputs)), data, parts, network, workers=workers
        )
    return metric.compute(base)


def _as_they_are(outputs: Tensor) -> Tensor:
    return outputs


def metric_over(
    scores: Callable[[Tensor], Tensor],
    data: TrainingData,
    parts: list[IntArray],
    network: nn.Module,
    *,
    workers: int = 0,
) -> NCMIMetric:
    """Measure some rows of data.

    Parameters
    ----------
    scores : callable
        Inputs to logits over the classes.
    data : TrainingData
        Of which.
    parts : list of ndarray of int
        The rows of each batch.
    network : Module
        Where inputs have to be, and in what type.
    workers : int, default 0
        Processes that read.

    Returns
    -------
    NCMIMetric
        Over as many classes as there are columns, where these are more: so that labels name
        columns, and the error is known. Without rows it knows no number of classes, and takes that
        of the other processes.
    """
    device, dtype = place_of(network)
    metric: NCMIMetric | None = None
    for rows, raw in zip(parts, data.read(parts, workers=workers), strict=True):
        outputs = scores(data.prepared(raw, device=device or "cpu", dtype=dtype))
        if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(rows):
            raise refusal(
                "scores",
                f"a tensor of shape ({len(rows)}, K)",
                f"shape {tuple(outputs.shape)}"
                if isinstance(outputs, Tensor)
                else type(outputs).__name__,
                "A network gives one row of logits for each sample.",
            )
        if metric is None:
            metric = _metric_for(data, outputs.shape[1])
        metric.update(outputs, data.labels[rows])
    return NCMIMetric() if metric is None else metric


def _metric_for(data: TrainingData, n_outputs: int) -> NCMIMetric:
    further = range(data.n_classes, n_outputs)
    names = data.class_names and (*data.class_names, *(f"output {column}" for column in further))
    return NCMIMetric(data.n_classes + len(further), class_names=names)
