"""A table with columns of every kind, and what single calls and matrices say of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from classifiers.support import quietly

from infotheory.estimators import (
    PairwiseInformation,
    estimate_mutual_information,
    pairwise_mutual_information,
)

N = 60


def alone(x: Any, y: Any, **options: Any) -> float:
    return float(quietly(estimate_mutual_information, x, y, interval=False, **options))


def found(*tables: Any, **options: Any) -> PairwiseInformation:
    result = quietly(pairwise_mutual_information, *tables, **options)
    assert isinstance(result, PairwiseInformation)
    return result


def mixed(n: int = N, seed: int = 5) -> pd.DataFrame:
    """Columns of every kind, each pair of them somewhat dependent."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    near = [common + 0.5 * rng.normal(size=n) for _ in range(7)]
    return pd.DataFrame(
        {
            "real": near[0],
            "single": near[1].astype(np.float32),
            "rounded": near[2].round(0),
            "inflated": np.where(near[3] < 0.0, 0.0, near[3]),
            "whole": near[4].round(0).astype(int),
            "word": np.where(near[5] < 0.0, "low", "high"),
            "flag": near[6] > 0.5,
        }
    )


MEASURED = ["real", "single", "rounded", "inflated"]
