"""``infotheory finetune``: a language model learns to classify texts, and is measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infotheory import __version__
from infotheory.cli import _output, _types
from infotheory.evaluation.processes import Processes
from infotheory.models.glue import GLUE_TASKS, TaskData, read_task
from infotheory.models.specs import needed

if TYPE_CHECKING:
    from infotheory.learning.language import Finetuned

__all__ = ["run"]

_EPILOG = """\
examples:
  infotheory finetune --list
      the tasks, with their classes and metrics
  infotheory finetune --task sst2 --data glue --model bert --cmi 10 --folder runs/sst2
      cross entropy + 10 CMI of the features; checkpoints, metrics and model go into the folder
  infotheory finetune --task sst2 --data glue --model bert --cmi 10 --folder runs/sst2 --resume
      go on after an interruption: the result is that of a run without one
  infotheory finetune --task rte --data glue --model bert --cmi 10 --role teacher --folder runs/t
      cross entropy - 10 CMI, for a teacher
  infotheory finetune --task rte --data glue --model bert --layers 3 --teacher runs/t/model
      a student of three layers learns from it
  infotheory ncmi --model hf:runs/sst2/model --data 'glue:sst2?dir=glue&split=dev'
      measure the result

--data is a folder in which the task lies, as GLUE gives it or as parquet files. --model and
--teacher are directories written by save_pretrained, or names with --download.

exit status: 0 trained, 1 stopped by an error, 2 arguments not understood, 130 interrupted (what
was trained until the last checkpoint is in the folder, if there is one)
"""
_CMI = ("role", "space", "feature", "feature_temperature", "beta", "centroid", "decay")
_DISTILLATION = ("loss", "temperature", "ce_weight", "weight")
_SETTINGS = (
    "epochs",
    "max_steps",
    "batch_size",
    "accumulation",
    "lr",
    "warmup",
    "weight_decay",
    "max_length",
    "precision",
    "seed",
    "device",
    "save_steps",
)


def run(argv: Sequence[str]) -> int:
    """Fine-tune, print the metrics, and write what is asked for.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory finetune``.

    Returns
    -------
    int
        0, or 1 where it stopped with an error.
    """
    arguments = _parse(argv)
    if arguments.list:
        for task in GLUE_TASKS.values():
            about = f"{', '.join(task.class_names)} ({', '.join(task.metrics)})"
            print(f"{task.name:8}{about}")
        return 0
    group = Processes.launched()
    if group is not None and group.rank > 0:  # of several processes the first one speaks
        with _output.silent():
            return _finetune(arguments, speaks=False)
    return _finetune(arguments, speaks=True)


def _finetune(arguments: argparse.Namespace, *, speaks: bool) -> int:
    try:
        needed("transformers", "fine-tuning", "language")
        from infotheory.learning.language import (
            CMIArguments,
            DistillationArguments,
            FinetuneSettings,
            finetune,
        )

        train, evaluation = _data(arguments)
        cmi = None
        if arguments.teacher is None:
            chosen = _given(arguments, _CMI)
            cmi = CMIArguments(lam=arguments.cmi, **chosen)
        done = finetune(
            arguments.model,
            train,
            evaluation,
            task=train.task,
            cmi=cmi,
            teacher=arguments.teacher,
            distillation=(
                None
                if arguments.teacher is None
                else DistillationArguments(**_given(arguments, _DISTILLATION))
            ),
            layers=arguments.layers,
            settings=FinetuneSettings(**_given(arguments, _SETTINGS)),
            folder=arguments.folder,
            resume=arguments.resume,
            download=arguments.download,
            progress=False if arguments.no_progress or not speaks else None,
        )
    except (ArithmeticError, ImportError, RuntimeError, TypeError, ValueError) as error:
        told = " ".join([str(error), *getattr(error, "__notes__", ())])
        print(f"infotheory finetune: {told}", file=sys.stderr)
        return 1
    if speaks:
        _tell(done, (train, evaluation), arguments)
    return 0


def _data(arguments: argparse.Namespace) -> tuple[TaskData, TaskData]:
    """Return the texts to train on, and those to measure."""
    train = read_task(arguments.task, arguments.data, "train", download=arguments.download)
    seed = arguments.seed or 0
    if arguments.validation is None:
        split = arguments.split or train.task.splits[1]
        evaluation = read_task(arguments.task, arguments.data, split, download=arguments.download)
    else:
        train, evaluation = train.split(arguments.validation, seed)
    if arguments.rows is not None:
        train = train.subset(arguments.rows, seed)
    return train, evaluation


def _given(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Return what was said; the library knows the rest."""
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _tell(done: Finetuned, data: Sequence[TaskData], arguments: argparse.Namespace) -> None:
    """Print and write the result."""
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{data[1].name}, after training on {data[0].name}:")
    for name, value in done.metrics.items():
        print(f"  {name:18}{value:.6g}")
    if arguments.folder is not None:
        print(f"Checkpoints, metrics and model: {arguments.folder}")
    if arguments.json is not None:
        content = {
            "infotheory": __version__,
            "task": data[0].task.name,
            "train": data[0].name,
            "evaluation": data[1].name,
            "metrics": _output.finite(done.metrics),
            "history": [_output.finite(row) for row in done.history],
            "notes": list(done.notes),
        }
        _output.write_json(arguments.json, content)
    if arguments.plot is not None:
        _output.write_figure(arguments.plot, (12, 4.8), done.plot)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infotheory finetune",
        usage="infotheory finetune --task TASK --data DIR --model DIR-or-NAME [options]",
        description="Fine-tune a language model to classify texts, with conditional mutual "
        "information in the loss or by a teacher, and measure it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_what(parser)
    _add_objective(parser)
    _add_settings(parser)
    _add_output(parser)
    arguments = parser.parse_args(argv)
    if not arguments.list:
        _check(parser, arguments)
    return arguments


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what")
    what.add_argument("--list", action="store_true", help="list the tasks")
    what.add_argument("--task", metavar="TASK", help="a task of GLUE, such as sst2")
    what.add_argument("--data", metavar="DIR", help="where the task lies")
    what.add_argument("--model", metavar="DIR-or-NAME", help="a language model")
    what.add_argument("--split", help="what to measure on (default: dev)")
    what.add_argument(
        "--validation",
        metavar="SHARE",
        type=_types.fraction,
        help="measure on this share of the training texts, drawn by the seed, instead",
    )
    what.add_argument(
        "--rows", metavar="N", type=_types.count, help="train on N texts, drawn by the seed"
    )
    what.add_argument(
        "--layers", metavar="N", type=_types.count, help="take N layers of the model, evenly spaced"
    )
    what.add_argument("--download", action="store_true", help="models and data may be fetched")


def _add_objective(parser: argparse.ArgumentParser) -> None:
    objective = parser.add_argument_group("with CMI in the loss")
    objective.add_argument(
        "--cmi", metavar="LAM", type=float, default=0.0, help="weight of CMI (default: 0)"
    )
    objective.add_argument(
        "--role", choices=("student", "teacher"), help="make CMI small (default), or large"
    )
    objective.add_argument(
        "--space", choices=("feature", "output"), help="of the features (default) or the outputs"
    )
    objective.add_argument(
        "--feature", choices=("pooled", "cls", "mean", "last_token"), help="which features"
    )
    objective.add_argument("--feature-temperature", metavar="T", type=_types.positive)
    objective.add_argument("--beta", type=float, help="weight of Gamma (default: 0)")
    objective.add_argument(
        "--centroid", choices=("ema", "epoch", "batch", "frozen", "reverse"), help="default: ema"
    )
    objective.add_argument("--decay", type=_types.fraction, help="of centroids (default: 0.9)")
    teacher = parser.add_argument_group("by a teacher")
    teacher.add_argument("--teacher", metavar="DIR-or-NAME", help="a classifier of these classes")
    teacher.add_argument("--loss", choices=("kd", "ttm", "wttm"), help="default: kd")
    teacher.add_argument("--temperature", metavar="T", type=_types.positive)
    teacher.add_argument("--ce-weight", metavar="W", type=float, help="of cross entropy")
    teacher.add_argument("--weight", metavar="W", type=float, help="of the distillation term")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    settings = parser.add_argument_group("how")
    settings.add_argument("--epochs", type=_types.count, help="default: 3")
    settings.add_argument("--max-steps", type=_types.count, help="stop after so many steps")
    settings.add_argument("--batch-size", metavar="B", type=_types.count, help="default: 32")
    settings.add_argument("--accumulation", metavar="N", type=_types.count, help="parts of a step")
    settings.add_argument("--lr", type=_types.positive, help="default: 3e-5")
    settings.add_argument("--warmup", metavar="SHARE", type=_types.fraction, help="default: 0.1")
    settings.add_argument("--weight-decay", type=float, help="default: 0.01")
    settings.add_argument("--max-length", metavar="TOKENS", type=_types.count, help="default: 128")
    settings.add_argument("--precision", choices=("no", "fp16", "bf16"), help="of autocast")
    settings.add_argument("--seed", type=_types.seed, help="default: 0")
    settings.add_argument("--device", choices=("cpu",), help="stay on the host")
    settings.add_argument(
        "--save-steps", metavar="N", type=_types.count, help="between checkpoints (default: epoch)"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("--folder", metavar="DIR", type=Path, help="checkpoints, metrics, model")
    output.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    output.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    output.add_argument("--plot", metavar="OUT.png", type=Path, help="draw the course of training")
    output.add_argument("--no-progress", action="store_true", help="no progress bar")


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """End the program where arguments are missing, or do not go together."""
    missing = [
        f"--{name}" for name in ("task", "data", "model") if getattr(arguments, name) is None
    ]
    if missing:
        parser.error(f"the following arguments are required: {', '.join(missing)}, or --list")
    if arguments.resume and arguments.folder is None:
        parser.error("--resume goes with --folder DIR, where the interrupted run is")
    if arguments.split is not None and arguments.validation is not None:
        parser.error("--split and --validation both say what to measure on: give one")
    if arguments.teacher is None:
        _refuse_others(parser, arguments, _DISTILLATION, "--teacher")
    elif arguments.cmi:
        parser.error("--cmi goes without --teacher: maximise or minimise CMI first, then distil")
    if not arguments.cmi:
        _refuse_others(parser, arguments, [n for n in _CMI if n != "beta"], "--cmi LAM")
    _output.check(parser, [(arguments.json, ""), (arguments.plot, "figure")], [])


def _refuse_others(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    names: Sequence[str],
    with_: str,
) -> None:
    for name in _given(arguments, names):
        parser.error(f"--{name.replace('_', '-')} goes with {with_}")
