"""The procedures: each step is the one that was specified, written out plainly beside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
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
from learning.toys import N_CLASSES, N_FEATURES, mlp, problem
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from infotheory import measure_classifier
from infotheory.learning import CMICLoss, NCMILoss, Procedure, Run, Settings, train
from infotheory.learning.data import Augmentation
from infotheory.learning.engine import Batch, Context
from infotheory.learning.trainers import ClassifierTraining, CMICTraining, NCMITraining
from infotheory.learning.trainers.centroid_steps import rows_of_each_class, seen_in_evaluation

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


@pytest.mark.parametrize("centroid", ["fixed", "mean"])
def test_a_class_without_samples_is_refused_before_the_first_step(centroid: str) -> None:
    procedure = ncmi_procedure(centroid=centroid)
    seen = Remembering(procedure)
    text = r"data must have samples of all 3 classes of the loss; got none of 1\. Samples are dec"
    with pytest.raises(ValueError, match=text):
        train(procedure, problem().without([1]), settings=PLAIN, progress=False)
    assert seen.batches == []


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
