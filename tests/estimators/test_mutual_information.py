"""Mutual information, conditional or not, and conditional entropy of discrete samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import mutual_information as oracle
from sklearn.metrics import mutual_info_score

from infotheory.estimators import (
    ENTROPY_METHODS,
    estimate_conditional_entropy,
    estimate_conditional_mutual_information,
    estimate_entropy,
    estimate_mutual_information,
)
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

EPS = 2.0**-52


def tolerance(n: int) -> float:
    """Of sums of at most four entropies: each is a sum of at most n terms below one, rounded."""
    return 8 * EPS * (n + 4)


def triples(largest: int = 3, most: int = 40) -> Any:
    symbol = st.integers(0, largest)
    return st.lists(st.tuples(symbol, symbol, symbol), min_size=1, max_size=most)


def columns(rows: list[tuple[int, ...]]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]


def plugin(function: Any, *variables: Any, **options: Any) -> float:
    return float(quietly(function, *variables, method="plugin", **options))


def noisy_copies(n: int, k: int = 4, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    x, z = rng.integers(0, k, (2, n))
    y = np.where(rng.random(n) < 0.5, x, rng.integers(0, k, n))
    return x, y, z


# ------------------------------------------------------------------------------ the definition


@given(triples())
def test_the_plugin_values_are_those_of_the_definitions(rows: Any) -> None:
    x, y, z = columns(rows)
    near = tolerance(len(rows))
    found = plugin(estimate_mutual_information, x, y)
    assert found == pytest.approx(oracle.mutual_information(x, y), abs=near)
    assert found == pytest.approx(oracle.mean_log_ratio(x, y), abs=near)
    found = plugin(estimate_conditional_mutual_information, x, y, z)
    assert found == pytest.approx(oracle.conditional_mutual_information(x, y, z), abs=near)
    assert found == pytest.approx(oracle.within_strata(x, y, z), abs=near)
    found = plugin(estimate_conditional_entropy, x, y)
    assert found == pytest.approx(oracle.conditional_entropy(x, y), abs=near)


@given(triples())
def test_scikit_learn_agrees(rows: Any) -> None:
    x, y, _ = columns(rows)
    found = plugin(estimate_mutual_information, x, y)
    assert found == pytest.approx(mutual_info_score(x, y), abs=tolerance(len(rows)))


@pytest.mark.parametrize("method", [m for m in ENTROPY_METHODS if m != "ansb"])
@pytest.mark.parametrize("sizes", [None, (5, 4, 6)])
def test_each_entropy_is_estimated_by_the_method(method: str, sizes: Any) -> None:
    x, y, z = noisy_copies(60)

    def entropy(*places: int) -> float:
        size = None if sizes is None else math.prod(sizes[place] for place in places)
        rows = np.stack([(x, y, z)[place] for place in places], axis=1)
        return float(quietly(estimate_entropy, rows, method=method, n_symbols=size))

    found = quietly(
        estimate_conditional_mutual_information, x, y, z, method=method, n_symbols=sizes
    )
    want = entropy(0, 2) + entropy(1, 2) - entropy(0, 1, 2) - entropy(2)
    assert found.value == pytest.approx(want, abs=tolerance(60))
    pair = sizes and sizes[:2]
    found = quietly(estimate_mutual_information, x, y, method=method, n_symbols=pair)
    assert found.value == pytest.approx(entropy(0) + entropy(1) - entropy(0, 1), abs=1e-13)
    found = quietly(estimate_conditional_entropy, x, y, method=method, n_symbols=pair)
    assert found.value == pytest.approx(entropy(0, 1) - entropy(1), abs=1e-13)
    assert found.method == method
    assert found.n_symbols == (None if sizes is None else 20)
    assert found.n == 60


def test_miller_and_madow_by_hand() -> None:
    """Of four cells, two rows and two columns, a correction of (2 - 1 + 2 - 1 - 4 + 1) / (2 n)."""
    x, y = [0, 0, 1, 1] * 10, [0, 1, 0, 1] * 10
    found = estimate_mutual_information(x, y, method="miller_madow")
    assert found.value == pytest.approx(-1 / 80, abs=1e-15)  # negative, and left so


def test_auto_follows_what_is_known_and_what_was_seen() -> None:
    x, y, z = noisy_copies(500)
    few = slice(0, 20)
    assert estimate_mutual_information(x, y).method == "chao_wang_jost"
    assert estimate_mutual_information(x, y, n_symbols=(4, 4)).method == "chao_wang_jost"
    found = quietly(estimate_mutual_information, x[few], y[few], n_symbols=(9, 9))
    assert found.method == "nsb"
    found = quietly(estimate_conditional_mutual_information, x[:90], y[:90], z[:90])
    assert found.method == "chao_wang_jost"
    found = quietly(
        estimate_conditional_mutual_information, x[:90], y[:90], z[:90], n_symbols=[4, 4, 4]
    )
    assert found.method == "nsb"


# ------------------------------------------------------------------------------------- laws


@given(triples(), st.sampled_from(["plugin", "chao_wang_jost", "grassberger", "nsb"]))
def test_x_and_y_may_change_places(rows: Any, method: str) -> None:
    x, y, z = columns(rows)
    one = quietly(estimate_mutual_information, x, y, method=method)
    other = quietly(estimate_mutual_information, y, x, method=method)
    assert repr(one.to_dict()) == repr(other.to_dict())  # to the last bit, nan included
    one = quietly(estimate_conditional_mutual_information, x, y, z, method=method)
    other = quietly(estimate_conditional_mutual_information, y, x, z, method=method)
    assert repr(one.to_dict()) == repr(other.to_dict())


@given(triples(), st.permutations(range(4)), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(rows: Any, names: list[int], random: Any) -> None:
    x, y, z = columns(rows)
    want = quietly(estimate_conditional_mutual_information, x, y, z)
    random.shuffle(rows)
    a, b, c = columns(rows)
    found = quietly(
        estimate_conditional_mutual_information,
        ["qrst"[symbol] for symbol in a],
        [10**9 * names[symbol] for symbol in b],
        [[symbol, symbol > 1] for symbol in c],
    )
    assert repr(found.to_dict()) == repr(want.to_dict())


@given(triples())
def test_the_chain_rule(rows: Any) -> None:
    x, y, z = columns(rows)
    whole = plugin(estimate_mutual_information, x, list(zip(y, z, strict=True)))
    parts = plugin(estimate_mutual_information, x, z)
    parts += plugin(estimate_conditional_mutual_information, x, y, z)
    assert whole == pytest.approx(parts, abs=tolerance(len(rows)))


@given(triples(), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_processing_loses_information(rows: Any, function: list[int]) -> None:
    x, y, _ = columns(rows)
    image = [function[symbol] for symbol in y]
    near = tolerance(len(rows))
    lost = plugin(estimate_mutual_information, x, image)
    assert lost <= plugin(estimate_mutual_information, x, y) + near
    # and nothing of x is left in the image once y is known
    assert abs(plugin(estimate_conditional_mutual_information, x, image, y)) <= near


@given(triples())
def test_a_copy_shares_everything(rows: Any) -> None:
    x, y, _ = columns(rows)
    for method in ("plugin", "chao_wang_jost", "grassberger"):
        copy = quietly(estimate_mutual_information, x, x, method=method)
        # H + H - H is rounded twice.
        want = quietly(estimate_entropy, x, method=method)
        assert copy.value == pytest.approx(want.value, rel=4 * EPS, abs=4 * EPS)
    assert plugin(estimate_conditional_entropy, x, x) == 0.0
    both = list(zip(x, y, strict=True))
    assert plugin(estimate_conditional_entropy, x, both) == pytest.approx(0.0, abs=4 * EPS)


@given(triples())
def test_entropy_less_information_is_conditional_entropy(rows: Any) -> None:
    x, y, _ = columns(rows)
    for method in ("plugin", "chao_wang_jost", "miller_madow"):
        left = quietly(estimate_entropy, x, method=method) - quietly(
            estimate_mutual_information, x, y, method=method
        )
        found = quietly(estimate_conditional_entropy, x, y, method=method)
        assert found.value == pytest.approx(left, abs=tolerance(len(rows)))


@given(triples())
def test_a_condition_of_one_symbol_is_none(rows: Any) -> None:
    x, y, _ = columns(rows)
    want = quietly(estimate_mutual_information, x, y)
    found = quietly(estimate_conditional_mutual_information, x, y, ["same"] * len(x))
    assert found.value == pytest.approx(want.value, abs=tolerance(len(x)))
    assert found.standard_error == pytest.approx(
        want.standard_error, rel=1e-6, abs=1e-7, nan_ok=True
    )


@given(triples(), st.sampled_from([2, 10, math.e]))
def test_the_base_is_a_unit(rows: Any, base: float) -> None:
    x, y, _ = columns(rows)
    nats = quietly(estimate_mutual_information, x, y)
    found = quietly(estimate_mutual_information, x, y, base=base)
    for name in ("value", "standard_error", "low", "high"):
        want = getattr(nats, name) / math.log(base)
        assert getattr(found, name) == pytest.approx(want, rel=1e-14, abs=0, nan_ok=True), name
    assert found.base == base


# ----------------------------------------------------------------------------- known values


def test_a_symmetric_channel() -> None:
    """1 - h(1/8) bits at a crossover of 1/8, with all counts in exact proportion."""
    x, y = [0] * 8 + [1] * 8, [0] * 7 + [1] + [1] * 7 + [0]
    found = plugin(estimate_mutual_information, x, y, base=2)
    assert found == pytest.approx(1 - (3 - 7 / 8 * math.log2(7)), abs=tolerance(16))


def test_exclusive_or_hides_from_each_alone() -> None:
    x, y = [0, 0, 1, 1] * 50, [0, 1, 0, 1] * 50
    z = [a ^ b for a, b in zip(x, y, strict=True)]
    assert plugin(estimate_mutual_information, x, z) == pytest.approx(0.0, abs=tolerance(200))
    one_bit = pytest.approx(1.0, abs=tolerance(200))
    assert plugin(estimate_conditional_mutual_information, x, z, y, base=2) == one_bit
    assert plugin(estimate_mutual_information, x, list(zip(y, z, strict=True)), base=2) == one_bit


def test_frames_and_arrays_of_many_columns() -> None:
    x, y, z = noisy_copies(300)
    frame = pd.DataFrame({"y": y, "z": pd.Categorical(z)}, index=range(300, 0, -1))
    want = quietly(estimate_mutual_information, x, y * 4 + z)
    for joint in (frame, np.stack([y, z], axis=1), list(zip(y.tolist(), z.tolist(), strict=True))):
        assert quietly(estimate_mutual_information, x, joint).to_dict() == want.to_dict()


def test_alphabets_too_wide_for_a_table() -> None:
    """3000 symbols each: nine million cells for 6000 samples."""
    x = np.arange(6000) % 3000
    found = plugin(estimate_mutual_information, x, x[::-1] * 10**12)
    assert found == pytest.approx(math.log(3000), rel=1e-13)


def test_missing_values_leave_out_the_sample() -> None:
    x, y, z = (list(map(int, column)) for column in noisy_copies(100))
    want = quietly(estimate_conditional_mutual_information, x, y, z)
    x, y, z = [*x, None, 1, 2], [*y, 3, None, 1], [*z, 0, 2, math.nan]
    found = quietly(estimate_conditional_mutual_information, x, y, z, nan_policy="omit")
    assert found.to_dict() == want.to_dict()
    with pytest.raises(ValueError, match=r"^x must be without missing values; got one at row 100"):
        estimate_conditional_mutual_information(x, y, z)
    assert quietly(estimate_conditional_entropy, x, y, nan_policy="omit").n == 101


# -------------------------------------------------------------------------------- refusals

BOTH = (estimate_mutual_information, estimate_conditional_entropy)
REFUSED = [
    (
        {"method": "ksg"},
        ValueError,
        r"^method must be one of 'auto', 'plugin', .*; got 'ksg'",
    ),
    ({"base": 1}, ValueError, "^base must be None"),
    ({"level": 1.0}, ValueError, "^level must be a number between 0 and 1"),
    ({"nan_policy": "propagate"}, ValueError, "^nan_policy must be one of 'raise', 'omit'"),
    (
        {"n_symbols": 4},
        ValueError,
        r"^n_symbols must be None or positive integers \(Kx, Ky\);",
    ),
    ({"n_symbols": (4,)}, ValueError, r"got \(4,\)\. Give the size of the alphabet of each"),
    ({"n_symbols": (4, 2.0)}, ValueError, r"got \(4, 2\.0\)"),
    ({"n_symbols": (4, True)}, ValueError, r"got \(4, True\)"),
    ({"n_symbols": (4, 0)}, ValueError, r"got \(4, 0\)"),
    ({"n_symbols": (2**40, 2**40)}, ValueError, r"product of at most 2\*\*63 - 1; got"),
    ({"n_symbols": (1, 5)}, ValueError, r"at least the numbers of symbols seen, \(2, 3\); got \(1"),
]


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(("options", "kind", "message"), REFUSED)
def test_options_that_are_refused(function: Any, options: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        function([0, 1, 1], ["a", "b", "c"], **options)


def test_samples_that_are_refused() -> None:
    cases = [
        (([0, 1], [0, 1, 1]), ValueError, "^x and y must have one entry .* got 2 in x and 3 in y"),
        (([], []), ValueError, "^x must have at least one sample"),
    ]
    for function in BOTH:
        for variables, kind, message in cases:
            with pytest.raises(kind, match=message):
                function(*variables)
        with pytest.raises(TypeError, match=r"^x must be discrete .* Cut measurements into bins"):
            function([0.5, 1.0], [0, 1], method="plugin")
        with pytest.raises(TypeError, match=r"^y must be discrete"):
            function([0, 1], [0.5, 1.0], method="plugin")
    with pytest.raises(ValueError, match=r"^x and z must have one entry .* got 2 in x and 1 in z"):
        estimate_conditional_mutual_information([0, 1], [0, 1], [0])
    message = r"^n_symbols must be None or positive integers \(Kx, Ky, Kz\); got \(2, 2\)"
    with pytest.raises(ValueError, match=message):
        estimate_conditional_mutual_information([0, 1], [0, 1], [0, 1], n_symbols=(2, 2))


def test_warnings_point_to_the_caller_and_stay_in_the_result() -> None:
    x, y, z = noisy_copies(12)
    for function, variables in (
        (estimate_mutual_information, (x, y)),
        (estimate_conditional_entropy, (x, y)),
        (estimate_conditional_mutual_information, (x, y, z)),
    ):
        with pytest.warns(PrecisionWarning) as caught:
            found = function(*variables)
        assert [item.filename for item in caught] == [__file__]
        assert found.warnings == tuple(str(item.message) for item in caught)


@pytest.mark.parametrize("method", ["auto", *ENTROPY_METHODS])
def test_one_sample_has_no_interval(method: str) -> None:
    text = "The interval is undefined, since one sample does not vary. Take more samples."
    for function, variables in (
        (estimate_mutual_information, (["a"], ["b"])),
        (estimate_conditional_entropy, (["a"], ["b"])),
        (estimate_conditional_mutual_information, (["a"], ["b"], ["c"])),
    ):
        found = quietly(function, *variables, method=method)
        assert found.warnings == (text,)
        assert math.isnan(found.low)
        assert math.isnan(found.standard_error)
    with pytest.warns(UndefinedIntervalWarning, match=text):
        assert estimate_mutual_information(["a"], ["b"]).value == 0.0
