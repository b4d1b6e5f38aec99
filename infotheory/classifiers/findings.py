"""What makes a number of a report mean less than it seems."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from infotheory._results import Interval
from infotheory.classifiers.class_sums import ClassSums
from infotheory.exceptions import (
    EmptyClassWarning,
    InfiniteSeparationWarning,
    InfotheoryWarning,
    SingleClassWarning,
    UndefinedIntervalWarning,
)

__all__ = ["findings"]


def findings(
    sums: ClassSums,
    gamma: float,
    names: Sequence[object],
    intervals: Mapping[str, Interval],
) -> Iterator[tuple[type[InfotheoryWarning], str]]:
    """Yield the category and text of each warning, given what the report is made of."""
    if sums.classes.size < sums.n_classes:
        absent = np.ones(sums.n_classes, np.bool_)
        absent[sums.classes] = False
        empty = np.flatnonzero(absent)
        shown = ", ".join(str(names[i]) for i in empty[:10])
        more = f" and {empty.size - 10} more" if empty.size > 10 else ""
        yield (
            EmptyClassWarning,
            f"{empty.size} of {sums.n_classes} classes have no samples and weight 0: {shown}{more}",
        )
    if sums.classes.size == 1:
        yield (
            SingleClassWarning,
            f"NCMI is undefined (nan): all samples have class {names[sums.classes[0]]}; Gamma is 0",
        )
    elif gamma == 0.0:
        yield (
            SingleClassWarning,
            "NCMI is undefined (nan): all outputs are the same single symbol, so Gamma is 0",
        )
    if math.isinf(gamma) and sums.zeros is not None:
        row = sums.first_zero_row
        first = "" if row is None else f" (first in row {row})"
        yield (
            InfiniteSeparationWarning,
            (
                f"Gamma is infinite and NCMI 0: {int(sums.zeros.sum())} probabilities are exactly "
                f"zero{first}, some where another class has mass; "
                "do not rank this NCMI; smoothing=1e-3 gives a finite one"
            ),
        )
    unknown = [
        name
        for name, interval in intervals.items()
        if math.isfinite(interval.estimate) and math.isnan(interval.low)
    ]
    if unknown and math.isfinite(gamma) and gamma > 0.0:
        yield (
            UndefinedIntervalWarning,
            f"no interval for {', '.join(unknown)}: too few samples that vary within their class",
        )
