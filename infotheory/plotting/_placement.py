"""Where the names of points go in a figure, so that they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from infotheory.plotting._style import GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

    from infotheory._typing import FloatArray

__all__ = ["name_points"]

_LABEL_SIZE = 8.5

# Where a name may stand, as offsets in points from its marker: nearer ones are preferred.
_PLACES = np.array(
    [
        (r * x, r * y)
        for r in (7, 14, 22, 34, 48)
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
)


def name_points(
    ax: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    taken: Sequence[Annotation],
) -> None:
    """Write names beside their points, clear of one another and of points where there is room.

    Parameters
    ----------
    ax : matplotlib Axes
        With its limits set: names are placed for the figure as it is now.
    points : sequence of (float, float)
        In data coordinates.
    names : sequence of str
        One a point; a point with an empty name is only kept clear.
    taken : sequence of matplotlib Annotation
        Other texts to keep clear of.
    """
    from matplotlib import patheffects

    figure = ax.get_figure(root=True)
    if figure is None:
        return
    figure.draw_without_rendering()  # settles the layout, on which distances in pixels depend
    pixel = figure.dpi / 72  # pixels in a point
    centres = ax.transData.transform(np.array(points, dtype=np.float64))
    sizes = np.array([_size(ax, name) for name in names]).reshape(-1, 2)
    frame: FloatArray = np.array(ax.get_window_extent().extents)
    marks = np.hstack([centres - 6 * pixel, centres + 6 * pixel])
    fixed = np.vstack([marks, *(label.get_window_extent().extents for label in taken)])
    chosen = np.full((len(names), 4), np.nan)
    shifts = np.zeros((len(names), 2))
    shown = [i for i, name in enumerate(names) if name]
    for _ in range(3):  # later rounds see where the other names went
        for i in shown:
            others = np.vstack([fixed, np.delete(chosen, i, axis=0)])
            reach = np.abs(_PLACES).max(axis=1)
            corners = centres[i] + pixel * _PLACES + sizes[i] * (np.sign(_PLACES) - 1) / 2
            boxes = np.hstack([corners, corners + sizes[i]])
            cost = (
                3 * _overlap(boxes, others)
                + _outside(boxes, frame)
                + 0.005 * reach * sizes[i].prod()
            )
            best = int(np.argmin(cost))
            chosen[i], shifts[i] = boxes[best], _PLACES[best]
    for i in shown:
        dx, dy = shifts[i]
        ax.annotate(
            names[i],
            points[i],
            xytext=(dx, dy),
            textcoords="offset points",
            ha=("right", "center", "left")[int(np.sign(dx)) + 1],
            va=("top", "center", "bottom")[int(np.sign(dy)) + 1],
            fontsize=_LABEL_SIZE,
            color=INK,
            zorder=6,
            in_layout=False,  # the layout is settled: a name must not move it
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkB": 4}
            if max(abs(dx), abs(dy)) > 10
            else None,
            path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
        )


def _size(ax: Axes, text: str) -> tuple[float, float]:
    """Width and height in pixels."""
    probe = ax.text(0, 0, text, fontsize=_LABEL_SIZE)
    box = probe.get_window_extent()
    probe.remove()
    return box.width, box.height


def _overlap(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """Area that each box shares with the others; boxes not placed yet are nan."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: FloatArray = np.nansum(np.clip(high - low, 0, None).prod(axis=2), axis=1)
    return shared


def _outside(boxes: FloatArray, frame: FloatArray) -> FloatArray:
    """Area of each box outside the frame, four times: better to overlap than to be cut off."""
    whole = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    outside: FloatArray = 4 * (whole - _overlap(boxes, frame[None]))
    return outside
