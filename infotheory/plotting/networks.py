"""Figures of networks: under attack, and what they look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from infotheory._typing import FloatArray

__all__ = ["map_grid", "robustness_curves", "robustness_figure"]

_COLOURS = (BLUE, ORANGE, SKY, INK, "#009E73", "#CC79A7")
_MARKERS, _LINES = "osD^vX", ("-", "--", ":")
_NORMS = {"linf": "largest change of a number", "l2": "length of the change"}
_SIDE = 1.4  # inches of an image in a grid


def robustness_curves(
    table: pd.DataFrame, ax: Axes | None = None, *, quantity: str = "ncmi"
) -> Axes:
    """Draw a quantity of networks under attack against the strength of the attack.

    Each network has a colour and a marker, each method a kind of line. NCMI where Gamma is
    infinite ranks nothing, and is left out.

    Parameters
    ----------
    table : DataFrame
        From :meth:`infotheory.learning.robustness.RobustnessReport.to_frame`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    quantity : {"ncmi", "error", "cmi", "gamma", "cross_entropy"}, default "ncmi"
        Which column.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the quantity is none of these, or the table is empty.
    """
    if table.empty:
        raise ValueError("table must hold at least one row; got none.")
    unit, norm = table["unit"].iloc[0], table["norm"].iloc[0]
    meaning = {
        "ncmi": "NCMI = CMI / Γ",
        "error": "error (%)",
        "cmi": f"CMI ({unit})",
        "gamma": f"Γ ({unit})",
        "cross_entropy": f"cross entropy ({unit})",
    }
    if quantity not in meaning:
        listed = ", ".join(map(repr, meaning))
        raise ValueError(f"quantity must be one of {listed}; got {quantity!r}.")
    ax = new_axes(ax, (6.4, 4.0))
    networks, methods = list(table["network"].unique()), list(table["method"].unique())
    for (network, method), rows in table.groupby(["network", "method"], sort=False):
        values = 100.0 * rows[quantity] if quantity == "error" else rows[quantity]
        if quantity == "ncmi":
            values = values.where(rows["gamma"] < float("inf"))
        who, how = networks.index(network), methods.index(method)
        ax.plot(
            rows["epsilon"], values, _LINES[how % len(_LINES)],
            color=_COLOURS[who % len(_COLOURS)], marker=_MARKERS[who % len(_MARKERS)],
            markersize=6, markeredgecolor="white",
            label=shorter(f"{network}, {method}" if len(methods) > 1 else str(network)),
        )  # fmt: skip
    dress(ax, f"epsilon ({_NORMS.get(norm, norm)})", meaning[quantity])
    ax.grid(color=PALE)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    if len(networks) * len(methods) > 1:
        ax.legend(frameon=False, labelcolor=INK, edgecolor=GREY)
    return ax


def robustness_figure(table: pd.DataFrame, figure: Figure | None = None) -> Figure:
    """Draw error and NCMI of networks under attack side by side.

    Parameters
    ----------
    table : DataFrame
        From :meth:`infotheory.learning.robustness.RobustnessReport.to_frame`.
    figure : matplotlib Figure, optional
        An empty figure, best with ``layout="constrained"``; a new one by default.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the table is empty.
    """
    figure = _figure(figure, (10.0, 4.0))
    left, right = figure.subplots(1, 2)
    robustness_curves(table, left, quantity="error")
    robustness_curves(table, right, quantity="ncmi")
    if (legend := left.get_legend()) is not None:
        legend.remove()  # one is enough
    return figure


def map_grid(
    images: FloatArray,
    maps: Mapping[str, FloatArray],
    figure: Figure | None = None,
    *,
    row_names: Sequence[str] | None = None,
    opacity: float = 0.5,
) -> Figure:
    """Draw images in the first column, and maps over them in one column for each name.

    Parameters
    ----------
    images : ndarray, shape (n, H, W) or (n, H, W, 3)
        Grey or coloured, in [0, 1].
    maps : mapping of str to ndarray, shape (n, H, W)
        In [0, 1]: dark blue is 0 and yellow 1.
    figure : matplotlib Figure, optional
        An empty figure, best with ``layout="constrained"``; a new one by default.
    row_names : sequence of str, optional
        What to write beside each image.
    opacity : float, default 0.5
        Of the maps.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If maps and images do not belong together.
    """
    n, height, width = images.shape[:3]
    for name, values in maps.items():
        if values.shape != (n, height, width):
            raise ValueError(
                f"maps[{name!r}] must have shape {(n, height, width)}; got {values.shape}."
            )
    if row_names is not None and len(row_names) != n:
        raise ValueError(f"row_names must be {n} names; got {len(row_names)}.")
    columns = 1 + len(maps)
    figure = _figure(figure, (_SIDE * columns, _SIDE * n * height / width + 0.4))
    grid = figure.subplots(n, columns, squeeze=False)
    for row, axes in enumerate(grid):
        for ax, name in zip(axes, ("image", *maps), strict=True):
            ax.imshow(images[row], cmap="gray", vmin=0.0, vmax=1.0)
            if ax is not axes[0]:
                ax.imshow(maps[name][row], cmap="viridis", vmin=0.0, vmax=1.0, alpha=opacity)
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
            if row == 0:
                ax.set_title(shorter(name), fontsize=10, color=INK)
        if row_names is not None:
            axes[0].set_ylabel(shorter(str(row_names[row])), color=INK)
    return figure


def _figure(figure: Figure | None, size: tuple[float, float]) -> Figure:
    """Return the given figure, or a new one of this size in inches."""
    if figure is not None:
        return figure
    new = new_axes(None, size).get_figure(root=True)
    assert new is not None
    new.clear()
    return new
