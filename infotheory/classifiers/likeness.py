"""What accumulators must have in common before their sums add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infotheory._validation import refusal

if TYPE_CHECKING:
    from infotheory.classifiers.accumulator import NCMIAccumulator

__all__ = ["check_names", "refuse_repeats", "refuse_unlike"]


def check_names(class_names: Sequence[str] | None, n_classes: int | None) -> None:
    """Refuse names of classes that are not as many as the classes, where both are known."""
    if class_names is None or n_classes is None:
        return
    if len(class_names) != n_classes:
        raise refusal(
            "class_names",
            f"have one name per class ({n_classes})",
            f"{len(class_names)} names",
            "List them in the order of the class numbers.",
        )


def refuse_unlike(mine: NCMIAccumulator, other: NCMIAccumulator) -> None:
    """Refuse to merge accumulators that measure different things."""
    settings = {
        **{name: (value, other.settings[name]) for name, value in mine.settings.items()},
        "n_outputs": (mine.n_outputs, other.n_outputs),
    }
    names, its_names = settings.pop("class_names")
    for name, (own, its) in settings.items():
        if own != its and None not in (own, its):
            raise refusal(
                f"{name} of the accumulator to merge",
                f"equal ({own!r})",
                repr(its),
                "Only like measurements add up.",
            )
    if None not in (names, its_names) and names != its_names:
        raise refusal(
            "class_names of the accumulator to merge",
            "equal",
            f"{its_names!r} for {names!r}",
            "Class numbers must mean the same in both.",
        )
    check_names(names or its_names, mine.n_classes or other.n_classes)


def refuse_repeats(mine: NCMIAccumulator, other: NCMIAccumulator) -> None:
    """Refuse to merge accumulators in which a saved state is contained twice."""
    repeated = mine.digests & other.digests
    if repeated:
        raise refusal(
            "a saved state",
            "merged once",
            f"one that is contained already (digest {min(repeated)[:12]})",
            "Pass allow_repeats=True to count those samples again.",
        )
