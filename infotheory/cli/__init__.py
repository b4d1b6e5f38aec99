"""The command line: ``infotheory VERB ...``, one file a verb, imported when it is used."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from infotheory import __version__

__all__ = ["main"]

_VERBS = {
    "ncmi": "CMI, Gamma, NCMI and error of classifiers, at work or by their outputs",
    "entropy": "entropy of columns of symbols, and of text",
    "mi": "mutual information between columns of symbols or measurements",
    "spectrum": "how likely n letters are to carry unusual information, certified",
    "train": "train a classifier as a recipe says, and measure it",
    "finetune": "fine-tune a language model to classify texts, and measure it",
    "verify": "look for counterexamples to what is meant to hold",
    "demo": "train ten small classifiers and measure them",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; those of this process by default.

    Returns
    -------
    int
        0: done; 1: some of the work failed, with the reason on standard error; 2: the arguments
        were not understood; 130: interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = ""
    try:
        verb = _parser().parse_args(arguments[:1]).verb
        status: int = import_module(f"infotheory.cli.{verb}").run(arguments[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing left to flush
        return 1
    except OSError as error:  # a result could not be written
        print(f"infotheory {verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:  # training says how to go on
        print(f"infotheory {verb}: {str(stop) or 'interrupted'}", file=sys.stderr)
        return 130  # what a shell reports for a program stopped by Ctrl-C
    except SystemExit as stop:  # how argparse ends after --help, --version and refusals
        return stop.code if isinstance(stop.code, int) else 2
    return status


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, _VERBS)) + 3
    parser = argparse.ArgumentParser(
        prog="infotheory",
        usage="infotheory [-h] [--version] VERB ...",
        description="Information theory on real data and real networks.",
        epilog="verbs:\n"
        + "".join(f"  {verb:{width}}{text}\n" for verb, text in _VERBS.items())
        + "\n`infotheory VERB --help` describes one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"infotheory {__version__}")
    parser.add_argument("verb", choices=_VERBS, metavar="VERB", help="what to do")
    return parser
