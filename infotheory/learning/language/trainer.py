"""Trainers of transformers that measure CMI where they evaluate, and that train with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from infotheory._validation import check_temperature, refusal
from infotheory.learning.language.arguments import CMIArguments
from infotheory.learning.language.callback import check_training
from infotheory.learning.language.features import FeatureReader
from infotheory.learning.language.measuring import Measurement
from infotheory.learning.language.objective import CMIObjective, classes_of
from infotheory.learning.language.state_file import FILE_NAME
from infotheory.models.specs import needed

if TYPE_CHECKING:
    import transformers
else:
    transformers = needed("transformers", "CMITrainer", "language")

__all__ = ["CMITrainer", "MeasuredTrainer"]


class MeasuredTrainer(transformers.Trainer):
    """A ``Trainer`` whose evaluations tell CMI, Gamma and NCMI of outputs and features.

    Parameters
    ----------
    *positional
        As of ``transformers.Trainer``.
    feature : {"pooled", "cls", "mean", "last_token"}, optional
        Which features; see :class:`FeatureReader`.
    feature_temperature : float, default 1.0
        T of softmax(h / T).
    **options
        As of ``transformers.Trainer``.

    Raises
    ------
    ValueError
        If the model is no classifier whose features can be read.

    Notes
    -----
    :meth:`evaluate` adds ``eval_cmi``, ``eval_gamma``, ``eval_ncmi`` and ``eval_error`` of the
    outputs, and ``eval_feature_cmi``, ``eval_feature_gamma``, ``eval_feature_ncmi`` and
    ``eval_feature_norm``: of the samples evaluated, exact, in nats, batch by batch on the device.
    Processes gather each batch, without the samples that fill up the last one. A name that
    ``compute_metrics`` gives too stays as that gives it. Any of them may be
    ``metric_for_best_model``.

    A trainer with another loss gets this by deriving from it.
    """

    def __init__(
        self,
        *positional: Any,
        feature: str | None = None,
        feature_temperature: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(*positional, **options)
        self.feature_temperature = check_temperature(feature_temperature)
        self._n_classes, _ = classes_of(self.model)
        with FeatureReader(self.model, feature) as reader:  # refuses here what it cannot read
            self.feature = reader.feature
        self._measurement: Measurement | None = None
        self._reader: FeatureReader | None = None

    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> Any:
        """Run transformers' loop, measuring each batch."""
        measurement = Measurement(self._n_classes, self.feature_temperature)
        before = torch.get_rng_state()  # the loader draws, and training would go on otherwise
        with FeatureReader(self.model, self.feature) as reader:
            self._measurement, self._reader = measurement, reader
            try:
                output = super().evaluation_loop(
                    dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix
                )
            finally:
                self._measurement = self._reader = None
                torch.set_rng_state(before)
        for name, value in measurement.numbers().items():
            output.metrics.setdefault(f"{metric_key_prefix}_{name}", value)
        return output

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Tensor | None, Any, Any]:
        """Run transformers' step, and take in its logits and labels."""
        loss, outputs, labels = super().prediction_step(model, inputs, False, ignore_keys)
        if self._reader is not None and self._measurement is not None:
            features = self._reader.read()
            if labels is not None:
                logits = outputs[0] if isinstance(outputs, tuple) else outputs
                batch = (logits, features, labels.flatten())
                # Public, and what the loop itself gathers with: it cuts the same samples off.
                self._measurement.update(*self.accelerator.gather_for_metrics(batch))
        return (loss, None, None) if prediction_loss_only else (loss, outputs, labels)


class CMITrainer(MeasuredTrainer):
    """A ``Trainer`` of text classifiers with CMI in its loss.

    Parameters
    ----------
    *positional
        As of ``transformers.Trainer``.
    cmi : CMIArguments, optional
        How CMI enters. None for the model's own loss, the cross entropy, with the same
        measurements.
    **options
        As of ``transformers.Trainer``; with `cmi`, no ``compute_loss_func``.

    Attributes
    ----------
    objective : CMIObjective or None
        The loss and its centroids.

    Raises
    ------
    TypeError, ValueError
        If the model is no classifier whose features can be read, or training arguments do not go
        with CMI.

    See Also
    --------
    CMIObjective : the same for a ``Trainer`` of one's own.

    Notes
    -----
    ::

        trainer = CMITrainer(
            model, training_arguments, train_dataset=train, eval_dataset=dev,
            processing_class=tokenizer, cmi=CMIArguments(lam=0.1),
        )
        trainer.train()
        trainer.evaluate()["eval_feature_ncmi"]

    Checkpoints carry the centroids, in ``cmi_centroids.safetensors``;
    ``train(resume_from_checkpoint=DIR)`` goes on with them from any folder, and refuses those of a
    run with other arguments. Gradient accumulation, mixed precision, several processes, adapters of
    peft and gradient checkpointing are those of ``Trainer``. The log tells "cross_entropy", "cmi"
    of the batches, "surrogate" (what the loss holds) and "feature_norm" beside the loss; for a
    teacher a surrogate that grows without the "cmi" means that its centroids are old.

    ``eval_loss`` is the cross entropy, whatever the arguments.
    """

    def __init__(self, *positional: Any, cmi: CMIArguments | None = None, **options: Any) -> None:
        if cmi is not None and not isinstance(cmi, CMIArguments):
            raise TypeError(f"cmi must be CMIArguments; got {type(cmi).__name__}.")
        if cmi is not None and options.get("compute_loss_func") is not None:
            raise refusal(
                "compute_loss_func",
                "None with cmi",
                repr(options["compute_loss_func"]),
                "CMI is a loss itself.",
            )
        chosen = cmi or CMIArguments()
        super().__init__(
            *positional,
            feature=chosen.feature,
            feature_temperature=chosen.feature_temperature,
            **options,
        )
        self.objective: CMIObjective | None = None
        if cmi is not None:
            check_training(self.args)
            self.objective = CMIObjective(self.model, cmi)
            self.objective.callback.saves = False  # `save_model` does, which knows the folder
            self.compute_loss_func = self.objective
            self.add_callback(self.objective.callback)

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *rest: Any, **options: Any
    ) -> Any:
        """Train; a checkpoint of a run with other arguments is refused before anything is loaded.

        Parameters
        ----------
        resume_from_checkpoint : str or bool, optional
            A folder, or True for the last one in ``output_dir``.
        *rest, **options
            As of ``transformers.Trainer.train``.

        Returns
        -------
        transformers.trainer_utils.TrainOutput

        Raises
        ------
        ValueError
            If the checkpoint has no centroids, or those of another run.
        FloatingPointError
            If a loss is not finite. Checkpoints are kept.
        """
        place = resume_from_checkpoint
        if place is True:
            place = transformers.trainer_utils.get_last_checkpoint(self.args.output_dir)
        if place:
            self._take_centroids(Path(place))
        return super().train(resume_from_checkpoint, *rest, **options)

    def _take_centroids(self, folder: Path) -> None:
        if self.objective is not None:
            self.objective.load(folder)
            self.objective.callback.checkpoint = folder
        elif (folder / FILE_NAME).is_file():
            raise refusal(
                "resume_from_checkpoint",
                "of a run without CMI, as cmi=None says",
                f"{str(folder)!r} with {FILE_NAME}",
                "Pass the cmi= it was trained with.",
            )

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save the model, and the centroids beside it.

        Parameters
        ----------
        output_dir : str, optional
            By default that of the training arguments.
        """
        super().save_model(output_dir, _internal_call)
        if self.objective is not None and self.args.should_save:
            self.objective.save(output_dir or self.args.output_dir)

    def log(self, logs: dict[str, float], *rest: Any, **options: Any) -> None:
        """Log, with the parts of the loss beside the loss.

        Parameters
        ----------
        logs : dict of str to float
            What is logged.
        *rest, **options
            As of ``transformers.Trainer.log``.
        """
        if self.objective is not None and "loss" in logs:
            logs = logs | self.objective.logged()
        super().log(logs, *rest, **options)
