"""Estimates side by side: the printed table and the documents."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from infotheory import __version__
from infotheory.cli import _output
from infotheory.exceptions import InfotheoryWarning

if TYPE_CHECKING:
    import argparse

    from matplotlib.figure import Figure

    from infotheory._results import Estimate

__all__ = ["Result", "aligned", "draw_points", "quietly", "report_failures", "show", "write"]


class Result(NamedTuple):
    """One estimate, and what it is of.

    Attributes
    ----------
    about : dict
        File and columns, as documents name them.
    labels : dict of str to str
        What a line of the table begins with, by heading.
    estimate : Estimate
        The estimate.
    counted : dict of str to int
        What else was counted, by heading.
    beside : mapping
        What documents alone hold.
    """

    about: dict[str, Any]
    labels: dict[str, str]
    estimate: Estimate
    counted: dict[str, int]
    beside: Mapping[str, Any] = MappingProxyType({})

    @property
    def name(self) -> str:
        """What a note calls it."""
        return "; ".join(self.labels.values())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for strict JSON."""
        values = self.estimate.to_dict()
        values["non_finite"] = _output.non_finite(values)
        found: dict[str, Any] = _output.finite(
            self.about | self.counted | values | dict(self.beside)
        )
        return found

    def to_row(self) -> dict[str, Any]:
        """Return what fits on a line."""
        about = {k: "; ".join(v) if isinstance(v, list) else v for k, v in self.about.items()}
        values = self.estimate.to_dict()
        del values["warnings"]
        return about | self.counted | values


@contextmanager
def quietly() -> Iterator[None]:
    """Leave warnings to the results, which keep their texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)
        yield


def show(results: Sequence[Result], quantity: str) -> None:
    """Print the table, and the warnings on standard error."""
    if not results:
        return
    _output.note_warnings((result.name, result.estimate.warnings) for result in results)
    print(_table(results, quantity))


def _table(results: Sequence[Result], quantity: str) -> str:
    """One line a result, in the given order; six decimals, to compare with other programs."""
    estimates = [result.estimate for result in results]
    level = f"{100 * estimates[0].level:g} %"
    left = [[name, *(result.labels[name] for result in results)] for name in results[0].labels]
    right = [
        [quantity, *(_decimal(e.value) for e in estimates)],
        [f"interval, {level}", *(_interval(e) for e in estimates)],
        ["std. error", *(_decimal(e.standard_error) for e in estimates)],
    ]
    if any(e.p_value is not None for e in estimates):
        right.append(["p", *("-" if e.p_value is None else f"{e.p_value:.4g}" for e in estimates)])
    right.append(["n", *(f"{e.n:,}" for e in estimates)])
    for name in results[0].counted:
        numbers = [result.counted[name] for result in results]
        if any(numbers):
            right.append([name, *(f"{number:,}" for number in numbers)])
    heading, *lines = aligned(left, right, ["method", *(e.method for e in estimates)])
    rule = "-" * max(map(len, [heading, *lines]))
    return "\n".join([heading, rule, *lines, f"{quantity} in {estimates[0].unit}."])


def _decimal(value: float) -> str:
    return "-" if math.isnan(value) else _output.cell(value, 1, ".6f")


def _interval(estimate: Estimate) -> str:
    ends = [_decimal(end) for end in (estimate.low, estimate.high)]
    return "-" if "-" in ends else " .. ".join(ends)


def aligned(
    left: Sequence[Sequence[str]], right: Sequence[Sequence[str]], *last: Sequence[str]
) -> list[str]:
    """Return the lines of a table of columns of words, of numbers, and of words again."""
    columns = [(cells, "<") for cells in left]
    columns += [(cells, ">") for cells in right]
    columns += [(cells, "<") for cells in last]
    padded = [[f"{c:{side}{max(map(len, cells))}}" for c in cells] for cells, side in columns]
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]


def draw_points(
    path: Path,
    estimates: Mapping[str, Estimate],
    quantity: str,
    beside: tuple[str, Sequence[float]] | None = None,
) -> None:
    """Draw the estimates one below another."""
    from infotheory.plotting import estimate_points

    def draw(figure: Figure) -> None:
        estimate_points(estimates, figure.subplots(), quantity=quantity, beside=beside)

    _output.write_figure(path, (7.0, 1.4 + 0.26 * min(max(len(estimates), 4), 40)), draw)


def write(
    results: Sequence[Result], failures: Mapping[str, Exception], arguments: argparse.Namespace
) -> None:
    """Write the documents that were asked for."""
    if arguments.json is not None:
        content = {
            "infotheory": __version__,
            "estimates": [result.to_dict() for result in results],
            "failed": [{"where": where, "reason": str(e)} for where, e in failures.items()],
        }
        _output.write_json(arguments.json, content)
    if arguments.csv is not None:
        _output.write_rows(arguments.csv, [result.to_row() for result in results])


def report_failures(verb: str, failures: Mapping[str, Exception]) -> int:
    """Say on standard error what failed, and return the exit status."""
    for where, reason in failures.items():
        print(f"infotheory {verb}: {where}: {reason}", file=sys.stderr)
    return 1 if failures else 0
