"""The minimax estimate of Jiao, Venkat, Han and Weissman.

Where a frequency is well known, the plug-in term with its first-order correction is used.  Where
it is not, -p ln p is replaced by its best approximation by a polynomial, and powers of p by their
unbiased estimates c (c - 1) ... (c - k + 1) / (n (n - 1) ... (n - k + 1)).  Coefficients of the
polynomial are of order 10^16, so they are handled with sixty digits.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np

from infotheory._typing import FloatArray
from infotheory.estimators.additive import Additive
from infotheory.estimators.profile import Shape

__all__ = ["best_polynomial", "jvhw"]

_DIGITS = 60


def jvhw(shape: Shape) -> Additive:
    """Return the polynomial term for rare symbols, the corrected plug-in term for others.

    The degree, 4 + ceil(1.2 ln n) and at most 22, and the threshold are those of the authors' code.
    """
    n, edge = shape.n, _threshold(shape)
    rare = _rare_terms(n, edge, _degree(n)) if edge > 0.0 else np.zeros(1)

    def term(counts: FloatArray) -> FloatArray:
        p = counts / n
        common = -p * np.log(p) + 1 / (2 * n)
        share = np.clip(2 * counts / edge - 1, 0.0, 1.0) if edge > 0.0 else np.ones(p.size)
        place = np.minimum(counts, rare.size - 1).astype(np.int64)
        return np.maximum(share * common + (1 - share) * rare[place], 0.0)

    return Additive(0.0, term)


def _degree(n: int) -> int:
    return min(4 + math.ceil(1.2 * math.log(n)), 22)


def _threshold(shape: Shape) -> float:
    """Count from which on the plug-in term is used alone: 4 c ln n, c fitted by the authors."""
    if shape.singletons == 0 or shape.n < _degree(shape.n):
        return 0.0
    rarity = math.log(shape.n / shape.singletons)
    factor = 0.3303 * rarity + 0.4679
    if shape.n >= 200 and rarity <= 1.5:
        factor = (1.09787328176926 - 0.530556484842359 * rarity) * rarity + 0.184831781602259
    return 4 * max(factor, 1 / (1.9 * math.log(shape.n))) * math.log(shape.n)


def _rare_terms(n: int, edge: float, degree: int) -> FloatArray:
    """Unbiased estimates of T P(p / T) - p ln T for counts from 0 to the edge, T = edge / n."""
    with localcontext() as context:
        context.prec = _DIGITS
        size, width = Decimal(n), Decimal(edge) / n
        scaled = [g * width ** (1 - k) for k, g in enumerate(best_polynomial(degree))]
        terms = []
        for count in range(min(math.floor(edge), n) + 1):
            total = -Decimal(count) / size * width.ln()
            power = Decimal(1)  # unbiased estimate of p^k
            for k in range(1, degree + 1):
                power *= Decimal(count - k + 1) / (n - k + 1)
                total += scaled[k] * power
            terms.append(float(total))
    return np.array(terms)


@lru_cache
def best_polynomial(degree: int) -> tuple[Decimal, ...]:
    """Return the coefficients of the best approximation to -x ln x on [0, 1], without the constant.

    Parameters
    ----------
    degree : int
        At least 1.

    Returns
    -------
    tuple of Decimal
        Of x^0 (zero: nothing is added for symbols not seen), x^1, and so on.

    Notes
    -----
    Remez's exchange in Chebyshev polynomials of 2x - 1, whose conversion to powers is exact.
    """
    chebyshev = _remez(degree)
    before, now = [1], [-1, 2]  # powers of x in the polynomials of orders 0 and 1
    with localcontext() as context:
        context.prec = _DIGITS
        sums = [Decimal(0)] * (degree + 1)
        for weight in chebyshev:
            for k, coefficient in enumerate(before):
                sums[k] += Decimal(float(weight)) * coefficient
            doubled = [4 * a - 2 * b for a, b in zip([0, *now], [*now, 0], strict=True)]
            after = [a - b for a, b in zip(doubled, [*before, 0, 0], strict=True)]
            before, now = now, after
    return (Decimal(0), *sums[1:])


def _remez(degree: int) -> FloatArray:
    """Best coefficients on [0, 1], by exchange over x = cos^2(t / 2).

    The derivatives of -x ln x from the second on have no zeros, so that the error always has
    degree + 1 of them, and one extremum between each two and at each end.
    """
    orders = np.arange(degree + 1)
    reference = np.linspace(0.0, np.pi, degree + 2)
    signs = np.where(np.arange(degree + 2) % 2 == 0, 1.0, -1.0)
    grid = np.linspace(0.0, np.pi, 400 * (degree + 2) + 1)
    while True:
        matrix = np.column_stack([np.cos(np.outer(reference, orders)), signs])
        solution = np.linalg.solve(matrix, _curve(reference))
        error = _curve(grid) - np.cos(np.outer(grid, orders)) @ solution[:-1]
        if np.abs(error).max() <= abs(solution[-1]) * (1 + 1e-4):
            return solution[:-1]
        parts = np.split(np.arange(grid.size), np.flatnonzero(np.diff(np.sign(error))) + 1)
        reference = np.array([grid[part[np.abs(error[part]).argmax()]] for part in parts])


def _curve(angle: FloatArray) -> FloatArray:
    x = np.cos(angle / 2) ** 2
    return np.where(x > 0.0, -x * np.log(np.maximum(x, 1e-300)), 0.0)
