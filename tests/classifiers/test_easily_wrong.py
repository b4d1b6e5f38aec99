"""Cases in which a plausible implementation goes wrong without a message."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np
import pytest

import infotheory
from infotheory._jit import JIT_ENABLED
from infotheory.classifiers import accumulator, one_pass
from infotheory.classifiers.quantities import finish
from infotheory.exceptions import InfiniteSeparationWarning, SingleClassWarning

quiet = pytest.mark.filterwarnings("ignore::infotheory.exceptions.InfotheoryWarning")


def votes(n: int, k: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, k, n)
    chosen = np.where(rng.random(n) < 0.8, y, rng.integers(0, k, n))
    x = np.full((n, k), low, np.float32)
    x[np.arange(n), chosen] = high
    return x, y


@quiet
@pytest.mark.parametrize(
    ("n", "k", "low", "high"),
    [(200_000, 10, math.log(1e-3), 0.0), (200_000, 10, -4.1, 3.9), (6_000, 199, -3.3, 7.7),
     (2_000, 1000, 0.0, 12.3)],
)  # fmt: skip
def test_equal_rows_in_single_precision_keep_seven_digits(
    n: int, k: int, low: float, high: float
) -> None:
    """Equal rows round equally, so that nothing averages out: double precision is taken."""
    x, y = votes(n, k, low, high)
    single = infotheory.measure_classifier(x, y)
    double = infotheory.measure_classifier(x.astype(np.float64), y)
    assert single.cmi == pytest.approx(double.cmi, rel=1e-7)
    assert single.gamma == pytest.approx(double.gamma, rel=1e-7)


@pytest.mark.skipif(not JIT_ENABLED, reason="without a compiler there is double precision only")
def test_ordinary_rows_are_measured_in_single_precision_and_keep_seven_digits() -> None:
    """The other side of the choice; it also shows that restoring the largest entry matters."""
    rng = np.random.default_rng(1)
    n, k = 100_000, 100  # enough rows for single precision to be chosen
    y = rng.integers(0, k, n)
    x = rng.normal(size=(n, k)).astype(np.float32)
    x[np.arange(n), y] += 5
    sums = one_pass.class_sums(x, y, k)
    exact = one_pass.class_sums(x.astype(np.float64), y, k)
    assert not np.array_equal(sums.entropy, exact.entropy)  # single precision was enough
    # Restored from the others, whose errors average out, the largest entry has no error of its own.
    np.testing.assert_array_less(np.abs(sums.mass.sum(axis=1) - sums.counts), 1e-11 * n)
    assert finish(sums).cmi == pytest.approx(finish(exact).cmi, rel=1e-7)


def test_adding_does_not_keep_what_was_known_of_the_first_part() -> None:
    """The choice of precision asks for the entropies of a part; the whole has others."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 5, 5000)
    x = rng.normal(size=(5000, 5))
    x[np.arange(5000), y] += np.linspace(0, 6, 5000)  # the parts differ
    first = one_pass.class_sums(x[:2000], y[:2000], 5)
    assert first.centroid_entropies.shape == (5,)
    total = first.absorb(one_pass.class_sums(x[2000:], y[2000:], 5))
    assert finish(total).cmi == pytest.approx(finish(one_pass.class_sums(x, y, 5)).cmi, rel=1e-12)


@quiet
@pytest.mark.parametrize(("n", "k", "classes"), [(694, 3000, 1000), (478, 3000, 20)])
def test_few_long_wide_rows_keep_seven_digits(n: int, k: int, classes: int) -> None:
    """Sums of thousands of small terms round badly, and few rows do not average it out."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, classes, n)
    x = rng.normal(size=(n, k)) * 5
    x[np.arange(n), y] += 12 * rng.random(n)
    x = x.astype(np.float32)
    single = infotheory.measure_classifier(x, y)
    double = infotheory.measure_classifier(x.astype(np.float64), y)
    assert single.cmi == pytest.approx(double.cmi, rel=1e-7)


@pytest.mark.parametrize(("k", "temperature"), [(1, 1.0), (30, 1.0), (4, 1e-3)])
def test_one_symbol_for_all_has_no_separation(k: int, temperature: float) -> None:
    """What a kernel adds for tiny exponentials must not look like a separation."""
    z = np.zeros((3, k))
    z[:, 0] = 2000.0
    with pytest.warns(SingleClassWarning, match="same single symbol"):
        report = infotheory.measure_classifier(z, [0, 1, 1], n_classes=2, temperature=temperature)
    assert report.gamma == 0.0
    assert math.isnan(report.ncmi)


def test_a_sum_on_the_edge_of_the_tolerance_is_refused_or_accepted_but_named() -> None:
    """Two orders of adding may disagree there; either is right, a failure inside is not."""
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(30):
        p = rng.random((3, 2000))
        p /= p.sum(axis=1, keepdims=True)
        p[1] *= 1 + (2.0**-42 + 2000 * 2.0**-53) * (1 + 1e-4 * rng.normal())
        try:
            infotheory.measure_classifier(p, [0, 1, 2], kind="probs", n_classes=3)
        except ValueError as error:
            assert "got row 1 with sum" in str(error)  # noqa: PT017
            refused += 1
    assert 0 < refused < 30


@pytest.mark.parametrize("k", [3, 1000, 50_000])
@quiet
def test_rounded_log_softmax_is_accepted(k: int) -> None:
    torch = pytest.importorskip("torch")
    logs = torch.log_softmax(torch.zeros(2, k), 1)
    for dtype in (torch.bfloat16, torch.float16, torch.float32):
        report = infotheory.measure_classifier(
            logs.to(dtype), [0, 1], kind="log_probs", n_classes=2
        )
        # A difference of two sums of k terms, each rounded once or a few times.
        assert report.mutual_information == pytest.approx(0.0, abs=(k + 100) * 2.0**-52)


def test_a_masked_entry_is_refused() -> None:
    z = np.ma.masked_array(np.eye(3), mask=[[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match=r"outputs must be without masked entries; .* in row 1"):
        infotheory.ncmi(z, [0, 1, 2])
    assert infotheory.ncmi(np.ma.masked_array(2 * np.eye(3)), [0, 1, 2]) == 0.0


def test_a_single_row_may_look_like_probabilities() -> None:
    total = infotheory.NCMIAccumulator()
    for row, label in (([1, 0, 0], 0), ([3, 1, 0], 0), ([0, 2, 1], 1), ([0, 0, 1], 2)):
        total.update([row], [label])
    assert total.n == 4


def test_warnings_show_the_line_of_the_caller() -> None:
    probs = [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    total = infotheory.NCMIAccumulator().update(probs, [0, 0, 1], kind="probs")
    calls: list[Any] = [
        lambda: infotheory.ncmi(probs, [0, 0, 1], kind="probs"),
        lambda: infotheory.classifiers.gamma(probs, [0, 0, 1], kind="probs"),
        lambda: infotheory.measure_classifier(probs, [0, 0, 1], kind="probs"),
        total.report,
    ]
    for call in calls[:3]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [w.category for w in caught] == [InfiniteSeparationWarning]
        assert caught[0].filename == __file__


def test_merging_looks_at_the_names_of_classes() -> None:
    plain = infotheory.NCMIAccumulator().update([[2, 0], [0, 1]], [0, 1])
    named = infotheory.NCMIAccumulator(class_names=["cat", "dog"]).update([[1, 0]], [0])
    assert (plain + named).report().class_names == ("cat", "dog")
    assert plain.class_names is None
    other = infotheory.NCMIAccumulator(class_names=["dog", "cat"]).update([[1, 0]], [0])
    with pytest.raises(ValueError, match="class_names of the accumulator to merge must be equal"):
        named + other


def test_a_copy_shares_nothing() -> None:
    first = infotheory.NCMIAccumulator().update([[2, 0], [0, 1]], [0, 1])
    second = copy.copy(first)
    second.update([[2, 0]], [0])
    assert (first.n, second.n) == (2, 3)


def test_absurd_options_are_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be a positive finite number"):
        infotheory.ncmi([[2, 0], [0, 1]], [0, 1], temperature=1e-310)
    with pytest.raises(ValueError, match=r"n_classes must be a positive integer \(at most"):
        accumulator.NCMIAccumulator(10**30)
    with pytest.raises(ValueError, match=r"base must be None .* or a finite number greater than 1"):
        infotheory.measure_classifier([[2, 0], [0, 1]], [0, 1], base=0.5)
