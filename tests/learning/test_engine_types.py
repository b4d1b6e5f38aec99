"""Floating samples come to a network in its own type, as if the user had converted them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import (
    N_CLASSES,
    N_FEATURES,
    CrossEntropy,
    mlp,
    one_thread,  # noqa: F401 - a fixture of every test here
    problem,
    same,
    settings,
)
from torch import nn

from infotheory.learning import KDLoss, TrainingData
from infotheory.learning.data import CropFlip
from infotheory.learning.engine import Batch, Context, evaluate, train
from infotheory.learning.networks.at_work import brought, place_of
from infotheory.learning.trainers import CMICTraining, DistillationTraining

INPUTS = problem().batch(range(41)).numpy()
LABELS = problem().labels
SCALE: dict[str, Any] = {"mean": [0.1] * N_FEATURES, "std": 2.0}


class Asking(CrossEntropy):
    """Also asks for samples, and passes over them."""

    def after_step(self, batch: Batch, context: Context) -> None:
        with torch.no_grad():
            self.network(context.inputs([0, 1], augment=True))

    def figures(self, context: Context) -> Mapping[str, float]:
        return {"total": sum(float(outputs.sum()) for outputs, _, _ in context.passes())}


def trained(network: nn.Module, inputs: Any) -> Any:
    data = TrainingData(inputs, LABELS, **SCALE)
    return train(Asking(network), data, validation=data, test=(inputs, LABELS), settings=settings())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64])
def test_training_is_that_of_converted_samples(dtype: torch.dtype, given: type) -> None:
    network = mlp().to(dtype)
    found = trained(network, INPUTS.astype(given))
    converted = INPUTS.astype(given).astype(str(dtype).removeprefix("torch."))
    wanted = trained(mlp().to(dtype), converted)
    assert same(found.network, wanted.network)
    for mine, its in zip(found.history, wanted.history, strict=True):
        assert {**mine, "seconds": 0} == {**its, "seconds": 0}
    assert found.report is not None
    assert found.report.ncmi == wanted.report.ncmi
    assert evaluate(network, (INPUTS.astype(given), LABELS)).ncmi == (
        evaluate(network, (converted, LABELS)).ncmi
    )


def test_images_come_in_the_type_of_the_network() -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 4, 4), dtype=np.uint8)
    data = TrainingData(images, np.arange(12) % 3, augment=CropFlip(1), mean=0.5)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).double()
    train(CrossEntropy(network), data, validation=data, settings=settings(epochs=1))
    want = (torch.from_numpy(images[:, None]).double() / 255) - 0.5
    assert torch.equal(data.batch(range(12), dtype=torch.float64), want)


def test_tokens_stay_whole_numbers() -> None:
    tokens = np.arange(24).reshape(12, 2) % 7
    network = nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(8, 3))
    data = TrainingData(tokens, np.arange(12) % 3)
    run = train(CrossEntropy(network), data, validation=data, settings=settings(epochs=1))
    found = evaluate(network, (tokens, np.arange(12) % 3))
    # Logits in single precision, from products of batches of another size.
    assert found.ncmi == pytest.approx(run.report.ncmi, rel=1e-4)


def test_a_network_in_half_precision_is_measured() -> None:
    found = evaluate(mlp().bfloat16(), (INPUTS, LABELS))
    # Eight bits of a logit of order one, and a derivative of NCMI below ten.
    assert found.ncmi == pytest.approx(evaluate(mlp(), (INPUTS, LABELS)).ncmi, abs=0.05)


def test_centroids_and_teachers_see_samples_in_their_own_type() -> None:
    from infotheory.learning import CMICLoss

    student = DistillationTraining(mlp().float(), mlp(seed=4), KDLoss(2.0))
    train(student, (INPUTS, LABELS), settings=settings(epochs=1))
    cmic = CMICTraining(mlp().float(), CMICLoss(N_CLASSES, 0.1, 0.1))
    train(cmic, (INPUTS, LABELS), settings=settings(epochs=1))


def test_what_is_brought_to_a_network() -> None:
    whole, single = torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 3)
    assert brought(whole, nn.Linear(3, 2)) is whole
    assert brought(single.double(), nn.Linear(3, 2)).dtype == torch.float32
    assert brought(single, nn.Linear(3, 2).bfloat16()).dtype == torch.bfloat16
    assert brought(single, nn.Identity()) is single
    assert place_of(nn.Identity()) == (None, None)
    stored = nn.ParameterList([nn.Parameter(torch.ones(1).to(torch.float8_e4m3fn), False)])
    assert place_of(stored) == (torch.device("cpu"), None)
    stored.append(nn.Parameter(torch.ones(1).double()))
    assert place_of(stored) == (torch.device("cpu"), torch.float64)
