"""Figures of the law of an information density."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infotheory.measures import Score
from infotheory.spectrum._laws import on_a_grid
from infotheory.spectrum.spectrum import Spectrum, exact

FOUR = Score.entropy([0.4, 0.3, 0.2, 0.1])


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def axes() -> Axes:
    return Figure(figsize=(7, 5), layout="constrained").subplots()


def bars(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    (steps,) = ax.patches
    values, edges, _ = steps.get_data()
    return values, edges


@pytest.mark.parametrize(
    "law",
    [exact(FOUR, 30), exact(FOUR, 3), Spectrum(FOUR, 60, on_a_grid(FOUR, 60, 2**10))],
    ids=["many atoms", "few atoms", "grid"],
)
def test_bars_have_the_probability_of_their_interval_as_area(law: Spectrum) -> None:
    heights, edges = bars(law.plot(axes()))
    np.testing.assert_allclose(heights * np.diff(edges), np.diff(law.cdf(edges)), atol=1e-13)
    # 4.5 deviations leave out 7e-6 of a normal law, and here up to ten times as much.
    assert 0.9999 < float((heights * np.diff(edges)).sum()) <= 1.0 + 1e-12


def test_few_atoms_have_a_bar_each() -> None:
    law = exact(Score([0.0, 1.0], [0.5, 0.5]), 10)
    heights, edges = bars(law.plot(axes()))
    np.testing.assert_allclose(edges, (np.arange(12) - 0.5) / 10, atol=1e-15)
    counts = [math.comb(10, c) / 1024 * 10 for c in range(11)]
    np.testing.assert_allclose(heights, counts, rtol=1e-12)


@pytest.mark.parametrize("n", [2000, 10**7])
def test_bars_hold_as_many_points_of_a_lattice_each(n: int) -> None:
    """Or some would be too high by one point, next to others that are too low."""
    law = exact(Score([0.0, 1.0], [0.7, 0.3]), n)
    assert law.form == ("atoms" if n == 2000 else "lattice")
    heights, edges = bars(law.plot(axes()))
    points = np.diff(np.round(edges * n + 0.5, 6))
    assert np.ptp(points) < 1e-3
    assert points[0] == round(points[0])
    x = 0.5 * (edges[1:] + edges[:-1])
    normal = np.exp(-0.5 * (x - law.mean) ** 2 / law.variance)
    normal /= math.sqrt(2.0 * math.pi * law.variance)
    # The skewness moves the density by kappa / 6 (z^3 - 3 z), at most 0.3 of the normal one at
    # n = 2000 and z = 4.5, where that is small; a point too many would be a tenth at the peak.
    np.testing.assert_allclose(heights, normal, atol=0.02 * normal.max())
    assert 0.99999 < float((heights * np.diff(edges)).sum()) < 1.0 + 1e-12


def test_the_normal_law_and_the_mean_are_marked() -> None:
    law = exact(FOUR, 30)
    ax = law.plot(axes())
    normal, mean = ax.lines
    assert list(mean.get_xdata()) == [law.mean, law.mean]
    peak = 1.0 / math.sqrt(2.0 * math.pi * law.variance)
    assert max(normal.get_ydata()) == pytest.approx(peak, rel=1e-12)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["exact", "normal", f"mean {law.mean:.4g}"]
    assert ax.get_xlabel() == "nats a letter, n = 30"
    assert len(law.plot(axes(), normal=False).lines) == 1


def test_a_single_value_is_one_bar() -> None:
    ax = exact(Score.entropy([0.5, 0.5]), 10).plot(axes())
    (bar,) = ax.patches
    assert bar.get_height() == 1.0
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(math.log(2.0))
    assert ax.get_ylabel() == "probability"


def test_given_axes_open_no_figure_and_none_given_open_one() -> None:
    law, before = exact(FOUR, 5), plt.get_fignums()
    law.plot(axes())
    assert plt.get_fignums() == before
    law.plot()
    assert len(plt.get_fignums()) == len(before) + 1


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "infotheory-toolkit\[demo\]"'):
        exact(FOUR, 5).plot()
