"""A language model is fine-tuned to classify texts: from a directory and texts to its numbers."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, TrainingArguments

from infotheory._atomic import replaced
from infotheory._validation import check_flag, refusal
from infotheory.learning.engine.randomness import random_state, restore_random_state
from infotheory.learning.language.arguments import CMIArguments
from infotheory.learning.language.asked import (
    as_texts,
    check_objectives,
    check_task,
    shared_class_names,
)
from infotheory.learning.language.distillation import DistillationArguments, DistillationTrainer
from infotheory.learning.language.following import Bar, SaveBetween, history_of, metrics_of
from infotheory.learning.language.official_metrics import TaskComputeMetrics
from infotheory.learning.language.run_folder import kept, last_checkpoint
from infotheory.learning.language.settings import FinetuneSettings
from infotheory.learning.language.students import fewer_layers
from infotheory.learning.language.teacher_model import check_class_order
from infotheory.learning.language.teacher_outputs import TeacherOutputs
from infotheory.learning.language.texts import TokenisedTexts
from infotheory.learning.language.trainer import CMITrainer
from infotheory.models.glue import GlueTask
from infotheory.models.identity import take_in
from infotheory.models.interface import LabelledData
from infotheory.models.opening import open_model
from infotheory.models.text_models import input_length
from infotheory.models.transformers_models import open_encoder, quietly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Finetuned", "finetune"]

_RESULT = "metrics.json"


@dataclass(frozen=True, eq=False)
class Finetuned:
    """A language model that was fine-tuned, and what it came to.

    Attributes
    ----------
    model, tokenizer
        Of transformers, the model in evaluation mode.
    metrics : dict of str to float
        On the evaluation set, at the end: the metrics of the task, "error", "cmi", "gamma" and
        "ncmi" of the outputs, "feature_cmi", "feature_gamma", "feature_ncmi" and "feature_norm" of
        the features, in nats.
    history : list of dict
        One row an epoch: "epoch", "loss" (mean over the epoch), "lr", and the metrics.
    notes : tuple of str
        What should be known, of the data and such as how many texts were cut.
    folder : Path or None
        Where the files are.
    """

    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    metrics: dict[str, float]
    history: list[dict[str, float]] = field(repr=False)
    notes: tuple[str, ...]
    folder: Path | None

    def to_frame(self) -> pd.DataFrame:
        """Return the history as a table, one row an epoch."""
        import pandas as pd

        return pd.DataFrame(self.history).set_index("epoch")

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw loss and error over the epochs, and the path of (CMI, Gamma) of the outputs.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            An empty one to fill; a new one by default.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from infotheory.plotting.training import training_figure

        return training_figure(self.to_frame(), figure)


def finetune(
    model: str | os.PathLike[str],
    train: Any,
    evaluation: Any,
    *,
    task: str | GlueTask | None = None,
    cmi: CMIArguments | None = None,
    teacher: str | os.PathLike[str] | None = None,
    distillation: DistillationArguments | None = None,
    layers: int | None = None,
    settings: FinetuneSettings | None = None,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    download: bool = False,
    progress: bool | None = None,
) -> Finetuned:
    """Fine-tune a language model with conditional mutual information, or by a teacher.

    Parameters
    ----------
    model : path_like
        A directory written by ``save_pretrained``, or a name such as ``owner/model``.
    train, evaluation : LabelledData or object
        Texts, or pairs of texts, with labels, as :func:`infotheory.models.read_task` reads them;
        other objects as :func:`infotheory.models.as_dataset` takes them. The second is measured
        after each epoch, and nothing is chosen by it.
    task : str or GlueTask, optional
        Whose metrics to report, which must be of these classes; otherwise the error alone.
    cmi : CMIArguments, optional
        The objective; by default cross entropy alone, which is ``CMIArguments(lam=0.0)``.
    teacher : path_like, optional
        A classifier to learn from, fine-tuned for the same classes: a directory, or a name. It is
        run once, and what it says is kept in the folder.
    distillation : DistillationArguments, optional
        How to learn from it.
    layers : int, optional
        Take only so many layers of the model, evenly spaced, as a smaller student.
    settings : FinetuneSettings, optional
        How to train.
    folder : path_like, optional
        Where to keep checkpoints, results and the model; made where it is not there. Without it
        nothing is written.
    resume : bool, default False
        Whether to go on from the last checkpoint in the folder, where there is one.
    download : bool, default False
        Whether models may be fetched by name.
    progress : bool, optional
        Whether to show bars; by default on a terminal or in a notebook.

    Returns
    -------
    Finetuned

    Raises
    ------
    ValueError, TypeError
        Where an argument cannot be used; where the folder has a run and `resume` is False, or a run
        of another task, model or other settings.
    FloatingPointError
        Where the loss is not finite. The last checkpoint stays.
    ImportError
        Where transformers is not installed.

    Notes
    -----
    The loop is that of ``transformers.Trainer``: several processes are started with ``torchrun`` or
    ``accelerate launch``. A run that was killed and goes on gives the metrics of one that was not;
    the mean loss of the epoch in which it goes on is that of the steps since. The random states of
    the caller are left as they were.

    The folder has the checkpoints of the trainer, ``run.json`` (what the run is),
    ``metrics.json`` (metrics and history) and ``model``, which
    ``infotheory ncmi --model hf:FOLDER/model --data glue:...`` measures.

    References
    ----------
    sivakaran2025cmi
    """
    settings = FinetuneSettings() if settings is None else settings
    if not isinstance(settings, FinetuneSettings):
        raise TypeError(f"settings must be FinetuneSettings; got {type(settings).__name__}.")
    if check_flag("resume", resume) and folder is None:
        raise refusal("folder", "given with resume=True", "None", "It is where the run is.")
    check_objectives(cmi, teacher, distillation)
    train, evaluation = as_texts("train", train), as_texts("evaluation", evaluation)
    names, task = shared_class_names(train, evaluation), check_task(task, train)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    states = random_state(device)
    try:
        with quietly(transformers):
            module, tokenizer = open_encoder(model, names, seed=settings.seed, download=download)
            if layers is not None:
                module = fewer_layers(module, layers)
            input_length(settings.max_length, module, tokenizer)  # refuses more than it takes
            texts = [
                TokenisedTexts(data, tokenizer, settings.max_length) for data in (train, evaluation)
            ]
            run = {
                "task": None if task is None else task.name,
                "settings": settings.binding(),
                "layers": layers,
                "train": train.name,
                "evaluation": evaluation.name,
                "texts": _hash(*texts),
                "weights": _hash(module),
                "objective": (cmi or CMIArguments(lam=0.0)).as_dict() if teacher is None else None,
                "distillation": (
                    None if teacher is None else asdict(distillation or DistillationArguments())
                ),
            }
            with kept(folder, run, resume) as place:
                per_epoch = -(-len(texts[0]) // settings.batch_size)
                arguments = _arguments(settings, place, per_epoch, keeps=folder is not None)
                trainer = _trainer(
                    module, tokenizer, texts, arguments, task, cmi, teacher, distillation,
                    settings, None if folder is None else place, train, download, progress,
                )  # fmt: skip
                if folder is not None and settings.save_steps is not None:
                    trainer.add_callback(SaveBetween(settings.save_steps, per_epoch))
                bar = Bar(progress)
                trainer.add_callback(bar)
                trainer.remove_callback(PrinterCallback)  # the bar tells, and the result
                try:
                    with bar:
                        trainer.train(resume_from_checkpoint=last_checkpoint(place, resume))
                    found = _last_evaluation(trainer)
                finally:
                    if isinstance(trainer, CMITrainer) and trainer.objective is not None:
                        trainer.objective.close()  # the model goes on without its hooks
                notes = [
                    f"{data.name}: {note}"
                    for data in (train, evaluation)
                    for note in getattr(data, "notes", ())
                ]
                notes += [each.note for each in texts if each.note is not None]
                done = Finetuned(
                    model=module.eval(),
                    tokenizer=tokenizer,
                    metrics=metrics_of(found),
                    history=history_of(trainer.state.log_history),
                    notes=tuple(notes),
                    folder=None if folder is None else place,
                )
                if folder is not None and trainer.is_world_process_zero():
                    _write(done, place)
                return done
    finally:
        restore_random_state(states, device)


def _hash(*things: Any) -> str:
    digest = hashlib.sha256()
    for thing in things:
        take_in(digest, thing)
    return digest.hexdigest()


def _arguments(
    settings: FinetuneSettings, place: Path, per_epoch: int, *, keeps: bool
) -> TrainingArguments:
    """Return the arguments of transformers' Trainer."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    parts = world * settings.accumulation
    if settings.batch_size % parts:
        raise refusal(
            "batch_size",
            f"a multiple of processes times accumulation ({parts})",
            str(settings.batch_size),
        )
    if settings.precision == "fp16" and (settings.device == "cpu" or not torch.cuda.is_available()):
        raise refusal("precision", "'no' or 'bf16' on the host", "'fp16'", "It needs a GPU.")
    steps = settings.epochs * per_epoch
    if settings.max_steps is not None:
        steps = min(steps, settings.max_steps)
    return TrainingArguments(
        output_dir=str(place),
        num_train_epochs=settings.epochs,
        max_steps=steps,
        per_device_train_batch_size=settings.batch_size // parts,
        per_device_eval_batch_size=max(64, settings.batch_size),
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.lr,
        warmup_steps=round(settings.warmup * steps),
        weight_decay=settings.weight_decay,
        lr_scheduler_type="linear",
        fp16=settings.precision == "fp16",
        bf16=settings.precision == "bf16",
        seed=settings.seed,
        use_cpu=settings.device == "cpu",
        eval_strategy="epoch" if settings.evaluate == "epoch" else "no",
        logging_strategy="epoch",
        save_strategy="epoch" if keeps else "no",
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available() and settings.device != "cpu",
    )


def _trainer(
    module: Any,
    tokenizer: Any,
    texts: list[TokenisedTexts],
    arguments: TrainingArguments,
    task: GlueTask | None,
    cmi: CMIArguments | None,
    teacher: str | os.PathLike[str] | None,
    distillation: DistillationArguments | None,
    settings: FinetuneSettings,
    place: Path | None,
    train: LabelledData,
    download: bool,
    progress: bool | None,
) -> Trainer:
    options: dict[str, Any] = {
        "model": module,
        "args": arguments,
        "train_dataset": texts[0],
        "eval_dataset": texts[1],
        "data_collator": DataCollatorWithPadding(tokenizer),
        "processing_class": tokenizer,
        "compute_metrics": None if task is None else TaskComputeMetrics(task),
    }
    if teacher is None:
        return CMITrainer(**options, cmi=cmi or CMIArguments(lam=0.0))
    known: Any = open_model(f"hf:{os.fspath(teacher)}", device=settings.device, download=download)
    check_class_order(known.module, module)
    chosen = distillation or DistillationArguments()
    said = TeacherOutputs.compute(
        known.module,
        TokenisedTexts(train, known.tokenizer, settings.max_length),  # in its own tokens
        folder=None if place is None else place / "teacher",
        collator=known.collate,
        features=chosen.feature or True if chosen.hidden_weight else None,
        progress=progress,
    )
    given = TeacherOutputs(said.logits, said.features)
    return DistillationTrainer(**options, teacher=given, distillation=chosen)


def _last_evaluation(trainer: Trainer) -> dict[str, float]:
    """Return what was measured after the last step, measuring it where that was not done."""
    state = trainer.state
    for entry in reversed(state.log_history):
        if "eval_loss" in entry and entry["step"] == state.global_step:
            return dict(entry)
    found: dict[str, float] = trainer.evaluate()
    return found


def _write(done: Finetuned, place: Path) -> None:
    done.model.save_pretrained(place / "model")
    done.tokenizer.save_pretrained(place / "model")
    with replaced(place / _RESULT) as draft:
        content = {"metrics": done.metrics, "history": done.history, "notes": done.notes}
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
