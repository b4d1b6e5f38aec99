"""What goes wrong is told with its place, and what cannot be used is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import (
    CrossEntropy,
    mlp,
    one_thread,  # noqa: F401 - a fixture of every test here
    problem,
    same,
    settings,
)
from torch import nn

from infotheory.exceptions import EmptyClassWarning
from infotheory.learning.engine import Batch, Context, evaluate, train
from infotheory.learning.engine.history import Tally


class Breaking(CrossEntropy):
    """Something happens at a step."""

    def __init__(self, network: nn.Module, step: int, what: Any) -> None:
        super().__init__(network)
        self.step, self.what = step, what

    def loss(self, batch: Batch, context: Context) -> torch.Tensor:
        loss = super().loss(batch, context)
        return self.what(loss) if context.step == self.step else loss


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(value: float, tmp_path: Path) -> None:
    broken = Breaking(mlp(), 14, lambda loss: loss * value)
    with pytest.raises(FloatingPointError) as caught:
        train(broken, problem(), settings=settings(), folder=tmp_path)
    assert str(caught.value).startswith(
        f"the loss must be finite; got {value:g} in step 3 of epoch 3 (loss_cross_entropy "
    )
    assert "Try a smaller lr, warmup_epochs, clip=1.0" in str(caught.value)
    (note,) = caught.value.__notes__
    assert note == (
        "The run broke off in epoch 3, after 14 steps; resume=True goes on from the checkpoint in "
        f"{str(tmp_path)!r}."
    )
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["epoch"] == 2
    assert all(each.isfinite().all() for each in saved["networks"]["network"].values())


def test_what_a_procedure_refuses_is_told_with_its_place() -> None:
    def refuse(loss: torch.Tensor) -> torch.Tensor:
        raise ValueError("logits must be finite")

    with pytest.raises(ValueError, match="logits must be finite") as caught:
        train(Breaking(mlp(), 7, refuse), problem(), settings=settings())
    assert caught.value.__notes__ == [
        "The run broke off in epoch 2, after 7 steps; it has no folder, so there is no checkpoint."
    ]


def test_losses_on_a_device_are_looked_at_together() -> None:
    """The step that went wrong is found again, though it is looked at later."""
    tally = Tally(5, every=4)
    for loss in (1.0, 2.0):
        tally.add(2, torch.tensor(loss), {"part": torch.tensor(loss) / 2})
    assert tally.last == {}
    tally.add(1, torch.tensor(float("inf")), {"part": 7.0})
    with pytest.raises(FloatingPointError, match=r"got inf in step 3 of epoch 5 \(loss_part 7\)"):
        tally.add(1, torch.tensor(3.0), {})
    tally = Tally(1, every=4)
    for loss, n in ((1.0, 3), (2.0, 1)):
        tally.add(n, torch.tensor(loss), {} if n == 3 else {"part": loss})
    assert tally.means() == {"loss": 1.25, "loss_part": 2.0}
    assert tally.means() == {"loss": 1.25, "loss_part": 2.0}


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    def interrupt(loss: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    def run(step: int, **options: Any) -> Any:
        return train(Breaking(mlp(), step, interrupt), problem(), settings=settings(), **options)

    with pytest.raises(
        KeyboardInterrupt, match="in epoch 1, after 2 steps, before its first check"
    ):
        run(2, folder=tmp_path)
    with pytest.raises(KeyboardInterrupt, match="in epoch 2, after 9 steps; resume=True goes on"):
        run(9, folder=tmp_path)
    resumed = run(-1, folder=tmp_path, resume=True)
    assert same(resumed.network, run(-1).network)


class Strange(CrossEntropy):
    def __init__(self, network: nn.Module, **answers: Any) -> None:
        super().__init__(network)
        self.answers = answers

    def loss(self, batch: Batch, context: Context) -> Any:
        return self.answers.get("loss", super().loss(batch, context))

    def figures(self, context: Context) -> Any:
        return self.answers.get("figures", {})


def plain(**options: Any) -> Any:
    return train(CrossEntropy(mlp()), problem(), **options)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: train(mlp(), problem()), TypeError, "must be a Procedure; got Sequential"),
        (lambda: plain(settings={}), TypeError, "settings must be Settings; got dict"),
        (lambda: train(CrossEntropy(mlp()), 5), TypeError, "data must be a pair"),
        (
            lambda: plain(settings=settings(patience=2)),
            ValueError,
            r"validation must be given with patience; got None\. data.split\(0.1\)",
        ),
        (
            lambda: plain(settings=settings(keep="best")),
            ValueError,
            "validation must be given with keep='best'",
        ),
        (
            lambda: train(CrossEntropy(mlp()), problem(7), settings=settings(drop_last=True)),
            ValueError,
            r"batch_size must be at most the number of samples \(7\) with drop_last=True; got 8",
        ),
        (
            lambda: plain(log=["xml"]),
            ValueError,
            "log must be some of 'csv', 'json', 'tensorboard'; got 'xml'",
        ),
        (
            lambda: plain(log="csv"),
            TypeError,
            "log must be a sequence of",
        ),
        (
            lambda: plain(log=["tensorboard"]),
            ValueError,
            "folder must be given with log='tensorboard'",
        ),
        (
            lambda: plain(resume="yes"),
            ValueError,
            "resume must be True or False",
        ),
        (
            lambda: train(Strange(mlp(), loss=3.0), problem(), settings=settings()),
            TypeError,
            "loss must return a tensor of one number; got float",
        ),
        (
            lambda: train(Strange(mlp(), loss=torch.zeros(2)), problem(), settings=settings()),
            TypeError,
            r"loss must return a tensor of one number; got shape \(2,\)",
        ),
        (
            lambda: train(Strange(mlp(), figures={"lr": 1}), problem(), settings=settings()),
            ValueError,
            "figures must be named unlike the columns of the history; got 'lr'",
        ),
        (
            lambda: train(
                CrossEntropy(nn.Sequential(mlp(), nn.Flatten(0))), problem(), settings=settings()
            ),
            TypeError,
            "network must give a tensor with one row a sample; got Tensor of 24 rows for 8",
        ),
        (lambda: evaluate(5, problem()), TypeError, "must be a Procedure or a torch.nn.Module"),
        (lambda: evaluate(mlp(), problem(), batch_size=0), ValueError, "batch_size must be"),
        (
            lambda: evaluate(nn.Flatten(0), problem()),
            ValueError,
            r"scores must be a tensor of shape \(41, K\); got shape \(246,\)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()


@pytest.mark.parametrize("value", [np.float64(1.0), [1, {"a": np.int64(2)}], {1, 2}, Path()])
def test_state_that_could_not_be_read_again_is_refused_at_once(value: Any, tmp_path: Path) -> None:
    class Hoarding(CrossEntropy):
        def extra_state(self) -> dict[str, Any]:
            return {"kept": value}

    class Module(nn.Sequential):
        def get_extra_state(self) -> Any:
            return {"kept": value}

    class Holding(CrossEntropy):
        modules = {"part": Module(nn.Linear(2, 2))}  # noqa: RUF012 - in place of a property

    options: Any = {"settings": settings(keep="best"), "validation": problem()}
    for made, place in (
        (Hoarding(mlp()), r"extra_state\(\)\['kept'\]"),
        (CrossEntropy(Module(*mlp())), r"the state of the network\['_extra_state'\]\['kept'\]"),
        (Holding(mlp()), r"the state of the procedure's part\['_extra_state'\]\['kept'\]"),
    ):
        for more in ({"folder": tmp_path, "settings": settings()}, options):
            with pytest.raises(TypeError, match=place + r".* must be a tensor.*by \.item\(\)"):
                train(made, problem(), **more)
            assert getattr(made, "batches", []) == []  # before the first step
    train(Hoarding(mlp()), problem(), settings=settings(epochs=1))  # nothing is kept of it


def test_numbers_of_numpy_may_describe_a_procedure(tmp_path: Path) -> None:
    class Described(CrossEntropy):
        def describe(self) -> dict[str, Any]:
            return {"share": np.float64(0.5), "count": np.int64(3), "what": self.what}

        what: Any = "x"

    for resume in (False, True):
        train(
            Described(mlp()), problem(), settings=settings(epochs=1), folder=tmp_path,
            resume=resume,
        )  # fmt: skip
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["procedure"] == {"share": 0.5, "count": 3, "what": "x"}
    Described.what = Path()
    with pytest.raises(TypeError, match=r"describe\(\) must give texts, numbers, .* got pathlib"):
        train(Described(mlp()), problem(), settings=settings(), folder=tmp_path / "other")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_diverge_in_a_last_step_are_told_as_such(value: float) -> None:
    """The losses were finite, so that it is the measurement which meets them."""

    class Spoiling(CrossEntropy):
        def end_epoch(self, context: Context) -> None:
            if context.epoch == 2:
                with torch.no_grad():
                    self.network[-1].bias.fill_(value)

    text = rf"outputs must be finite where .* got {value} after epoch 2: the weights have diverged"
    with pytest.raises(FloatingPointError, match=text + r"\. Try a smaller lr, warmup_epochs"):
        train(Spoiling(mlp()), problem(), validation=problem(), settings=settings())


def test_masked_symbols_are_no_divergence() -> None:
    class Masked(CrossEntropy):
        def scores(self, outputs: torch.Tensor) -> torch.Tensor:
            return torch.cat([outputs, outputs.new_full((len(outputs), 1), -torch.inf)], 1)

    with pytest.warns(EmptyClassWarning):
        run = train(Masked(mlp()), problem(), validation=problem(), settings=settings(epochs=1))
    assert run.history[0]["error"] < 1.0
