"""Figures of estimates with their intervals, and of pairs of variables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from infotheory.plotting._style import BLUE, GREY, INK, PALE, dress, new_axes, shorter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from infotheory._results import Estimate
    from infotheory._typing import FloatArray
    from infotheory.estimators.pairwise import PairwiseInformation

__all__ = ["estimate_points", "information_matrix", "pair_matrix"]

_VALUES_SHOWN = 12  # variables of a matrix with room for its values
_NAMES_SHOWN = 60  # and for all of their names


def estimate_points(
    estimates: Mapping[str, Estimate],
    ax: Axes | None = None,
    *,
    quantity: str = "estimate",
    beside: tuple[str, Sequence[float]] | None = None,
    top: int = 40,
) -> Axes:
    """Draw estimates as points one below another, with their intervals as bars.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        One estimate for each name, all in one unit.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default, as high as the names need.
    quantity : str, default "estimate"
        What is estimated.
    beside : (str, sequence of float), optional
        A value to compare each estimate with, drawn as a grey stroke, and what these values are.
    top : int, default 40
        Show at most so many: those with the largest values.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no estimate, or `top` is not positive.
    """
    if not estimates:
        raise ValueError("estimates must hold at least one estimate; got none.")
    if top < 1:
        raise ValueError(f"top must be at least 1; got {top}.")
    names, values = list(estimates), list(estimates.values())
    shown = list(range(len(values)))
    if len(values) > top:  # an undefined value comes last
        shown = sorted(shown, key=lambda i: (math.isnan(values[i]), -float(values[i])))[:top]
    ax = new_axes(ax, (6.4, 1.4 + 0.26 * max(len(shown), 4)))
    for row, place in enumerate(shown):
        estimate = values[place]
        ax.plot([estimate.low, estimate.high], [row, row], color=BLUE, linewidth=1.6, zorder=2)
        ax.plot(
            estimate.value, row, color=BLUE, marker="o", markersize=6, markeredgecolor="white",
            zorder=3,
        )  # fmt: skip
        if beside is not None:
            ax.plot(
                beside[1][place], row, color=GREY, marker="|", markersize=11, markeredgewidth=1.4,
                zorder=1,
            )  # fmt: skip
    level = f"{100 * values[0].level:g} % intervals"
    strokes = f"\nstrokes: {beside[0]}" if beside is not None else ""
    dress(ax, f"{quantity} ({values[0].unit}), {level}{strokes}", "")
    ax.set_yticks(range(len(shown)), [shorter(names[i]) for i in shown], color=INK)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(len(shown), 4) - 0.4, -0.6)
    ax.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
    if len(shown) < len(values):
        ax.set_title(f"{len(shown)} of {len(values)}: the largest values", fontsize=10)
    return ax


def pair_matrix(
    estimates: Mapping[tuple[str, str], Estimate],
    ax: Axes | None = None,
    *,
    quantity: str = "mutual information",
) -> Axes:
    """Draw estimates of pairs of variables as a symmetric matrix of colours.

    Parameters
    ----------
    estimates : mapping of (str, str) to Estimate
        One estimate for each pair, in any order of the two, all in one unit. Pairs that are not
        there are grey, as the diagonal is; values below zero are white.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default. The colour bar takes its room from it.
    quantity : str, default "mutual information"
        What is estimated.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no estimate.
    """
    if not estimates:
        raise ValueError("estimates must hold at least one pair; got none.")
    names = list(dict.fromkeys(name for pair in estimates for name in pair))
    places = {name: place for place, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    for (first, second), estimate in estimates.items():
        values[places[first], places[second]] = values[places[second], places[first]] = estimate
    np.fill_diagonal(values, np.nan)
    # The scale takes in the intervals, so that pairs which differ from zero by chance stay pale.
    ends = [end for estimate in estimates.values() for end in (float(estimate), estimate.high)]
    ax = new_axes(ax, (6.4, 5.4))
    unit = next(iter(estimates.values())).unit
    return _matrix(ax, values, (names, names), ends, f"{quantity} ({unit})")


def information_matrix(
    information: PairwiseInformation,
    ax: Axes | None = None,
    *,
    quantity: str = "mutual information",
) -> Axes:
    """Draw the mutual information of pairs of columns as a matrix of colours.

    Parameters
    ----------
    information : PairwiseInformation
        What :func:`infotheory.estimators.pairwise_mutual_information` found. Pairs without an
        estimate are grey, as the diagonal is; values below zero are white.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default, as large as the names need. The colour bar takes its
        room from it.
    quantity : str, default "mutual information"
        What is estimated.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    rows, columns = (
        list(map(str, names)) for names in (information.names, information.other_names)
    )
    ax = new_axes(ax, (_side(len(columns)) + 1.0, _side(len(rows))))
    ends = information.values.ravel().tolist()
    title = f"{quantity} ({information.unit})"
    return _matrix(ax, information.values, (rows, columns), ends, title)


def _side(count: int) -> float:
    """Inches for so many names."""
    return min(max(4.0 + 0.2 * (count - 4), 3.0), 14.0)


def _matrix(
    ax: Axes,
    values: FloatArray,
    names: tuple[Sequence[str], Sequence[str]],
    ends: Sequence[float],
    title: str,
) -> Axes:
    """Colour values from zero to the highest of the ends, and name rows and columns."""
    from matplotlib.colors import LinearSegmentedColormap

    white_to_blue = LinearSegmentedColormap.from_list("white to blue", ["#FFFFFF", BLUE])
    colours = white_to_blue.with_extremes(bad=PALE)
    highest = max((end for end in ends if math.isfinite(end)), default=0.0)
    highest = highest if highest > 0.0 else 1.0
    # What is infinite has the darkest colour.
    shown = np.where(np.isposinf(values), highest, values)
    image = ax.imshow(shown, cmap=colours, vmin=0.0, vmax=highest, interpolation="nearest")
    figure = ax.get_figure()
    assert figure is not None
    strip = figure.colorbar(image, ax=ax, fraction=0.05)
    strip.set_label(title, color=INK)
    strip.outline.set_visible(False)
    dress(ax, "", "")
    ax.spines[["bottom", "left"]].set_visible(False)
    rows, columns = names
    ax.set_xticks(*_labels(columns), rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(*_labels(rows))
    ax.tick_params(length=0)
    if max(values.shape) <= _VALUES_SHOWN:
        for (row, column), value in np.ndenumerate(values):
            if not math.isnan(value):
                dark = value > 0.6 * highest
                ax.text(
                    column, row, f"{value:.3g}", ha="center", va="center", fontsize=8,
                    color="white" if dark else INK,
                )  # fmt: skip
    return ax


def _labels(names: Sequence[str]) -> tuple[range, list[str]]:
    """Return at which places which names stand."""
    places = range(0, len(names), -(-len(names) // _NAMES_SHOWN))
    return places, [shorter(names[place]) for place in places]
