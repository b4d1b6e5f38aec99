"""Tails of sums on a lattice: of two letters by their ratios, of more by one transform."""

from __future__ import annotations

import math

from infotheory._jit import kernel
from infotheory._kernels._double_double import two_sum
from infotheory._typing import AnyArray, FloatArray

__all__ = ["ratio_sum", "transformed_tail"]

_SMALL = 1e-18  # of a sum, which the rest of it may be
_ZERO = 1e-14  # modulus of a transform that is a hundred roundings or less


@kernel
def ratio_sum(n: int, count: int, odds: float) -> tuple[float, float, int]:
    """Sum of the binomial weights from `count` on, in units of the first; its rest; the steps.

    Once ratios are below 1 they fall, and the rest is at most a geometric series.
    """
    total = 1.0
    term = 1.0
    place = count
    while place < n:
        ratio = ((n - place) * odds) / (place + 1)
        term *= ratio
        if term <= _SMALL * (1.0 - ratio) * total:
            return total, term / (1.0 - ratio), place - count
        total += term
        place += 1
    return total, 0.0, place - count


@kernel
def transformed_tail(
    n: int, theta: float, size: int, shift: int, places: AnyArray, weights: FloatArray,
    out: FloatArray,
) -> None:  # fmt: skip
    """Write E w(J - m), and how far rounding may have moved it.

    w(s) = exp(-theta s) for 0 <= s < size / 2, 0 for other s up to size, and so on with period
    size, a power of two. J is the sum of n places, each but the commonest less that one and modulo
    size, of these weights; the commonest has the rest of the mass, so that all have one exactly.
    `shift` is n times the commonest place, less m, modulo size.

    Transforms of the law of a place are 1 + x + i y, where x is a sum of terms of one sign: their
    powers are right to sqrt(n) roundings, and not n of them, where they are not small.
    """
    half = size // 2
    decay = math.exp(-theta)
    fall = -math.expm1(-theta)
    fade = -math.expm1(-theta * half)
    total = fade / fall if theta > 0.0 else float(half)
    lack = 0.0
    rounding = 40.0 * total
    for j in range(1, half + 1):
        x = 0.0
        y = 0.0
        for i in range(places.size):
            turn = (j * places[i]) % size
            angle = math.pi * ((turn - size if turn > half else turn) / size)
            sine = math.sin(angle)
            x -= 2.0 * weights[i] * sine * sine
            y += 2.0 * weights[i] * sine * math.cos(angle)
        square = 2.0 * x + x * x + y * y
        if square > -0.5:
            least = 1.0 + square  # of what an error is divided by: the modulus squared
            log_size = 0.5 * n * math.log1p(square)
        else:
            least = max(math.hypot(1.0 + x, y), _ZERO)
            log_size = n * math.log(least)
        turning = n * math.atan2(y, 1.0 + x)
        turn = (j * shift) % size
        phase = turning + 2.0 * math.pi * ((turn - size if turn > half else turn) / size)
        angle = math.pi * (j / size)
        sine = math.sin(angle)
        real = fall + 2.0 * decay * sine * sine
        imaginary = 2.0 * decay * sine * math.cos(angle)
        norm = real * real + imaginary * imaginary
        scale = math.exp(log_size) * (fade if j % 2 == 0 else 2.0 - fade)
        if j < half:
            scale *= 2.0
        term = scale * (math.cos(phase) * real + math.sin(phase) * imaginary) / norm
        total, rest = two_sum(total, term)
        lack += rest
        slope = n * (places.size + 20) * (abs(x) + math.sqrt(2.0 * abs(x))) / least
        error = slope + 4.0 * (abs(log_size) + abs(turning)) + 80.0
        rounding += scale / math.sqrt(norm) * error
    out[0] = (total + lack) / size
    out[1] = rounding / size
