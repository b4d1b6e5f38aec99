"""What estimates come back as."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pickle

import pytest

from infotheory._results import Estimate, Interval, unit_name

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


# --------------------------------------------------------------------------------------- estimates

BITS = Estimate(
    1.5,
    interval=Interval(1.5, 1.25, 1.75, 0.125, 0.9, "jackknife"),
    n=40,
    method="zhang",
    base=2.0,
    n_symbols=7,
    p_value=0.03,
    warnings=("few samples <here>",),
)
NATS = Estimate(
    0.25, interval=Interval(0.25, math.nan, math.nan, math.nan, 0.95, "none"), n=3, method="plugin"
)


def test_an_estimate_is_a_float() -> None:
    assert isinstance(BITS, float)
    assert BITS == 1.5 == BITS.value
    assert type(BITS.value) is float
    assert BITS + 1 == 2.5
    assert math.sqrt(NATS) == 0.5
    assert f"{BITS:.3f}" == "1.500"
    assert sorted([BITS, NATS]) == [NATS, BITS]
    assert hash(BITS) == hash(1.5)


def test_what_an_estimate_knows() -> None:
    assert (BITS.low, BITS.high, BITS.standard_error, BITS.level) == (1.25, 1.75, 0.125, 0.9)
    assert (BITS.n, BITS.method, BITS.base, BITS.n_symbols) == (40, "zhang", 2.0, 7)
    assert (BITS.unit, NATS.unit) == ("bits", "nats")
    assert (NATS.p_value, NATS.warnings, NATS.base, NATS.n_symbols) == (None, (), None, None)
    assert unit_name(10.0) == "base 10"


def test_an_estimate_prints_one_line() -> None:
    assert str(BITS) == "1.5 bits, 90 % [1.25, 1.75], zhang, n=40, p=0.03"
    assert repr(BITS) == f"Estimate({BITS})"
    assert f"{NATS}" == "0.25 nats, plugin, n=3"


def test_an_estimate_in_a_notebook() -> None:
    html = BITS._repr_html_()
    assert "<th>method</th><td>zhang</td>" in html
    assert "few samples &lt;here&gt;" in html
    assert "<th>p-value</th><td>0.03</td>" in html
    assert "p-value" not in NATS._repr_html_()


def test_an_estimate_as_plain_values() -> None:
    values = BITS.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values == {
        "value": 1.5,
        "standard_error": 0.125,
        "low": 1.25,
        "high": 1.75,
        "level": 0.9,
        "interval_method": "jackknife",
        "n": 40,
        "n_symbols": 7,
        "method": "zhang",
        "base": 2.0,
        "p_value": 0.03,
        "warnings": ["few samples <here>"],
    }


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))],  # noqa: S301
)
def test_copies_keep_everything(copied) -> None:  # type: ignore[no-untyped-def]
    other = copied(BITS)
    assert type(other) is Estimate
    assert other.to_dict() == BITS.to_dict()


def test_an_estimate_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="an Estimate cannot be changed; 'n' was to be set"):
        BITS.n = 5
    for name in ("method", "none"):
        with pytest.raises(AttributeError, match=f"be changed; '{name}' was to be deleted"):
            delattr(BITS, name)
    assert BITS.method == "zhang"
