"""The figure of information spectra of texts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from infotheory.plotting.sequences import block_spectra

plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")


def test_histograms_have_area_one_and_lines_are_normal() -> None:
    rng = np.random.default_rng(0)
    values = {"a": rng.exponential(size=4000), "b": 3 + rng.normal(size=4000)}
    figure, axes = plt.subplots()
    assert block_spectra(values, 10, axes, base=2, symbol="letter") is axes
    assert axes.get_xlabel() == "bits a letter, n = 10"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    for patch in axes.patches:
        heights, edges, _ = patch.get_data()
        assert math.fsum(heights * np.diff(edges)) == pytest.approx(1.0, rel=1e-12)
    for line, each in zip(axes.lines, values.values(), strict=True):
        x, y = line.get_data()
        # The line ends 4.5 deviations from its mean: 7e-6 lie outside; trapezoids of .03 deviations
        assert float(np.diff(x) @ (y[1:] + y[:-1]) / 2) == pytest.approx(1.0, abs=1e-5)
        assert x.mean() == pytest.approx(each.mean(), rel=1e-12)
        assert y.max() == pytest.approx(1 / (each.std() / math.sqrt(10) * math.sqrt(2 * math.pi)))
    plt.close(figure)


def test_values_without_spread_have_a_bar_and_no_line() -> None:
    axes = block_spectra({"even": np.ones(20)}, 4, lengths=np.array([10, 10]))
    assert len(axes.lines) == 0
    assert len(axes.patches) == 1
    plt.close(axes.figure)


def test_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="values must hold at least one model; got none"):
        block_spectra({}, 4)
    with pytest.raises(ValueError, match="n must be at most 3, the longest document"):
        block_spectra({"a": np.ones(3)}, 4)
