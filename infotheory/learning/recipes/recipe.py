"""What a recipe says, read from TOML and checked before anything is loaded or trained."""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from infotheory._validation import refusal
from infotheory.learning.recipes.tables import check_keys, check_type

__all__ = ["PROCEDURES", "Recipe", "read_recipe", "shipped_recipes"]

PROCEDURES = ("classifier", "cmic", "ncmi", "teacher", "distillation")
"""Names of the training procedures."""

_TABLES = ("data", "settings", "loss", "training", "teacher", "second", "pretraining")
_TEXTS = ("title", "procedure", "network", "weights")
# Which procedure reads which of the tables that not all of them have.
_OF_PROCEDURE = {"teacher": "distillation", "second": "distillation", "pretraining": "teacher"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """An experiment: data, network, procedure, and all their numbers.

    Attributes
    ----------
    title : str
        What it is, in a line.
    procedure : {"classifier", "cmic", "ncmi", "teacher", "distillation"}
        How the network is trained.
    network : str
        As :func:`infotheory.learning.networks.network` names it.
    weights : str or None
        A safetensors file that the network starts from.
    data, settings, loss, training, teacher, second, pretraining : dict
        The tables, as they were written.
    place : Path
        Folder to which paths in the recipe are relative.
    """

    title: str
    procedure: str
    network: str
    weights: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    teacher: Mapping[str, Any] = field(default_factory=dict)
    second: Mapping[str, Any] = field(default_factory=dict)
    pretraining: Mapping[str, Any] = field(default_factory=dict)
    place: Path = Path()


def shipped_recipes() -> dict[str, str]:
    """Return the recipes that come with the package.

    Returns
    -------
    dict of str to str
        Title by name; the name stands for the file in ``infotheory train NAME``.

    Examples
    --------
    >>> from infotheory.learning.recipes import shipped_recipes
    >>> shipped_recipes()["digits-cmic"]
    'CMI-constrained training on handwritten digits'
    """
    folder = files("infotheory.learning.recipes") / "shipped"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        name, dot, ending = file.name.rpartition(".")
        if dot and ending == "toml":
            found[name] = str(tomllib.loads(file.read_text(encoding="utf-8"))["title"])
    return found


def read_recipe(source: str | os.PathLike[str], changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe, and refuse what it does not know.

    Parameters
    ----------
    source : path_like or str
        A TOML file, or the name of a shipped recipe.
    changes : mapping, optional
        Values that replace those of the file, by key: ``{"settings.seed": 1}``.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError
        If there is no such file or name, it is no TOML, a key is not known, or a value has
        another type than it must have.

    Examples
    --------
    >>> from infotheory.learning.recipes import read_recipe
    >>> read_recipe("digits-cmic", {"settings.epochs": 3}).settings["epochs"]
    3
    """
    text, place, name = _content(source)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refusal("recipe", "a TOML file", f"{name!r}: {error}") from error
    content = _changed(content, changes or {})
    check_keys(content, (*_TEXTS, *_TABLES), "recipe")
    for key in _TEXTS:
        check_type(content, key, str, "a text")
    for key in _TABLES:
        check_type(content, key, dict, "a table")
    for key in ("procedure", "network", "data"):
        if key not in content:
            raise refusal("recipe", f"have the key {key!r}", f"none in {name!r}", "Add it.")
    procedure = content["procedure"]
    if procedure not in PROCEDURES:
        raise refusal("procedure", "one of " + ", ".join(map(repr, PROCEDURES)), repr(procedure))
    for key, owner in _OF_PROCEDURE.items():
        if key in content and owner != procedure:
            raise refusal("recipe", f"have [{key}] with procedure {owner!r} only", repr(procedure))
    if procedure == "distillation" and "teacher" not in content:
        raise refusal("recipe", "have the table [teacher]", f"none in {name!r}", "Add it.")
    return Recipe(**{"title": name, "place": place, **content})


def _content(source: str | os.PathLike[str]) -> tuple[str, Path, str]:
    """Return the text of a recipe, the folder of its paths, and its name."""
    path = Path(source)
    if path.is_file():
        return path.read_text(encoding="utf-8"), path.resolve().parent, path.stem
    known = shipped_recipes()
    name = os.fspath(source)
    if name in known:
        file = files("infotheory.learning.recipes") / "shipped" / f"{name}.toml"
        return file.read_text(encoding="utf-8"), Path.cwd(), name
    raise refusal("recipe", f"a TOML file, or one of {', '.join(known)}", repr(name))


def _changed(content: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with some values replaced."""
    content = copy.deepcopy(content)
    for key, value in changes.items():
        *tables, last = key.split(".")
        within = content
        for name in tables:
            within = within.setdefault(name, {})
            if not isinstance(within, dict):
                raise refusal("changes", "name keys of tables", repr(key))
        within[last] = value
    return content
