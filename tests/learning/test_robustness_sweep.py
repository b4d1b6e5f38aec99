"""Networks under attack are measured as they are, and drawn."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from learning.attacked import attack, perceptron, trained_toy

pytest.importorskip("torch", reason="torch is not installed: no networks to attack")


pytestmark = pytest.mark.usefixtures("seeded")


def sweep(*args: Any, **options: Any) -> Any:
    from infotheory.learning.robustness import robustness_sweep

    return robustness_sweep(*args, progress=False, **options)


@pytest.fixture(scope="module")
def toy() -> tuple[Any, Any, Any]:
    return trained_toy()


def in_double(toy: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """A step goes by signs of gradients: in float32 one near zero may depend on the batch."""
    network, x, y = toy
    return copy.deepcopy(network).double(), x.double(), y


NAMES = ("error", "cmi", "gamma", "ncmi", "cross_entropy")


def test_each_number_is_that_of_the_attacked_samples(toy: tuple[Any, Any, Any]) -> None:
    import torch

    from infotheory import measure_classifier

    network, x, y = in_double(toy)
    found = sweep(
        {"toy": network}, (x, y), epsilons=[0.1, 0.0, 0.05], methods=["fgsm", "pgd"],
        random_start=False, batch_size=64,
    )  # fmt: skip
    keys = [("toy", m, e) for m in ("fgsm", "pgd") for e in (0.0, 0.05, 0.1)]
    assert list(found.reports) == keys
    for _, method, epsilon in keys:
        points = attack(network, x, y, method=method, epsilon=epsilon, random_start=False)
        with torch.no_grad():
            expected = measure_classifier(network(points).numpy(), y.numpy())
        report = found["toy", method, epsilon]
        assert report.n == len(y)
        for name in NAMES:
            # Batches of another size: sums of some hundred terms in another order.
            assert getattr(report, name) == pytest.approx(getattr(expected, name), rel=1e-10)


def test_without_attack_it_is_the_clean_measurement(toy: tuple[Any, Any, Any]) -> None:
    import torch

    from infotheory.learning import NCMIMetric

    network, x, y = toy
    metric = NCMIMetric()
    with torch.no_grad():
        for start in range(0, len(x), 50):
            metric.update(network(x[start : start + 50]), y[start : start + 50])
    clean = metric.compute()
    found = sweep(network, (x.numpy(), y.numpy()), epsilons=[0.0], batch_size=50)
    report = found["MLP", "pgd", 0.0]
    assert {name: getattr(report, name) for name in NAMES} == {
        name: getattr(clean, name) for name in NAMES
    }


def test_a_network_does_not_change_the_numbers_of_another(toy: tuple[Any, Any, Any]) -> None:
    import torch

    network, x, y = toy
    options: dict[str, Any] = {"epsilons": [0.05], "steps": 2}

    def generator() -> Any:
        return torch.Generator().manual_seed(9)

    both = sweep({"a": perceptron(7, 2), "b": network}, (x, y), generator=generator(), **options)
    alone = sweep({"b": network}, (x, y), generator=generator(), **options)
    for name in NAMES:
        assert getattr(both["b", "pgd", 0.05], name) == getattr(alone["b", "pgd", 0.05], name)
    other = sweep({"b": network}, (x, y), generator=torch.Generator().manual_seed(10), **options)
    assert other["b", "pgd", 0.05].cmi != alone["b", "pgd", 0.05].cmi


def test_networks_are_measured_in_evaluation_mode_behind_the_preprocessing(
    torch: ModuleType, toy: tuple[Any, Any, Any]
) -> None:
    network, x, y = toy

    class Inside(torch.nn.Module):
        def forward(self, inputs: Any) -> Any:
            return network((inputs - 0.25) / torch.tensor([0.5, 2.0]))

    options: dict[str, Any] = {"epsilons": [0.0, 0.05], "methods": "fgsm"}
    dropping = torch.nn.Sequential(network, torch.nn.Dropout(0.9)).train()
    preprocessing = (0.25, [0.5, 2.0])
    found = sweep({"a": dropping}, (x, y), preprocessing=preprocessing, **options)
    expected = sweep({"a": Inside()}, (x, y), **options)
    for key, report in found.reports.items():
        assert report.cmi == pytest.approx(expected[key].cmi, rel=1e-5)
        assert report.error == expected[key].error
    assert dropping.training


def test_batches_scores_names_and_units(toy: tuple[Any, Any, Any]) -> None:
    import torch

    network, x, y = in_double(toy)

    def turned(outputs: Any) -> Any:
        return outputs[:, [1, 2, 0]]

    # Inputs in single precision are brought to the precision of the weights.
    pairs = torch.utils.data.TensorDataset(x.float(), y)
    loader = torch.utils.data.DataLoader(pairs, batch_size=100)
    options: dict[str, Any] = {"epsilons": [0.05], "methods": "fgsm"}
    found = sweep(
        {"plain": network, "turned": network}, loader, scores={"turned": turned}, base=2,
        class_names=["a", "b", "c"], **options,
    )  # fmt: skip
    plain = sweep(network, (x, y), **options)["MLP", "fgsm", 0.05]
    report = found["plain", "fgsm", 0.05]
    assert report.unit == "bits"
    assert report.cmi * math.log(2) == pytest.approx(plain.cmi, rel=1e-12)
    assert report.class_names == ("a", "b", "c")
    shifted = sweep(network, (x, (y + 1) % 3), **options)["MLP", "fgsm", 0.05]
    assert found["turned", "fgsm", 0.05].error == shifted.error
    everywhere = sweep(network, (x, y), scores=turned, **options)["MLP", "fgsm", 0.05]
    assert everywhere.error == found["turned", "fgsm", 0.05].error


@pytest.mark.gpu
def test_a_device_finds_the_same(torch: ModuleType, toy: tuple[Any, Any, Any]) -> None:
    """In float64; random starts are drawn on the host for both."""
    network, x, y = in_double(toy)
    options: dict[str, Any] = {"epsilons": [0.0, 0.05], "norm": "l2", "restarts": 2, "steps": 3}

    def found(where: str) -> Any:
        generator = torch.Generator().manual_seed(9)
        return sweep({"a": network.to(where)}, (x, y), generator=generator, **options)

    here, there = found("cpu"), found("cuda")
    for key, report in here.reports.items():
        for name in NAMES:
            assert getattr(there[key], name) == pytest.approx(getattr(report, name), rel=1e-8)


def test_the_table(toy: tuple[Any, Any, Any]) -> None:
    network, x, y = toy
    found = sweep(
        {"a": network, "b": perceptron(7, 2)}, (x, y), epsilons=[0, 0.05], methods=("pgd", "fgsm"),
        norm="l2", steps=2,
    )  # fmt: skip
    table = found.to_frame()
    assert list(table.columns) == [
        "network", "method", "norm", "epsilon", "n", "error", "cmi", "gamma", "ncmi",
        "cross_entropy", "unit",
    ]  # fmt: skip
    assert len(table) == 8
    assert set(table["norm"]) == {"l2"}
    row = table[(table["network"] == "b") & (table["method"] == "fgsm")].iloc[1]
    assert row["epsilon"] == 0.05
    assert row["ncmi"] == found["b", "fgsm", 0.05].ncmi
    assert repr(found) == "RobustnessReport(a, b; pgd, fgsm; l2, epsilon 0, 0.05)"
    with pytest.raises(ValueError, match=r"key must be one of \[\('a', 'pgd', 0\.0\)"):
        found["c", "pgd", 0.0]


def test_warnings_come_once(toy: tuple[Any, Any, Any]) -> None:
    from infotheory.exceptions import EmptyClassWarning

    network, x, y = toy
    some = y < 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sweep(network, (x[some], y[some]), epsilons=[0.0, 0.01, 0.02], methods="fgsm")
    assert [item.category for item in caught] == [EmptyClassWarning]
    assert caught[0].filename == __file__


def test_the_bar_goes_as_far_as_the_samples(
    torch: ModuleType, toy: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tqdm.auto import tqdm

    from infotheory.learning.robustness import robustness_sweep
    from infotheory.learning.robustness import sweep as module

    network, x, y = toy
    bars: list[Any] = []
    shown: list[bool] = []

    def bar(*args: Any, **options: Any) -> Any:
        shown.append(not options["disable"])
        bars.append(tqdm(*args, **options | {"delay": 10**6}))
        return bars[-1]

    monkeypatch.setattr(module, "tqdm", bar)
    robustness_sweep(network, (x, y), epsilons=[0.0], progress=True)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=100)
    robustness_sweep(network, loader, epsilons=[0.0], progress=False)
    assert [each.total for each in bars] == [240, 240]
    assert bars[0].n == 240
    assert shown == [True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilons": []}, r"epsilons must be at least one; got none"),
        ({"epsilons": [0.1, -1]}, r"epsilons must be a finite number, at least 0; got -1"),
        ({"methods": ()}, r"methods must be at least one; got none"),
        ({"methods": "bim"}, r"methods must be one of 'fgsm', 'pgd'; got 'bim'"),
        ({"norm": "l1"}, r"norm must be one of 'linf', 'l2'; got 'l1'"),
        ({"networks": {}}, r"networks must be at least one; got none"),
        ({"scores": {"b": None}}, r"scores must be one of 'a'; got 'b'"),
        ({"batch_size": 0}, r"batch_size must be a positive integer"),
        ({"progress": 1}, r"progress must be True or False; got 1"),
    ],
)
def test_refusals_of_a_sweep(
    toy: tuple[Any, Any, Any], options: dict[str, Any], message: str
) -> None:
    from infotheory.learning.robustness import robustness_sweep

    network, x, y = toy
    given: dict[str, Any] = {"networks": {"a": network}, "data": (x, y), "epsilons": [0.1]}
    with pytest.raises(ValueError, match=message):
        robustness_sweep(**given | {"progress": False} | options)


def test_refusals_of_data(toy: tuple[Any, Any, Any]) -> None:
    network, x, y = toy
    with pytest.raises(ValueError, match=r"as many labels as inputs; got 240 and 10"):
        sweep(network, (x, y[:10]), epsilons=[0.1])
    with pytest.raises(TypeError, match=r"networks must be a torch.nn.Module or a mapping"):
        sweep(lambda z: z, (x, y), epsilons=[0.1])
    with pytest.raises(TypeError, match=r"batches of these; got a batch of type Tensor"):
        sweep(network, [x, x, x], epsilons=[0.1])


# --------------------------------------------------------------------------------------- the figure


@pytest.fixture
def axes() -> Iterator[Any]:
    figure = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed")
    return figure.Figure(figsize=(7, 4), layout="constrained").subplots()


def a_table(**changes: Any) -> Any:
    import pandas as pd

    rows = [
        {
            "network": network, "method": method, "norm": "linf", "epsilon": epsilon, "n": 10,
            "error": 0.1 + epsilon, "cmi": 0.2, "gamma": 2.0, "ncmi": 0.1 + 2 * epsilon,
            "cross_entropy": 1.0, "unit": "nats",
        }
        for network in ("a", "b") for method in ("fgsm", "pgd") for epsilon in (0.0, 0.1, 0.2)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changes)


def test_curves_show_the_table(axes: Any) -> None:
    from infotheory.plotting.networks import robustness_curves

    ax = robustness_curves(a_table(), axes, quantity="error")
    assert ax is axes
    assert len(ax.lines) == 4
    for line in ax.lines:
        assert list(line.get_xdata()) == [0.0, 0.1, 0.2]
        np.testing.assert_allclose(line.get_ydata(), [10.0, 20.0, 30.0])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "a, fgsm", "a, pgd", "b, fgsm", "b, pgd",
    ]  # fmt: skip
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 4
    assert len({line.get_color() for line in ax.lines}) == 2
    assert ax.get_ylabel() == "error (%)"
    assert ax.get_xlabel() == "epsilon (largest change of a number)"
    assert ax.get_ylim()[0] == ax.get_xlim()[0] == 0.0


def test_an_infinite_separation_has_no_point(axes: Any) -> None:
    from infotheory.plotting.networks import robustness_curves

    table = a_table()
    table.loc[1, ["gamma", "ncmi"]] = [math.inf, 0.0]
    ax = robustness_curves(table, axes)
    shown = np.asarray(ax.lines[0].get_ydata(), float)
    assert math.isnan(shown[1])
    assert list(shown[[0, 2]]) == [0.1, 0.5]
    assert ax.get_ylabel() == "NCMI = CMI / Γ"


def test_one_network_needs_no_legend(axes: Any) -> None:
    from infotheory.plotting.networks import robustness_curves

    table = a_table(unit="bits")
    one = table[(table["network"] == "a") & (table["method"] == "pgd")]
    ax = robustness_curves(one, axes, quantity="cmi")
    assert ax.get_legend() is None
    assert ax.get_ylabel() == "CMI (bits)"


def test_the_figure_of_a_report(toy: tuple[Any, Any, Any]) -> None:
    module = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed")
    network, x, y = toy
    found = sweep({"a": network, "b": perceptron(7, 2)}, (x, y), epsilons=[0, 0.1], methods="fgsm")
    figure = module.Figure(figsize=(9, 4), layout="constrained")
    assert found.plot(figure) is figure
    left, right = figure.axes
    assert left.get_ylabel() == "error (%)"
    assert right.get_ylabel() == "NCMI = CMI / Γ"
    assert left.get_legend() is None
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["a", "b"]
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    new = found.plot()
    assert len(new.axes) == 2
    plt.close(new)


def test_figures_refuse(axes: Any) -> None:
    from infotheory.plotting.networks import robustness_curves

    with pytest.raises(ValueError, match=r"quantity must be one of 'ncmi', .*; got 'accuracy'"):
        robustness_curves(a_table(), axes, quantity="accuracy")
    with pytest.raises(ValueError, match=r"table must hold at least one row; got none"):
        robustness_curves(a_table()[:0], axes)
