"""Figures of what temperature does to a classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from infotheory.plotting._style import BLUE, GREY, INK, ORANGE, dress, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from infotheory.classifiers import TemperatureCurve

__all__ = ["temperature_lines"]


def temperature_lines(curve: TemperatureCurve, ax: Axes | None = None) -> Axes:
    """Draw NCMI (left axis) and cross entropy (right axis, dashed) against temperature.

    A dotted line marks temperature 1, and a diamond the least cross entropy of the curve. Without
    class scores there is no cross entropy, and no right axis.

    Parameters
    ----------
    curve : TemperatureCurve
        From :func:`infotheory.classifiers.temperature_curve`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Those of NCMI; those of the cross entropy lie over them in the same figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    ax = new_axes(ax, (6.4, 4.0))
    ax.plot(curve.temperatures, curve.ncmi, color=BLUE, zorder=3)
    dress(ax, "temperature", "NCMI = CMI / Γ")
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.axvline(1.0, color=GREY, linestyle=":", linewidth=1)
    ax.yaxis.label.set_color(BLUE)
    if np.isfinite(curve.cross_entropy).all():
        over = ax.twinx()
        over.plot(curve.temperatures, curve.cross_entropy, color=ORANGE, linestyle="--")
        best = int(curve.cross_entropy.argmin())
        over.plot(
            curve.temperatures[best], curve.cross_entropy[best], color=ORANGE, marker="D",
            markersize=5, markeredgecolor="white",
        )  # fmt: skip
        dress(over, "", "")
        over.spines["left"].set_visible(False)
        over.spines["right"].set(visible=True, color=ORANGE)
        over.set_ylabel(f"cross entropy ({curve.unit}), dashed", color=ORANGE)
        over.yaxis.set_label_position("right")
        over.tick_params(axis="y", colors=ORANGE, labelcolor=INK)
    return ax
