"""Which columns of a table are the samples, and which the labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from infotheory._validation import refusal

__all__ = ["chosen_columns"]

_LABELS = ("label", "labels", "target", "class")
_SAMPLES = (
    ("image",),
    ("img",),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("premise", "hypothesis"),
    ("text_a", "text_b"),
    ("sentence",),
    ("text",),
    ("features",),
)
_SHOWN = 20


def chosen_columns(
    where: str,
    there: Sequence[str],
    sample: str | None,
    label: str | None,
    numbers: Collection[str] = (),
) -> tuple[tuple[str, ...], str]:
    """Choose the columns of samples and of labels.

    Parameters
    ----------
    where : str
        What a refusal calls the data.
    there : sequence of str
        Names of the columns.
    sample : str or None
        Names with commas between them; by default the usual ones, or all but the labels where only
        one is left or all of them are numbers.
    label : str or None
        Name; by default a usual one.
    numbers : collection of str
        Which columns are of single numbers.

    Returns
    -------
    samples : tuple of str
        One column or several.
    label : str
        Another one.

    Raises
    ------
    ValueError
        If there is no such column, or none has a usual name.
    """
    labels = [name for name in _LABELS if name in there] if label is None else [label]
    if not labels or labels[0] not in there:
        raise _missing(where, "label", label, there)
    rest = [name for name in there if name != labels[0]]
    if sample is not None:
        chosen = (sample,) if sample in rest else tuple(sample.split(","))
    else:
        usual = [names for names in _SAMPLES if set(names) <= set(rest)]
        chosen = usual[0] if usual else tuple(rest)
        if not (usual or len(rest) == 1 or (rest and set(rest) <= set(numbers))):
            raise _missing(where, "sample", None, there)
    unknown = [name for name in chosen if name not in rest]
    if unknown:
        raise _missing(where, "sample", unknown[0], there)
    return chosen, labels[0]


def _missing(where: str, role: str, asked: str | None, there: Sequence[str]) -> ValueError:
    listed = ", ".join(map(repr, there[:_SHOWN])) + (", ..." if len(there) > _SHOWN else "")
    fact = "none of the usual names" if asked is None else repr(asked)
    fix = f"Say which: ?{role}=COLUMN behind the place."
    return refusal(role, f"a column of {where}, which has {listed or 'none'}", fact, fix)
