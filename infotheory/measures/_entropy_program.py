"""Convex programs whose objective is a conditional entropy with the sign changed.

Minimise sum_i x_i (c_i + ln(x_i / X_i)) over x >= 0 with A x = b, where X_i is the sum of x over
the block that i belongs to. The optimal test channel of rate-distortion theory is such a program,
and so is the unique information of a target. A block with a single entry adds no entropy: it is an
ordinary variable, a slack for instance.

The objective is homogeneous, so its dual is free of it: maximise b'y over the y for which the log
sum exp of A'y - c over each block is at most 0. Hence any y becomes a certified lower bound once
it is shifted there. At the optimum x = X softmax(A'y - c) within blocks, and X times the slack of
the dual constraint is zero.

The method is a primal-dual path following in y, X and the slacks s, where x is that softmax: so
only as many products must vanish as there are blocks, and an x_i that is tiny within its block
costs nothing. Newton steps for A x = b, s + lse = 0 and X s = mu w, with predictor and corrector
(Mehrotra 1992); the weights w are the masses of the start, so that a block of mass 1e-30 is
settled as well as the others. Ten to twenty steps usually.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from infotheory._typing import FloatArray, IntArray
from infotheory.measures._interior_point import longest_step, solver

__all__ = ["EntropyProgram", "Point"]

_Direction: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]  # of y, X and s

_TO_BOUNDARY = 0.99  # part of the way to zero that a step may go
_CENTRING = 0.1  # products X s do not fall below this part of what the equations are off by
_MOST_CURVED = 1.0  # by how much a log sum may outgrow its linear forecast in one step
_MOST_CHANGED = 1000.0  # factor by which a row of A x may change in one step
_HALVINGS = 40


@dataclass(frozen=True)
class Point:
    """A point on the way: primal masses and dual multipliers.

    Attributes
    ----------
    y : ndarray, shape (m,)
        Multipliers of the constraints.
    masses, slacks : ndarray, shape (n_blocks,)
        X and s, positive.
    log_sums : ndarray, shape (n_blocks,)
        Log sum exp of A'y - c over each block; -s in the end.
    shares : ndarray, shape (n,)
        Softmax of A'y - c within blocks.
    x : ndarray, shape (n,)
        Masses times shares.
    """

    y: FloatArray
    masses: FloatArray
    slacks: FloatArray
    log_sums: FloatArray
    shares: FloatArray
    x: FloatArray


class EntropyProgram:
    """Minimise sum_i x_i (c_i + ln(x_i / X_i)) over x >= 0 with A x = b.

    Parameters
    ----------
    matrix : sparse array, shape (m, n)
        A; rows may depend on one another.
    target : ndarray, shape (m,)
        b.
    block : ndarray of int, shape (n,)
        Number of the block of each entry, from 0 on, none left out.
    cost : ndarray, shape (n,)
        c.
    """

    def __init__(
        self, matrix: sp.csr_array, target: FloatArray, block: IntArray, cost: FloatArray
    ) -> None:
        self._matrix, self._transposed = matrix, matrix.T.tocsr()
        self._target, self._block, self._cost = target, block, cost
        self._n_blocks = int(block.max()) + 1

    def log_sums(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log sum exp of A'y - c over each block, and the softmax within."""
        v = self._transposed @ y - self._cost
        most = np.full(self._n_blocks, -np.inf)
        np.maximum.at(most, self._block, v)
        weights = np.exp(v - most[self._block])
        sums = self._over_blocks(weights)
        return most + np.log(sums), weights / sums[self._block]

    def path(self, y: FloatArray, masses: FloatArray) -> Iterator[Point]:
        """Points closer and closer to the optimum, from multipliers y and masses X > 0.

        It ends where rounding allows no further step.
        """
        weights = masses / masses.sum()
        point: Point | None = self._point(y, masses, np.ones(self._n_blocks))
        while point is not None:
            yield point
            # Overflow, and what follows from it, is seen in the result.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                point = self._next(point, weights)

    def _over_blocks(self, values: FloatArray) -> FloatArray:
        return np.bincount(self._block, values, self._n_blocks).astype(np.float64, copy=False)

    def _point(self, y: FloatArray, masses: FloatArray, slacks: FloatArray) -> Point:
        log_sums, shares = self.log_sums(y)
        return Point(y, masses, slacks, log_sums, shares, masses[self._block] * shares)

    def _next(self, point: Point, weights: FloatArray) -> Point | None:
        newton = self._newton(point)
        if newton is None:
            return None
        products = point.masses * point.slacks
        mu = float(products.sum())
        off = float(point.masses @ np.abs(point.slacks + point.log_sums))
        _, d_masses, d_slacks = newton(-products)
        part = min(1.0, longest_step(point.masses, d_masses), longest_step(point.slacks, d_slacks))
        ahead = (point.masses + part * d_masses) @ (point.slacks + part * d_slacks)
        centre = max((float(ahead) / mu) ** 3 * mu, min(_CENTRING * off, mu))
        direction = newton(centre * weights - products - d_masses * d_slacks)
        return self._stepped(point, direction)

    def _newton(self, point: Point) -> Callable[[FloatArray], _Direction] | None:
        """Return what gives the direction in which products X s change by a given amount."""
        masses, slacks, shares = point.masses, point.slacks, point.shares
        solve = solver(self._normal_matrix(point))
        if solve is None:
            return None
        residual = self._target - self._matrix @ point.x
        dual_residual = slacks + point.log_sums

        def newton(change: FloatArray) -> _Direction:
            drift = (change + masses * dual_residual) / slacks
            d_y = solve(residual - self._matrix @ (shares * drift[self._block]))
            rise = self._over_blocks(shares * (self._transposed @ d_y))  # of the log sums
            return d_y, drift + masses * rise / slacks, -dual_residual - rise

        return newton

    def _normal_matrix(self, point: Point) -> FloatArray:
        """A (diag(x) + sum over blocks of (1/s - 1) X shares shares') A'."""
        n = len(self._block)
        shares = sp.csr_array((point.shares, (np.arange(n), self._block)), (n, self._n_blocks))
        sums = self._matrix @ shares
        weights = point.masses * (1.0 / point.slacks - 1.0)
        if sums.nnz > 0.1 * np.prod(sums.shape):
            dense = sums.toarray()
            low_rank = (dense * weights) @ dense.T
        else:
            low_rank = (sums.multiply(weights) @ sums.T).toarray()
        own: FloatArray = (self._matrix.multiply(point.x) @ self._transposed).toarray()
        total: FloatArray = own + low_rank
        return total

    def _stepped(self, point: Point, direction: _Direction) -> Point | None:
        """Go as far as the linear forecast holds; None if that is nowhere."""
        d_y, d_masses, d_slacks = direction
        part = min(
            1.0,
            _TO_BOUNDARY * longest_step(point.masses, d_masses),
            _TO_BOUNDARY * longest_step(point.slacks, d_slacks),
        )
        rise = -(point.slacks + point.log_sums + d_slacks)
        rows = self._matrix @ point.x
        for _ in range(_HALVINGS):
            new = self._point(
                point.y + part * d_y,
                point.masses + part * d_masses,
                point.slacks + part * d_slacks,
            )
            changed = (self._matrix @ new.x) / rows
            curved = new.log_sums - point.log_sums - part * rise
            # Comparisons with nan are false.
            if (
                (curved <= _MOST_CURVED).all()
                and (changed <= _MOST_CHANGED).all()
                and (changed >= 1.0 / _MOST_CHANGED).all()
            ):
                return new
            part /= 2.0
        return None
