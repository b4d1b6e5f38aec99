"""Figures of training: what they show, and where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from infotheory.plotting.training import learning_curves, learning_path, training_figure


def history(n: int = 5) -> pd.DataFrame:
    epochs = np.arange(1, n + 1)
    table = {"loss": 1 / epochs, "error": 0.5 / epochs, "cmi": 0.3 / epochs, "gamma": 1.0 * epochs}
    return pd.DataFrame(table, index=pd.Index(epochs, name="epoch"))


def axes() -> Axes:
    return Figure(layout="constrained").subplots()


def test_curves_show_loss_and_error() -> None:
    frame = history()
    frame.loc[4, "error"] = 0.01
    ax = learning_curves(frame, axes())
    over = ax.figure.axes[1]
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert ax.lines[0].get_ydata().tolist() == frame["loss"].tolist()
    assert over.lines[0].get_ydata() == pytest.approx(100 * frame["error"])
    assert (over.lines[1].get_xdata().tolist(), over.lines[1].get_ydata().tolist()) == ([4], [1.0])
    assert ax.get_xlabel() == "epoch"
    assert "%" in over.get_ylabel()
    assert over.get_ylim()[0] == 0


def test_curves_without_an_error_have_one_axis() -> None:
    for frame in (history().drop(columns="error"), history().assign(error=np.nan)):
        assert len(learning_curves(frame, axes()).figure.axes) == 1


def test_the_path_is_coloured_by_epoch() -> None:
    frame = history()
    frame.loc[2, "gamma"] = np.inf
    ax = learning_path(frame, axes())
    (points,) = (each for each in ax.collections if isinstance(each, PathCollection))
    kept = frame.drop(index=2)
    np.testing.assert_array_equal(points.get_offsets(), kept[["cmi", "gamma"]])
    np.testing.assert_array_equal(points.get_array(), [1, 3, 4, 5])
    assert ax.lines[0].get_xdata().tolist() == kept["cmi"].tolist()
    assert ax.get_ylabel() == "separation Γ (nats)"
    assert ax.figure.axes[1].get_ylabel() == "epoch"


def test_a_path_of_nothing_is_empty() -> None:
    frame = history().assign(gamma=np.inf)
    assert len(learning_path(frame, axes()).figure.axes) == 1
    with pytest.raises(ValueError, match="frame must have a column 'cmi'; got loss"):
        learning_path(frame[["loss"]])


@pytest.mark.parametrize("n", [1, 5])
def test_the_figure_has_both_where_there_are_both(n: int) -> None:
    for frame, count in ((history(n), 2), (history(n)[["loss"]], 1)):
        figure = training_figure(frame)
        figure.canvas.draw()
        named = [ax for ax in figure.axes if ax.get_xlabel()]
        assert len(named) == count
        plt.close(figure)


def test_a_figure_can_be_filled() -> None:
    figure = Figure(layout="constrained")
    assert training_figure(history(), figure) is figure
    assert len([ax for ax in figure.axes if ax.get_xlabel()]) == 2


def test_a_single_epoch_is_a_dot() -> None:
    ax = learning_curves(history(1), axes())
    assert ax.lines[0].get_marker() == "."
    assert to_rgba(ax.lines[0].get_color()) == to_rgba("#0072B2")
