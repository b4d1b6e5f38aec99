"""Strategies for users: what they draw is accepted everywhere, and is awkward enough."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from infotheory import testing
from infotheory.classifiers import ncmi
from infotheory.measures import entropy, kl_divergence, mutual_information
from infotheory.sources import MarkovChain
from infotheory.spectrum.markov import MarkovScore
from infotheory.testing import strategies

quick = settings(max_examples=2000, derandomize=True, database=None)


def found(strategy: Any, condition: Any) -> Any:
    """The simplest case of a kind that a search is meant to come across."""
    return find(strategy, condition, settings=quick)


def information(p: Any, channel: Any) -> float:
    return float(mutual_information(p[:, None] * channel))


def same_rows(matrix: Any) -> bool:
    return bool((matrix == matrix[0]).all())


# ------------------------------------------------------------------- they keep what they promise


@given(strategies.distributions(min_size=2, max_size=5))
def test_distributions_are_distributions(p: Any) -> None:
    assert 2 <= len(p) <= 5
    assert 0.0 <= entropy(p) <= np.log(len(p)) + 1e-12


@given(strategies.distributions(zeros=False))
def test_no_zeros_where_none_are_asked_for(p: Any) -> None:
    assert p.min() > 0.0


@given(strategies.distribution_pairs(max_size=4))
def test_pairs_have_one_alphabet(pair: Any) -> None:
    p, q = pair
    assert p.shape == q.shape
    assert len(p) <= 4
    assert kl_divergence(p, q) >= 0.0


@given(strategies.joints(max_rows=2, max_columns=3))
def test_joints_are_distributions(joint: Any) -> None:
    assert joint.shape[0] <= 2
    assert joint.shape[1] <= 3
    # An information is a mean of up to 690 nats of logarithms, each rounded.
    assert -1e-12 <= mutual_information(joint) <= entropy(joint.sum(axis=1)) + 1e-12


@given(strategies.joints(zeros=False))
def test_joints_without_zeros(joint: Any) -> None:
    assert joint.sum() == pytest.approx(1.0, abs=1e-12)
    assert joint.min() >= 0.0  # products of two tiny ones underflow


@given(strategies.channels(inputs=3, max_outputs=2))
def test_channels_have_rows_that_are_distributions(channel: Any) -> None:
    assert channel.shape[0] == 3
    assert channel.shape[1] <= 2
    assert channel.sum(axis=1) == pytest.approx(1.0, abs=1e-12)


@given(strategies.channels(max_inputs=2, zeros=False))
def test_channels_without_zeros(channel: Any) -> None:
    assert len(channel) <= 2
    assert channel.min() > 0.0


@given(strategies.degraded_channels())
def test_what_is_degraded_tells_less(case: Any) -> None:
    assert case.better.shape[0] == case.worse.shape[0] == len(case.p)
    assert information(case.p, case.worse) <= information(case.p, case.better) + 1e-12


@given(strategies.markov_chains())
def test_chains_are_accepted(transition: Any) -> None:
    assert MarkovScore(transition).entropy_rate >= 0.0


@given(strategies.markov_chains(min_states=2, max_states=2, zeros=False))
def test_chains_without_zeros(transition: Any) -> None:
    assert transition.shape == (2, 2)
    assert transition.min() > 0.0


@pytest.mark.filterwarnings("ignore::infotheory.exceptions.InfotheoryWarning")
@given(strategies.labelled_outputs())
def test_outputs_are_accepted(case: Any) -> None:
    # Not a number where CMI and Gamma are both zero.
    assert not ncmi(case.outputs, case.labels, kind=case.kind) < -1e-12


@given(strategies.labelled_outputs(max_samples=3, max_classes=2, kind="probs"))
def test_probabilities_where_they_are_asked_for(case: Any) -> None:
    assert case.kind == "probs"
    assert case.outputs.shape == (len(case.labels), 2)
    assert len(case.labels) <= 3
    assert case.outputs.sum(axis=1) == pytest.approx(1.0, abs=1e-12)


# --------------------------------------------------------------- and come across what is awkward


@pytest.mark.parametrize(
    ("strategy", "condition"),
    [
        (strategies.distributions(), lambda p: len(p) == 1),
        (strategies.distributions(min_size=3), lambda p: np.count_nonzero(p) == 1),
        (strategies.distributions(min_size=3), lambda p: np.ptp(p) == 0),
        (strategies.distributions(), lambda p: 0 < p.min() < 1e-200),
        (strategies.distributions(), lambda p: len(p) > 1 and 0 < 1 - p.max() < 1e-11),
        (strategies.distributions(min_size=3), lambda p: len(set(p)) < len(p) > 1 and np.ptp(p)),
        (strategies.distribution_pairs(), lambda pq: len(pq[0]) > 2 and (pq[0] == pq[1]).all()),
        (
            strategies.distribution_pairs(),
            lambda pq: 0 < np.abs(pq[0] - pq[1]).max() < 1e-7,
        ),
        (strategies.distribution_pairs(), lambda pq: ((pq[1] == 0) & (pq[0] > 0)).any()),
        (
            strategies.joints(),
            lambda j: min(j.shape) > 1 and 0 < mutual_information(j) < 1e-9,
        ),
        (
            strategies.joints(),
            lambda j: (j == 0).any() and (np.count_nonzero(j, axis=1) == 1).all(),
        ),
        (strategies.channels(), lambda w: min(w.shape) > 1 and same_rows(w)),
        (strategies.channels(), lambda w: len(w) > 2 and set(w.ravel()) == {0.0, 1.0}),
        (
            strategies.degraded_channels(),
            lambda c: information(c.p, c.worse) < information(c.p, c.better) - 0.1,
        ),
        (strategies.markov_chains(min_states=2), lambda t: same_rows(t) and t.max() < 1),
        (strategies.markov_chains(min_states=3), lambda t: set(t.ravel()) == {0.0, 1.0}),
        (strategies.markov_chains(min_states=2), lambda t: 1 - 1e-8 < np.diag(t).min() < 1),
        (strategies.markov_chains(min_states=2), lambda t: 0 < np.diag(t).max() < 1e-8),
        (strategies.labelled_outputs(), lambda c: len(c.labels) > 3 and len(set(c.labels)) == 1),
        (strategies.labelled_outputs(), lambda c: c.kind == "probs" and c.outputs.max() == 1),
        (strategies.labelled_outputs(), lambda c: 0 < np.ptp(c.outputs) < 1e-5),
    ],
)
def test_awkward_cases_are_found(strategy: Any, condition: Any) -> None:
    found(strategy, condition)


def test_cases_shrink_to_something_small() -> None:
    p = found(strategies.distributions(), lambda p: np.count_nonzero(p) >= 2)
    assert p.tolist() == [0.5, 0.5]


def test_chains_of_one_state() -> None:
    assert MarkovChain(found(strategies.markov_chains(), lambda t: len(t) == 1)).entropy_rate() == 0


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: strategies.distributions(min_size=0), "min_size must be a positive integer"),
        (
            lambda: strategies.distributions(min_size=3, max_size=2),
            "max_size must be at least min_size",
        ),
        (lambda: strategies.joints(max_rows=0), "max_rows must be a positive integer"),
        (lambda: strategies.channels(inputs=-1), "inputs must be a positive integer"),
        (lambda: strategies.markov_chains(min_states=5), r"at least min_size \(5\); got 3"),
        (
            lambda: strategies.labelled_outputs(kind="scores"),
            "kind must be one of 'logits', 'probs'",
        ),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    @settings(max_examples=1, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def drawn(data: Any) -> None:
        data.draw(make())

    with pytest.raises(ValueError, match=message):
        drawn()


def test_the_room_knows_its_strategies() -> None:
    assert testing.__getattr__("strategies") is strategies
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = testing.nonsense


def test_without_hypothesis_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    spec = importlib.util.spec_from_file_location("again", strategies.__file__)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ImportError, match=r"pip install 'infotheory-toolkit\[verify\]'"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
