"""Teachers and students: each step is the one that was specified, written out plainly beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.stepwise import (
    CLOSE,
    PLAIN,
    Remembering,
    class_means,
    descend,
    double,
    inputs_and_labels,
    run,
    same_weights,
)
from learning.toys import N_CLASSES, mlp, problem
from torch.nn.functional import cross_entropy, log_softmax, softmax

from infotheory import measure_classifier
from infotheory.learning import (
    KDLoss,
    MCMITeacherLoss,
    Procedure,
    Settings,
    TTMLoss,
    WTTMLoss,
    train,
)
from infotheory.learning.trainers import ClassifierTraining, DistillationTraining, TeacherTraining

# ------------------------------------------------------------------------------------------ teacher


@pytest.mark.parametrize("centroid", ["frozen", "epoch", "ema", "batch", "reverse"])
def test_a_teacher_gains_cmi(centroid: str) -> None:
    network = mlp()
    run(ClassifierTraining(network), Settings(epochs=20, batch_size=16, lr=0.2, device="cpu"))
    inputs, labels = inputs_and_labels()

    def cmi() -> float:
        with torch.no_grad():
            return measure_classifier(network.eval()(inputs).numpy(), labels.numpy()).cmi

    before = cmi()
    more = {"n_samples": len(labels)} if centroid == "reverse" else {}
    loss = double(MCMITeacherLoss(N_CLASSES, 0.5, centroid=centroid, **more))
    done = run(TeacherTraining(network, loss))
    assert cmi() > before
    assert done.history[-1]["training_cmi"] == pytest.approx(cmi(), rel=1e-9)


def test_the_cmi_of_the_training_set_is_measured_in_evaluation_mode() -> None:
    network = mlp(0.5)
    done = run(TeacherTraining(network, double(MCMITeacherLoss(N_CLASSES, 0.1))))
    inputs, labels = inputs_and_labels()
    with torch.no_grad():
        report = measure_classifier(network.eval()(inputs).numpy(), labels.numpy())
    assert done.history[-1]["training_cmi"] == pytest.approx(report.cmi, rel=1e-9)


def test_frozen_centroids_are_those_of_the_start() -> None:
    loss, network = double(MCMITeacherLoss(N_CLASSES, 0.5)), mlp()
    inputs, labels = inputs_and_labels()
    exact = class_means(network(inputs), labels).detach()
    done = run(TeacherTraining(network, loss))
    torch.testing.assert_close(loss.centroids, exact, **CLOSE)
    # An upper bound of the CMI of the same outputs.
    with torch.no_grad():
        logs = log_softmax(network(inputs), 1)
    surrogate = float((logs.exp() * (logs - exact.log()[labels])).sum(1).mean())
    assert surrogate >= done.history[-1]["training_cmi"]


# ------------------------------------------------------------------------------------ distillation


def test_a_student_takes_the_steps_that_are_written() -> None:
    teacher, twin = mlp(seed=5), mlp()
    procedure = DistillationTraining(
        mlp(), teacher, WTTMLoss(4.0), weight=0.7, ce_weight=0.3, second=KDLoss(2.0),
        second_weight=0.2,
    )  # fmt: skip
    seen = Remembering(procedure)
    run(procedure)
    inputs, labels = inputs_and_labels()
    for rows in seen.batches:
        v, z = teacher(inputs[rows]).detach(), twin(inputs[rows])
        soft = softmax(v / 4, 1)
        power = softmax(v, 1).pow(0.25).sum(1)
        wttm = (power * (soft * (soft.log() - log_softmax(z, 1))).sum(1)).mean()
        half = softmax(v / 2, 1)
        kd = 4 * (half * (half.log() - log_softmax(z / 2, 1))).sum(1).mean()
        descend(twin, 0.3 * cross_entropy(z, labels[rows]) + 0.7 * wttm + 0.2 * kd)
    same_weights(procedure.network, twin)
    assert not teacher.training
    assert all(weight.grad is None for weight in teacher.parameters())


def test_a_student_never_sees_dropped_classes() -> None:
    procedure = DistillationTraining(mlp(), mlp(seed=5), TTMLoss(4.0), ce_weight=0.0)
    seen = Remembering(procedure)
    data = problem().without([2])
    train(procedure, data, settings=PLAIN, progress=False)
    labels = data.labels[torch.cat(seen.batches).numpy()]
    assert set(labels.tolist()) == {0, 1}


def test_a_resumed_student_needs_the_same_teacher(tmp_path: Path) -> None:
    def student(seed: int) -> Procedure:
        return DistillationTraining(mlp(), mlp(seed=seed), KDLoss(4.0))

    run(student(5), folder=tmp_path)
    run(student(5), folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match="teacher"):
        run(student(6), folder=tmp_path, resume=True)
