"""A search for counterexamples: it finds none where there are none, and those that are planted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from infotheory import measures
from infotheory._jit import JIT_ENABLED
from infotheory.spectrum import Bounds, _exponents, equipartition
from infotheory.testing import TOPICS, Finding, enumerated_law, findings_of, hunt, hunting
from infotheory.testing import statements_classifiers as of_classifiers
from infotheory.testing import statements_measures as of_measures
from infotheory.testing import statements_spectrum as of_spectrum


@pytest.mark.parametrize("topic", TOPICS)
def test_no_counterexample(topic: str) -> None:
    if topic == "spectrum" and not JIT_ENABLED:
        pytest.skip("takes minutes in plain Python")
    size = 6 if topic == "spectrum" else 30
    found = hunt(topic, max_examples=size)
    assert found.holds, found.violations
    assert found.n_cases == size
    assert found.tightest
    for name, (case, finding) in found.tightest.items():
        assert finding.statement == name
        assert finding.margin >= 0.0
        again = {one.statement: one for one in findings_of(topic, found.seed, case)}
        assert again[name].case
    assert all(1 <= count <= 60 for count in found.n_checks.values())


def test_cases_do_not_depend_on_their_number() -> None:
    short, long = (hunt("measures", max_examples=size, seed=3) for size in (5, 9))
    assert all(long.tightest[name][1].margin <= short.tightest[name][1].margin
               for name in short.tightest)  # fmt: skip
    assert findings_of("measures", 3, 4) == findings_of("measures", 3, 4)
    assert findings_of("measures", 3, 4) != findings_of("measures", 4, 4)


def planted(rng: np.random.Generator) -> Iterator[Finding]:
    number = float(rng.random())
    yield Finding("below 0.9", 0.9 - number, f"{number}")
    yield Finding("is a number", math.nan if number > 0.98 else 1.0, f"{number}")


def test_violations_stop_the_hunt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunting, "_topics", lambda: {"nep": planted})
    first = hunt("nep", max_examples=1000)
    (case, finding), *more = first.violations
    assert not first.holds
    assert first.n_cases == case + 1
    assert finding.margin < 0.0
    assert not more
    three = hunt("nep", max_examples=1000, stop_at=3)
    assert len(three.violations) in (3, 4)  # two statements may fail in the last case
    assert findings_of("nep", 0, case)[0] == finding
    everything = hunt("nep", max_examples=300, stop_at=10**6)
    assert any(math.isnan(one.margin) for _, one in everything.violations)
    assert math.isnan(everything.tightest["is a number"][1].margin)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"topic": "nap"}, "topic must be one of 'nep', 'spectrum', 'measures', 'renyi', 'ncmi'"),
        ({"max_examples": 0}, "max_examples must be a positive integer"),
        ({"stop_at": 0}, "stop_at must be a positive integer"),
        ({"seed": -1}, "seed must be a whole number from 0 on; got -1"),
        ({"seed": 0.5}, "seed must be a whole number from 0 on; got 0.5"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}"):
        hunt(**{"topic": "nep", **arguments})


def test_a_case_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"^case must be a whole number from 0 on; got -2"):
        findings_of("nep", 0, -2)
    with pytest.raises(ValueError, match=r"^topic must be one of"):
        findings_of("x", 0, 0)


# ------------------------------------------------------------------------------- planted mistakes


def caught(topic: str, within: int) -> Finding:
    found = hunt(topic, max_examples=within)
    assert not found.holds, found.tightest
    return found.violations[0][1]


def test_a_constant_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exponents, "IDENTICAL", 0.38)
    assert "Berry-Esseen" in caught("nep", 5000).statement


def test_a_prefactor_without_its_two_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = equipartition._log_prefactors

    def narrower(a: float, e: float) -> tuple[float, float, float]:
        lower, upper, rounding = plain(a, e)
        return lower, math.log(max(math.exp(upper) - 2 * e, 1e-300)), rounding

    monkeypatch.setattr(equipartition, "_log_prefactors", narrower)
    assert "prefactor" in caught("nep", 500).statement


def test_a_third_moment_with_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _exponents.saddle_at

    def signed(event: Any, lam: float) -> Any:
        found = plain(event, lam)
        tilted = event.score.tilted(lam)
        return found._replace(third=abs(tilted.third_central_moment))

    monkeypatch.setattr(equipartition, "saddle_at", signed)
    monkeypatch.setattr(_exponents, "saddle_at", signed)
    caught("nep", 500)


def test_a_certificate_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(score: Any, n: int, *, method: str, width: float, **event: Any) -> Bounds:
        if method == "types":
            raise ValueError("not for such a score")
        law = enumerated_law(score, n)
        if "counts" in event:
            threshold = float(event["counts"] @ score.values)
        else:
            threshold = event["threshold"]
        exact = law.log_above(threshold) if event.get("strict", True) else law.log_from(threshold)
        return Bounds(exact + width, exact + 2 * width, method, "P(E)")

    monkeypatch.setattr(of_spectrum, "tail", wrong)
    assert caught("spectrum", 20).statement == "auto holds the exact value"
    found = hunt("spectrum", max_examples=20, stop_at=10**6)
    names = {finding.statement for _, finding in found.violations}
    assert "windows holds the exact value" in names
    assert "windows is narrow" in names
    assert "types holds the exact value" not in found.tightest


def test_a_declared_tie_on_the_wrong_side(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(score: Any, n: int, *, method: str, width: float, **event: Any) -> Bounds:
        if "counts" not in event:
            raise ValueError("not looked at here")
        law, threshold = enumerated_law(score, n), float(event["counts"] @ score.values)
        exact = law.log_from(threshold) if event["strict"] else law.log_above(threshold)
        return Bounds(exact - 1e-9, exact + 1e-9, method, "P(E)")

    monkeypatch.setattr(of_spectrum, "tail", wrong)
    assert "counts = [" in caught("spectrum", 20).case


def test_counts_that_share_their_sum_are_not_compared() -> None:
    score = measures.Score([0.0, 1.0, 2.0], [0.3, 0.4, 0.3])
    law = enumerated_law(score, 12)
    found = [
        of_spectrum._declared(np.random.default_rng(seed), score, law, 12)[1] for seed in range(20)
    ]
    assert any(map(math.isnan, found))


@pytest.mark.parametrize(
    ("one", "other", "holds"),
    [(1.0, 1.0, True), (1.0, 1.1, False), (math.nan, math.nan, True), (math.nan, 1.0, False)],
)
def test_what_is_undefined_is_so_on_both_sides(one: float, other: float, holds: bool) -> None:
    assert (of_classifiers._close("equal", one, other, "a case").margin >= 0.0) is holds


def test_information_that_grows_in_processing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = measures.mutual_information

    def wrong(joint: Any, **options: Any) -> float:
        return float(plain(joint, **options)) * (1.0 + 0.1 / np.shape(joint)[1])

    monkeypatch.setattr(of_measures.measures, "mutual_information", wrong)
    caught("measures", 200)


def test_an_order_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = measures.renyi_entropy

    def wrong(p: Any, alpha: float) -> float:
        return float(plain(p, 1.0 / alpha if alpha > 0 else math.inf))

    monkeypatch.setattr(of_measures.measures, "renyi_entropy", wrong)
    caught("renyi", 200)
