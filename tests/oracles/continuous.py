"""Estimates from continuous samples, by loops over their definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import mpmath as mp

Rows = Sequence[Sequence[float]]

# ------------------------------------------------------------------------------------- Gaussian


def _scatter(rows: Rows) -> Any:
    """Sums of products of deviations from the mean, in many digits."""
    mp.mp.dps = 60
    n, d = len(rows), len(rows[0])
    means = [mp.fsum(mp.mpf(row[j]) for row in rows) / n for j in range(d)]
    away = [[mp.mpf(row[j]) - means[j] for j in range(d)] for row in rows]
    return mp.matrix(
        [[mp.fsum(row[i] * row[j] for row in away) for j in range(d)] for i in range(d)]
    )


def _log_det(rows: Rows) -> Any:
    return mp.log(mp.det(_scatter(rows))) if rows[0] else mp.mpf(0)


def _psi_sum(order: int, nu: int, size: int) -> Any:
    return mp.fsum(mp.psi(order, mp.mpf(nu + 1 - i) / 2) for i in range(1, size + 1))


def _beside(*blocks: Rows) -> list[list[float]]:
    return [[value for part in parts for value in part] for parts in zip(*blocks, strict=True)]


def _mahalanobis(rows: Rows) -> list[Any]:
    """n times the squared distances from the mean in the metric of the scatter matrix."""
    if not rows[0]:
        return [mp.mpf(0)] * len(rows)
    n, d = len(rows), len(rows[0])
    inverse = mp.inverse(_scatter(rows))
    means = [mp.fsum(mp.mpf(row[j]) for row in rows) / n for j in range(d)]
    found = []
    for row in rows:
        away = mp.matrix([mp.mpf(row[j]) - means[j] for j in range(d)])
        found.append(n * (away.T * inverse * away)[0])
    return found


def gaussian_entropy(rows: Rows) -> tuple[Any, Any, list[Any]]:
    """The estimate, its variance for Gaussian samples, and its local values."""
    n, d = len(rows), len(rows[0])
    value = (d * mp.log(mp.pi * mp.e) + _log_det(rows) - _psi_sum(0, n - 1, d)) / 2
    local = [value + (distance - d) / 2 for distance in _mahalanobis(rows)]
    return value, _psi_sum(1, n - 1, d) / 4, local


def gaussian_information(x: Rows, y: Rows, z: Rows) -> tuple[Any, Any, list[Any]]:
    """The estimate of I(X;Y|Z), its variance at independence, and its local values."""
    n, p, q, r = len(x), len(x[0]), len(y[0]), len(z[0])
    blocks = {
        name: _beside(*parts)
        for name, parts in {"xz": (x, z), "yz": (y, z), "xyz": (x, y, z), "z": (z,)}.items()
    }
    sign = {"xz": 1, "yz": 1, "xyz": -1, "z": -1}
    plugin = sum(sign[name] * _log_det(rows) for name, rows in blocks.items()) / 2
    nu = n - 1 - r
    bias = (_psi_sum(0, nu, p) + _psi_sum(0, nu, q) - _psi_sum(0, nu, p + q)) / 2
    least = (_psi_sum(1, nu, p + q) - _psi_sum(1, nu, p) - _psi_sum(1, nu, q)) / 4
    distances = {name: _mahalanobis(rows) for name, rows in blocks.items()}
    local = [
        plugin - bias + sum(sign[name] * distances[name][i] for name in blocks) / 2
        for i in range(n)
    ]
    return plugin - bias, least, local


def normal_scores(column: Sequence[float]) -> list[float]:
    ranks = [
        sum(other < value for other in column) + (1 + sum(other == value for other in column)) / 2
        for value in column
    ]
    return [NormalDist().inv_cdf(rank / (len(column) + 1)) for rank in ranks]


def bins(column: Sequence[float], n_bins: int) -> list[int]:
    """Into which of equal parts of (0, 1) the middle of the place of each number falls."""
    n = len(column)
    found = []
    for value in column:
        below, alike = sum(v < value for v in column), sum(v == value for v in column)
        found.append(int((2 * below + alike) * n_bins // (2 * n)))
    return found


# ------------------------------------------------------------------------------------- densities


def spacings_entropy(samples: Sequence[float], method: str) -> float:
    x, n = sorted(samples), len(samples)
    m = math.floor(math.sqrt(n) + 0.5)

    def at(place: int) -> float:
        return x[min(max(place, 1), n) - 1]  # counted from one

    places = range(1, n + 1)
    if method == "vasicek":
        return math.fsum(math.log(n / (2 * m) * (at(i + m) - at(i - m))) for i in places) / n
    if method == "van_es":
        logs = (math.log((n + 1) / m * (at(i + m) - at(i))) for i in range(1, n - m + 1))
        tail = math.fsum(1 / j for j in range(m, n + 1))
        return math.fsum(logs) / (n - m) + tail + math.log(m) - math.log(n + 1)
    if method == "ebrahimi":
        weights = [
            1 + (i - 1) / m if i <= m else 1 + (n - i) / m if i >= n - m + 1 else 2 for i in places
        ]
        return (
            math.fsum(math.log(n / (weights[i - 1] * m) * (at(i + m) - at(i - m))) for i in places)
            / n
        )
    slopes = []
    for i in places:
        window = range(i - m, i + m + 1)
        mean = math.fsum(at(j) for j in window) / (2 * m + 1)
        above = math.fsum((at(j) - mean) * (j - i) for j in window)
        slopes.append(above / (n * math.fsum((at(j) - mean) ** 2 for j in window)))
    return -math.fsum(math.log(slope) for slope in slopes) / n


def kernel_surprises(rows: Rows, width: float) -> list[float]:
    """-ln of a kernel density without the point itself; kernels have the sample's covariance."""
    n, d = len(rows), len(rows[0])
    scatter = _scatter(rows) / (n - 1)
    inverse, det = mp.inverse(scatter), mp.det(scatter)
    constant = mp.sqrt((2 * mp.pi) ** d * det) * width**d
    found = []
    for i in range(n):
        kernels = []
        for j in range(n):
            if i != j:
                away = mp.matrix(
                    [mp.mpf(a) - mp.mpf(b) for a, b in zip(rows[i], rows[j], strict=True)]
                )
                kernels.append(mp.exp(-(away.T * inverse * away)[0] / (2 * width**2)))
        found.append(float(-mp.log(mp.fsum(kernels) / ((n - 1) * constant))))
    return found


# ------------------------------------------------------------------------------------ neighbours


def _apart(a: Sequence[float], b: Sequence[float]) -> float:
    return max(abs(s - t) for s, t in zip(a, b, strict=True))


def _largest_along(direction: tuple[float, float], offsets: Rows) -> float:
    return max(abs(direction[0] * u + direction[1] * v) for u, v in offsets)


def corrected_information(x: Sequence[float], y: Sequence[float], k: int, least: float) -> float:
    """KSG's second estimate for numbers, with boxes turned along the neighbours where it pays."""
    n = len(x)
    points = list(zip(x, y, strict=True))
    terms = []
    for i in range(n):
        order = sorted((_apart(points[i], points[j]), j) for j in range(n) if j != i)
        near = [j for distance, j in order if distance <= order[k - 1][0]]
        reach_x = max(abs(x[j] - x[i]) for j in near)
        reach_y = max(abs(y[j] - y[i]) for j in near)
        count_x = sum(abs(x[j] - x[i]) <= reach_x for j in range(n)) - 1
        count_y = sum(abs(y[j] - y[i]) <= reach_y for j in range(n)) - 1
        offsets = [(x[j] - x[i], y[j] - y[i]) for _, j in order[:k]]
        a, b, c = (
            math.fsum(values)
            for values in (
                [u * u for u, _ in offsets],
                [u * v for u, v in offsets],
                [v * v for _, v in offsets],
            )
        )
        angle = math.atan2(2 * b, a - c) / 2
        along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
        turned = _largest_along(along, offsets) * _largest_along(across, offsets)
        straight = max(abs(u) for u, _ in offsets) * max(abs(v) for _, v in offsets)
        gained = math.log(straight / turned)
        psi = float(mp.psi(0, count_x) + mp.psi(0, count_y))
        terms.append(-psi + (gained if gained > least else 0.0))
    return float(mp.psi(0, k)) - 1 / k + float(mp.psi(0, n)) + math.fsum(terms) / n


def divergence_logs(x: Rows, y: Rows, k: int) -> tuple[list[float], list[bool]]:
    """ln(p / q) at each point of x without its constant, and where it is that of copies."""
    n, m, d = len(x), len(y), len(x[0])
    logs, copied = [], []
    for i, point in enumerate(x):
        own = sorted(math.dist(point, other) for j, other in enumerate(x) if j != i)[k - 1]
        other = sorted(math.dist(point, other) for other in y)[k - 1]
        copied.append(own == 0 or other == 0)
        if copied[-1]:
            in_x, in_y = (sum(math.dist(point, o) == 0 for o in rows) for rows in (x, y))
            logs.append(math.log(in_x / n) - math.log(in_y / m) if in_y else math.inf)
        else:
            logs.append(d * math.log(other / own))
    return logs, copied


def kl_divergence(x: Rows, y: Rows, k: int) -> float:
    offset = float(mp.psi(0, len(y) + 1) - mp.psi(0, len(x)))
    logs, copied = divergence_logs(x, y, k)
    return math.fsum(
        value + (0.0 if copy else offset) for value, copy in zip(logs, copied, strict=True)
    ) / len(x)


def power_integral(x: Rows, y: Rows, k: int, alpha: float) -> float:
    """Mean of (q / p)^(1 - alpha), each term divided by what it exceeds its target by."""
    n, m, t = len(x), len(y), 1 - mp.mpf(alpha)
    own = mp.gamma(k + t) * mp.gamma(n) / (mp.gamma(k) * mp.gamma(n + t))
    other = mp.gamma(k - t) * mp.gamma(m + 1) / (mp.gamma(k) * mp.gamma(m + 1 - t))
    logs, copied = divergence_logs(x, y, k)
    terms = [
        mp.exp(-t * value) / (1 if copy else own * other)
        for value, copy in zip(logs, copied, strict=True)
    ]
    return float(mp.fsum(terms) / n)
