"""Entropies and powers of softmax rows: values, gradients, limits of the order."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import renyi as oracle

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")

ORDERS = [0.0, 1e-9, 0.1, 0.25, 0.5, 0.74, 0.76, 0.9, 1 - 1e-6, 1 - 1e-13, 1.0, 1 + 1e-13,
          1 + 1e-6, 1.1, 1.24, 1.26, 2.0, 5.0, 50.0, 1e6, math.inf]  # fmt: skip
# Rows of three kinds: ordinary, nearly certain, nearly uniform with a tail.
LOGITS = [
    [1.0, 0.0, -1.0, 0.3, 2.0],
    [40.0, 0.0, -30.0, -5.0, 1.0],
    [0.01, 0.0, -0.01, 0.0, -700.0],
]
# Logarithms of probabilities up to 700 are rounded once, relative to one unit of 1e-16 each.
CLOSE = 1e-12


def functional() -> Any:
    from infotheory.learning.functional import entropies

    return entropies


def rows(values: Any, dtype: str = "float64", grad: bool = False) -> Any:
    return torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=grad)


def gradient_of(row: list[float], order: float) -> list[Any]:
    """alpha / (1 - alpha) (escort - q), in many digits, and its limits."""
    q = oracle.softmax(row)
    if order == 1.0:
        shannon = oracle.entropy(q, 1)
        return [-v * (oracle.mp.log(v) + shannon) for v in q]
    escort = oracle.escort(q, order)
    factor = -1 if order == math.inf else oracle.mp.mpf(order) / (1 - oracle.mp.mpf(order))
    return [factor * (a - b) for a, b in zip(escort, q, strict=True)]


# ------------------------------------------------------------------------------------- oracle


@pytest.mark.parametrize("order", ORDERS)
def test_entropy_and_gradient_are_those_in_many_digits(order: float) -> None:
    logits = rows(LOGITS, grad=True)
    values = functional().renyi_entropy(logits, order)
    values.sum().backward()
    for row, value, gradient in zip(LOGITS, values.tolist(), logits.grad.tolist(), strict=True):
        exact = oracle.entropy(oracle.softmax(row), order)
        assert value == pytest.approx(float(exact), rel=CLOSE, abs=1e-15)
        assert gradient == pytest.approx([float(v) for v in gradient_of(row, order)], abs=CLOSE)


def test_shannon_entropy_is_that_of_order_one() -> None:
    logits = rows(LOGITS)
    assert torch.equal(functional().entropy(logits), functional().renyi_entropy(logits, 1.0))


@pytest.mark.parametrize("order", [0.0, 0.3, 0.9, 1.0, 1.0001, 3.0, math.inf])
def test_the_array_functions_give_the_same(order: float) -> None:
    from infotheory import measures

    rng = np.random.default_rng(1)
    z = 3.0 * rng.normal(size=(20, 7))
    for name in ("renyi_entropy", "power_sum"):
        ours = getattr(functional(), name)(torch.from_numpy(z), order).numpy()
        np.testing.assert_allclose(ours, getattr(measures, name)(z, order, kind="logits"), 1e-12)
    logs = measures.power_transform(z, order, kind="logits", log=True)
    np.testing.assert_allclose(
        functional().power_transform(torch.from_numpy(z), order).numpy(),
        logs,
        rtol=1e-12,
        atol=1e-15,
    )


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("renyi_entropy", math.inf),  # the others are piecewise constant there
        *itertools.product(
            ["renyi_entropy", "power_sum", "power_transform"],
            [0.05, 0.5, 0.8, 0.999, 1.0, 1.2, 2.0, 7.0],
        ),
    ],
)
def test_gradients_are_those_of_finite_differences(name: str, order: float) -> None:
    z = rows([[0.3, -1.0, 0.7], [2.0, 0.0, -0.5]], grad=True)
    assert torch.autograd.gradcheck(lambda x: getattr(functional(), name)(x, order), (z,))


# ------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(
    ("order", "value"),
    [  # worked example 1 of the specification, checked there with 50 digits
        (0.0, 1.3862943611198906),
        (0.1, 1.3688919697032185),
        (0.5, 1.2986137317871613),
        (0.9, 1.2296728383698408),
        (0.999999, 1.2130077311356435),
        (1.0, 1.2130075659799042),
        (1.000001, 1.2130074008241964),
        (2.0, 1.0678406300013560),
        (5.0, 0.8582680239952337),
        (50.0, 0.7072930413876993),
        (math.inf, 0.6931471805599453),
    ],
)
def test_known_entropies(order: float, value: float) -> None:
    logits = rows([[0.5, 0.25, 0.125, 0.125]]).log() + 7.0
    # The constant of the row costs its rounding, some 1e-15.
    assert functional().renyi_entropy(logits, order).item() == pytest.approx(value, abs=1e-14)
    single = functional().renyi_entropy(logits.float(), order)
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(value, abs=2e-6)


def test_known_power_transforms_and_sums() -> None:
    logits = rows([[0.5, 0.25, 0.125, 0.125]]).log()
    half = functional().power_transform(logits, 0.5).exp()[0].tolist()
    expected = [0.36939806251813, 0.26120387496374, 0.18469903125907, 0.18469903125907]
    assert half == pytest.approx(expected, abs=1e-14)
    twice = functional().power_transform(logits, 2.0).exp()[0].tolist()
    assert twice == pytest.approx([8 / 11, 2 / 11, 1 / 22, 1 / 22], abs=1e-15)
    # Tsallis entropies of the same table: U = 1 + (1 - alpha) S.
    assert functional().power_sum(logits, 2.0).item() == pytest.approx(1 - 0.65625, abs=1e-15)
    assert functional().power_sum(logits, 0.0).item() == pytest.approx(4.0, abs=1e-14)


def test_known_gradient() -> None:
    z = rows([[1.0, 0.0, -1.0]], grad=True)
    value = functional().renyi_entropy(z, 0.25)
    value.sum().backward()
    assert value.item() == pytest.approx(1.0232487910594, abs=1e-13)
    expected = [-0.082004001388375, 0.027255788248346, 0.054748213140028]
    assert z.grad[0].tolist() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("order", [1 - 1e-3, 1 - 1e-7, 1 + 1e-7, 1 + 1e-3])
def test_no_digits_are_lost_near_order_one_in_single_precision(order: float) -> None:
    # The plain form loses eps / |1 - alpha|: all digits at 1e-7.
    row = [0.5, 0.3, -2.0, 1.0]
    z = rows([row], "float32", grad=True)
    value = functional().renyi_entropy(z, order)
    value.sum().backward()
    assert value.item() == pytest.approx(
        float(oracle.entropy(oracle.softmax(row), order)), rel=1e-6
    )
    exact = [float(v) for v in gradient_of(row, order)]
    assert z.grad[0].tolist() == pytest.approx(exact, abs=1e-6)


# ---------------------------------------------------------------------------------- properties

numbers = st.floats(-30, 30)
some_rows = st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=1, max_size=3)
some_orders = st.one_of(st.sampled_from(ORDERS), st.floats(0, 20))


@given(some_rows, some_orders, some_orders)
def test_entropy_is_at_most_log_k_and_falls_with_the_order(
    values: list[list[float]], one: float, two: float
) -> None:
    low, high = sorted((one, two))
    z = rows(values)
    first, second = (functional().renyi_entropy(z, order) for order in (low, high))
    assert bool((second >= 0).all())
    assert bool((first <= math.log(4) + 1e-14).all())
    assert bool((second <= first + 1e-13).all())


@given(some_rows, st.floats(0, 20), st.permutations(range(4)), numbers)
def test_shifts_and_permutations_change_nothing(
    values: list[list[float]], order: float, permutation: list[int], shift: float
) -> None:
    z = rows(values)
    for name in ("renyi_entropy", "power_sum"):
        function = getattr(functional(), name)
        # A shift by 30 rounds logits to 7e-15, which the order multiplies.
        moved = function(z[:, permutation] + shift, order)
        torch.testing.assert_close(moved, function(z, order), rtol=1e-12, atol=1e-12)


@given(some_rows, st.floats(0.05, 5), st.floats(0.05, 5))
def test_power_transforms_compose(values: list[list[float]], a: float, b: float) -> None:
    z = rows(values)
    twice = functional().power_transform(functional().power_transform(z, a), b)
    once = functional().power_transform(z, a * b)
    torch.testing.assert_close(twice, once, rtol=1e-12, atol=1e-12)
    # From logarithms of probabilities as from logits.
    from_logs = functional().power_transform(torch.log_softmax(z, 1), a)
    torch.testing.assert_close(
        from_logs, functional().power_transform(z, a), rtol=1e-12, atol=1e-12
    )


@given(some_rows, st.floats(0, 20))
def test_power_sum_is_the_exponential_of_the_entropy(
    values: list[list[float]], order: float
) -> None:
    z = rows(values)
    log_q = torch.log_softmax(z, 1)
    plain = (order * log_q).exp().sum(1)  # nothing underflows from -60 on, or it does not matter
    torch.testing.assert_close(functional().power_sum(z, order), plain, rtol=1e-11, atol=1e-13)


@given(some_rows, some_orders)
def test_gradients_of_a_row_sum_to_zero(values: list[list[float]], order: float) -> None:
    z = rows(values, grad=True)
    functional().renyi_entropy(z, order).sum().backward()
    assert bool(z.grad.isfinite().all())
    assert z.grad.sum(1).abs().max().item() <= 1e-13


# --------------------------------------------------------------------------- hard inputs


@pytest.mark.parametrize("order", ORDERS)
def test_a_masked_symbol_is_none(order: float) -> None:
    inf = math.inf
    masked = rows([[1.0, -inf, 0.0, 0.5, -inf], [0.0, -inf, -inf, -inf, -inf]], grad=True)
    values = functional().renyi_entropy(masked, order)
    values.sum().backward()
    without = functional().renyi_entropy(rows([[1.0, 0.0, 0.5]]), order)
    assert values.tolist() == pytest.approx([without.item(), 0.0], abs=1e-15)
    assert bool(masked.grad.isfinite().all())
    assert masked.grad[:, 1].tolist() == [0.0, 0.0]
    sums = functional().power_sum(masked, order)
    assert sums[1].item() == 1.0
    shares = functional().power_transform(masked, order).exp()
    torch.testing.assert_close(shares.sum(1), torch.ones(2, dtype=torch.float64))
    assert shares[:, 1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scale", [1e-30, 1e4, 1e30])
def test_extreme_logits_give_numbers(scale: float, order: float, dtype: str) -> None:
    z = (rows([[1.0, -1.0, 0.5], [0.0, 0.0, 0.0]], dtype) * scale).requires_grad_()
    total = functional().renyi_entropy(z, order).sum() + functional().power_sum(z, order).sum()
    total.backward()
    assert math.isfinite(total.item())
    assert bool(z.grad.isfinite().all())
    shares = functional().power_transform(z, order).exp()
    assert shares.sum(1).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


def test_products_of_large_logits_and_orders_do_not_overflow() -> None:
    z = rows([[3e37, 0.0, 3e37]], "float32", grad=True)
    assert functional().power_transform(z, 1e6).exp().tolist() == [[0.5, 0.0, 0.5]]
    huge = rows([[0.5, 0.25, 0.25]], "float32").log().requires_grad_()
    value = functional().renyi_entropy(huge, 1e100)
    value.sum().backward()
    assert torch.equal(value, functional().renyi_entropy(huge, math.inf))
    assert huge.grad[0].tolist() == pytest.approx([-0.5, 0.25, 0.25], abs=1e-6)


def test_order_infinity_shares_its_gradient_between_equal_largest_logits() -> None:
    z = rows([[1.0, 1.0, 0.0]], grad=True)
    functional().renyi_entropy(z, math.inf).sum().backward()
    q = torch.softmax(z.detach(), 1)
    torch.testing.assert_close(z.grad, q - rows([[0.5, 0.5, 0.0]]))
    assert functional().power_transform(z, math.inf).exp().tolist() == [[0.5, 0.5, 0.0]]


def test_half_precision_and_autocast_compute_in_single_precision() -> None:
    z = torch.randn(6, 50, generator=torch.Generator().manual_seed(0)).bfloat16()
    expected = functional().renyi_entropy(z.float(), 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = functional().renyi_entropy(z, 0.5)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    leaf = z.clone().requires_grad_()
    functional().entropy(leaf).sum().backward()
    assert leaf.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("order", [0.3, 0.9, 1.0, 3.0])
def test_second_derivatives(order: float) -> None:
    z = rows([[0.3, -1.0, 0.7], [2.0, 0.0, -0.5]], grad=True)
    assert torch.autograd.gradgradcheck(lambda x: functional().renyi_entropy(x, order), (z,))


@pytest.mark.gpu
@pytest.mark.parametrize("order", ORDERS)
def test_a_gpu_gives_the_same(order: float) -> None:
    there, here = rows(LOGITS).cuda().requires_grad_(), rows(LOGITS, grad=True)
    found, expected = (functional().renyi_entropy(z, order) for z in (there, here))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-12, atol=1e-14)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(there.grad.cpu(), here.grad, rtol=1e-12, atol=1e-12)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", ["renyi_entropy", "power_sum", "power_transform"])
@pytest.mark.parametrize("order", [-1.0, math.nan, -math.inf])
def test_what_is_no_order_is_refused(name: str, order: float) -> None:
    with pytest.raises(ValueError, match="alpha must be an order of at least 0, infinity incl"):
        getattr(functional(), name)(rows([[0.0, 1.0]]), order)


@pytest.mark.parametrize("order", ["2", None, True, [1.0]])
def test_what_is_no_number_is_refused(order: Any) -> None:
    with pytest.raises(TypeError, match="alpha must be a number; got"):
        functional().renyi_entropy(rows([[0.0, 1.0]]), order)


@pytest.mark.parametrize("name", ["entropy", "renyi_entropy", "power_sum", "power_transform"])
def test_what_are_no_logits_is_refused(name: str) -> None:
    function, more = getattr(functional(), name), () if name == "entropy" else (2.0,)
    with pytest.raises(ValueError, match=r"logits must have shape \(n, K\)"):
        function(torch.zeros(3), *more)
    with pytest.raises(TypeError, match="logits must be floating point"):
        function(torch.zeros((2, 3), dtype=torch.int64), *more)
