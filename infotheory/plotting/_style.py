"""Colours, axes and frames that all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLUE",
    "FIGURES_NEED",
    "GREY",
    "INK",
    "ORANGE",
    "PALE",
    "SKY",
    "dress",
    "new_axes",
    "shorter",
]

# Okabe and Ito's palette: told apart with every common form of colour blindness.
BLUE, SKY, ORANGE = "#0072B2", "#56B4E9", "#D55E00"
INK, GREY, PALE = "#222222", "#6E6E6E", "#EFEFEF"

_NAME_LENGTH = 30

FIGURES_NEED = (
    "figures need matplotlib, which is not installed. "
    'Install it with: pip install "infotheory-toolkit[demo]"'
)


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the given axes, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError(FIGURES_NEED) from error
    return plt.subplots(figsize=size, layout="constrained")[1]


def dress(ax: Axes, across: str, upwards: str) -> None:
    """Label the axes and make their frame light."""
    ax.set_xlabel(across, color=INK)
    ax.set_ylabel(upwards, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(GREY)
    ax.tick_params(colors=GREY, labelcolor=INK)
    ax.set_axisbelow(True)


def shorter(name: str, length: int = _NAME_LENGTH) -> str:
    """Cut a name that is longer than there is room for."""
    return name if len(name) <= length else name[: length - 1] + "…"
