"""The parts of the interior-point methods, and what happens where a step is impossible."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from infotheory.exceptions import PrecisionWarning
from infotheory.measures import (
    _entropy_program,
    capacity,
    channel_capacity,
    partial_information_decomposition,
)
from infotheory.measures._entropy_program import EntropyProgram
from infotheory.measures._interior_point import longest_step, narrow, solver

# ------------------------------------------------------------------------------- linear systems


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.integers(0, 100))
def test_systems_of_any_scale(n: int, seed: int, span: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n)) + 3.0 * np.eye(n)
    scale = 10.0 ** rng.uniform(-span, span, n)
    matrix = scale[:, None] * (root @ root.T) * scale
    x = rng.normal(size=(n, 2)) / scale[:, None]
    solve = solver(matrix.copy())
    assert solve is not None
    # The ridge of 1e-14 and rounding count times the condition of the unscaled matrix.
    condition = np.linalg.cond(root @ root.T)
    slack = 1e-13 * condition * np.abs(x * scale[:, None]).max()
    assert (solve(matrix @ x) - x) * scale[:, None] == pytest.approx(0.0, abs=slack)
    assert solve(matrix @ x[:, 0]) == pytest.approx(solve(matrix @ x)[:, 0], rel=1e-9)


def test_a_singular_system_that_has_a_solution() -> None:
    matrix = np.array([[1.0, 1.0], [1.0, 1.0]])
    solve = solver(matrix.copy())
    assert solve is not None
    assert matrix @ solve(np.array([2.0, 2.0])) == pytest.approx([2.0, 2.0])


def test_slightly_indefinite_by_rounding() -> None:
    matrix = np.array([[1.0, 1.0 + 1e-12], [1.0 + 1e-12, 1.0]])
    solve = solver(matrix.copy())
    assert solve is not None
    assert matrix @ solve(np.array([2.0, 2.0])) == pytest.approx([2.0, 2.0], rel=1e-9)


@pytest.mark.parametrize(
    "matrix",
    [[[1.0, 2.0], [2.0, 1.0]], [[math.nan, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]],
)
def test_no_solver(matrix: Any) -> None:
    assert solver(np.array(matrix)) is None


def test_longest_step() -> None:
    assert longest_step(np.array([1.0, 2.0, 3.0]), np.array([-0.5, -4.0, 1.0])) == 0.5
    assert longest_step(np.array([1.0]), np.array([1.0])) == math.inf


# -------------------------------------------------------------------------------------- bounds


def test_the_best_of_all_bounds() -> None:
    points = [(0.0, 9.0), (2.0, 8.0), (1.0, 5.0), (math.nan, 7.0), (3.0, math.nan), (4.0, 6.0)]
    found = narrow(points, lambda p: (*p, p), 1e-9, 100)
    assert (found.lower, found.upper, found.iterations) == (4.0, 5.0, 5)
    assert (found.point, found.dual) == ((1.0, 5.0), (4.0, 6.0))


def test_it_stops_where_told() -> None:
    points = [(float(k), 10.0) for k in range(10)]
    bounds = lambda p: (*p, p)  # noqa: E731
    assert narrow(iter(points), bounds, 1e-9, 4).iterations == 4
    assert narrow(iter(points), bounds, 3.5, 100).lower == 7.0


def test_bounds_that_cross_by_rounding() -> None:
    found = narrow([(1.0 + 1e-15, 1.0)], lambda p: (*p, p), 1e-9, 4)
    assert (found.lower, found.upper) == (1.0, 1.0)


# -------------------------------------------------------------------------- the entropy program


def one_block(cost: Any) -> EntropyProgram:
    """Minimise sum x (c + ln x) over distributions: x is softmax(-c), the value -lse(-c)."""
    n = len(cost)
    matrix = sp.csr_array(np.ones((1, n)))
    return EntropyProgram(matrix, np.ones(1), np.zeros(n, dtype=np.int64), np.asarray(cost))


@given(st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=6))
def test_softmax(cost: list[float]) -> None:
    program = one_block(cost)
    *_, last = [p for p, _ in zip(program.path(np.zeros(1), np.ones(1)), range(60), strict=False)]
    weights = np.exp(-np.array(cost) - max(-c for c in cost))
    total = weights.sum()
    assert last.x == pytest.approx(weights / total, rel=1e-9, abs=1e-12)
    assert last.y[0] == pytest.approx(-(math.log(total) + max(-c for c in cost)), abs=1e-9)


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_blocks_of_one_are_linear_programs(n: int, seed: int) -> None:
    """Minimise c'x over distributions: the least of the costs."""
    cost = np.random.default_rng(seed).normal(size=n)
    matrix = sp.csr_array(np.ones((1, n)))
    program = EntropyProgram(matrix, np.ones(1), np.arange(n), cost)
    path = program.path(np.zeros(1), np.full(n, 1.0 / n))
    *_, last = [p for p, _ in zip(path, range(40), strict=False)]
    assert cost @ last.x == pytest.approx(cost.min(), abs=1e-9)
    assert last.y[0] == pytest.approx(cost.min(), abs=1e-9)


def test_many_blocks_with_few_entries_each() -> None:
    """Where columns of the reduced matrix are mostly zero it stays sparse: same steps."""
    rng = np.random.default_rng(0)
    dense = np.repeat(np.eye(15), 2, axis=1)
    target = rng.random(15)
    cost = rng.random(30)
    program = EntropyProgram(sp.csr_array(dense), target, np.repeat(np.arange(15), 2), cost)
    path = program.path(np.zeros(15), np.ones(15))
    *_, last = [p for p, _ in zip(path, range(40), strict=False)]
    assert dense @ last.x == pytest.approx(target, rel=1e-9)
    weights = np.exp(-cost).reshape(15, 2)
    assert last.x.reshape(15, 2) == pytest.approx(
        target[:, None] * weights / weights.sum(axis=1, keepdims=True), rel=1e-9
    )


# ------------------------------------------------------------------ where no step can be taken


def test_a_path_ends_without_a_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_entropy_program, "solver", lambda matrix: None)
    assert len(list(one_block([0.0, 1.0]).path(np.zeros(1), np.ones(1)))) == 1
    joint = np.random.default_rng(0).dirichlet(np.ones(8)).reshape(2, 2, 2)
    with pytest.warns(PrecisionWarning, match="after 0 iterations"):
        found = partial_information_decomposition(joint)
    # What is known without a step: V is between the larger information of a source, and that of
    # sources that are independent given the target.
    assert found.iterations == 0
    assert found.gap > 1e-9


def test_a_path_ends_where_no_part_of_a_step_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _entropy_program,
        "solver",
        lambda matrix: lambda right: np.full_like(right, math.nan),
    )
    assert len(list(one_block([0.0, 1.0]).path(np.zeros(1), np.ones(1)))) == 1


Z_CHANNEL = np.array([[1.0, 0.0], [0.5, 0.5]])
MORE_INPUTS = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])


@pytest.mark.parametrize("channel", [Z_CHANNEL, MORE_INPUTS])
@pytest.mark.parametrize("working", [0, 1, 2])
def test_a_capacity_ends_without_a_solver(
    channel: Any, working: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the linear systems of the first step cannot be solved."""
    left = [working]

    def failing(matrix: Any) -> Any:
        left[0] -= 1
        return solver(matrix) if left[0] >= 0 else None

    monkeypatch.setattr(capacity, "solver", failing)
    with pytest.warns(PrecisionWarning):
        found = channel_capacity(channel)
    monkeypatch.undo()
    assert found.iterations <= 1
    assert found.lower <= channel_capacity(channel).capacity <= found.upper


def test_a_capacity_ends_where_a_step_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        capacity, "solver", lambda matrix: lambda right: np.full_like(right, math.nan)
    )
    with pytest.warns(PrecisionWarning, match="after 0 iterations"):
        channel_capacity(Z_CHANNEL)
