"""``infotheory verify TOPIC...``: look for counterexamples to what is meant to hold."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infotheory import __version__
from infotheory.cli import _output, _types
from infotheory.cli._estimates import aligned

if TYPE_CHECKING:
    from infotheory.testing.hunting import Finding, Hunt

__all__ = ["run"]

_EPILOG = """\
topics:
  nep        bounds of the equipartition property hold the exact tails of short sums
  spectrum   certified tails hold the exact ones, by every method, and are narrow
  measures   chain rules, processing, the inequalities of Pinsker and Fano
  renyi      monotonicity in the order, processing, what links the families
  ncmi       signs, identities and merging of CMI and Gamma of any outputs

A case is drawn from the seed and its number alone: the same seed draws the same cases, and --case
repeats one of them. Many are degenerate or nearly so.

examples:
  infotheory verify nep --max-examples 20000
  infotheory verify nep --seed 0 --case 1234

exit status: 0 no counterexample, 1 a counterexample, 2 arguments not understood, 130 interrupted
"""


def run(argv: Sequence[str]) -> int:
    """Look for counterexamples, and print the tightest case of each statement.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory verify``.

    Returns
    -------
    int
        0 if every statement held in every case, 1 if not.
    """
    arguments = _parse(argv)
    if arguments.case is not None:
        return _repeat(arguments)
    from infotheory.testing.hunting import hunt

    found: list[Hunt] = []
    for topic in arguments.topics:
        found.append(
            hunt(
                topic,
                max_examples=arguments.max_examples,
                seed=arguments.seed,
                stop_at=arguments.stop_at,
                progress=not arguments.no_progress and sys.stderr.isatty(),
            )
        )
        _show(found[-1])
    if arguments.json is not None:
        content = {"infotheory": __version__, "hunts": [_document(one) for one in found]}
        _output.write_json(arguments.json, content)
    return 0 if all(one.holds for one in found) else 1


def _repeat(arguments: argparse.Namespace) -> int:
    from infotheory.testing.hunting import findings_of

    status = 0
    for topic in arguments.topics:
        for found in findings_of(topic, arguments.seed, arguments.case):
            status = status if found.margin >= 0.0 else 1
            print(f"{_verdict(found)}  {found.statement}\n  margin {found.margin:.6g}")
            print(f"  {found.case}")
    return status


def _verdict(found: Finding) -> str:
    return "holds   " if found.margin >= 0.0 else "VIOLATED"


def _show(hunt: Hunt) -> None:
    names = sorted(hunt.tightest)
    left = [["statement", *names]]
    right = [
        ["cases", *(f"{hunt.n_checks[name]:,}" for name in names)],
        ["least margin", *(_margin(hunt.tightest[name][1]) for name in names)],
        ["in case", *(str(hunt.tightest[name][0]) for name in names)],
    ]
    print(f"{hunt.topic}: {hunt.n_cases:,} cases of seed {hunt.seed}")
    print("\n".join(aligned(left, right)))
    for case, found in hunt.violations:
        print(f"\nVIOLATED: {found.statement}, by {-found.margin:.6g}\n  {found.case}")
        print(f"  again: infotheory verify {hunt.topic} --seed {hunt.seed} --case {case}")
    print(f"{len(hunt.violations) or 'no'} counterexample{'s' * (len(hunt.violations) != 1)}\n")


def _margin(found: Finding) -> str:
    return f"{found.margin:.3g}" if math.isfinite(found.margin) else str(found.margin)


def _document(hunt: Hunt) -> dict[str, Any]:
    def plain(item: tuple[int, Finding]) -> dict[str, Any]:
        case, found = item
        return {"case": case, **_output.finite(found._asdict()), "margin_text": _margin(found)}

    return {
        "topic": hunt.topic,
        "seed": hunt.seed,
        "n_cases": hunt.n_cases,
        "n_checks": hunt.n_checks,
        "tightest": [plain(item) for item in hunt.tightest.values()],
        "violations": [plain(item) for item in hunt.violations],
    }


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from infotheory.testing.hunting import TOPICS

    parser = argparse.ArgumentParser(
        prog="infotheory verify",
        usage="infotheory verify TOPIC... [options]",
        description="Look for counterexamples to what is meant to hold, among random cases.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "topics", metavar="TOPIC", nargs="+", choices=TOPICS, help=f"one of {', '.join(TOPICS)}"
    )
    parser.add_argument(
        "--max-examples", metavar="N", type=_types.count, default=1000, help="cases (default: 1000)"
    )
    parser.add_argument("--seed", type=_types.seed, default=0, help="of the cases (default: 0)")
    parser.add_argument(
        "--case",
        metavar="I",
        type=_types.repeats,
        help="repeat this case only, and print all of it",
    )
    parser.add_argument(
        "--stop-at",
        metavar="N",
        type=_types.count,
        default=1,
        help="stop after so many counterexamples (default: 1)",
    )
    parser.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    arguments = parser.parse_args(argv)
    _output.check(parser, [(arguments.json, "")], [])
    return arguments
