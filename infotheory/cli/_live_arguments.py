"""What ``infotheory ncmi --model`` may be told about models at work."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from infotheory.cli import _types
from infotheory.evaluation.stream import ON_ERROR
from infotheory.models.torch_modules import PRECISIONS

__all__ = ["EXAMPLES", "add", "check", "part", "read"]

EXAMPLES = """\
  infotheory ncmi --model timm:resnet50 --model onnx:mine.onnx --data imagefolder:val
      two models at work, in one pass over a folder of images
  infotheory ncmi --model hf:my-model --data tsv:dev.tsv --save-state mine.state
      a text classifier of transformers; after an interruption, the same command goes on
  torchrun --nproc-per-node 4 -m infotheory ncmi --model timm:vit_base --data imagefolder:val
      four processes, a GPU and a part of the images each; the first one prints
  infotheory ncmi --model timm:resnet50 --data imagefolder:val --part 3/16 --save-state 3.state
      a sixteenth of the images, for an array job; --merge puts the states together"""

# With their defaults.
_LIVE = {
    "data": None,
    "batch_size": 64,
    "device": None,
    "precision": "float32",
    "download": False,
    "on_error": "stop",
    "threads": None,
    "label_map": None,
    "save_outputs": None,
    "part": (1, 1),
}


def part(text: str) -> tuple[int, int]:
    """Understand ``I/N``."""
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise argparse.ArgumentTypeError(f"must be I/N, with I from 1 to N; got {text!r}")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    live = parser.add_argument_group(
        "models at work",
        "SPEC is scheme:place. Models: timm:NAME, torchvision:NAME, hf:DIR-or-NAME, onnx:FILE, "
        "sklearn:FILE.skops, python:module:function. Data: imagefolder:DIR, idx:DIR, npz:FILE, "
        "parquet:FILE-or-DIR, tsv:FILE, glue:TASK?dir=DIR, hf:NAME-or-DIR, python:module:function.",
    )
    live.add_argument("--model", metavar="SPEC", action="append", help="may be repeated")
    live.add_argument("--data", metavar="SPEC", help="samples with labels")
    live.add_argument(
        "--batch-size",
        metavar="B",
        type=_types.count,
        help="samples a model sees at a time (default: 64)",
    )
    live.add_argument(
        "--device", metavar="D", help="cuda, cuda:1, mps, cpu (default: a GPU if there is one)"
    )
    live.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="in which models of torch compute (default: float32)",
    )
    live.add_argument(
        "--download",
        action="store_const",
        const=True,
        help="models and data that are not on this machine may be fetched",
    )
    live.add_argument(
        "--on-error",
        choices=ON_ERROR,
        help="what to do about a sample that cannot be read (default: stop)",
    )
    live.add_argument(
        "--threads",
        metavar="N",
        type=_types.whole(0, 1000),
        help="that read ahead of the models (default: one a core, at most eight)",
    )
    live.add_argument(
        "--label-map",
        metavar="FILE.json",
        type=Path,
        help="an object from classes of the data to outputs of the models, names or numbers",
    )
    live.add_argument(
        "--save-outputs",
        metavar="DIR",
        type=Path,
        help="write the outputs into DIR/MODEL.npy and the labels into DIR/labels.npy",
    )
    live.add_argument(
        "--part",
        metavar="I/N",
        type=part,
        help="measure the I-th of N parts of the rows, and write outputs into DIR/partIofN",
    )


def check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """End the program where options do not go together; fill in the others."""
    if arguments.model is None:
        for name in _LIVE:
            if getattr(arguments, name) is not None:
                parser.error(f"--{name.replace('_', '-')} goes with --model")
    else:
        _check_live(parser, arguments)
    for name, default in _LIVE.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)


def _check_live(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if arguments.files:
        parser.error("FILE and --model exclude each other: stored outputs, or models at work")
    if arguments.merge:
        parser.error("--model and --merge exclude each other: measure into a state first")
    if arguments.data is None:
        parser.error("--model needs --data SPEC")
    repeated = sorted({text for text in arguments.model if arguments.model.count(text) > 1})
    if repeated:
        parser.error(f"--model must name each model once; got {repeated[0]!r} again")
    if arguments.name is not None and len(arguments.model) > 1:
        parser.error("--name goes with one --model; several are called by what they name")
    if arguments.interval in {"delta", "bootstrap"}:
        parser.error(
            f"--interval {arguments.interval} needs the outputs once more: use --interval "
            "jackknife, or --save-outputs DIR and measure those files"
        )
    folder = arguments.save_outputs
    if folder is not None and folder.exists() and not folder.is_dir():
        parser.error(f"{folder}: this is no folder")


def read(arguments: argparse.Namespace) -> Iterator[Path]:
    """Yield the files that are read beside models and data."""
    if arguments.label_map is not None:
        yield arguments.label_map
