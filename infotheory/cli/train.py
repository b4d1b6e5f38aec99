"""``infotheory train RECIPE``: train what a recipe says, and measure it."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infotheory import __version__
from infotheory.cli import _output, _table, _types
from infotheory.evaluation.processes import Processes
from infotheory.models.specs import needed

if TYPE_CHECKING:
    from infotheory.learning.engine import Run

__all__ = ["run"]

_EPILOG = """\
examples:
  infotheory train --list
      the recipes that come with the package
  infotheory train digits-cmic --folder runs/cmic
      train, keep checkpoints, history and network in the folder, measure on the test samples
  infotheory train my.toml --folder runs/mine --resume
      go on after an interruption: the result is that of a run without one
  infotheory train digits-cmic --set settings.epochs=5 --set loss.lam=2.0 --seed 1
      change values of the recipe
  torchrun --nproc-per-node 2 -m infotheory train my.toml --folder runs/mine
      on several processes, with the result of one

A recipe is a TOML file:

  title = "CMI-constrained ResNet-20"
  procedure = "cmic"            # classifier, cmic, ncmi, teacher, distillation
  network = "resnet20"          # mlp:WIDTH,WIDTH, lenet, wrn_16_2, timm:NAME, python:FILE:FACTORY
  [data]
  source = "npz:cifar10.npz"    # any data set of `infotheory ncmi --data`
  validation = 0.1              # a share of it, or another data set
  test = "npz:cifar10_test.npz"
  augment = "crop_flip"
  [loss]
  lam = 0.7
  beta = 0.4
  [settings]
  epochs = 200
  lr = 0.1

exit status: 0 trained, 1 stopped by an error, 2 arguments not understood, 130 interrupted (what
was trained until the last epoch is in the folder, if there is one)
"""


def run(argv: Sequence[str]) -> int:
    """Train, print the measured result, and write what is asked for.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory train``.

    Returns
    -------
    int
        0, or 1 where training stopped with an error.
    """
    arguments = _parse(argv)
    group = Processes.launched()
    if group is not None and group.rank > 0:  # of several processes the first one speaks
        with _output.silent():
            return _train(arguments, speaks=False)
    return _train(arguments, speaks=True)


def _train(arguments: argparse.Namespace, *, speaks: bool) -> int:
    try:
        needed("accelerate", "training", "learning")
        from infotheory.learning.recipes import read_recipe, run_recipe, shipped_recipes

        if arguments.list:
            for name, title in shipped_recipes().items():
                print(f"{name:24}{title}")
            return 0
        recipe = read_recipe(arguments.recipe, arguments.changes)
        done = run_recipe(
            recipe,
            folder=arguments.folder,
            resume=arguments.resume,
            progress=False if arguments.no_progress or not speaks else None,
        )
    except (ArithmeticError, ImportError, RuntimeError, TypeError, ValueError) as error:
        told = " ".join([str(error), *getattr(error, "__notes__", ())])
        print(f"infotheory train: {told}", file=sys.stderr)
        return 1
    if speaks:
        _tell(recipe.title, done, arguments)
    return 0


def _tell(title: str, done: Run, arguments: argparse.Namespace) -> None:
    """Print and write the result."""
    print(f"{title}: {len(done.history)} epochs, {done.stopped}")
    name = arguments.folder.name if arguments.folder else "network"
    if done.report is not None:
        _output.note_warnings([(name, done.report.warnings)])
        print(_table.model_table({name: done.report}))
    if arguments.folder is not None:
        print(f"Checkpoint, history and network: {arguments.folder}")
    if arguments.json is not None:
        content: dict[str, Any] = {"infotheory": __version__, "title": title}
        content["history"] = [_output.finite(row) for row in done.history]
        if done.report is not None:
            content |= {"result": _table.document({name: done.report})["models"][0]}
        _output.write_json(arguments.json, content)
    if arguments.plot is not None:
        _output.write_figure(arguments.plot, (12, 4.8), done.plot)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infotheory train",
        usage="infotheory train RECIPE [options]",
        description="Train a classifier as a recipe says, and measure CMI, Gamma and NCMI of it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recipe", metavar="RECIPE", nargs="?", help="a TOML file, or the name of a shipped recipe"
    )
    parser.add_argument("--list", action="store_true", help="list the shipped recipes")
    parser.add_argument(
        "--folder", metavar="DIR", type=Path, help="keep checkpoints, history and network here"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run that is in the folder"
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_setting,
        help="change a value of the recipe: settings.lr=0.05 (may be repeated)",
    )
    parser.add_argument("--seed", type=_types.seed, help="short for --set settings.seed=N")
    parser.add_argument("--device", help="short for --set settings.device=NAME, such as cpu")
    parser.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    parser.add_argument("--plot", metavar="OUT.png", type=Path, help="draw the course of training")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    arguments = parser.parse_args(argv)
    if arguments.recipe is None and not arguments.list:
        parser.error("the following arguments are required: RECIPE, or --list")
    if arguments.resume and arguments.folder is None:
        parser.error("--resume goes with --folder DIR, where the interrupted run is")
    _output.check(parser, [(arguments.json, ""), (arguments.plot, "figure")], [])
    arguments.changes = dict(arguments.set)
    for key in ("seed", "device"):
        if getattr(arguments, key) is not None:
            arguments.changes[f"settings.{key}"] = getattr(arguments, key)
    return arguments


def _setting(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; what is no TOML value is a text."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"must be of the form KEY=VALUE; got {text!r}")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value
