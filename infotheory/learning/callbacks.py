"""CMI, Gamma, NCMI and the error after each epoch, in the trainers of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from infotheory._validation import check_base, refusal
from infotheory.learning.metrics import NCMIMetric
from infotheory.models.specs import needed

__all__ = ["NCMIComputeMetrics", "lightning_callback", "logged"]

OutputsOf = Callable[[Any, Any], tuple[Any, Any]]


def logged(metric: NCMIMetric, base: float | None = None) -> dict[str, float]:
    """Return the four numbers of a metric that training curves show.

    Parameters
    ----------
    metric : NCMIMetric
        With at least one sample.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.

    Returns
    -------
    dict of str to float
        "cmi", "gamma", "ncmi" and "error".

    Raises
    ------
    ValueError
        Where nothing has been taken in.
    """
    report = metric.compute(base)
    return {name: float(getattr(report, name)) for name in ("cmi", "gamma", "ncmi", "error")}


class NCMIComputeMetrics:
    """``compute_metrics`` of ``transformers.Trainer``: CMI, Gamma, NCMI and the error.

    Parameters
    ----------
    n_classes : int, optional
        C; by default the number of output columns.
    temperature, smoothing, class_names, shards
        As of :class:`infotheory.learning.NCMIMetric`.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    ignore_index : int, default -100
        A label that leaves a sample out, as the padding of token classification does.
    also : callable, optional
        Another ``compute_metrics``, whose numbers are joined to these; of a whole evaluation only,
        so not with ``batch_eval_metrics=True``.

    Notes
    -----
    ::

        trainer = Trainer(model, arguments, compute_metrics=NCMIComputeMetrics(), ...)
        trainer.evaluate()["eval_ncmi"]

    With ``TrainingArguments(batch_eval_metrics=True)`` the outputs are taken in batch by batch, on
    their device, and none are kept: that is the way to evaluate where all logits would not fit.
    An evaluation that is interrupted between two batches leaves those before in ``metric``, and
    nothing tells the next one of it: call :meth:`reset` after such an interruption.
    In several processes the trainer itself gathers the outputs. Predictions that are a tuple
    (logits and hidden states, say) begin with the logits. Logits of shape (n, length, K), one
    distribution a token, go with labels of shape (n, length).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> compute_metrics = NCMIComputeMetrics()
    >>> found = compute_metrics(
    ...     SimpleNamespace(predictions=[[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]], label_ids=[0, 0, 1])
    ... )
    >>> found["cmi"], found["error"]
    (0.0, 0.0)
    """

    def __init__(
        self,
        n_classes: int | None = None,
        *,
        temperature: float = 1.0,
        smoothing: float = 0.0,
        class_names: Sequence[str] | None = None,
        shards: int = 0,
        base: float | None = None,
        ignore_index: int = -100,
        also: Callable[[Any], Mapping[str, float]] | None = None,
    ) -> None:
        self.metric = NCMIMetric(
            n_classes,
            temperature=temperature,
            smoothing=smoothing,
            class_names=class_names,
            shards=shards,
        )
        self.base = check_base(base)
        self.ignore_index = ignore_index
        self.also = also

    def __call__(self, prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Take in predictions; return the numbers of all since the last result.

        Parameters
        ----------
        prediction : transformers.EvalPrediction
            With ``predictions`` and ``label_ids``: of everything, or of a batch.
        compute_result : bool, default True
            False for a batch that others follow.

        Returns
        -------
        dict of str to float
            "cmi", "gamma", "ncmi" and "error"; empty where others follow.

        Raises
        ------
        ValueError
            Where predictions are no logits, or no label is left. What was taken in is forgotten.
        """
        try:
            self._take(prediction)
            if not compute_result:
                return {}
            found = logged(self.metric, self.base)
        except BaseException:
            self.reset()
            raise
        self.reset()
        return found if self.also is None else found | dict(self.also(prediction))

    def _take(self, prediction: Any) -> None:
        logits = prediction.predictions
        if isinstance(logits, tuple):
            logits = logits[0]
        logits, labels = _labelled(logits, prediction.label_ids, self.ignore_index)
        if len(labels):
            self.metric.update(logits, labels)

    def reset(self) -> None:
        """Forget the batches of an evaluation that did not come to its end."""
        self.metric.reset()


def _labelled(logits: Any, labels: Any, ignore_index: int) -> tuple[Any, Any]:
    """Return the rows that have a label, one distribution a row."""
    if isinstance(logits, list):
        logits = np.asarray(logits)
    if isinstance(labels, tuple):
        raise refusal(
            "label_ids",
            "one array of class numbers",
            f"a tuple of {len(labels)} arrays",
            "Say which are the classes: TrainingArguments(label_names=['labels']).",
        )
    if isinstance(labels, list):
        labels = np.asarray(labels)
    if logits.ndim > 2:
        logits, labels = logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)
    kept = labels != ignore_index
    return (logits, labels) if kept.all() else (logits[kept], labels[kept])


def lightning_callback(
    outputs_of: OutputsOf | None = None,
    *,
    n_classes: int | None = None,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    base: float | None = None,
    prefix: str = "val_",
) -> Any:
    """Return a callback of Lightning that logs CMI, Gamma, NCMI and the error of each validation.

    Parameters
    ----------
    outputs_of : callable, optional
        Called with what ``validation_step`` returned and with the batch; returns logits and labels.
        By default ``validation_step`` returns a mapping with "logits"; labels are its "labels" or
        "y", else those of the batch if that is a mapping, else the second of a pair.
    n_classes : int, optional
        C; by default the number of output columns.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What the outputs are.
    temperature, smoothing
        As of :class:`infotheory.learning.NCMIMetric`.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    prefix : str, default ``"val_"``
        What the names begin with: ``val_cmi``, ``val_gamma``, ``val_ncmi`` and ``val_error``.

    Returns
    -------
    lightning.pytorch.Callback

    Raises
    ------
    ImportError
        Where Lightning is not installed.

    Notes
    -----
    ::

        class Net(LightningModule):
            def validation_step(self, batch, batch_idx):
                x, y = batch
                logits = self(x)
                self.log("val_loss", cross_entropy(logits, y))
                return {"logits": logits, "labels": y}

        trainer = Trainer(callbacks=[lightning_callback(), EarlyStopping("val_ncmi")])

    Sums are formed batch by batch on the device of the outputs; at the end of the epoch all
    processes get the total of all. Where there are several validation loaders, names end in
    ``/dataloader_idx_I`` as Lightning's own do. List this callback before those that watch its
    numbers.
    """
    needed("lightning.pytorch", "lightning_callback", "lightning")
    from infotheory.learning._lightning import NCMICallback

    metric: dict[str, Any] = {
        "n_classes": n_classes,
        "temperature": temperature,
        "smoothing": smoothing,
    }
    NCMIMetric(**metric)  # refuses at once what cannot be used
    return NCMICallback(outputs_of, metric, kind, check_base(base), prefix)
