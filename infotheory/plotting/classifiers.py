"""Figures of measured classifiers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from infotheory.classifiers.comparison import comparable, ncmi_error_correlation
from infotheory.plotting._placement import name_points
from infotheory.plotting._style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    SKY,
    dress,
    new_axes,
    shorter,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from infotheory._typing import FloatArray
    from infotheory.classifiers import NCMIReport

__all__ = [
    "class_bars",
    "concentration_separation_plane",
    "ncmi_error_scatter",
    "overview",
]

# Points, their names, and other texts that the names must keep clear of.
_Names: TypeAlias = "tuple[list[tuple[float, float]], list[str], list[Annotation]]"

# In a cloud of few classes the ten loosest have room for their names, in a dense one fewer.
_NAMED_OF_FEW, _NAMED_OF_MANY, _FEW_CLASSES = 10, 4, 20
_CLOUD_NAME_LENGTH = 18
_CLOUD_CLASSES = 1000
_STEPS_OF_A_BAR = 7  # points that names keep clear of
_RAY_SPACING = 0.12  # along the upper and right edge, in sides of the axes


def concentration_separation_plane(
    reports: NCMIReport | Mapping[str, NCMIReport],
    ax: Axes | None = None,
    *,
    per_class: bool | None = None,
) -> Axes:
    """Draw models as points: concentration CMI across, separation Gamma upwards.

    A model with tight, distant clusters lies to the upper left. Grey rays join points of equal
    NCMI = CMI / Gamma. Models with infinite Gamma are hollow markers on the upper edge.

    Parameters
    ----------
    reports : NCMIReport or mapping of str to NCMIReport
        One report, or one for each model name.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    per_class : bool, optional
        Draw the classes of a model as a cloud around it: (CMI_y, Gamma_y), where Gamma_y is half
        the mean cross entropy with the other classes, taken in both directions, so that the
        frequency-weighted mean of the cloud is the model. By default for a single report of at
        most 1000 classes, since it takes their separation matrix.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no report.
    """
    named = _named(reports)
    ax = new_axes(ax, (6.4, 4.8))
    name_points(ax, *_plane(ax, named, per_class))
    return ax


def ncmi_error_scatter(
    reports: Mapping[str, NCMIReport], ax: Axes | None = None, *, note: str | None = None
) -> Axes:
    """Draw the error rate of models against their NCMI, with the correlation of the two.

    Bars are the confidence intervals of models that were measured with intervals. Models with
    infinite Gamma are hollow markers on the axis NCMI = 0, where nothing about their concentration
    can be read off, and take no part in the correlation.

    Parameters
    ----------
    reports : mapping of str to NCMIReport
        One report for each model name. Models without an error rate or NCMI are left out.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    note : str, optional
        What to write into the figure, in place of the correlation above it.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no report with an error rate and an NCMI.
    """
    named = {name: report for name, report in _named(reports).items() if comparable(report)}
    if not named:
        raise ValueError(
            "reports must hold a model with an error rate and an NCMI; got none. "
            "The error rate exists where each class has an output symbol of its own."
        )
    ax = new_axes(ax, (6.4, 4.8))
    name_points(ax, *_scatter(ax, named, note))
    return ax


def class_bars(report: NCMIReport, ax: Axes | None = None, *, top: int = 25) -> Axes:
    """Draw CMI (bars) and error (diamonds, upper axis) of each class, the loosest class first.

    Parameters
    ----------
    report : NCMIReport
        The measured model.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default, as high as the classes need.
    top : int, default 25
        Show at most so many classes: those with the largest CMI.

    Returns
    -------
    matplotlib Axes
        The axes of the bars; those of the error lie over them in the same figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `top` is not positive.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1; got {top}.")
    table = report.per_class
    present = table[table["n"] > 0].sort_values("cmi", ascending=False, kind="stable")
    shown = present.head(top)
    ax = new_axes(ax, (6.4, 1.4 + 0.22 * max(len(shown), 6)))
    rows = np.arange(len(shown))
    ax.barh(rows, shown["cmi"], height=0.7, color=SKY, zorder=2)
    ax.axvline(report.cmi, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
    dress(ax, f"CMI of the class ({report.unit}); dashed: the model's, {report.cmi:.3g}", "")
    ax.set_yticks(rows, [shorter(str(name)) for name in shown.index], color=INK)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(len(shown), 6) - 0.4, -0.6)
    ax.set_xlim(left=0)
    if math.isfinite(report.error):
        over = ax.twiny()
        over.plot(
            100 * shown["error"],
            rows,
            linestyle="none",
            marker="D",
            markersize=5,
            color=ORANGE,
            markeredgecolor="white",
            clip_on=False,
            zorder=4,
        )
        dress(over, "", "")
        over.spines["bottom"].set_visible(False)
        over.spines["top"].set(visible=True, color=ORANGE)
        over.set_xlabel("error of the class (%), diamonds", color=ORANGE)
        over.tick_params(axis="x", colors=ORANGE)
        over.set_xlim(0, 105 * float(shown["error"].max()) or 1.0)
        ax.xaxis.label.set_color(BLUE)
    if len(shown) < len(present):
        ax.set_title(f"{len(shown)} of {len(present)} classes: the largest CMI", fontsize=10)
    return ax


def overview(reports: Mapping[str, NCMIReport], figure: Figure) -> Figure:
    """Fill a figure with what can be drawn of one or several models.

    Several models: their plane beside their error against NCMI. One model: its plane with the
    cloud of its classes beside their bars.

    Parameters
    ----------
    reports : mapping of str to NCMIReport
        One report for each model name.
    figure : matplotlib Figure
        An empty figure, best with ``layout="constrained"``.

    Returns
    -------
    matplotlib Figure
        The figure itself.

    Raises
    ------
    ValueError
        If there is no report.
    """
    named = _named(reports)
    single = len(named) == 1
    judged = {name: report for name, report in named.items() if comparable(report)}
    if not single and not judged:
        concentration_separation_plane(named, figure.subplots())
        return figure
    left, right = figure.subplots(1, 2)
    texts = _plane(left, named, None)
    if single:
        class_bars(next(iter(named.values())), right)
    else:
        name_points(right, *_scatter(right, judged))
    name_points(left, *texts)
    return figure


def _named(reports: NCMIReport | Mapping[str, NCMIReport]) -> dict[str, NCMIReport]:
    named = dict(reports) if isinstance(reports, Mapping) else {"all classes": reports}
    if not named:
        raise ValueError("reports must hold at least one report; got none.")
    return named


def _array(points: Sequence[tuple[float, float]]) -> FloatArray:
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def _alone_and_small(named: Mapping[str, NCMIReport]) -> bool:
    return len(named) == 1 and all(r.n_classes <= _CLOUD_CLASSES for r in named.values())


def _solid(ax: Axes, points: Sequence[tuple[float, float]]) -> None:
    x, y = _array(points).T
    ax.scatter(x, y, s=52, color=BLUE, edgecolor="white", zorder=3)


def _hollow(ax: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Mark points on the edge of the axes, which must not cut them."""
    x, y = _array(points).T
    ax.scatter(
        x, y, s=52, facecolor="white", edgecolor=ORANGE, linewidth=1.6, clip_on=False, zorder=5
    )


def _cloud(report: NCMIReport) -> tuple[list[str], FloatArray]:
    """Points (CMI_y, Gamma_y) of the classes, and the names of those worth a label."""
    table = report.per_class
    weights = table["n"].to_numpy(dtype=np.float64)
    mutual = np.nan_to_num((report.separation + report.separation.T) / 2)
    np.fill_diagonal(mutual, 0.0)
    apart = mutual @ (weights / weights.sum())
    spread = table["cmi"].to_numpy(dtype=np.float64)
    kept = np.flatnonzero(weights > 0)
    room = _NAMED_OF_FEW if kept.size <= _FEW_CLASSES else _NAMED_OF_MANY
    loosest = set(kept[np.argsort(-spread[kept], kind="stable")][:room])
    names = [
        shorter(report.class_names[c], _CLOUD_NAME_LENGTH) if c in loosest else "" for c in kept
    ]
    return names, np.column_stack([spread, apart])[kept]


def _plane(ax: Axes, named: Mapping[str, NCMIReport], per_class: bool | None) -> _Names:
    """Draw all but the names, whose places depend on the finished figure."""
    finite = {name: r for name, r in named.items() if math.isfinite(r.gamma)}
    infinite = {name: r for name, r in named.items() if math.isinf(r.gamma)}
    names = [*finite]
    points = [(r.cmi, r.gamma) for r in finite.values()]
    if per_class or (per_class is None and _alone_and_small(named)):
        for report in finite.values():
            classes, cloud = _cloud(report)
            ax.scatter(cloud[:, 0], cloud[:, 1], s=22, color=BLUE, alpha=0.45, linewidth=0)
            names += classes
            points += [(x, y) for x, y in cloud.tolist()]
    ax.set_xlim(0, 1.18 * max([x for x, _ in points] + [r.cmi for r in infinite.values()]) or 1.0)
    ax.set_ylim(0, 1.18 * max((y for _, y in points), default=0.0) or 1.0)
    unit = next(iter(named.values())).unit
    dress(ax, f"concentration CMI ({unit}), small is tight", f"separation Γ ({unit}), large is far")
    _solid(ax, points[: len(finite)])
    rays = _rays(ax, [x / y for x, y in points if y > 0])
    if infinite:
        top = ax.get_ylim()[1]
        ax.axhline(top, color=ORANGE, linestyle=":", linewidth=1.2, clip_on=False)
        edge = [(r.cmi, top) for r in infinite.values()]
        _hollow(ax, edge)
        points += edge
        names += [f"{name} (Γ = ∞)" for name in infinite]
    return points, names, rays


def _scatter(ax: Axes, named: Mapping[str, NCMIReport], note: str | None = None) -> _Names:
    """Draw all but the names, whose places depend on the finished figure."""
    finite = {name: r for name, r in named.items() if math.isfinite(r.gamma)}
    infinite = {name: r for name, r in named.items() if math.isinf(r.gamma)}
    ends = [_ends(report) for report in named.values()]
    dress(ax, "NCMI = CMI / Γ", "error (%)")
    ax.grid(color=PALE)
    ax.set_xlim(0, 1.15 * max(x[1] for x, _ in ends) or 1.0)
    ax.set_ylim(0, 1.15 * max(y[1] for _, y in ends) or 1.0)
    points = [(r.ncmi, 100 * r.error) for r in finite.values()]
    along = _bars(ax, list(finite.values()))
    _solid(ax, points)
    edge = [(0.0, 100 * r.error) for r in infinite.values()]
    _hollow(ax, edge)
    texts: list[Annotation] = []
    if note is not None:
        # The corner of large NCMI and small error, which stays free where the two go together.
        texts.append(
            ax.annotate(
                note, (0.99, 0.02), xycoords="axes fraction", ha="right", va="bottom",
                fontsize=8, color=GREY,
            )
        )  # fmt: skip
    elif (found := ncmi_error_correlation(finite)) is not None:
        without = f", without the {len(infinite)} hollow" if infinite else ""
        title = f"Pearson {found.pearson:.2f}, Spearman {found.spearman:.2f}"
        ax.set_title(f"{title} ({found.models} models{without})", fontsize=10, color=INK)
    names = [*finite, *(f"{name} (Γ = ∞)" for name in infinite), *("" for _ in along)]
    return points + edge + along, names, texts


def _ends(report: NCMIReport) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of the intervals of NCMI and error in per cent; the values where there is none."""
    ends = []
    for name, scale in (("ncmi", 1.0), ("error", 100.0)):
        low = high = scale * getattr(report, name)
        interval = report.intervals.get(name)
        if interval is not None and math.isfinite(interval.width):
            low, high = min(low, scale * interval.low), max(high, scale * interval.high)
        ends.append((low, high))
    return ends[0], ends[1]


def _bars(ax: Axes, reports: Sequence[NCMIReport]) -> list[tuple[float, float]]:
    """Draw confidence intervals across and upwards; return points along them."""
    along: list[tuple[float, float]] = []
    for report in reports:
        if report.intervals:
            across, upwards = _ends(report)
            x, y = report.ncmi, 100 * report.error
            for ends in ((across, (y, y)), ((x, x), upwards)):
                ax.plot(*ends, color=BLUE, alpha=0.5, linewidth=1.2, zorder=2)
                along += zip(*(np.linspace(*end, _STEPS_OF_A_BAR) for end in ends), strict=True)
    return along


def _rays(ax: Axes, values: Sequence[float]) -> list[Annotation]:
    """Lines of constant NCMI through the points, at round values; their labels."""
    positive = [value for value in values if value > 0]
    if not positive:
        return []
    low, high = 0.7 * min(positive), 1.4 * max(positive)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [m * 10.0**d for d in decades for m in (1, 1.5, 2, 3, 5, 7)]
    inside = [value for value in steps if low <= value <= high]
    labels: list[Annotation] = []
    right, top = ax.get_xlim()[1], ax.get_ylim()[1]
    last = 0.0
    for value in inside:
        x, y = min(right, top * value), min(top, right / value)
        # The way along the edge from the upper left corner, as a fraction of the side.
        way = x / right + (1 - y / top)
        if way - last < _RAY_SPACING:
            continue
        last = way
        ax.plot([0, x], [0, y], color=GREY, linewidth=0.7, alpha=0.6, zorder=1)
        labels.append(
            ax.annotate(
                f"{'NCMI ' if not labels else ''}{value:g}",
                (x, y),
                xytext=(0, 3) if y == top else (3, 0),
                textcoords="offset points",
                ha="center" if y == top else "left",
                va="bottom" if y == top else "center",
                fontsize=8,
                color=GREY,
            )
        )
    return labels
