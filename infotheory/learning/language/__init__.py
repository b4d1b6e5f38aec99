"""Fine-tuning of language models for classification, with CMI in the loss.

:class:`CMITrainer` is a ``Trainer`` of transformers whose loss is cross entropy + lam CMI for a
better model, or - lam CMI for a better teacher, and whose evaluations tell CMI, Gamma and NCMI.
:class:`CMIObjective` brings the same loss to a ``Trainer`` of one's own. The loss alone is
:class:`infotheory.learning.losses.LanguageCMILoss`, to which :class:`FeatureReader` gives the
features. :class:`DistillationTrainer` is a ``Trainer`` for a student of a teacher, of which
:class:`TeacherOutputs` keeps what it says. :func:`finetune` is all of it in one call. What needs
transformers is imported on use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from infotheory.learning.language.arguments import CMIArguments
from infotheory.learning.language.features import FeatureReader
from infotheory.learning.language.settings import FinetuneSettings

if TYPE_CHECKING:
    from infotheory.learning.language.distillation import DistillationTrainer
    from infotheory.learning.language.distillation_objective import DistillationArguments
    from infotheory.learning.language.finetuning import Finetuned, finetune
    from infotheory.learning.language.objective import CMIObjective
    from infotheory.learning.language.official_metrics import TaskComputeMetrics, task_metrics
    from infotheory.learning.language.students import fewer_layers
    from infotheory.learning.language.teacher_outputs import TeacherOutputs
    from infotheory.learning.language.trainer import CMITrainer, MeasuredTrainer

__all__ = [
    "CMIArguments",
    "CMIObjective",
    "CMITrainer",
    "DistillationArguments",
    "DistillationTrainer",
    "FeatureReader",
    "FinetuneSettings",
    "Finetuned",
    "MeasuredTrainer",
    "TaskComputeMetrics",
    "TeacherOutputs",
    "fewer_layers",
    "finetune",
    "task_metrics",
]

# Where the names are that need transformers, or scikit-learn.
_ON_USE = {
    "CMIObjective": "objective",
    "CMITrainer": "trainer",
    "DistillationArguments": "distillation_objective",
    "DistillationTrainer": "distillation",
    "Finetuned": "finetuning",
    "MeasuredTrainer": "trainer",
    "TaskComputeMetrics": "official_metrics",
    "TeacherOutputs": "teacher_outputs",
    "finetune": "finetuning",
    "fewer_layers": "students",
    "task_metrics": "official_metrics",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ON_USE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
