"""Tilted Markov chains: largest eigenvalues, moments of sums, and sums themselves, with bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from infotheory._typing import AnyArray, BoolArray, FloatArray
from infotheory._validation import refusal

__all__ = [
    "Chain",
    "TiltedChain",
    "cumulants",
    "least_exponent",
    "log_moment",
    "poisson",
    "powered",
    "stationary",
    "tilt_chain",
]

_UNIT = 2.0**-53
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_ROUNDS = 200
_EVEN = 1e-13  # share by which row sums differ: as exponents of some hundreds are rounded
_UNEVEN = 1e-10
_SPREAD = 600.0  # of logarithms: e^-600 times anything here is still a normal number


@dataclass(frozen=True)
class Chain:
    """Scores z(x_1) + z(x_1, x_2) + ... of a path, and the law of the path.

    Attributes
    ----------
    first, steps : ndarray, shapes (m,) and (m, m)
        Scores, taken to be exact; 0 for what is impossible.
    log_first, log_steps : ndarray
        Logarithms of the probabilities, -inf for what is impossible.
    """

    first: FloatArray
    steps: FloatArray
    log_first: FloatArray
    log_steps: FloatArray

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.first)

    @cached_property
    def allowed(self) -> BoolArray:
        """Which transitions are possible."""
        return self.log_steps > -np.inf

    @cached_property
    def largest(self) -> float:
        """Largest size of a score."""
        return float(max(np.abs(self.first).max(), np.abs(self.steps).max()))

    def negated(self) -> Chain:
        """Return the chain of the negated scores."""
        return Chain(-self.first, -self.steps, self.log_first, self.log_steps)


class TiltedChain(NamedTuple):
    """A chain tilted by exp(lam z).

    Attributes
    ----------
    lam : float
    log_root : float
        Such that exp(log_root) is at least the largest eigenvalue of A = P exp(lam z), and off by
        rounding only.
    kernel : ndarray, shape (m, m)
        A psi(y) / psi(x) / exp(log_root): Doob's transform, each row with a sum of at most one, and
        less than that by rounding only.
    log_psi : ndarray, shape (m,)
        Logarithm of the eigenvector, the least entry being 0.
    log_start : float
        Logarithm of the sum of pi exp(lam z) psi.
    start : ndarray, shape (m,)
        Its terms, divided by the sum: the law of the first state.
    unit : float
        Bound on the relative error of an entry of the kernel, times exp(log_root).
    """

    lam: float
    log_root: float
    kernel: FloatArray
    log_psi: FloatArray
    log_start: float
    start: FloatArray
    unit: float


def tilt_chain(chain: Chain, lam: float) -> TiltedChain:
    """Find the largest eigenvalue and its eigenvector.

    The eigenvalue lies between the least and the largest row sum. Inverse iteration from the
    largest converges from above; the matrix is scaled by the eigenvector found so far, so that in
    the end all rows have one sum, to rounding.
    """
    log_psi = _coarse_eigenvector(lam * chain.steps + chain.log_steps)
    scaled, top, sums = _scaled(chain, lam, log_psi)
    for _ in range(_ROUNDS):
        if sums.max() <= sums.min() * (1.0 + _EVEN):
            break
        above = float(sums.max()) * (1.0 + 8.0 * _UNIT)
        vector = np.abs(np.linalg.solve(above * np.eye(chain.size) - scaled, np.ones(chain.size)))
        log_psi += np.log(vector / vector.max())
        scaled, top, sums = _scaled(chain, lam, log_psi)
    log_psi -= log_psi.min()
    # Entries that underflow would change the mean of 1 / psi, at least exp(-600), by exp(-700).
    if not (float(log_psi.max()) < _SPREAD and sums.max() <= sums.min() * (1.0 + _UNEVEN)):
        raise refusal(
            "lam",
            f"such that the eigenvector of the tilted chain varies by less than exp({_SPREAD:g})",
            f"{lam:g}",
            "Take one closer to 0.",
        )
    root = float(sums.max()) * (1.0 + 4.0 * chain.size * _UNIT)
    starts = lam * chain.first + chain.log_first + log_psi
    high = float(starts.max())
    weights = np.exp(starts - high)
    total = float(weights.sum())
    # exp, log and the products that go into an exponent, each right to two units.
    sizes = 4.0 * abs(lam) * chain.largest + 4.0 * float(-chain.log_steps[chain.allowed].min())
    unit = _UNIT * (sizes + 4.0 * float(log_psi.max()) + 4.0 * abs(top) + 2.0 * chain.size + 16.0)
    return TiltedChain(
        lam,
        top + math.log(root),
        scaled / root,
        log_psi,
        high + math.log(total),
        weights / total,
        unit,
    )


def _coarse_eigenvector(logs: FloatArray) -> FloatArray:
    """Return logarithms of an eigenvector to within a factor that depends on the size alone.

    It is that of the algebra in which a sum is the larger term: scaled by it, no entry is above one
    times the largest geometric mean along a cycle, and each state has a path to one of those cycles
    of entries that are as large.
    """
    size = len(logs)
    ahead = np.full((size + 1, size), -np.inf)
    ahead[0, 0] = 0.0
    for k in range(size):
        ahead[k + 1] = (ahead[k][:, None] + logs).max(axis=0)
    with np.errstate(invalid="ignore"):  # Karp's formula; what is not reached does not count
        means = (ahead[size] - ahead[:size]) / np.arange(size, 0, -1)[:, None]
    lowest = np.where(np.isnan(means), np.inf, means).min(axis=0)
    mean = float(lowest[ahead[size] > -np.inf].max())
    best = logs - mean
    for k in range(size):
        best = np.maximum(best, best[:, k, None] + best[k])
    turns = np.diag(best)
    found: FloatArray = best[:, turns >= turns.max() - 1e-9].max(axis=1)
    return found


def _scaled(chain: Chain, lam: float, log_psi: FloatArray) -> tuple[FloatArray, float, FloatArray]:
    """Return A psi(y) / psi(x) over its largest entry, the logarithm of that, and row sums."""
    logs = lam * chain.steps + chain.log_steps + log_psi[None, :] - log_psi[:, None]
    top = float(logs.max())
    scaled = np.exp(logs - top)
    return scaled, top, scaled.sum(axis=1)


def log_moment(chain: Chain, n: int, lam: float) -> tuple[float, float]:
    """Return ln E exp(lam S_n) and a bound on its error.

    With D = diag(psi) it is ln of pi exp(lam z) D kernel^(n-1) D^-1 1 exp((n - 1) log_root): all
    terms are positive, so relative errors add up, one of an entry and one of a product a letter.
    """
    tilted = tilt_chain(chain, lam)
    mean = float(tilted.start @ powered(tilted.kernel, n - 1, np.exp(-tilted.log_psi)))
    value = tilted.log_start + (n - 1) * tilted.log_root + math.log(mean)
    error = 1.01 * n * (tilted.unit + 4.0 * _UNIT * (chain.size + 2.0 + abs(tilted.log_root)))
    return value, error + 4.0 * _UNIT * (abs(value) + abs(tilted.log_start))


def powered(kernel: AnyArray, power: int, vector: AnyArray) -> AnyArray:
    """Return kernel^power vector, by squaring; of several matrices and columns likewise."""
    while power:
        if power & 1:
            vector = kernel @ vector
        kernel = kernel @ kernel
        power >>= 1
    return vector


def cumulants(law: FloatArray, scores: FloatArray) -> tuple[float, float, float]:
    """Return the first three cumulants a letter of long sums of scores along a chain.

    They are derivatives at 0 of ln rho(t), the largest eigenvalue of law exp(t scores), by
    perturbation: with mu the stationary law and scores of mean zero, the eigenvector is 1 + t a +
    t^2 b + ..., where (1 - law) a = law_1 1 and so on, law_k being law times scores^k, entry by
    entry. Any irreducible chain, periodic ones too.
    """
    mu = stationary(law)
    ones = np.ones(len(law))
    mean = float(mu @ (law * scores).sum(axis=1))
    around = scores - mean
    first, second, third = (law * around**k for k in (1, 2, 3))
    with np.errstate(over="ignore", invalid="ignore"):
        a = poisson(law, mu, first @ ones)
        right = first @ a + 0.5 * second @ ones
        half_variance = float(mu @ right)
        b = poisson(law, mu, right - half_variance)
        sixth = float(mu @ (first @ b + 0.5 * second @ a + third @ ones / 6.0))
    return mean, float(np.maximum(0.0, 2.0 * half_variance)), 6.0 * sixth


def _censored(law: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eliminate states from the last on, and return what is left and the odds of leaving each.

    Nothing is subtracted (Grassmann, Taksar and Heyman 1985): chains that hardly move keep their
    digits. Column k and row k up to the diagonal are as they were when state k was eliminated.
    """
    rest = law.copy()
    leaving = np.ones(len(law))
    with np.errstate(divide="ignore", invalid="ignore"):
        for k in range(len(law) - 1, 0, -1):
            leaving[k] = rest[k, :k].sum()
            rest[:k, :k] += np.outer(rest[:k, k], rest[k, :k] / leaving[k])
    return rest, leaving


def stationary(law: FloatArray) -> FloatArray:
    """Return the stationary law; not finite where a state is not left, to the last digit."""
    rest, leaving = _censored(law)
    mu = np.ones(len(law))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for k in range(1, len(law)):
            mu[k] = mu[:k] @ rest[:k, k] / leaving[k]
        shares: FloatArray = mu / mu.sum()
    return shares


def poisson(law: FloatArray, mu: FloatArray, right: FloatArray) -> FloatArray:
    """Solve (1 - law) x = right, where right has mean zero under mu, for x that has, too."""
    rest, leaving = _censored(law)
    known, x = right.copy(), np.zeros(len(law))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for k in range(len(law) - 1, 0, -1):
            known[:k] += rest[:k, k] * (known[k] / leaving[k])
        for k in range(1, len(law)):
            x[k] = (known[k] + rest[k, :k] @ x[:k]) / leaving[k]
        centred: FloatArray = x - mu @ x
    return centred


def least_exponent(chain: Chain, n: int, threshold: float) -> tuple[float, float, float]:
    """Minimise ln E exp(lam (S_n - threshold)) over lam >= 0.

    Returns lam, the exponent there and a bound on its error. Any lam is legal, so the minimum need
    not be met.
    """

    def exponent(lam: float) -> float:
        try:
            return log_moment(chain, n, lam)[0] - lam * threshold
        except ValueError:  # tilted too far
            return math.inf

    most = _SPREAD / max(chain.largest, 1.0)
    top = most / 1024.0
    while top < most and exponent(2.0 * top) < exponent(top):
        top *= 2.0
    lam = _least(exponent, 2.0 * top)
    value, error = log_moment(chain, n, lam)
    return lam, value - lam * threshold, error + 4.0 * _UNIT * abs(lam * threshold)


def _least(function: Callable[[float], float], top: float) -> float:
    """Minimise a convex function between 0 and `top` by golden sections."""
    low, high = 0.0, top
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-6 * top:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    best = left if at_left <= at_right else right
    return 0.0 if function(0.0) <= min(at_left, at_right) else best
