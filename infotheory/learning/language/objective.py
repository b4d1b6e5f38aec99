"""CMI as the loss of any transformers ``Trainer``: its ``compute_loss_func`` and a callback."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from infotheory._validation import check_count, refusal
from infotheory.learning.functional.checks import in_full_precision
from infotheory.learning.functional.class_rows import ClassRows, cross_entropy
from infotheory.learning.gathering import summed_over_processes
from infotheory.learning.language.arguments import CMIArguments
from infotheory.learning.language.callback import CentroidCallback
from infotheory.learning.language.features import FeatureReader, tokens_of, unwrapped
from infotheory.learning.language.passes import SampleNumbers, TrainingPass, logits_of
from infotheory.learning.language.state_file import load_state, save_state
from infotheory.learning.losses.language import LanguageCMILoss

__all__ = ["CMIObjective", "classes_of"]

_PASS_AT_START = frozenset({"ema", "frozen"})
_PASS_EACH_EPOCH = frozenset({"epoch", "reverse"})


def classes_of(model: nn.Module) -> tuple[int, tuple[str, ...]]:
    """Return the number of classes of a classifier of transformers, and their names.

    Parameters
    ----------
    model : Module
        An ``AutoModelForSequenceClassification``.

    Returns
    -------
    int, tuple of str

    Raises
    ------
    ValueError
        If it is made for a number or for several labels at once.
    """
    config = unwrapped(model).config
    problem = getattr(config, "problem_type", None)
    n_classes = int(config.num_labels)
    if n_classes < 2 or problem not in {None, "single_label_classification"}:
        raise refusal(
            "model",
            "a classifier with one label a text and at least 2 classes",
            f"num_labels={n_classes}, problem_type={problem!r}",
            "Load it with num_labels=2 or more.",
        )
    names = tuple(str(config.id2label.get(number, number)) for number in range(n_classes))
    return n_classes, names


class CMIObjective:
    """Cross entropy with CMI as ``compute_loss_func`` of a ``Trainer``.

    Parameters
    ----------
    model : Module
        An ``AutoModelForSequenceClassification``, also with adapters of peft.
    arguments : CMIArguments
        The choices.
    n_classes : int, optional
        C; by default ``config.num_labels``.

    Attributes
    ----------
    criterion : LanguageCMILoss
        The loss, with its centroids. With "reverse" it is made where training begins.
    reader : FeatureReader
        What reads the features.
    callback : transformers.TrainerCallback
        Computes, moves, saves and loads the centroids; without it they stay as they are.
    arguments : CMIArguments
        As given, with the feature that None stood for.

    Raises
    ------
    ImportError
        If transformers is not installed.
    ValueError
        If the model is no classifier whose features can be read.

    Notes
    -----
    ::

        objective = CMIObjective(model, CMIArguments(lam=0.1))
        trainer = Trainer(
            model, training_arguments, train_dataset=data,
            compute_loss_func=objective, callbacks=[objective.callback],
        )

    :class:`CMITrainer` does this, and measures besides. The loss is divided by the number of
    samples of the whole step, as transformers wants it, so that micro-batches and processes add up
    to the loss and the centroids of the undivided batch; with "batch" centroids, and for Gamma,
    each part is taken by itself. In evaluation the loss is the cross entropy alone, which runs with
    any arguments can be compared by.

    The pass over the training data before the first step is in evaluation mode and draws no random
    number. With "reverse" samples are known again by their tokens, and a checkpoint holds
    4 n_samples d bytes more. Not for ``torch.nn.DataParallel``: start one process a GPU.
    """

    def __init__(
        self,
        model: nn.Module,
        arguments: CMIArguments,
        n_classes: int | None = None,
    ) -> None:
        if not isinstance(arguments, CMIArguments):
            raise TypeError(f"arguments must be CMIArguments; got {type(arguments).__name__}.")
        own, names = classes_of(model)
        if n_classes is not None and check_count("n_classes", n_classes) != own:
            raise refusal("n_classes", f"config.num_labels, {own}", str(n_classes))
        self.n_classes, self.class_names = own, names
        self._by_sample = arguments.centroid == "reverse"
        self.reader = self._read(model, arguments.feature)
        self.arguments = CMIArguments(**arguments.as_dict() | {"feature": self.reader.feature})
        self.criterion = self._loss(1 if self._by_sample else None)
        self.callback = CentroidCallback(self)
        self._numbers: SampleNumbers | None = None
        self._started = False
        self._step_sums: Tensor | None = None
        self._step_names: tuple[str, ...] = ()
        self._log_sums: dict[str, float] = {}
        self._log_count = 0.0

    def _read(self, model: nn.Module, feature: str | None) -> FeatureReader:
        return FeatureReader(model, feature, keep_tokens=self._by_sample)

    def _loss(self, n_samples: int | None) -> LanguageCMILoss:
        chosen = self.arguments.as_dict()
        del chosen["feature"]
        return LanguageCMILoss(
            self.n_classes, self.reader.n_features, n_samples=n_samples, **chosen
        )

    def __repr__(self) -> str:
        return f"CMIObjective({self.arguments})"

    def __call__(
        self, outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Return the loss of a batch, or of a part of one.

        Parameters
        ----------
        outputs : ModelOutput or tuple
            Of the model's last forward pass, without labels.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).
        num_items_in_batch : int or Tensor, optional
            Number of samples of the whole step; by default n.

        Returns
        -------
        Tensor
            A scalar: the sum over the batch divided by that number. Where no gradients are
            recorded, the cross entropy alone.
        """
        if labels is None:
            raise refusal("labels", "given", "None", "The data set has to have labels.")
        logits, labels = logits_of(outputs), labels.flatten()
        tokens, features = self.reader.tokens, self.reader.read()
        share = 1.0 if num_items_in_batch is None else len(labels) / num_items_in_batch
        if not torch.is_grad_enabled():
            return _cross_entropy(logits, labels, self.n_classes) * share
        if not self._started:  # centroids would stay where nothing is known
            raise refusal(
                "callbacks",
                "have objective.callback",
                "a trainer without it",
                "Trainer(..., compute_loss_func=objective, callbacks=[objective.callback]).",
            )
        rows = None
        if self._numbers is not None:
            assert tokens is not None
            rows = self._numbers.find(tokens, labels)
        loss: Tensor = self.criterion(logits, labels, features, rows=rows, update=False)
        measured = features if self.arguments.space == "feature" else logits
        self.criterion.observe(measured, labels)
        self._tally(len(labels), loss)
        return loss * share

    def _tally(self, n: int, loss: Tensor) -> None:
        told = {"loss": loss.detach(), **self.criterion.terms}
        values = torch.stack([loss.new_ones(()), *told.values()]).double() * n
        self._step_names = tuple(told)
        self._step_sums = values if self._step_sums is None else self._step_sums + values

    def start(self, training: TrainingPass, device: torch.device, *, resumed: bool) -> None:
        """Get ready for a run; the callback calls it before the first step.

        Parameters
        ----------
        training : TrainingPass
            The training set and the model that is trained.
        device : torch.device
            Where it is.
        resumed : bool
            Whether the centroids come from a checkpoint.

        Raises
        ------
        ValueError
            If a class has no samples; the text names it.
        """
        self.forget()
        if not self.reader.reads(training.model):  # made anew, by model_init
            self.reader.close()
            self.reader = self._read(training.model, self.arguments.feature)
        self._look(training)
        if self._by_sample and resumed:
            self._check_size(len(training.dataset))
        elif self._by_sample:
            self.criterion = self._loss(len(training.dataset))
        self.criterion.to(device).train()
        self._started = True
        if self.arguments.centroid in _PASS_AT_START and not resumed:
            self.fit(training)

    def start_epoch(self, training: TrainingPass) -> None:
        """Compute the centroids anew, if they are those of an epoch.

        Parameters
        ----------
        training : TrainingPass
            As of :meth:`start`.
        """
        if self.arguments.centroid in _PASS_EACH_EPOCH:
            self.fit(training)

    def fit(self, training: TrainingPass) -> None:
        """Compute the centroids by one pass; each process takes its part of the batches.

        Parameters
        ----------
        training : TrainingPass
            As of :meth:`start`.
        """
        self.criterion.fit(self._measured(training), shared=True)

    def _measured(self, training: TrainingPass) -> Any:
        for logits, labels, rows in training.outputs():
            features = self.reader.read()
            yield (features if self.arguments.space == "feature" else logits), labels, rows

    def _look(self, training: TrainingPass) -> None:
        """Refuse classes without samples before anything is computed; number the samples."""
        padding = getattr(unwrapped(training.model).config, "pad_token_id", None)
        self._numbers = SampleNumbers(padding) if self._by_sample else None
        counts = torch.zeros(self.n_classes, dtype=torch.int64)
        for inputs, labels, first in training.batches():
            counts += torch.bincount(labels, minlength=self.n_classes)
            if self._numbers is not None:
                self._numbers.add(tokens_of(inputs), labels, first)
        missing = [self.class_names[number] for number in (counts == 0).nonzero().flatten()]
        if missing:
            raise refusal(
                "train_dataset",
                f"have samples of each of the {self.n_classes} classes",
                f"none of {', '.join(map(repr, missing))}",
                "Load the model with num_labels= the classes that there are.",
            )

    def _check_size(self, n_samples: int) -> None:
        if n_samples != self.criterion.n_samples:
            raise refusal(
                "train_dataset",
                f"have the {self.criterion.n_samples} samples of the run that is resumed",
                str(n_samples),
                "With centroid='reverse' each sample has its own state.",
            )

    def step(self, step: int, learning_rate: float, checkpoint: str | None) -> None:
        """Look at the loss of a whole step and move the centroids; in every process alike.

        Parameters
        ----------
        step : int
            Number of the step, from 1.
        learning_rate : float
            Of the step.
        checkpoint : str, optional
            The last one, which is kept.

        Raises
        ------
        FloatingPointError
            If the loss is not finite, in every process.
        """
        sums, self._step_sums = self._step_sums, None
        if sums is None:
            return
        summed_over_processes(sums)
        count, *values = sums.tolist()
        means = {name: value / count for name, value in zip(self._step_names, values, strict=True)}
        if not math.isfinite(means["loss"]):
            raise FloatingPointError(self._complaint(means, step, learning_rate, checkpoint))
        self._log_count += count
        for name, mean in means.items():
            self._log_sums[name] = self._log_sums.get(name, 0.0) + mean * count
        self.criterion.step()

    def _complaint(
        self, means: Mapping[str, float], step: int, learning_rate: float, checkpoint: str | None
    ) -> str:
        terms = ", ".join(f"{name} {value:.6g}" for name, value in means.items() if name != "loss")
        last = "none was saved yet" if checkpoint is None else f"the last is {checkpoint}"
        return (
            f"the loss must be finite; got {means['loss']:g} in step {step} (learning rate "
            f"{learning_rate:g}, lam={self.arguments.lam:g}, role={self.arguments.role!r}; "
            f"{terms}). Try a smaller learning rate or lam, gradient clipping (max_grad_norm), or "
            f"bf16 in place of fp16. Checkpoints are kept: {last}."
        )

    def logged(self) -> dict[str, float]:
        """Return means over the samples of the steps since the last call, and begin anew.

        Returns
        -------
        dict of str to float
            "cross_entropy", "cmi" (of batches, by their own centroids), "surrogate" (what the loss
            holds), "feature_norm", and "gamma" where it has a weight. Empty without steps.
        """
        found = {
            name: total / self._log_count
            for name, total in self._log_sums.items()
            if name != "loss"  # the trainer logs it
        }
        self._log_sums, self._log_count = {}, 0.0
        return found

    def forget(self) -> None:
        """Drop what was taken in of a step that did not come to its end, and of the log."""
        self.criterion.forget()
        self._step_sums = None
        self.logged()

    def _run(self) -> dict[str, Any]:
        return self.arguments.as_dict() | {
            "classes": list(self.class_names),
            "n_features": self.reader.n_features,
        }

    def save(self, folder: Path | str) -> None:
        """Write the centroids into a checkpoint, with the arguments they belong to.

        Parameters
        ----------
        folder : path_like
            The checkpoint.
        """
        save_state(Path(folder), self.criterion.state_dict(), self._run())

    def load(self, folder: Path | str) -> None:
        """Take centroids from a checkpoint of a run with the same arguments.

        Parameters
        ----------
        folder : path_like
            The checkpoint.

        Raises
        ------
        ValueError
            If there are none, or they are of another run; the text names the differences.
        StateError
            If the file is damaged.
        """
        tensors = load_state(Path(folder), self._run())
        if "log_ratio" in tensors:
            device = self.criterion.centroids.device
            self.criterion = self._loss(len(tensors["log_ratio"])).to(device)
        self.criterion.load_state_dict(tensors)

    def close(self) -> None:
        """Take the hook off the model; the objective is of no further use."""
        self.reader.close()


@in_full_precision
def _cross_entropy(logits: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    return cross_entropy(ClassRows.of(logits, labels, n_classes)).value
