"""Measured models side by side: their order, the printed tables, the correlation, the documents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infotheory import __version__
from infotheory.classifiers.comparison import ncmi_error_correlation, ranked
from infotheory.cli import _output
from infotheory.cli._output import cell, finite, non_finite, write_rows

if TYPE_CHECKING:
    from infotheory.classifiers import NCMIReport

__all__ = [
    "class_table",
    "correlation_line",
    "document",
    "group_table",
    "model_table",
    "ranked",
    "write_csv",
    "write_figure",
]

_CLASSES_SHOWN = 20
_INTERVAL_WIDTH = 24

# The columns of the printed table: field, heading, width, format. Six decimals, so that the table
# itself can be compared with other implementations.
_COLUMNS = (
    ("n", "n", 9, ",d"),
    ("error", "error", 9, ".5f"),
    ("cmi", "CMI", 11, ".6f"),
    ("gamma", "Gamma", 12, ".6f"),
    ("ncmi", "NCMI", 11, ".6f"),
    ("cross_entropy", "cross entropy", 15, ".6f"),
)


def model_table(reports: Mapping[str, NCMIReport]) -> str:
    """One line a model, in the given order, flagged where NCMI does not rank it."""
    width = max(map(len, [*reports, "model"]))
    heading = f"{'model':{width}}" + "".join(f"{title:>{w}}" for _, title, w, _ in _COLUMNS)
    levels = sorted({f"{100 * i.level:g}" for r in reports.values() for i in r.intervals.values()})
    if levels:
        heading += f"NCMI, {' and '.join(levels)} %".rjust(_INTERVAL_WIDTH)
    lines = [heading, "-" * len(heading)]
    for name, report in reports.items():
        cells = "".join(cell(getattr(report, field), w, f) for field, _, w, f in _COLUMNS)
        if levels:
            cells += f"{_interval(report):>{_INTERVAL_WIDTH}}"
        lines.append(f"{name:{width}}{cells}{_flag(report)}")
    units = " and ".join(sorted({report.unit for report in reports.values()}))
    lines.append(f"CMI, Gamma and cross entropy in {units}; error is a fraction.")
    return "\n".join(lines)


def _interval(report: NCMIReport) -> str:
    if "ncmi" not in report.intervals:
        return "-"
    ends = (report.intervals["ncmi"].low, report.intervals["ncmi"].high)
    return " .. ".join(cell(end, 1, ".6f") for end in ends)


def _flag(report: NCMIReport) -> str:
    if math.isnan(report.ncmi):
        return "  not ranked: NCMI is undefined"
    if math.isinf(report.gamma):
        return f"  not ranked: {report.zeros:,} exact zeros"
    return ""


def class_table(report: NCMIReport) -> str:
    """Return the classes of a model, largest CMI first, at most twenty."""
    table = report.per_class.sort_values("cmi", ascending=False, kind="stable")
    text = table.head(_CLASSES_SHOWN).to_string(float_format="{:.6f}".format)
    left = len(table) - _CLASSES_SHOWN
    return text + (f"\n... and {left} classes more; --json writes all of them." if left > 0 else "")


def group_table(report: NCMIReport) -> str:
    """Return the groups of a model, in their order; of the intervals, that of NCMI."""
    table = report.per_group
    ends = [f"{name}_{end}" for name in ("error", "cmi", "gamma") for end in ("low", "high")]
    shown = table.drop(columns=ends, errors="ignore")
    return shown.to_string(float_format="{:.6f}".format)


def correlation_line(reports: Mapping[str, NCMIReport]) -> str:
    """Return one sentence on NCMI and error over these models, or why there is none."""
    found = ncmi_error_correlation(reports)
    if found is None:
        return (
            "No correlation of NCMI with error: it takes three models with finite Gamma that\n"
            "differ and were measured on the same labels."
        )
    return (
        f"NCMI against error over {found.models} models: "
        f"Pearson {found.pearson:.3f}, Spearman {found.spearman:.3f}."
    )


def document(
    reports: Mapping[str, NCMIReport],
    sources: Mapping[str, Mapping[str, str]] | None = None,
    *,
    per_class: bool = False,
) -> dict[str, Any]:
    """Everything measured as plain values, ready for strict JSON.

    JSON has no infinity and no nan: such a value is ``null``, and ``"non_finite"`` of its model
    says which it was. In the rows of ``"per_class"`` a ``null`` is always an undefined value:
    a class without samples, or an error rate where classes have no output symbol of their own.
    """
    found = ncmi_error_correlation(reports)
    return {
        "infotheory": __version__,
        "models": [
            {"name": name, **(sources or {}).get(name, {}), **_model(report, per_class=per_class)}
            for name, report in reports.items()
        ],
        "correlation": None if found is None else found._asdict(),
    }


def write_csv(
    path: Path,
    reports: Mapping[str, NCMIReport],
    sources: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write one line a model; infinite values read ``inf``, undefined ones are empty."""
    rows = [
        {"name": name, **(sources or {}).get(name, {}), **_scalars(report), **_ends(report)}
        for name, report in reports.items()
    ]
    write_rows(path, rows)


def write_figure(path: Path, reports: Mapping[str, NCMIReport]) -> None:
    """Draw the overview of the models into a file; its ending selects the format."""
    from infotheory.plotting import overview

    _output.write_figure(path, (12, 4.8), lambda figure: overview(reports, figure))


def _scalars(report: NCMIReport) -> dict[str, Any]:
    return {k: v for k, v in report.to_dict().items() if not isinstance(v, (dict, list))}


def _ends(report: NCMIReport) -> dict[str, float]:
    """Return the ends of the intervals, as columns."""
    return {
        f"{name}_{end}": getattr(interval, end)
        for name, interval in report.intervals.items()
        for end in ("low", "high")
    }


def _model(report: NCMIReport, *, per_class: bool) -> dict[str, Any]:
    values = _scalars(report)
    intervals = report.to_dict()["intervals"]
    found = values | {
        f"intervals.{name}.{end}": value
        for name, interval in intervals.items()
        for end, value in interval.items()
    }
    model = {
        **values,
        "intervals": intervals,
        "warnings": report.warnings,
        "non_finite": non_finite(found),
    }
    groups = report.per_group
    if len(groups):
        model["per_group"] = groups.reset_index().to_dict("records")
    if per_class:
        model["per_class"] = report.per_class.reset_index().to_dict("records")
    return {key: finite(value) for key, value in model.items()}
