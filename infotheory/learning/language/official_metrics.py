"""What GLUE reports of a task: accuracy, F1 and Matthews's correlation."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_array, as_labels, refusal
from infotheory.models.glue_tasks import GlueTask, chosen_task
from infotheory.models.specs import needed

__all__ = ["TaskComputeMetrics", "task_metrics"]


def _matthews(metrics: ModuleType, labels: IntArray, found: IntArray) -> Any:
    """Return Matthews's correlation; 0 where there is one class only, of which others warn."""
    same = len(np.union1d(labels, found)) == 1
    return 0.0 if same else metrics.matthews_corrcoef(labels, found)


# Where it is 0 / 0, that is without a row of class 1 in labels and predictions, F1 is taken for 0,
# as scikit-learn does with a warning.
_METRICS: dict[str, Callable[[ModuleType, IntArray, IntArray], Any]] = {
    "accuracy": lambda metrics, labels, found: metrics.accuracy_score(labels, found),
    "f1": lambda metrics, labels, found: metrics.f1_score(labels, found, zero_division=0.0),
    "matthews": _matthews,
}


def task_metrics(task: str | GlueTask, predictions: Any, labels: Any) -> dict[str, float]:
    """Return what GLUE reports of the predictions for a task.

    Parameters
    ----------
    task : str or GlueTask
        "cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte" or "wnli".
    predictions : array_like of int, shape (n,)
        Predicted classes.
    labels : array_like of int, shape (n,)
        Classes.

    Returns
    -------
    dict of str to float
        "accuracy"; of MRPC and QQP also "f1", that of class 1; of CoLA "matthews" alone. All in
        [0, 1] but Matthews's correlation, in [-1, 1]. By which of them models are chosen says
        ``GLUE_TASKS[task].headline``.

    Raises
    ------
    ValueError
        If there are none, their numbers differ, or one is no class of the task; the text names the
        first row.
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    With a, b, c, d for the rows of (label, prediction) = (1, 1), (0, 1), (1, 0), (0, 0), F1 is
    2 a / (2 a + b + c), and 0 where that is 0 / 0; Matthews's correlation is (a d - b c) over the
    square root of (a + b) (a + c) (d + b) (d + c), and 0 where all labels or all predictions are
    the same.

    Examples
    --------
    >>> from infotheory.learning.language.official_metrics import task_metrics
    >>> task_metrics("mrpc", [1, 1, 0, 0], [1, 0, 0, 1])  # a = b = c = d = 1
    {'accuracy': 0.5, 'f1': 0.5}
    >>> task_metrics("cola", [1, 1, 0, 0], [1, 0, 0, 1])
    {'matthews': 0.0}
    """
    chosen = chosen_task(task)
    n_classes = len(chosen.class_names)
    found = _classes(predictions, chosen)
    true = as_labels(labels, len(found), n_classes)
    metrics = needed("sklearn.metrics", "task_metrics", "language")
    return {name: float(_METRICS[name](metrics, true, found)) for name in chosen.metrics}


def _classes(predictions: Any, task: GlueTask) -> IntArray:
    """Return predicted classes, or refuse what is none of them."""
    found, n_classes = as_array(predictions, "predictions"), len(task.class_names)
    if found.ndim != 1 or not len(found):
        fix = "Of logits take argmax(1)."
        raise refusal("predictions", "one class a row, at least one", f"shape {found.shape}", fix)
    if found.dtype.kind not in "iu":
        raise TypeError(
            f"predictions must be integers; got dtype {found.dtype}. Of logits take argmax(1)."
        )
    wrong = (found < 0) | (found >= n_classes)
    if wrong.any():
        row = int(np.argmax(wrong))
        fact = f"{found[row]} at row {row}"
        raise refusal("predictions", f"integers in [0, {n_classes}) for {task.name}", fact)
    return found.astype(np.int64, copy=False)


class TaskComputeMetrics:
    """``compute_metrics`` of ``transformers.Trainer``: what GLUE reports of a task.

    Parameters
    ----------
    task : str or GlueTask
        As for :func:`task_metrics`.

    Attributes
    ----------
    task : GlueTask
        Whose ``headline`` is the metric for ``TrainingArguments(metric_for_best_model=...)``.

    See Also
    --------
    infotheory.learning.NCMIComputeMetrics : CMI, Gamma and NCMI; ``also=`` joins these numbers.

    Notes
    -----
    ::

        trainer = Trainer(model, arguments, compute_metrics=TaskComputeMetrics("cola"), ...)
        trainer.evaluate()["eval_matthews"]

    With ``TrainingArguments(batch_eval_metrics=True)`` only the predicted classes are kept, and no
    logits; call :meth:`reset` after an evaluation that was interrupted between two batches.
    Predictions that are a tuple (logits and hidden states, say) begin with the logits.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> compute_metrics = TaskComputeMetrics("sst2")
    >>> compute_metrics(
    ...     SimpleNamespace(predictions=[[2.0, 0.0], [0.0, 1.0]], label_ids=[0, 0])
    ... )
    {'accuracy': 0.5}
    """

    def __init__(self, task: str | GlueTask) -> None:
        self.task = chosen_task(task)
        self.reset()

    def reset(self) -> None:
        """Forget the batches of an evaluation that did not come to its end."""
        self._found: list[IntArray] = []
        self._labels: list[IntArray] = []

    def __call__(self, prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Take in predictions; return the metrics of all since the last result.

        Parameters
        ----------
        prediction : transformers.EvalPrediction
            With ``predictions``, logits of shape (n, C), and ``label_ids``, shape (n,): of
            everything, or of a batch.
        compute_result : bool, default True
            False for a batch that others follow.

        Returns
        -------
        dict of str to float
            As of :func:`task_metrics`; empty where others follow.

        Raises
        ------
        ValueError
            If predictions are no logits of the task, or labels no classes of it. What was taken in
            is forgotten.
        """
        try:
            found = _predicted(prediction.predictions, self.task)
            labels = as_labels(prediction.label_ids, len(found), len(self.task.class_names))
            self._found.append(found)
            self._labels.append(labels)
            if not compute_result:
                return {}
            all_found, all_labels = np.concatenate(self._found), np.concatenate(self._labels)
            metrics = task_metrics(self.task, all_found, all_labels)
        except BaseException:
            self.reset()
            raise
        self.reset()
        return metrics


def _predicted(predictions: Any, task: GlueTask) -> IntArray:
    """Return the classes of the largest logits."""
    first = predictions[0] if isinstance(predictions, tuple) else predictions
    logits, n_classes = as_array(first, "predictions"), len(task.class_names)
    if logits.ndim != 2 or logits.shape[1] != n_classes or not len(logits):
        raise refusal(
            "predictions",
            f"logits of the {n_classes} classes of {task.name}, shape (n, {n_classes})",
            f"shape {logits.shape}",
            "Load the model with num_labels of the task; it may be one of another task.",
        )
    unclear = np.isnan(logits).any(axis=1)
    if unclear.any():
        raise refusal("predictions", "without NaN", f"one at row {int(np.argmax(unclear))}")
    found: IntArray = logits.argmax(axis=1)
    return found
