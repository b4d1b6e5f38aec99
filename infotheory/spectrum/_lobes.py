"""Frequencies at which a power of a characteristic function is not negligible.

Let phi(omega) = sum of q_l exp(2 pi i omega v_l) and |phi(omega)|^n >= exp(-kappa). Turned back by
the argument of phi, letter l is x_l turns away from the nearest whole number n_l, and

    2 sum_l q_l sin^2(pi x_l) = 1 - |phi| <= rho = 1 - exp(-kappa / n).

So each |x_l| is at most some b_l <= 1/2, where sin^2(pi x) >= (x sin(pi b_l) / b_l)^2: a quadratic
form of x = omega v - alpha - n is at most rho. With alpha and omega free, what is left of n is n
less its projections on 1 and v, a point of a lattice; where the latter projection falls is the
middle of a lobe of |phi|. All lobes up to any frequency are thus the short vectors of a lattice,
found without a look at the frequencies between them. The same is true of any choice of letters, and
those that are too rare to rule anything out are left aside.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from infotheory._kernels.lobes import reduce_basis, short_vectors
from infotheory._typing import AnyArray, FloatArray
from infotheory.spectrum._extended import DIGITS

__all__ = ["LobeLattice", "Lobes"]

_TINY = 5e-324

_SCALE = 150  # binary digits after the point
_GROWTH = 2.0**10  # of the reach, between two reductions
_BELOW = 1.0 - 1e-9  # allows for the rounding of the form
_ROUNDING = 1e-8  # of a vector at the radius, relative: less than the search allows for
_ROOM = 1e4  # for more lobes than are expected
_UNIT = 2.0**-53


class Lobes(NamedTuple):
    """Frequencies outside of which a power is negligible.

    Attributes
    ----------
    centres, halves : ndarray
        Middles, at least 0, and half widths; they may overlap.
    steps : float
        Of the search.
    """

    centres: FloatArray
    halves: FloatArray
    steps: float


class LobeLattice:
    """Lobes of |sum of q_l exp(2 pi i omega v_l)|^n above exp(-kappa).

    Parameters
    ----------
    values, weights : ndarray, shape (k,)
        The v_l, distinct, and the q_l.
    n, kappa : float
    reach : float
        Largest frequency for which lobes are likely to be wanted, for the choice of letters.
    """

    def __init__(
        self, values: FloatArray, weights: FloatArray, n: float, kappa: float, reach: float
    ) -> None:
        rho = -math.expm1(-kappa / n)
        weights = np.maximum(weights, 1e-300)
        values = values - values[0]
        shares = np.sqrt(np.minimum(rho / (2.0 * weights), 1.0))
        angles = np.arcsin(shares)
        forms = 0.5 * _BELOW * weights * (shares / angles) ** 2
        self.radius = math.sqrt(rho) / (2.0 * math.pi)
        common = np.argsort(-weights, kind="stable")
        expected = [
            self._volume(values[common[:size]], forms[common[:size]], reach)
            for size in range(2, len(common) + 1)
        ]
        chosen = np.sort(common[: int(np.argmin(expected)) + 2])
        self._values, self._roots = values[chosen], np.sqrt(forms[chosen])
        self.spread = _spread(self._values, self._roots**2)
        self._rows: AnyArray | None = None
        self._reach = 0.0

    def _volume(self, values: FloatArray, forms: FloatArray, reach: float) -> float:
        """How many lobes are expected for a generic law, as if frequencies were equidistributed."""
        size = len(values) - 2
        log_ball = 0.5 * size * math.log(math.pi) - math.lgamma(0.5 * size + 1.0)
        log_count = log_ball + size * math.log(self.radius) + 0.5 * math.log(forms.sum())
        log_count += math.log(max(reach * _spread(values, forms), _TINY)) - 0.5 * float(
            np.log(forms).sum()
        )
        return 1.0 + math.exp(min(log_count, 700.0))

    def expected(self, reach: float) -> float:
        """Return how many lobes are to be expected up to a frequency."""
        return self._volume(self._values, self._roots**2, reach)

    def covered(self, reach: float) -> float:
        """Return how much of the frequencies up to `reach` lobes are expected to cover."""
        return min(self.expected(reach) * self.half, reach)

    @property
    def half(self) -> float:
        """Half width of the widest lobe; infinite where squares of the values underflow."""
        return self.radius / self.spread if self.spread > 0.0 else math.inf

    def lobes(self, reach: float, most: float) -> Lobes | None:
        """Return all lobes that meet the frequencies from 0 to `reach`, or None.

        None where the search would take more than `most` steps, or rounding might hide a lobe.
        """
        reach += self.half
        size = len(self._values) - 1
        weight = self.radius / (math.sqrt(size) * reach)
        basis = self._reduced(reach, weight)
        upper: FloatArray = np.linalg.qr(basis.T)[1]
        doubt = self._doubt(upper, weight)
        if doubt > _ROUNDING:
            return None
        capacity = int(min(most, 4.0 * self.expected(reach) + _ROOM))
        while True:
            centres, halves = np.empty(capacity), np.empty(capacity)
            found, steps = short_vectors(
                np.ascontiguousarray(upper), np.ascontiguousarray(basis[:, -1]) / weight,
                self.radius, weight, reach, most, centres, halves,
            )  # fmt: skip
            if found >= 0:
                halves = halves[:found] / self.spread + doubt * reach
                return Lobes(centres[:found], halves, steps)
            if steps > most or capacity >= most:
                return None
            capacity = int(min(most, 8.0 * capacity))

    def _doubt(self, upper: FloatArray, weight: float) -> float:
        """Bound what rounding does to a vector within the radius, relative; infinite for nonsense.

        Column j of the triangle is off by a few units of its length, and of such a vector z_j is at
        most the radius times the length of row j of the inverse. The volume shows whether the rows
        are still a basis.
        """
        forms = self._roots**2
        volume = math.sqrt(1.0 / float(forms.sum())) * weight / self.spread
        found = float(np.prod(np.abs(np.diag(upper)) / np.delete(self._roots, 0))) / self._roots[0]
        if not abs(found / volume - 1.0) < 0.1:
            return math.inf
        lengths = np.linalg.norm(upper, axis=0)
        rows = np.linalg.norm(np.linalg.inv(upper), axis=1)
        return 20.0 * len(upper) ** 2 * _UNIT * float(lengths @ rows)

    def _reduced(self, reach: float, weight: float) -> FloatArray:
        """Reduce the basis for this reach, from that for a smaller one."""
        if self._rows is None or reach < self._reach:
            self._rows = self._whole()
            self._reach = min(reach, 1.0 / float(np.ptp(self._values)))
        while True:
            self._reach = min(reach, self._reach * _GROWTH)
            basis = _as_floats(self._rows)
            basis[:, -1] *= weight * reach / self._reach
            steps = np.eye(len(basis))
            reduce_basis(basis, steps)
            whole = np.array([[int(entry) for entry in row] for row in steps], dtype=object)
            self._rows = whole @ self._rows
            if self._reach == reach:
                break
        basis = _as_floats(self._rows)
        basis[:, -1] *= weight
        return basis

    def _whole(self) -> AnyArray:
        """Rows for the unit vectors: what projecting leaves, then the frequency; times 2^_SCALE.

        Fifty digits, for vectors that cancel to a 1e-20th of their entries.
        """
        roots = [Decimal(root) for root in self._roots.tolist()]
        forms = [root * root for root in roots]
        total = sum(forms, Decimal(0))
        middle = _divided(_total(forms, map(Decimal, self._values.tolist())), total)
        away = [DIGITS.subtract(Decimal(value), middle) for value in self._values.tolist()]
        square = _total(forms, (DIGITS.multiply(a, a) for a in away))
        # The most common letter has no entry of its own: all of them may turn together.
        reference = int(np.argmax(self._roots))
        rows: list[list[int]] = []
        for letter in range(len(roots)):
            if letter == reference:
                continue
            mean = _divided(forms[letter], total)
            along = _divided(DIGITS.multiply(forms[letter], away[letter]), square)
            row = [
                DIGITS.multiply(root, DIGITS.fma(-along, a, Decimal(place == letter) - mean))
                for place, (root, a) in enumerate(zip(roots, away, strict=True))
            ]
            rows.append([int(DIGITS.multiply(x, Decimal(2**_SCALE))) for x in [*row, along]])
        return np.array(rows, dtype=object)


def _spread(values: FloatArray, forms: FloatArray) -> float:
    """Norm of the values less their mean."""
    mean = float(forms @ values) / float(forms.sum())
    return math.sqrt(float(forms @ (values - mean) ** 2))


def _total(forms: list[Decimal], values: Any) -> Decimal:
    total = Decimal(0)
    for form, value in zip(forms, values, strict=True):
        total = DIGITS.fma(form, value, total)
    return total


def _divided(a: Decimal, b: Decimal) -> Decimal:
    return DIGITS.divide(a, b)


def _as_floats(rows: AnyArray) -> FloatArray:
    return np.array([[math.ldexp(float(entry), -_SCALE) for entry in row] for row in rows])
