"""When centroids are computed, moved, saved and loaded: events of a transformers ``Trainer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from infotheory._validation import refusal
from infotheory.learning.language.passes import TrainingPass
from infotheory.learning.language.state_file import check_weights, save_weights
from infotheory.models.specs import needed

if TYPE_CHECKING:
    import transformers

    from infotheory.learning.language.objective import CMIObjective
else:
    transformers = needed("transformers", "CMI fine-tuning", "language")

__all__ = ["CentroidCallback", "check_training"]


def check_training(arguments: Any) -> None:
    """Refuse training arguments that the loss could not honour.

    Parameters
    ----------
    arguments : transformers.TrainingArguments

    Raises
    ------
    ValueError
        With label smoothing, or several GPUs in one process.
    """
    if arguments.label_smoothing_factor:
        raise refusal(
            "label_smoothing_factor",
            "0 with CMI",
            repr(arguments.label_smoothing_factor),
            "The trainer leaves it out where it is given a loss.",
        )
    if arguments.n_gpu > 1:
        raise refusal(
            "the number of GPUs in one process",
            "1",
            str(arguments.n_gpu),
            "Start with torchrun --nproc-per-node, or set CUDA_VISIBLE_DEVICES.",
        )


class CentroidCallback(transformers.TrainerCallback):
    """Keeps the centroids of an objective in step with the training.

    Parameters
    ----------
    objective : CMIObjective
        Whose.

    Attributes
    ----------
    saves : bool
        Whether it writes the centroids into checkpoints; False where the trainer does.
    checkpoint : Path or None
        From where the next resumed run takes its centroids; by default the checkpoint of its step
        in ``output_dir``, which has to be of the same weights: a trainer does not tell its
        callbacks from where it goes on.
    """

    def __init__(self, objective: CMIObjective) -> None:
        self.objective = objective
        self.saves = True
        self.checkpoint: Path | None = None
        self._training: TrainingPass | None = None
        self._resumed = False
        self._last: Path | None = None

    def on_train_begin(
        self,
        args: Any,
        state: Any,
        control: Any,
        *,
        model: Any,
        train_dataloader: Any,
        **others: Any,
    ) -> None:
        """Take the centroids from the checkpoint, or compute them."""
        del control, others
        check_training(args)
        self._training = TrainingPass(
            model,
            _sized(train_dataloader.dataset),
            train_dataloader.collate_fn,
            args.eval_batch_size,
            self.objective.n_classes,
        )
        self._resumed = state.global_step > 0
        self._last = None
        if self._resumed:
            self._last = self.checkpoint or _checkpoint(args, state)
            if self.checkpoint is None:
                check_weights(self._last, model)
            self.objective.load(self._last)
        self.objective.start(self._training, args.device, resumed=self._resumed)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Compute the centroids anew, except in the middle of an epoch that is resumed."""
        del args, control, others
        assert self._training is not None
        inside = self._resumed and not float(state.epoch or 0.0).is_integer()
        self._resumed = False
        if not inside:
            self.objective.start_epoch(self._training)

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, *, lr_scheduler: Any, **others: Any
    ) -> None:
        """Look at the loss before the weights change, and move the centroids."""
        del args, control, others
        rate = float(lr_scheduler.get_last_lr()[0])
        last = None if self._last is None else str(self._last)
        self.objective.step(state.global_step + 1, rate, last)

    def on_step_end(
        self, args: Any, state: Any, control: Any, *, model: Any, **others: Any
    ) -> None:
        """Refuse to save weights that are no numbers in place of good ones."""
        del args, others
        if control.should_save:
            _check_weights(model, state.global_step)

    def on_epoch_end(
        self, args: Any, state: Any, control: Any, *, model: Any, **others: Any
    ) -> None:
        """Refuse to save weights that are no numbers in place of good ones."""
        del args, others
        if control.should_save:
            _check_weights(model, state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, *, model: Any, **others: Any) -> None:
        """Write the centroids into the checkpoint."""
        del control, others
        self._last = _checkpoint(args, state)
        if self.saves and args.should_save:
            self.objective.save(self._last)
            save_weights(self._last, model)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        """Add the parts of the loss to what the trainer logs of its steps."""
        del args, control, others
        if logs is not None and "loss" in logs:
            parts = self.objective.logged()
            logs.update(parts)
            # The trainer has put a copy there before it called.
            state.log_history[-1].update(parts)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Go back to the centroids of the best model, where the trainer went back to it."""
        del control, others
        self.checkpoint, self._training = None, None
        if args.load_best_model_at_end and state.best_model_checkpoint is not None:
            self.objective.load(state.best_model_checkpoint)


def _check_weights(model: Any, step: int) -> None:
    for name, weights in model.named_parameters():
        if not bool(weights.isfinite().all()):
            raise FloatingPointError(
                f"the weights must be finite to be saved; got others in {name!r} after step "
                f"{step}. Try a smaller learning rate or gradient clipping (max_grad_norm). "
                "Earlier checkpoints are kept."
            )


def _checkpoint(args: Any, state: Any) -> Path:
    # As the trainer names it; there is no public function for it.
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _sized(dataset: Any) -> Any:
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise refusal(
            "train_dataset",
            "one with a length and numbered samples",
            type(dataset).__name__,
            "A pass over the training data comes before the first step; a stream has none.",
        )
    return dataset
