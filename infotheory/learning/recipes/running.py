"""A recipe becomes data, a network and a procedure, and is run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from infotheory._validation import check_choice, refusal
from infotheory.learning import losses
from infotheory.learning.data import TrainingData
from infotheory.learning.engine import Procedure, Run, Settings, train
from infotheory.learning.networks import network
from infotheory.learning.recipes.recipe import Recipe
from infotheory.learning.recipes.sources import DataParts, data_parts
from infotheory.learning.recipes.tables import built, check_keys, check_type
from infotheory.learning.trainers import (
    ClassifierTraining,
    CMICTraining,
    DistillationTraining,
    NCMITraining,
    TeacherTraining,
)

__all__ = ["run_recipe"]

_CLASSIFIER_LOSSES: dict[str, Callable[..., nn.Module]] = {
    "cross_entropy": nn.CrossEntropyLoss,
    "focal": losses.FocalLoss,
    "confidence_penalty": losses.ConfidencePenaltyLoss,
}
_DISTILLATION_LOSSES: dict[str, Callable[..., nn.Module]] = {
    "kd": losses.KDLoss,
    "ttm": losses.TTMLoss,
    "wttm": losses.WTTMLoss,
    "dist": losses.DISTLoss,
}


def run_recipe(
    recipe: Recipe,
    *,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> Run:
    """Train what a recipe says, and measure it.

    Parameters
    ----------
    recipe : Recipe
        As :func:`read_recipe` gives it.
    folder : path_like, optional
        Where checkpoints, the history and the network go; nothing is kept without it.
    resume : bool, default False
        Whether to go on with the run that is in the folder. One that has not begun is begun.
    progress : bool, optional
        Show a progress bar; by default on a terminal and in a notebook.

    Returns
    -------
    Run
        Of the last stage, where there are two.

    Raises
    ------
    ValueError
        If a value is refused, or what is in the folder belongs to something else.

    Notes
    -----
    The seed of the settings draws the split and the initial network as well as the order of the
    samples, so that it decides everything.
    """
    settings = built(Settings, recipe.settings, "settings")
    parts = data_parts(recipe.data, recipe.place, settings.seed)
    outputs = _outputs(recipe, parts.train)
    trained = _fresh(recipe.network, recipe.weights, parts.train, outputs, settings.seed, recipe)
    where = None if folder is None else Path(folder)
    if recipe.pretraining:
        stage = built(Settings, {**recipe.settings, **recipe.pretraining}, "pretraining")
        before = None if where is None else where / "pretraining"
        train(
            ClassifierTraining(trained), parts.train, validation=parts.validation, settings=stage,
            folder=before, resume=resume, progress=progress,
        )  # fmt: skip
    return train(
        _procedure(recipe, trained, parts),
        parts.train,
        validation=parts.validation,
        test=parts.test,
        settings=settings,
        folder=where,
        resume=resume,
        progress=progress,
    )


def _outputs(recipe: Recipe, data: TrainingData) -> int:
    """Return the number of outputs of the network: classes, or features for the NCMI loss."""
    if recipe.procedure != "ncmi":
        return data.n_classes
    features = check_type(recipe.loss, "n_features", int, "a whole number")
    if features is None:
        fix = "It is the number of outputs of the network, which are features here."
        raise refusal("loss", "have the key 'n_features'", "a table without it", fix)
    return int(features)


def _fresh(
    name: str, weights: str | None, data: TrainingData, outputs: int, seed: int, recipe: Recipe
) -> nn.Module:
    """Build a network from the seed, or with weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        shape = data.batch([0]).shape[1:]
        made: nn.Module = network(name, n_classes=outputs, input_shape=shape)
    if weights is not None:
        file = recipe.place / weights
        if not file.is_file():
            raise refusal("weights", "an existing safetensors file", str(file))
        _load(made, file)
    return made


def _load(made: nn.Module, file: Path) -> None:
    try:
        made.load_state_dict(load_file(file))
    except Exception as error:  # no safetensors, or of another network
        told = str(error).strip().splitlines()[0]
        raise refusal(
            "weights", "a safetensors file of this network", f"{file} ({told})"
        ) from error


def _procedure(recipe: Recipe, trained: nn.Module, parts: DataParts) -> Procedure:
    return _MAKERS[recipe.procedure](recipe, trained, parts.train)


def _classifier(recipe: Recipe, trained: nn.Module, data: TrainingData) -> Procedure:
    del data
    loss = _named_loss(recipe.loss, _CLASSIFIER_LOSSES, "cross_entropy", "loss")
    return built(ClassifierTraining, recipe.training, "training", trained, loss)


def _cmic(recipe: Recipe, trained: nn.Module, data: TrainingData) -> Procedure:
    loss = built(losses.CMICLoss, recipe.loss, "loss", data.n_classes)
    return built(CMICTraining, recipe.training, "training", trained, loss)


def _ncmi(recipe: Recipe, trained: nn.Module, data: TrainingData) -> Procedure:
    loss = built(losses.NCMILoss, recipe.loss, "loss", data.n_classes)
    return built(NCMITraining, recipe.training, "training", trained, loss)


def _teacher(recipe: Recipe, trained: nn.Module, data: TrainingData) -> Procedure:
    table = dict(recipe.loss)
    if table.get("centroid") == "reverse":
        table["n_samples"] = len(data)
    loss = built(losses.MCMITeacherLoss, table, "loss", data.n_classes)
    return built(TeacherTraining, recipe.training, "training", trained, loss)


def _distillation(recipe: Recipe, trained: nn.Module, data: TrainingData) -> Procedure:
    table = dict(recipe.teacher)
    check_keys(table, ("network", "weights"), "teacher")
    for key in ("network", "weights"):
        if not isinstance(table.get(key), str):
            raise refusal("teacher", f"have the text {key!r}", repr(table.get(key)))
    teacher = _fresh(table["network"], table["weights"], data, data.n_classes, 0, recipe)
    weights = dict(recipe.training)
    if "second" in weights:
        raise refusal("training", "without the key 'second'", "it", "It is a table: [second].")
    if recipe.second:
        weights["second"] = _named_loss(recipe.second, _DISTILLATION_LOSSES, None, "second")
    loss = _named_loss(recipe.loss, _DISTILLATION_LOSSES, None, "loss")
    return built(DistillationTraining, weights, "training", trained, teacher, loss)


def _named_loss(
    table: Mapping[str, Any],
    known: Mapping[str, Callable[..., nn.Module]],
    default: str | None,
    where: str,
) -> nn.Module:
    values = dict(table)
    name = values.pop("name", default)
    check_choice(f"name in [{where}]", name, tuple(known))
    return built(known[name], values, where)


_MAKERS: dict[str, Callable[[Recipe, nn.Module, TrainingData], Procedure]] = {
    "classifier": _classifier,
    "cmic": _cmic,
    "ncmi": _ncmi,
    "teacher": _teacher,
    "distillation": _distillation,
}
