"""The interval that estimates come with."""

from __future__ import annotations

import dataclasses
import math

import pytest

from infotheory._results import Interval

SHOWN = Interval(2.0, 1.5, 3.0, 0.25, 0.95, "jackknife over 20 shards", bias=-0.125)


def test_what_follows_from_the_fields() -> None:
    assert SHOWN.width == 1.5
    assert SHOWN.corrected == 2.125
    assert str(SHOWN) == "2 [1.5, 3]"
    assert str(Interval(math.inf, math.nan, math.nan, math.nan, 0.9, "")) == "inf [nan, nan]"


def test_what_it_contains() -> None:
    assert all(value in SHOWN for value in (1.5, 2.0, 3.0))
    assert not any(value in SHOWN for value in (1.4999, 3.0001, math.nan))
    assert 1.0 not in Interval(1.0, math.nan, math.nan, math.nan, 0.95, "")


def test_another_unit() -> None:
    unit = math.log(2)
    bits = SHOWN.scaled(unit)
    for name in ("estimate", "low", "high", "standard_error", "bias", "width", "corrected"):
        assert getattr(bits, name) == pytest.approx(getattr(SHOWN, name) / unit, rel=1e-15)
    assert (bits.level, bits.method) == (SHOWN.level, SHOWN.method)
    assert Interval(1.0, 0.5, 2.0, 0.1, 0.95, "").bias == 0.0


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SHOWN.low = 0.0  # type: ignore[misc]
