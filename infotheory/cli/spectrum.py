"""``infotheory spectrum``: how likely n letters are to carry much more information than usual."""

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
    from infotheory.measures import Score
    from infotheory.spectrum import Bounds

__all__ = ["run"]

_EPILOG = """\
The score of a letter is -ln p(x); with --reference Q it is ln p(x)/q(x). S is the sum of the scores
of n independent letters, and H their mean, the entropy or the divergence.

examples:
  infotheory spectrum --pmf 0.4,0.3,0.2,0.1 -n 10000 --delta 0.1
      P(S > n (H + 0.1)), certified
  infotheory spectrum --pmf 0.5,0.25,0.25 -n 100 --delta 0.1 0.2 0.3 --side left
  infotheory spectrum --pmf 0.9,0.1 --reference 0.5,0.5 -n 1000 --delta 0.05 --plot law.png

exit status: 0 done, 1 something could not be computed, 2 arguments not understood, 130 interrupted
"""


def run(argv: Sequence[str]) -> int:
    """Bound tails of an information density, and print a table.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory spectrum``.

    Returns
    -------
    int
        0 if every threshold was answered, 1 if not.
    """
    arguments = _parse(argv)
    from infotheory.classifiers.told_once import collected
    from infotheory.spectrum import nep_bounds, tail

    try:
        score = _score(arguments)
        options = {"side": arguments.side, "strict": not arguments.inclusive}
        with collected() as warned:
            found = [
                (
                    delta,
                    tail(score, arguments.n, delta, method=arguments.method, **options),
                    nep_bounds(score, arguments.n, delta, **options),
                )
                for delta in arguments.delta
            ]
        for _, text in warned:
            _output.note(text)
        print(f"{_header(arguments, score)}\n" + "\n".join(_table(found)))
        _documents(arguments, score, found)
        _draw(arguments, score)
    except (ValueError, TypeError) as error:
        print(f"infotheory spectrum: {error}", file=sys.stderr)
        return 1
    return 0


def _score(arguments: argparse.Namespace) -> Score:
    from infotheory.measures import Score

    if arguments.reference is None:
        return Score.entropy(arguments.pmf)
    return Score.relative_entropy(arguments.pmf, arguments.reference)


def _header(arguments: argparse.Namespace, score: Score) -> str:
    name = "H" if arguments.reference is None else "D"
    deviation = math.sqrt(score.variance)
    return (
        f"{name} = {score.mean:.9g} nats a letter, standard deviation {deviation:.9g}, "
        f"n = {arguments.n:,}"
    )


def _table(found: Sequence[tuple[float, Bounds, Bounds]]) -> list[str]:
    left = [["delta", *(f"{delta:g}" for delta, _, _ in found)]]
    right = [
        ["ln P from", *(f"{bounds.lower:.10g}" for _, bounds, _ in found)],
        ["to", *(f"{bounds.upper:.10g}" for _, bounds, _ in found)],
        ["P about", *(_power(bounds) for _, bounds, _ in found)],
        ["closed form from", *(f"{closed.lower:.6g}" for _, _, closed in found)],
        ["to", *(f"{closed.upper:.6g}" for _, _, closed in found)],
    ]
    return aligned(left, right, ["method", *(bounds.method for _, bounds, _ in found)])


def _power(bounds: Bounds) -> str:
    """Return a probability in the notation of powers of ten, however small."""
    middle = 0.5 * (bounds.lower + bounds.upper)
    if not math.isfinite(middle):
        return "0" if bounds.upper == -math.inf else "-"
    exponent = math.floor(middle / math.log(10.0))
    return f"{math.exp(middle - exponent * math.log(10.0)):.6f}e{exponent:+d}"


def _documents(
    arguments: argparse.Namespace, score: Score, found: Sequence[tuple[float, Bounds, Bounds]]
) -> None:
    if arguments.json is None:
        return
    tails: list[dict[str, Any]] = [
        {
            "delta": delta,
            "event": bounds.event,
            "lower": bounds.lower,
            "upper": bounds.upper,
            "method": bounds.method,
            "error_terms": dict(bounds.error_terms),
            "closed_form": [closed.lower, closed.upper],
        }
        for delta, bounds, closed in found
    ]
    content = {
        "infotheory": __version__,
        "mean": score.mean,
        "variance": score.variance,
        "n": arguments.n,
        "tails": tails,
    }
    _output.write_json(arguments.json, _output.finite(content))


def _draw(arguments: argparse.Namespace, score: Score) -> None:
    if arguments.plot is None:
        return
    from infotheory.spectrum import exact

    try:
        law = exact(score, arguments.n)
    except ValueError:
        raise ValueError(
            f"--plot takes a smaller n than {arguments.n:,}, at which the law of S/n is too narrow "
            "to be computed as a whole. The probabilities above hold."
        ) from None
    _output.write_figure(arguments.plot, (7.0, 4.0), lambda figure: law.plot(figure.subplots()))


def _distribution(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be numbers with commas between them; got {text!r}"
        ) from None
    return found


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from infotheory.spectrum import TAIL_METHODS

    parser = argparse.ArgumentParser(
        prog="infotheory spectrum",
        description="Bound how likely n independent letters are to carry an unusual amount of "
        "information, with a certificate.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--pmf", metavar="P,P,...", type=_distribution, required=True, help="probabilities"
    )
    parser.add_argument(
        "--reference", metavar="Q,Q,...", type=_distribution, help="those of another law"
    )
    parser.add_argument(
        "-n", metavar="N", type=_types.whole(1, 10**15), required=True, help="letters"
    )
    finite = _types.number("a finite number", math.isfinite)
    parser.add_argument(
        "--delta", nargs="+", type=finite, required=True, help="distances from the mean a letter"
    )
    parser.add_argument("--side", choices=("right", "left"), default="right", help="which tail")
    parser.add_argument(
        "--inclusive", action="store_true", help="the threshold itself counts (>= instead of >)"
    )
    parser.add_argument(
        "--method", choices=("auto", *TAIL_METHODS), default="auto", help="(default: auto)"
    )
    parser.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    parser.add_argument("--plot", metavar="OUT.png", type=Path, help="draw the law of S/n")
    arguments = parser.parse_args(argv)
    _output.check(parser, [(arguments.json, ""), (arguments.plot, "figure")], [])
    return arguments
