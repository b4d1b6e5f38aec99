"""Figures of the information of texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from infotheory._results import unit_name
from infotheory.estimators.sequences import block_means
from infotheory.plotting._style import INK, dress, new_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from infotheory._typing import FloatArray, IntArray

__all__ = ["block_spectra"]

_DEVIATIONS = 4.5  # shown on each side of the means
_POINTS = 301


def block_spectra(
    values: Mapping[str, FloatArray],
    n: int,
    ax: Axes | None = None,
    *,
    lengths: IntArray | None = None,
    base: float | None = None,
    symbol: str = "token",
) -> Axes:
    """Draw the information spectrum at n: a histogram of block means beside the normal limit.

    The line is the law that means of n independent densities would have in the limit, normal with
    the variance of single ones over n: a wider histogram shows dependence.

    Parameters
    ----------
    values : mapping of str to array_like of float, shape (m,)
        Information densities by the name of their model, each of the same text.
    n : int
        Symbols in a block.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    lengths : array_like of int, optional
        Symbols in each document: blocks lie within one.
    base : float, optional
        Base of the logarithm that the values are in; nats by default.
    symbol : str, default "token"
        What a symbol is called.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there are no values, or no n in a row.
    """
    if not values:
        raise ValueError("values must hold at least one model; got none.")
    means = {name: block_means(each, n, lengths=lengths) for name, each in values.items()}
    ax = new_axes(ax, (6.4, 4.0))
    for name, each in means.items():
        edges = np.histogram_bin_edges(each, bins="auto" if np.ptp(each) > 0.0 else 1)
        bars = ax.stairs(*np.histogram(each, edges, density=True), fill=True, alpha=0.4, label=name)
        middle = float(np.mean(values[name]))
        deviation = float(np.std(values[name])) / math.sqrt(n)
        if deviation > 0.0:
            x = middle + deviation * np.linspace(-_DEVIATIONS, _DEVIATIONS, _POINTS)
            y = np.exp(-0.5 * ((x - middle) / deviation) ** 2)
            y /= deviation * math.sqrt(2.0 * math.pi)
            ax.plot(x, y, color=bars.get_facecolor()[:3], linewidth=1.4)
    dress(ax, f"{unit_name(base)} a {symbol}, n = {n:,}", "density")
    ax.set_ylim(bottom=0.0)
    ax.set_title("lines: independent densities", fontsize=10, color=INK)
    ax.legend(frameon=False, labelcolor=INK)
    return ax
