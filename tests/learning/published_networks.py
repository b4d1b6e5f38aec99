"""The networks by name, with the sizes that the literature gives them."""

from __future__ import annotations

from typing import Any

# Parameters as published: He et al. (2016) and Zagoruyko and Komodakis (2016) to two digits; these
# exact counts are the sums over their layers, as `counted` adds them up.
RESNETS = {
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
}
# With 100 classes, as studies of distillation count them.
OTHERS = {
    "resnet8x4": 1_233_540,
    "resnet32x4": 7_433_860,
    "wrn_16_2": 703_284,
    "wrn_40_1": 569_780,
    "wrn_40_2": 2_255_156,
}


def networks() -> Any:
    from infotheory.learning import networks as found

    return found
