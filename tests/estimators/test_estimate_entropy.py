"""The public functions: units, intervals, warnings, and the ways to hand in samples and counts."""

from __future__ import annotations

import math
import pickle
import re
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import entropy_estimators as oracle
from scipy.special import ndtri

from infotheory._results import Estimate
from infotheory.estimators import ENTROPY_METHODS, estimate_entropy, estimate_entropy_from_counts
from infotheory.estimators.certainty import possible_bias
from infotheory.estimators.methods import deviation, value
from infotheory.estimators.profile import profile_of
from infotheory.exceptions import InfotheoryWarning, PrecisionWarning, UndefinedIntervalWarning

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)
METHODS = st.sampled_from(("auto", *ENTROPY_METHODS))
PLENTY = [40, 30, 20, 10, 7]


def quietly(counts: Any, **options: Any) -> Estimate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)
        return estimate_entropy_from_counts(counts, **options)


# --------------------------------------------------------------------------------------- the result


def test_what_an_estimate_holds() -> None:
    found = estimate_entropy_from_counts(PLENTY, method="miller_madow", n_symbols=9, base=2)
    assert found == pytest.approx(oracle.miller_madow(PLENTY) / math.log(2), rel=1e-14)
    assert (found.n, found.method, found.n_symbols) == (107, "miller_madow", 9)
    assert (found.base, found.unit, found.level, found.warnings) == (2.0, "bits", 0.95, ())
    assert found.p_value is None
    assert pickle.loads(pickle.dumps(found)).interval == found.interval  # noqa: S301


@given(COUNTS, METHODS)
def test_units_differ_by_a_factor(counts: list[int], method: str) -> None:
    nats, bits = (quietly(counts, method=method, base=base) for base in (None, 2))
    unit = math.log(2)
    for name in ("value", "standard_error", "low", "high"):
        want = getattr(nats, name) / unit
        assert getattr(bits, name) == pytest.approx(want, rel=1e-14, nan_ok=True)


@given(COUNTS, METHODS, st.integers(0, 30))
def test_intervals_are_around_the_estimate(counts: list[int], method: str, more: int) -> None:
    size = len(counts) + more
    found = quietly(counts, method=method, n_symbols=size)
    wider = quietly(counts, method=method, n_symbols=size, level=0.99)
    if math.isnan(found.low):
        assert sum(counts) == 1 or math.isinf(found)
        return
    # Of an estimate that no entropy is, or is by rounding only, the nearest end stands in.
    near = min(max(found, 0.0), math.log(size))
    assert 0.0 <= wider.low <= found.low <= near <= found.high <= wider.high <= math.log(size)


def test_the_interval_is_the_normal_one() -> None:
    found = estimate_entropy_from_counts(PLENTY, method="plugin", level=0.9)
    error = math.sqrt(oracle.jackknife_variance(oracle.plugin, PLENTY))
    assert found.standard_error == pytest.approx(error, rel=1e-10)
    assert found.high - found == pytest.approx(ndtri(0.95) * error, rel=1e-10)
    assert found - found.low == pytest.approx(ndtri(0.95) * error, rel=1e-10)
    assert found.interval.method == "delete-one jackknife, normal"


def test_entropy_is_not_negative_and_at_most_that_of_the_uniform_distribution() -> None:
    assert quietly([40, 1], method="plugin").low == 0.0
    near = quietly([10, 11, 9], method="plugin", n_symbols=3)
    assert (near.high, near.n_symbols) == (math.log(3), 3)
    assert quietly([10, 11, 9], method="plugin").high > math.log(3)
    above = quietly([10, 11, 9], method="grassberger", n_symbols=3)  # itself beyond ln 3
    assert above.low < above.high == math.log(3) < above
    far = quietly([2] * 1000, method="chao_wang_jost", n_symbols=1000)  # by many standard errors
    assert far.low == far.high == math.log(1000) < far
    below = quietly([4], method="grassberger")
    assert below < 0.0 == below.low == below.high


def test_the_posterior_deviation_takes_the_place_of_the_jackknife() -> None:
    found = estimate_entropy_from_counts([7, 2], method="nsb", n_symbols=3)
    mean, error = oracle.nsb([7, 2], 3)
    assert found == pytest.approx(mean, rel=1e-10)  # the step of the oracle
    assert found.standard_error == pytest.approx(error, rel=1e-10)
    assert found.interval.method == "posterior deviation, normal"


def test_an_alphabet_of_one_symbol_is_certain() -> None:
    for method in ENTROPY_METHODS:
        if method == "ansb":
            continue
        found = quietly([4], method=method, n_symbols=1)
        assert (found.low, found.high) == (0.0, 0.0)
        if method in ("jvhw", "grassberger"):
            assert "where no entropy is" in found.warnings[0]
        else:
            assert found == pytest.approx(0.0, abs=1e-15)
        assert len(found.warnings) == (method in ("jvhw", "grassberger"))


@given(COUNTS, st.integers(0, 30))
def test_auto_is_one_of_the_methods(counts: list[int], more: int) -> None:
    known = quietly(counts, n_symbols=len(counts) + more)
    assert known.method in ("nsb", "chao_wang_jost")
    assert 0.0 <= known <= math.log(len(counts) + more) * (1 + 1e-12)  # as for "nsb" itself
    assert known == quietly(counts, n_symbols=len(counts) + more, method=known.method)
    assert quietly(counts).method == "chao_wang_jost"


@pytest.mark.parametrize("counts", [[10] * 6, [2] * 1000])
def test_auto_does_not_exceed_a_known_alphabet(counts: list[int]) -> None:
    size = len(counts)
    assert quietly(counts, n_symbols=size, method="chao_wang_jost") > math.log(size)
    found = quietly(counts, n_symbols=size)
    assert found.method == "nsb"
    assert found.low < found < found.high == math.log(size)
    assert quietly(counts, n_symbols=2 * size).method == "chao_wang_jost"


# ------------------------------------------------------------------------------------- the warnings


@pytest.mark.parametrize(
    ("counts", "options", "text"),
    [
        (
            [10] * 6,
            {"method": "chao_wang_jost", "n_symbols": 6, "base": 2},
            r"^The estimate lies 0.061 bits above the logarithm of n_symbols=6, .* left as it",
        ),
        (
            [4],
            {"method": "grassberger"},
            r"^The estimate lies 0.01 nats below 0, .* Use method='nsb', which keeps above it\.$",
        ),
    ],
)
def test_an_estimate_that_no_entropy_is(counts: Any, options: Any, text: str) -> None:
    with pytest.warns(PrecisionWarning) as caught:
        found = estimate_entropy_from_counts(counts, **options)
    assert found.warnings == tuple(str(item.message) for item in caught)
    assert re.search(text, found.warnings[0])
    assert not any("bias" in other or "lies" in other for other in found.warnings[1:])


def test_the_reference_of_the_bias_is_cut_to_what_an_entropy_can_be() -> None:
    profile, _ = profile_of(np.array([10] * 6), 6)
    off = math.log(6) - value(profile, "nsb")
    assert possible_bias(profile, value(profile, "nsb")) == pytest.approx(off, rel=1e-12)
    assert possible_bias(profile, value(profile, "chao_wang_jost")) == 0.0
    text = r"'chao_wang_jost' gives 7\.178, cut to 6\.908\), more than the standard error"
    with pytest.warns(PrecisionWarning, match=text):
        estimate_entropy_from_counts([2] * 1000, method="dirichlet", n_symbols=1000)


def test_many_samples_give_no_warning() -> None:
    for method in ENTROPY_METHODS:
        if method not in ("ansb", "dirichlet"):
            assert estimate_entropy_from_counts(PLENTY, method=method).warnings == ()


def test_a_bias_beyond_the_interval() -> None:
    counts = [6, 3, 2, *[1] * 14]
    text = (
        "The bias may be .* nats .symbols not seen have about 56 % of the distribution, and "
        "'chao_wang_jost' gives .*., more than the standard error of .*: the interval leaves it "
        "out. Take more samples, or give n_symbols where the alphabet is known."
    )
    with pytest.warns(PrecisionWarning, match=text) as caught:
        found = estimate_entropy_from_counts(counts, method="plugin")
    assert found.warnings == tuple(str(item.message) for item in caught)
    assert caught[0].filename == __file__


def test_the_warning_speaks_in_the_unit_of_the_estimate() -> None:
    counts = [6, 3, 2, *[1] * 14]
    bias = possible_bias(profile_of(np.array(counts), None)[0], oracle.plugin(counts))
    with pytest.warns(PrecisionWarning, match=f"may be {bias / math.log(2):.2g} bits"):
        estimate_entropy_from_counts(counts, method="plugin", base=2)
    with pytest.warns(PrecisionWarning, match=r"leaves it out. Take more samples\.$"):
        estimate_entropy_from_counts(counts, method="plugin", n_symbols=1000)


@given(COUNTS, st.sampled_from([m for m in ENTROPY_METHODS if m != "ansb"]))
def test_the_rule_of_the_warning(counts: list[int], method: str) -> None:
    """The standard error against u ln 10 and the distance from Chao, Wang and Jost."""
    profile, _ = profile_of(np.array(counts), None)
    n, once = sum(counts), counts.count(1)
    if deviation(profile, method)[0] in (0.0, math.inf) or n == 1:
        return
    share = min(once, n - 1) / n
    distance = abs(value(profile, method) - oracle.chao_wang_jost(counts))
    bias = share * math.log(10) + distance
    error = deviation(profile, method)[0]
    if abs(bias - error) > 1e-9:
        assert bool(quietly(counts, method=method).warnings) == (bias > error)


@pytest.mark.parametrize(
    ("counts", "size", "factor"),
    [
        ([5, 1, 1, 1], 4, 1.0),  # all symbols were seen
        ([5, 1, 1, 1], 10, 2.0),  # six are missing, of three at least: f1 (f1 - 1) / 2
        ([5, 2, 1, 1, 1, 1], 22, 2.0),  # sixteen, of eight at least: f1^2 / (2 f2)
        ([5, 2, 1, 1], 1000, 10.0),
        ([5, 1], 4, 2.0),  # one singleton says nothing: at least one symbol
        ([5, 2, 2], 1000, 1.0),
    ],
)
def test_a_known_alphabet_bounds_the_number_of_unseen_symbols(
    counts: list[int], size: int, factor: float
) -> None:
    profile, _ = profile_of(np.array(counts), size)
    estimate = value(profile, "chao_wang_jost")
    share = counts.count(1) / sum(counts)
    assert possible_bias(profile, estimate) == pytest.approx(share * math.log(factor), rel=1e-14)


def test_one_sample() -> None:
    with pytest.warns(UndefinedIntervalWarning, match="one sample does not vary") as caught:
        found = estimate_entropy(["a"])
    assert (found, found.n) == (0.0, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.standard_error)
    assert found.warnings == (str(caught[0].message),)


def test_one_symbol() -> None:
    with pytest.warns(PrecisionWarning, match="One symbol was seen only") as caught:
        found = estimate_entropy([3, 3, 3])
    assert (found, found.low, found.high) == (0.0, 0.0, 0.0)
    assert len(caught) == 1


@pytest.mark.parametrize("method", ["nsb", "ansb"])
def test_no_coincidence_in_an_unknown_alphabet(method: str) -> None:
    with pytest.warns(PrecisionWarning, match="No symbol was seen twice") as caught:
        found = estimate_entropy([1, 2, 3, 4], method=method)
    assert math.isinf(found)
    assert math.isnan(found.low)
    assert math.isinf(found.standard_error)
    assert len(caught) == 1


def test_ansb_outside_its_range() -> None:
    with pytest.warns(PrecisionWarning, match="102 of 107 samples repeat a symbol: too many"):
        estimate_entropy_from_counts(PLENTY, method="ansb")
    few = quietly([2] * 5 + [1] * 90, method="ansb")
    assert not any("too many" in text for text in few.warnings)
    # Ten of a hundred are not too many.
    assert not any(
        "too many" in text for text in quietly([2] * 10 + [1] * 80, method="ansb").warnings
    )


# ------------------------------------------------------------------------------- samples and counts


@pytest.mark.parametrize(
    "samples",
    [
        [3, 1, 1, 2, 1, 1, 2, 1, 3],
        np.array([3, 1, 1, 2, 1, 1, 2, 1, 3], dtype=np.uint8),
        list("caabaabac"),
        pd.Series(list("caabaabac"), dtype="category"),
        pd.Series(list("caabaabac"), dtype="string"),
        [(3, 0), (1, 0), (1, 0), (2, 1), (1, 0), (1, 0), (2, 1), (1, 0), (3, 0)],
        pd.DataFrame({"x": list("caabaabac"), "y": 1}),
    ],
)
def test_samples_of_many_kinds(samples: Any) -> None:
    found = estimate_entropy(samples, method="plugin")
    assert found == pytest.approx(oracle.plugin([5, 2, 2]), rel=1e-14)
    assert found.n == 9


def test_missing_samples() -> None:
    samples = ["a", None, "b", "a", "b"]
    with pytest.raises(ValueError, match="samples must be without missing values; got one at row"):
        estimate_entropy(samples)
    assert estimate_entropy(samples, method="plugin", nan_policy="omit").n == 4


@pytest.mark.parametrize("n", [1 << 17, 1000])
@pytest.mark.parametrize("width", [7, 1 << 15])
def test_integers_are_counted_alike_by_every_way(n: int, width: int) -> None:
    samples = np.random.default_rng(0).integers(-3, width - 3, n)
    samples[0] = width - 4
    want = quietly(list(Counter(samples.tolist()).values()), method="plugin")
    others = (samples.astype(np.int32), samples * 2**40, samples - 10**12)
    for form in (samples, samples[::-1], *others):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfotheoryWarning)
            found = estimate_entropy(form, method="plugin")
        assert (found, found.standard_error) == (want, want.standard_error)


@pytest.mark.parametrize(
    "counts",
    [
        {"a": 3, "b": 1, "c": 0},
        Counter("aaba"),
        pd.Series([3, 1], index=["a", "b"]),
        pd.Series([3, 1, 0], dtype="Int64"),
        np.array([0, 3, 0, 1], dtype=np.uint16),
        [3, 1],
        np.array([3, 1], dtype=object),
    ],
)
def test_counts_of_many_kinds(counts: Any) -> None:
    assert quietly(counts, method="plugin") == pytest.approx(oracle.plugin([3, 1]), rel=1e-14)


@given(COUNTS, METHODS)
def test_symbols_with_a_count_of_zero_are_left_out(counts: list[int], method: str) -> None:
    assert quietly([0, *counts, 0], method=method) == quietly(counts, method=method)


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=60), METHODS)
def test_samples_and_their_counts_say_the_same(samples: list[str], method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)
        found = estimate_entropy(samples, method=method)
    want = quietly(Counter(samples), method=method)
    assert found == want
    assert found.interval.low == pytest.approx(want.interval.low, abs=1e-15, nan_ok=True)


def test_nsb_of_a_known_alphabet_that_was_seen_whole_is_not_doubted() -> None:
    counts = [60, 41, 52, 44, 55, 48]  # `chao_wang_jost` differs by more than the standard error
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert estimate_entropy_from_counts(counts, method="nsb", n_symbols=6).warnings == ()
