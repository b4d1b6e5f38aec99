"""Files and folders that a text names, and their splits into training and test samples."""

from __future__ import annotations

from pathlib import Path

from infotheory._validation import refusal
from infotheory.models.specs import Spec

__all__ = ["SPLITS", "chosen_split", "existing_file", "existing_folder"]

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
"""The split that a name stands for."""


def existing_folder(spec: Spec) -> Path:
    """Return the folder that a text names, or refuse it.

    Parameters
    ----------
    spec : Spec
        Names it as its place.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is none.
    """
    path = Path(spec.place).expanduser()
    if not path.is_dir():
        raise _refused(spec, "folder", "a file" if path.exists() else "")
    return path.resolve()


def existing_file(spec: Spec) -> Path:
    """Return the file that a text names, or refuse it.

    Parameters
    ----------
    spec : Spec
        Names it as its place.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is none.
    """
    path = Path(spec.place).expanduser()
    if not path.is_file():
        raise _refused(spec, "file", "a folder" if path.is_dir() else "")
    return path


def _refused(spec: Spec, wanted: str, found: str) -> ValueError:
    fact = found or f"no such {wanted}"
    return refusal(spec.argument, f"an existing {wanted}", f"{fact}: {spec.text!r}")


def chosen_split(spec: Spec, asked: str | None, there: list[str]) -> str:
    """Return the split that is asked for, or the only one, or refuse.

    Parameters
    ----------
    spec : Spec
        What names the data.
    asked : str or None
        What its option says.
    there : list of str
        Splits that there are.

    Returns
    -------
    str
        One of them; another usual name of it will do, where that fits one.

    Raises
    ------
    ValueError
        If it is not there, or none is asked for of several.
    """
    if asked is None and len(there) == 1:
        return there[0]
    if asked in there:
        return asked
    alike = [name for name in there if asked and SPLITS.get(name) == SPLITS.get(asked, "")]
    if len(alike) == 1:
        return alike[0]
    listed = ", ".join(map(repr, there))
    fact = "none" if asked is None else repr(asked)
    raise refusal(
        "split", f"one of {listed}", f"{fact} in {spec.text!r}", f"Add ?split={there[0]}."
    )
