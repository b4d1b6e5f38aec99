"""Short vectors of a lattice: reduction of its basis, and a search that misses none.

References
----------
.. [1] lenstra1982factoring.
"""

from __future__ import annotations

import math

from infotheory._jit import kernel
from infotheory._typing import FloatArray

__all__ = ["reduce_basis", "short_vectors"]

_SWAPS = 0.99  # of Lovasz's condition: the nearer to one, the shorter the basis
_ROUNDS = 1000  # exchanges a row: more would mean that rounding makes it turn in circles
_MARGIN = 1e-7  # allows for rounding, relative to the radius and in whole numbers


@kernel
def reduce_basis(basis: FloatArray, steps: FloatArray) -> None:
    """Reduce the rows of a basis after Lenstra, Lenstra and Lovasz, in place.

    `steps`, the unit matrix at first, becomes that of the whole numbers by which the old rows make
    the new ones. Rounding may leave the basis less reduced, never another one than `steps` says.
    """
    rows, columns = basis.shape
    slants = steps * 0.0
    squares = basis[:, 0] * 0.0
    bare = basis * 0.0  # rows less their projections on those before
    row, exchanged = 0, 0
    while row < rows and exchanged < _ROUNDS * rows:
        changed = True
        passes = 0
        while changed and passes < 4:
            changed = False
            passes += 1
            for c in range(columns):
                bare[row, c] = basis[row, c]
            for other in range(row):
                product = 0.0
                for c in range(columns):
                    product += bare[row, c] * bare[other, c]
                slants[row, other] = product / squares[other]
                for c in range(columns):
                    bare[row, c] -= slants[row, other] * bare[other, c]
            for other in range(row - 1, -1, -1):
                whole = math.floor(slants[row, other] + 0.5)
                if abs(slants[row, other]) > 0.501:
                    changed = True
                    for c in range(columns):
                        basis[row, c] -= whole * basis[other, c]
                    for c in range(rows):
                        steps[row, c] -= whole * steps[other, c]
                    for c in range(other):
                        slants[row, c] -= whole * slants[other, c]
                    slants[row, other] -= whole
        squares[row] = 0.0
        for c in range(columns):
            squares[row] += bare[row, c] * bare[row, c]
        if row == 0 or squares[row] >= (_SWAPS - slants[row, row - 1] ** 2) * squares[row - 1]:
            row += 1
            continue
        for c in range(columns):
            basis[row, c], basis[row - 1, c] = basis[row - 1, c], basis[row, c]
        for c in range(rows):
            steps[row, c], steps[row - 1, c] = steps[row - 1, c], steps[row, c]
        exchanged += 1
        row -= 1


@kernel
def short_vectors(
    upper: FloatArray,
    along: FloatArray,
    radius: float,
    weight: float,
    reach: float,
    most: float,
    centres: FloatArray,
    halves: FloatArray,
) -> tuple[int, float]:
    """Find the vectors upper @ z of whole z with norm^2 = p^2 + (weight along z)^2, p <= radius.

    Of z and -z one is taken, and of those the vectors with abs(along z) <= reach; `upper` is
    triangular. Writes along z, made positive, and sqrt(radius^2 - p^2). Returns how many there are
    and how many steps the search took, or -1 for the former where it would take more than `most` or
    the arrays are full.
    """
    size = len(along)
    limit = (radius * radius + (weight * reach) ** 2) * (1.0 + _MARGIN)
    z = along * 0.0
    last = along * 0.0
    partial = along * 0.0  # along z for the entries from here on
    left = along * 0.0  # of the limit, for the entries before this one
    found, visited = 0, 0.0
    level = size - 1
    left[level] = limit
    half = math.sqrt(limit) / abs(upper[level, level]) * (1.0 + _MARGIN) + _MARGIN
    z[level] = -1.0  # only the positive half, since the others are mirrored
    last[level] = math.floor(half)
    while level < size:
        z[level] += 1.0
        visited += 1.0
        if visited > most:
            return -1, visited
        if z[level] > last[level]:
            level += 1
            continue
        centre = 0.0
        for c in range(level, size):
            centre += upper[level, c] * z[c]
        rest = max(left[level] - centre * centre, 0.0)
        above = partial[level + 1] if level + 1 < size else 0.0
        partial[level] = above + along[level] * z[level]
        if level > 0:
            level -= 1
            left[level] = rest
            shift = 0.0
            first = True
            for c in range(level + 1, size):
                shift -= upper[level, c] * z[c]
                first = first and z[c] == 0.0
            shift /= upper[level, level]
            half = math.sqrt(rest) / abs(upper[level, level]) * (1.0 + _MARGIN) + _MARGIN
            z[level] = math.ceil(shift - half) - 1.0
            if first:
                z[level] = -1.0
            last[level] = math.floor(shift + half)
            continue
        place = abs(partial[0])
        off = limit - rest - (weight * place) ** 2
        inside = radius * radius * (1.0 + _MARGIN) - off
        if place > reach or inside < 0.0:
            continue
        if found == len(centres):
            return -1, visited
        centres[found] = place
        halves[found] = math.sqrt(inside)
        found += 1
    return found, visited
