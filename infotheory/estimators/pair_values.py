"""Mutual information of many pairs of columns: each is sorted once, and all cores are used."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from infotheory._results import Interval
from infotheory._typing import BoolArray
from infotheory.estimators.continuous.coordinates import Placed, Scaled, scaled
from infotheory.estimators.continuous.doubts import Facts, doubts
from infotheory.estimators.continuous.neighbour_information import INFORMATION, Terms
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.mutual_information import estimate_mutual_information
from infotheory.estimators.neighbours.digamma import digamma_table
from infotheory.estimators.neighbours.pairs import ksg1_many
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for
from infotheory.estimators.pair_columns import PairColumn
from infotheory.exceptions import InfotheoryWarning, PrecisionWarning

__all__ = ["Found", "PairOptions", "Places", "estimate_pairs", "tell_warnings"]

Places = tuple[int, int]
"""Two columns by their numbers."""

_Item = TypeVar("_Item")

_MANY = 4  # groups a thread: fewer of them may differ too much in size to be shared
_LEAST = 100_000  # samples of all pairs; fewer are done sooner than threads are started


@dataclass(frozen=True)
class PairOptions:
    """How to estimate, checked; as for :func:`infotheory.estimators.estimate_mutual_information`.

    Attributes
    ----------
    method, k, base, standardize, clip, n_permutations, rng, n_jobs
        As there.
    """

    method: str
    k: int
    base: float | None
    standardize: bool
    clip: bool
    n_jobs: int | None
    n_permutations: int = 0
    rng: Any = None


class Found(NamedTuple):
    """What is known about a pair.

    Attributes
    ----------
    value : float
        The estimate; nan where there is none.
    n : int
        Number of samples with both variables.
    method : str
        How it was made; never "auto", and empty where there is no estimate.
    warnings : tuple of str
        What to know before relying on it.
    refusal : str
        Why there is no estimate; empty where there is one.
    p_value : float
        Of a test of independence; nan where there were no permutations.
    """

    value: float
    n: int
    method: str
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    p_value: float = math.nan


def estimate_pairs(
    columns: Sequence[PairColumn],
    pairs: Sequence[Places],
    options: PairOptions,
    progress: bool | None,
) -> list[Found]:
    """Estimate the mutual information of pairs of columns, each from the rows that have both.

    Every value is that of a call for this pair alone, to the last bit. `progress` is whether to
    show a bar; None for work that takes its time.
    """
    from tqdm.auto import tqdm

    found: dict[Places, Found] = {}
    delay = 2.0 if progress is None else 0.0  # seconds
    with (
        tqdm(total=len(pairs), unit="pair", delay=delay, disable=progress is False) as bar,
        _quietly(),
    ):

        def advance(count: int) -> None:
            bar.update(count)

        if options.method in ("auto", *INFORMATION) and not options.n_permutations:
            found |= _sorted_once(columns, _groups(columns, pairs), options, advance)
        rest = [pair for pair in pairs if pair not in found]
        found |= _one_by_one(columns, rest, options, advance)
    return [found[pair] for pair in pairs]


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave warnings to the results, which keep their texts. This is not to be done in threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)
        yield


# ----------------------------------------------------------------------------- sorted once for all


class _Group(NamedTuple):
    """Pairs of measurements that share their complete rows; None for all rows."""

    rows: BoolArray | None
    pairs: list[Places]


def _groups(columns: Sequence[PairColumn], pairs: Sequence[Places]) -> list[_Group]:
    patterns: dict[bytes, int] = {bytes(-(-columns[0].missing.size // 8)): 0}
    of_column = [
        patterns.setdefault(np.packbits(column.missing).tobytes(), len(patterns))
        for column in columns
    ]
    groups: dict[frozenset[int], list[Places]] = {}
    for x, y in pairs:
        if not (columns[x].discrete or columns[y].discrete):
            key = frozenset({of_column[x], of_column[y]} - {0})
            groups.setdefault(key, []).append((x, y))
    return [
        _Group(~(columns[x].missing | columns[y].missing) if key else None, [(x, y), *others])
        for key, ((x, y), *others) in groups.items()
    ]


def _line(column: PairColumn, rows: BoolArray | None, standardize: bool) -> Scaled:
    numbers = column.values if rows is None else column.values[rows]
    return scaled(numbers[:, np.newaxis], standardize)


def _sorted_once(
    columns: Sequence[PairColumn],
    groups: Sequence[_Group],
    options: PairOptions,
    progress: Callable[[int], None],
) -> dict[Places, Found]:
    found: dict[Places, Found] = {}
    threads = _threads(options, len(groups), columns[0].missing.size) if groups else 1
    if len(groups) < _MANY * threads:
        threads = 1  # and each group has threads of its own
    inner = options if threads == 1 else replace(options, n_jobs=1)

    def work(group: _Group) -> None:
        found.update(_from_sorted(columns, group, inner, progress))

    _over(groups, work, threads)
    return found


def _from_sorted(
    columns: Sequence[PairColumn],
    group: _Group,
    options: PairOptions,
    progress: Callable[[int], None],
) -> dict[Places, Found]:
    """Estimate the pairs of a group by neighbours in the plane."""
    n = columns[0].missing.size if group.rows is None else int(np.count_nonzero(group.rows))
    k, found = options.k, dict[Places, Found]()
    if n <= k:
        return found
    wanted = sorted({place for pair in group.pairs for place in pair})
    lines = {place: _line(columns[place], group.rows, options.standardize) for place in wanted}
    methods = dict.fromkeys(group.pairs, options.method)
    if options.method == "auto":
        for x, y in group.pairs:
            methods[x, y] = "ksg_ties" if Placed((lines[x], lines[y]), 1).is_tied else "ksg1"

    def keep(pair: Places, whole: Terms | Parts) -> None:
        found[pair] = _found(lines[pair[0]], lines[pair[1]], methods[pair], whole, options)

    alike = [pair for pair, method in methods.items() if method == "ksg1"]
    if alike:
        psi = digamma_table(n + 2)
        number = {place: row for row, place in enumerate(wanted)}
        means = ksg1_many(
            [lines[place].columns[0] for place in wanted],
            np.array([(number[x], number[y]) for x, y in alike]),
            k,
            psi,
            options.n_jobs,
            progress,
        )
        for pair, value in zip(alike, (psi[k] + psi[n] - means).tolist(), strict=True):
            keep(pair, Parts(value, math.nan, None))

    def work(pair: Places) -> None:
        x, y = pair
        keep(pair, INFORMATION[methods[pair]](Placed((lines[x], lines[y]), 1).space, k))
        progress(1)

    others = [pair for pair, method in methods.items() if method != "ksg1"]
    _over(others, work, _threads(options, len(others), n))
    return found


def _found(x: Scaled, y: Scaled, method: str, whole: Terms | Parts, options: PairOptions) -> Found:
    n, value = len(x.points), whole.value
    none = Interval(value, math.nan, math.nan, math.nan, 0.95, "none")
    facts = Facts(method, n, options.k, whole, none, None, Placed((x, y), 1))
    texts = tuple(text for _, text in doubts(facts))
    value /= 1.0 if options.base is None else math.log(options.base)
    return Found(max(0.0, value) if options.clip else value, n, method, texts)


# -------------------------------------------------------------------------------------- one by one


def _threads(options: PairOptions, count: int, n: int) -> int:
    """Return how many threads share so many pairs of n samples."""
    least = -(-_LEAST // (n * (1 + options.n_permutations)))
    return workers_for(options.n_jobs, count, least)


def _over(items: Sequence[_Item], work: Callable[[_Item], None], threads: int) -> None:
    # Neighbours often take equally long, as pairs of one column: they are dealt to the threads.
    dealt = [item for thread in range(threads) for item in items[thread::threads]]

    def some(start: int, stop: int) -> None:
        for item in dealt[start:stop]:
            work(item)

    in_chunks(some, len(dealt), threads)


def _one_by_one(
    columns: Sequence[PairColumn],
    pairs: Sequence[Places],
    options: PairOptions,
    progress: Callable[[int], None],
) -> dict[Places, Found]:
    found: dict[Places, Found] = {}
    # A generator is drawn from in the order of the pairs.
    shared = not (options.rng is None or isinstance(options.rng, (int, np.integer)))
    threads = 1 if shared else _threads(options, len(pairs), columns[0].missing.size)
    inner = options.n_jobs if threads == 1 else 1

    def work(pair: Places) -> None:
        x, y = pair
        found[pair] = _estimate(columns[x], columns[y], options, inner)
        progress(1)

    _over(pairs, work, threads)
    return found


def _estimate(x: PairColumn, y: PairColumn, options: PairOptions, n_jobs: int | None) -> Found:
    there = ~(x.missing | y.missing)
    n = int(np.count_nonzero(there))
    if not n:
        return Found(math.nan, 0, "", refusal="no row has entries of both")
    samples = (x.values, y.values) if n == there.size else (x.values[there], y.values[there])
    try:
        estimate = estimate_mutual_information(
            *samples,
            method=options.method,
            k=options.k,
            discrete=(x.discrete, y.discrete),
            base=options.base,
            interval=False,
            standardize=options.standardize,
            clip=options.clip,
            n_permutations=options.n_permutations,
            rng=options.rng,
            n_jobs=n_jobs,
        )
    except ValueError as error:
        return Found(math.nan, n, "", refusal=str(error))
    p_value = math.nan if estimate.p_value is None else estimate.p_value
    return Found(float(estimate), n, estimate.method, estimate.warnings, p_value=p_value)


# ---------------------------------------------------------------------------------------- warnings


def tell_warnings(
    names: Sequence[tuple[Any, Any]], found: Sequence[Found], where: str, stacklevel: int
) -> None:
    """Warn once of pairs without an estimate, and once of those to be relied on with care.

    Raises
    ------
    ValueError
        If no pair has an estimate.
    """
    refused = [(pair, f.refusal) for pair, f in zip(names, found, strict=True) if f.refusal]
    if len(refused) == len(found):
        (x, y), reason = refused[0]
        raise ValueError(f"No pair has an estimate; of {x!r} and {y!r}: {reason}")
    doubted = [(pair, f.warnings[0]) for pair, f in zip(names, found, strict=True) if f.warnings]
    for some, fact, more in (
        (refused, "have no estimate, and are nan", ""),
        (doubted, "are to be relied on with care", f" {where} holds all of them."),
    ):
        if some:
            (x, y), text = some[0]
            warnings.warn(
                f"{len(some)} of {len(found)} pairs {fact}, such as {x!r} and {y!r}: {text}{more}",
                PrecisionWarning,
                stacklevel=stacklevel + 1,
            )
