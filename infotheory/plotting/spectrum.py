"""Figures of the law of an information density."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from infotheory.plotting._style import BLUE, GREY, INK, ORANGE, SKY, dress, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from infotheory._typing import FloatArray
    from infotheory.spectrum.spectrum import Spectrum

__all__ = ["spectrum_density"]

_DEVIATIONS = 4.5  # shown on each side of the mean
_BARS = 90
_FEWEST_BARS = 3
_RARE = 1e-6  # what is left out on each side where the bars follow atoms
_POINTS = 301


def spectrum_density(spectrum: Spectrum, ax: Axes | None = None, *, normal: bool = True) -> Axes:
    """Draw the density of S_n / n as bars around its mean, beside the normal law.

    A bar has the probability of its interval as its area. Where there are few atoms, each has a
    bar of its own; otherwise bars are a tenth of a deviation wide.

    Parameters
    ----------
    spectrum : Spectrum
        From :func:`infotheory.spectrum.exact`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    normal : bool, default True
        Whether to draw the normal law of the same mean and variance, as a line.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    ax = new_axes(ax, (6.4, 4.0))
    mean, deviation = spectrum.mean, math.sqrt(spectrum.variance)
    if deviation > 0.0:
        edges = _edges(spectrum, mean, deviation)
        ax.stairs(
            _masses(spectrum, edges) / np.diff(edges), edges, fill=True, color=SKY, label="exact"
        )
    else:
        ax.bar([mean], [1.0], width=0.02 * max(abs(mean), 1.0), color=SKY, label="exact")
    if normal and deviation > 0.0:
        x = mean + deviation * np.linspace(-_DEVIATIONS, _DEVIATIONS, _POINTS)
        scale = deviation * math.sqrt(2.0 * math.pi)
        ax.plot(x, np.exp(-0.5 * ((x - mean) / deviation) ** 2) / scale, color=BLUE, label="normal")
    ax.axvline(mean, color=ORANGE, linestyle="--", linewidth=1.2, label=f"mean {mean:.4g}")
    dress(ax, f"nats a letter, n = {spectrum.n:,}", "density" if deviation > 0.0 else "probability")
    ax.set_ylim(bottom=0.0)
    ax.legend(frameon=False, labelcolor=INK, edgecolor=GREY)
    return ax


def _edges(spectrum: Spectrum, mean: float, deviation: float) -> FloatArray:
    """Ends of bars of about a tenth of a deviation, which part atoms half-way where they can."""
    evenly = mean + deviation * np.linspace(-_DEVIATIONS, _DEVIATIONS, _BARS + 1)
    if spectrum.form == "grid":
        return evenly
    low, high = spectrum.quantile([_RARE, 1.0 - _RARE])
    step, shown = spectrum.span, np.empty(0)
    if spectrum.form == "atoms":
        values = spectrum.pmf().values
        shown = values[(values >= low) & (values <= high)]
        gaps = np.diff(shown)
        if len(gaps) and gaps.max() < 1.5 * gaps.min():
            step = float(gaps.mean())
    if step is not None:
        wide = step * max(1, round(2.0 * _DEVIATIONS * deviation / _BARS / step))
        count = math.floor((high - low) / wide + 0.5) + 2
        aligned: FloatArray = low - 0.5 * step + wide * np.arange(count)
        return aligned
    if not _FEWEST_BARS <= len(shown) <= _BARS:
        return evenly
    middles = 0.5 * (shown[1:] + shown[:-1])
    return np.concatenate([[2 * shown[0] - middles[0]], middles, [2 * shown[-1] - middles[-1]]])


def _masses(spectrum: Spectrum, edges: FloatArray) -> FloatArray:
    """Probabilities of the intervals, each from the tail that is smaller there."""
    up, down = spectrum.cdf(edges), spectrum.sf(edges)
    masses: FloatArray = np.where(edges[1:] <= spectrum.mean, np.diff(up), -np.diff(down))
    return np.maximum(masses, 0.0)
