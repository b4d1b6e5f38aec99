"""Loops over frequencies, against laws that are convolved one summand after another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracles import spectrum_law as oracle

from infotheory._kernels.transform import (
    decayed_sums,
    fewest_terms,
    powers,
    running_logs,
    tail_sums,
)

pytestmark = pytest.mark.kernel

CASES = [
    ([0, 1], [0.7, 0.3], 12),
    ([-2, 0, 3], [0.25, 0.5, 0.25], 9),
    ([0, 5, -7, 11], [0.4, 0.3, 0.2, 0.1], 6),
    ([0, 1, 0], [0.5, 0.25, 0.25], 8),  # two letters at the same place
    ([0, 1], [0.5, 0.5], 1),
    ([0, 8], [0.5, 0.5], 3),  # where f is zero at half of the frequencies
]


def folded(places: list[int], p: list[float], n: int, low: int, size: int) -> list[Any]:
    """Masses at low, low + 1, ... of the sum modulo the size."""
    found = [0] * size
    for at, mass in oracle.place_law(places, p, n).items():
        found[(at - low) % size] += mass
    return found


@pytest.mark.parametrize(("places", "p", "n"), CASES)
@pytest.mark.parametrize("size", [16, 64, 128])
@pytest.mark.parametrize("decay", [0.0, 1e-9, 0.3, 20.0])
def test_sums_are_right_within_what_they_say(
    places: list[int], p: list[float], n: int, size: int, decay: float
) -> None:
    mean = sum(a * b for a, b in zip(places, p, strict=True))
    low = round(n * mean) - size // 2
    ends = np.array([low + size // 4, low + size // 2 - 1, low + size])
    out = np.empty(4)
    tail_sums(np.array(places), np.array(p), n, size, decay, ends, 80.0, out)
    law = folded(places, p, n, low, size)
    box = sum(law[int(ends[0]) - low : int(ends[1]) - low])
    tail = sum(
        mass * math.exp(-decay * step) for step, mass in enumerate(law[int(ends[1]) - low :])
    )
    assert abs(box - out[0]) <= out[2] + 1e-17  # the oracle's floats in e^-x add some units
    assert abs(tail - out[1]) <= out[3] + 4e-16 * float(tail)
    # Thousands of units of rounding would be a certificate of nothing.
    assert out[2] < 1e-12
    assert out[3] < 1e-12 * max(1.0, 1 / -math.expm1(-decay) / size if decay else 1.0)


def test_dropped_frequencies_are_added_to_the_bounds() -> None:
    places, p = np.array([0, 1, 3]), np.array([0.5, 0.3, 0.2])
    ends = np.array([20, 22, 20 + 32])
    all_of_them, some = np.empty(4), np.empty(4)
    tail_sums(places, p, 25, 64, 0.1, ends, 1e6, all_of_them)
    tail_sums(places, p, 25, 64, 0.1, ends, 2.0, some)
    assert some[2] > 1e-3
    assert 0 < abs(some[0] - all_of_them[0]) <= some[2]
    assert 0 < abs(some[1] - all_of_them[1]) <= some[3]


@pytest.mark.parametrize("n", [50, 10**4])
def test_bounds_on_rounding_are_those_of_the_lemma(n: int) -> None:
    """What f is off by, times n abs(f)^(n - 1) and the transform of the box; as much again."""
    places, p, size = np.array([0, 1, 3]), np.array([0.5, 0.3, 0.2]), 2**13
    ends = np.array([n - size // 4, n, n + size // 2])
    out = np.empty(4)
    tail_sums(places, p, n, size, 0.1, ends, 80.0, out)
    angles = 2 * np.pi * np.arange(1, size // 2) / size
    f = np.exp(-1j * np.outer(angles, places)) @ p
    x = 1 - f.real
    off = 23 * 2.0**-53 * (np.sqrt(2 * x) + x)
    box = np.abs(np.sin(angles * (ends[1] - ends[0]) / 2) / np.sin(angles / 2))
    wanted = 2 / size * n * float((off * np.abs(f) ** (n - 1)) @ box)
    assert wanted < out[2] < 10 * wanted
    assert out[2] < 1e-11


def test_empty_ranges_have_no_mass() -> None:
    out = np.empty(4)
    ends = np.array([5, 5, 5])
    tail_sums(np.array([0, 1]), np.array([0.5, 0.5]), 9, 16, 0.1, ends, 80.0, out)
    np.testing.assert_array_equal(out, 0.0)


@pytest.mark.parametrize(("places", "p", "n"), CASES)
def test_powers_are_the_transform_of_the_law(places: list[int], p: list[float], n: int) -> None:
    size = 128
    found = np.empty(size // 2 + 1, dtype=np.complex128)
    powers(np.array(places), np.array(p), n, size, 80.0, found)
    law = np.array(folded(places, p, n, 0, size), dtype=float)
    # n (k + 28) units of the modulus, at most 1, and some of the comparison's own transform.
    np.testing.assert_allclose(found, np.fft.rfft(law), rtol=0, atol=(32 * n + 64) * 2.0**-53)


def test_powers_stay_right_for_large_n() -> None:
    """Near frequency 0, where f is 1 but for 1e-7: the binomial's own transform, many digits."""
    import mpmath as mp

    n, size = 10**6, 2**14
    found = np.empty(size // 2 + 1, dtype=np.complex128)
    powers(np.array([0, 1]), np.array([0.7, 0.3]), n, size, 80.0, found)
    with mp.workdps(40):
        for j in (1, 2, 5, 9):
            one = 1 + mp.mpf(0.3) * mp.expm1(-2j * mp.pi * j / size)
            exact = one**n
            # Phases are up to 1e3 n / size of a turn, off by 4 units of that.
            assert abs(complex(exact) - found[j]) <= 1e-11 * abs(complex(exact))
    assert found[-1] == 0.0


def test_decayed_sums() -> None:
    p, decay = np.array([0.1, 0.0, 0.4, 0.2]), 0.7
    out = np.empty(4)
    decayed_sums(p, decay, out)
    expected = [sum(math.exp(-decay * (j - i)) * p[j] for j in range(i, 4)) for i in range(4)]
    np.testing.assert_allclose(out, expected, rtol=1e-15)


def test_running_logs_reach_over_any_range() -> None:
    logs = np.array([-np.inf, -5000.0, -4999.0, -10.0, -3000.0, -0.5, -2000.0])
    out = np.empty(7)
    running_logs(logs, out)
    np.testing.assert_allclose(out, np.logaddexp.accumulate(logs), rtol=1e-15)
    many = np.full(10**4, math.log(0.1))
    many[0] = 0.0
    out = np.empty(10**4)
    running_logs(many, out)
    # Compensated: two units of the sum, whatever their number, two of a term, and the logarithm's.
    np.testing.assert_allclose(out, np.log1p(0.1 * np.arange(10**4)), rtol=0, atol=2e-15)


def test_fewest_terms() -> None:
    out = np.empty(15, dtype=np.int64)
    fewest_terms(np.array([4, 5]), out)
    assert out.tolist() == [0, -1, -1, -1, 1, 1, -1, -1, 2, 2, 2, -1, 3, 3, 3]
