"""The procedures: each step is the one that was specified, written out plainly beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import N_CLASSES, N_FEATURES, mlp, problem
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, softmax

from infotheory import measure_classifier
from infotheory.learning import (
    CMICLoss,
    KDLoss,
    MCMITeacherLoss,
    NCMILoss,
    Procedure,
    Run,
    Settings,
    TrainingData,
    TTMLoss,
    WTTMLoss,
    train,
)
from infotheory.learning.data import Augmentation
from infotheory.learning.engine import Batch, Context
from infotheory.learning.trainers import (
    ClassifierTraining,
    CMICTraining,
    DistillationTraining,
    NCMITraining,
    TeacherTraining,
)
from infotheory.learning.trainers.centroid_steps import rows_of_each_class, seen_in_evaluation

# Two orders of the same double-precision sums, over some 40 terms and a dozen steps.
CLOSE = {"rtol": 1e-10, "atol": 1e-12}
PLAIN = Settings(epochs=3, batch_size=16, lr=0.2, momentum=0.0, weight_decay=0.0,
                 schedule="constant", device="cpu")  # fmt: skip


def run(procedure: Procedure, settings: Settings = PLAIN, **options: Any) -> Run:
    return train(procedure, problem(), settings=settings, progress=False, **options)


def double(loss: Any) -> Any:
    return loss.double()


class Remembering:
    """Keeps the rows of each batch, and those that each step of the centroids draws."""

    def __init__(self, procedure: Procedure) -> None:
        self.batches: list[Tensor] = []
        loss = procedure.loss

        def remembered(batch: Batch, context: Context) -> Tensor:
            self.batches.append(batch.rows.clone())
            return loss(batch, context)

        procedure.loss = remembered  # type: ignore[method-assign]


def inputs_and_labels() -> tuple[Tensor, Tensor]:
    data = problem()
    return data.batch(range(len(data))), torch.from_numpy(data.labels)


def class_means(logits: Tensor, labels: Tensor) -> Tensor:
    p = softmax(logits, 1)
    return torch.stack([p[labels == c].mean(0) for c in range(N_CLASSES)])


def descend(network: nn.Module, loss: Tensor, rate: float = 0.2) -> None:
    """One plain step of gradient descent."""
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    with torch.no_grad():
        for weight, gradient in zip(network.parameters(), gradients, strict=True):
            weight.sub_(rate * gradient)


def same_weights(first: nn.Module, second: nn.Module) -> None:
    for mine, its in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(mine, its, **CLOSE)


# --------------------------------------------------------------------------------------- classifier


def test_a_classifier_takes_the_steps_of_gradient_descent() -> None:
    procedure, twin = ClassifierTraining(mlp()), mlp()
    seen = Remembering(procedure)
    run(procedure)
    inputs, labels = inputs_and_labels()
    assert len(seen.batches) == 9
    for rows in seen.batches:
        descend(twin, cross_entropy(twin(inputs[rows]), labels[rows]))
    same_weights(procedure.network, twin)


def test_a_loss_with_another_number_is_another_procedure(tmp_path: Path) -> None:
    def smoothed(share: float) -> Procedure:
        return ClassifierTraining(mlp(), nn.CrossEntropyLoss(label_smoothing=share))

    run(smoothed(0.1), folder=tmp_path)
    run(smoothed(0.1), folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match="label_smoothing"):
        run(smoothed(0.2), folder=tmp_path, resume=True)


def test_a_loss_is_put_into_training_mode() -> None:
    loss = double(CMICLoss(N_CLASSES, 0.3, 0.1)).eval()
    run(ClassifierTraining(mlp(), loss))
    assert loss.seen.sum() == 3 * len(problem())


# --------------------------------------------------------------------------------------------- CMIC


def cmic_loss(logits: Tensor, labels: Tensor, q: Tensor, lam: float, beta: float) -> Tensor:
    """The published mini-batch objective as it is printed, with Q a constant."""
    n, logs = len(labels), log_softmax(logits, 1)
    total = cross_entropy(logits, labels)
    for i in range(n):
        total = total + lam / n * (logs[i].exp() * (logs[i] - q[labels[i]].log())).sum()
        for j in range(n):
            if labels[i] != labels[j]:
                total = total + beta / n**2 * (logs[i].exp() * logs[j].detach()).sum()
    return total


def test_cmic_alternates_steps_of_the_network_and_of_the_centroids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from infotheory.learning.trainers import centroid_steps

    drawn: list[Tensor] = []

    def remembered(*arguments: Any) -> Tensor:
        drawn.append(rows_of_each_class(*arguments))
        return drawn[-1]

    monkeypatch.setattr(centroid_steps, "rows_of_each_class", remembered)
    loss = double(CMICLoss(N_CLASSES, 0.7, 0.1, decay=0.9, gradient="first"))
    procedure, twin = CMICTraining(mlp(), loss, samples_per_class=4), mlp()
    seen = Remembering(procedure)
    run(procedure)
    inputs, labels = inputs_and_labels()
    q = torch.full((N_CLASSES, N_CLASSES), 1 / N_CLASSES, dtype=torch.float64)
    for rows, fresh in zip(seen.batches, drawn, strict=True):
        descend(twin, cmic_loss(twin(inputs[rows]), labels[rows], q, 0.7, 0.1))
        with torch.no_grad():
            q = 0.9 * q + 0.1 * class_means(twin(inputs[fresh]), labels[fresh])
            q /= q.sum(1, keepdim=True)
    same_weights(procedure.network, twin)
    torch.testing.assert_close(loss.centroids, q, **CLOSE)


def test_centroids_of_an_epoch_are_those_of_a_full_pass() -> None:
    loss = double(CMICLoss(N_CLASSES, 0.7, 0.1, centroid="epoch"))
    procedure, twin = CMICTraining(mlp(), loss), mlp()
    inputs, labels = inputs_and_labels()
    exact = class_means(twin(inputs), labels)  # of the network as it was when the epoch began
    run(procedure, Settings(epochs=1, batch_size=16, device="cpu"))
    torch.testing.assert_close(loss.centroids, exact, **CLOSE)


def test_moving_centroids_may_start_at_a_full_pass() -> None:
    loss = double(CMICLoss(N_CLASSES, 0.7, 0.1, decay=0.999999999))
    twin = mlp()
    inputs, labels = inputs_and_labels()
    run(CMICTraining(mlp(), loss, start="pass"))
    # Nine steps of a billionth each.
    torch.testing.assert_close(loss.centroids, class_means(twin(inputs), labels), rtol=0, atol=2e-8)


def test_a_loss_that_was_used_before_starts_anew_unless_it_is_kept() -> None:
    def trained(loss: Any, **options: Any) -> Run:
        return run(CMICTraining(mlp(), loss, **options))

    loss = double(CMICLoss(N_CLASSES, 0.7, 0.1, decay=0.9, gradient="first"))
    first = trained(loss)
    again = trained(loss)
    kept = trained(loss, start="kept")
    assert again.history[0]["loss"] == first.history[0]["loss"]
    assert kept.history[0]["loss"] != first.history[0]["loss"]


def test_the_batch_itself_may_move_the_centroids() -> None:
    loss = double(CMICLoss(N_CLASSES, 0.7, 0.1, decay=0.0))
    procedure, last = CMICTraining(mlp(), loss, samples_per_class=0), []
    step = procedure.after_step

    def remembered(batch: Batch, context: Context) -> None:
        step(batch, context)
        last.append(batch)

    procedure.after_step = remembered  # type: ignore[method-assign]
    run(procedure, Settings(epochs=1, batch_size=64, device="cpu"))
    expected = class_means(last[-1].outputs.detach(), last[-1].labels)
    torch.testing.assert_close(loss.centroids, expected, **CLOSE)


def test_rows_of_each_class_are_of_that_class() -> None:
    labels = np.array([3, 0, 3, 1, 0, 0, 3])  # no sample of class 2
    rows = rows_of_each_class(labels, 50, torch.Generator().manual_seed(0))
    assert labels[rows.numpy()].tolist() == [0] * 50 + [1] * 50 + [3] * 50
    # 50 draws of three rows miss one of them with probability 3 (2/3)^50 < 1e-8.
    assert set(rows[:50].tolist()) == {1, 4, 5}


def test_looking_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.BatchNorm1d(N_FEATURES), nn.Linear(N_FEATURES, N_CLASSES)).double()
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    data = problem()
    context: Any = type("Context", (), {"labels": data.labels, "inputs": staticmethod(
        lambda rows, augment: data.batch(rows))})  # fmt: skip
    outputs, labels = seen_in_evaluation(network, context, torch.tensor([4, 0]), augment=False)
    assert network.training
    assert not outputs.requires_grad
    assert labels.tolist() == data.labels[[4, 0]].tolist()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


# --------------------------------------------------------------------------------------------- NCMI


def ncmi_procedure(**options: Any) -> NCMITraining:
    chosen = {name: options.pop(name) for name in ("centroid",) if name in options}
    loss = double(NCMILoss(N_CLASSES, N_CLASSES, temperature=0.5, **chosen))
    return NCMITraining(mlp(), loss, **options)


def nearest(procedure: NCMITraining) -> tuple[Tensor, Tensor]:
    """Distances of all samples from the mean P of each class, by the definition; and those P."""
    inputs, labels = inputs_and_labels()
    with torch.no_grad():
        features = procedure.network(inputs) - procedure.criterion.centre
        u = features / features.norm(dim=1, keepdim=True) / 0.5
        p = torch.sigmoid(u) / torch.sigmoid(u).sum(1, keepdim=True)
    v = torch.stack([p[labels == c].mean(0) for c in range(N_CLASSES)])
    return (p[:, None] * (p[:, None] / v).log()).sum(2), p


def test_features_are_decoded_to_the_nearest_class_mean() -> None:
    procedure = ncmi_procedure()
    done = run(procedure, validation=problem())
    distances, _ = nearest(procedure)
    inputs, labels = inputs_and_labels()
    with torch.no_grad():
        scores = procedure.scores(procedure.network(inputs))
    torch.testing.assert_close(scores, -distances, **CLOSE)
    error = float((distances.argmin(1) != labels).double().mean())
    assert done.history[-1]["error"] == pytest.approx(error, abs=1e-12)


class Stretched(Augmentation):
    """Inputs that are made longer at random, by up to a half."""

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.rand(n, 1, generator=generator, dtype=torch.float64)

    def __call__(self, inputs: Tensor, draws: Tensor) -> Tensor:
        return inputs * (1 + draws / 2)


def test_centroids_for_decoding_are_of_samples_as_they_are() -> None:
    procedure = ncmi_procedure()
    train(procedure, problem(augment=Stretched()), settings=PLAIN, progress=False)
    distances, _ = nearest(procedure)
    with torch.no_grad():
        scores = procedure.scores(procedure.network(inputs_and_labels()[0]))
    torch.testing.assert_close(scores, -distances, **CLOSE)


def test_the_history_has_cmi_gamma_and_ncmi_of_the_features() -> None:
    procedure = ncmi_procedure()
    done = run(procedure)
    _, p = nearest(procedure)
    report = measure_classifier(p.numpy(), inputs_and_labels()[1].numpy(), kind="probs")
    for name in ("cmi", "gamma", "ncmi"):
        found = done.history[-1][f"feature_{name}"]
        assert found == pytest.approx(getattr(report, name), rel=1e-9)


@pytest.mark.parametrize("together", [1, 2])
def test_trained_codewords_take_steps_of_their_own(together: int) -> None:
    procedure = ncmi_procedure(centroid="trained", codeword_lr=0.3, codeword_momentum=0.5)
    gradients: list[Tensor] = []
    step, start = procedure.after_step, procedure.criterion.codewords.detach().clone()

    def remembered(batch: Batch, context: Context) -> None:
        assert len(procedure._gradients) == min(together, 3 - together * (len(gradients) % 2))
        gradients.append(sum(procedure._gradients) / len(procedure._gradients))
        step(batch, context)

    procedure.after_step = remembered  # type: ignore[method-assign]
    run(procedure, dataclasses.replace(PLAIN, accumulation=together))
    velocity, expected = torch.zeros_like(start), start
    for gradient in gradients:
        velocity = 0.5 * velocity + gradient
        expected = expected - 0.3 * velocity
    assert len(gradients) == {1: 9, 2: 6}[together]  # three batches an epoch: two and one
    torch.testing.assert_close(procedure.criterion.codewords.detach(), expected, **CLOSE)
    assert not torch.equal(expected, start)


def test_trained_codewords_may_wait() -> None:
    procedure = ncmi_procedure(centroid="trained", first_codeword_epoch=3)
    start = procedure.criterion.codewords.detach().clone()
    run(procedure)
    assert torch.equal(procedure.criterion.codewords, start)


def test_class_means_are_those_of_a_full_pass_and_may_wait() -> None:
    procedure = ncmi_procedure(centroid="mean", first_codeword_epoch=3)
    start = procedure.criterion.log_codewords().clone()
    run(procedure)
    assert torch.equal(procedure.criterion.log_codewords(), start)
    procedure = ncmi_procedure(centroid="mean", first_codeword_epoch=2)
    before: list[Tensor] = []
    fit = procedure.criterion.fit

    def remembered(batches: Any) -> None:
        before.append(nearest(procedure)[1])
        fit(batches)

    procedure.criterion.fit = remembered
    run(procedure)
    assert len(before) == 1
    labels = inputs_and_labels()[1]
    means = torch.stack([before[0][labels == c].mean(0) for c in range(N_CLASSES)])
    torch.testing.assert_close(procedure.criterion.log_codewords(), means.log(), **CLOSE)


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
