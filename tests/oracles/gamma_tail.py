"""Tails and moments of gamma laws and of differences of two, in many digits."""

from __future__ import annotations

from typing import Any

import mpmath as mp

DIGITS = 60


def log_gamma_tail(shape: Any, point: Any, upper: bool) -> Any:
    """Logarithm of the incomplete gamma function, the regularised one of all digits."""
    with mp.workdps(5 * DIGITS):  # a small one may be formed as a difference
        a, x = mp.mpf(shape), mp.mpf(point)
        ends = (x, mp.inf) if upper else (0, x)
        return mp.log(mp.gammainc(a, *ends, regularized=True))


def log_difference_tail(shape: int, point: Any) -> Any:
    """ln P(G - G' > point >= 0) of whole shapes: G' of them have passed when G has, term by term.

    P(G > y + g) = exp(-y - g) sum_k (y + g)^k / k!, averaged over g by the binomial theorem.
    """
    with mp.workdps(DIGITS):
        y, total = mp.mpf(point), mp.mpf(0)
        for k in range(shape):
            for j in range(k + 1):
                moment = mp.gamma(shape + j) / mp.gamma(shape) / mp.mpf(2) ** (shape + j)
                total += mp.binomial(k, j) * y ** (k - j) * moment / mp.factorial(k)
        return mp.log(total) - y


def log_bessel_tail(point: Any) -> Any:
    """The same of shape one half: the difference has the density K_0(abs(x)) / pi."""
    with mp.workdps(20):
        y = mp.mpf(point)
        # The density is K_0(y + s) / pi; exp(-y) is taken out.
        ends = [0, mp.mpf("1e-6"), mp.mpf("0.01"), 0.5, 2, 8, 30, 90]
        density = lambda s: mp.besselk(0, y + s) * mp.exp(y) / mp.pi  # noqa: E731
        return mp.log(mp.quad(density, ends)) - y


def third_absolute_gamma(shape: Any) -> Any:
    """E abs(G - shape)^3."""
    with mp.workdps(30):
        a = mp.mpf(shape)
        density = lambda x: abs(x - a) ** 3 * mp.exp((a - 1) * mp.log(x) - x) / mp.gamma(a)  # noqa: E731
        return mp.quad(density, [0, 1e-6, a / 8, a / 2, a, 2 * a, 6 * a, 40 + 12 * a])


def third_absolute_pair(w: float) -> Any:
    """E abs(D - E D)^3 of D = G - G' of shape one half, tilted by exp(w D)."""
    with mp.workdps(15):
        w = mp.mpf(w)
        rest = 1 - w * w
        mean = w / rest

        def term(y: Any) -> Any:
            factor = mp.exp(w * y) * mp.sqrt(rest) / mp.pi
            return abs(y - mean) ** 3 * factor * mp.besselk(0, abs(y))

        far = 60 / (1 - abs(w))
        ends = sorted({-far, -8, -1, -0.01, 0, 0.01, float(mean), 1, 8, float(far)})
        return mp.quad(term, ends)
