"""Which arrays of a file, or columns of a table, are the outputs of models."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from infotheory.files.source import Source, UnusableFileError, listed, unusable

__all__ = ["LABELS", "choose_outputs"]

LABELS = ("labels", "label")
"""Where labels are looked for in a file; the first that is there counts."""

_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<separator>[_\-. :]?)(?P<number>\d{1,9})", re.DOTALL)

Models = dict[str, tuple[str, ...]]


def choose_outputs(
    source: Source, taken: Collection[str], patterns: Sequence[str] | None
) -> tuple[Models, list[str]]:
    """Choose the models of a file.

    Parameters
    ----------
    source : Source
        The file.
    taken : collection of str
        Arrays of it that are labels, weights or groups.
    patterns : sequence of str, or None
        What the user asked for.

    Returns
    -------
    models : dict of str to tuple of str
        The arrays of each model by the model's name, in the order of the file.
    notes : list of str
        What was passed over, and why, and what was decided that could be meant otherwise.

    Raises
    ------
    UnusableFileError
        If there is no model, a pattern matches none, or it is not clear which columns are meant.
    """
    free = [name for name in source.arrays if name not in taken]
    matrices = [name for name in free if _is_matrix(source, name)]
    scalars = [name for name in free if _is_scalar(source, name)]
    if patterns is None:  # labels may come from another file, and these are still no outputs
        scalars = [name for name in scalars if name not in LABELS]
    models: Models
    notes: list[str] = []
    if patterns is not None:
        models = {}
        for pattern in patterns:
            models |= _matching(source, pattern, matrices, scalars)
        seen = [name for name in free if any(_matches(name, pattern) for pattern in patterns)]
    elif matrices or not scalars:
        models, seen = {name: (name,) for name in matrices}, free
    else:
        models, seen = _tabled(scalars), free
    if not models:
        raise _nothing(source, free)
    for key, columns in models.items():
        models[key] = _by_number(columns) or columns
        if models[key] != columns:
            notes.append(f"columns are taken by their numbers: {listed(models[key])}")
        elif patterns is None and len(columns) > 1 and not _by_number(columns):
            notes.append(f"the outputs are the columns {listed(columns)}, in this order")
    used = {name for columns in models.values() for name in columns}
    return models, [*notes, *_passed_over(source, [name for name in seen if name not in used])]


def _is_matrix(source: Source, name: str) -> bool:
    # Arrays of objects are kept, to be refused one by one when they are read.
    shape, dtype = source.arrays[name]
    return len(shape) == 2 and (dtype.kind in "fiuO" or dtype.name == "bfloat16")


def _is_scalar(source: Source, name: str) -> bool:
    shape, dtype = source.arrays[name]
    return source.noun == "column" and len(shape) == 1 and dtype.kind in "fiu"


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _matching(
    source: Source, pattern: str, matrices: Sequence[str], scalars: Sequence[str]
) -> Models:
    """Return the models that one pattern chooses: arrays, or columns that are one together."""
    found = [name for name in matrices if _matches(name, pattern)]
    if found:
        return {name: (name,) for name in found}
    together = tuple(name for name in scalars if _matches(name, pattern))
    if together:
        return {pattern: together}
    raise unusable(
        "outputs",
        f"chosen by patterns that match {source.noun}s of numbers",
        f"{pattern!r}, and there are {listed([*matrices, *scalars])}",
        "Patterns are those of a shell: 'resnet*'.",
    )


def _tabled(scalars: Sequence[str]) -> Models:
    """Return the models of a table without a pattern: numbered families, or all columns as one."""
    families = {prefix: names for prefix, names in _families(scalars).items() if len(names) > 1}
    numbered = [name for names in families.values() for name in names]
    others = [name for name in scalars if name not in numbered]
    if len(families) > 1 and not others:
        return {
            prefix: tuple(name for name in scalars if name in set(names))
            for prefix, names in families.items()
        }
    if numbered and others:
        raise unusable(
            "outputs",
            "chosen by a pattern where numbered columns have others beside them",
            f"{listed(numbered)} beside {listed(others)}",
            f"Give a pattern, say {_example(numbered)!r}; '*' takes all columns.",
        )
    return {"": tuple(scalars)}


def _example(numbered: Sequence[str]) -> str:
    stem = numbered[0].rstrip("0123456789")
    return f"{stem}*" if stem else "[0-9]*"


def _families(columns: Sequence[str]) -> Models:
    """Return columns that count from 0 or from 1 behind a common prefix, sorted, by that prefix."""
    numbers: dict[tuple[str, str], dict[int, str]] = {}
    for name in columns:
        found = _NUMBERED.fullmatch(name)
        if found:
            prefix, separator, number = found.groups()
            numbers.setdefault((prefix, separator), {})[int(number)] = name
    families: Models = {}
    for (prefix, _), members in numbers.items():
        counted = sorted(members)
        if counted[0] in (0, 1) and counted == list(range(counted[0], counted[0] + len(counted))):
            families.setdefault(prefix, tuple(members[number] for number in counted))
    return families


def _by_number(columns: tuple[str, ...]) -> tuple[str, ...] | None:
    """Sort columns that are one numbered family by their numbers; give None for any others."""
    (family, *more) = _families(columns).values() or ((),)
    if more or len(family) < len(columns):
        return None
    return family


def _passed_over(source: Source, names: Sequence[str]) -> list[str]:
    if source.noun == "column":
        return [f"columns passed over: {listed(names)}"] if names else []
    notes = []
    for name in names:
        shape, dtype = source.arrays[name]
        what = f"{len(shape)}-dimensional" if len(shape) != 2 else f"of the type {dtype}"
        notes.append(f"{name!r} is {what}: passed over")
    return notes


def _nothing(source: Source, free: Sequence[str]) -> UnusableFileError:
    if free == [""]:
        shape, dtype = source.arrays[""]
        fact = f"shape {shape}" if len(shape) != 2 else f"dtype {dtype}"
        return unusable("outputs", "a 2-dimensional array of numbers", f"{fact} in the file")
    what = "column of numbers" if source.noun == "column" else "2-dimensional array of numbers"
    rest = f"; beside the labels it holds {listed(free)}" if free else ""
    return UnusableFileError(f"there is no {what} in it to measure{rest}.")
