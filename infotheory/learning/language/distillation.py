"""A trainer of transformers for a student, which learns from what its teacher has said."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from infotheory._atomic import replaced as replaced_file
from infotheory._validation import refusal
from infotheory.exceptions import StateError
from infotheory.learning.language.distillation_objective import (
    DistillationArguments,
    cross_entropies,
    row_terms,
)
from infotheory.learning.language.feature_match import FeatureMatch
from infotheory.learning.language.features import FeatureReader
from infotheory.learning.language.step_terms import StepTerms
from infotheory.learning.language.teacher_model import check_class_order, check_classes
from infotheory.learning.language.teacher_outputs import TeacherOutputs
from infotheory.learning.language.teacher_rows import (
    FEATURES,
    LOGITS,
    ROW,
    NumberedRows,
    WithTeacher,
)
from infotheory.learning.language.teacher_shards import refuse_others
from infotheory.learning.language.token_rows import checked_length
from infotheory.learning.language.trainer import MeasuredTrainer
from infotheory.models.offline import replaced
from infotheory.models.specs import needed

if TYPE_CHECKING:
    import transformers
else:
    transformers = needed("transformers", "DistillationTrainer", "language")

__all__ = ["DistillationArguments", "DistillationTrainer"]

_BINDING = "distillation.json"
_MAP = "distillation_map.safetensors"


class DistillationTrainer(MeasuredTrainer):
    """A ``Trainer`` of transformers for a student that learns from a teacher's outputs.

    Parameters
    ----------
    model : Module
        The student.
    args : transformers.TrainingArguments
        As for any Trainer.
    teacher : Module or TeacherOutputs or path_like
        A teacher, which is run once, before the first step, and is not kept; or what it has said,
        or the folder with that.
    distillation : DistillationArguments, optional
        The objective.
    train_dataset : data set
        Tokenised rows, read by number.
    **options
        As for :class:`MeasuredTrainer`, and so for ``transformers.Trainer``.

    Attributes
    ----------
    distillation : DistillationArguments
        The objective.
    feature_match : FeatureMatch or None
        With the learned map between feature vectors of different widths.
    step_terms : StepTerms
        The terms of the loss, for the log.

    Raises
    ------
    ValueError, TypeError
        Where student, teacher and data do not go together; the text says how.
    FloatingPointError
        In training, before the step, where a loss is not finite. Checkpoints stay.
    ImportError
        Where transformers is not installed.

    Notes
    -----
    ::

        outputs = TeacherOutputs.compute(teacher, train, folder="teacher")
        trainer = DistillationTrainer(
            student, TrainingArguments("student"), teacher=outputs, train_dataset=train,
            eval_dataset=dev, data_collator=DataCollatorWithPadding(tokenizer),
            distillation=DistillationArguments(loss="wttm", ce_weight=1.0, weight=1.5),
        )  # fmt: skip
        trainer.train()

    The outputs of the teacher travel with their rows through shuffling, accumulation, processes and
    resume. The loss of a step is the mean over its rows, however they are divided into batches and
    processes. ``eval_loss`` is the cross entropy alone, beside what :class:`MeasuredTrainer` tells
    of outputs and features. The log has the terms of the loss before
    weighting: ``cross_entropy``, ``distillation`` and ``hidden``.

    The teacher sees each row as the data collator makes it, once: a collator that changes tokens at
    random is not seen by it again.

    Checkpoints have ``distillation.json``, by which ``train(resume_from_checkpoint=...)`` refuses
    another objective or teacher, and the learned map if there is one. The map gets its gradients
    outside the student, so they take no part in the clipping by norm.

    References
    ----------
    hinton2015distilling
    zheng2024ttm
    """

    def __init__(
        self,
        model: Any = None,
        args: Any = None,
        *,
        teacher: Any,
        distillation: DistillationArguments | None = None,
        train_dataset: Any = None,
        **options: Any,
    ) -> None:
        chosen: Any = DistillationArguments() if distillation is None else distillation
        if not isinstance(chosen, DistillationArguments):
            got = type(chosen).__name__
            raise TypeError(f"distillation must be DistillationArguments; got {got}.")
        for name in ("compute_loss_func", "model_init"):
            if options.get(name) is not None:
                raise refusal(name, "None", "a function", "The loss and the student are given.")
        checked_length(train_dataset, "train_dataset")
        self.distillation = chosen
        self.feature_match: FeatureMatch | None = None
        self._teacher, self._outputs = _taken(teacher, model)
        if self._outputs is not None:
            self._check_outputs(self._outputs, model)
            self._outputs.check(train_dataset)
        self._known = train_dataset  # whose rows the outputs are, or will be
        self._said: dict[str, Tensor] = {}
        self._trained_reader: FeatureReader | None = None
        self.step_terms = StepTerms()
        super().__init__(
            model, args, feature=chosen.feature, train_dataset=train_dataset,
            compute_loss_func=self._loss, **options,
        )  # fmt: skip
        if self.args.n_gpu > 1:
            raise refusal(
                "args",
                "for one device a process",
                f"{self.args.n_gpu} devices in one",
                "Start with torchrun or accelerate launch, or show one device to this process.",
            )
        self.add_callback(_Steps(self))

    def _check_outputs(self, outputs: TeacherOutputs, model: Any) -> None:
        check_classes(outputs.n_classes, model)
        if self.distillation.hidden_weight and outputs.features is None:
            raise refusal(
                "teacher",
                "given with feature vectors where hidden_weight is positive",
                "logits alone",
                "TeacherOutputs.compute(..., features=True) keeps them.",
            )

    @property
    def teacher_outputs(self) -> TeacherOutputs:
        """What the teacher has said; it is asked where it has not been."""
        if self._outputs is None:
            bar = not self.args.disable_tqdm and self.is_world_process_zero()
            outputs = TeacherOutputs.compute(
                self._teacher,
                self.train_dataset,
                batch_size=self.args.per_device_eval_batch_size,
                collator=self.data_collator,
                features=(self.distillation.feature or True)
                if self.distillation.hidden_weight
                else None,
                device=self.args.device,
                progress=None if bar else False,
            )
            self._check_outputs(outputs, self.model)
            self._outputs, self._teacher = outputs, None
            self._known = self.train_dataset
        return self._outputs

    def get_train_dataloader(self) -> Any:
        """Return batches that have the outputs of the teacher with them."""
        outputs = self.teacher_outputs
        if self.train_dataset is not self._known:
            outputs.check(self.train_dataset)
            self._known = self.train_dataset
        rows = NumberedRows(self.train_dataset)
        hidden = bool(self.distillation.hidden_weight)
        collator = WithTeacher(self.data_collator, outputs, features=hidden)
        with ExitStack() as stack:
            stack.enter_context(replaced(self, "train_dataset", rows))
            stack.enter_context(replaced(self, "data_collator", collator))
            return super().get_train_dataloader()

    def _set_signature_columns_if_needed(self) -> None:
        # The trainer drops what the model does not take before the collator sees it, and has no
        # public way to keep a column.
        super()._set_signature_columns_if_needed()
        if ROW not in self._signature_columns:
            self._signature_columns.append(ROW)

    def get_batch_samples(
        self, epoch_iterator: Any, num_batches: int, *args: Any, **options: Any
    ) -> tuple[list[Any], Any]:
        """Return the batches of a step and the number of their rows, as the base class does.

        That counts labels, which there may be none of.
        """
        batches, count = super().get_batch_samples(epoch_iterator, num_batches, *args, **options)
        rows = [len(batch[LOGITS]) for batch in batches if LOGITS in batch]
        if not rows:
            return batches, count
        count = torch.tensor(sum(rows), device=self.args.device)
        if self.args.average_tokens_across_devices and self.args.world_size > 1:
            count = self.accelerator.gather(count).sum()
        return batches, count

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss of a batch, as the base class does."""
        self._said = {name: inputs.pop(name) for name in (LOGITS, FEATURES) if name in inputs}
        if model.training and not self._said:
            raise refusal(
                "a batch",
                "one of get_train_dataloader() of this trainer",
                "one without the outputs of the teacher",
            )
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def _loss(self, outputs: Any, labels: Tensor | None, num_items_in_batch: Any = None) -> Tensor:
        """Return the share of a batch in the mean over the rows of the whole step."""
        logits, smoothing = outputs["logits"], self.args.label_smoothing_factor
        if not self._said:  # in evaluation
            return _share(cross_entropies(logits, labels, smoothing), num_items_in_batch)
        distances = None
        if self._trained_reader is not None:
            distances = self._matching(self._trained_reader.read(), self._said[FEATURES])
        terms = row_terms(
            self.distillation, logits, labels, self._said[LOGITS], distances, smoothing=smoothing
        )
        self.step_terms.take(terms)
        return _share(terms["loss"], num_items_in_batch)

    def log(self, logs: dict[str, float], *args: Any, **options: Any) -> None:
        """Log, with the terms of the loss beside it."""
        if "loss" in logs:
            logs = logs | self.step_terms.logged()
        super().log(logs, *args, **options)

    def create_optimizer(self, *args: Any, **options: Any) -> Any:
        """Return the optimizer, with the learned map among its parameters."""
        optimizer = super().create_optimizer(*args, **options)
        mapped = [] if self.feature_match is None else list(self.feature_match.parameters())
        known = {id(each) for group in optimizer.param_groups for each in group["params"]}
        if mapped and id(mapped[0]) not in known:
            optimizer.add_param_group({"params": mapped, "weight_decay": self.args.weight_decay})
        return optimizer

    def train(self, resume_from_checkpoint: Any = None, *args: Any, **options: Any) -> Any:
        """Train, as the base class does; a checkpoint must be of the same objective and teacher."""
        if not self.distillation.hidden_weight:
            return self._trained(resume_from_checkpoint, *args, **options)
        with FeatureReader(self.model, self.distillation.feature) as reader:
            if self.feature_match is None:
                self._begin_matching(reader.n_features)
            with replaced(self, "_trained_reader", reader):
                return self._trained(resume_from_checkpoint, *args, **options)

    def _trained(self, resume_from_checkpoint: Any, *args: Any, **options: Any) -> Any:
        place = resume_from_checkpoint
        if place is True:
            place = transformers.trainer_utils.get_last_checkpoint(self.args.output_dir)
        if place:
            self._take_up(Path(place))
        return super().train(resume_from_checkpoint, *args, **options)

    def _begin_matching(self, own: int) -> None:
        width = self.teacher_outputs.n_features
        assert width is not None
        match = FeatureMatch(own, width, seed=self.args.seed)
        self.feature_match = match.to(self.args.device)
        # Over several processes its gradients are averaged, as those of the student are.
        learned = bool(list(match.parameters()))
        self._matching = self.accelerator.prepare_model(match) if learned else match

    def _binding(self) -> dict[str, Any]:
        """Return what a checkpoint must have in common with a run that goes on from it."""
        identity = self.teacher_outputs.identity
        return {"distillation": asdict(self.distillation), "teacher": identity}

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save the student, and beside it what it was trained by."""
        super().save_model(output_dir, _internal_call)
        if not self.args.should_save:
            return
        folder = Path(self.args.output_dir if output_dir is None else output_dir)
        with replaced_file(folder / _BINDING) as draft:
            draft.write_text(json.dumps(self._binding(), indent=1) + "\n", encoding="utf-8")
        state = {} if self.feature_match is None else self.feature_match.state_dict()
        if state:
            with replaced_file(folder / _MAP) as draft:
                save_file(state, draft)

    def _take_up(self, folder: Path) -> None:
        """Check that a checkpoint is of this run, and load the learned map."""
        try:
            before = json.loads((folder / _BINDING).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StateError(
                f"checkpoint must be one of a DistillationTrainer; got {str(folder)!r}, whose "
                f"{_BINDING} cannot be read ({type(error).__name__}). Go on from another one."
            ) from error
        refuse_others(
            before,
            self._binding(),
            argument="checkpoint",
            requirement="of a run with this teacher and this objective",
            place=folder,
            fix="Go on as the run began, or train anew in another folder.",
        )
        if self.feature_match is not None and self.feature_match.state_dict():
            self.feature_match.load_state_dict(load_file(folder / _MAP))


def _share(rows: Tensor, of_step: Any) -> Tensor:
    """Return the sum over some rows, divided by the number of those of the whole step."""
    return rows.sum() / (len(rows) if of_step is None else of_step)


class _Steps(transformers.TrainerCallback):
    """What is to be done around a step of the optimizer."""

    def __init__(self, trainer: DistillationTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Forget a run that did not come to its end."""
        del args, state, control, more
        self._trainer.step_terms.forget()

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Clear the gradients of the learned map, which is no part of the model."""
        del args, state, control, more
        if self._trainer.feature_match is not None:
            self._trainer.feature_match.zero_grad()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Look at the loss before the weights change."""
        del args, control
        rate = float(more["lr_scheduler"].get_last_lr()[0])
        self._trainer.step_terms.step(state.global_step + 1, rate)


def _taken(teacher: Any, model: Any) -> tuple[nn.Module | None, TeacherOutputs | None]:
    """Return the teacher, or what it has said."""
    if isinstance(teacher, TeacherOutputs):
        return None, teacher
    if isinstance(teacher, (str, os.PathLike)):
        return None, TeacherOutputs.open(teacher)
    if not isinstance(teacher, nn.Module):
        raise TypeError(
            "teacher must be a torch.nn.Module, TeacherOutputs, or the folder of such outputs; got "
            f"{type(teacher).__name__}."
        )
    if teacher is model:
        raise refusal("teacher", "another module than the student", "the same", "Copy one of them.")
    config = getattr(teacher, "config", None)
    check_classes(getattr(config, "num_labels", None), model)
    check_class_order(teacher, model)
    return teacher, None
