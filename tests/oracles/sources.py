"""Entropies and informations of sources, straight from the definitions.

Sums over every symbol or path, exact fractions, and quadrature of densities with mpmath. Nothing is
shared with the package.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import mpmath

Density = Callable[[Any], Any]


# ----------------------------------------------------------------------------------------- symbols


def entropy(p: Iterable[float]) -> float:
    """-sum p ln p."""
    return math.fsum(-q * math.log(q) for q in p if q > 0)


def zipf(n_symbols: int, exponent: float) -> list[float]:
    """Probabilities of the ranks."""
    weights = [j**-exponent for j in range(1, n_symbols + 1)]
    total = math.fsum(weights)
    return [w / total for w in weights]


def geometric_entropy(p: float) -> float:
    """Sum over failures until what is left is below double precision."""
    terms = []
    for k in itertools.count():
        q = p * (1 - p) ** k
        if q < 1e-25:
            return math.fsum(terms)
        terms.append(-q * math.log(q))
    raise AssertionError


def mutual_information(joint: Sequence[Sequence[float]]) -> float:
    """Sum over cells of p(x, y) ln(p(x, y) / p(x) p(y))."""
    rows = [math.fsum(row) for row in joint]
    columns = [math.fsum(column) for column in zip(*joint, strict=True)]
    return math.fsum(
        p * math.log(p / (rows[i] * columns[j]))
        for i, row in enumerate(joint)
        for j, p in enumerate(row)
        if p > 0
    )


def conditional_mutual_information(joint: Sequence[Sequence[Sequence[float]]]) -> float:
    """Sum over z of p(z) times the information of X and Y given that z."""
    total = []
    for z in range(len(joint[0][0])):
        layer = [[cell[z] for cell in row] for row in joint]
        mass = math.fsum(itertools.chain.from_iterable(layer))
        if mass > 0:
            total.append(mass * mutual_information([[p / mass for p in row] for row in layer]))
    return math.fsum(total)


def through_channel(channel: Sequence[Sequence[float]], p: Sequence[float]) -> list[list[float]]:
    """Joint distribution of input and output."""
    return [[q * w for w in row] for q, row in zip(p, channel, strict=True)]


def binary_entropy(p: float) -> float:
    """Of a biased coin."""
    return entropy([p, 1 - p])


# ----------------------------------------------------------------------------------- Markov chains


def stationary(transition: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """Solve pi P = pi, sum pi = 1, by elimination in fractions."""
    k = len(transition)
    rows = [[transition[j][i] - (i == j) for j in range(k)] + [Fraction(0)] for i in range(k - 1)]
    rows.append([Fraction(1)] * (k + 1))
    for i in range(k):
        pivot = next(r for r in range(i, k) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for r in range(k):
            if r != i:
                factor = rows[r][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[k] for row in rows]


def path_probability(
    path: Sequence[int], transition: Sequence[Sequence[float]], initial: Sequence[float]
) -> float:
    """Of one path."""
    steps = itertools.pairwise(path)
    return float(initial[path[0]]) * math.prod(float(transition[a][b]) for a, b in steps)


def block_entropy(n: int, transition: Sequence[Sequence[float]], initial: Sequence[float]) -> float:
    """Over all paths of n states."""
    paths = itertools.product(range(len(transition)), repeat=n)
    return entropy(path_probability(path, transition, initial) for path in paths)


def lag_joint(
    lag: int, transition: Sequence[Sequence[float]], initial: Sequence[float]
) -> list[list[float]]:
    """Joint distribution of the first state and the one `lag` steps later, over all paths."""
    k = len(transition)
    joint = [[0.0] * k for _ in range(k)]
    for path in itertools.product(range(k), repeat=lag + 1):
        joint[path[0]][path[-1]] += path_probability(path, transition, initial)
    return joint


# --------------------------------------------------------------------------------------- densities


def differential_entropy(density: Density, edges: Sequence[Any]) -> float:
    """-integral of f ln f, piece by piece."""

    def integrand(x: Any) -> Any:
        f = density(x)
        return -f * mpmath.log(f) if f > 0 else mpmath.mpf(0)

    return float(mpmath.quad(integrand, edges))


def trapezoid(function: Callable[[float], float], low: float, high: float, step: float) -> float:
    """Sum at equal steps: exponentially exact where a smooth function vanishes at both ends."""
    places = math.ceil((high - low) / step)
    return step * math.fsum(function(low + i * step) for i in range(places + 1))


def log_gamma_density(shape: float, u: float) -> float:
    """At x = exp(u), for scale 1."""
    return (shape - 1) * u - math.exp(u) - math.lgamma(shape)


def gamma_entropy(shape: float) -> float:
    """In u = ln x, in which the pole at zero is gone and the peak has width 1 / sqrt(shape)."""
    width = 1 / math.sqrt(shape)

    def integrand(u: float) -> float:
        log_density = log_gamma_density(shape, u)
        return -math.exp(log_density + u) * log_density

    peak = math.log(shape)
    low = peak - 60 / shape - 1 - 12 * width
    high = peak + math.log1p(60 / shape) + 12 * width
    return trapezoid(integrand, low, high, min(0.1, width / 5))


def gaussian_radial(dimension: int) -> Density:
    """Density of a standard Gaussian vector at distance r."""
    return lambda r: mpmath.exp(-r * r / 2) / mpmath.power(2 * mpmath.pi, mpmath.mpf(dimension) / 2)


def student_radial(df: float, dimension: int) -> Density:
    """Density of a standard Student-t vector at distance r."""
    d, v = mpmath.mpf(dimension), mpmath.mpf(df)
    norm = mpmath.gamma((v + d) / 2) / mpmath.gamma(v / 2) / mpmath.power(v * mpmath.pi, d / 2)
    return lambda r: norm * mpmath.power(1 + r * r / v, -(v + d) / 2)


def spherical_entropy(radial: Density, dimension: int) -> float:
    """-integral of f ln f over space, in shells: f depends on the distance alone."""
    d = mpmath.mpf(dimension)
    sphere = 2 * mpmath.power(mpmath.pi, d / 2) / mpmath.gamma(d / 2)

    def shell(u: Any) -> Any:  # in u = ln r, which takes in the heaviest tails
        r = mpmath.exp(u)
        f = radial(r)
        return -sphere * r**dimension * f * mpmath.log(f) if f > 0 else mpmath.mpf(0)

    return float(mpmath.quad(shell, [-60, -5, -1, 0, 1, 2, 4, 10, 30, 100, 400]))


def student_information(df: float, dimension: int, correlation: float) -> float:
    """h(X) + h(Y) - h(X, Y), each by quadrature; correlating shrinks the joint volume."""
    one = spherical_entropy(student_radial(df, dimension), dimension)
    both = spherical_entropy(student_radial(df, 2 * dimension), 2 * dimension)
    shrink = dimension * mpmath.log(1 - mpmath.mpf(correlation) ** 2) / 2
    return float(2 * one - both - shrink)


def log_determinant(matrix: Sequence[Sequence[float]]) -> float:
    """Of a positive definite matrix, in fractions."""
    rows = [[Fraction(value) for value in row] for row in matrix]
    total = mpmath.mpf(0)
    for i, row in enumerate(rows):
        total += mpmath.log(mpmath.mpf(row[i].numerator) / row[i].denominator)
        for other in rows[i + 1 :]:
            factor = other[i] / row[i]
            other[:] = [a - factor * b for a, b in zip(other, row, strict=True)]
    return float(total)


def gaussian_information(
    covariance: Sequence[Sequence[float]],
    x: Sequence[int],
    y: Sequence[int],
    z: Sequence[int] = (),
) -> float:
    """(ln det C_xz + ln det C_yz - ln det C_xyz - ln det C_z) / 2."""

    def part(places: Sequence[int]) -> float:
        return log_determinant([[covariance[i][j] for j in places] for i in places])

    terms = [part([*x, *z]), part([*y, *z]), -part([*x, *y, *z]), -part([*z])]
    return math.fsum(terms) / 2


# ------------------------------------------------------------------------------------- mixed pairs


def uniform_sum_information(noise: float) -> float:
    """h(Y) - h(N), where the density of Y is the share of the noise that falls into (0, 1)."""
    e = mpmath.mpf(noise)

    def density(y: Any) -> Any:
        return max(mpmath.mpf(0), min(y + e, 1) - max(y - e, 0)) / (2 * e)

    edges = sorted({-e, e, 1 - e, 1 + e})
    return float(differential_entropy(density, edges) - mpmath.log(2 * e))


def gamma_exponential_information(shape: float) -> float:
    """h(Y) - h(Y | X), where the density of Y is an integral over x itself; in ln x and ln y."""

    def over_x(function: Callable[[float], float]) -> float:
        def integrand(u: float) -> float:
            return function(math.exp(u)) * math.exp(log_gamma_density(shape, u) + u)

        return trapezoid(integrand, -40 / shape - 40, 5, 0.2)  # exp(5) = 148

    conditional = over_x(lambda x: 1 - math.log(x))  # entropy of an exponential with rate x

    def integrand(v: float) -> float:
        y = math.exp(v)
        density = over_x(lambda x: x * math.exp(-x * y))
        return -y * density * math.log(density)

    return trapezoid(integrand, -40, 40 / shape, 0.2) - conditional


def zero_inflated_information(zeros: float) -> float:
    """Sum over counts of the integral of p(x) p(k | x) ln(p(k | x) / p(k))."""
    p = mpmath.mpf(zeros)

    def count(k: int, x: Any) -> Any:
        poisson = mpmath.exp(-x) * x**k / mpmath.factorial(k)
        return (1 - p) * poisson + (p if k == 0 else 0)

    total = mpmath.mpf(0)
    for k in range(60):  # P(k) = 2^-(k + 1): what is left is below 1e-16
        edges = [0, 1, max(2, k), k + 20, k + 80]
        mean = mpmath.quad(lambda x, k=k: mpmath.exp(-x) * count(k, x), edges)
        total += mpmath.quad(
            lambda x, k=k, mean=mean: (
                mpmath.exp(-x) * count(k, x) * mpmath.log(count(k, x) / mean) if x > 0 else 0
            ),
            edges,
        )
    return float(total)


def overlapping_information(n_symbols: int) -> float:
    """Over the unit pieces of y, on each of which all densities are constant."""
    covered = [0] * (n_symbols + 1)
    for x in range(n_symbols):
        covered[x] += 1
        covered[x + 1] += 1
    joint = 1 / (2 * n_symbols)
    return math.fsum(
        joint * math.log(joint / (covered[piece] * joint / n_symbols))
        for x in range(n_symbols)
        for piece in (x, x + 1)
    )


def binomial_chain_information(n_symbols: int, probability: Fraction) -> float:
    """I(Z; Y), in fractions."""
    q = probability
    share = Fraction(1, n_symbols)  # math.comb is 0 for more successes than trials
    joint = [
        [float(share * math.comb(z, k) * q**k * (1 - q) ** max(0, z - k)) for k in range(n_symbols)]
        for z in range(n_symbols)
    ]
    return mutual_information(joint)
