"""What all procedures have in common: they go on to the same bits, and refuse what they must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.stepwise import PLAIN, double, run
from learning.toys import N_CLASSES, N_FEATURES, mlp, problem
from torch import Tensor, nn

from infotheory.learning import (
    CMICLoss,
    KDLoss,
    MCMITeacherLoss,
    NCMILoss,
    TrainingData,
    TTMLoss,
    train,
)
from infotheory.learning.engine import Batch, Context
from infotheory.learning.trainers import (
    ClassifierTraining,
    CMICTraining,
    DistillationTraining,
    NCMITraining,
    TeacherTraining,
)

# ---------------------------------------------------------------------------------- all procedures


def every_procedure() -> Iterator[tuple[str, Any]]:
    yield "classifier", lambda: ClassifierTraining(mlp(0.2))
    for centroid in ("ema", "epoch", "batch"):
        yield (
            f"cmic {centroid}",
            lambda centroid=centroid: CMICTraining(
                mlp(0.2), double(CMICLoss(N_CLASSES, 0.5, 0.1, centroid=centroid, decay=0.9))
            ),
        )
    for centroid in ("fixed", "trained", "mean"):
        yield f"ncmi {centroid}", lambda centroid=centroid: NCMITraining(
            mlp(0.2), double(NCMILoss(N_CLASSES, N_CLASSES, centroid=centroid)),
            codeword_momentum=0.9,
        )  # fmt: skip
    for centroid in ("frozen", "epoch", "ema", "batch", "reverse"):
        more = {"n_samples": len(problem())} if centroid == "reverse" else {}
        yield (
            f"teacher {centroid}",
            lambda centroid=centroid, more=more: TeacherTraining(
                mlp(0.2),
                double(MCMITeacherLoss(N_CLASSES, 0.2, centroid=centroid, decay=0.9, **more)),
            ),
        )
    yield "distillation", lambda: DistillationTraining(mlp(0.2), mlp(seed=5), TTMLoss(4.0))


def test_a_loss_that_was_used_before_begins_anew() -> None:
    for centroid in ("fixed", "trained", "mean"):
        loss = double(NCMILoss(N_CLASSES, N_CLASSES, centroid=centroid))
        runs = []
        for _ in range(2):
            procedure = NCMITraining(mlp(), loss, codeword_momentum=0.9)
            run(procedure)
            runs.append([each.clone() for each in procedure.network.state_dict().values()])
        for first, second in zip(*runs, strict=True):
            assert torch.equal(first, second), centroid


class StopError(Exception):
    """What ends a run in the middle of an epoch."""


@pytest.mark.parametrize(("name", "make"), list(every_procedure()))
def test_an_interrupted_run_goes_on_to_the_same_bits(name: str, make: Any, tmp_path: Path) -> None:
    whole = make()
    expected = run(whole, validation=problem())
    cut = make()
    loss = cut.loss

    def stopped(batch: Batch, context: Context) -> Tensor:
        if (context.epoch, context.step) == (1, 4):  # the second batch of the second epoch
            raise StopError
        value: Tensor = loss(batch, context)
        return value

    cut.loss = stopped
    with pytest.raises(StopError):
        run(cut, folder=tmp_path, validation=problem())
    resumed = make()
    found = run(resumed, folder=tmp_path, resume=True, validation=problem())
    for first, second in ((whole.network, resumed.network), *zip(
        whole.modules.values(), resumed.modules.values(), strict=True)):  # fmt: skip
        for key, value in first.state_dict().items():
            assert torch.equal(value, second.state_dict()[key]), (name, key)
    for mine, its in zip(expected.history, found.history, strict=True):
        assert {**mine, "seconds": 0} == {**its, "seconds": 0}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CMICTraining(mlp(), nn.CrossEntropyLoss()), TypeError, "loss must be a CMICLoss"),
        (lambda: CMICTraining(mlp(), CMICLoss(3, 0.1, 0.1), start="zero"), ValueError,
         r"start must be one of 'uniform', 'pass', 'kept'; got 'zero'"),
        (lambda: CMICTraining(mlp(), CMICLoss(3, 0.1, 0.1), samples_per_class=-1), ValueError,
         "samples_per_class must be"),
        (lambda: NCMITraining(mlp(), nn.CrossEntropyLoss()), TypeError, "loss must be an NCMILoss"),
        (lambda: NCMITraining(mlp(), NCMILoss(3, 3), codeword_lr=0.0), ValueError,
         r"codeword_lr must be a positive number; got 0\.0"),
        (lambda: NCMITraining(mlp(), NCMILoss(3, 3), codeword_momentum=1.0), ValueError,
         r"codeword_momentum must be a number in \[0, 1\); got 1\.0"),
        (lambda: TeacherTraining(mlp(), nn.CrossEntropyLoss()), TypeError, "an MCMITeacherLoss"),
        (lambda: DistillationTraining(mlp(), "teacher", KDLoss(4.0)), TypeError,
         "teacher must be a torch.nn.Module; got str"),
        (lambda: DistillationTraining(mlp(), mlp(), KDLoss(4.0), weight=-1.0), ValueError,
         r"weight must be a finite number of at least 0; got -1\.0"),
        (lambda: ClassifierTraining("mlp"), TypeError, "network must be a torch.nn.Module"),
    ],
)  # fmt: skip
def test_refusals(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_teacher_and_student_are_two() -> None:
    network = mlp()
    with pytest.raises(ValueError, match="teacher must be another module than network"):
        DistillationTraining(network, network, KDLoss(4.0))


def test_a_teacher_of_other_classes_is_refused() -> None:
    teacher = nn.Linear(N_FEATURES, N_CLASSES + 1).double()
    with pytest.raises(ValueError, match="teacher_logits must have the shape of student_logits"):
        run(DistillationTraining(mlp(), teacher, KDLoss(4.0)))


def test_training_data_of_other_classes_are_refused_by_the_loss() -> None:
    data = TrainingData(np.zeros((6, N_FEATURES)), np.arange(6))
    with pytest.raises(ValueError, match=r"labels must be in \[0, 3\); got 5 in row 0"):
        train(CMICTraining(mlp(), double(CMICLoss(3, 0.1, 0.1))), data, settings=PLAIN,
              progress=False)  # fmt: skip
