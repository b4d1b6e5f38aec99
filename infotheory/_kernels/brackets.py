"""Sums of characteristic functions against transforms of limited band, with their rounding."""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._double_double import fraction, two_sum
from infotheory._typing import FloatArray

__all__ = ["BLOCK", "CHUNK", "characteristic", "node_sums", "roundings", "transform"]

BLOCK = 16  # nodes looked at together, for the sake of vector instructions
CHUNK = 5  # letters whose terms are added up before they are added to the others
_UNIT = 2.0**-53
_FAINT = 1e-13  # what rounding leaves of a characteristic function that is zero
_HALF_PI = 0.5 * math.pi


@kernel
def _sine_rest(z: float) -> float:
    """(sin(h) / h - 1) / h^2 at h^2 = z, for abs(h) <= pi / 4: Taylor's series to 1e-19."""
    rest = 2.8114572543455206e-15 * z - 7.647163731819816e-13
    rest = rest * z + 1.6059043836821613e-10
    rest = rest * z - 2.505210838544172e-08
    rest = rest * z + 2.7557319223985893e-06
    rest = rest * z - 0.0001984126984126984
    rest = rest * z + 0.008333333333333333
    return rest * z - 0.16666666666666666


@kernel
def _cosine_rest(z: float) -> float:
    """(cos(h) - 1) / h^2 at h^2 = z, likewise."""
    rest = 4.779477332387385e-14 * z - 1.1470745597729725e-11
    rest = rest * z + 2.08767569878681e-09
    rest = rest * z - 2.755731922398589e-07
    rest = rest * z + 2.48015873015873e-05
    rest = rest * z - 0.001388888888888889
    rest = rest * z + 0.041666666666666664
    return rest * z - 0.5


@kernel
def transform(
    j: float, size: float, decay: float, kept: float, lost: float
) -> tuple[float, float, float]:
    """Fourier transforms of the extremal functions of exp(-decay z) on z > 0, at t = j / size.

    `kept` is exp(-decay) and `lost` is 1 - exp(-decay). Returns the real and the imaginary part of
    that of the minorant, and 1 - t, by which that of the majorant exceeds it. With
    g(t) = 1 / (exp(decay + 2 pi i t) - 1) the former is
    (1 - t) g(t) + i decay (g(t) - g(0)) / (2 pi); 1 - exp(-decay - 2 pi i t), by which g is
    divided, is taken from 1 - exp(-decay) and sin^2, since decay and t may both be small.
    """
    h = _HALF_PI * (min(j, size - j) / size)
    half_sine = h + h * (h * h) * _sine_rest(h * h)
    sine = 2.0 * half_sine * (1.0 + h * h * _cosine_rest(h * h))
    cosine = 1.0 - 2.0 * half_sine * half_sine
    if 2.0 * j > size:
        cosine = -cosine
    # 1 - z = real + i imaginary for z = exp(-decay - 2 pi i t), and g = z / (1 - z).
    real = lost + 2.0 * kept * sine * sine
    imaginary = 2.0 * kept * sine * cosine
    square = real * real + imaginary * imaginary
    # z conj(1 - z) = z - |z|^2 has the real part kept (cos 2 pi t - kept).
    g_real = kept * (lost - 2.0 * sine * sine) / square
    g_imaginary = -imaginary / square
    rest = (size - j) / size
    slope = decay / (2.0 * math.pi)
    return (
        rest * g_real - slope * g_imaginary,
        rest * g_imaginary + slope * (g_real - kept / lost),
        rest,
    )


@kernel
def roundings(letters: int) -> float:
    """Bound the rounding error of X and Y in `characteristic`, in units that depend on them.

    It is 2^-53 times this times 2 abs(X) + sqrt(2 abs(X)).
    """
    return 15.0 + CHUNK + letters / CHUNK


@kernel
def characteristic(
    first: float, high: FloatArray, low: FloatArray, weights: FloatArray, values: FloatArray
) -> None:
    """Evaluate X + iY = sum of weights times exp(2 pi i j (high + low)) - 1 at the next nodes.

    Writes X and Y for j = first, first + 1, ... to the two rows of `values`. With S the sine and P
    its square at a quarter of the angle, the terms are -8 w P (1 - P) and 4 w S C (1 - 2 P): those
    of X have one sign, and those of Y are in size at most 2 w times the root of what X adds, so
    that neither loses digits where the letters nearly agree.
    """
    part = np.zeros((2, BLOCK))
    values[:, :] = 0.0
    for chunk in range(0, len(weights), CHUNK):
        part[:, :] = 0.0
        for letter in range(chunk, min(chunk + CHUNK, len(weights))):
            weight = weights[letter]
            for i in range(BLOCK):
                h = _HALF_PI * fraction(first + i, high[letter], low[letter])
                z = h * h
                sine = h + h * z * _sine_rest(z)
                cosine = 1.0 + z * _cosine_rest(z)
                square = sine * sine
                part[0, i] += weight * (square * (1.0 - square))
                part[1, i] += weight * (sine * cosine * (1.0 - 2.0 * square))
        for i in range(BLOCK):
            values[0, i] -= 8.0 * part[0, i]
            values[1, i] += 4.0 * part[1, i]


@kernel
def node_sums(
    starts: FloatArray,
    stops: FloatArray,
    high: FloatArray,
    low: FloatArray,
    weights: FloatArray,
    turn_high: float,
    turn_low: float,
    n: float,
    size: float,
    decay: float,
    least: float,
    slope: float,
    most: float,
    sums: FloatArray,
) -> bool:
    """Add up transforms times n-th powers of a characteristic function over ranges of nodes.

    Node j is the frequency at which letter l turns by j (high[l] + low[l]) more than the reference
    letter, which has no entry and whatever weight the others leave, and all letters together by
    j (turn_high + turn_low). Powers of what is below `least` in modulus are left out: `slope`
    bounds how fast the modulus changes from node to node, and by that stretches are skipped.

    Writes to `sums`: the real part for the minorant, that for the excess of the majorant, a bound
    on the rounding error of either in units of 2^-53, and the number of nodes looked at. Returns
    whether it got to the end before that exceeded `most`.
    """
    gain = roundings(len(weights))
    values = np.zeros((2, BLOCK))
    minor, minor_low, excess, excess_low = 0.0, 0.0, 0.0, 0.0
    rounding, looked = 0.0, 0.0
    kept, lost = math.exp(-decay), -math.expm1(-decay)
    for place in range(len(starts)):
        first = starts[place]
        while first <= stops[place]:
            count = int(min(stops[place] - first + 1.0, float(BLOCK)))
            looked += count
            if looked > most:
                return False
            characteristic(first, high, low, weights, values)
            modulus = 0.0
            for i in range(count):
                x, y, j = values[0, i], values[1, i], first + i
                change = 2.0 * x + x * x + y * y
                square = max(1.0 + change, 0.0)
                modulus = math.sqrt(square)
                if modulus < least:
                    continue
                real, imaginary, rest = transform(j, size, decay, kept, lost)
                weight = math.sqrt(real * real + imaginary * imaginary) + 1.0
                error = gain * (math.sqrt(-2.0 * x) - 2.0 * x) * n
                if error * _UNIT > 0.01 * modulus or square < _FAINT:
                    # Nothing is known of the phase: the node is left out, and its size allowed.
                    rounding += weight * (modulus + gain * _FAINT) ** n / _UNIT
                    continue
                log_power = 0.5 * n * math.log1p(change)
                phase = n * math.atan2(y, 1.0 + x)
                turned = phase + 2.0 * math.pi * fraction(j, turn_high, turn_low)
                power = math.exp(log_power)
                cosine, sine = power * math.cos(turned), power * math.sin(turned)
                minor, rounded = two_sum(minor, real * cosine - imaginary * sine)
                minor_low += rounded
                excess, rounded = two_sum(excess, rest * cosine)
                excess_low += rounded
                error = error / modulus - 9.0 * n * x / square
                error += 4.0 * (abs(log_power) + abs(phase)) + 40.0
                rounding += power * weight * error
            first += count
            if modulus < least:
                first += math.floor((least - modulus) / slope)
    sums[0] = minor + minor_low
    sums[1] = excess + excess_low
    sums[2] = rounding
    sums[3] = looked
    return True
