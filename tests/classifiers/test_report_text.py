"""Lines of a report that are there only where there is something to say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from classifiers.support import measure

from infotheory import NCMIAccumulator

LOGITS = np.array([[2.0, 0.5, 0.0], [0.0, 3.0, 1.0], [0.5, 0.0, 1.0], [1.0, 0.0, 0.5]])
LABELS = np.array([0, 1, 2, 1])


def lines(**options: object) -> dict[str, str]:
    masked = LOGITS.copy()
    masked[2, 1] = -math.inf
    outputs = masked if options.pop("masked", False) else LOGITS
    text = str(measure(outputs, LABELS, **options)).split("\n")
    return {line[:40].split("  ")[0]: line.split("  ")[-1].strip() for line in text}


def test_plain_measurements_say_no_more_than_they_must() -> None:
    assert not {"exact zeros", "temperature, smoothing", "intervals"} & lines().keys()


def test_exact_zeros() -> None:
    assert lines(masked=True)["exact zeros"] == "1, first in row 2"
    masked = np.where(np.arange(4)[:, None] == 2, [0.5, -math.inf, 1.0], LOGITS)
    # The first row of a group is not known.
    report = measure(masked, LABELS, groups=["a", "b", "a", "b"])
    assert "exact zeros" in str(report.group("a"))
    assert "first in row" not in str(report.group("a"))
    assert "exact zeros" not in str(report.group("b"))


@pytest.mark.parametrize(
    ("options", "shown"),
    [({"temperature": 2.5}, "2.5, 0"), ({"smoothing": 0.01}, "1, 0.01")],
)
def test_what_was_applied(options: dict[str, float], shown: str) -> None:
    assert lines(**options)["temperature, smoothing"] == shown


@pytest.mark.parametrize(("base", "unit"), [(None, "nats"), (2, "bits"), (10, "base 10")])
def test_units(base: float | None, unit: str) -> None:
    report = measure(LOGITS, LABELS, base=base)
    assert report.unit == unit
    assert f"Gamma, separation [{unit}]" in str(report)
    assert f"Gamma, separation [{unit}]" in report._repr_html_()


def test_an_accumulator_says_what_it_holds() -> None:
    accumulator = NCMIAccumulator()
    assert repr(accumulator) == "NCMIAccumulator(n=0, n_classes=None, n_outputs=None)"
    accumulator.update(LOGITS, LABELS)
    assert repr(accumulator) == "NCMIAccumulator(n=4, n_classes=3, n_outputs=3)"
