"""Figures of a network in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from infotheory.plotting._style import BLUE, FIGURES_NEED, GREY, INK, ORANGE, dress, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["learning_curves", "learning_path", "training_figure"]


def learning_curves(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the loss (left axis) and the error on held-out data (right axis, dashed) by epoch.

    A diamond marks the least error. Without an error there is no right axis.

    Parameters
    ----------
    frame : DataFrame
        One row an epoch, with a column "loss" and perhaps "error"; the index counts epochs.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Those of the loss; those of the error lie over them in the same figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    ax = new_axes(ax, (6.4, 4.0))
    from matplotlib.ticker import MaxNLocator

    epochs, loss = frame.index.to_numpy(), frame["loss"].to_numpy()
    ax.plot(epochs, loss, color=BLUE, marker="." if len(frame) < 2 else None, zorder=3)
    dress(ax, "epoch", "training loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.label.set_color(BLUE)
    percent = 100 * frame["error"].to_numpy() if "error" in frame else np.array([np.nan])
    if np.isfinite(percent).any():
        over = ax.twinx()
        over.plot(epochs, percent, color=ORANGE, linestyle="--")
        best = int(np.nanargmin(percent))
        over.plot(
            epochs[best], percent[best], color=ORANGE, marker="D", markersize=5,
            markeredgecolor="white",
        )  # fmt: skip
        dress(over, "", "")
        over.spines["left"].set_visible(False)
        over.spines["right"].set(visible=True, color=ORANGE)
        over.set_ylabel("held-out error (%), dashed", color=ORANGE)
        over.yaxis.set_label_position("right")
        over.tick_params(axis="y", colors=ORANGE, labelcolor=INK)
        over.set_ylim(bottom=0)
    return ax


def learning_path(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the path of a network in training: CMI across, Gamma upwards, coloured by epoch.

    Training moves it to the upper left, where clusters are tight and far apart. Epochs with an
    infinite Gamma are left out.

    Parameters
    ----------
    frame : DataFrame
        One row an epoch, with columns "cmi" and "gamma"; the index counts epochs.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If no epoch was measured.
    """
    for name in ("cmi", "gamma"):
        if name not in frame:
            raise ValueError(
                f"frame must have a column {name!r}; got {', '.join(map(str, frame.columns))}. "
                "Train with validation data."
            )
    ax = new_axes(ax, (5.2, 4.0))
    from matplotlib.ticker import MaxNLocator

    kept = frame[np.isfinite(frame["cmi"]) & np.isfinite(frame["gamma"])]
    ax.plot(kept["cmi"], kept["gamma"], color=GREY, linewidth=1, zorder=2)
    points = ax.scatter(
        kept["cmi"], kept["gamma"], c=kept.index, s=36, cmap="viridis", edgecolor="white",
        linewidth=0.6, zorder=3,
    )  # fmt: skip
    dress(ax, "concentration CMI (nats)", "separation Γ (nats)")
    if len(kept):
        ticks = MaxNLocator(integer=True)
        bar = ax.figure.colorbar(points, ax=ax, label="epoch", ticks=ticks)
        bar.outline.set_visible(False)
    return ax


def training_figure(frame: pd.DataFrame, figure: Figure | None = None) -> Figure:
    """Draw learning curves, and the path of (CMI, Gamma) beside them where it was measured.

    Parameters
    ----------
    frame : DataFrame
        As for :func:`learning_curves` and :func:`learning_path`.
    figure : matplotlib Figure, optional
        An empty one to fill; a new one by default.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    measured = {"cmi", "gamma"} <= set(frame.columns)
    if figure is None:
        try:
            from matplotlib import pyplot as plt
        except ImportError as error:
            raise ImportError(FIGURES_NEED) from error
        figure = plt.figure(figsize=(10.4 if measured else 6.4, 4.0), layout="constrained")
    axes = figure.subplots(1, 1 + measured, squeeze=False)
    learning_curves(frame, axes[0, 0])
    if measured:
        learning_path(frame, axes[0, 1])
    return figure
