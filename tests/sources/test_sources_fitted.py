"""Markov sources fitted to sequences: against dictionaries of counts, and chains that are known."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import fitted as oracle
from oracles import sources as source_oracle

from infotheory.sources import MarkovChain
from infotheory.sources._sequences import shown_size
from infotheory.sources.fitted import SMOOTHINGS, MarkovSource, fit_markov
from infotheory.spectrum import MarkovScore

# Quotients of small integers, mixed at most four times: some units of rounding.
CLOSE = {"rel": 1e-13, "abs": 1e-13}


@st.composite
def sequences(draw: st.DrawFn) -> tuple[list[int], list[int], int, int]:
    """A sequence, another one, the size of the alphabet, and an order below their lengths."""
    k = draw(st.integers(1, 4))
    symbols = st.integers(0, k - 1)
    order = draw(st.integers(0, 3))
    sequence = draw(st.lists(symbols, min_size=order + 1, max_size=25))
    held_out = draw(st.lists(symbols, min_size=1, max_size=12))
    return sequence, held_out, k, order


def fractions(
    found: tuple[list[int], list[int], int, int], smoothing: str, alpha: Fraction
) -> list[Fraction]:
    """P of each held-out symbol given those before it."""
    sequence, held_out, k, order = found
    grams, values = oracle.counted(sequence, order), []
    for t, symbol in enumerate(held_out):
        context = tuple(held_out[max(t - order, 0) : t])
        if smoothing == "witten-bell":
            values.append(oracle.witten_bell(grams, context, symbol, k))
        else:
            values.append(oracle.additive(grams, context, symbol, k, alpha))
    return values


@given(sequences(), st.sampled_from(SMOOTHINGS), st.sampled_from([0, 0.5, 1, 2.25]))
def test_information_equals_counting_in_dictionaries(
    found: Any, smoothing: str, alpha: float
) -> None:
    sequence, held_out, k, order = found
    source = fit_markov(sequence, order, n_symbols=k, smoothing=smoothing, alpha=alpha)
    truth = [-math.log(p) if p else math.inf for p in fractions(found, smoothing, Fraction(alpha))]
    assert source.information(held_out).tolist() == pytest.approx(truth, **CLOSE)
    bits = [value / math.log(2) for value in truth]
    assert source.information(held_out, base=2).tolist() == pytest.approx(bits, **CLOSE)
    assert source.order == order


@given(sequences(), st.sampled_from(SMOOTHINGS), st.sampled_from([0, 0.5]))
def test_rows_of_probabilities_are_what_information_is_made_of(
    found: Any, smoothing: str, alpha: float
) -> None:
    sequence, held_out, k, order = found
    source = fit_markov(sequence, order, n_symbols=k, smoothing=smoothing, alpha=alpha)
    with np.errstate(divide="ignore"):
        for t, symbol in enumerate(held_out):
            # More than the order does not count.
            rows = source.conditional_probabilities([held_out[max(t - order - 1, 0) : t]])
            assert rows.shape == (1, k)
            assert rows.sum() == pytest.approx(1.0, rel=1e-14)
            assert -np.log(rows[0, symbol]) == pytest.approx(
                source.information(held_out)[t], **CLOSE
            )


@given(sequences())
def test_without_smoothing_a_higher_order_never_costs_more_where_it_was_fitted(found: Any) -> None:
    """Conditional entropies of one empirical law: the same positions with each order."""
    sequence, _, k, order = found
    means = []
    for low in range(order + 1):
        source = fit_markov(
            sequence[order - low :], low, n_symbols=k, smoothing="additive", alpha=0
        )
        means.append(source.information(sequence[order - low :])[low:].mean())
    for less, more in itertools.pairwise(means):
        assert more <= less + 1e-13


@given(sequences(), st.sampled_from(SMOOTHINGS))
def test_the_law_of_paths_sums_to_one(found: Any, smoothing: str) -> None:
    sequence, _, k, order = found
    source = fit_markov(sequence, order, n_symbols=k, smoothing=smoothing)
    paths = itertools.product(range(k), repeat=4)
    total = math.fsum(math.exp(-source.information(path).sum()) for path in paths)
    assert total == pytest.approx(1.0, rel=1e-13)


@given(sequences(), st.sampled_from(SMOOTHINGS))
def test_a_context_that_was_not_seen_is_that_of_a_shorter_one_or_uniform(
    found: Any, smoothing: str
) -> None:
    sequence, _, k, _ = found
    order = 1
    if len(sequence) < 2:
        return
    source = fit_markov(sequence, order, n_symbols=k + 1, smoothing=smoothing)
    row = source.conditional_probabilities([[k]])[0]
    if smoothing == "additive":
        np.testing.assert_allclose(row, 1 / (k + 1), rtol=1e-15)
    else:
        np.testing.assert_array_equal(
            row, source.conditional_probabilities(np.zeros((1, 0), dtype=int))[0]
        )


def test_witten_and_bell_by_hand() -> None:
    """Of "abracadabra" five letters in 11 are different; behind a: b, c, d, b in four."""
    text = "abracadabra"
    codes = [sorted(set(text)).index(c) for c in text]
    unigrams = fit_markov(codes, 0)
    row = unigrams.conditional_probabilities(np.zeros((1, 0), dtype=int))[0]
    np.testing.assert_allclose(row, [(n + 5 / 5) / 16 for n in (5, 2, 1, 1, 2)], rtol=1e-15)
    pairs = fit_markov(codes, 1)
    # Behind a came b, c, d, b: N = 4, D = 3. Counted where there is a letter before: four a's.
    shorter = [(n + 1) / 15 for n in (4, 2, 1, 1, 2)]
    behind_a = [(n + 3 * q) / 7 for n, q in zip((0, 2, 1, 1, 0), shorter, strict=True)]
    np.testing.assert_allclose(pairs.conditional_probabilities([[0]])[0], behind_a, rtol=1e-15)


def test_additive_smoothing_by_hand() -> None:
    source = fit_markov([0, 0, 1, 0, 0, 1, 1], 1, smoothing="additive", alpha=0.5, n_symbols=2)
    # Behind 0: 0, 1, 0, 1; behind 1: 0, 1
    np.testing.assert_allclose(
        source.conditional_probabilities([[0], [1]]), [[0.5, 0.5], [0.5, 0.5]], rtol=1e-15
    )
    source = fit_markov([0, 1, 1, 1], 1, smoothing="additive", alpha=1, n_symbols=3)
    np.testing.assert_allclose(
        source.conditional_probabilities([[0], [1], [2]]),
        [[1 / 4, 2 / 4, 1 / 4], [1 / 5, 3 / 5, 1 / 5], [1 / 3, 1 / 3, 1 / 3]],
        rtol=1e-15,
    )


def test_what_was_not_seen_is_infinitely_surprising_without_smoothing() -> None:
    source = fit_markov([0, 1] * 5, 1, n_symbols=3, smoothing="additive", alpha=0)
    found = source.information([0, 1, 1, 2, 1, 0])
    # Behind 1 came 0 alone; 2 was not seen, so that what follows it is uniform. Counted were four
    # zeros and five ones behind another symbol.
    truth = [math.log(9 / 4), 0.0, math.inf, math.inf, math.log(3), 0.0]
    assert found.tolist() == pytest.approx(truth, rel=1e-15)


# -------------------------------------------------------------------------------------------- rates


ROWS = [[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2])
def test_the_rate_of_a_known_chain_is_recovered(smoothing: str, order: int) -> None:
    """The mean of held-out densities is the entropy rate, plus what fitting costs.

    Its standard deviation is sqrt(V / n) with the varentropy rate V; what fitting costs is some
    (number of free parameters) / (2 n) nats by the theory of maximum likelihood, and as much again
    for smoothing.
    """
    n = 20_000
    chain, score = MarkovChain(ROWS), MarkovScore(ROWS)
    path = chain.sample(2 * n, rng=3)
    source = fit_markov(path[:n], order, n_symbols=3, smoothing=smoothing)
    spread, cost = math.sqrt(score.varentropy_rate / n), 3**order * 2 / (2 * n)
    rate = chain.entropy_rate()
    assert abs(source.information(path[n:]).mean() - rate) < 4 * spread + 3 * cost
    # The fitted chain's own rate: as far off as the counts that it comes from.
    assert abs(source.entropy_rate() - rate) < 4 * spread + 3 * cost


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_chain_of_contexts(order: int, smoothing: str) -> None:
    sequence = np.random.default_rng(5).integers(0, 3, 60)
    source = fit_markov(sequence, order, n_symbols=3, smoothing=smoothing)
    chain = source.chain()
    states = [*itertools.product(range(3), repeat=max(order, 1))]
    assert len(chain.transition) == len(states)
    for i, state in enumerate(states):
        row = source.conditional_probabilities([state[len(state) - order :]])[0]
        truth = np.zeros(len(states))
        for symbol in range(3):
            truth[states.index((*state[1:], symbol))] = row[symbol]
        np.testing.assert_allclose(chain.transition[i], truth, rtol=1e-14)
    exact = [[Fraction(float(p)) for p in row] for row in chain.transition]
    exact = [[p / sum(row) for p in row] for row in exact]
    weights = source_oracle.stationary(exact)
    rate = math.fsum(
        float(w) * source_oracle.entropy(map(float, row))
        for w, row in zip(weights, exact, strict=True)
    )
    assert source.entropy_rate() == pytest.approx(rate, rel=1e-12)
    assert source.entropy_rate(base=2) == pytest.approx(rate / math.log(2), rel=1e-12)


def test_samples_follow_the_source() -> None:
    """Mean information of an own path: the entropy rate, within some deviations."""
    sequence = MarkovChain(ROWS).sample(400, rng=1)
    source = fit_markov(sequence, 1, n_symbols=3)
    path = source.sample(6_000, rng=2)
    spread = math.sqrt(MarkovScore(source.chain().transition).varentropy_rate / path.size)
    assert abs(source.information(path).mean() - source.entropy_rate()) < 4 * spread
    assert np.array_equal(source.sample(50, rng=2), source.sample(50, rng=2))
    assert path.dtype == np.int64


def test_what_is_impossible_is_not_drawn() -> None:
    source = fit_markov([1, 2] * 9, 1, n_symbols=5, smoothing="additive", alpha=0)
    path = source.sample(200, rng=0)
    assert np.isfinite(source.information(path)).all()
    assert set(path.tolist()) == {1, 2}


def test_the_least_and_the_largest_draw_give_symbols_that_are_possible() -> None:
    class Ends:
        def random(self, n: int) -> np.ndarray:
            return np.resize([0.0, np.nextafter(1.0, 0.0)], n)

    source = fit_markov([1, 3, 1, 1, 3, 3], 0, n_symbols=7, smoothing="additive", alpha=0)
    ends: Any = Ends()
    assert source._draw(4, ends).tolist() == [1, 3, 1, 3]


def test_sources_compare_by_their_counts() -> None:
    first = fit_markov([0, 1, 1, 0], 1)
    assert first == fit_markov([0, 1, 1, 0], 1)
    assert hash(first) == hash(fit_markov([0, 1, 1, 0], 1))
    assert first != fit_markov([0, 1, 1, 0], 1, smoothing="additive")
    assert first != fit_markov([0, 1, 1, 1], 1)
    assert "order" not in repr(first)
    assert repr(first).startswith("MarkovSource(grams=[[0, 1], [1, 0], [1, 1]], counts=[1, 1, 1]")


def test_fitting_counts_rows() -> None:
    source = fit_markov([2, 0, 2, 0, 2, 1], 2)
    assert source.grams.tolist() == [[0, 2, 0], [0, 2, 1], [2, 0, 2]]
    assert source.counts.tolist() == [1, 1, 2]
    assert source.n_symbols == 3
    given = MarkovSource([[2, 0, 2], [0, 2, 1], [0, 2, 0]], [2, 1, 1], 3)
    sequence = [0, 2, 0, 2, 1, 1, 2]
    np.testing.assert_array_equal(given.information(sequence), source.information(sequence))


def test_long_orders_cost_what_the_sequence_has() -> None:
    """65^41 contexts, of which 4,960 occur."""
    sequence = np.random.default_rng(0).integers(0, 65, 5_000)
    source = fit_markov(sequence, 40, n_symbols=65)
    found = source.information(sequence)
    # Each context was seen once: (1 + P') / 2 at each of 40 levels tends to one.
    assert found[40:].max() < 1e-5


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("sequence", "order", "options", "fault"),
    [
        ([], 0, {}, "sequence must be 1-dimensional, of one symbol at least; got shape (0,)"),
        ([[0, 1]], 0, {}, "sequence must be 1-dimensional"),
        ([0, -1], 0, {}, "sequence must be of symbols from 0 to 99,999,999; got -1 at sequence[1]"),
        ([0, 3], 0, {"n_symbols": 3}, "symbols from 0 to 2; got 3 at sequence[1]. n_symbols is"),
        ([0, 1], 2, {}, "order must be a whole number from 0 to 1, for a sequence of 2; got 2."),
        ([0, 1], -1, {}, "order must be a whole number from 0 to 1"),
        ([0, 1], True, {}, "order must be a whole number from 0 to 1"),
        ([0, 1], 1.0, {}, "order must be a whole number from 0 to 1"),
        ([0, 1], 1, {"smoothing": "kneser-ney"}, "smoothing must be one of 'witten-bell', 'addi"),
        ([0, 1], 1, {"alpha": -1}, "alpha must be 0 or a number from 1e-09 to 1e+09; got -1."),
        ([0, 1], 1, {"alpha": math.nan}, "alpha must be 0 or a number"),
        ([0, 1], 1, {"alpha": True}, "alpha must be 0 or a number"),
        ([0, 1], 1, {"alpha": "1"}, "alpha must be 0 or a number"),
        ([0, 1], 1, {"n_symbols": 0}, "n_symbols must be a positive integer"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    sequence: Any, order: Any, options: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        fit_markov(sequence, order, **options)


def test_letters_are_to_be_numbered() -> None:
    with pytest.raises(TypeError, match=r"sequence must be integers; got dtype <U1\. np\.unique"):
        fit_markov(list("text"), 1)
    source = fit_markov([0, 1, 0], 1)
    with pytest.raises(TypeError, match="sequence must be integers"):
        source.information([0.5])
    with pytest.raises(ValueError, match=re.escape("symbols from 0 to 1; got 2 at sequence[0]")):
        source.information([2])
    with pytest.raises(ValueError, match="base must be None"):
        source.information([0], base=1)


def test_tables_that_do_not_fit_are_refused() -> None:
    sequence = np.zeros(100_000, dtype=int)
    text = "order must be such that a table takes at most 2 GiB; got one of 37.3 GiB. Take a lower"
    with pytest.raises(ValueError, match=re.escape(text)):
        fit_markov(sequence, 50_000)
    source = fit_markov([64, 0, 1, 2], 2)
    text = "got 2, with 65^2 contexts of 65 symbols: a matrix of 136 MiB. Take a lower one, or the"
    with pytest.raises(ValueError, match=re.escape(text)):
        source.entropy_rate()
    with pytest.raises(ValueError, match=r"at most 2,048 contexts.* a matrix of 2\^\d+ bytes"):
        fit_markov([64, *[0] * 99], 80).chain()
    source = fit_markov([99_999_999, 0], 0)
    text = "contexts must be such that a table takes at most 2 GiB; got one of 2.24 GiB"
    with pytest.raises(ValueError, match=re.escape(text)):
        source.conditional_probabilities(np.zeros((3, 0), dtype=int))


def test_sizes_are_readable() -> None:
    assert [shown_size(8), shown_size(1 << 10), shown_size(3 << 29), shown_size(1 << 49)] == [
        "8 bytes", "1 KiB", "1.5 GiB", "512 TiB",
    ]  # fmt: skip
    assert shown_size(65**400) == "2^2408 bytes"


@pytest.mark.parametrize(
    ("grams", "counts", "fault"),
    [
        ([0, 1], [1, 1], "grams must be a matrix, one row of symbols each; got shape (2,)"),
        (np.zeros((0, 2), int), [], "grams must be a matrix, one row of symbols each; got shape"),
        ([[0, 2]], [1], "grams must be of symbols from 0 to 1; got 2 at grams[0, 1]"),
        ([[0, 1]], [1, 1], "counts must have one entry a row (1); got shape (2,)"),
        ([[0, 1], [1, 1]], [1, 0], "counts must be positive; got 0 at row 1. Leave that row out."),
        ([[0, 1], [0, 1]], [1, 2], "grams must be different rows; got one that repeats. Add up"),
    ],
)
def test_counts_are_checked(grams: Any, counts: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        MarkovSource(grams, counts, 2)


@pytest.mark.parametrize("contexts", [[0, 1], np.zeros((0, 1), int), 0])
def test_contexts_are_rows(contexts: Any) -> None:
    with pytest.raises(ValueError, match="contexts must be a matrix, one context a row"):
        fit_markov([0, 1, 0], 1).conditional_probabilities(contexts)
    with pytest.raises(ValueError, match=re.escape("from 0 to 1; got 2 at contexts[0, 0]")):
        fit_markov([0, 1, 0], 1).conditional_probabilities([[2]])
