"""Strategies for hypothesis: what information theory is about, mostly the awkward kinds of it.

A bound that holds for comfortable distributions may fail for one with a symbol of probability
1e-300, with equal probabilities, or with a single symbol. Each strategy here draws such cases
beside plain ones, and shrinks towards few symbols and whole weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_choice, check_count, refusal

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise ImportError(
        "infotheory.testing.strategies needs hypothesis. Install it with: "
        "pip install 'infotheory-toolkit[verify]'."
    ) from error

__all__ = [
    "DegradedChannels",
    "LabelledOutputs",
    "channels",
    "degraded_channels",
    "distribution_pairs",
    "distributions",
    "joints",
    "labelled_outputs",
    "markov_chains",
]

_WHOLE = st.integers(1, 20).map(float)
_WEIGHTS = {
    "plain": _WHOLE,
    "equal": st.just(1.0),
    "ties": st.sampled_from([1.0, 2.0, 4.0]),
    "rough": st.floats(1e-3, 1.0),
    "steep": st.integers(-300, 0).map(lambda power: 10.0**power),
    "almost one": st.sampled_from([1.0, 1e-6, 1e-12, 1e-16]),
}
_CLOSE = st.sampled_from([1e-12, 1e-9, 1e-6, 1e-3, 0.1])
_OUTPUTS = {
    "ordinary": st.floats(-5.0, 5.0),
    "confident": st.floats(-60.0, 60.0),
    "ties": st.sampled_from([0.0, 1.0, -1.0, 2.0]),
    "one-hot": st.sampled_from([0.0, 40.0, -40.0, 80.0]),
    "flat": st.floats(-1e-6, 1e-6),
}


class DegradedChannels(NamedTuple):
    """A channel and what a second one makes of its output: X, Y, Z is a Markov chain.

    Attributes
    ----------
    p : ndarray, shape (kx,)
        Distribution of the input X.
    better : ndarray, shape (kx, ky)
        Channel from X to Y, one distribution a row.
    worse : ndarray, shape (kx, kz)
        Channel from X to Z, its product with the channel from Y to Z.
    """

    p: FloatArray
    better: FloatArray
    worse: FloatArray


class LabelledOutputs(NamedTuple):
    """Outputs of a classifier, with labels.

    Attributes
    ----------
    outputs : ndarray, shape (n, k)
        One row a sample.
    labels : ndarray of int, shape (n,)
        From 0 to k - 1; classes may be empty.
    kind : str
        "logits" or "probs".
    """

    outputs: FloatArray
    labels: IntArray
    kind: str


def _normalised(weights: Any) -> FloatArray:
    array = np.array(weights, dtype=np.float64)
    total: FloatArray = array / array.sum(axis=-1, keepdims=True)
    return total


@st.composite
def _weights(draw: Any, size: int, zeros: bool) -> list[float]:
    """Draw weights of one kind, not all of them zero."""
    kind = draw(st.sampled_from(list(_WEIGHTS)))
    weights = draw(st.lists(_WEIGHTS[kind], min_size=size, max_size=size))
    if zeros and draw(st.booleans()):
        kept = draw(st.integers(0, size - 1))
        gone = draw(st.sets(st.integers(0, size - 1), max_size=size))
        weights = [0.0 if i in gone and i != kept else weight for i, weight in enumerate(weights)]
    return list(weights)


def _check_sizes(min_size: int, max_size: int) -> None:
    check_count("min_size", min_size)
    if check_count("max_size", max_size) < min_size:
        raise refusal("max_size", f"at least min_size ({min_size})", str(max_size))


def distributions(
    *, min_size: int = 1, max_size: int = 6, zeros: bool = True
) -> st.SearchStrategy[FloatArray]:
    """Distributions: plain, uniform, with ties, over 300 orders of magnitude, or on one symbol.

    Parameters
    ----------
    min_size, max_size : int
        How many symbols.
    zeros : bool
        Whether some probabilities may be exactly zero, up to all but one.

    Returns
    -------
    SearchStrategy
        Of arrays of shape (k,).

    Examples
    --------
    >>> from hypothesis import given
    >>> from infotheory.measures import entropy
    >>> from infotheory.testing.strategies import distributions
    >>> @given(distributions())
    ... def test_entropy_is_at_most_that_of_a_uniform_law(p):
    ...     assert entropy(p) <= entropy([1 / len(p)] * len(p)) + 1e-12
    >>> test_entropy_is_at_most_that_of_a_uniform_law()
    """
    _check_sizes(min_size, max_size)
    sizes = st.integers(min_size, max_size)
    return sizes.flatmap(lambda size: _weights(size, zeros)).map(_normalised)


@st.composite
def distribution_pairs(draw: Any, *, max_size: int = 6, zeros: bool = True) -> Any:
    """Two distributions over one alphabet: unrelated, equal, or nearly so.

    Parameters
    ----------
    max_size : int
        How many symbols at most.
    zeros : bool
        Whether some probabilities may be zero, in one of them or in both.

    Returns
    -------
    SearchStrategy
        Of pairs of arrays of shape (k,).
    """
    p = draw(distributions(max_size=max_size, zeros=zeros))
    relation = draw(st.sampled_from(["unrelated", "equal", "close"]))
    if relation == "equal":
        return p, p.copy()
    q = draw(distributions(min_size=len(p), max_size=len(p), zeros=zeros))
    if relation == "close":
        q = _normalised(p * (1.0 + draw(_CLOSE) * (q - 0.5)))
    return p, q


@st.composite
def joints(draw: Any, *, max_rows: int = 4, max_columns: int = 4, zeros: bool = True) -> Any:
    """Joint distributions of two variables: any, independent, nearly so, or one a function.

    Parameters
    ----------
    max_rows, max_columns : int
        How many symbols each variable has at most.
    zeros : bool
        Whether some pairs may be impossible; a function of the other variable leaves many so.

    Returns
    -------
    SearchStrategy
        Of arrays of shape (kx, ky).
    """
    rows = draw(st.integers(1, check_count("max_rows", max_rows)))
    columns = draw(st.integers(1, check_count("max_columns", max_columns)))
    relations = ["any", "independent", "close", *(["function"] if zeros else [])]
    relation = draw(st.sampled_from(relations))
    x = draw(distributions(min_size=rows, max_size=rows, zeros=zeros))
    if relation == "function":
        images = draw(st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows))
        return x[:, None] * np.eye(columns)[images]
    size = rows * columns
    joint = draw(distributions(min_size=size, max_size=size, zeros=zeros)).reshape(rows, columns)
    if relation == "any":
        return joint
    product = np.outer(x, draw(distributions(min_size=columns, max_size=columns, zeros=zeros)))
    if relation == "close":
        product = product * (1.0 + draw(_CLOSE) * (joint - 0.5))
    return product / product.sum()


@st.composite
def channels(
    draw: Any,
    *,
    inputs: int | None = None,
    max_inputs: int = 4,
    max_outputs: int = 4,
    zeros: bool = True,
) -> Any:
    """Channels: any, useless ones, and such as leave no doubt.

    Parameters
    ----------
    inputs : int, optional
        How many input symbols; up to `max_inputs` by default.
    max_inputs, max_outputs : int
        How many symbols at most.
    zeros : bool
        Whether some transitions may be impossible.

    Returns
    -------
    SearchStrategy
        Of arrays of shape (kx, ky), one distribution a row.
    """
    most = check_count("max_inputs", max_inputs)
    rows = draw(st.integers(1, most)) if inputs is None else check_count("inputs", inputs)
    columns = draw(st.integers(1, check_count("max_outputs", max_outputs)))
    kind = draw(st.sampled_from(["any", "useless", *(["noiseless"] if zeros else [])]))
    if kind == "noiseless":
        images = draw(st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows))
        return np.eye(columns)[images]
    row = distributions(min_size=columns, max_size=columns, zeros=zeros)
    if kind == "useless":
        return np.tile(draw(row), (rows, 1))
    return np.array([draw(row) for _ in range(rows)])


@st.composite
def degraded_channels(draw: Any, *, max_size: int = 4, zeros: bool = True) -> Any:
    """Pairs of channels of which the second is a degraded version of the first.

    No information measure that obeys data processing is larger for the second.

    Parameters
    ----------
    max_size : int
        How many symbols each of the three variables has at most.
    zeros : bool
        Whether some probabilities may be zero.

    Returns
    -------
    SearchStrategy
        Of :class:`DegradedChannels`.
    """
    p = draw(distributions(max_size=max_size, zeros=zeros))
    better = draw(channels(inputs=len(p), max_outputs=max_size, zeros=zeros))
    second = draw(channels(inputs=better.shape[1], max_outputs=max_size, zeros=zeros))
    return DegradedChannels(p, better, _normalised(better @ second))


@st.composite
def markov_chains(
    draw: Any, *, min_states: int = 1, max_states: int = 3, zeros: bool = True
) -> Any:
    """Transition matrices of chains in which each state can be reached from each other one.

    Any, with equal rows (independent letters), hardly ever moving or resting, or periodic.

    Parameters
    ----------
    min_states, max_states : int
        How many states.
    zeros : bool
        Whether some transitions may be impossible; only then are chains periodic.

    Returns
    -------
    SearchStrategy
        Of arrays of shape (m, m), one distribution a row.
    """
    _check_sizes(min_states, max_states)
    states = draw(st.integers(min_states, max_states))
    around = np.roll(np.eye(states), 1, axis=1)  # to the next state, and from the last to the first
    kinds = ["any", "equal rows", "sticky", "restless", *(["periodic"] if zeros else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "periodic":
        return around
    row = distributions(min_size=states, max_size=states, zeros=zeros and kind != "equal rows")
    if kind == "equal rows":
        return np.tile(draw(row), (states, 1))
    matrix = np.array([draw(row) for _ in range(states)])
    if kind == "any":
        return _normalised(matrix + around * draw(st.sampled_from([1.0, 0.1, 1e-6])))
    close = draw(_CLOSE)
    if kind == "sticky":
        return _normalised(np.eye(states) + close * (matrix + around))
    return _normalised(around + close * matrix)


@st.composite
def labelled_outputs(
    draw: Any, *, max_samples: int = 12, max_classes: int = 4, kind: str | None = None
) -> Any:
    """Outputs of classifiers with labels: ordinary, confident, tied, one-hot, or almost flat.

    Parameters
    ----------
    max_samples, max_classes : int
        How many at most. Classes may be empty, and labels need not be those predicted.
    kind : {"logits", "probs"}, optional
        Either by default.

    Returns
    -------
    SearchStrategy
        Of :class:`LabelledOutputs`.
    """
    kinds = ("logits", "probs")
    if kind is None:
        kind = draw(st.sampled_from(kinds))
    check_choice("kind", kind, kinds)
    n = draw(st.integers(1, check_count("max_samples", max_samples)))
    size = draw(st.integers(2, max(2, check_count("max_classes", max_classes))))
    entries = _OUTPUTS[draw(st.sampled_from(list(_OUTPUTS)))]
    row = st.lists(entries, min_size=size, max_size=size)
    outputs = np.array([draw(row) for _ in range(n)])
    labels = draw(st.lists(st.integers(0, size - 1), min_size=n, max_size=n))
    if kind == "probs":
        outputs = _normalised(np.exp(outputs - outputs.max(axis=1, keepdims=True)))
    return LabelledOutputs(outputs, np.array(labels, dtype=np.int64), kind)
