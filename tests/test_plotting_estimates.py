"""Figures of estimates: points with intervals, and the matrix of pairs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from infotheory import plotting
from infotheory._results import Estimate, Interval
from infotheory.estimators import PairwiseInformation


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def estimate(value: float, half: float = 0.1, base: float | None = None) -> Estimate:
    interval = Interval(value, value - half, value + half, half / 2, 0.9, "as told")
    return Estimate(value, interval=interval, n=50, method="plugin", base=base)


def axes() -> Axes:
    return Figure(figsize=(7, 5), layout="constrained").subplots()


def ticks(labels: Sequence[plt.Text]) -> list[str]:
    return [label.get_text() for label in labels]


# -------------------------------------------------------------------------------------- the points


def test_points_stand_with_their_intervals_in_the_given_order() -> None:
    shown = {"b": estimate(0.5), "a": estimate(1.5, 0.3)}
    ax = plotting.estimate_points(shown, axes(), quantity="entropy")
    assert ticks(ax.get_yticklabels()) == ["b", "a"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first is uppermost
    bars, points = ax.lines[0:4:2], ax.lines[1:4:2]
    for row, (bar, point, value) in enumerate(zip(bars, points, shown.values(), strict=True)):
        assert list(bar.get_xdata()) == [value.low, value.high]
        assert list(bar.get_ydata()) == [row, row]
        assert (list(point.get_xdata()), list(point.get_ydata())) == ([float(value)], [row])
    assert ax.get_xlabel() == "entropy (nats), 90 % intervals"


def test_values_beside_are_strokes() -> None:
    shown = {"a": estimate(1.0, base=2), "b": estimate(1.5, base=2)}
    ax = plotting.estimate_points(shown, axes(), beside=("the most", [2.0, 3.0]))
    strokes = [line for line in ax.lines if line.get_marker() == "|"]
    assert [list(line.get_xdata()) for line in strokes] == [[2.0], [3.0]]
    assert ax.get_xlabel() == "estimate (bits), 90 % intervals\nstrokes: the most"


def test_of_many_the_largest_are_shown() -> None:
    values = [0.2, np.nan, 0.9, 0.4, 0.7]
    shown = {f"column {k}": estimate(value) for k, value in enumerate(values)}
    beside = ("most", [float(k) for k in range(5)])
    ax = plotting.estimate_points(shown, axes(), top=4, beside=beside)
    assert ticks(ax.get_yticklabels()) == ["column 2", "column 4", "column 3", "column 0"]
    assert ax.get_title() == "4 of 5: the largest values"
    strokes = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"]
    assert strokes == [2.0, 4.0, 3.0, 0.0]
    whole = plotting.estimate_points(shown, axes(), top=5)
    assert whole.get_title() == ""
    assert ticks(whole.get_yticklabels()) == list(shown)


def test_long_names_are_cut() -> None:
    ax = plotting.estimate_points({"n" * 99: estimate(1.0)}, axes())
    assert ticks(ax.get_yticklabels()) == ["n" * 29 + "…"]


def test_points_refuse_to_show_nothing() -> None:
    with pytest.raises(ValueError, match=r"estimates must hold at least one estimate; got none\."):
        plotting.estimate_points({}, axes())
    with pytest.raises(ValueError, match=r"top must be at least 1; got 0\."):
        plotting.estimate_points({"a": estimate(1.0)}, axes(), top=0)


# -------------------------------------------------------------------------------------- the matrix


def test_the_matrix_is_symmetric_and_has_no_diagonal() -> None:
    shown = {("a", "b"): estimate(0.5), ("c", "a"): estimate(0.25, base=None)}
    ax = plotting.pair_matrix(shown, axes())
    (image,) = ax.images
    expected = np.full((3, 3), np.nan)
    expected[[0, 1], [1, 0]] = 0.5
    expected[[0, 2], [2, 0]] = 0.25
    np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), expected)
    assert ticks(ax.get_xticklabels()) == ticks(ax.get_yticklabels()) == ["a", "b", "c"]
    assert sorted(text.get_text() for text in ax.texts) == ["0.25", "0.25", "0.5", "0.5"]
    (strip,) = (other for other in ax.get_figure().axes if other is not ax)
    assert strip.get_ylabel() == "mutual information (nats)"


def test_colours_begin_at_zero_and_take_in_the_intervals() -> None:
    shown = {("a", "b"): estimate(0.01, 0.4), ("a", "c"): estimate(-0.3, 0.1)}
    (image,) = plotting.pair_matrix(shown, axes(), quantity="I").images
    assert image.get_clim() == (0.0, pytest.approx(0.41))
    colours = [to_hex(image.to_rgba(value)) for value in (-0.3, 0.0, 0.41)]
    assert colours == ["#ffffff", "#ffffff", "#0072b2"]
    undefined = {("a", "b"): estimate(0.2, np.nan)}
    assert plotting.pair_matrix(undefined, axes()).images[0].get_clim() == (0.0, 0.2)
    negative = {("a", "b"): estimate(-0.2, 0.1)}
    assert plotting.pair_matrix(negative, axes()).images[0].get_clim() == (0.0, 1.0)


def test_a_variable_with_itself_stays_blank() -> None:
    (image,) = plotting.pair_matrix({("a", "a"): estimate(2.0)}, axes()).images
    assert np.ma.getmaskarray(image.get_array()).all()


@pytest.mark.parametrize(
    ("count", "named", "valued"), [(12, 12, True), (60, 60, False), (61, 31, False)]
)
def test_many_variables_leave_no_room_for_values_and_names(
    count: int, named: int, valued: bool
) -> None:
    shown = {("0", str(k)): estimate(k / count) for k in range(1, count)}
    ax = plotting.pair_matrix(shown)
    assert len(ax.get_xticklabels()) == len(ax.get_yticklabels()) == named
    assert bool(ax.texts) == valued


def test_the_matrix_refuses_to_show_nothing() -> None:
    with pytest.raises(ValueError, match=r"estimates must hold at least one pair; got none\."):
        plotting.pair_matrix({}, axes())


def test_an_infinite_estimate_has_the_darkest_colour() -> None:
    shown = {("a", "b"): estimate(np.inf), ("a", "c"): estimate(0.5, 0.25)}
    (image,) = plotting.pair_matrix(shown, axes()).images
    assert image.get_clim() == (0.0, 0.75)
    assert to_hex(image.to_rgba(image.get_array()[0, 1])) == "#0072b2"


# -------------------------------------------------------------------------- the matrix of a table


def information(values: list[list[float]], names: str, others: str) -> PairwiseInformation:
    array = np.array(values)
    n, method = np.full(array.shape, 9), np.full(array.shape, "ksg1", dtype=object)
    return PairwiseInformation(array, tuple(names), tuple(others), n, method, 2.0)


def test_a_matrix_of_two_tables_has_the_names_of_both() -> None:
    values = [[0.5, -0.25, np.nan], [0.0, 1.0, np.inf]]
    ax = plotting.information_matrix(information(values, "ab", "xyz"), axes())
    (image,) = ax.images
    expected = [[0.5, -0.25, np.nan], [0.0, 1.0, 1.0]]
    np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), expected)
    assert image.get_clim() == (0.0, 1.0)
    assert ticks(ax.get_xticklabels()) == ["x", "y", "z"]
    assert ticks(ax.get_yticklabels()) == ["a", "b"]
    texts = {text.get_position(): (text.get_text(), text.get_color()) for text in ax.texts}
    assert texts[0, 0][0] == "0.5"
    assert texts[2, 1] == ("inf", "white")
    assert (2, 0) not in texts
    (strip,) = (other for other in ax.get_figure().axes if other is not ax)
    assert strip.get_ylabel() == "mutual information (bits)"


def test_the_figure_of_a_matrix_grows_with_the_names() -> None:
    sizes = []
    for count in (1, 4, 40, 99):
        names = "".join(map(chr, range(200, 200 + count)))
        ax = plotting.information_matrix(
            information([[0.1] * count] * count, names, names), quantity="I"
        )
        sizes.append(tuple(ax.get_figure().get_size_inches()))
    assert sizes[0] == pytest.approx((4.4, 3.4))
    assert sizes[1] == pytest.approx((5.0, 4.0))
    assert sizes[2] == pytest.approx((12.2, 11.2))
    assert sizes[3] == pytest.approx((15.0, 14.0))


# ------------------------------------------------------------------------------------- the manners


def test_given_axes_open_no_figure_and_none_given_open_one() -> None:
    before = plt.get_fignums()
    plotting.estimate_points({"a": estimate(1.0)}, axes())
    plotting.pair_matrix({("a", "b"): estimate(1.0)}, axes())
    plotting.information_matrix(information([[1.0]], "a", "b"), axes())
    assert plt.get_fignums() == before
    plotting.estimate_points({"a": estimate(1.0)})
    assert len(plt.get_fignums()) == len(before) + 1


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw, shown in (
        (plotting.estimate_points, {"a": estimate(1.0)}),
        (plotting.pair_matrix, {("a", "b"): estimate(1.0)}),
        (plotting.information_matrix, information([[1.0]], "a", "b")),
    ):
        with pytest.raises(ImportError, match=r'pip install "infotheory-toolkit\[demo\]"'):
            draw(shown)
