"""Lobes of characteristic functions as short vectors: none is missed."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from infotheory._kernels.lobes import reduce_basis, short_vectors
from infotheory._typing import FloatArray
from infotheory.spectrum import _lobes
from infotheory.spectrum._lobes import LobeLattice

LAWS = {
    "two": ([0.0, 1.3], [0.7, 0.3]),
    "three": ([0.2, 0.9, 2.1], [0.5, 0.3, 0.2]),
    "four": ((-np.log([0.4, 0.3, 0.2, 0.1])).tolist(), [0.4, 0.3, 0.2, 0.1]),
    "on a lattice": ([0.0, 0.5, 1.5, 2.0], [0.3, 0.3, 0.2, 0.2]),
    "five": ([0.0, 0.11, 0.57, 0.9, 1.7], [0.35, 0.25, 0.2, 0.13, 0.07]),
    "with a rare letter": ([0.0, 0.7, 1.1, 5.0], [0.5, 0.3, 0.2 - 1e-9, 1e-9]),
}


def modulus(values: list[float], weights: list[float], omega: FloatArray) -> FloatArray:
    angles = 2.0 * math.pi * omega[:, None] * np.array(values)
    found: FloatArray = np.abs(np.exp(1j * angles) @ np.array(weights))
    return found


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(("n", "kappa"), [(6, 2.0), (40, 6.0), (300, 5.0), (20_000, 30.0)])
def test_no_frequency_outside_of_the_lobes_counts(name: str, n: int, kappa: float) -> None:
    values, weights = LAWS[name]
    reach = 60.0
    lattice = LobeLattice(np.array(values), np.array(weights), n, kappa, reach)
    lobes = lattice.lobes(reach, 1e6)
    assert lobes is not None
    rng = np.random.default_rng(n)
    # Anywhere, and near the middles and the ends of the lobes, where it is decided.
    ends = np.concatenate([lobes.centres + side * lobes.halves for side in (-1.001, 0.0, 1.001)])
    omega = np.abs(np.concatenate([rng.uniform(0.0, reach, 4000), ends]))
    omega = omega[omega <= reach]
    distance = np.abs(omega[:, None] - lobes.centres)
    inside = (distance <= lobes.halves).any(axis=1)
    power = n * np.log(modulus(values, weights, omega))
    assert (power[~inside] < -kappa).all()
    assert inside.any()


def test_lobes_are_no_wider_than_needed() -> None:
    # For many letters n the form is that of the variance: at the ends of the main lobe, where
    # |phi|^n is exp(-kappa) to second order, it is no smaller than that to the next one, kappa / n.
    values, weights = LAWS["four"]
    n, kappa = 10**6, 25.0
    lattice = LobeLattice(np.array(values), np.array(weights), n, kappa, 1.0)
    power = n * math.log(modulus(values, weights, np.array([lattice.half]))[0])
    assert power == pytest.approx(-kappa, rel=1e-4)


def test_what_is_expected_is_found() -> None:
    # A law in no special relation, and so far that a thousand lobes are seen: 4 deviations.
    values, weights = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0]), LAWS["five"][1]
    lattice = LobeLattice(values, np.array(weights), 100, 10.0, 2e4)
    lobes = lattice.lobes(2e4, 1e6)
    assert lobes is not None
    expected = lattice.expected(2e4)
    assert abs(len(lobes.centres) - expected) < 4.0 * math.sqrt(expected)


def test_rare_letters_are_left_aside() -> None:
    values, weights = LAWS["with a rare letter"]
    lattice = LobeLattice(np.array(values), np.array(weights), 1000, 20.0, 100.0)
    three = LobeLattice(np.array(values[:3]), np.array(weights[:3]), 1000, 20.0, 100.0)
    assert lattice.expected(100.0) == pytest.approx(three.expected(100.0))


def test_lobes_of_a_lattice_are_periodic() -> None:
    lattice = LobeLattice(np.array([0.0, 0.5, 1.5]), np.array([0.5, 0.3, 0.2]), 1000, 20.0, 10.0)
    lobes = lattice.lobes(9.0, 1e6)
    assert lobes is not None
    np.testing.assert_allclose(np.sort(lobes.centres), [0.0, 2.0, 4.0, 6.0, 8.0], atol=1e-9)


def test_reach_may_grow_and_shrink() -> None:
    values, weights = LAWS["four"]
    lattice = LobeLattice(np.array(values), np.array(weights), 1000, 20.0, 1e5)
    counts = []
    for reach in (1e2, 1e5, 1e2, 1e2):
        lobes = lattice.lobes(reach, 1e6)
        assert lobes is not None
        counts.append(len(lobes.centres))
    assert counts[0] == counts[2] == counts[3] < counts[1]


def test_search_gives_up_beyond_its_steps() -> None:
    values, weights = LAWS["four"]
    lattice = LobeLattice(np.array(values), np.array(weights), 100, 20.0, 1e4)
    assert lattice.lobes(1e4, 5.0) is None  # steps
    assert lattice.lobes(1e4, 1e6) is not None


def test_search_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    values, weights = LAWS["on a lattice"]  # more lobes than a generic law has
    lattice = LobeLattice(np.array(values), np.array(weights), 2000, 20.0, 1e2)
    enough = lattice.lobes(1e2, 1e6)
    monkeypatch.setattr(_lobes, "_ROOM", 1.0)
    found = lattice.lobes(1e2, 1e6)
    assert enough is not None
    assert found is not None
    np.testing.assert_array_equal(np.sort(found.centres), np.sort(enough.centres))
    assert lattice.lobes(1e2, 21.0) is None


def test_basis_that_rounding_has_spoilt_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    values, weights = LAWS["four"]
    lattice = LobeLattice(np.array(values), np.array(weights), 100, 20.0, 1e3)

    def spoilt(basis: FloatArray, steps: FloatArray) -> None:
        steps[0] += steps[0]  # of index two

    monkeypatch.setattr(_lobes, "reduce_basis", spoilt)
    assert lattice.lobes(1e3, 1e6) is None

    def vanished(basis: FloatArray, steps: FloatArray) -> None:
        steps[0] = 0.0

    monkeypatch.setattr(_lobes, "reduce_basis", vanished)
    assert lattice.lobes(1e4, 1e6) is None


# ------------------------------------------------------------------------------------ the kernels


@pytest.mark.kernel
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_reduced_basis_is_a_basis(size: int) -> None:
    rng = np.random.default_rng(size)
    before = rng.normal(size=(size, size + 1))
    before[:, -1] *= 1e3
    basis, steps = before.copy(), np.eye(size)
    reduce_basis(basis, steps)
    assert round(abs(np.linalg.det(steps))) == 1
    # Entries of some 1e3, times whole numbers of some 1e2: 1e5 roundings of 1e-16 at most.
    np.testing.assert_allclose(steps @ before, basis, atol=1e-10)
    lengths = np.linalg.norm(basis, axis=1)
    # The first vector of such a basis is at most 2^((size - 1) / 2) times a shortest one.
    shortest = min(
        np.linalg.norm(np.array(z) @ basis)
        for z in itertools.product(range(-3, 4), repeat=size)
        if any(z)
    )
    assert lengths[0] <= 2.0 ** (0.5 * (size - 1)) * shortest * (1.0 + 1e-9) * 1.1


@pytest.mark.kernel
@pytest.mark.parametrize("size", [1, 2, 3])
def test_short_vectors_are_those_of_all_tried(size: int) -> None:
    rng = np.random.default_rng(size)
    upper = np.triu(rng.normal(size=(size, size)) * 0.3) + np.diag(np.full(size, 0.6))
    along = rng.normal(size=size)
    # Of lengths in which the last component counts, as the lattice has it.
    weight, radius, reach = 0.2, 1.0, 4.0
    rows = np.vstack([upper, weight * along])
    triangle = np.linalg.qr(rows)[1]
    centres, halves = np.empty(2000), np.empty(2000)
    found, _ = short_vectors(
        np.ascontiguousarray(triangle), along, radius, weight, reach, 1e6, centres, halves
    )
    expected = []
    for z in itertools.product(range(-15, 16), repeat=size):
        place = float(along @ z)
        square = float(np.sum((upper @ z) ** 2))
        first = next((entry for entry in reversed(z) if entry), 1)
        if first > 0 and square <= radius**2 and abs(place) <= reach:
            expected.append((abs(place), math.sqrt(radius**2 - square)))
    assert found == len(expected) > 1
    order = np.argsort(centres[:found])
    pairs = np.column_stack([centres[:found][order], halves[:found][order]])
    # The margin of 1e-7 adds up to its root where the half width is nothing.
    np.testing.assert_allclose(pairs, sorted(expected), atol=4e-4)
