"""Figures. Matplotlib is loaded when one is drawn, and its settings are left alone.

Every function draws into the axes it is given and returns them; without axes it opens a figure
through ``pyplot``, which notebooks show by themselves.
"""

from infotheory.classifiers.comparison import Correlation, ncmi_error_correlation
from infotheory.plotting._style import FIGURES_NEED
from infotheory.plotting.classifiers import (
    class_bars,
    concentration_separation_plane,
    ncmi_error_scatter,
    overview,
)
from infotheory.plotting.estimates import estimate_points, information_matrix, pair_matrix
from infotheory.plotting.networks import map_grid, robustness_curves, robustness_figure
from infotheory.plotting.sequences import block_spectra
from infotheory.plotting.spectrum import spectrum_density
from infotheory.plotting.temperature import temperature_lines
from infotheory.plotting.training import learning_curves, learning_path, training_figure

__all__ = [
    "FIGURES_NEED",
    "Correlation",
    "block_spectra",
    "class_bars",
    "concentration_separation_plane",
    "estimate_points",
    "information_matrix",
    "learning_curves",
    "learning_path",
    "map_grid",
    "ncmi_error_correlation",
    "ncmi_error_scatter",
    "overview",
    "pair_matrix",
    "robustness_curves",
    "robustness_figure",
    "spectrum_density",
    "temperature_lines",
    "training_figure",
]
