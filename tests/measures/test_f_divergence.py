"""Convex functions, their derivatives and conjugates, and the divergences they define."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import RELATIVE, close, logit_pairs, pairs, same, same_of_logits
from oracles import measures as oracle

from infotheory import measures
from infotheory.measures import (
    F_DIVERGENCES,
    FDivergence,
    alpha_divergence_generator,
    chi_squared,
    f_divergence,
    hellinger,
    kl_divergence,
)

ORDERS = (-2.0, -1.0, -1e-9, 0.0, 1e-9, 0.3, 0.5, 0.7, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 2.0, 3.5)
RECORDS = [*F_DIVERGENCES.values(), *map(alpha_divergence_generator, ORDERS)]
SMOOTH = [record for record in RECORDS if record.second_derivative is not None]
RATIOS = np.concatenate([np.exp(np.linspace(-9, 9, 73)), [0.999, 1.0, 1.001]])

# The functions once more, in digits of the oracle, with the limits f(0) and f'(infinity).
mp = oracle.mp
FORMULAS: dict[str, Any] = {
    "kl": (lambda u: u * mp.log(u), 0, mp.inf),
    "reverse_kl": (lambda u: -mp.log(u), mp.inf, 0),
    "jensen_shannon": (
        lambda u: (u * mp.log(2 * u / (1 + u)) - mp.log((1 + u) / 2)) / 2,
        mp.log(2) / 2,
        mp.log(2) / 2,
    ),
    "total_variation": (lambda u: abs(u - 1) / 2, 0.5, 0.5),
    "squared_hellinger": (lambda u: 1 - mp.sqrt(u), 1, 0),
    "pearson_chi_squared": (lambda u: u**2 - 1, -1, mp.inf),
    "neyman_chi_squared": (lambda u: 1 / u - 1, mp.inf, 0),
    "triangular_discrimination": (lambda u: (u - 1) ** 2 / (u + 1), 1, 1),
}


def alpha_formula(alpha: float) -> Any:
    a = oracle.mpf(alpha)
    return (
        lambda u: (u**a - a * u + a - 1) / (a * (a - 1)),
        1 / a if a > 0 else mp.inf,
        1 / (1 - a) if a < 1 else mp.inf,
    )


def formula_of(record: FDivergence) -> Any:
    if record.name in FORMULAS:
        return FORMULAS[record.name]
    alpha = float(record.name.removeprefix("alpha(").removesuffix(")"))
    named = {0.0: "reverse_kl", 1.0: "kl"}
    return FORMULAS[named[alpha]] if alpha in named else alpha_formula(alpha)


def slope_of(f: Any, u: Any, step: Any) -> Any:
    return (f(u + step) - f(u - step)) / (2 * step)


# -------------------------------------------------------------------------------------- functions


def test_the_registry_is_complete() -> None:
    assert set(F_DIVERGENCES) == set(FORMULAS)
    for name, record in F_DIVERGENCES.items():
        assert record.name == name
        assert record.meaning
        assert (record.second_derivative is None) == (name == "total_variation")
    with pytest.raises(TypeError):
        F_DIVERGENCES["kl"] = None  # type: ignore[index]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_f_is_zero_and_flat_at_one_and_convex(record: FDivergence) -> None:
    one = np.ones(1)
    assert record.f(one) == 0.0
    assert record.derivative(one) == 0.0
    values, slopes = record.f(RATIOS[:73]), record.derivative(RATIOS[:73])
    # Of terms that cancel to f: some units of the largest of them, u ln u or a power of u.
    slack = 1e-15 * (1.0 + RATIOS[:73] * (1.0 + np.abs(slopes)) + np.abs(values))
    assert (values >= -slack).all()
    assert (np.diff(slopes) >= 0).all()
    chords = np.diff(values) / np.diff(RATIOS[:73])
    rounding = (slack[1:] + slack[:-1]) / np.diff(RATIOS[:73])
    assert (chords >= slopes[:-1] - rounding).all()
    assert (chords <= slopes[1:] + rounding).all()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_derivatives_are_those_of_f(record: FDivergence) -> None:
    """Central differences in the digits of the oracle, which has a formula of its own."""
    f, _, _ = formula_of(record)
    step = oracle.mpf(10) ** -100
    slope_at_one = slope_of(f, 1, step)
    for u in RATIOS[::3]:
        exact = oracle.mpf(float(u))
        shifted = f(exact) - slope_at_one * (exact - 1)
        scale = 1 + exact * (1 + abs(float(record.derivative(u)))) + abs(shifted)
        assert same(record.f(u), shifted, absolute=4e-16 * float(scale))
        slope = slope_of(f, exact, step) - slope_at_one
        assert same(record.derivative(u), slope, absolute=1e-15)
        if record.second_derivative is not None:
            bend = (f(exact + step) - 2 * f(exact) + f(exact - step)) / step**2
            assert same(record.second_derivative(u), bend)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_fenchel_and_young(record: FDivergence) -> None:
    """f(u) + f*(t) >= t u, with equality where t is the slope of f at u."""
    slopes = record.derivative(RATIOS)
    inner = slopes < record.recession
    u, t = RATIOS[inner], slopes[inner]
    values, conjugates = record.f(u), record.conjugate(t)
    scale = 1.0 + np.abs(t) * u + np.abs(values) + np.abs(conjugates)
    # f* is steep where u is large: its slope is u, by which the rounding of t counts.
    slack = 1e-15 * (scale + u * (1.0 + np.abs(t)))
    if record.second_derivative is not None:
        assert (np.abs(values + conjugates - t * u) <= slack).all()
    everywhere = record.f(u)[:, None] + conjugates - u[:, None] * t
    assert (everywhere >= -slack[:, None] - slack - 1e-15 * u[:, None] * (1 + np.abs(t))).all()


@pytest.mark.parametrize("record", SMOOTH, ids=lambda record: record.name)
def test_the_conjugate_of_the_conjugate_is_f(record: FDivergence) -> None:
    """The sup over t of t u - f*(t), on a fine grid of slopes, is f(u) but for the grid."""
    grid = record.derivative(np.exp(np.linspace(-3, 3, 6001)))
    for u in (0.2, 0.8, 1.0, 1.7, 5.0):
        found = float((grid * u - record.conjugate(grid)).max())
        exact = float(record.f(u))
        # A miss by h in ln u costs at most h^2/2 times u^2 f''(u), here with h = 5e-4.
        assert exact - 2.5e-7 * u**2 * float(record.second_derivative(u)) <= found <= exact + 1e-14


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_limits(record: FDivergence) -> None:
    f, at_zero, recession = formula_of(record)
    slope = slope_of(f, 1, oracle.mpf(10) ** -100)
    # Powers as small as 1e-9 get near their limits only this far out.
    least = oracle.mpf(10) ** -(10**12)
    for limit, near in ((at_zero, f(least)), (recession, f(1 / least) * least)):
        if math.isinf(limit):
            assert near > 1e6
        else:
            assert abs(near - limit) < 1e-100
    assert same(record.at_zero, at_zero + slope)
    assert same(record.recession, recession - slope)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_the_conjugate_ends_where_slopes_do(record: FDivergence) -> None:
    assert record.conjugate(0.0) == 0.0
    assert math.isnan(record.conjugate(math.nan))
    assert record.conjugate(-math.inf) == -record.at_zero
    assert record.conjugate(math.inf) == math.inf
    if math.isfinite(record.recession):
        assert record.conjugate(np.nextafter(record.recession, math.inf)) == math.inf
        assert record.conjugate(min(0.9 * record.recession, 100.0)) < math.inf
    with np.errstate(over="ignore"):
        steepest = float(record.derivative(np.float64(1e-300)))
    if steepest > -100 and math.isfinite(record.at_zero):
        assert record.conjugate(steepest - 1.0) == -record.at_zero


def test_closed_ends_of_conjugates() -> None:
    ends = {
        "total_variation": 0.5,
        "neyman_chi_squared": 2.0,
        "triangular_discrimination": 3.0,
        "jensen_shannon": math.inf,
        "squared_hellinger": math.inf,
        "reverse_kl": math.inf,
    }
    for name, end in ends.items():
        record = F_DIVERGENCES[name]
        assert record.conjugate(record.recession) == end
    assert alpha_divergence_generator(-1).conjugate(0.5) == 1.0
    assert alpha_divergence_generator(0.5).conjugate(2.0) == math.inf


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_tensors_take_the_same_formulas(record: FDivergence) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    u = torch.tensor(RATIOS, requires_grad=True)
    values = record.f(u, torch)
    assert np.allclose(values.detach().numpy(), record.f(RATIOS), rtol=1e-13, atol=1e-13)
    (slopes,) = torch.autograd.grad(values.sum(), u)
    expected = record.derivative(torch.tensor(RATIOS), torch).numpy()
    assert np.allclose(slopes.numpy(), expected, rtol=1e-10, atol=1e-10)
    t = torch.tensor(record.derivative(RATIOS), requires_grad=True)
    conjugates = record.conjugate(t, torch)
    finite = torch.isfinite(conjugates)
    assert conjugates.dtype == torch.float64
    assert np.allclose(
        conjugates.detach().numpy(), record.conjugate(t.detach().numpy()), rtol=1e-12, atol=1e-12
    )
    (ratios,) = torch.autograd.grad(conjugates[finite].sum(), t)
    assert torch.isfinite(ratios).all()
    if record.second_derivative is not None:
        assert record.second_derivative(u, torch).shape == u.shape


# ------------------------------------------------------------------------------------ divergences


NAMED = {
    "kl": lambda p, q: measures.kl_divergence(p, q),
    "reverse_kl": lambda p, q: measures.kl_divergence(q, p),
    "jensen_shannon": lambda p, q: measures.jensen_shannon_divergence(p, q),
    "total_variation": lambda p, q: measures.total_variation(p, q),
    "squared_hellinger": lambda p, q: measures.hellinger(p, q) ** 2,
    "pearson_chi_squared": lambda p, q: measures.chi_squared(p, q),
    "neyman_chi_squared": lambda p, q: measures.chi_squared(q, p),
}


@pytest.mark.parametrize("name", NAMED)
@given(pairs())
def test_names_stand_for_the_functions_of_that_meaning(name: str, pair: Any) -> None:
    p, q = pair
    assert f_divergence(p, q, f=name) == NAMED[name](p, q)


@pytest.mark.parametrize("name", FORMULAS)
@given(pairs())
def test_the_sum_of_f_is_the_divergence(name: str, pair: Any) -> None:
    """Without a shortcut, with Gauss's rule where ratios are near one."""
    p, q = pair
    record = dataclasses.replace(F_DIVERGENCES[name], functional=None)
    expected = oracle.f_divergence(p.tolist(), q.tolist(), *FORMULAS[name])
    # Of f = |u - 1| / 2 the ratio u is rounded; of others, the sums of weights are.
    absolute = 1e-15 if name == "total_variation" else 1e-31
    assert same(f_divergence(p, q, f=record), expected, absolute=absolute)


@pytest.mark.parametrize("alpha", [-1.5, 0.3, 0.5, 2.5])
@given(pairs())
def test_alpha_divergences(alpha: float, pair: Any) -> None:
    p, q = pair
    expected = oracle.f_divergence(p.tolist(), q.tolist(), *alpha_formula(alpha))
    assert same(f_divergence(p, q, f=alpha_divergence_generator(alpha)), expected, absolute=1e-31)


@pytest.mark.parametrize("alpha", [5e-324, -5e-324, 1e-310, 1e-200])
def test_orders_next_to_zero_are_zero(alpha: float) -> None:
    p, q = [0.5, 0.5], [1 / 3, 2 / 3]
    found = f_divergence(p, q, f=alpha_divergence_generator(alpha))
    assert found == pytest.approx(f_divergence(p, q, f="reverse_kl"), rel=1e-14)


@given(pairs(zeros=False), st.floats(-2.0, 3.0))
def test_alpha_divergences_exchange_their_orders(pair: Any, alpha: float) -> None:
    p, q = pair
    found = f_divergence(p, q, f=alpha_divergence_generator(alpha))
    exchanged = f_divergence(q, p, f=alpha_divergence_generator(1.0 - alpha))
    # The order 1 - alpha is rounded, which ratios up to e^90 raise to the power of 90 units.
    assert same(found, exchanged, 1e-12, 1e-31)


@given(logit_pairs())
def test_logits_of_a_sum_of_f(pair: Any) -> None:
    p, q = pair
    formula = FORMULAS["triangular_discrimination"]
    expected = oracle.f_divergence(p.tolist(), q.tolist(), *formula, kind="logits")
    found = f_divergence(p, q, f="triangular_discrimination", kind="logits")
    assert same_of_logits(found, expected)


@pytest.mark.parametrize("alpha", [-300.0, -100.0, -20.0, 20.0, 100.0, 300.0])
def test_functions_that_bend_too_much_for_a_few_nodes(alpha: float) -> None:
    for p, q in (([0.6, 0.4], [0.5, 0.5]), ([0.501, 0.499], [0.5, 0.5])):
        expected = oracle.f_divergence(p, q, *alpha_formula(alpha))
        found = f_divergence(p, q, f=alpha_divergence_generator(alpha))
        # A ratio that is rounded once is raised to the power alpha.
        assert same(found, expected, RELATIVE + abs(alpha) * 2.3e-16)


def test_a_function_without_curvature_at_one() -> None:
    bends = {
        "derivative": lambda u: 4 * (u - 1) ** 3,
        "second_derivative": lambda u: 12 * (u - 1) ** 2,
    }
    fourth = FDivergence(name="fourth", f=lambda u: (u - 1) ** 4, **bends)
    assert f_divergence([0.5625, 0.4375], [0.5, 0.5], f=fourth) == 2.0**-12


def test_alpha_divergences_of_known_orders() -> None:
    p, q = [0.7, 0.2, 0.1], [0.2, 0.3, 0.5]

    def of(alpha: float) -> float:
        return f_divergence(p, q, f=alpha_divergence_generator(alpha))

    assert of(1) == close(kl_divergence(p, q), RELATIVE)
    assert of(0) == close(kl_divergence(q, p), RELATIVE)
    assert of(2) == close(chi_squared(p, q) / 2, RELATIVE)
    assert of(-1) == close(chi_squared(q, p) / 2, RELATIVE)
    assert of(0.5) == close(4 * hellinger(p, q) ** 2, RELATIVE)
    for limit in (0.0, 1.0):
        for step in (1e-15, -1e-12, 1e-9):
            # The derivative by alpha is below 1 here.
            assert of(limit + step) == pytest.approx(of(limit), rel=RELATIVE, abs=abs(step))


def test_a_linear_part_of_f_changes_nothing() -> None:
    """Also where one symbol uses Gauss's rule and another does not, and where one is missing."""
    plain = FDivergence(
        name="u ln u",
        f=lambda u, xp=np: u * xp.log(u),
        derivative=lambda u, xp=np: 1 + xp.log(u),
        second_derivative=lambda u, xp=np: 1 / u,
        at_zero=0.0,
        recession=math.inf,
    )
    for p, q in (
        ([0.5, 0.3, 0.2], [0.5, 0.1, 0.4]),
        ([0.5, 0.5, 0.0], [0.4, 0.3, 0.3]),
        ([0.5, 0.5], [0.5 + 1e-9, 0.5 - 1e-9]),
    ):
        assert f_divergence(p, q, f=plain) == close(kl_divergence(p, q), 1e-14)
    backwards = FDivergence(
        name="-ln u",
        f=lambda u, xp=np: -xp.log(u),
        derivative=lambda u, xp=np: -1 / u,
        second_derivative=lambda u, xp=np: u**-2.0,
        at_zero=math.inf,
        recession=0.0,
    )
    p, q = [0.4, 0.3, 0.3], [0.5, 0.5, 0.0]
    assert f_divergence(p, q, f=backwards) == close(kl_divergence(q, p), 1e-14)


def test_functions_of_ones_own() -> None:
    p, q = [0.75, 0.25], [0.5, 0.5]
    assert f_divergence(p, q, f=lambda u: u * np.log(u)) == close(kl_divergence(p, q), 1e-15)
    assert f_divergence([p, q], q, f=lambda u: (u - 1) ** 2).tolist() == [0.25, 0.0]
    with_limit = FDivergence(name="mine", f=lambda u, xp=np: u * xp.log(u), at_zero=0.0)
    assert f_divergence([1.0, 0.0], q, f=with_limit) == close(math.log(2), 1e-15)


def test_ratios_beyond_doubles_count_as_infinite() -> None:
    record = dataclasses.replace(F_DIVERGENCES["squared_hellinger"], functional=None)
    tiny = 5e-324
    assert f_divergence([0.5, 0.5], [1.0, tiny], f=record) == close(1 - math.sqrt(0.5), 1e-15)
    assert f_divergence([1.0, tiny], [0.5, 0.5], f=record) == close(1 - math.sqrt(0.5), 1e-15)


# -------------------------------------------------------------------------------------- refusals


def test_unknown_functions_are_refused() -> None:
    p = [0.5, 0.5]
    with pytest.raises(ValueError, match="f must be one of 'kl', 'reverse_kl', 'jensen_shannon'"):
        f_divergence(p, p, f="renyi")
    with pytest.raises(TypeError, match=r"f must be a name, an FDivergence or a function; got 2\."):
        f_divergence(p, p, f=2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"f must be zero at 1; got f\(1\) = 1\. Subtract"):
        f_divergence(p, p, f=lambda u: u)
    with pytest.raises(ValueError, match=r"f must be zero at 1; got f\(1\) = nan"):
        f_divergence(p, p, f=lambda u: u * np.nan)


def test_functions_of_single_numbers_are_refused() -> None:
    for f, fact in (
        (lambda u: u * math.log(u), "TypeError.*"),
        (lambda u: u - 1 if u > 1 else 0.0, "ValueError.*"),
        (lambda u: 0.0, r"shape \(\)"),
    ):
        with pytest.raises(TypeError, match=f"f must work on arrays; got {fact} for two ratios"):
            f_divergence([0.5, 0.5], [0.5, 0.5], f=f)


def test_limits_that_are_not_known_are_asked_for() -> None:
    def f(u: Any) -> Any:
        return u * np.log(u)

    with pytest.raises(
        ValueError, match=r"f must be of a known limit at 0 where p has zeros; .* names its at_zero"
    ):
        f_divergence([1.0, 0.0], [0.5, 0.5], f=f)
    with pytest.raises(
        ValueError, match=r"f must be of a known limit for large u where q has zeros; .* recession"
    ):
        f_divergence([0.5, 0.5], [1.0, 0.0], f=f)


@pytest.mark.parametrize("alpha", [math.nan, math.inf, True, "2", None])
def test_orders_are_finite_numbers(alpha: Any) -> None:
    with pytest.raises(ValueError, match="alpha must be a finite number; got "):
        alpha_divergence_generator(alpha)


def test_distributions_are_checked() -> None:
    with pytest.raises(ValueError, match=r"q must have as many symbols as p \(2\); got 3"):
        f_divergence([0.5, 0.5], [0.5, 0.5, 0.0])
    with pytest.raises(ValueError, match="p must have sum one"):
        f_divergence([0.5, 0.6], [0.5, 0.5], f=lambda u: u - 1)
