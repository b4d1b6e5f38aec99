"""Counts of neighbours, and what the formulas make of them, against all pairs of samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracles import neighbour_information as oracle

from infotheory.estimators.continuous.coordinates import placed
from infotheory.estimators.continuous.neighbour_information import (
    INFORMATION,
    Terms,
    ksg1,
    ksg_ties,
    mesner_shalizi,
    ross,
)
from infotheory.estimators.continuous.space import Space
from infotheory.estimators.continuous.together import o_information, total_correlation
from infotheory.estimators.symbols import as_symbols

# Each local value is a sum of at most five digammas below ln 40, rounded a few times, and the mean
# of 40 of them.
NEAR = 1e-12

KINDS = ("normal", "rounded", "integers", "constant", "half zeros")
PAIRS = ((1, 1), (1, 2), (2, 2), (3, 1))
N = 40


def draw(kind: str, widths: tuple[int, ...], n: int = N, seed: int = 0) -> list[Any]:
    """Draw dependent variables of so many columns each."""
    rng = np.random.default_rng([seed, *widths])
    shared = rng.normal(size=(n, 1))
    found = [shared + rng.normal(size=(n, width)) for width in widths]
    if kind == "rounded":
        found = [np.round(block, 1) for block in found]
    elif kind == "integers":
        found = [np.round(1.5 * block) for block in found]
    elif kind == "constant":
        found[-1] = np.full_like(found[-1], 0.3)
    elif kind == "half zeros":
        keep = rng.random((n, 1)) < 0.5
        found = [block * keep for block in found]
    return found


def tables(variables: Any, standardize: bool) -> list[oracle.Table]:
    rows = [list(map(tuple, block.tolist())) for block in variables]
    return [oracle.table(oracle.in_units(block) if standardize else block) for block in rows]


def agree(found: Terms, local: oracle.Local) -> None:
    want = [math.nan if value is None else value for value in local]
    assert found.value == pytest.approx(oracle.mean(local), abs=NEAR)
    np.testing.assert_allclose(found.local, want, rtol=0, atol=NEAR)
    assert np.nanmean(found.local) == pytest.approx(found.value, abs=NEAR)


@pytest.mark.kernel
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("widths", PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_information(kind: str, widths: tuple[int, int], standardize: bool) -> None:
    variables = draw(kind, widths)
    space = placed(variables, standardize, 1).space
    x, y = tables(variables, standardize)
    for k in range(1, 6):
        for method, function in INFORMATION.items():
            agree(function(space, k), oracle.INFORMATION[method](x, y, k))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("widths", [(1, 1, 1), (1, 1, 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_conditional_information(kind: str, widths: tuple[int, ...], standardize: bool) -> None:
    variables = draw(kind, widths)
    space = placed(variables, standardize, 1).space
    x, y, z = tables(variables, standardize)
    for k in range(1, 6):
        agree(ksg1(space, k), oracle.frenzel_pompe(x, y, z, k))
        agree(mesner_shalizi(space, k), oracle.mesner_shalizi(x, y, k, z))
        agree(ksg_ties(space, k), oracle.ksg_ties(x, y, k, z))


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_measurements_of_symbols(kind: str, width: int) -> None:
    """Classes of one sample, of fewer than k + 1, and of many."""
    points, _ = draw(kind, (width, 1))
    codes = np.array([0] * 20 + [1] * 14 + [2] * 3 + [3] * 2 + [4])
    (x,) = tables([points], False)
    for k in range(1, 6):
        agree(ross(Space([points]), codes, k), oracle.ross(x, codes.tolist(), k))


@pytest.mark.parametrize("width", [1, 2])
def test_no_symbol_twice(width: int) -> None:
    found = ross(Space([np.zeros((4, width))]), np.arange(4), 3)
    assert math.isnan(found.value)
    assert np.isnan(found.local).all()


@pytest.mark.parametrize("widths", [(1, 1), (1, 1, 1), (2, 1, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_several_variables(kind: str, widths: tuple[int, ...]) -> None:
    variables = draw(kind, widths)
    space = placed(variables, True, 1).space
    found = tables(variables, True)
    for k in (1, 3, 5):
        agree(total_correlation(space, k, False), oracle.total_correlation(found, k))
        agree(o_information(space, k, False), oracle.o_information(found, k))
        agree(total_correlation(space, k, True), oracle.total_correlation_with_ties(found, k))
        agree(o_information(space, k, True), oracle.o_information_with_ties(found, k))


def test_two_variables_have_nothing_beyond() -> None:
    space = placed(draw("normal", (1, 1)), True, 1).space
    for ties, function in ((False, ksg1), (True, ksg_ties)):
        total = total_correlation(space, 3, ties)
        assert total.value == pytest.approx(function(space, 3).value, abs=NEAR)
        assert o_information(space, 3, ties).value == 0.0


@pytest.mark.parametrize("n_symbols", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_symbols_are_further_apart_than_measurements(kind: str, n_symbols: int) -> None:
    points, z = draw(kind, (1, 1))
    symbols = np.arange(N) % n_symbols
    symbols[:2] = 0, n_symbols - 1
    x, third = tables([points, z], True)
    y = oracle.table(symbols.tolist())
    pair = placed([points, as_symbols(symbols)], True, 1).space
    triple = placed([points, z, as_symbols(symbols)], True, 1).space
    for k in (1, 3, 12):  # the last more than some symbols have
        for method in ("ksg_ties", "gao", "mesner_shalizi"):
            agree(INFORMATION[method](pair, k), oracle.INFORMATION[method](x, y, k))
        agree(mesner_shalizi(triple, k), oracle.mesner_shalizi(x, third, k, y))
        agree(ksg_ties(triple, k), oracle.ksg_ties(x, third, k, y))


def test_two_variables_of_symbols() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(N, 1))
    symbols = [rng.integers(0, m, N) for m in (3, 4)]
    x, y = (oracle.table(column.tolist()) for column in symbols)
    (given,) = tables([z], True)
    space = placed([*map(as_symbols, symbols), z], True, 1).space
    for k in (1, 4):
        agree(mesner_shalizi(space, k), oracle.mesner_shalizi(x, y, k, given))
        agree(ksg_ties(space, k), oracle.ksg_ties(x, y, k, given))


@pytest.mark.parametrize("widths", [(1, 1), (2, 1), (1, 1, 1)])
def test_without_ties_there_is_nothing_to_allow_for(widths: tuple[int, ...]) -> None:
    space = placed(draw("normal", widths), True, 1).space
    for k in (1, 3):
        agree(ksg_ties(space, k), list(ksg1(space, k).local))


def test_threads_do_not_change_a_bit() -> None:
    for widths in ((1, 1), (2, 2), (1, 1, 1), (1, 2, 2)):
        variables = draw("rounded", widths, n=60)
        one, two = (placed(variables, True, n_jobs).space for n_jobs in (1, 2))
        functions = (
            list(INFORMATION.values()) if len(widths) == 2 else [ksg1, ksg_ties, mesner_shalizi]
        )
        for function in functions:
            np.testing.assert_array_equal(function(one, 3).terms, function(two, 3).terms)
        for together in (total_correlation, o_information):
            for ties in (False, True):
                a, b = (together(space, 3, ties) for space in (one, two))
                np.testing.assert_array_equal(a.terms, b.terms)
    codes = np.arange(60) % 7
    for width in (1, 2):
        (points,) = draw("rounded", (width,), n=60)
        one, two = (ross(Space([points], n_jobs), codes, 3) for n_jobs in (1, 2))
        np.testing.assert_array_equal(one.terms, two.terms)


def test_rows_are_a_space_of_their_own() -> None:
    blocks = draw("normal", (1, 2))
    rows = np.array([3, 1, 4, 15, 9, 2, 6])
    part, whole = Space(blocks).rows(rows), Space([block[rows] for block in blocks])
    np.testing.assert_array_equal(ksg1(part, 2).terms, ksg1(whole, 2).terms)
