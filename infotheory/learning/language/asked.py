"""What a fine-tuning may be asked for: data, classes, objectives that go together."""

from __future__ import annotations

from typing import Any

from infotheory._validation import refusal
from infotheory.learning.language.arguments import CMIArguments
from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.models.datasets import as_dataset
from infotheory.models.glue_tasks import GlueTask, chosen_task
from infotheory.models.interface import LabelledData

__all__ = ["as_texts", "check_objectives", "check_task", "shared_class_names"]


def as_texts(argument: str, data: Any) -> LabelledData:
    """Return texts with labels, whatever form they come in.

    Parameters
    ----------
    argument : str
        What a refusal calls them.
    data : object
        As of :func:`infotheory.models.as_dataset`.

    Raises
    ------
    TypeError
        If it is no data set.
    """
    try:
        return as_dataset(data, name=argument)
    except TypeError as error:
        raise TypeError(
            f"{argument} must be texts with labels; got {type(data).__name__}. Read a task by "
            "infotheory.models.read_task, or a file by open_dataset; a pair (texts, labels) will "
            "do as well."
        ) from error


def check_objectives(cmi: object, teacher: object, distillation: object) -> None:
    """Refuse objectives that do not go together, and what is none.

    Parameters
    ----------
    cmi, teacher, distillation : object
        As of :func:`infotheory.learning.language.finetune`.
    """
    for name, value, kind in (
        ("cmi", cmi, CMIArguments),
        ("distillation", distillation, DistillationArguments),
    ):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name} must be {kind.__name__}; got {type(value).__name__}.")
    if teacher is None and distillation is not None:
        raise refusal("teacher", "given with distillation", "None")
    if teacher is not None and cmi is not None:
        raise refusal(
            "cmi",
            "None with a teacher",
            repr(cmi),
            "Minimise or maximise CMI first; then distil from the result.",
        )


def shared_class_names(train: LabelledData, evaluation: LabelledData) -> tuple[str, ...]:
    """Return the names of the classes, which both sets must share; numbers where there are none.

    Parameters
    ----------
    train, evaluation : LabelledData
        The sets.
    """
    names, others = (
        None if data.class_names is None else tuple(data.class_names)
        for data in (train, evaluation)
    )
    if names is None:
        most = max(int(data.labels.max()) for data in (train, evaluation))
        names = tuple(str(k) for k in range(most + 1))
    elif others not in (None, names):
        raise refusal(
            "evaluation",
            f"of the classes of train in their order, {', '.join(names)}",
            ", ".join(others or ()),
        )
    return names


def check_task(task: str | GlueTask | None, train: LabelledData) -> GlueTask | None:
    """Return a task whose classes are those of the data, in their order.

    Parameters
    ----------
    task : str or GlueTask or None
        Whose metrics are wanted; F1 of one class is none of another.
    train : LabelledData
        Data without names of classes count as right where the number of classes is.
    """
    if task is None:
        return None
    chosen = chosen_task(task)
    names = train.class_names
    right = (
        int(train.labels.max()) < len(chosen.class_names)
        if names is None
        else tuple(names) == chosen.class_names
    )
    if not right:
        listed = "more of them" if names is None else ", ".join(names)
        raise refusal(
            "task",
            f"that of the data; {chosen.name} has the classes {', '.join(chosen.class_names)}",
            f"data with {listed}",
            "Number the classes in the order of the task, or leave task out.",
        )
    return chosen
