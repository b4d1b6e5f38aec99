"""``infotheory mi FILE``: mutual information between columns of symbols."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infotheory._typing import AnyArray
from infotheory.cli import _columns, _estimates, _output, _types
from infotheory.cli._estimates import Result
from infotheory.estimators import (
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)
from infotheory.files import SymbolTable, UnusableFileError
from infotheory.files.entries import MISSING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from infotheory._results import Estimate

__all__ = ["run"]

_EPILOG = f"""\
examples:
  infotheory mi survey.csv
      every pair of columns of symbols, the most dependent first
  infotheory mi survey.csv --y vote --plot vote.png
      every column with one: which of them tells most about it
  infotheory mi survey.csv --x age_group sex --y vote --z region
      age group and sex together with vote, within the regions
  infotheory mi survey.csv --x age_group --y vote --permutations 9999 --base 2
      in bits, with a p-value: how often permuted columns look as dependent

{_columns.FILES}
A row counts for a pair where its columns have entries, with --nan-policy omit. Estimates may be
below zero, and are not cut off there. Four bytes an entry are kept in memory.

{_columns.OUTCOME}"""

Names = tuple[str, ...]


class Plan(NamedTuple):
    """Which columns are measured against which: one pair, or many.

    Attributes
    ----------
    x, y, z : tuple of str
        Columns that were asked for; none where each column takes this place in turn.
    others : tuple of str
        Those columns.
    """

    x: Names
    y: Names
    z: Names
    others: Names

    @property
    def columns(self) -> Names:
        """Every column that is read."""
        return tuple(dict.fromkeys((*self.x, *self.y, *self.z, *self.others)))

    def pairs(self, read: Container[str]) -> list[tuple[Names, Names]]:
        """Return x and y of every estimate between columns that could be read."""
        if self.x and self.y:
            return [(self.x, self.y)]
        others = [(name,) for name in self.others if name in read]
        if self.x:
            return [(self.x, other) for other in others]
        if self.y:
            return [(other, self.y) for other in others]
        return list(combinations(others, 2))


def run(argv: Sequence[str]) -> int:
    """Estimate mutual information between columns of a file, and print a table.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory mi``.

    Returns
    -------
    int
        0 if everything was measured, 1 if something could not be.
    """
    arguments = _parse(argv)
    failures: dict[str, Exception] = {}
    results: list[Result] = []
    try:
        table = _columns.opened(arguments.file, arguments.missing)
        plan = _plan(table, arguments)
        codes = _read(table, plan, arguments, failures)
        results = _measure(plan, codes, arguments, failures)
    except UnusableFileError as error:
        failures[str(arguments.file)] = error
    quantity = "I(x; y | z)" if arguments.z else "I(x; y)"
    ranked = sorted(results, key=lambda r: (math.isnan(r.estimate), -r.estimate.value))
    _estimates.show(ranked, quantity)
    _estimates.write(ranked, failures, arguments)
    if arguments.plot is not None and results:
        _draw(arguments.plot, results, ranked, arguments)
    return _estimates.report_failures("mi", failures)


def _plan(table: SymbolTable, arguments: argparse.Namespace) -> Plan:
    """Find the columns."""
    passed_over: dict[str, str] = {}

    def chosen(patterns: Sequence[str] | None) -> Names:
        names, others = table.choose(patterns)
        passed_over.update(others)
        return tuple(names)

    x, y, z = (
        chosen(patterns) if patterns else () for patterns in (arguments.x, arguments.y, arguments.z)
    )
    names = () if x and y else chosen(arguments.columns)
    _columns.note_passed_over(arguments.file, passed_over)
    if x and y:
        return Plan(x, y, z, ())
    others = tuple(name for name in names if name not in {*x, *y, *z})
    least = 1 if x or y else 2
    if len(others) < least:
        raise UnusableFileError(
            f"there must be {least} or more columns of symbols to go through; "
            f"got {_columns.quoted(others) if others else 'none'}."
        )
    return Plan(x, y, z, others)


def _read(
    table: SymbolTable,
    plan: Plan,
    arguments: argparse.Namespace,
    failures: dict[str, Exception],
) -> dict[str, AnyArray]:
    """Return the numbers of symbols of each column; columns gone through may fail one by one."""
    reader = table.reader(plan.columns)
    parts: dict[str, list[AnyArray]] = {name: [] for name in plan.columns}
    with _columns.bar(arguments, reader.n_rows, "rows") as progress:
        for batch in reader.batches():
            for name, numbers in batch.items():
                parts[name].append(numbers.astype(np.int32))
            progress.update(len(parts[plan.columns[0]][-1]))
    _columns.note_texts(arguments.file, reader)
    passed_over = {}
    for name, fact in reader.broken.items():
        if name not in plan.others or name in (arguments.columns or ()):
            raise table.refused(name, fact)
        passed_over[name] = fact
        del parts[name]
    _columns.note_passed_over(arguments.file, passed_over)
    codes = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    if arguments.nan_policy == "omit":
        return codes
    for name in list(codes):
        gone = codes[name] == MISSING
        if gone.any():
            error = _columns.missing_refused(name, int(np.argmax(gone)))
            if name not in plan.others:
                raise error
            failures[f"{arguments.file}[{name}]"] = error
            del codes[name]
    return codes


def _measure(
    plan: Plan,
    codes: Mapping[str, AnyArray],
    arguments: argparse.Namespace,
    failures: dict[str, Exception],
) -> list[Result]:
    pairs = plan.pairs(codes)
    results = []
    with _columns.bar(arguments, len(pairs), "pairs") as progress:
        for x, y in pairs:
            groups = {"x": x, "y": y, **({"z": plan.z} if plan.z else {})}
            labels = {role: ", ".join(names) for role, names in groups.items()}
            try:
                estimate = _estimate(groups, codes, arguments)
            except (TypeError, ValueError, UnusableFileError) as error:
                failures[f"{arguments.file}[{'; '.join(labels.values())}]"] = error
            else:
                missing = codes[x[0]].size - estimate.n
                about = {role: list(names) for role, names in groups.items()}
                results.append(
                    Result(
                        {"file": str(arguments.file), **about},
                        labels,
                        estimate,
                        {"missing": missing},
                    )
                )
            progress.update()
    return results


def _estimate(
    groups: Mapping[str, Names], codes: Mapping[str, AnyArray], arguments: argparse.Namespace
) -> Estimate:
    samples = [
        codes[names[0]] if len(names) == 1 else np.stack([codes[name] for name in names], axis=1)
        for names in groups.values()
    ]
    names = [name for together in groups.values() for name in together]
    there = np.logical_and.reduce([codes[name] != MISSING for name in names])
    if not there.any():
        raise _columns.nothing_left(names)
    if not there.all():
        samples = [rows[there] for rows in samples]
    function: Callable[..., Estimate] = (
        estimate_conditional_mutual_information if "z" in groups else estimate_mutual_information
    )
    with _estimates.quietly():
        # One seed for every pair: a p-value is that of the pair, whatever it is measured with.
        return function(
            *samples,
            method=arguments.method,
            base=arguments.base,
            level=arguments.level,
            n_permutations=arguments.permutations,
            rng=arguments.seed,
        )


def _draw(
    path: Path, results: Sequence[Result], ranked: Sequence[Result], arguments: argparse.Namespace
) -> None:
    """Draw a matrix of all pairs, or the estimates one below another."""
    labels = results[0].labels
    given = f", given {labels['z']}" if "z" in labels else ""
    if arguments.x or arguments.y:
        fixed, other = ("x", "y") if arguments.x else ("y", "x")
        points = {result.labels[other]: result.estimate for result in ranked}
        _estimates.draw_points(path, points, f"mutual information with {labels[fixed]}{given}")
        return
    from infotheory.plotting import pair_matrix

    pairs = {(r.labels["x"], r.labels["y"]): r.estimate for r in results}
    side = min(4.0 + 0.25 * len({name for pair in pairs for name in pair}), 14.0)

    def draw(figure: Figure) -> None:
        pair_matrix(pairs, figure.subplots(), quantity=f"mutual information{given}")

    _output.write_figure(path, (side + 1.0, side), draw)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infotheory mi",
        usage="infotheory mi FILE [options]",
        description="Estimate the mutual information between columns of symbols (whole numbers, "
        "booleans, strings), each with an interval.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help=_columns.FORMATS)
    data = parser.add_argument_group("what to measure")
    for role, text in (
        ("x", "one variable: a column, or several together (default: each column in turn)"),
        ("y", "the other variable"),
        ("z", "condition on these columns"),
    ):
        data.add_argument(
            f"--{role}", metavar="NAME|PATTERN", nargs="+", action="extend", help=text
        )
    data.add_argument(
        "--columns",
        metavar="NAME|PATTERN",
        nargs="+",
        action="extend",
        help="which columns to go through (default: all that hold symbols)",
    )
    _columns.add_data_options(data)
    how = parser.add_argument_group("how")
    _columns.add_method_options(
        how,
        "chao_wang_jost; how many symbols can occur is taken as unknown here, whatever a note says "
        "of n_symbols",
    )
    how.add_argument(
        "--permutations",
        metavar="N",
        type=_types.repeats,
        default=0,
        help="for p-values of independence; 999 say, and of many pairs more (default: none)",
    )
    how.add_argument(
        "--seed", metavar="N", type=_types.seed, default=0, help="of the permutations (default: 0)"
    )
    _columns.add_result_options(
        parser.add_argument_group("results"), "pair", "draw the pairs: all of them as a matrix"
    )
    arguments = parser.parse_args(argv)
    if arguments.x and arguments.y and arguments.columns:
        parser.error("--columns has no meaning with both --x and --y: there is one pair only")
    _columns.check_outputs(parser, arguments, [arguments.file])
    return arguments
