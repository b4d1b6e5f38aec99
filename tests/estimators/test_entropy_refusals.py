"""What the entropy estimates refuse, and in which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from infotheory.estimators import estimate_entropy, estimate_entropy_from_counts

SAMPLES = ["a", "b", "a"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"method": "best"}, "method must be one of 'auto', 'plugin', .*, 'jvhw'.*; got 'best'"),
        ({"method": None}, "method must be one of .*; got None"),
        ({"n_symbols": 1}, r"n_symbols must be at least the number of symbols seen \(2\); got 1"),
        ({"n_symbols": 0}, r"n_symbols must be None or an integer from 1 to .*; got 0"),
        ({"n_symbols": 2.0}, "n_symbols must be None or an integer .*; got 2.0"),
        ({"n_symbols": True}, "n_symbols must be None or an integer .*; got True"),
        ({"n_symbols": 2**63}, "n_symbols must be None or an integer .*; got 9223372036854775808"),
        ({"base": 1}, r"base must be None \(nats\) or a finite number greater than 1; got 1"),
        ({"level": 1}, "level must be a number between 0 and 1; got 1"),
    ],
)
def test_options(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        estimate_entropy(SAMPLES, **options)
    with pytest.raises(ValueError, match=text):
        estimate_entropy_from_counts([2, 1], **options)


def test_options_are_checked_before_the_samples_are_read() -> None:
    with pytest.raises(ValueError, match="method must be"):
        estimate_entropy([0.5], method="best")


@pytest.mark.parametrize(
    ("samples", "kind", "text"),
    [
        ([], ValueError, "samples must have at least one sample"),
        (np.zeros(0, dtype=np.int64), ValueError, "samples must have at least one sample"),
        (np.array([1, "a", 2], dtype=object), TypeError, "got string 'a' at row 1 after integer 1"),
        (np.zeros((2, 2, 2), dtype=int), ValueError, "samples must be 1-dimensional"),
        ("abc", ValueError, "samples must be 1-dimensional"),
    ],
)
def test_samples(samples: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        estimate_entropy(samples)


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        ([0.5, 1.5], "samples must be discrete .*Cut measurements into bins"),
        ([1.0, 2.0], "samples must be discrete .*astype"),
    ],
)
def test_measurements_where_the_method_counts(samples: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        estimate_entropy(samples, method="plugin")


def test_policies_for_missing_samples() -> None:
    with pytest.raises(ValueError, match="nan_policy must be one of 'raise', 'omit'; got 'drop'"):
        estimate_entropy(SAMPLES, nan_policy="drop")


@pytest.mark.parametrize(
    ("counts", "kind", "text"),
    [
        ([], ValueError, r"counts must have a sum from 1 to 2\*\*53; got 0 over 0 entries"),
        ([0, 0], ValueError, r"counts must have a sum from 1 to 2\*\*53; got 0 over 2 entries"),
        ([2**53, 1], ValueError, "counts must have a sum .*; got 9.0072e.15 over 2 entries"),
        ([2**70, 1], ValueError, "counts must have a sum .* over 2 entries"),
        ([3, -1], ValueError, "counts must be at least 0; got -1 at entry 1"),
        ([3, -(2**70)], ValueError, "counts must be at least 0; got -.* at entry 1"),
        ([3.0, 1.0], TypeError, r"counts must be integers; got dtype float64. Convert .*astype"),
        ([3.0, np.nan], TypeError, "counts must be integers; got nan at entry 1. Leave out"),
        ([True, False], TypeError, "counts must be integers; got dtype bool"),
        (["3"], TypeError, "counts must be integers; got dtype <U1"),
        ([3, None], TypeError, "counts must be integers; got None at entry 1. Pass whole numbers"),
        (np.array([3, 1.5], dtype=object), TypeError, "got 1.5 at entry 1"),
        (np.array([3, True], dtype=object), TypeError, "got True at entry 1"),
        (pd.Series([3, pd.NA], dtype="Int64"), TypeError, "got nan at entry 1"),
        ({"a": 0.5}, TypeError, "counts must be integers; got dtype float64"),
        ([[1, 2]], ValueError, r"counts must be 1-dimensional.*; got shape \(1, 2\)"),
        (
            np.ma.array([3, 9, 1], mask=[0, 1, 0]),
            ValueError,
            "masked entries; .* at entry 1. Fill",
        ),
        (
            [3, np.ma.masked],
            ValueError,
            "counts must be without masked entries; got one .* 1",
        ),
        (5, ValueError, r"counts must be 1-dimensional.*; got shape \(\)"),
    ],
)
def test_counts(counts: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        estimate_entropy_from_counts(counts)
