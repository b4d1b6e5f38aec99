"""What estimates from measurements warn of, and when they do not."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly

from infotheory import sources
from infotheory._jit import JIT_ENABLED
from infotheory.estimators import (
    DENSITY_METHODS,
    estimate_conditional_mutual_information,
    estimate_entropy,
    estimate_mutual_information,
    estimate_o_information,
    estimate_total_correlation,
)
from infotheory.estimators.continuous.doubts import still_moving
from infotheory.estimators.continuous.subsampling import Scatter
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Y = X + RNG.normal(size=N)
Z = RNG.normal(size=N)
LABELS = (Y > 0.3).astype(int)


def texts(function: Any, *variables: Any, **options: Any) -> tuple[str, ...]:
    """Return what is warned of: here, in the caller's file, and in the result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = function(*variables, **options)
    assert {item.filename for item in caught} <= {__file__}
    told = tuple(str(item.message) for item in caught)
    assert found.warnings == told
    for item in caught:
        undefined = str(item.message).startswith("The interval is undefined")
        assert item.category is (UndefinedIntervalWarning if undefined else PrecisionWarning)
    return told


mi, cmi = estimate_mutual_information, estimate_conditional_mutual_information

# ------------------------------------------------------------------------------- nothing to say


@pytest.mark.parametrize("method", ["ksg1", "ksg2", "ksg_ties", "gao", "gaussian", "binned"])
def test_nothing_is_said_of_ordinary_samples(method: str) -> None:
    assert texts(mi, X, Y, method=method) == ()
    assert texts(mi, X, np.round(X + Z, 12), method=method, k=4, base=2) == ()
    if method in ("ksg1", "ksg_ties", "gaussian"):
        assert texts(cmi, X, Y, Z, method=method) == ()


def test_nothing_is_said_of_ordinary_symbols_and_entropies() -> None:
    assert texts(mi, X, LABELS) == ()
    assert texts(mi, LABELS, X, method="gao") == ()
    assert texts(cmi, X, Z, LABELS) == ()
    assert texts(estimate_total_correlation, np.column_stack([X, Y, Z])) == ()
    assert texts(estimate_o_information, np.column_stack([X, Y, Z]), method="gaussian") == ()
    for method in DENSITY_METHODS:
        assert texts(estimate_entropy, X, method=method) == ()


@compiled
def test_nothing_is_said_of_benign_cases() -> None:
    for source in (
        sources.GaussianPair(0.0),
        sources.GaussianPair(0.5),
        sources.GaussianPair(0.9),
        sources.GaussianPair(0.5, dimension=2),
        sources.StudentTPair(5, 0.5),
        sources.UniformSum(0.75),
        sources.OverlappingUniforms(5),
    ):
        x, y = source.sample(2000, rng=1)
        assert texts(mi, x, y) == (), source
    for triple in (sources.GaussianTriple(0.8, 0.6), sources.UniformBinomialChain(5)):
        assert texts(cmi, *triple.sample(2000, rng=1)) == (), triple
    for law in (sources.Exponential(), sources.Uniform(), sources.StudentT(df=3)):
        assert texts(estimate_entropy, law.sample(2000, rng=1)) == (), law


# ------------------------------------------------------------------------------------- warnings


def test_variables_that_do_not_vary() -> None:
    one = np.full(N, 7.0)
    for method in ("ksg1", "ksg_ties", "gao", "mesner_shalizi", "gaussian", "gaussian_copula"):
        (text,) = texts(mi, X, one, method=method)
        assert text == "y has one value only: nothing can depend on it."
    assert texts(mi, one, LABELS) == ("x has one value only: nothing can depend on it.",)
    text, *_ = texts(cmi, one, X, one)
    assert text == "x and z have one value only: nothing can depend on them."
    assert quietly(mi, one, X).value == pytest.approx(0.0, abs=1e-12)
    assert quietly(mi, one, X, method="mesner_shalizi").value == 0.0
    assert quietly(mi, one, X, method="gaussian").value == pytest.approx(0.0, abs=1e-12)


def test_values_that_repeat() -> None:
    tied = np.round(Y, 1)
    share = 100 * (1 - np.unique(tied).size / N)
    for method in ("ksg1", "ksg2", "lnc"):
        text, *_ = texts(mi, X, tied, method=method)
        assert text == (
            f"{share:.0f} % of the values of a column repeat others, where method='{method}' "
            "assumes a density. Use method='ksg_ties', or discrete=True for variables that are "
            "symbols."
        )
    for method in (
        "auto",
        "ksg_ties",
        "gao",
        "mesner_shalizi",
        "gaussian",
        "gaussian_copula",
        "binned",
    ):
        assert not any("repeat" in text for text in texts(mi, X, tied, method=method))
    text, *_ = texts(cmi, X, tied, Z, method="ksg1")
    assert "assumes a density. Use method='ksg_ties', or discrete=True" in text
    both = np.column_stack([X, tied])
    (text,) = texts(estimate_total_correlation, both, method="ksg1")
    assert "assumes a density. Use method='ksg_ties', or integers or strings for var" in text
    assert not any("repeat" in text for text in texts(estimate_total_correlation, both))
    assert texts(estimate_total_correlation, np.column_stack([X, tied]), method="gaussian") == ()


def test_one_repeated_value_in_a_hundred_is_none() -> None:
    tied = Y.copy()
    tied[0] = tied[1]
    assert texts(mi, X, tied, method="ksg1") == ()
    tied[2] = tied[3]
    (text,) = texts(mi, X, tied, method="ksg1")
    assert text.startswith("2 % of the values")


def test_symbols_seen_once() -> None:
    labels = LABELS.copy()
    labels[[5, 50]] = 7, 8
    (text,) = texts(mi, X, labels, method="ross")
    assert text == (
        "2 of 120 samples are alone with their symbol and were left out. Join rare symbols, or "
        "pass discrete=False for whole numbers that are measured."
    )
    assert texts(mi, X, labels, method="gao") == ()
    assert quietly(mi, X, labels, method="ross").n == 118
    assert quietly(mi, X, labels, method="gao").n == 120


def test_estimates_near_the_ceiling() -> None:
    for method in ("ksg1", "ksg2", "gao"):
        text, *_ = texts(mi, X, X, method=method)
        assert text.startswith(
            "The estimate is near 3.86 nats, the largest that 120 samples and k=3 can show: the "
            "truth may be larger, or infinite. Take more samples, or use method='gaussian_copula'"
        )
    (text,) = texts(mi, X, 2 * X, method="gaussian")
    assert text == (
        "The estimate is infinite: some columns of one variable follow linearly from those of the "
        "others. Leave out what is known already."
    )
    found = quietly(mi, X, 2 * X, method="gaussian")
    assert found.value == math.inf
    assert math.isnan(found.low)


def test_symbols_have_a_ceiling_of_their_own() -> None:
    """Forty symbols of three samples each tell ln 40 = 3.69 nats, and 3.86 is the ceiling."""
    labels = np.arange(N) // 3
    for method in ("ross", "gao"):
        found = quietly(mi, labels + 0.001 * X, labels, method=method, k=2, interval=False)
        assert found.value > 3.0
        assert bool(found.warnings) is (method == "gao")


@pytest.mark.parametrize(
    ("k", "said", "least", "noises"),
    # psi(120) - psi(k), a nat below it, and three quarters of it where that is more.
    [(3, "3.86", 2.8604, (0.001, 0.1)), (20, "1.81", 1.3596, (0.02, 0.3))],
)
def test_the_ceiling_is_near(k: int, said: str, least: float, noises: tuple[float, float]) -> None:
    for noise, near in zip(noises, (True, False), strict=True):
        found = quietly(mi, X, X + noise * Z, k=k, interval=False)
        assert (found.value > least) is near
        assert [f"near {said} nats" in text for text in found.warnings] == [True] * near
    assert quietly(mi, X, X + noises[0] * Z, k=k, method="lnc", interval=False).warnings == ()


def test_symbols_that_hardly_repeat() -> None:
    numbers = np.arange(N) // 2
    for method in ("auto", "ksg_ties", "mesner_shalizi"):
        first, *_ = texts(cmi, X, Y, numbers, method=method, interval=False)
        assert first == (
            "100 % of the samples have fewer than 3 others with their symbols, and tell nothing. "
            "Join rare symbols, or pass discrete=False for whole numbers that are measured."
        )
    found = quietly(cmi, X, Y, numbers)
    assert math.isnan(found.standard_error)  # 60 symbols in parts of 24 samples
    assert not any("tell nothing" in text for text in texts(cmi, X, Y, LABELS, interval=False))
    assert not any("tell nothing" in text for text in texts(mi, X, numbers, method="ross"))
    both = quietly(cmi, LABELS, X, np.arange(N) % 30, interval=False)
    assert any("tell nothing" in text for text in both.warnings)  # of both symbols together


def test_parts_in_which_symbols_hardly_repeat() -> None:
    """Of 120 samples 12 share a symbol, and of the 24 of a part two or three do."""
    sparse = quietly(cmi, X, Y, np.arange(N) % 10)
    assert not any("tell nothing" in text for text in sparse.warnings)
    assert math.isnan(sparse.standard_error)
    assert quietly(cmi, X, Y, np.arange(N) % 3).standard_error > 0.0


def test_values_that_are_symbols_rather() -> None:
    found = quietly(mi, np.round(X), np.round(Y))
    assert found.method == "ksg_ties"
    (text,) = (text for text in found.warnings if "copies" in text)
    assert "% of the samples have 3 copies or more: the values are those of symbols" in text
    assert not any("copies" in text for text in quietly(mi, np.round(X, 2), Y).warnings)


@compiled
@pytest.mark.parametrize("method", ["auto", "ksg2", "ksg_ties", "gao"])
def test_many_dimensions(method: str) -> None:
    """The truth is 8.30 nats; neighbours find a third of it."""
    x, y = sources.GaussianPair(0.9, dimension=10).sample(2000, rng=0)
    (text,) = texts(mi, x, y, method=method)
    found = quietly(mi, x, y, method=method)
    assert found.value < 4.0
    assert text.startswith("The estimate still depends on the number of samples: ")
    assert " nats from 200 of them on average, " in text
    assert f"{found.value:.3g} from all 2000. With more samples it would come to about" in text
    coming = float(text.partition("come to about ")[2].partition(";")[0])
    part = float(text.partition("samples: ")[2].partition(" nats")[0])
    # The bias falls as n^(-1/10) in 20 columns; three digits of the mean of the parts are told, and
    # two of what comes.
    step = found.value - part
    room = 0.05 + 0.005 / (10**0.1 - 1)
    assert coming == pytest.approx(found.value + step / (10**0.1 - 1), rel=0, abs=room)
    assert "or use method='gaussian_copula' if what it assumes is near the truth." in text
    for other in ("gaussian", "gaussian_copula"):
        assert texts(mi, x, y, method=other) == ()


@pytest.mark.parametrize(
    ("width", "comes_to"), [(1, "2.1"), (2, "2.1"), (3, "2.3"), (4, "2.5"), (20, "5.9")]
)
def test_where_the_estimate_would_come_to(width: int, comes_to: str) -> None:
    """A step of 1 from 100 samples to 1000 is followed by one of 1 / (10^min(1, 2/d) - 1)."""
    found = still_moving(2.0, Scatter(0.01, 10, 100, 1.0, 0.02), 1000, width, "another")
    assert found is not None
    kind, text = found
    assert kind is PrecisionWarning
    assert "1 nats from 100 of them on average, 2 from all 1000. With more samples " in text
    assert f"it would come to about {comes_to}; the interval leaves this bias out." in text
    assert "or use another if" in text


@pytest.mark.parametrize(
    ("value", "scatter", "said"),
    [
        (2.0, Scatter(0.11, 10, 100, 1.0, 0.02), True),  # what is missing is 1/9
        (2.0, Scatter(0.12, 10, 100, 1.0, 0.02), False),
        (2.0, Scatter(0.0, 10, 100, 1.0, 0.38), True),
        (2.0, Scatter(0.0, 10, 100, 1.0, 0.40), False),  # one step of a hundred by chance
        (0.0, Scatter(0.01, 10, 100, 1.0, 0.02), True),  # downwards too
        (1.0 + 1e-14, Scatter(0.0, 10, 100, 1.0, 0.0), False),
        (2.0, None, False),
    ],
)
def test_steps_that_matter(value: float, scatter: Scatter | None, said: bool) -> None:
    assert (still_moving(value, scatter, 1000, 2, "another") is not None) is said


def test_any_step_matters_where_values_repeat() -> None:
    scatter = Scatter(0.12, 10, 100, 1.0, 0.02)
    doubt = still_moving(2.0, scatter, 1000, 2, "another", steady=False)
    assert doubt is not None
    assert "2 from all 1000. Repeated values bias it; the interval" in doubt[1]


@compiled
def test_entropy_in_many_dimensions() -> None:
    x = sources.GaussianPair(0.99, dimension=5).sample(2000, rng=0)
    (text,) = texts(estimate_entropy, np.hstack(x))
    assert "still depends on the number of samples" in text
    assert "or use method='gaussian' if" in text


def test_copies_have_no_density() -> None:
    copies = X.copy()
    copies[:4] = copies[0]
    (text,) = texts(estimate_entropy, copies)
    assert text == (
        "The estimate is minus infinity: 4 of 120 samples have a neighbourhood without volume, as "
        "copies do and columns that follow from others. Measure the discrete part as symbols "
        "(discrete=True) and the rest alone."
    )
    found = quietly(estimate_entropy, copies)
    assert found.value == -math.inf
    assert [math.isnan(end) for end in (found.low, found.high, found.standard_error)] == [True] * 3
    (text,) = texts(estimate_entropy, copies, k=4)
    assert text.startswith("2 % of the values of a column repeat others")
    for method in ("vasicek", "gaussian", "kde"):
        (text,) = texts(estimate_entropy, np.full(N, 2.0), method=method)
        assert text.startswith("The estimate is minus infinity: 120 of 120 samples")


@pytest.mark.parametrize(("n", "k", "there"), [(99, 3, False), (100, 3, True), (119, 6, False)])
def test_few_samples_have_no_interval(n: int, k: int, there: bool) -> None:
    """Five parts of at least 20 samples, and of four for each neighbour."""
    text = (
        f"The interval is undefined: {n} samples cannot be cut into parts large enough for {k} "
        "neighbours each, or some part has no finite estimate. Take more samples."
    )
    said = () if there else (text,)
    for function, variables in (
        (mi, (X[:n], Y[:n])),
        (mi, (X[:n], LABELS[:n])),
        (cmi, (X[:n], Z[:n], Y[:n])),
        (estimate_entropy, (X[:n],)),
        (estimate_total_correlation, (np.column_stack([X, Y, Z])[:n],)),
        (estimate_o_information, (np.column_stack([X, Y, Z])[:n],)),
    ):
        assert texts(function, *variables, k=k) == said
        assert texts(function, *variables, k=k, interval=False) == ()
        assert math.isnan(quietly(function, *variables, k=k).low) is not there
    assert texts(mi, X[:n], Y[:n], method="gaussian", k=k) == ()


def test_parts_without_any_symbol_twice() -> None:
    """Two samples of one symbol are in one of five parts at most."""
    labels = np.append(0, np.arange(N - 1))
    for points in (np.column_stack([X, Y]), X):
        text, _ = texts(mi, points, labels)
        assert "or some part has no finite estimate" in text
