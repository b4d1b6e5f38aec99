"""Transfer entropy of time series."""

from __future__ import annotations

import math
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from oracles import mutual_information as symbols
from oracles import neighbour_information as oracle

from infotheory._jit import JIT_ENABLED
from infotheory.estimators import (
    Estimate,
    estimate_conditional_mutual_information,
    estimate_transfer_entropy,
)
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

NEAR = 1e-12  # of means of 50 sums of four digammas below ln 50
N = 50
RNG = np.random.default_rng(0)
SOURCE = RNG.normal(size=N)
TARGET = RNG.normal(size=N)
TARGET[1:] += 0.7 * SOURCE[:-1]
THIRD = RNG.normal(size=N)
TOSSES = RNG.integers(0, 2, N)


def transfer(*series: Any, **options: Any) -> Estimate:
    found = quietly(estimate_transfer_entropy, *series, **options)
    assert isinstance(found, Estimate)
    return found


def same(one: Estimate, other: Estimate) -> None:
    assert repr(one.to_dict()) == repr(other.to_dict())
    np.testing.assert_array_equal(one.local, other.local)


def embedded(
    source: Any, target: Any, delay: int, length: int, own: int, third: Any = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Past of the source, present of the target, and past of the target, time after time."""
    first = max(own, delay + length - 1)
    x, y, z = [], [], []
    for time in range(first, len(target)):
        x.append(tuple(source[time - delay - lag] for lag in range(length)))
        y.append((target[time],))
        past = [target[time - 1 - lag] for lag in range(own)]
        z.append((*past, *([] if third is None else [third[time - 1]])))
    return x, y, z


# ------------------------------------------------------------------------------- the definition


@pytest.mark.parametrize(
    ("delay", "length", "own"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 3), (3, 2, 2), (1, 4, 2)]
)
@pytest.mark.parametrize("third", [None, THIRD])
def test_measurements(delay: int, length: int, own: int, third: Any) -> None:
    found = transfer(
        SOURCE,
        TARGET,
        delay=delay,
        source_history=length,
        target_history=own,
        condition=third,
        k=2,
    )
    variables = embedded(SOURCE.tolist(), TARGET.tolist(), delay, length, own, third)
    tables = [oracle.table(oracle.in_units(rows)) for rows in variables]
    local = oracle.frenzel_pompe(*tables, 2)
    assert found.value == pytest.approx(oracle.mean(local), abs=NEAR)
    assert found.n == len(variables[0])
    assert found.method == "ksg1"


@pytest.mark.parametrize(("delay", "length", "own"), [(1, 1, 1), (2, 2, 1), (1, 1, 2)])
def test_symbols(delay: int, length: int, own: int) -> None:
    words = ["up", "down"]
    target = [words[toss] for toss in TOSSES.tolist()]
    source = np.roll(TOSSES, 1)
    found = transfer(
        source, target, delay=delay, source_history=length, target_history=own, method="plugin"
    )
    x, y, z = embedded(source.tolist(), target, delay, length, own)
    assert found.value == pytest.approx(symbols.conditional_mutual_information(x, y, z), abs=NEAR)


def test_series_of_vectors() -> None:
    both = np.column_stack([SOURCE, THIRD])
    found = transfer(both, TARGET, source_history=2)
    rows = np.hstack([both[1:-1], both[:-2]])
    want = quietly(
        estimate_conditional_mutual_information, rows, TARGET[2:, None], TARGET[1:-1, None]
    )
    same(found, want)


def test_mixtures() -> None:
    """The past of the source is a measurement, the target a symbol, and so is its past."""
    found = transfer(SOURCE, TOSSES)
    assert found.method == "ksg_ties"
    want = quietly(estimate_conditional_mutual_information, SOURCE[:-1], TOSSES[1:], TOSSES[:-1])
    assert found.value == want.value
    words = np.array(["u", "d"])[TOSSES]
    assert transfer(SOURCE, words).value == want.value
    # Symbols beside measurements in the past that is given: numbers are measured, words cannot be.
    given = transfer(SOURCE, TARGET, condition=TOSSES)
    assert given.value == transfer(SOURCE, TARGET, condition=TOSSES.astype(float)).value
    with pytest.raises(TypeError, match=r"^z must be numbers; got str"):
        transfer(SOURCE, TARGET, condition=words)
    joint = transfer(TOSSES, TOSSES[::-1], condition=words, method="plugin")
    assert joint.value == transfer(TOSSES, TOSSES[::-1], condition=TOSSES, method="plugin").value


# ---------------------------------------------------------------------------------- known values


def test_a_copy_one_step_later_takes_one_bit_a_step() -> None:
    """Every pair of successive bits is as frequent: a sequence of de Bruijn, and its start."""
    tosses = np.array([0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0])
    later = np.roll(tosses, 1)[2:]
    bits = transfer(tosses[2:], later, method="plugin", base=2)
    assert bits.value == pytest.approx(1.0, abs=NEAR)
    back = transfer(later, tosses[2:], method="plugin", base=2)
    assert back.value < 0.2
    own = transfer(tosses[2:], tosses[2:], method="plugin")  # which is given
    assert own.value == pytest.approx(0.0, abs=NEAR)


@compiled
@pytest.mark.parametrize("method", ["ksg1", "gaussian"])
def test_a_driven_process(method: str) -> None:
    """y_i = a x_(i-1) + noise of variance s: ln(1 + a^2 / s) / 2, and nothing the other way."""
    rng = np.random.default_rng(20240)
    x, noise = rng.normal(size=(2, 3001))
    y = np.append(0.0, 0.8 * x[:-1]) + 0.5 * noise
    there, back = transfer(x, y, method=method), transfer(y, x, method=method)
    truth = 0.5 * math.log(1 + 0.64 / 0.25)
    assert there.value == pytest.approx(truth, abs=4 * there.standard_error)
    assert back.value == pytest.approx(0.0, abs=4 * back.standard_error)
    late = transfer(x, y, method=method, delay=2)
    assert late.value == pytest.approx(0.0, abs=4 * late.standard_error)


# ----------------------------------------------------------------------------------- options


def test_options_are_those_of_conditional_mutual_information() -> None:
    def options(function: Any) -> dict[str, Any]:
        found = signature(function).parameters.values()
        return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY}

    own = ("source_history", "target_history", "delay", "condition")
    found = options(estimate_transfer_entropy)
    want = options(estimate_conditional_mutual_information)
    assert {name: value for name, value in found.items() if name not in own} == want


def test_options_are_passed_on() -> None:
    nats = transfer(SOURCE, TARGET, n_permutations=9, rng=1)
    bits = transfer(SOURCE, TARGET, n_permutations=9, rng=1, base=2, level=0.9, clip=True, n_jobs=1)
    assert bits.value == pytest.approx(nats.value / math.log(2), rel=1e-14)
    assert bits.p_value == nats.p_value
    assert bits.level == 0.9
    assert transfer(SOURCE, TARGET, method="gaussian").method == "gaussian"
    assert transfer(TOSSES, TOSSES, discrete=False).method == "ksg_ties"
    sizes = transfer(TOSSES, TOSSES[::-1], n_symbols=(2, 2, 2), method="nsb")
    assert sizes.n_symbols == 8


def test_warnings_point_to_the_caller() -> None:
    with pytest.warns(UndefinedIntervalWarning, match="^The interval is undefined: 49") as caught:
        found = estimate_transfer_entropy(SOURCE, TARGET)
    with pytest.warns(PrecisionWarning) as others:
        estimate_transfer_entropy(TOSSES[:9], TOSSES[:9], source_history=3)
    assert {item.filename for item in [*caught, *others]} == {__file__}
    assert found.warnings == tuple(str(item.message) for item in caught)


# ------------------------------------------------------------------------------ of which series


def test_every_layout_gives_the_same() -> None:
    source, target = np.round(16 * SOURCE) / 16, np.round(16 * TARGET) / 16
    want = transfer(source, target)
    layouts: list[Any] = [
        list,
        lambda series: series[:, None],
        lambda series: series.astype(np.float32),
        lambda series: series.astype(object),
        lambda series: pd.Series(series, index=range(N, 0, -1)),
        lambda series: pd.Series(series, dtype="Float64"),
        lambda series: pd.DataFrame({"a": series}),
        lambda series: np.ma.array(series, mask=False),
    ]
    for wrap in layouts:
        same(transfer(wrap(source), wrap(target)), want)


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.bfloat16, torch.float64):
        source = torch.tensor(SOURCE).to(dtype)
        target = torch.tensor(TARGET, requires_grad=True)
        same(transfer(source, target), transfer(source.double().numpy(), TARGET))


def test_missing_values_leave_out_the_times_that_need_them() -> None:
    source, target = SOURCE.copy(), TARGET.copy()
    source[10], target[30] = math.nan, math.nan
    lost = [11, 12, 30, 31]
    x, y, z = (np.array(rows) for rows in embedded(SOURCE, TARGET, 1, 2, 1))
    kept = np.delete(np.arange(48), np.array(lost) - 2)
    want = quietly(estimate_conditional_mutual_information, x[kept], y[kept], z[kept])
    options: Any = {"source_history": 2, "nan_policy": "omit"}
    same(transfer(source, target, **options), want)
    gaps = np.arange(N) == 10
    masked = np.ma.array(np.where(gaps, 99.0, SOURCE), mask=gaps)
    same(transfer(masked, target, **options), want)
    nullable = pd.Series(SOURCE, dtype="Float64").where(~gaps)
    same(transfer(nullable, target, **options), want)
    for series in (source, masked, nullable):
        with pytest.raises(
            ValueError, match=r"^x must be without missing values; got one at row 9"
        ):
            transfer(series, target, source_history=2)


REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (TARGET[:-1], {}, ValueError, r"source must be as long as target \(49\); got 50 values\. Pass"),
    (TARGET, {"condition": THIRD[1:]}, ValueError, r"condition must be as long as target \(50\)"),
    (TARGET, {"delay": 0}, ValueError, "delay must be a positive integer"),
    (TARGET, {"source_history": 0}, ValueError, "source_history must be a positive integer"),
    (TARGET, {"target_history": 1.5}, ValueError, "target_history must be a positive integer"),
    (
        TARGET,
        {"delay": 50},
        ValueError,
        r"target must be longer than the past .* \(50 steps\); got",
    ),
    (TARGET, {"delay": 26, "source_history": 25}, ValueError, r".*\(50 steps\); got 50 values"),
    (TARGET, {"target_history": 50}, ValueError, r"target must be longer .*\(50 steps\)"),
    (TARGET, {"delay": 48}, ValueError, r"k must be smaller than the number of samples \(2\)"),
    (np.zeros((N, 2, 2)), {}, ValueError, r"target must be a series of .* got shape \(50, 2, 2\)"),
    ([], {}, ValueError, r"target must be a series of values or of rows; got shape \(0,\)"),
    (0.5, {}, ValueError, r"target must be a series of values or of rows; got shape \(\)"),
    ([[1.0], [1.0, 2.0]], {}, ValueError, "target must be a rectangular array"),
    (TARGET * math.inf, {}, ValueError, "y must be finite"),
    (TARGET, {"method": "ksg2"}, ValueError, "method must be one of"),
    (TARGET, {"discrete": (True, False)}, ValueError, "discrete must be"),
    (TARGET, {"lag": 1}, TypeError, "estimate_transfer_entropy.* unexpected keyword argument 'la"),
]


@pytest.mark.parametrize(("target", "options", "kind", "text"), REFUSED, ids=lambda value: "")
def test_what_is_refused(target: Any, options: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^{text}"):
        estimate_transfer_entropy(SOURCE, target, **options)


def test_the_shortest_series() -> None:
    assert transfer(SOURCE[:5], TARGET[:5]).n == 4
    assert transfer(TOSSES[:4], TOSSES[:4], target_history=3).n == 1
