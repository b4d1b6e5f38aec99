"""Powers of the characteristic function of a few places on a lattice, and sums against them.

The law has mass weights[l] at the integers places[l], one of which is 0 and takes what the others
lack: with f = 1 + X + i Y, where X and Y are sums over the others of weights (e^{i angle} - 1), the
mass is exactly 1, and near frequency 0 nothing is lost to the 1 of f.
"""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._typing import AnyArray, FloatArray, IntArray

__all__ = ["decayed_sums", "fewest_terms", "powers", "running_logs", "tail_sums"]

_UNIT = 2.0**-53
_NEVER = -1.0e300  # as the logarithm of nothing


@kernel
def _half_angle(numerator: int, size: int) -> float:
    """Half of the angle 2 pi numerator / size, brought between -pi/2 and pi/2."""
    part = numerator % size
    if 2 * part > size:
        part -= size
    return math.pi * part / size


@kernel
def _node(
    places: IntArray, weights: FloatArray, n: int, frequency: int, size: int
) -> tuple[float, float, float]:
    """Logarithm of the modulus of f^n, its phase, and by how much f may be off in its modulus."""
    x = y = 0.0
    for a in range(places.shape[0]):
        if places[a] != 0:
            angle = _half_angle(frequency * places[a], size)
            s = math.sin(angle)
            x -= 2.0 * weights[a] * s * s
            y -= 2.0 * weights[a] * s * math.cos(angle)
    if x > -0.5:
        log_modulus = 0.5 * math.log1p(2.0 * x + x * x + y * y)
    else:
        modulus = math.hypot(1.0 + x, y)
        log_modulus = math.log(modulus) if modulus > 0.0 else _NEVER
    # Terms of X are of one sign and off by k + 8 units, those of Y by as many of sqrt(2 abs(X))
    # in all (Jensen); twelve more units cover the logarithm of the modulus.
    off = (places.shape[0] + 20) * _UNIT * (math.sqrt(-2.0 * x) - x)
    return log_modulus, n * math.atan2(y, 1.0 + x), off


@kernel
def _highest(log_modulus: float, off: float) -> float:
    """Logarithm of the largest modulus that f may have."""
    if log_modulus < -30.0:
        return math.log(math.exp(max(log_modulus, -700.0)) + off)
    return log_modulus + off * math.exp(-log_modulus)


@kernel
def _series(frequency: int, start: int, count: int, decay: float, size: int) -> tuple[float, float]:
    """Sum over m < count of e^{-decay m} e^{-i angle (start + m)}, for a frequency above 0.

    A ratio of two differences 1 - r e^{-i a} = (1 - r) + 2 r sin^2(a/2) + i r sin a, each right to
    8 units, turned by an angle of which the multiple is taken in integers.
    """
    if count <= 0:
        return 0.0, 0.0
    half = _half_angle(frequency, size)
    ratio = math.exp(-decay)
    below_re = -math.expm1(-decay) + 2.0 * ratio * math.sin(half) ** 2
    below_im = 2.0 * ratio * math.sin(half) * math.cos(half)
    half = _half_angle(frequency * (count % size), size)
    ratio = math.exp(-decay * count)
    above_re = -math.expm1(-decay * count) + 2.0 * ratio * math.sin(half) ** 2
    above_im = 2.0 * ratio * math.sin(half) * math.cos(half)
    norm = below_re * below_re + below_im * below_im
    re = (above_re * below_re + above_im * below_im) / norm
    im = (above_im * below_re - above_re * below_im) / norm
    turn = 2.0 * _half_angle(frequency * (start % size), size)
    c, s = math.cos(turn), math.sin(turn)
    return re * c + im * s, im * c - re * s


@kernel
def tail_sums(
    places: IntArray,
    weights: FloatArray,
    n: int,
    size: int,
    decay: float,
    ends: IntArray,
    cut: float,
    out: FloatArray,
) -> None:
    """Write P(ends[0] <= J < ends[1]) and E[e^{-decay (J - ends[1])}; ends[1] <= J < ends[2]].

    J is the sum of n places, taken modulo `size`, a power of two, between ends[2] - size and
    ends[2]. By Parseval each is a mean over the frequencies of f^n times the transform of what is
    averaged. ``out`` has these two, and then bounds on their rounding. Frequencies with
    abs(f)^n < e^-cut are left out and their most added to the bounds.
    """
    inner, outer = ends[1] - ends[0], ends[2] - ends[1]
    whole = float(outer)
    if decay > 0.0:
        whole = math.expm1(-decay * outer) / math.expm1(-decay)
    masses = (float(inner), whole)
    box = box_lost = box_off = 0.0
    geo = geo_lost = geo_off = 0.0
    dropped = 0
    for j in range(1, size // 2 + 1):
        log_modulus, phase, off = _node(places, weights, n, j, size)
        highest = _highest(log_modulus, off)
        if n * highest < -cut:
            dropped += 1
            continue
        times = 2.0 if 2 * j < size else 1.0
        modulus = math.exp(n * log_modulus) if log_modulus > _NEVER else 0.0
        # The power amplifies what f is off by; its phase and logarithm are off by 4 units of their
        # size, and the series and products by 60 units.
        error = n * off * math.exp((n - 1) * highest)
        error += modulus * _UNIT * (4.0 * (n * abs(max(log_modulus, -800.0)) + abs(phase)) + 60.0)
        c, s = modulus * math.cos(phase), modulus * math.sin(phase)
        re, im = _series(j, ends[0], inner, 0.0, size)
        term = times * (re * c + im * s)
        box_off += times * error * math.hypot(re, im)
        total = box + term  # Neumaier's summation: what rounding loses is kept
        box_lost += (box - total) + term if abs(box) >= abs(term) else (term - total) + box
        box = total
        re, im = _series(j, ends[1], outer, decay, size)
        term = times * (re * c + im * s)
        geo_off += times * error * math.hypot(re, im)
        total = geo + term
        geo_lost += (geo - total) + term if abs(geo) >= abs(term) else (term - total) + geo
        geo = total
    least = math.exp(-cut) * 2.0 * dropped
    out[0] = (masses[0] + (box + box_lost)) / size
    out[1] = (masses[1] + (geo + geo_lost)) / size
    out[2] = (1.01 * box_off + (least + 8.0 * _UNIT) * masses[0]) / size
    out[3] = (1.01 * geo_off + (least + 8.0 * _UNIT) * masses[1]) / size


@kernel
def powers(
    places: IntArray, weights: FloatArray, n: int, size: int, cut: float, out: AnyArray
) -> None:
    """Write f^n at the frequencies 0, ..., size / 2, or 0 where its modulus is below e^-cut."""
    out[0] = 1.0
    for j in range(1, size // 2 + 1):
        log_modulus, phase, _ = _node(places, weights, n, j, size)
        if log_modulus > _NEVER and n * log_modulus > -cut:
            modulus = math.exp(n * log_modulus)
            out[j] = complex(modulus * math.cos(phase), modulus * math.sin(phase))
        else:
            out[j] = 0.0


@kernel
def decayed_sums(p: FloatArray, decay: float, out: FloatArray) -> None:
    """Write the sums over j >= i of e^{-decay (j - i)} p[j]; `out` may be longer than p."""
    ratio = math.exp(-decay)
    total = 0.0
    for i in range(p.shape[0] - 1, -1, -1):
        total = p[i] + ratio * total
        out[i] = total


@kernel
def running_logs(logs: FloatArray, out: FloatArray) -> None:
    """Write the logarithms of the sums of e^logs[j] over j <= i."""
    top = -np.inf
    total = lost = 0.0
    for i in range(logs.shape[0]):
        if logs[i] > top:
            scale = math.exp(top - logs[i])
            total *= scale
            lost *= scale
            top = logs[i]
        term = math.exp(logs[i] - top) if logs[i] > -np.inf else 0.0
        longer = total + term
        lost += (total - longer) + term if total >= term else (term - longer) + total
        total = longer
        out[i] = top + math.log(total + lost) if total > 0.0 else -np.inf


@kernel
def fewest_terms(places: IntArray, out: IntArray) -> None:
    """Write how many of the positive places it takes to sum to i; -1 where none do."""
    out[0] = 0
    for i in range(1, out.shape[0]):
        fewest = -1
        for a in range(places.shape[0]):
            rest = i - places[a]
            if rest >= 0 and out[rest] >= 0 and (fewest < 0 or out[rest] + 1 < fewest):
                fewest = out[rest] + 1
        out[i] = fewest
