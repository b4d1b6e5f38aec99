"""Information by counting neighbours: every pair of samples compared, a formula at a time.

A variable is a sequence of samples: tuples of numbers, compared by their largest difference, or
symbols, which are at no distance or at an infinite one. Functions return what each sample adds,
None for those left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from scipy.special import digamma

Table = list[list[float]]
Local = list[float | None]


def psi(count: int) -> float:
    return float(digamma(count))


def mean(local: Local) -> float:
    kept = [value for value in local if value is not None]
    return math.fsum(kept) / len(kept)


# -------------------------------------------------------------------------------------- distances


def apart(a: Any, b: Any) -> float:
    if isinstance(a, tuple):
        return max(abs(s - t) for s, t in zip(a, b, strict=True))
    return 0.0 if a == b else math.inf


def table(variable: Sequence[Any]) -> Table:
    return [[apart(a, b) for b in variable] for a in variable]


def together(*tables: Table) -> Table:
    """The largest of the distances in several variables."""
    return [[max(row) for row in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]


def radii(distances: Table, k: int) -> list[float]:
    """To the k-th of the other samples."""
    return [
        sorted(d for j, d in enumerate(row) if j != i)[k - 1] for i, row in enumerate(distances)
    ]


def closer(distances: Table, reach: Sequence[float]) -> list[int]:
    """1 and the number of the others that are closer."""
    return [
        1 + sum(d < e for j, d in enumerate(row) if j != i)
        for i, (row, e) in enumerate(zip(distances, reach, strict=True))
    ]


def as_close(distances: Table, reach: Sequence[float]) -> list[int]:
    """The number of the others that are as close."""
    return [
        sum(d <= e for j, d in enumerate(row) if j != i)
        for i, (row, e) in enumerate(zip(distances, reach, strict=True))
    ]


# ------------------------------------------------------------------------------------- estimators


def ksg1(x: Table, y: Table, k: int) -> Local:
    n, e = len(x), radii(together(x, y), k)
    counts = zip(closer(x, e), closer(y, e), strict=True)
    return [psi(k) + psi(n) - psi(a) - psi(b) for a, b in counts]


def frenzel_pompe(x: Table, y: Table, z: Table, k: int) -> Local:
    e = radii(together(x, y, z), k)
    counts = (closer(together(x, z), e), closer(together(y, z), e), closer(z, e))
    return [psi(k) - psi(a) - psi(b) + psi(c) for a, b, c in zip(*counts, strict=True)]


def ksg2(x: Table, y: Table, k: int) -> Local:
    n, joint = len(x), together(x, y)
    found: Local = []
    for i, e in enumerate(radii(joint, k)):
        ball = [j for j in range(n) if j != i and joint[i][j] <= e]
        terms = []
        for distances in (x[i], y[i]):
            reach = max(distances[j] for j in ball)
            terms.append(psi(sum(distances[j] <= reach for j in range(n) if j != i)))
        found.append(psi(k) - 1 / k + psi(n) - math.fsum(terms))
    return found


def gao(x: Table, y: Table, k: int) -> Local:
    n, joint = len(x), together(x, y)
    found: Local = []
    for i, e in enumerate(radii(joint, k)):
        if e > 0:
            near, of_x, of_y = k, sum(d < e for d in x[i]), sum(d < e for d in y[i])
        else:
            near, of_x, of_y = (sum(d == 0 for d in row[i]) for row in (joint, x, y))
        found.append(psi(near) - psi(of_x) - psi(of_y) + math.log(n))
    return found


def mesner_shalizi(x: Table, y: Table, k: int, z: Table | None = None) -> Local:
    n = len(x)
    given = [[0.0] * n for _ in range(n)] if z is None else z
    joint = together(x, y, given)
    e = radii(joint, k)
    copies = as_close(joint, [0.0] * n)
    near = [copies[i] if e[i] == 0 else k for i in range(n)]
    counts = (as_close(together(x, given), e), as_close(together(y, given), e), as_close(given, e))
    rows = zip(near, *counts, strict=True)
    return [psi(t) - psi(a) - psi(b) + psi(c) for t, a, b, c in rows]


def ksg_ties(x: Table, y: Table, k: int, z: Table | None = None) -> Local:
    n = len(x)
    given = [[0.0] * n for _ in range(n)] if z is None else z
    spaces = (together(x, given), together(y, given), given)
    e = radii(together(x, y, given), k)
    near = as_close(together(x, y, given), e)
    of_x, of_y, of_z = (list(map(max, closer(s, e), as_close(s, e))) for s in spaces)
    if z is None:
        of_z = [n] * n
    terms = zip(near, of_x, of_y, of_z, strict=True)
    return [psi(t) - psi(a) - psi(b) + psi(c) for t, a, b, c in terms]


def ross(x: Table, symbols: Sequence[Any], k: int) -> Local:
    kept = [i for i in range(len(x)) if list(symbols).count(symbols[i]) > 1]
    found: Local = [None] * len(x)
    for i in kept:
        mates = sorted(x[i][j] for j in kept if j != i and symbols[j] == symbols[i])
        near = min(k, len(mates))
        count = 1 + sum(x[i][j] < mates[near - 1] for j in kept if j != i)
        found[i] = psi(len(kept)) + psi(near) - psi(len(mates) + 1) - psi(count)
    return found


def total_correlation(tables: Sequence[Table], k: int) -> Local:
    n, e = len(tables[0]), radii(together(*tables), k)
    counts = zip(*(closer(t, e) for t in tables), strict=True)
    constant = psi(k) + (len(tables) - 1) * psi(n)
    return [constant - math.fsum(map(psi, row)) for row in counts]


def o_information(tables: Sequence[Table], k: int) -> Local:
    m, n, e = len(tables), len(tables[0]), radii(together(*tables), k)
    own = [closer(t, e) for t in tables]
    rest = [closer(together(*tables[:i], *tables[i + 1 :]), e) for i in range(m)]
    return [
        (m - 2) * (psi(n) - psi(k)) + math.fsum(psi(rest[j][i]) - psi(own[j][i]) for j in range(m))
        for i in range(n)
    ]


def total_correlation_with_ties(tables: Sequence[Table], k: int) -> Local:
    n, e = len(tables[0]), radii(together(*tables), k)
    near = as_close(together(*tables), e)
    own = [list(map(max, closer(t, e), as_close(t, e))) for t in tables]
    constant = (len(tables) - 1) * psi(n)
    return [constant + psi(near[i]) - math.fsum(psi(c[i]) for c in own) for i in range(n)]


def o_information_with_ties(tables: Sequence[Table], k: int) -> Local:
    m, n, e = len(tables), len(tables[0]), radii(together(*tables), k)
    near = as_close(together(*tables), e)
    rests = [together(*tables[:i], *tables[i + 1 :]) for i in range(m)]
    own, rest = (
        [list(map(max, closer(t, e), as_close(t, e))) for t in group] for group in (tables, rests)
    )
    return [
        (m - 2) * (psi(n) - psi(near[i]))
        + math.fsum(psi(rest[j][i]) - psi(own[j][i]) for j in range(m))
        for i in range(n)
    ]


def kozachenko_leonenko(points: Sequence[tuple[float, ...]], k: int, norm: str = "max") -> Local:
    n, d = len(points), len(points[0])
    log_ball = d * math.log(2)
    if norm == "euclidean":
        log_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
        distances = [[math.dist(a, b) for b in points] for a in points]
    else:
        distances = table(points)
    return [
        psi(n) - psi(k) + log_ball + (d * math.log(e) if e > 0 else -math.inf)
        for e in radii(distances, k)
    ]


INFORMATION: dict[str, Callable[[Table, Table, int], Local]] = {
    "ksg1": ksg1,
    "ksg2": ksg2,
    "ksg_ties": ksg_ties,
    "gao": gao,
    "mesner_shalizi": mesner_shalizi,
}


# ------------------------------------------------------------------------------- units of columns


def unit(column: Sequence[float]) -> float:
    """Interquartile range, else standard deviation; a power of two for ties and for steps."""
    n, ascending = len(column), sorted(column)
    spread = ascending[n - 1 - n // 4] - ascending[n // 4]
    if spread == 0:
        middle = math.fsum(column) / n
        spread = math.sqrt(math.fsum((value - middle) ** 2 for value in column) / n)
    if spread == 0:
        return 1.0
    step = Fraction(2) ** (math.frexp(spread)[1] - 20)
    stepped = all((Fraction(value) / step).denominator == 1 for value in column)
    if stepped or len(set(column)) < n:
        return 2.0 ** round(math.log2(spread))
    return spread


def in_units(variable: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    units = [unit(column) for column in zip(*variable, strict=True)]
    return [tuple(value / u for value, u in zip(row, units, strict=True)) for row in variable]
