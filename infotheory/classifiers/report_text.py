"""How a report reads: as text, in a notebook, and in tables."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infotheory.classifiers.quantities import finish

if TYPE_CHECKING:
    import pandas as pd

    from infotheory.classifiers.report import NCMIReport

__all__ = ["INFORMATION", "MEANING", "as_html", "as_text", "group_table", "interval_columns"]

MEANING = {
    "cmi": "CMI, concentration I(X;Yhat|Y)",
    "gamma": "Gamma, separation",
    "ncmi": "NCMI = CMI / Gamma",
    "gamma_kl": "Gamma, KL form",
    "gamma_pair": "Gamma, mean over pairs",
    "mutual_information": "I(X;Yhat)",
    "label_information": "I(Y;Yhat)",
    "cross_entropy": "cross entropy",
    "error": "error",
    "top5_error": "top-5 error",
    "expected_calibration_error": "expected calibration error",
}
INFORMATION = (
    "cmi",
    "gamma",
    "gamma_kl",
    "gamma_pair",
    "mutual_information",
    "label_information",
    "cross_entropy",
)


def _rows(report: NCMIReport) -> list[tuple[str, str]]:
    rows = []
    for name, meaning in MEANING.items():
        unit = f" [{report.unit}]" if name in INFORMATION else ""
        value = f"{getattr(report, name):.6g}"
        if name in report.intervals:
            interval = report.intervals[name]
            value += f"  [{interval.low:.6g}, {interval.high:.6g}]"
        rows.append((meaning + unit, value))
    rows.append(
        ("samples, classes, outputs", f"{report.n}, {report.n_classes}, {report.n_outputs}")
    )
    if "ncmi" in report.intervals:
        interval = report.intervals["ncmi"]
        rows.append(("intervals", f"{100 * interval.level:g} %, {interval.method}"))
    if report.zeros:
        row = report.first_zero_row
        rows.append(
            ("exact zeros", f"{report.zeros}" + f", first in row {row}" * (row is not None))
        )
    if report.temperature != 1.0 or report.smoothing != 0.0:
        applied = f"{report.temperature:g}, {report.smoothing:g}"
        rows.append(("temperature, smoothing", applied))
    return rows


def as_text(report: NCMIReport) -> str:
    """Return one line a number, and the warnings."""
    rows = _rows(report)
    width = max(len(label) for label, _ in rows)
    lines = [f"{label:<{width}}  {value}" for label, value in rows]
    return "\n".join([*lines, *(f"note: {text}" for text in report.warnings)])


def as_html(report: NCMIReport) -> str:
    """Return a table, and the warnings."""
    cells = "".join(
        f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
        f"<td>{html.escape(value)}</td></tr>"
        for label, value in _rows(report)
    )
    notes = "".join(f"<p><em>note:</em> {html.escape(text)}</p>" for text in report.warnings)
    return f"<table><tbody>{cells}</tbody></table>{notes}"


def interval_columns(report: NCMIReport) -> dict[str, float]:
    """Return the ends of the intervals under the names that tables give them."""
    return {
        f"{name}_{end}": getattr(interval, end)
        for name, interval in report.intervals.items()
        for end in ("low", "high")
    }


def group_table(whole: NCMIReport, groups: Mapping[str, NCMIReport]) -> pd.DataFrame:
    """Return one row a group, with what the whole has at the classes of the group."""
    import pandas as pd

    rows = []
    for report in groups.values():
        sums = report.sums
        alike = whole.sums.of_classes(sums.cells).reweighted(sums.weight)
        row: dict[str, Any] = {
            "n": report.n,
            "classes": sums.cells.size,
            "error": report.error,
            "cmi": report.cmi,
            "gamma": report.gamma,
            "ncmi": report.ncmi,
            "ncmi_same_classes": finish(alike).ncmi,
        }
        rows.append(row | interval_columns(report))
    return pd.DataFrame(rows, index=pd.Index(list(groups), name="group"))
