"""Markov chains: paths whose entropy rate is known."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import entr

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_count, refusal
from infotheory.sources._parameters import as_probabilities, as_rows
from infotheory.sources.joint import DiscreteJoint
from infotheory.sources.source import Source, in_base

__all__ = ["MarkovChain"]


@dataclass(frozen=True, eq=False, repr=False)
class MarkovChain(Source[IntArray]):
    """A path through states 0, ..., K - 1, in which the next state depends on the present one.

    ``sample(n)`` gives one path of n states.

    Attributes
    ----------
    transition : array_like, shape (K, K)
        Row i is the distribution of the state that follows i.
    initial : "stationary" or array_like, shape (K,)
        Distribution of the first state. The stationary distribution, the default, makes the whole
        path stationary; it must be unique, so there must be one class of states that the chain
        cannot leave. Transient states and periodic chains are allowed.

    Raises
    ------
    ValueError
        If a row is not a distribution, the matrix is not square, or there are several closed
        classes of states and no distribution of the first state.

    Notes
    -----
    With H_i the entropy of row i, the entropy rate is sum_i w_i H_i, where w_i is the share of time
    spent in state i in the long run. Within a class w comes from the elimination of Grassmann,
    Taksar and Heyman [2]_, which subtracts nothing, so each entry is accurate relative to itself;
    classes are weighted by the probability that the path ends up in them, found by eliminating the
    transient states in the same way. O(K^3) time, once; a path takes O(n log K) time and O(K^2)
    memory.

    References
    ----------
    .. [1] shannon1948mathematical, section 7.
    .. [2] grassmann1985regenerative.

    Examples
    --------
    >>> from infotheory.sources import MarkovChain
    >>> chain = MarkovChain([[0.5, 0.5], [1.0, 0.0]])  # no two ones in a row
    >>> chain.stationary_distribution.round(4).tolist()
    [0.6667, 0.3333]
    >>> round(chain.entropy_rate(base=2), 4)
    0.6667
    >>> path = chain.sample(1000, rng=0)
    >>> bool((path[1:] + path[:-1]).max() == 1)
    True
    """

    transition: Any
    initial: Any = "stationary"

    def __post_init__(self) -> None:
        transition = as_rows("transition", self.transition)
        n_states = len(transition)
        if transition.shape != (n_states, n_states):
            raise refusal(
                "transition",
                "a square matrix",
                f"shape {transition.shape}",
                "It has one row and one column for each state.",
            )
        self._keep(transition=transition)
        if not isinstance(self.initial, str):
            initial = as_probabilities("initial", self.initial)
            if initial.size != n_states:
                raise refusal(
                    "initial",
                    f"have one entry for each of the {n_states} states",
                    str(initial.size),
                    "It is the distribution of the first state.",
                )
            self._keep(initial=initial)
        elif self.initial != "stationary":
            raise refusal(
                "initial", "'stationary' or the distribution of the first state", repr(self.initial)
            )
        elif len(self._closed_classes) > 1:
            first, second = (states.tolist() for states in self._closed_classes[:2])
            raise refusal(
                "transition",
                "of one closed class of states for initial='stationary'",
                f"{len(self._closed_classes)} classes, {first} and {second} among them",
                "Pass the distribution of the first state as initial.",
            )

    @cached_property
    def _closed_classes(self) -> list[IntArray]:
        """Classes of states that reach one another and nothing else, by their first states."""
        count, label = connected_components(self.transition > 0, connection="strong")
        source, target = np.nonzero(self.transition)
        left = set(label[source[label[source] != label[target]]].tolist())
        classes = [np.flatnonzero(label == one) for one in range(count) if one not in left]
        return sorted(classes, key=lambda states: int(states[0]))

    @cached_property
    def stationary_distribution(self) -> FloatArray:
        """Share of time spent in each state in the long run: unique, or as `initial` decides."""
        weights = self._class_weights()
        shares = np.zeros(len(self.transition))
        for states, weight in zip(self._closed_classes, weights, strict=True):
            shares[states] = weight * _stationary(self.transition[np.ix_(states, states)])
        shares.setflags(write=False)
        return shares

    def _class_weights(self) -> FloatArray:
        """Probability that the path ends up in each closed class."""
        classes = self._closed_classes
        if len(classes) == 1:
            return np.ones(1)
        transient = np.setdiff1d(np.arange(len(self.transition)), np.concatenate(classes))
        stay = self.transition[np.ix_(transient, transient)]
        leave = np.stack([self.transition[np.ix_(transient, c)].sum(axis=1) for c in classes], 1)
        direct = [self.initial[c].sum() for c in classes]
        # A state that is eliminated hands its weight on to those that follow, in the proportions in
        # which it moves there. What it keeps to itself does not count, and is never taken from one.
        onward = np.hstack([stay, leave])
        weights: FloatArray = np.concatenate([self.initial[transient], direct])
        for state in range(transient.size):
            rest = slice(state + 1, None)
            moves = onward[state, rest] / onward[state, rest].sum()
            weights[rest] += weights[state] * moves
            onward[rest, rest] += onward[rest, state, None] * moves
        return weights[transient.size :]

    @property
    def initial_distribution(self) -> FloatArray:
        """Distribution of the first state."""
        if isinstance(self.initial, str):
            return self.stationary_distribution
        p: FloatArray = self.initial
        return p

    @cached_property
    def _row_entropies(self) -> FloatArray:
        h: FloatArray = entr(self.transition).sum(axis=1)
        return h

    def entropy_rate(self, base: float | None = None) -> float:
        """Entropy per step of a long path.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            The limit of H(X_1, ..., X_n) / n.
        """
        return in_base(float(self.stationary_distribution @ self._row_entropies), base)

    def block_entropy(self, n: int, base: float | None = None) -> float:
        """Entropy of the first states of the path.

        Parameters
        ----------
        n : int
            How many.
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            H(X_1, ..., X_n), by the chain rule; O(K^3 log n) time.
        """
        steps = check_count("n", n) - 1
        # From each state: `ahead` for the steps of the bits done, `block` for a power of two.
        ahead, block, power = np.zeros(len(self.transition)), self._row_entropies, self.transition
        while steps:
            if steps & 1:
                ahead = block + power @ ahead
            block, power = block + power @ block, _product(power, power)
            steps >>= 1
        p = self.initial_distribution
        return in_base(float(entr(p).sum() + p @ ahead), base)

    def mutual_information(self, lag: int = 1, base: float | None = None) -> float:
        """Mutual information I(X_t; X_{t + lag}) of a stationary path.

        Parameters
        ----------
        lag : int
            Steps between the two states.
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            Never larger for a larger lag, by the data processing inequality.

        Raises
        ------
        ValueError
            If the path is not stationary.
        """
        step = check_count("lag", lag)
        if not isinstance(self.initial, str):
            raise refusal(
                "initial",
                "'stationary' for a quantity that is the same at all times",
                "a distribution of the first state",
                "block_entropy and entropy_rate know that one.",
            )
        ahead, power = np.eye(len(self.transition)), self.transition
        while step:
            if step & 1:
                ahead = _product(ahead, power)
            power = _product(power, power)
            step >>= 1
        return DiscreteJoint(self.stationary_distribution[:, None] * ahead).mutual_information(base)

    def excess_entropy(self, base: float | None = None) -> float:
        """Mutual information of the past and the future of a stationary path.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            The limit of H(X_1, ..., X_n) less n times the entropy rate. In a Markov chain the
            present state tells all that the past says about the future, so it is I(X_t; X_{t+1}).

        Raises
        ------
        ValueError
            If the path is not stationary.

        References
        ----------
        .. [1] crutchfield2003regularities.
        """
        return self.mutual_information(lag=1, base=base)

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        draws = rng.random(n).tolist()
        state = bisect_right(_cumulative(self.initial_distribution), draws[0])
        rows: dict[int, list[float]] = {}  # of the states that are visited
        path = [state]
        for draw in draws[1:]:
            row = rows.get(state)
            if row is None:
                row = rows[state] = _cumulative(self.transition[state])
            state = bisect_right(row, draw)
            path.append(state)
        return np.array(path, dtype=np.int64)


def _cumulative(p: FloatArray) -> list[float]:
    """Cumulative sums that end in one, so that a state of probability zero is never drawn."""
    sums = [*accumulate(p.tolist())]
    return [value / sums[-1] for value in sums]


def _product(first: FloatArray, second: FloatArray) -> FloatArray:
    """One transition after the other; rows keep the sum one however often this is repeated."""
    rows: FloatArray = first @ second
    rows /= rows.sum(axis=1, keepdims=True)
    return rows


def _stationary(transition: FloatArray) -> FloatArray:
    """Return the stationary distribution of an irreducible chain, by eliminating states."""
    a = transition.copy()
    for last in range(len(a) - 1, 0, -1):
        a[:last, last] /= a[last, :last].sum()
        a[:last, :last] += a[:last, last, None] * a[last, :last]
    visits: FloatArray = np.ones(len(a))  # of each state per visit of the first
    for state in range(1, len(a)):
        visits[state] = visits[:state] @ a[:state, state]
    visits /= visits.sum()
    return visits
