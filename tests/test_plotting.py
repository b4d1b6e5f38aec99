"""Figures: what they show, where, and what they leave alone."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from infotheory import NCMIReport, measure_classifier, plotting

N, K = 120, 4
LABELS = np.arange(N) % K


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def measured(strength: float, seed: int = 0, **options: object) -> NCMIReport:
    noise = np.random.default_rng(seed).normal(size=(N, K))
    return measure_classifier(strength * np.eye(K)[LABELS] + noise, LABELS, **options)


def infinite() -> NCMIReport:
    probs = np.full((N, K), 0.2)
    probs[:, 0] += 0.2
    probs[0] = [1, 0, 0, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return measure_classifier(probs, LABELS, kind="probs")


def many(count: int) -> dict[str, NCMIReport]:
    return {f"model {i}": measured(0.5 + 0.4 * i, seed=i) for i in range(count)}


def axes() -> Axes:
    return Figure(figsize=(7, 5), layout="constrained").subplots()


def names(ax: Axes) -> list[str]:
    """Texts written at points, without those of the rays."""
    texts = [child.get_text() for child in ax.texts if isinstance(child, Annotation)]
    return [text for text in texts if not text.replace("NCMI ", "")[0].isdigit()]


def dots(ax: Axes) -> list[np.ndarray]:
    return [np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets())]


# --------------------------------------------------------------------------------------- the plane


def test_plane_shows_each_model_where_it_belongs() -> None:
    reports = many(5)
    ax = plotting.concentration_separation_plane(reports, axes())
    expected = [(r.cmi, r.gamma) for r in reports.values()]
    np.testing.assert_allclose(dots(ax)[0], expected)
    assert sorted(names(ax)) == sorted(reports)
    assert ax.get_xlim()[0] == ax.get_ylim()[0] == 0.0


def test_plane_names_quantities_and_units() -> None:
    ax = plotting.concentration_separation_plane({"m": measured(1.0, base=2)}, axes())
    assert "CMI (bits)" in ax.get_xlabel()
    assert "Γ (bits)" in ax.get_ylabel()


def test_rays_have_the_ncmi_they_say() -> None:
    ax = plotting.concentration_separation_plane(many(5), axes())
    labels = [t for t in ax.texts if t.get_text().replace("NCMI ", "")[0].isdigit()]
    rays = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == 0.0]
    assert len(labels) == len(rays) >= 2
    assert labels[0].get_text().startswith("NCMI ")
    for label, ray in zip(labels, rays, strict=True):
        x, y = float(ray.get_xdata()[1]), float(ray.get_ydata()[1])
        assert label.xy == (x, y)
        assert x / y == pytest.approx(float(label.get_text().removeprefix("NCMI ")))


def test_names_do_not_cover_one_another_or_the_points() -> None:
    reports = {f"{k} of ten": r for k, r in many(10).items()}
    ax = axes()
    plotting.concentration_separation_plane(reports, ax)
    figure = ax.get_figure()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() in {*reports, "x"}]
    assert len(boxes) == 10
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        for x, y in ax.transData.transform(dots(ax)[0]):
            assert not box.contains(x, y)
        assert ax.bbox.padded(2).contains(*box.min)
        assert ax.bbox.padded(2).contains(*box.max)


def test_infinite_models_are_hollow_on_the_upper_edge() -> None:
    reports = {"a": measured(1.0), "odd": infinite(), "b": measured(2.0)}
    ax = plotting.concentration_separation_plane(reports, axes())
    finite, hollow = dots(ax)
    assert len(finite) == 2
    np.testing.assert_allclose(hollow, [(reports["odd"].cmi, ax.get_ylim()[1])])
    (face,) = ax.collections[-1].get_facecolor()
    assert tuple(face) == (1, 1, 1, 1)
    assert not ax.collections[-1].get_clip_on()
    assert "odd (Γ = ∞)" in names(ax)


def test_only_infinite_models_can_be_drawn() -> None:
    ax = plotting.concentration_separation_plane({"x": infinite(), "y": infinite()}, axes())
    assert sorted(names(ax)) == ["x (Γ = ∞)", "y (Γ = ∞)"]


def test_a_single_report_is_a_cloud_whose_mean_is_the_model() -> None:
    report = measured(1.5, class_names=["ant", "bee", "cat", "dog"])
    ax = plotting.concentration_separation_plane(report, axes())
    cloud, model = dots(ax)
    weights = report.per_class["n"].to_numpy() / report.n
    np.testing.assert_allclose(weights @ cloud, model[0], rtol=1e-12)
    np.testing.assert_allclose(cloud[:, 0], report.per_class["cmi"])
    assert {"ant", "bee", "cat", "dog", "all classes"} == set(names(ax))


def test_the_cloud_is_optional() -> None:
    report = measured(1.5)
    without = plotting.concentration_separation_plane(report, axes(), per_class=False)
    assert [len(d) for d in dots(without)] == [1]
    both = plotting.concentration_separation_plane(many(2), axes(), per_class=True)
    assert [len(d) for d in dots(both)] == [K, K, 2]


def test_a_cloud_of_many_classes_names_the_loosest_only() -> None:
    labels = np.arange(300) % 30
    noise = np.random.default_rng(0).normal(size=(300, 30))
    report = measure_classifier(noise, labels, class_names=[f"class {i:03d}" for i in range(30)])
    ax = plotting.concentration_separation_plane(report, axes())
    loosest = report.per_class["cmi"].nlargest(4).index
    assert set(names(ax)) == {*loosest, "all classes"}


def test_empty_classes_are_left_out() -> None:
    keep = LABELS != 2
    logits = np.random.default_rng(0).normal(size=(N, K))[keep]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = measure_classifier(logits, LABELS[keep])
    ax = plotting.concentration_separation_plane(report, axes())
    assert [len(d) for d in dots(ax)] == [K - 1, 1]
    bars = plotting.class_bars(report, axes())
    assert len(bars.patches) == K - 1


def test_one_class_only_is_drawn_at_the_bottom() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = measure_classifier(np.eye(K)[LABELS] * 2.0 + 0.1, np.zeros(N, int))
    ax = plotting.concentration_separation_plane({"one": report}, axes())
    assert dots(ax)[-1].tolist() == [[report.cmi, 0.0]]


def test_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="reports must hold at least one report; got none"):
        plotting.concentration_separation_plane({}, axes())


# ------------------------------------------------------------------------------------- the scatter


def test_scatter_shows_ncmi_against_error_in_percent() -> None:
    reports = many(4)
    ax = plotting.ncmi_error_scatter(reports, axes())
    np.testing.assert_allclose(dots(ax)[0], [(r.ncmi, 100 * r.error) for r in reports.values()])
    assert sorted(names(ax)) == sorted(reports)
    assert "(%)" in ax.get_ylabel()


def test_scatter_keeps_infinite_models_out_of_the_correlation() -> None:
    reports = many(4)
    found = plotting.ncmi_error_correlation(reports)
    assert found is not None
    ax = plotting.ncmi_error_scatter({**reports, "odd": infinite()}, axes())
    assert ax.get_title() == (
        f"Pearson {found.pearson:.2f}, Spearman {found.spearman:.2f} "
        "(4 models, without the 1 hollow)"
    )
    finite, hollow = dots(ax)
    assert len(finite) == 4
    np.testing.assert_allclose(hollow, [(0.0, 100 * infinite().error)])
    assert "odd (Γ = ∞)" in names(ax)


def test_scatter_of_two_models_states_no_correlation() -> None:
    assert plotting.ncmi_error_scatter(many(2), axes()).get_title() == ""


def test_scatter_of_infinite_models_only() -> None:
    ax = plotting.ncmi_error_scatter({"x": infinite()}, axes())
    assert names(ax) == ["x (Γ = ∞)"]


def test_scatter_shows_intervals_and_keeps_names_clear_of_them() -> None:
    reports = {f"model {i}": measured(0.5 + 0.8 * i, i, interval="jackknife") for i in range(3)}
    reports["plain"] = measured(1.0, 9)
    ax = plotting.ncmi_error_scatter(reports, axes())
    assert ax.get_title().startswith("Pearson")
    assert len(ax.lines) == 6  # two a model with intervals
    ax.get_figure().draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    for line, report in zip(ax.lines[::2], list(reports.values())[:3], strict=True):
        interval = report.intervals["ncmi"]
        np.testing.assert_allclose(line.get_xdata(), [interval.low, interval.high])
        middle = ax.transData.transform(np.stack(line.get_data(), axis=1)).mean(axis=0)
        assert not any(box.contains(*middle) for box in boxes)


def test_a_note_takes_the_place_of_the_title() -> None:
    ax = plotting.ncmi_error_scatter(many(4), axes(), note="nothing to say")
    assert ax.get_title() == ""
    assert "nothing to say" in [text.get_text() for text in ax.texts]


def test_scatter_without_error_rates_is_refused() -> None:
    with pytest.raises(ValueError, match="reports must hold a model with an error rate and an NC"):
        plotting.ncmi_error_scatter({"m": features()}, axes())


def features() -> NCMIReport:
    logits = np.random.default_rng(0).normal(size=(N, K + 2))
    return measure_classifier(logits, LABELS, n_classes=K)


# --------------------------------------------------------------------------------- the correlation


def test_correlation_is_that_of_numpy() -> None:
    reports = many(6)
    found = plotting.ncmi_error_correlation(reports)
    assert found is not None
    x = [r.ncmi for r in reports.values()]
    y = [r.error for r in reports.values()]
    assert found.pearson == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-12)
    assert found.models == 6


def test_correlation_of_ranks() -> None:
    reports = many(3)
    found = plotting.ncmi_error_correlation(reports)
    assert found is not None
    ranks = [
        np.argsort(np.argsort([getattr(r, f) for r in reports.values()])) for f in ("ncmi", "error")
    ]
    assert found.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_no_correlation_where_there_is_none() -> None:
    same = measured(1.0)
    half = {
        f"{i}": measure_classifier(np.random.default_rng(i).normal(size=(N - i, K)), LABELS[i:])
        for i in range(3)
    }
    assert plotting.ncmi_error_correlation({}) is None
    assert plotting.ncmi_error_correlation(many(2)) is None
    assert plotting.ncmi_error_correlation({"a": same, "b": same, "c": same}) is None
    assert plotting.ncmi_error_correlation(half) is None
    assert plotting.ncmi_error_correlation({"f": features(), **many(2)}) is None


# ---------------------------------------------------------------------------------------- the bars


def test_bars_show_all_classes_loosest_first() -> None:
    report = measured(1.0, class_names=["ant", "bee", "cat", "dog"])
    ax = plotting.class_bars(report, axes())
    table = report.per_class.sort_values("cmi", ascending=False)
    assert [bar.get_width() for bar in ax.patches] == list(table["cmi"])
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table.index)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first class is uppermost
    (over,) = (other for other in ax.get_figure().axes if other is not ax)
    np.testing.assert_allclose(over.lines[0].get_xdata(), 100 * table["error"])
    assert "(%)" in over.get_xlabel()
    assert "(nats)" in ax.get_xlabel()


def test_bars_of_a_thousand_classes_show_the_worst() -> None:
    labels = np.arange(2000) % 1000
    noise = np.random.default_rng(0).normal(size=(2000, 1000)).astype(np.float32)
    long = "a very long name of a class, with its synonyms"
    report = measure_classifier(noise, labels, class_names=[f"{i} {long}" for i in range(1000)])
    ax = plotting.class_bars(report)
    assert len(ax.patches) == 25
    assert ax.get_title() == "25 of 1000 classes: the largest CMI"
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == list(report.per_class["cmi"].nlargest(25))
    assert all(len(label.get_text()) == 30 for label in ax.get_yticklabels())
    ax.get_figure().draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))
    assert len(plotting.class_bars(report, axes(), top=40).patches) == 40


def test_bars_without_an_error_rate_have_one_axis() -> None:
    ax = plotting.class_bars(features(), axes())
    assert ax.get_figure().axes == [ax]


def test_bars_refuse_to_show_nothing() -> None:
    with pytest.raises(ValueError, match="top must be at least 1; got 0"):
        plotting.class_bars(measured(1.0), axes(), top=0)


# ------------------------------------------------------------------------------------ the overview


@pytest.mark.parametrize(
    ("reports", "panels"),
    [
        (many(3), 2),  # plane, scatter
        ({"one": measured(1.0)}, 3),  # plane, bars with two axes
        ({"f": features(), "g": features()}, 1),  # plane only: there are no error rates
    ],
)
def test_overview_fills_the_figure(reports: dict[str, NCMIReport], panels: int) -> None:
    figure = Figure(figsize=(12, 5), layout="constrained")
    assert plotting.overview(reports, figure) is figure
    assert len(figure.axes) == panels


def test_overview_keeps_names_apart_in_both_panels() -> None:
    figure = Figure(figsize=(12, 5), layout="constrained")
    plotting.overview(many(8), figure)
    figure.draw_without_rendering()
    for ax in figure.axes:
        boxes = [t.get_window_extent() for t in ax.texts if t.get_text().startswith("model")]
        assert len(boxes) == 8
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:i])


# ------------------------------------------------------------------------------------- the manners


def test_reports_draw_themselves() -> None:
    report = measured(1.0)
    plane, classes = report.plot(), report.plot("classes")
    assert "CMI" in plane.get_xlabel()
    assert len(classes.patches) == K
    ax = axes()
    assert report.plot(ax=ax) is ax


def test_without_axes_pyplot_opens_the_figure_so_that_notebooks_show_it() -> None:
    before = plt.get_fignums()
    ax = plotting.ncmi_error_scatter(many(3))
    assert len(plt.get_fignums()) == len(before) + 1
    assert ax.get_figure().number in plt.get_fignums()


def test_given_axes_open_no_figure() -> None:
    before = plt.get_fignums()
    plotting.class_bars(measured(1.0), axes())
    plotting.concentration_separation_plane(many(2), axes())
    assert plt.get_fignums() == before


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "infotheory-toolkit\[demo\]"'):
        plotting.class_bars(measured(1.0))
