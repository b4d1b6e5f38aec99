"""What ``infotheory ncmi`` has found: printed, and written."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NamedTuple

from infotheory.cli import _output, _table

if TYPE_CHECKING:
    from infotheory.classifiers import NCMIReport

__all__ = ["Results", "told"]


class Results(NamedTuple):
    """What a run has found, by model, and what failed, by place."""

    reports: dict[str, NCMIReport]
    sources: dict[str, dict[str, str]]
    failures: dict[str, Exception]


def told(results: Results, arguments: argparse.Namespace) -> int:
    """Print the results and write them where they are wanted.

    Returns
    -------
    int
        0 if every model was measured, 1 if some could not be.
    """
    results = results._replace(reports=_table.ranked(results.reports))
    _show(results, arguments)
    _write(results, arguments)
    for where, reason in results.failures.items():
        print(f"infotheory ncmi: {where}: {reason}", file=sys.stderr)
    return 1 if results.failures else 0


def _show(results: Results, arguments: argparse.Namespace) -> None:
    reports = results.reports
    if not reports:
        return
    _output.note_warnings((name, report.warnings) for name, report in reports.items())
    print(_table.model_table(reports))
    if len(reports) > 1:
        print(_table.correlation_line(reports))
    for name, report in reports.items():
        if len(report.per_group):
            print(f"\n{name}\n{_table.group_table(report)}")
        if arguments.per_class:
            print(f"\n{name}\n{_table.class_table(report)}")


def _write(results: Results, arguments: argparse.Namespace) -> None:
    reports, sources = results.reports, results.sources
    if arguments.json is not None:
        content = _table.document(reports, sources, per_class=arguments.per_class)
        content["failed"] = [{"where": w, "reason": str(r)} for w, r in results.failures.items()]
        _output.write_json(arguments.json, content)
    if arguments.csv is not None:
        _table.write_csv(arguments.csv, reports, sources)
    if arguments.plot is not None and reports:
        _table.write_figure(arguments.plot, reports)
