"""First terms of the least rate, against exact rates of long words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from infotheory.measures import Score, entropy
from infotheory.spectrum.rate_expansion import rate_expansion
from infotheory.spectrum.source_coding import minimum_rate

P = [0.7, 0.3]


def scaled_gap(n: int, **manner: float) -> float:
    """What is left of the exact rate after all terms, times n."""
    found = rate_expansion(P, n, **manner)
    return n * (minimum_rate(P, n, log_epsilon=found.log_error) - found.rate)


def test_polynomial_errors() -> None:
    """Known values in nats, and the constant of the second term."""
    for alpha, n, leading, gap in (
        (1.0, 1000, 0.65650257765351, -1.37509),
        (1.0, 3000, None, -1.39565),
        (2.0, 3000, 0.65098171211233, -2.26252),
        (0.5, 3000, None, -1.00502),
    ):
        found = rate_expansion(P, n, polynomial=alpha)
        two = found.terms[0] + found.terms[1]
        if leading is not None:
            assert two == pytest.approx(leading, abs=1e-14)
        exact = minimum_rate(P, n, log_epsilon=found.log_error)
        assert (exact - two) * n / math.log(n) == pytest.approx(gap, abs=6e-6)
    for alpha, limit in ((0.5, -0.943), (1.0, -1.387), (2.0, -2.274)):
        third = rate_expansion(P, 1000, polynomial=alpha).terms[2] * 1000 / math.log(1000)
        assert third == pytest.approx(limit, abs=6e-4)


def test_constant_errors() -> None:
    """All but O(1/n) is there: n times the gap settles down."""
    gaps = [scaled_gap(n, epsilon=0.01) for n in (1000, 10_000, 100_000)]
    assert max(map(abs, gaps)) < 4.0
    assert abs(gaps[2] - gaps[1]) < 0.1
    # Without the second term it would grow by ln(10) / 2 from each to the next.
    assert abs(gaps[2] - gaps[1]) < 0.1 * 0.5 * math.log(10)
    more = rate_expansion(P, 1000, epsilon=0.9)
    assert more.terms[1] < 0.0
    assert more.log_error == math.log(0.9)


def test_exponentially_small_errors() -> None:
    gaps = [scaled_gap(n, exponent=0.02) for n in (2000, 20_000, 100_000)]
    assert max(map(abs, gaps)) < 4.0
    assert abs(gaps[2] - gaps[1]) < 0.05 * math.log(5)
    # From the divergence that makes all letters equally likely on, almost all words are needed.
    most = math.log(2) - 0.0
    divergence = -0.5 * math.log(4 * 0.7 * 0.3)
    assert rate_expansion(P, 100, exponent=1.01 * divergence).terms == (most,)
    found = rate_expansion(P, 10**6, exponent=0.999 * divergence)
    assert found.terms[0] == pytest.approx(most, abs=1e-5)


def test_the_limit_for_an_exponent_is_the_entropy_of_a_tilted_law() -> None:
    p, lam = np.array([0.5, 0.3, 0.2]), 0.4
    tilted = Score.entropy(p).tilted(lam)
    law = p ** (1 - lam) / (p ** (1 - lam)).sum()
    divergence = float(law @ np.log(law / p))
    found = rate_expansion(p, 10**5, exponent=divergence)
    assert found.terms[0] == pytest.approx(entropy(law), rel=1e-12)
    assert found.terms[1] == pytest.approx(-math.log(10**5) / (2 * lam * 10**5), rel=1e-9)
    assert found.log_error == pytest.approx(-(10**5) * divergence)
    assert tilted.mean - divergence == pytest.approx(entropy(law))


def test_subexponential_errors() -> None:
    """What remains is of smaller order than the second term, whose size is n^(alpha - 1).

    Of the error the prefactor 1 / (a sqrt(2 pi)), a = sqrt(2 n rho), was left out, which lowers the
    rate by sigma ln(a sqrt(2 pi)) / (n sqrt(2 rho)); and of the size sqrt(2 pi n) sigma.
    """
    score = Score.entropy(P)
    sigma, gaps = math.sqrt(score.variance), []
    for n in (10**3, 10**5):
        rho = n**-0.5
        of_error = math.log(math.sqrt(4 * math.pi * n * rho)) * sigma / math.sqrt(2 * rho)
        of_size = math.log(math.sqrt(2 * math.pi * n) * sigma)
        found = scaled_gap(n, subexponential=0.5)
        assert 0.5 < -found / (of_error + of_size) < 1.0  # both rounded to their leading terms
        gaps.append(abs(found) / (n * rho))
    assert gaps[1] < 0.5 * gaps[0]
    found = rate_expansion(P, 10**4, subexponential=0.5)
    assert found.log_error == pytest.approx(-100.0)
    bend = 1 - score.third_central_moment / (3 * score.variance)
    assert found.terms[2] == pytest.approx(-bend / 100)
    assert found.rate == math.fsum(found.terms)


@pytest.mark.parametrize("manner", [
    {"epsilon": 0.1}, {"polynomial": 1.0}, {"subexponential": 0.5}, {"exponent": 0.1},
])  # fmt: skip
def test_equally_likely_letters(manner: dict[str, float]) -> None:
    found = rate_expansion([0.25] * 4, 50, **manner)
    assert found.rate == pytest.approx(math.log(4))
    assert found.log_error < 0.0


@pytest.mark.parametrize(
    ("manner", "text"),
    [
        ({}, "one of epsilon, polynomial, subexponential, exponent must be given; got none"),
        ({"epsilon": 0.1, "exponent": 1.0}, "must be given; got epsilon and exponent"),
        ({"epsilon": 1.0}, r"epsilon must be a number between 0 and 1; got 1\.0"),
        ({"subexponential": 0}, "subexponential must be a number between 0 and 1; got 0"),
        ({"polynomial": math.inf}, "polynomial must be a positive finite number; got inf"),
        ({"exponent": -1.0}, r"exponent must be a positive finite number; got -1\.0"),
    ],
)
def test_refusals(manner: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        rate_expansion(P, 100, **manner)


def test_refusals_of_other_kinds() -> None:
    with pytest.raises(ValueError, match="n must be at least 2; got 1"):
        rate_expansion(P, 1, epsilon=0.1)
    with pytest.raises(TypeError, match="epsilon must be a number; got"):
        rate_expansion(P, 10, epsilon="0.1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="p must have sum one"):
        rate_expansion([0.7, 0.7], 10, epsilon=0.1)
