"""CMI, Gamma and their kin as functions of logits, with gradients."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from classifiers.support import LABELS_A, LABELS_B
from hypothesis import given, settings
from learning.class_batches import (
    CLOSE,
    FUNCTIONS,
    batches,
    call,
    example_a,
    example_b,
    gradient,
    labels_of,
    number,
    tensor,
)
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

# Central differences with a step of 1e-5: eps / step for values of order one, a few terms a value.
DIFFERENCES = 5e-10


# ------------------------------------------------------------------------------------ known values


def test_worked_example_a() -> None:
    """Section 11, A: rows of probabilities, as logarithms."""
    logits, labels = example_a()
    q = call("class_centroids")(logits, labels)
    assert q.counts.tolist() == [2, 3, 1]
    want = [
        [0.6, 0.25, 0.15],
        [0.2, 0.5666666666666667, 0.2333333333333333],
        [0.05, 0.15, 0.8],
    ]
    np.testing.assert_allclose(q.log_probs.exp(), want, rtol=CLOSE)
    each = call("cmi")(logits, labels, reduction="none")
    by_class = [float(each[labels == c].mean()) for c in range(3)]
    assert by_class[:2] == pytest.approx([0.0219011789684938, 0.0905780999955704], abs=CLOSE)
    assert by_class[2] == 0.0
    found = {name: number(call(name)(logits, labels)) for name in FUNCTIONS}
    assert found == pytest.approx(
        {
            "cmi": 0.0525894429872832,
            "gamma": 0.9586154579269967,
            "gamma_kl": 0.4468143287206828,
            "ncmi": 0.0548597902865114,
        },
        abs=CLOSE,
    )
    pairs = 36 / (36 - 4 - 9 - 1)
    assert found["gamma"] * pairs == pytest.approx(1.5686434766078128, abs=CLOSE)
    entropies = -(logits.exp() * logits).sum(1)
    shares = tensor([1 - [2, 3, 1][c] / 6 for c in LABELS_A])
    assert float((shares * entropies).mean()) == pytest.approx(0.5118011292063138, abs=CLOSE)
    assert found["gamma"] - found["gamma_kl"] == pytest.approx(0.5118011292063138, abs=CLOSE)


def test_dummy_centroids_of_example_a() -> None:
    logits, labels = example_a()
    dummy = tensor([[0.6, 0.25, 0.15], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])
    value = number(call("cmi")(logits, labels, dummy.log()))
    assert value == pytest.approx(0.0592147124131202, abs=CLOSE)
    assert value - number(call("cmi")(logits, labels)) == pytest.approx(
        0.0066252694258370, abs=CLOSE
    )
    after = tensor(
        [
            [0.6, 0.25, 0.15],
            [0.2, 0.5966666666666667, 0.2033333333333333],
            [0.095, 0.195, 0.71],
        ]
    )
    moved = number(call("cmi")(logits, labels, after.log()))
    assert moved == pytest.approx(0.0580338612700672, abs=CLOSE)


def test_worked_example_b() -> None:
    """Section 11, B, with the gradients to the digits that are printed."""
    logits, labels = example_b(grad=True)
    found = {name: number(call(name)(logits, labels)) for name in ("cmi", "gamma", "ncmi")}
    assert found == pytest.approx(
        {"cmi": 0.1130622086756108, "gamma": 0.9583199167605049, "ncmi": 0.1179796085818660},
        abs=CLOSE,
    )
    assert found["gamma"] * 25 / 16 == pytest.approx(1.4973748699382890, abs=CLOSE)
    np.testing.assert_allclose(
        gradient(call("cmi")(logits, labels), logits),
        [
            (0.036442294722740, -0.026641452182022, -0.009800842540718),
            (-0.047569706521238, 0.034776242035263, 0.012793464485975),
            (0.031370074657797, -0.041965703289806, 0.010595628632009),
            (-0.013305453906335, 0.031273925983292, -0.017968472076957),
            (0.0, 0.0, 0.0),
        ],
        atol=1e-15,
    )
    np.testing.assert_allclose(
        gradient(call("gamma")(logits, labels), logits),
        [
            (0.069610499981928, -0.042243215589606, -0.027367284392322),
            (0.009426221451152, -0.001410034581937, -0.008016186869215),
            (-0.061853753576488, 0.017686688274291, 0.044167065302197),
            (-0.069790759063035, 0.060982380623559, 0.008808378439475),
            (0.024941822907683, -0.058318078775476, 0.033376255867793),
        ],
        atol=1e-15,
    )
    first = gradient(call("gamma")(logits, labels, gradient="first"), logits)
    np.testing.assert_allclose(
        first[0], (0.0068448746546, -0.005925358912976, -0.000919515741624), atol=1e-15
    )


@pytest.mark.parametrize(
    ("temperature", "cmi", "gamma"),
    [
        (0.5, 0.2347546818424620, 1.4412620282597546),
        (2, 0.0353344591649060, 0.7765659953747917),
        (4, 0.0092020795574326, 0.7223165852884117),
        (8, 0.0022963389639325, 0.7079765060668294),
        (16, 0.0005702434088080, 0.7043329581397395),
    ],
)
def test_worked_example_c(temperature: float, cmi: float, gamma: float) -> None:
    logits, labels = example_b()
    assert number(call("cmi")(logits / temperature, labels)) == pytest.approx(cmi, abs=CLOSE)
    assert number(call("gamma")(logits / temperature, labels)) == pytest.approx(gamma, abs=CLOSE)


def test_temperature_limits() -> None:
    """Hot: CMI falls as 1/T^2 and Gamma tends to that of coins; cold: to H(argmax | Y)."""
    logits, labels = example_b()
    hot = [number(call("cmi")(logits / t, labels)) for t in (1e3, 2e3)]
    assert hot[0] / hot[1] == pytest.approx(4.0, rel=1e-2)  # the next term is of order 1/T
    assert number(call("gamma")(logits / 1e6, labels)) == pytest.approx(
        0.64 * math.log(3), abs=1e-6
    )
    # Class 0 answers 0 and 1; the row of zeros, a tie, is left out.
    keep = [0, 1, 3, 4]
    cold, kept = logits[keep] / 1e-3, labels[keep]
    assert number(call("cmi")(cold, kept)) == pytest.approx(2 / 4 * math.log(2), abs=CLOSE)
    assert number(call("gamma")(cold, kept)) > 100
    same = tensor([[3.0, 0.0], [2.0, 0.0]])
    assert number(call("gamma")(same / 1e-3, labels_of([0, 1]))) == 0.0


@pytest.mark.parametrize(
    ("temperature", "cmi", "gamma"),
    [
        (0.5, 0.000004162745728, 7.4999799819452),
        (1, 0.001303627419341, 3.7464330005322),
        (1.5, 0.006677817341076, 2.4848270784325),
        (2, 0.012518818082039, 1.8507438902239),
        (3, 0.017330048173204, 1.2372947188290),
        (4, 0.016236979752736, 0.9636200487357),
        (6, 0.011255437638116, 0.7411005543076),
        (8, 0.007661365764769, 0.6578639251114),
        (16, 0.002436812122175, 0.5761418621477),
    ],
)
def test_a_confident_teacher_over_temperatures(
    temperature: float, cmi: float, gamma: float
) -> None:
    """Section 9, C of the teacher's method: CMI rises with the temperature, then falls."""
    logits = tensor([(9, 3, 0), (9, 0, 3), (0, 9, 3), (3, 9, 0)]) / temperature
    labels = labels_of([0, 0, 1, 1])
    assert number(call("cmi")(logits, labels)) == pytest.approx(cmi, abs=1e-14)
    assert number(call("gamma")(logits, labels)) == pytest.approx(gamma, abs=1e-12)


def test_the_direction_of_the_divergence() -> None:
    """Section 9, E: samples against their centroid, not the reverse."""
    logits, labels = example_b()
    q = call("class_centroids")(logits, labels).log_probs
    value = number(call("cmi")(logits[:2], labels[:2], q))
    assert value == pytest.approx(0.1566233574229243, abs=CLOSE)
    assert value != pytest.approx(0.1787509230538514, abs=0.01)


def test_the_reverse_channel_of_the_worked_example() -> None:
    """Section 9, F, and A: exact between upper and lower."""
    logits, labels = example_b()
    ratio = call("reverse_channel_log_ratio")(logits, labels)
    before = call("class_centroids")(logits, labels).log_probs
    after = 1.3 * logits
    exact = number(call("cmi")(after, labels))
    upper = number(call("cmi")(after, labels, before))
    lower = number(call("reverse_channel_bound")(after, ratio))
    assert exact == pytest.approx(0.1584343880512710, abs=CLOSE)
    assert upper == pytest.approx(0.1638099112473312, abs=CLOSE)
    assert lower == pytest.approx(0.1517924871434507, abs=CLOSE)
    assert upper - exact == pytest.approx(0.0053755231960602, abs=CLOSE)
    assert exact - lower == pytest.approx(0.0066419009078203, abs=CLOSE)
    sizes = [math.log(LABELS_B.count(y)) for y in LABELS_B]
    mean = math.fsum(sizes) / 5
    assert mean == pytest.approx(0.5545177444479562, abs=CLOSE)
    posterior = ratio - tensor(sizes)[:, None]
    cost = -float((after.softmax(1) * posterior).sum(1).mean())
    assert cost == pytest.approx(0.4027252573045056, abs=CLOSE)
    assert mean - cost == pytest.approx(lower, abs=CLOSE)


def test_a_whole_class_that_moves_gains_nothing_in_the_reverse_channel() -> None:
    before = tensor([(1, 0, 0), (0, 1, 0)])
    after, labels = tensor([(1, 0, 0), (1, 0, 0)]), labels_of([0, 0])
    q = call("class_centroids")(before, labels).log_probs
    assert number(call("cmi")(after, labels)) == 0.0
    assert number(call("cmi")(after, labels, q)) == pytest.approx(0.0874304123132399, abs=CLOSE)
    ratio = call("reverse_channel_log_ratio")(before, labels)
    assert number(call("reverse_channel_bound")(after, ratio)) == pytest.approx(
        -0.0946572512611320, abs=CLOSE
    )


# ------------------------------------------------------------------------- against the definitions


@given(batches())
def test_values(batch: tuple[Any, Any]) -> None:
    logits, labels = batch
    rows, y = logits.tolist(), labels.tolist()
    for name in ("cmi", "gamma", "gamma_kl"):
        got = number(call(name)(tensor(logits), labels_of(labels)))
        assert got == pytest.approx(getattr(oracle, name)(rows, y), abs=1e-12, rel=1e-12), name
    q = call("class_centroids")(tensor(logits), labels_of(labels)).log_probs
    for c, row in oracle.log_centroids(rows, y).items():
        np.testing.assert_allclose(q[c], row, rtol=1e-12, atol=1e-12)


@settings(max_examples=15)
@given(batches())
def test_gradients_are_slopes(batch: tuple[Any, Any]) -> None:
    logits, labels = batch
    z, y = tensor(logits, grad=True), labels.tolist()
    for name in ("cmi", "gamma", "gamma_kl"):
        got = gradient(call(name)(z, labels_of(labels)), z)
        want = oracle.slopes(lambda rows: getattr(oracle, name)(rows, y), logits.tolist())  # noqa: B023
        np.testing.assert_allclose(got, want, atol=DIFFERENCES * max(1, abs(logits).max()))


def test_the_first_argument_alone() -> None:
    """As PyTorch differentiates it, with the second argument detached."""
    import torch

    logits, labels = example_b(grad=True)
    log_p = torch.log_softmax(logits, 1)
    different = (labels[:, None] != labels).double()
    for name, second in (("gamma", 0.0), ("gamma_kl", 1.0)):
        cross = -(log_p.exp() @ log_p.detach().T)
        own = second * (log_p.exp() * log_p).sum(1, keepdim=True)
        want = gradient((different * (cross + own)).sum() / 25, logits)
        got = gradient(call(name)(logits, labels, gradient="first"), logits)
        np.testing.assert_allclose(got, want, atol=1e-15)
        assert not torch.allclose(got, 0.5 * gradient(call(name)(logits, labels), logits))
        log_p = torch.log_softmax(logits, 1)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("options", [{}, {"unbiased": True}])
def test_gradcheck(name: str, options: dict[str, Any], torch: ModuleType) -> None:
    if name == "cmi" and options:
        return
    torch.manual_seed(1)
    logits = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    labels = labels_of([0, 1, 1, 3, 0, 1, 2])
    assert torch.autograd.gradcheck(lambda z: call(name)(z, labels, **options), logits)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("given_q", [False, True])
def test_gradcheck_of_reductions(reduction: str, given_q: bool, torch: ModuleType) -> None:
    torch.manual_seed(2)
    logits = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = labels_of([0, 1, 1, 2, 0, 1])
    q = torch.randn(3, 3, dtype=torch.float64).log_softmax(1) if given_q else None
    assert torch.autograd.gradcheck(
        lambda z: call("cmi")(z, labels, q, reduction=reduction), logits
    )
    each = call("cmi")(logits, labels, q, reduction="none")
    total = {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
    assert torch.allclose(call("cmi")(logits, labels, q, reduction=reduction), total, atol=1e-15)


def test_the_bound_is_differentiated_too(torch: ModuleType) -> None:
    logits, labels = example_b(grad=True)
    ratio = call("reverse_channel_log_ratio")(0.7 * logits, labels)
    assert not ratio.requires_grad
    assert torch.autograd.gradcheck(lambda z: call("reverse_channel_bound")(z, ratio), logits)


def test_they_can_be_differentiated_once(torch: ModuleType) -> None:
    logits, labels = example_b(grad=True)
    with pytest.raises(RuntimeError, match=r"^create_graph must be False here; got True\."):
        torch.autograd.grad(call("gamma")(logits, labels), logits, create_graph=True)
    each = call("cmi")(logits, labels, reduction="none")
    first = torch.autograd.grad(each.sum(), logits, create_graph=True)[0]
    assert torch.autograd.grad(first.square().sum(), logits)[0].isfinite().all()


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", FUNCTIONS)
def test_refused_batches(name: str, torch: ModuleType) -> None:
    logits, labels = example_b()
    with pytest.raises(ValueError, match=r"^labels must .*in \[0, 3\); got 3 in row 1\."):
        call(name)(logits, labels_of([0, 3, 0, 0, 0]))
    with pytest.raises(ValueError, match=r"^labels must have shape \(5,\); got shape \(4,\)\."):
        call(name)(logits, labels[:4])
    with pytest.raises(ValueError, match=r"^logits must have shape \(n, K\) with n >= 1"):
        call(name)(logits[0], labels)
    with pytest.raises(TypeError, match=r"^logits must be floating point; got torch.int64\.$"):
        call(name)(logits.long(), labels)
    with pytest.raises(ValueError, match=r"^n_classes must be a positive integer"):
        call(name)(logits, labels, n_classes=0)


@pytest.mark.parametrize("name", ["gamma", "gamma_kl", "ncmi"])
def test_refused_options(name: str) -> None:
    logits, labels = example_b()
    with pytest.raises(ValueError, match=r"^gradient must be one of 'both', 'first'; got 'half'"):
        call(name)(logits, labels, gradient="half")
    with pytest.raises(ValueError, match=r"^unbiased must be True or False; got 1\."):
        call(name)(logits, labels, unbiased=1)


def test_refused_centroids() -> None:
    logits, labels = example_b()
    with pytest.raises(ValueError, match=r"^reduction must be one of 'mean', 'sum', 'none'"):
        call("cmi")(logits, labels, reduction="max")
    q = call("class_centroids")(logits, labels).log_probs
    with pytest.raises(ValueError, match=r"^log_centroids must have shape \(3, 3\), a row a class"):
        call("cmi")(logits, labels, q[:, :2])
    with pytest.raises(ValueError, match=r"have shape \(4, 3\).*got shape \(3, 3\)\."):
        call("cmi")(logits, labels, q, n_classes=4)
    with pytest.raises(ValueError, match=r"^log_ratio must have the shape of logits, \(5, 3\);"):
        call("reverse_channel_bound")(logits, q)
