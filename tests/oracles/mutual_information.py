"""Discrete information quantities by their definitions: loops over samples, exact sums."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

Samples = Sequence[Any]


def plugin(samples: Samples) -> float:
    n = len(samples)
    return math.fsum(-c / n * math.log(c / n) for c in Counter(samples).values())


def miller_madow(samples: Samples) -> float:
    return plugin(samples) + (len(set(samples)) - 1) / (2 * len(samples))


def zipped(*variables: Samples) -> list[Any]:
    return list(zip(*variables, strict=True))


def mutual_information(x: Samples, y: Samples, entropy: Any = plugin) -> float:
    return math.fsum([entropy(x), entropy(y), -entropy(zipped(x, y))])


def conditional_mutual_information(
    x: Samples, y: Samples, z: Samples, entropy: Any = plugin
) -> float:
    joint = [entropy(zipped(x, z)), entropy(zipped(y, z)), -entropy(zipped(x, y, z)), -entropy(z)]
    return math.fsum(joint)


def conditional_entropy(x: Samples, y: Samples, entropy: Any = plugin) -> float:
    return entropy(zipped(x, y)) - entropy(y)


def mean_log_ratio(x: Samples, y: Samples) -> float:
    """I(X;Y) as the mean over samples of ln p(x, y) / (p(x) p(y)), each ratio exact."""
    n = len(x)
    of_x, of_y, of_both = Counter(x), Counter(y), Counter(zipped(x, y))
    return math.fsum(
        math.log(Fraction(of_both[pair] * n, of_x[pair[0]] * of_y[pair[1]])) / n
        for pair in zipped(x, y)
    )


def within_strata(x: Samples, y: Samples, z: Samples) -> float:
    """I(X;Y|Z) as the mean over strata of the I(X;Y) inside."""
    n = len(z)
    parts = []
    for stratum in set(z):
        rows = [row for row in range(n) if z[row] == stratum]
        inside = mean_log_ratio([x[row] for row in rows], [y[row] for row in rows])
        parts.append(len(rows) / n * inside)
    return math.fsum(parts)


def jackknife_variance(variables: Sequence[Samples], statistic: Callable[..., float]) -> float:
    """Leave out one sample after the other."""
    n = len(variables[0])
    values = [
        statistic(*([*variable[:row], *variable[row + 1 :]] for variable in variables))
        for row in range(n)
    ]
    mean = math.fsum(values) / n
    return (n - 1) / n * math.fsum((value - mean) ** 2 for value in values)


def degrees_of_freedom(x: Samples, y: Samples, z: Samples | None = None) -> int:
    """Pairs seen less symbols seen, in each stratum."""
    strata = [0] * len(x) if z is None else z
    total = 0
    for stratum in set(strata):
        rows = [row for row in range(len(x)) if strata[row] == stratum]
        pairs = {(x[row], y[row]) for row in rows}
        total += len(pairs) - len({a for a, _ in pairs}) - len({b for _, b in pairs}) + 1
    return total


def dependence(x: Samples, y: Samples, z: Samples) -> int:
    """Return exp of the sum of c ln c over the cells, which is a whole number."""
    return math.prod(count**count for count in Counter(zipped(x, y, z)).values())


def permuted(y: Samples, z: Samples) -> Iterator[list[Any]]:
    """All n! or fewer ways to permute y among samples with the same z."""
    strata = [[row for row in range(len(z)) if z[row] == stratum] for stratum in sorted(set(z))]
    for orders in product(*(permutations(rows) for rows in strata)):
        found = list(y)
        for rows, order in zip(strata, orders, strict=True):
            for row, source in zip(rows, order, strict=True):
                found[row] = y[source]
        yield found


def exact_p_value(x: Samples, y: Samples, z: Samples | None = None) -> Fraction:
    """Share of all permutations whose information is at least that of the sample, in integers."""
    strata = [0] * len(x) if z is None else z
    given = dependence(x, y, strata)
    reached = [dependence(x, other, strata) >= given for other in permuted(y, strata)]
    return Fraction(sum(reached), len(reached))


def _rows(total: int, room: list[int]) -> Iterator[list[int]]:
    """All ways to share a total among columns with so much room each."""
    if len(room) == 1:
        yield from [[total]] if total <= room[0] else []
        return
    for count in range(min(total, room[0]) + 1):
        yield from ([count, *rest] for rest in _rows(total - count, room[1:]))


def tables(rows: list[int], columns: list[int]) -> Iterator[list[int]]:
    """All tables with these margins, row after row."""
    if not rows:
        yield []
        return
    for first in _rows(rows[0], columns):
        room = [column - count for column, count in zip(columns, first, strict=True)]
        yield from (first + below for below in tables(rows[1:], room))


def exact_p_value_of_table(table: Sequence[Sequence[int]]) -> Fraction:
    """Over the tables with the same margins, each standing for prod 1/c! of the permutations."""
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    given = math.prod(count**count for row in table for count in row)
    share, whole = Fraction(0), Fraction(0)
    for entries in tables(rows, columns):
        weight = Fraction(1, math.prod(math.factorial(count) for count in entries))
        whole += weight
        if math.prod(count**count for count in entries) >= given:
            share += weight
    return share / whole
