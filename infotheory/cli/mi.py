"""``infotheory mi FILE``: mutual information between columns of symbols or measurements."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from infotheory.cli import _columns, _estimates, _output, _types
from infotheory.cli._estimates import Result
from infotheory.cli._variables import (
    Kinds,
    Variable,
    kinds_of,
    read_variables,
    refused,
    sample_of,
)
from infotheory.estimators import (
    CONDITIONAL_METHODS,
    ENTROPY_METHODS,
    INFORMATION_METHODS,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)
from infotheory.estimators.continuous.information import NUMERIC_METHODS
from infotheory.files import SymbolTable, UnusableFileError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from infotheory._results import Estimate

__all__ = ["run"]

_EPILOG = f"""\
examples:
  infotheory mi survey.csv
      every pair of columns, the most dependent first
  infotheory mi survey.csv --y vote --plot vote.png
      every column with one: which of them tells most about it
  infotheory mi survey.csv --x age_group sex --y vote --z region
      age group and sex together with vote, within the regions
  infotheory mi survey.csv --x age_group --y vote --permutations 9999 --base 2
      in bits, with a p-value: how often permuted columns look as dependent
  infotheory mi survey.csv --x height weight --y age --continuous age
      measured columns, two of them together; age too, though of whole numbers

Fractional numbers are measured. Whole numbers, booleans, strings and dates are symbols; so are
numbers with --discrete, and whole numbers are measured with --continuous, or where the method takes
nothing else.
{_columns.ENTRIES}
A row counts for a pair where its columns have entries, with --nan-policy omit. Estimates may be
below zero, and are not cut off there. Four bytes an entry are kept in memory, and eight of one that
is measured.

{_columns.OUTCOME}"""

Names = tuple[str, ...]
Pair = tuple[Names, Names]


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

    def pairs(self, read: Container[str]) -> list[Pair]:
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
        kinds = kinds_of(table, arguments)
        plan = _plan(table, kinds, arguments)
        variables = _read(table, plan, kinds, arguments, failures)
        results = _measure(plan, variables, arguments, failures)
    except UnusableFileError as error:
        failures[str(arguments.file)] = error
    quantity = "I(x; y | z)" if arguments.z else "I(x; y)"
    ranked = sorted(results, key=lambda r: (math.isnan(r.estimate), -r.estimate.value))
    _estimates.show(ranked, quantity)
    _estimates.write(ranked, failures, arguments)
    if arguments.plot is not None and results:
        _draw(arguments.plot, results, ranked, arguments)
    return _estimates.report_failures("mi", failures)


def _plan(table: SymbolTable, kinds: Kinds, arguments: argparse.Namespace) -> Plan:
    """Find the columns."""
    passed_over: dict[str, str] = {}
    measured = None if kinds.all_symbols and not kinds.measurable else kinds.measurable

    def chosen(patterns: Sequence[str] | None) -> Names:
        names, others = table.choose(patterns, measured)
        passed_over.update(others)
        return tuple(names)

    x, y, z = (
        chosen(patterns) if patterns else () for patterns in (arguments.x, arguments.y, arguments.z)
    )
    names = () if x and y else chosen(arguments.columns)
    _columns.note_passed_over(arguments.file, passed_over, kinds.wanted)
    if x and y:
        return Plan(x, y, z, ())
    others = tuple(name for name in names if name not in {*x, *y, *z})
    least = 1 if x or y else 2
    if len(others) < least:
        raise UnusableFileError(
            f"there must be {least} or more columns {'of symbols ' * kinds.all_symbols}to go "
            f"through; got {_columns.quoted(others) if others else 'none'}."
        )
    return Plan(x, y, z, others)


def _read(
    table: SymbolTable,
    plan: Plan,
    kinds: Kinds,
    arguments: argparse.Namespace,
    failures: dict[str, Exception],
) -> dict[str, Variable]:
    """Return the entries of each column; columns gone through may fail one by one."""
    passed_over: dict[str, str] = {}
    variables = read_variables(table, plan.columns, kinds, arguments, passed_over)
    named = {*(arguments.columns or ()), *(arguments.continuous or ())}
    for name, fact in passed_over.items():
        if name not in plan.others or name in named:
            raise refused(table, name, fact, kinds)
    _columns.note_passed_over(arguments.file, passed_over, kinds.wanted)
    if arguments.nan_policy == "omit":
        return variables
    for name in list(variables):
        gone = variables[name].missing
        if gone.any():
            error = _columns.missing_refused(name, int(np.argmax(gone)))
            if name not in plan.others:
                raise error
            failures[f"{arguments.file}[{name}]"] = error
            del variables[name]
    return variables


def _measure(
    plan: Plan,
    variables: Mapping[str, Variable],
    arguments: argparse.Namespace,
    failures: dict[str, Exception],
) -> list[Result]:
    pairs = plan.pairs(variables)
    if plan.others:
        pairs = _suited(pairs, plan.z, variables, arguments)
    results = []
    with _columns.bar(arguments, len(pairs), "pairs") as progress:
        for x, y in pairs:
            groups = {"x": x, "y": y, **({"z": plan.z} if plan.z else {})}
            labels = {role: ", ".join(names) for role, names in groups.items()}
            try:
                estimate = _estimate(groups, variables, arguments)
            except (TypeError, ValueError, UnusableFileError) as error:
                failures[f"{arguments.file}[{'; '.join(labels.values())}]"] = error
            else:
                missing = variables[x[0]].values.size - estimate.n
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


def _suited(
    pairs: Sequence[Pair],
    z: Names,
    variables: Mapping[str, Variable],
    arguments: argparse.Namespace,
) -> list[Pair]:
    """Leave out pairs of which the method takes none, and say how many."""
    any_of_them = (1, 3)
    limits = {"ross": (1, 1), "gao": (1, 2), "ksg_ties": any_of_them, "mesner_shalizi": any_of_them}
    few, many = limits.get(arguments.method, (0, 3))
    kept = []
    for x, y in pairs:
        kinds = [any(variables[name].measured for name in names) for names in (x, y, z) if names]
        if few <= sum(kinds) <= many:
            kept.append((x, y))
    left_out = len(pairs) - len(kept)
    if left_out:
        _output.note(
            f"{arguments.file}: {left_out} of {len(pairs)} pairs are not for --method "
            f"{arguments.method}, and left out"
        )
    return kept


def _estimate(
    groups: Mapping[str, Names], variables: Mapping[str, Variable], arguments: argparse.Namespace
) -> Estimate:
    samples, measured = zip(
        *(sample_of(names, variables) for names in groups.values()), strict=True
    )
    names = [name for together in groups.values() for name in together]
    there = ~np.logical_or.reduce([variables[name].missing for name in names])
    if not there.any():
        raise _columns.nothing_left(names)
    if not there.all():
        samples = tuple(rows[there] for rows in samples)
    function: Callable[..., Estimate] = (
        estimate_conditional_mutual_information if "z" in groups else estimate_mutual_information
    )
    with _estimates.quietly():
        # One seed for every pair: a p-value is that of the pair, whatever it is measured with.
        return function(
            *samples,
            method=arguments.method,
            k=arguments.k,
            discrete=[not kind for kind in measured],
            n_symbols=arguments.n_symbols,
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
        description="Estimate the mutual information between columns of symbols or measurements, "
        "each with an interval.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help=_columns.FORMATS)
    data = parser.add_argument_group("what to measure")
    for option, text in (
        ("x", "one variable: a column, or several together (default: each column in turn)"),
        ("y", "the other variable"),
        ("z", "condition on these columns"),
        ("columns", "which columns to go through (default: all)"),
        ("discrete", "count these as symbols, also where their numbers are fractional"),
        ("continuous", "measure these, also where their numbers are whole"),
    ):
        data.add_argument(
            f"--{option}", metavar="NAME|PATTERN", nargs="+", action="extend", help=text
        )
    _columns.add_data_options(data)
    how = parser.add_argument_group("how")
    _columns.add_method_options(
        how,
        "chao_wang_jost of symbols; of measurements ksg1, or ross for one beside symbols, or "
        "ksg_ties where they repeat or are beside symbols with --z; how many symbols can occur is "
        "taken as unknown here, whatever a note says of n_symbols, without --n-symbols",
        (*ENTROPY_METHODS, *INFORMATION_METHODS),
    )
    how.add_argument(
        "--k",
        metavar="K",
        type=_types.count,
        default=3,
        help="neighbours of measurements (default: 3)",
    )
    how.add_argument(
        "--n-symbols",
        metavar="K",
        type=_types.alphabet,
        nargs="+",
        help="how many symbols of x, of y and of z can occur, with --x and --y",
    )
    how.add_argument(
        "--permutations",
        metavar="N",
        type=_types.repeats,
        default=0,
        help="for p-values of independence; 999 say, and of many pairs more (default: none)",
    )
    how.add_argument(
        "--seed",
        metavar="N",
        type=_types.seed,
        default=0,
        help="of the permutations, and of the parts that intervals of measurements rest on "
        "(default: 0)",
    )
    _columns.add_result_options(
        parser.add_argument_group("results"), "pair", "draw the pairs: all of them as a matrix"
    )
    arguments = parser.parse_args(argv)
    problem = _contradiction(arguments)
    if problem:
        parser.error(problem)
    _columns.check_outputs(parser, arguments, [arguments.file])
    return arguments


def _contradiction(arguments: argparse.Namespace) -> str:
    """Say which options have no meaning together; nothing if all is well."""
    method, n_symbols = arguments.method, arguments.n_symbols
    if arguments.x and arguments.y and arguments.columns:
        return "--columns has no meaning with both --x and --y: there is one pair only"
    if arguments.continuous and method in ENTROPY_METHODS:
        return f"--continuous has no meaning with --method {method}, which counts symbols"
    if arguments.discrete and method in NUMERIC_METHODS:
        return f"--discrete has no meaning with --method {method}, which takes numbers only"
    if arguments.z and method in INFORMATION_METHODS and method not in CONDITIONAL_METHODS:
        return f"--z must be with one of {', '.join(CONDITIONAL_METHODS)}; got --method {method}"
    if n_symbols is not None:
        roles = [role for role in ("x", "y", "z") if getattr(arguments, role)]
        if roles[:2] != ["x", "y"] or len(n_symbols) != len(roles):
            return (
                "--n-symbols must be one number for each of --x, --y and --z; got "
                f"{len(n_symbols)} for {len(roles)} of them"
            )
    return ""
