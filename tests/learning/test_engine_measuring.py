"""What a run measures, which epoch it keeps, and in what precision it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import (
    CrossEntropy,
    N,
    mlp,
    one_thread,  # noqa: F401 - a fixture of every test here
    problem,
    same,
    settings,
    weights,
)

from infotheory import measure_classifier
from infotheory.exceptions import EmptyClassWarning
from infotheory.learning.data import TrainingData
from infotheory.learning.engine import Context, evaluate, train
from infotheory.learning.engine.history import best_epoch


def test_the_history_has_what_the_measuring_door_says() -> None:
    data, held_out = problem(), problem(30, seed=3)
    procedure = CrossEntropy(mlp(0.5))
    run = train(procedure, data, validation=held_out, test=problem(33, seed=4), settings=settings())
    assert not run.network.training
    with torch.no_grad():
        logits = [run.network(part.batch(range(len(part)))) for part in (held_out, problem(33, 4))]
    last, report = run.history[-1], measure_classifier(logits[0], held_out.labels)
    for name in ("cmi", "gamma", "ncmi", "error", "cross_entropy"):
        assert last[name] == pytest.approx(getattr(report, name), rel=1e-12)
    assert run.report_on == "test"
    assert run.report is not None
    assert run.report.ncmi == pytest.approx(
        measure_classifier(logits[1], problem(33).labels).ncmi, rel=1e-12
    )
    assert [row["epoch"] for row in run.history] == [1, 2, 3]
    assert run.stopped == "all 3 epochs have run"
    assert list(run.to_frame().columns[:3]) == ["lr", "loss", "loss_cross_entropy"]
    without = train(CrossEntropy(mlp()), data, settings=settings(epochs=1))
    assert (without.report, without.report_on, without.best_epoch) == (None, None, None)


def test_scores_are_what_is_measured() -> None:
    class Negated(CrossEntropy):
        def scores(self, outputs: torch.Tensor) -> torch.Tensor:
            return -outputs

    data = problem()
    procedure = Negated(mlp())
    run = train(procedure, data, validation=data, settings=settings(epochs=1))
    logits = run.network(data.batch(range(N)))
    want = measure_classifier(-logits.detach(), data.labels)
    assert run.history[0]["cross_entropy"] == pytest.approx(want.cross_entropy, rel=1e-12)
    assert evaluate(procedure, data).error == want.error
    assert evaluate(run.network, data).error != want.error


class Spoiled(CrossEntropy):
    """Learns for two epochs, and then forgets it all."""

    def end_epoch(self, context: Context) -> None:
        if context.epoch > 2:
            with torch.no_grad():
                self.network[-1].weight.neg_()


@pytest.mark.parametrize("monitor", ["error", "ncmi", "cross_entropy"])
def test_the_best_epoch_is_kept_and_patience_ends(monitor: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    data, held_out = problem(), problem(300, seed=1)
    chosen = settings(epochs=9, patience=2, monitor=monitor, keep="best", lr=0.3)
    run = train(Spoiled(mlp()), data, validation=held_out, settings=chosen, folder=tmp_path)
    values = [row[monitor] for row in run.history]
    assert run.best_epoch == run.kept_epoch == 1 + values.index(min(values)) <= 2
    assert len(values) == run.best_epoch + 2
    assert run.stopped == f"{monitor} has not fallen for 2 epochs"
    assert run.report is not None
    assert getattr(run.report, monitor) == pytest.approx(min(values), rel=1e-12)
    best, last = (load_file(tmp_path / f"{name}.safetensors") for name in ("best", "last"))
    assert all(torch.equal(best[name], each) for name, each in run.network.state_dict().items())
    assert not torch.equal(best["3.weight"], last["3.weight"])
    again = train(
        Spoiled(mlp(seed=9)), data, validation=held_out, settings=chosen, folder=tmp_path,
        resume=True,
    )  # fmt: skip
    assert same(again.network, run.network)
    assert (again.history, again.stopped) == (run.history, run.stopped)


def test_the_best_of_a_history() -> None:
    nan, inf = float("nan"), float("inf")
    rows = [
        {"epoch": 1, "error": nan, "ncmi": 0.3, "gamma": 1.0},
        {"epoch": 2, "error": 0.5, "ncmi": 0.0, "gamma": inf},
        {"epoch": 3, "error": 0.4, "ncmi": 0.2, "gamma": 1.0},
        {"epoch": 4, "error": 0.4, "ncmi": 0.2, "gamma": 1.0},
    ]
    assert best_epoch(rows, "error") == 3
    assert best_epoch(rows, "ncmi") == 3
    assert best_epoch(rows[:1], "error") is None
    assert best_epoch([{"epoch": 1}], "error") is None


def test_evaluating_leaves_the_mode_and_takes_every_kind() -> None:
    network, data = mlp(0.5), problem()
    network.train()
    network[2].eval()
    report = evaluate(network, data, batch_size=7, base=2)
    assert (network.training, network[2].training, network[0].training) == (True, False, True)
    whole = evaluate(network, (data.batch(range(N)), data.labels))
    assert report.cmi == pytest.approx(whole.cmi / np.log(2), rel=1e-12)
    with pytest.warns(EmptyClassWarning, match="1 of 3 classes have no samples"):
        assert evaluate(network, (data.batch([1, 2]), data.labels[[1, 2]])).n == 2


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # of fork
def test_workers_do_not_change_a_run() -> None:
    class Slow:
        def __len__(self) -> int:
            return N

        def __getitem__(self, row: int) -> np.ndarray:
            return problem().batch([row])[0].numpy()

    runs = [
        train(
            CrossEntropy(mlp()),
            TrainingData(inputs, problem().labels),
            validation=problem(12),
            settings=settings(epochs=1, batch_size=16, workers=workers),
        )
        for inputs, workers in ((Slow(), 2), (problem().batch(range(N)), 0))
    ]
    assert same(runs[0].network, runs[1].network)


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # of fork
def test_what_workers_draw_is_drawn_anew_in_each_epoch() -> None:
    class Chance:
        def __len__(self) -> int:
            return 12

        def __getitem__(self, row: int) -> torch.Tensor:
            return torch.rand(6, dtype=torch.float64)

    class Seeing(CrossEntropy):
        def companion(self, inputs: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            return inputs

    procedure = Seeing(mlp())
    data = TrainingData(Chance(), np.arange(12) % 3)
    train(procedure, data, settings=settings(epochs=2, batch_size=12, workers=1))
    seen = torch.cat([batch.companion.flatten() for batch, _ in procedure.batches])
    assert len(seen.unique()) == 2 * 12 * 6


class Wider(CrossEntropy):
    """With columns that no label names; the last one grows, so that it is predicted at last."""

    def scores(self, outputs: torch.Tensor) -> torch.Tensor:
        further = outputs.new_full((len(outputs), 2), -50.0)
        return torch.cat([outputs, further + self.bonus], 1)

    bonus = 0.0

    def end_epoch(self, context: Context) -> None:
        self.bonus = {2: 1000.0}.get(context.epoch, 0.0)


@pytest.mark.filterwarnings("ignore:2 of 5 classes have no samples")  # those that no label names
@pytest.mark.parametrize("monitor", ["error", "cross_entropy"])
def test_an_answer_that_is_no_class_is_an_error(monitor: str) -> None:
    data = problem(class_names=["a", "b", "c"])
    chosen = settings(monitor=monitor, keep="best", patience=2)
    run = train(Wider(mlp()), data, validation=data, settings=chosen)
    plain = train(CrossEntropy(mlp()), data, validation=data, settings=settings())
    for column in ("error", "cross_entropy", "cmi", "gamma"):
        # e^-50 of all the mass is elsewhere.
        assert run.history[0][column] == pytest.approx(plain.history[0][column], rel=1e-12)
    assert run.history[1]["error"] == 1.0
    assert run.kept_epoch == run.best_epoch != 2
    assert run.report is not None
    assert run.report.class_names == ("a", "b", "c", "output 3", "output 4")


@pytest.mark.filterwarnings("ignore:1 of 4 classes have no samples")  # as above
def test_networks_with_further_outputs_are_trained_and_measured() -> None:
    from infotheory.learning import CMICLoss
    from infotheory.learning.trainers import CMICTraining

    network = torch.nn.Linear(6, 4).double()
    loss = CMICLoss(3, 0.1, 0.1, n_outputs=4).double()
    run = train(
        CMICTraining(network, loss), problem(), validation=problem(),
        settings=settings(epochs=9, patience=2, keep="best"),
    )  # fmt: skip
    with torch.no_grad():
        wrong = network(problem().batch(range(N))).argmax(1).numpy() != problem().labels
    assert run.history[run.kept_epoch - 1]["error"] == pytest.approx(wrong.mean(), abs=1e-12)
    assert evaluate(network, problem()).error == pytest.approx(wrong.mean(), abs=1e-12)


class Narrow(CrossEntropy):
    """Scores of two columns, for three classes."""

    def scores(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, :2]


@pytest.mark.parametrize("options", [{"patience": 3}, {"keep": "best"}])
def test_the_best_epoch_is_not_looked_for_by_a_number_that_there_is_not(options: Any) -> None:
    data = problem()
    for monitor in ("error", "cross_entropy"):
        with pytest.raises(ValueError, match=r"monitor must be 'ncmi' where scores have fewer col"):
            train(
                Narrow(mlp()), data, validation=data,
                settings=settings(monitor=monitor, **options),
            )  # fmt: skip
    run = train(Narrow(mlp()), data, validation=data, settings=settings(monitor="ncmi", **options))
    assert run.best_epoch is not None
    train(Narrow(mlp()), data, validation=data, settings=settings(epochs=1))
    one = problem(12).without([1, 2])
    with pytest.raises(ValueError, match=r"validation must be of two classes at least with .* one"):
        train(
            CrossEntropy(mlp()), data, validation=one, settings=settings(monitor="ncmi", **options)
        )


def test_an_epoch_without_ncmi_is_not_the_best() -> None:
    class Dull(CrossEntropy):
        dull = False

        def end_epoch(self, context: Context) -> None:
            self.dull = context.epoch == 1

        def scores(self, outputs: torch.Tensor) -> torch.Tensor:
            if not self.dull:
                return outputs
            one = torch.tensor([0.0, -torch.inf, -torch.inf])  # so Gamma is 0, and NCMI nan
            return one.expand(len(outputs), 3)

    data = problem()
    chosen = settings(monitor="ncmi", keep="best", patience=3)
    run = train(Dull(mlp()), data, validation=data, settings=chosen)
    assert np.isnan(run.history[0]["ncmi"])
    assert run.best_epoch in (2, 3)


# -------------------------------------------------------------------------------------- precision


def test_half_precision_is_for_networks_alone() -> None:
    """And what one run has chosen does not bind the next, nor the user's own Accelerator."""
    from accelerate import Accelerator

    class Asking(CrossEntropy):
        def start(self, context: Context) -> None:
            outside.extend(outputs.dtype for outputs, _, _ in context.passes())

        def companion(self, inputs: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            return self.network(inputs)

    own = Accelerator(cpu=True)
    network, inside, outside = mlp().float(), [], []
    network[0].register_forward_hook(lambda module, args, output: inside.append(output.dtype))
    data = TrainingData(problem().batch(range(N)).float(), problem().labels)
    procedure = Asking(network)
    run = train(procedure, data, validation=data, settings=settings(epochs=1, precision="bf16"))
    assert own.mixed_precision == "no"
    for batch, _ in procedure.batches:
        assert batch.companion is not None
        outside += [batch.outputs.dtype, batch.companion.dtype]
    assert (set(inside), set(outside)) == ({torch.bfloat16}, {torch.float32})
    assert {each.dtype for each in run.network.parameters()} == {torch.float32}
    assert "forward" not in vars(run.network)  # nothing of Accelerate is left on it
    inside.clear()
    train(CrossEntropy(network), data, settings=settings(epochs=1))
    assert set(inside) == {torch.float32}
    assert own.device == torch.device("cpu")


def test_half_precision_of_the_wrong_kind_is_refused_on_the_host() -> None:
    with pytest.raises(
        ValueError, match="precision must be 'no' or 'bf16' on the host; got 'fp16'"
    ):
        train(CrossEntropy(mlp()), problem(), settings=settings(precision="fp16"))


def test_frozen_parameters_stay() -> None:
    network = mlp()
    network[0].requires_grad_(False)
    before = weights(network[0])
    run = train(CrossEntropy(network), problem(), settings=settings(epochs=1))
    assert all(map(torch.equal, before, weights(run.network[0])))
    assert run.network[0].weight.grad is None
