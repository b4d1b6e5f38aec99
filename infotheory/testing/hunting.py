"""Counterexamples to statements that are meant to hold always, looked for at random."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from infotheory._validation import check_choice, check_count, refusal
from infotheory.exceptions import InfotheoryWarning

__all__ = ["TOPICS", "Finding", "Hunt", "findings_of", "hunt"]


class Finding(NamedTuple):
    """How one statement fared in one case.

    Attributes
    ----------
    statement : str
        What is meant to hold.
    margin : float
        How far it is from being violated, in nats unless it says otherwise; below zero where it is
        violated.
    case : str
        The case and its numbers, enough to repeat it by hand.
    """

    statement: str
    margin: float
    case: str


Topic = Callable[[np.random.Generator], Iterable[Finding]]
"""Draws a case and returns how each statement fared."""


def _topics() -> dict[str, Topic]:
    from infotheory.testing import statements_classifiers as classifiers
    from infotheory.testing import statements_measures as measures
    from infotheory.testing import statements_spectrum as spectrum

    return {
        "nep": spectrum.equipartition,
        "spectrum": spectrum.certified_tails,
        "measures": measures.shannon,
        "renyi": measures.renyi,
        "ncmi": classifiers.concentration,
    }


TOPICS = ("nep", "spectrum", "measures", "renyi", "ncmi")
"""What :func:`hunt` knows statements about."""


@dataclass(frozen=True)
class Hunt:
    """What a search for counterexamples has found.

    Attributes
    ----------
    topic : str
    seed : int
    n_cases : int
        How many cases were drawn.
    n_checks : dict of str to int
        In how many of them each statement said something.
    tightest : dict of str to (int, Finding)
        For each statement the case in which it came closest to being violated, by number.
    violations : list of (int, Finding)
        Counterexamples, with the numbers of their cases.
    """

    topic: str
    seed: int
    n_cases: int
    n_checks: dict[str, int]
    tightest: dict[str, tuple[int, Finding]]
    violations: list[tuple[int, Finding]]

    @property
    def holds(self) -> bool:
        """Whether no counterexample was found."""
        return not self.violations


def findings_of(topic: str, seed: int, case: int) -> list[Finding]:
    """Repeat one case of a hunt.

    Parameters
    ----------
    topic : str
        One of `TOPICS`.
    seed : int
        Seed of the hunt.
    case : int
        Number of the case, from 0 on.

    Returns
    -------
    list of Finding
        How each statement fared in it.

    Raises
    ------
    ValueError
        If there is no such topic, or seed or case is negative.

    Examples
    --------
    >>> from infotheory.testing import findings_of
    >>> all(finding.margin >= 0 for finding in findings_of("measures", seed=0, case=7))
    True
    """
    check_choice("topic", topic, TOPICS)
    numbers = [_natural("seed", seed), _natural("case", case)]
    return _checked(_topics()[topic], *numbers)


def hunt(
    topic: str,
    *,
    max_examples: int = 1000,
    seed: int = 0,
    stop_at: int = 1,
    progress: bool = False,
) -> Hunt:
    """Look for counterexamples among random cases, many of them degenerate or nearly so.

    Parameters
    ----------
    topic : str
        One of `TOPICS`: bounds of the equipartition property ("nep"), certified tails
        ("spectrum"), inequalities between measures ("measures", "renyi"), or what holds of the
        concentration and separation of classifiers ("ncmi").
    max_examples : int, default 1000
        How many cases to draw.
    seed : int, default 0
        The same seed draws the same cases, whatever their number.
    stop_at : int, default 1
        After how many counterexamples to stop.
    progress : bool, default False
        Whether to show a progress bar.

    Returns
    -------
    Hunt
        With every counterexample, and the tightest case of each statement.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> from infotheory.testing import hunt
    >>> hunt("renyi", max_examples=20).holds
    True
    """
    check_choice("topic", topic, TOPICS)
    n_cases, stop_at = check_count("max_examples", max_examples), check_count("stop_at", stop_at)
    seed = _natural("seed", seed)
    from tqdm.auto import tqdm

    check = _topics()[topic]
    counts: dict[str, int] = {}
    tightest: dict[str, tuple[int, Finding]] = {}
    violations: list[tuple[int, Finding]] = []
    done = 0
    for case in tqdm(range(n_cases), unit="case", disable=not progress, delay=0.5):
        for found in _checked(check, seed, case):
            counts[found.statement] = counts.get(found.statement, 0) + 1
            known = tightest.get(found.statement)
            if known is None or found.margin < known[1].margin or math.isnan(found.margin):
                tightest[found.statement] = (case, found)
            if not found.margin >= 0.0:  # nan is a violation
                violations.append((case, found))
        done += 1
        if len(violations) >= stop_at:
            break
    return Hunt(topic, seed, done, counts, tightest, violations)


def _checked(check: Topic, seed: int, case: int) -> list[Finding]:
    with warnings.catch_warnings():  # of few samples, of wide bounds: that is what is drawn
        warnings.simplefilter("ignore", InfotheoryWarning)
        return list(check(np.random.default_rng([seed, case])))


def _natural(name: str, value: Any) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value < math.inf:
        raise refusal(name, "a whole number from 0 on", repr(value))
    return int(value)
