"""Classes of a data set as output symbols of a model: by their names, or by their numbers."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.models.interface import Classifier, LabelledData

__all__ = ["Alignment", "align"]

_SHOWN = 5
_WORDNET = re.compile(r"n\d{8}")  # how folders of ImageNet are called
_IMAGENET = 1000
_WHOLE = re.compile(r"-?\d+")
_FIX = "Pass label_map={class: output, ...} (--label-map FILE), or take data of these classes."

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Alignment:
    """Labels that count the output symbols of a model.

    Attributes
    ----------
    n_classes : int or None
        Number of output symbols K; None where neither the model nor the names of the data set say.
    labels : ndarray of int, shape (n,)
        Output symbol of the class of each sample.
    class_names : tuple of str or None
        Names of the output symbols.
    notes : tuple of str
        What was done to the labels, where something was.
    """

    n_classes: int | None
    labels: IntArray
    class_names: Names | None
    notes: tuple[str, ...] = ()


def align(
    data: LabelledData,
    model: Classifier,
    label_map: Mapping[str | int, str | int] | str | os.PathLike[str] | None = None,
) -> Alignment:
    """Find the output symbol of each class of a data set.

    Parameters
    ----------
    data : LabelledData
        The data set.
    model : Classifier
        The model. Where it learns its number of outputs from its first batch, call this again then.
    label_map : mapping or path, optional
        Output symbol of a class, each by its number or name; or the JSON file of such an object.
        Classes that it leaves out are found by their names.

    Returns
    -------
    Alignment

    Raises
    ------
    ValueError
        If names do not match, a match is ambiguous, numbers of classes differ, or the map speaks of
        classes or symbols that there are not.

    Notes
    -----
    Names are compared as they are; failing that without regard to case, and to spaces, hyphens and
    underscores between words; and failing that by the most names in common of their lists with
    commas (``tench`` and ``tench, Tinca tinca``). Where each class fits the symbol of its number,
    labels are left as they are; in another order, or where the data set has only some of the
    classes of the model, labels are renumbered, and a note says so. Classes without samples need no
    symbol. Where only one of the two has names, the numbers of classes must agree; where only
    labels are known, none may be beyond the outputs. A model whose names are whole numbers, other
    than 0, 1, ... in order, such as the ``classes_`` of scikit-learn, finds labels without names
    by their values.

    A data set of the 1000 WordNet numbers of ImageNet (``n01440764``, ...) is taken to be in the
    order of its 1000 classes, which is that of the numbers.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from infotheory.models import as_dataset
    >>> from infotheory.models.label_names import align
    >>> data = as_dataset([[0.0], [1.0]], ["cat", "dog"])
    >>> model = SimpleNamespace(name="pets", n_outputs=2, class_names=("Dog", "Cat"))
    >>> found = align(data, model)
    >>> found.labels
    array([1, 0])
    >>> found.notes
    ("labels renumbered: class 'cat' of data is number 0 there and 1 in pets",)
    """
    used = np.unique(data.labels).tolist()
    mapped = {} if label_map is None else _of_map(label_map, data, model)
    if data.class_names is None or model.class_names is None:
        values = None if data.class_names is not None else _values(model)
        if values is not None:
            return _renumbered(data, model, {**values, **mapped}, used)
        if mapped:
            return _renumbered(data, model, mapped, used)
        return _by_number(data, model)
    if not mapped and _is_imagenet(data.class_names, model.class_names):
        note = f"the {_IMAGENET} WordNet numbers of {data.name} taken for the classes of ImageNet"
        return Alignment(_IMAGENET, data.labels, model.class_names, (note,))
    lookup = _Lookup(model.class_names)
    fits = [lookup.find(name) for name in data.class_names]
    same = len(fits) == len(model.class_names)
    if same and all(number in symbols for number, symbols in enumerate(fits)):
        notes = _by_place(data, model, fits, used)
        return _renumbered(data, model, {**{n: n for n in used}, **mapped}, used, notes)
    found = _by_name(data, model, fits, [number for number in used if number not in mapped])
    return _renumbered(data, model, {**found, **mapped}, used)


def _outputs(model: Classifier) -> int | None:
    return model.n_outputs if model.class_names is None else len(model.class_names)


def _is_imagenet(names: Names, symbols: Names) -> bool:
    numbers = all(map(_WORDNET.fullmatch, names)) and not any(map(_WORDNET.fullmatch, symbols))
    return numbers and len(names) == len(symbols) == _IMAGENET and list(names) == sorted(names)


def _by_number(data: LabelledData, model: Classifier) -> Alignment:
    """Leave the labels as they are, where one side has no names."""
    k, most = _outputs(model), int(data.labels.max())
    names = model.class_names if model.class_names is not None else data.class_names
    notes: Names = ()
    if data.class_names is not None:
        n_classes = len(data.class_names)
        if k is not None and n_classes != k:
            raise refusal(
                "data",
                f"have as many classes as {model.name} has outputs ({k})",
                f"{n_classes} classes in {data.name} ({_listed(data.class_names)})",
                _FIX,
            )
        return Alignment(n_classes, data.labels, names)
    if k is not None and most >= k:
        row = int(np.argmax(data.labels >= k))
        raise refusal(
            "labels",
            f"below the number of outputs of {model.name} ({k})",
            f"{data.labels[row]} at {data.where(row)}",
            _FIX,
        )
    if k is not None and most + 1 < k:
        notes = (f"labels of {data.name} go up to {most}, {model.name} has {k} outputs",)
    return Alignment(k, data.labels, names, notes)


def _values(model: Classifier) -> dict[int, int] | None:
    """Return the symbols of labels that a model knows by their values, if it does."""
    names = model.class_names or ()
    if not names or not all(map(_WHOLE.fullmatch, names)):
        return None
    values = [int(name) for name in names]
    ordinary = values == list(range(len(values))) or len(set(values)) < len(values)
    return None if ordinary else {value: number for number, value in enumerate(values)}


def _by_place(
    data: LabelledData, model: Classifier, fits: Sequence[Sequence[int]], used: Sequence[int]
) -> Names:
    """Say where only the place of a class, among several that fit as well, has decided."""
    assert data.class_names is not None
    assert model.class_names is not None
    names = [data.class_names[number] for number in used if len(fits[number]) > 1]
    names = [name for name in names if name not in model.class_names]  # the same names twice
    if not names:
        return ()
    fit = f"{len(names)} class(es) of {data.name} fit several outputs of {model.name}"
    return (f"{fit} and were taken for those of their numbers: {_listed(names)}",)


def _by_name(
    data: LabelledData, model: Classifier, fits: Sequence[list[int]], classes: Sequence[int]
) -> dict[int, int]:
    """Find the symbols of some classes by their names, each class one of its own."""
    assert data.class_names is not None
    assert model.class_names is not None
    found = {number: fits[number] for number in classes}
    unknown = [data.class_names[number] for number, symbols in found.items() if not symbols]
    if unknown:
        raise refusal(
            "class names",
            f"those of {model.name} ({_listed(model.class_names)})",
            f"{_listed(unknown)} in {data.name}, {len(unknown)} without a match",
            _FIX,
        )
    owner: dict[int, int] = {}
    for number, symbols in found.items():
        if len(symbols) > 1 or symbols[0] in owner:
            name = data.class_names[number]
            fact = f"{name!r} of {data.name}, which fits outputs {symbols} of {model.name}"
            if len(symbols) == 1:
                other = data.class_names[owner[symbols[0]]]
                fact = f"{other!r} and {name!r} of {data.name}, which fit one output"
            raise refusal("class names", "of one output each", fact, _FIX)
        owner[symbols[0]] = number
    return {number: symbols[0] for number, symbols in found.items()}


def _renumbered(
    data: LabelledData,
    model: Classifier,
    found: Mapping[int, int],
    used: Sequence[int],
    notes: Names = (),
) -> Alignment:
    missing = [number for number in used if number not in found]
    if missing and _values(model) is not None:
        row = int(np.argmax(data.labels == missing[0]))
        raise refusal(
            "labels",
            f"among the classes of {model.name} ({_listed(model.class_names or ())})",
            f"{missing[0]} at {data.where(row)}",
            _FIX,
        )
    if missing:
        raise refusal(
            "label_map",
            "have every class with samples, where there are no names to compare",
            f"nothing for class {_class(data, missing[0])} of {data.name}",
            "Add it.",
        )
    table = np.zeros(max(used) + 1, np.int64)
    for number in used:
        table[number] = found[number]
    said = list(notes)
    moved = next((number for number in used if found[number] != number), None)
    if moved is not None:
        said.append(
            f"labels renumbered: class {_class(data, moved)} of {data.name} is number {moved} "
            f"there and {found[moved]} in {model.name}"
        )
    k = _outputs(model)
    if k is not None and len({found[number] for number in used}) < k:
        count = len({found[number] for number in used})
        said.append(f"{data.name} has samples of {count} of the {k} classes of {model.name}")
    return Alignment(k, table[data.labels], model.class_names, tuple(said))


class _Lookup:
    """Output symbols by their names."""

    def __init__(self, names: Names) -> None:
        self._exact: dict[str, list[int]] = {}
        self._whole: dict[str, list[int]] = {}
        self._part: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            self._exact.setdefault(name, []).append(number)
            self._whole.setdefault(_plain(name), []).append(number)
            for word in _words(name):
                self._part.setdefault(word, []).append(number)

    def find(self, name: str) -> list[int]:
        """Return the symbols of a name: as it is, or written otherwise, or by most of its words."""
        whole = self._exact.get(name) or self._whole.get(_plain(name))
        if whole:
            return whole
        shared = Counter(number for word in _words(name) for number in self._part.get(word, ()))
        most = max(shared.values(), default=0)
        return sorted(number for number, count in shared.items() if count == most)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _words(name: str) -> set[str]:
    """Return the names that a list with commas has, and the whole."""
    return {_plain(name), *(_plain(part) for part in name.split(",") if part.strip())}


def _class(data: LabelledData, number: int) -> str:
    return repr(number if data.class_names is None else data.class_names[number])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")


def _of_map(
    label_map: Mapping[str | int, str | int] | str | os.PathLike[str],
    data: LabelledData,
    model: Classifier,
) -> dict[int, int]:
    """Return the numbers that a map speaks of."""
    pairs = _read(label_map) if isinstance(label_map, (str, os.PathLike)) else label_map
    if not isinstance(pairs, Mapping):
        raise TypeError(
            f"label_map must be a mapping or the path of one in JSON; got {type(pairs).__name__}. "
            "Give the output of each class: {'cat': 3}."
        )
    n_classes = int(data.labels.max()) + 1 if data.class_names is None else len(data.class_names)
    return {
        _number(key, data.class_names, n_classes, f"a class of {data.name}"): _number(
            value, model.class_names, _outputs(model), f"an output of {model.name}"
        )
        for key, value in pairs.items()
    }


def _read(path: str | os.PathLike[str]) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise refusal(
            "label_map", "a mapping or a readable file of one in JSON", f"{path!s} ({error})"
        ) from error


def _number(entry: Any, names: Names | None, count: int | None, what: str) -> int:
    """Return the number of a class or symbol that is named, or numbered (as text too, in JSON)."""
    found = _Lookup(names).find(entry) if names is not None and isinstance(entry, str) else []
    if not found and str(entry).isdecimal() and (count is None or int(entry) < count):
        found = [int(entry)]
    if len(found) == 1:
        return found[0]
    known = f"{count} of them" if names is None else _listed(names)
    fact = f"{entry!r}, which fits {found}" if found else repr(entry)
    raise refusal("label_map", f"have {what} by name or number ({known})", fact, "")
