"""``infotheory entropy FILE...``: entropy of columns of symbols, and of text."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infotheory.cli import _columns, _estimates, _types
from infotheory.cli._counting import Job, Tally, count, jobs_of
from infotheory.cli._estimates import Result
from infotheory.files import TEXT_UNITS, SymbolReader, UnusableFileError

__all__ = ["run"]

_EPILOG = f"""\
examples:
  infotheory entropy survey.csv
      every column of whole numbers, booleans or strings
  infotheory entropy survey.csv --columns age_group 'q*' --base 2
      columns by name and by pattern, in bits
  infotheory entropy survey.csv --columns sex region --joint
      the entropy of both together
  infotheory entropy rolls.npy --n-symbols 6 --per-symbol
      six symbols can occur, seen or not
  infotheory entropy book.txt --text letters words
      letters and words of plain text in UTF-8

{_columns.FILES}
{_columns.OUTCOME}"""

_SYMBOLS_SHOWN = 20


def run(argv: Sequence[str]) -> int:
    """Estimate the entropy of the columns of some files, and print a table.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory entropy``.

    Returns
    -------
    int
        0 if everything was measured, 1 if something could not be.
    """
    arguments = _parse(argv)
    failures: dict[str, Exception] = {}
    jobs: list[Job] = []
    for path in arguments.files:
        try:
            jobs += jobs_of(path, arguments)
        except UnusableFileError as error:
            failures[str(path)] = error
    results: list[Result] = []
    for tally in _counted(jobs, arguments, failures):
        try:
            results.append(_result(tally, arguments))
        except (TypeError, ValueError, UnusableFileError) as error:
            failures[tally.where] = error
    _estimates.show(results, "H")
    if arguments.per_symbol:
        for result in results:
            print(f"\n{_symbol_table(result)}")
    _estimates.write(results, failures, arguments)
    if arguments.plot is not None and results:
        most = ("log of the number of symbols", list(map(_most, results)))
        points = {result.name: result.estimate for result in results}
        _estimates.draw_points(arguments.plot, points, "entropy", most)
    return _estimates.report_failures("entropy", failures)


def _counted(
    jobs: Sequence[Job], arguments: argparse.Namespace, failures: dict[str, Exception]
) -> list[Tally]:
    readers = [job.reader for job in jobs]
    sizes = [reader.n_rows for reader in readers if isinstance(reader, SymbolReader)]
    total = sum(sizes) if len(sizes) == len(readers) else None  # a text has no known length
    omit = arguments.nan_policy == "omit"
    tallies: list[Tally] = []
    with _columns.bar(arguments, total, "rows") as progress:
        for job in jobs:
            tallies += count(job, omit=omit, progress=progress, failures=failures)
    return tallies


def _result(tally: Tally, arguments: argparse.Namespace) -> Result:
    if not tally.counts.n:
        if arguments.text:
            raise UnusableFileError(f"there are no {tally.names[0]} in it.")
        raise _columns.nothing_left(tally.names)
    with _estimates.quietly():
        estimate = tally.counts.estimate_entropy(
            method=arguments.method,
            n_symbols=arguments.n_symbols,
            base=arguments.base,
            level=arguments.level,
        )
    several = {"file": str(tally.path)} if len(arguments.files) > 1 else {}
    return Result(
        {"file": str(tally.path), "columns": list(tally.names)},
        {**several, "column": ", ".join(tally.names)},
        estimate,
        {"distinct": tally.counts.n_symbols_seen, "missing": tally.missing},
        {"symbols": _by_count(tally)} if arguments.per_symbol else {},
    )


def _by_count(tally: Tally) -> list[dict[str, Any]]:
    """Return symbols, or lists of them, and how often each occurs, the most frequent first."""
    books = [tally.reader.symbols(name) for name in tally.names]
    found = []
    for codes, number in zip(tally.counts.symbols, tally.counts.counts.tolist(), strict=True):
        if len(books) == 1:
            symbol = books[0][codes]
        else:
            symbol = [book[code] for book, code in zip(books, codes, strict=True)]
        found.append({"symbol": symbol, "count": number})
    return sorted(found, key=lambda item: -item["count"])


def _symbol_table(result: Result) -> str:
    """Return the most frequent symbols, and what one occurrence of each tells."""
    symbols, n = result.beside["symbols"], result.estimate.n
    shown = symbols[:_SYMBOLS_SHOWN]
    unit = math.log(result.estimate.base or math.e)
    table = [
        ["symbol", *(repr(item["symbol"]) for item in shown)],
        ["count", *(f"{item['count']:,}" for item in shown)],
        ["share", *(f"{item['count'] / n:.6f}" for item in shown)],
        ["-log share", *(f"{math.log(n / item['count']) / unit:.6f}" for item in shown)],
    ]
    left = len(symbols) - len(shown)
    more = f"\n... and {left:,} symbols more; --json writes all of them." if left else ""
    return f"{result.name}\n" + "\n".join(_estimates.aligned(table[:1], table[1:])) + more


def _most(result: Result) -> float:
    """Return the entropy of as many symbols if they were equally frequent."""
    number = result.estimate.n_symbols or result.counted["distinct"]
    return math.log(number) / math.log(result.estimate.base or math.e)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infotheory entropy",
        usage="infotheory entropy FILE... [options]",
        description="Estimate the Shannon entropy of columns of symbols (whole numbers, booleans, "
        "strings), each with an interval.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help=_columns.FORMATS)
    data = parser.add_argument_group("what to measure")
    data.add_argument(
        "--columns",
        metavar="NAME|PATTERN",
        nargs="+",
        action="extend",
        help="columns by name, or by patterns as of a shell (default: all that hold symbols)",
    )
    data.add_argument("--joint", action="store_true", help="the entropy of all of them together")
    data.add_argument(
        "--text",
        nargs="+",
        action="extend",
        choices=TEXT_UNITS,
        help="FILE is plain text (also .gz), of which these are the symbols",
    )
    _columns.add_data_options(data)
    how = parser.add_argument_group("how")
    _columns.add_method_options(
        how,
        "nsb where --n-symbols is given and many of them were not seen or chao_wang_jost would "
        "exceed its logarithm, else chao_wang_jost",
    )
    how.add_argument(
        "--n-symbols",
        metavar="K",
        type=_types.alphabet,
        help="how many symbols can occur, of a column or of all together",
    )
    results = parser.add_argument_group("results")
    _columns.add_result_options(results, "column", "draw the columns")
    results.add_argument(
        "--per-symbol", action="store_true", help="print the most frequent symbols; all into JSON"
    )
    arguments = parser.parse_args(argv)
    if not arguments.files:
        parser.error("the following arguments are required: FILE, in front of the options")
    if arguments.text and (arguments.columns or arguments.joint or arguments.missing):
        parser.error("--text has no columns: leave out --columns, --joint and --missing")
    _columns.check_outputs(parser, arguments, arguments.files)
    return arguments
