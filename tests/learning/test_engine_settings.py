"""Settings refuse what cannot be, and schedules are what their formulas say."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")

from infotheory.learning.engine import Settings
from infotheory.learning.engine.schedules import learning_rate, optimiser_for


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"epochs": 0}, "epochs must be a positive integer"),
        ({"batch_size": 2.5}, "batch_size must be a positive integer"),
        ({"accumulation": 0}, "accumulation must be a positive integer"),
        ({"checkpoint_every": 0}, "checkpoint_every must be a positive integer"),
        ({"patience": 0}, "patience must be a positive integer"),
        ({"lr": 0.0}, r"lr must be a positive number; got 0.0\."),
        ({"lr": float("nan")}, "lr must be a positive number; got nan"),
        ({"lr": "0.1"}, "lr must be a positive number; got '0.1'"),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\); got 1.0"),
        ({"weight_decay": -1e-4}, "weight_decay must be a number of at least 0; got -0.0001"),
        ({"clip": 0}, "clip must be a positive number, or None; got 0"),
        ({"clip": math.inf}, "clip must be a positive number, or None; got inf"),
        ({"factor": 0.0}, "factor must be a positive number"),
        ({"seed": -1}, "seed must be a whole number from 0 to"),
        ({"seed": True}, "seed must be a whole number from 0 to"),
        ({"workers": 1.0}, "workers must be a whole number from 0 to 1024; got 1.0"),
        ({"drop_last": 1}, "drop_last must be True or False; got 1"),
        ({"optimiser": "lion"}, "optimiser must be one of 'sgd', 'adam', 'adamw'; got 'lion'"),
        ({"schedule": "linear"}, "schedule must be one of 'constant', 'cosine', 'steps'"),
        ({"precision": "fp8"}, "precision must be one of 'no', 'fp16', 'bf16'"),
        ({"monitor": "loss"}, "monitor must be one of 'error', 'ncmi', 'cross_entropy'"),
        ({"keep": "first"}, "keep must be one of 'last', 'best'"),
        ({"device": "tpu"}, r"device must be None or 'cpu'; got 'tpu'\. None takes a GPU"),
        ({"warmup_epochs": 11}, r"warmup_epochs must be at most epochs \(10\); got 11"),
        ({"warmup_epochs": -1}, "warmup_epochs must be a number from 0 to epochs; got -1"),
        ({"milestones": (3,)}, r"given with schedule='steps', and only there; got \(3,\) with"),
        ({"schedule": "steps"}, r"milestones must be given with schedule='steps'.*got \(\) with"),
        ({"schedule": "steps", "milestones": (3, 3)}, "whole numbers that rise from 1 on"),
        ({"schedule": "steps", "milestones": (0, 3)}, "whole numbers that rise from 1 on"),
        ({"schedule": "steps", "milestones": (1.5,)}, "whole numbers that rise from 1 on"),
        ({"nesterov": True, "optimiser": "adam"}, "nesterov must be False without optimiser='sgd'"),
        ({"nesterov": True, "momentum": 0.0}, "nesterov must be False without optimiser='sgd'"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Settings(**changed)


@pytest.mark.parametrize("milestones", [3, "37", {3: 4}])
def test_milestones_are_a_sequence(milestones: Any) -> None:
    with pytest.raises(TypeError, match="milestones must be a sequence of epochs"):
        Settings(schedule="steps", milestones=milestones)


def test_lists_as_of_toml_are_taken() -> None:
    settings = Settings(schedule="steps", milestones=[2, 4])
    assert settings.milestones == (2, 4)
    assert settings.to_dict()["milestones"] == [2, 4]
    assert Settings(**settings.to_dict()) == settings


def test_what_binds_a_run() -> None:
    """What leaves each step as it is may change; the number of epochs shapes a cosine."""
    free = {"epochs", "device", "workers", "checkpoint_every"}
    constant, cosine = Settings(schedule="constant"), Settings(schedule="cosine")
    assert set(constant.to_dict()) - set(constant.binding()) == free
    assert set(cosine.to_dict()) - set(cosine.binding()) == free - {"epochs"}


def test_numbers_of_numpy_become_those_of_python() -> None:
    settings = Settings(
        epochs=np.int64(3), batch_size=np.uint8(9), lr=np.float64(0.1), momentum=np.float32(0.5),
        seed=np.int32(4), nesterov=np.bool_(True), clip=np.float64(2), patience=np.int16(2),
        optimiser=np.str_("sgd"), schedule="steps", milestones=[np.int64(1), np.int64(2)],
    )  # fmt: skip
    plain = Settings(
        epochs=3, batch_size=9, lr=0.1, momentum=0.5, seed=4, nesterov=True, clip=2.0, patience=2,
        schedule="steps", milestones=(1, 2),
    )  # fmt: skip
    assert settings == plain
    for name, value in settings.to_dict().items():
        assert type(value) is type(plain.to_dict()[name]), name
    assert Settings(**json.loads(json.dumps(settings.to_dict()))) == plain
    with pytest.raises(ValueError, match=r"lr must be a positive number; got nan"):
        Settings(lr=np.float64("nan"))


def rates(settings: Settings, steps: int = 1) -> list[float]:
    return [
        learning_rate(settings, epoch, (step + 1) / steps)
        for epoch in range(settings.epochs)
        for step in range(steps)
    ]


def test_constant() -> None:
    assert rates(Settings(epochs=3, lr=0.5, schedule="constant"), 2) == [0.5] * 6


def test_cosine() -> None:
    """Half a cosine over the epochs, from lr on; all steps of an epoch have the same."""
    want = [0.3 * (1 + math.cos(math.pi * epoch / 5)) / 2 for epoch in range(5) for _ in range(2)]
    assert rates(Settings(epochs=5, lr=0.3), 2) == pytest.approx(want, rel=1e-15)


def test_steps() -> None:
    settings = Settings(epochs=5, lr=1.0, schedule="steps", milestones=(1, 3), factor=0.5)
    assert rates(settings) == [1.0, 0.5, 0.5, 0.25, 0.25]


def test_warm_up_rises_by_steps_and_the_cosine_is_for_the_rest() -> None:
    settings = Settings(epochs=4, lr=1.0, warmup_epochs=2)
    assert rates(settings, 2) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.5, 0.5])
    half = Settings(epochs=2, lr=1.0, warmup_epochs=0.5, schedule="constant")
    assert rates(half, 4) == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert rates(Settings(epochs=2, lr=1.0, warmup_epochs=2), 1) == [0.5, 1.0]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (Settings(momentum=0.8, nesterov=True), "SGD"),
        (Settings(optimiser="adam"), "Adam"),
        (Settings(optimiser="adamw"), "AdamW"),
    ],
)
def test_the_optimiser_is_the_one_named(settings: Settings, kind: str) -> None:
    from torch import nn

    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[0].requires_grad_(False)
    optimiser = optimiser_for(network, settings)
    (group,) = optimiser.param_groups
    assert type(optimiser).__name__ == kind
    assert [id(each) for each in group["params"]] == [id(each) for each in network[1].parameters()]
    assert group["weight_decay"] == 5e-4
    if kind == "SGD":
        assert (group["momentum"], group["nesterov"]) == (0.8, True)


def test_nothing_to_train_is_refused() -> None:
    from torch import nn

    with pytest.raises(ValueError, match="network must be a module with parameters to train"):
        optimiser_for(nn.Linear(2, 2).requires_grad_(False), Settings())
