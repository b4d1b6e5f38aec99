"""Distillation losses: KD, TTM, WTTM, DIST, as functions and as modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from learning.soft_targets import (
    MODULES,
    NAMES,
    STUDENT,
    TEACHER,
    entropies,
    loss,
    module,
    random_pair,
    rows,
)
from oracles import distillation as oracle

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")


# ------------------------------------------------------------------------------------ known values


@pytest.mark.parametrize(
    ("name", "value", "gradient"),
    [  # worked example 1 of the specification, T = 4
        (
            "ttm",
            0.1149987315284,
            (0.11305222677579, -0.00904931621417, -0.12922827202724, 0.02522536146562),
        ),
        (
            "wttm",
            0.2332741027703,
            (0.22932563182919, -0.01835647308878, -0.2621386236966, 0.05116946495619),
        ),
        (
            "kd",
            1.1478432667770,
            (-0.605837489441782, 0.122217626729959, 0.000200331281242, 0.483419531430581),
        ),
    ],
)
def test_worked_example(name: str, value: float, gradient: tuple[float, ...]) -> None:
    z = rows(STUDENT, grad=True)
    found = loss(name)(z, rows(TEACHER), 4.0)
    found.backward()
    assert found.item() == pytest.approx(value, abs=1e-13)
    assert z.grad[0].tolist() == pytest.approx(gradient, abs=1e-14)


def test_worked_example_with_cross_entropy() -> None:
    z, v = rows(STUDENT), rows(TEACHER)
    label = torch.tensor([0])
    entropy = torch.nn.functional.cross_entropy(z, label)
    beta = 0.9 * 4 / (1 - 0.9)
    ttm = entropy + beta * loss("ttm")(z, v, 4.0)
    kd = 0.1 * entropy + 0.9 * loss("kd")(z, v, 4.0)
    assert ttm.item() == pytest.approx(4.6546293005226, abs=1e-12)
    assert kd.item() == pytest.approx(1.0845264366494, abs=1e-13)
    # Equations 16 to 18, with the constant that they leave out.
    reward = 0.9 * 4 * 3 * entropies().renyi_entropy(z, 0.25)
    constant = 36 * 3 * entropies().entropy(v / 4)
    assert ((kd - reward) / 0.1 + constant).item() == pytest.approx(ttm.item(), rel=1e-13)


@pytest.mark.parametrize(
    ("temperature", "ttm", "kd", "renyi", "entropy", "power_sum", "wttm"),
    [
        (2.0, 0.0881231253356, 0.2085314825779, 1.2072210150890, 0.8782811752687,
         1.3610393311106, 0.1199390395621),
        (10.0, 0.2471432589037, 0.0127201222944, 1.3487624570145, 1.3620893498989,
         2.9398311607238, 0.7265594536878),
    ],
)  # fmt: skip
def test_other_temperatures(
    temperature: float,
    ttm: float,
    kd: float,
    renyi: float,
    entropy: float,
    power_sum: float,
    wttm: float,
) -> None:
    z, v = rows(STUDENT), rows(TEACHER)
    near = {"abs": 1e-12}
    assert loss("ttm")(z, v, temperature).item() == pytest.approx(ttm, **near)
    kd_found = loss("kd")(z, v, temperature).item() / temperature**2
    assert kd_found == pytest.approx(kd, **near)
    found = entropies().renyi_entropy(z, 1 / temperature).item()
    assert found == pytest.approx(renyi, **near)
    assert entropies().entropy(v / temperature).item() == pytest.approx(entropy, **near)
    assert entropies().power_sum(v, 1 / temperature).item() == pytest.approx(power_sum, **near)
    assert loss("wttm")(z, v, temperature).item() == pytest.approx(wttm, **near)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_probabilities_that_underflow(dtype: str) -> None:
    # Worked example 3: the route by powers of softmax is off by 5e-5 in single precision.
    z, v = rows([[0.0] * 4], dtype=dtype), rows([[0.0, -60.0, -120.0, -300.0]], dtype=dtype)
    close = 1e-6 if dtype == "float32" else 1e-13
    assert loss("ttm")(z, v, 10.0).item() == pytest.approx(1.3689033511766, rel=close)
    assert loss("wttm")(z, v, 10.0).item() == pytest.approx(1.3723049341710, rel=close)


def test_kd_of_the_teacher_specification() -> None:
    # Worked example B there: the student is the teacher reversed, times 0.7.
    v = rows([[2.0, 0, -1], [0.5, 1, 0], [0, 0, 0], [-1, 2, 0.5], [1, -0.5, 0.25]])
    z = 0.7 * v.flip(1)
    assert loss("kd")(z, v, 4.0).item() == pytest.approx(0.5815655370603847, abs=1e-14)


# ------------------------------------------------------------------------------------------ oracle


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5, 10.0])
@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_those_of_loops(name: str, temperature: float) -> None:
    z, v = random_pair()
    z.requires_grad_()
    found = loss(name)(z, v, temperature, reduction="none")
    found.sum().backward()
    plain = z.tolist(), v.tolist()
    # Differences of logarithms up to 40, each good to a unit of rounding of that, times 100 = T^2.
    assert found.tolist() == pytest.approx(getattr(oracle, name)(*plain, temperature), abs=1e-12)
    gradient = oracle.gradient(name, *plain, temperature)
    np.testing.assert_allclose(z.grad.numpy(), gradient, atol=1e-13)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_dist_is_that_of_loops(temperature: float) -> None:
    z, v = random_pair()
    expected = oracle.dist(z.tolist(), v.tolist(), temperature, 0.7, 1.3)
    found = loss("dist")(z, v, temperature, inter_weight=0.7, intra_weight=1.3)
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [*NAMES, "dist"])
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    z, v = random_pair(4, 3, 1.0)
    z.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(name)(x, v, 3.0), (z,))
    assert torch.autograd.gradgradcheck(lambda x: loss(name)(x, v, 3.0), (z,))


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_with_a_graph_is_the_one_without(name: str) -> None:
    z, v = random_pair()
    z.requires_grad_()
    (plain,) = torch.autograd.grad(loss(name)(z, v, 3.0), z)
    (traced,) = torch.autograd.grad(loss(name)(z, v, 3.0), z, create_graph=True)
    assert traced.requires_grad
    torch.testing.assert_close(traced.detach(), plain, rtol=1e-12, atol=1e-15)


def test_kd_is_what_users_of_torch_write() -> None:
    z, v = random_pair(scale=1.0)
    soft = torch.nn.functional.softmax(v / 4.0, dim=1)
    log_q = torch.nn.functional.log_softmax(z / 4.0, dim=1)
    theirs = torch.nn.functional.kl_div(log_q, soft, reduction="batchmean") * 16.0
    assert loss("kd")(z, v, 4.0).item() == pytest.approx(theirs.item(), rel=1e-13)


# ------------------------------------------------------------------------------------- hard inputs


@pytest.mark.parametrize("name", NAMES)
def test_a_teacher_that_is_certain(name: str) -> None:
    z = rows([[1.0, 0.5, -0.5]], grad=True)
    masked = loss(name)(z, rows([[0.0, -math.inf, -math.inf]]), 2.0)
    masked.backward()
    scale = 2.0 if name == "kd" else 1.0
    expected = -torch.log_softmax(z.detach() / scale, 1)[0, 0] * scale**2
    torch.testing.assert_close(masked, expected)
    assert bool(z.grad.isfinite().all())
    (again,) = torch.autograd.grad(loss(name)(z, rows([[0.0, -1e5, -1e5]]), 2.0), z)
    torch.testing.assert_close(again, z.grad)


@pytest.mark.parametrize("name", NAMES)
def test_a_student_that_excludes_what_the_teacher_allows(name: str) -> None:
    z = rows([[1.0, -math.inf, 0.0]], grad=True)
    found = loss(name)(z, rows([[0.0, 0.0, 0.0]]), 2.0)
    assert found.item() > 1e37
    found.backward()
    assert bool(z.grad.isfinite().all())
    both = loss(name)(z, rows([[0.0, -math.inf, 0.0]]), 2.0)
    without = loss(name)(rows([[1.0, 0.0]]), rows([[0.0, 0.0]]), 2.0)
    torch.testing.assert_close(both, without)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*NAMES, "dist"])
@pytest.mark.parametrize("scale", [1e-20, 1e4])
def test_extreme_logits_give_numbers(name: str, scale: float, dtype: str) -> None:
    z, v = random_pair()
    z = (scale * z).to(getattr(torch, dtype)).requires_grad_()
    found = loss(name)(z, (scale * v).to(z.dtype), 4.0)
    found.backward()
    assert math.isfinite(found.item())
    assert bool(z.grad.isfinite().all())


@pytest.mark.parametrize(
    ("name", "temperature"), [("kd", 0.3), ("kd", 1.0), ("kd", 7.0), ("ttm", 1.0), ("wttm", 1.0)]
)
def test_nothing_is_left_to_learn_from_oneself(name: str, temperature: float) -> None:
    z = (random_pair(64, 100)[0] + 1000.0).float().requires_grad_()
    value = loss(name)(z, z.detach().clone(), temperature)
    value.backward()
    assert value.item() == 0.0  # exactly: both sides are rounded alike
    assert not z.grad.any()


@pytest.mark.parametrize("name", [*NAMES, "dist"])
def test_the_teacher_gets_no_gradient(name: str) -> None:
    z, v = random_pair()
    v.requires_grad_()
    found = loss(name)(z.requires_grad_(), v, 2.0)
    found.backward()
    assert v.grad is None
    assert not loss(name)(z.detach(), v, 2.0).requires_grad


def test_constant_logits_and_single_samples_in_dist() -> None:
    z = rows([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], grad=True)
    loss("dist")(z, rows([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])).backward()
    assert bool(z.grad.isfinite().all())
    one = rows(STUDENT, grad=True)
    value = loss("dist")(one, rows(TEACHER))
    value.backward()
    expected = oracle.dist(STUDENT, TEACHER, 1.0)
    assert value.item() == pytest.approx(expected, rel=1e-13)
    alone = rows(STUDENT, grad=True)
    loss("dist")(alone, rows(TEACHER), intra_weight=0.0).backward()
    torch.testing.assert_close(one.grad, alone.grad)


@pytest.mark.parametrize("name", [*NAMES, "dist"])
def test_precision(name: str) -> None:
    z, v = random_pair(32, 100)
    exact = loss(name)(z, v, 4.0).item()
    # Logarithms of up to 20 to 1e-7 of themselves, times T^2 = 16 in KD and DIST, averaged.
    single = loss(name)(z.float(), v.float(), 4.0)
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(exact, rel=2e-5)
    half = z.bfloat16(), v.bfloat16()
    expected = loss(name)(half[0].float(), half[1].float(), 4.0)
    leaf = half[0].clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(name)(leaf, half[1], 4.0)
    assert torch.equal(found, expected)
    found.backward()
    assert leaf.grad.dtype == torch.bfloat16


# ----------------------------------------------------------------------------- reductions, modules


@pytest.mark.parametrize("name", NAMES)
def test_reductions(name: str) -> None:
    z, v = random_pair()
    each = loss(name)(z, v, 2.0, reduction="none")
    assert each.shape == (12,)
    torch.testing.assert_close(loss(name)(z, v, 2.0), each.mean())
    torch.testing.assert_close(loss(name)(z, v, 2.0, reduction="sum"), each.sum())
    for reduction in ("mean", "sum", "none"):
        made = module(MODULES[name])(2.0, reduction=reduction)
        assert torch.equal(made(z, v), loss(name)(z, v, 2.0, reduction=reduction))
    assert repr(module(MODULES[name])(2)) == f"{MODULES[name]}(temperature=2, reduction='mean')"


def test_the_module_of_dist() -> None:
    z, v = random_pair()
    made = module("DISTLoss")(4.0, inter_weight=0.5, intra_weight=2)
    assert repr(made) == "DISTLoss(temperature=4, inter_weight=0.5, intra_weight=2)"
    expected = loss("dist")(z, v, 4.0, inter_weight=0.5, intra_weight=2.0)
    assert torch.equal(made(z, v), expected)
    assert torch.equal(module("DISTLoss")()(z, v), loss("dist")(z, v, 1.0))


@pytest.mark.parametrize("name", ["KDLoss", "TTMLoss", "WTTMLoss", "DISTLoss"])
def test_a_student_comes_nearer(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(64, 8, generator=generator)
    teacher = inputs @ torch.randn(8, 5, generator=generator)
    weights = torch.zeros(8, 5).normal_(generator=generator).requires_grad_()
    criterion = module(name)(2.0)
    optimiser = torch.optim.SGD([weights], lr=0.5 if name != "KDLoss" else 0.1)
    start = criterion(inputs @ weights, teacher).item()
    for _ in range(20):
        optimiser.zero_grad()
        criterion(inputs @ weights, teacher).backward()
        optimiser.step()
    assert criterion(inputs @ weights, teacher).item() < 0.6 * start


@pytest.mark.gpu
@pytest.mark.parametrize("name", [*NAMES, "dist"])
def test_a_gpu_gives_the_same(name: str) -> None:
    z, v = random_pair(32, 100)
    there = z.cuda().requires_grad_()
    found = loss(name)(there, v.cuda(), 4.0)
    found.backward()
    here = z.clone().requires_grad_()
    expected = loss(name)(here, v, 4.0)
    expected.backward()
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(there.grad.cpu(), here.grad, rtol=1e-12, atol=1e-13)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        half = loss(name)(there.bfloat16(), v.cuda().bfloat16(), 4.0)
    assert half.dtype == torch.float32


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", [*NAMES, "dist"])
def test_other_samples_or_classes_are_refused(name: str) -> None:
    z, v = random_pair(4, 3)
    with pytest.raises(ValueError, match=r"teacher_logits must have the shape of student_logits"):
        loss(name)(z, v[:, :2], 2.0)
    with pytest.raises(ValueError, match=r"got shape \(3, 3\)\. Both need the same samples"):
        loss(name)(z, v[:3], 2.0)
    with pytest.raises(ValueError, match=r"student_logits must have shape \(n, K\)"):
        loss(name)(z[0], v[0], 2.0)
    with pytest.raises(TypeError, match="teacher_logits must be a tensor; got list"):
        loss(name)(z, v.tolist(), 2.0)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan, "4", None, True])
@pytest.mark.parametrize("name", [*NAMES, "dist"])
def test_temperatures_are_positive_and_finite(name: str, temperature: Any) -> None:
    z, v = random_pair(4, 3)
    with pytest.raises(ValueError, match="temperature must be a positive finite number; got"):
        loss(name)(z, v, temperature)
    with pytest.raises(ValueError, match="temperature must be a positive finite number; got"):
        module(MODULES.get(name, "DISTLoss"))(temperature)


@pytest.mark.parametrize("name", NAMES)
def test_other_reductions_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
        loss(name)(*random_pair(), 2.0, reduction="batchmean")
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
        module(MODULES[name])(2.0, reduction="batchmean")


@pytest.mark.parametrize("weight", [-1.0, math.inf, math.nan, "1", True])
@pytest.mark.parametrize("argument", ["inter_weight", "intra_weight"])
def test_weights_are_finite_and_not_negative(argument: str, weight: Any) -> None:
    with pytest.raises(ValueError, match=f"{argument} must be a finite number of at least 0; got"):
        loss("dist")(*random_pair(), **{argument: weight})
    with pytest.raises(ValueError, match=f"{argument} must be a finite number of at least 0; got"):
        module("DISTLoss")(**{argument: weight})
