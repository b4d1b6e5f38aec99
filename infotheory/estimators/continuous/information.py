"""The one way from variables, of which some are measurements, to an estimate of information."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.estimators.continuous import gaussian, lnc
from infotheory.estimators.continuous.coordinates import Placed, placed
from infotheory.estimators.continuous.doubts import Facts
from infotheory.estimators.continuous.neighbour_information import INFORMATION, Terms, ross
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.continuous.reporting import Options, Task, certainty, conclude
from infotheory.estimators.continuous.shuffling import (
    Shuffler,
    permutations_among,
    permutations_of,
    permutations_within,
)
from infotheory.estimators.continuous.space import Space
from infotheory.estimators.measurements import Variable
from infotheory.estimators.neighbours.columns import check_neighbours
from infotheory.estimators.neighbours.digamma import digamma_table
from infotheory.estimators.neighbours.pairs import ksg1_permuted
from infotheory.estimators.symbols import Symbols, joint_symbols

__all__ = [
    "CONDITIONAL_METHODS",
    "INFORMATION_METHODS",
    "NUMERIC_METHODS",
    "estimate_information",
]

INFORMATION_METHODS = (
    "ksg1",
    "ksg2",
    "ksg_ties",
    "lnc",
    "ross",
    "gao",
    "mesner_shalizi",
    "gaussian",
    "gaussian_copula",
    "binned",
)
"""What estimates I(X;Y) where x or y is measured, beside "auto"."""

CONDITIONAL_METHODS = (
    "ksg1",
    "ksg_ties",
    "mesner_shalizi",
    "gaussian",
    "gaussian_copula",
    "binned",
)
"""What estimates I(X;Y|Z) where x, y or z is measured, beside "auto"."""

NUMERIC_METHODS = ("ksg1", "ksg2", "lnc", "gaussian", "gaussian_copula", "binned")
"""What takes numbers only: whole numbers are measurements here, as floats are."""


def estimate_information(
    variables: Sequence[Variable], options: Options, stacklevel: int
) -> Estimate:
    """Estimate I(X;Y), or I(X;Y|Z), of samples that are not all symbols."""
    n = _n_samples(variables)
    if options.method not in gaussian.GAUSSIAN_METHODS:
        check_neighbours(n, options.k)
    place = placed(variables, options.standardize, options.n_jobs)
    method = _automatic(variables, place) if options.method == "auto" else options.method
    task, whole = _begin(method, variables, place, options)
    # Ross takes as many neighbours as there are.
    mates = None if method == "ross" else _mates(variables)
    alone = 0.0 if mates is None else float(np.mean(mates <= options.k))
    interval, scatter = certainty(task, whole, method, n, options, mates)
    null = _null(task, variables, place, method, options)
    facts = Facts(method, n, options.k, whole, interval, scatter, place, alone)
    return conclude(facts, options, stacklevel + 1, null)


def _n_samples(variables: Sequence[Variable]) -> int:
    first = variables[0]
    return first.n if isinstance(first, Symbols) else len(first)


def _automatic(variables: Sequence[Variable], place: Placed) -> str:
    """Return "ksg1" for densities; where there are symbols or ties, what allows for them."""
    symbols = any(isinstance(variable, Symbols) for variable in variables)
    if place.is_tied or (symbols and len(variables) == 3):
        return "ksg_ties"
    return "ross" if symbols else "ksg1"


def _begin(
    method: str, variables: Sequence[Variable], place: Placed, options: Options
) -> tuple[Task, Terms | Parts]:
    """Return what to estimate, and the estimate from all samples."""
    k = options.k
    if method in INFORMATION:
        function = INFORMATION[method]
        task = Task(tuple(place.space.blocks), lambda *blocks: function(Space(blocks, 1), k))
        return task, function(place.space, k)
    if method == "ross":
        space, codes = _measured_and_symbols(variables, place)
        task = Task((space.blocks[0], codes), lambda x, y: ross(Space([x], 1), y, k))
        return task, ross(space, codes, k)
    arrays = tuple(variable for variable in variables if not isinstance(variable, Symbols))
    if method == "lnc":
        task = Task(tuple(place.space.blocks), lambda x, y: lnc.mutual_information(x, y, k, 1))
        x, y = place.space.blocks
        return task, lnc.mutual_information(x, y, k, options.n_jobs)
    _check_columns(method, arrays)
    if method == "gaussian_copula":
        arrays = tuple(map(gaussian.copula_scores, arrays))
    formula = (
        gaussian.mutual_information if len(arrays) == 2 else gaussian.conditional_mutual_information
    )
    return Task(arrays, formula), formula(*arrays)


def _measured_and_symbols(variables: Sequence[Variable], place: Placed) -> tuple[Space, IntArray]:
    (codes,) = (variable.codes for variable in variables if isinstance(variable, Symbols))
    if not (np.bincount(codes) > 1).any():
        raise refusal(
            "the discrete variable",
            "have a symbol that occurs twice",
            f"{codes.size} samples of as many symbols",
            "Pass discrete=False if it is measured.",
        )
    (measured,) = place.measured
    return place.only(measured), codes


def _check_columns(method: str, arrays: Sequence[FloatArray]) -> None:
    n, widths = len(arrays[0]), [array.shape[1] for array in arrays]
    least = gaussian.least_samples(widths)
    if n < least:
        raise refusal(
            "x and y" if len(arrays) == 2 else "x, y and z",
            f"have at least {least} samples for {sum(widths)} columns with method={method!r}",
            f"{n} samples",
            "Take more samples or fewer columns.",
        )


# ------------------------------------------------------------------------------------- certainty


def _mates(variables: Sequence[Variable]) -> IntArray | None:
    """Count for each sample those with its symbols, itself included; None without symbols.

    Of fewer than k others the k-th neighbour is as far as symbols are from each other, where
    everything ties.
    """
    symbols = [variable for variable in variables if isinstance(variable, Symbols)]
    if not symbols:
        return None
    joint = symbols[0] if len(symbols) == 1 else joint_symbols(*symbols)
    return np.asarray(joint.counts[joint.codes])


# ---------------------------------------------------------------------------------- permutations


def _null(
    task: Task, variables: Sequence[Variable], place: Placed, method: str, options: Options
) -> FloatArray | None:
    count = options.n_permutations
    if not count:
        return None
    from tqdm.auto import tqdm

    rng = np.random.default_rng(options.rng)
    orders = _shuffler(variables, place)(count, rng)
    shown: Iterator[IntArray] = tqdm(
        orders, total=count, unit="permutation", disable=not options.progress, delay=0.5
    )
    if method == "ksg1" and place.space.is_plane:
        (x,), (y,) = place.space.columns(0), place.space.columns(1)
        psi = digamma_table(place.space.n + 2)
        means = ksg1_permuted(x, y, shown, options.k, psi, options.n_jobs)
        return np.asarray(psi[options.k] + psi[place.space.n] - means)
    return np.array([task.shuffled(order) for order in shown])


def _shuffler(variables: Sequence[Variable], place: Placed) -> Shuffler:
    if len(variables) == 2:
        return permutations_of(place.space.n)
    z = variables[2]
    if isinstance(z, Symbols):
        return permutations_within(z.codes)
    return permutations_among(place.space.blocks[2])
