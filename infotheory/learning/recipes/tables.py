"""Tables of a recipe become arguments: what a class does not take is refused by name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from infotheory._validation import refusal

__all__ = ["built", "check_keys", "check_type"]

T = TypeVar("T")


def check_keys(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse keys that nothing reads.

    Parameters
    ----------
    table : mapping
        A table of the recipe.
    known : iterable of str
        Keys that are read.
    where : str
        What a refusal calls the table.

    Raises
    ------
    ValueError
        If there is another key; the text names the one that looks most like it.
    """
    names = list(known)
    for key in table:
        if key not in names:
            alike = difflib.get_close_matches(key, names, n=1)
            fix = f"Did you mean {alike[0]!r}?" if alike else "Take it out."
            listed = ", ".join(sorted(names)) or "nothing"
            raise refusal(where, f"have only keys it knows ({listed})", repr(key), fix)


def check_type(
    table: Mapping[str, Any], key: str, kinds: type | tuple[type, ...], what: str
) -> Any:
    """Return a value of a table, or refuse its type.

    Parameters
    ----------
    table : mapping
        A table of the recipe.
    key : str
        Which value; None if it is not there.
    kinds : type or tuple of type
        What it may be. A boolean is no number here.
    what : str
        The same in words.

    Returns
    -------
    object or None

    Raises
    ------
    ValueError
        If it is something else.
    """
    value = table.get(key)
    if value is None:
        return None
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise refusal(key, what, repr(value))
    return value


def built(make: Callable[..., T], table: Mapping[str, Any], where: str, *given: Any) -> T:
    """Call a class or function with a table as its keyword arguments.

    Parameters
    ----------
    make : callable
        Checks the values itself.
    table : mapping
        Values by the names of its arguments.
    where : str
        What a refusal calls the table.
    *given : object
        Its first arguments, which no recipe gives.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If a key is no argument, one that has no default is missing, or a value is refused.
    """
    parameters = list(inspect.signature(make).parameters.values())[len(given) :]
    check_keys(table, [each.name for each in parameters], where)
    for each in parameters:
        if each.default is each.empty and each.name not in table:
            raise refusal(where, f"have the key {each.name!r}", "a table without it", "Add it.")
    try:
        return make(*given, **table)
    except TypeError as error:  # a text where a number belongs, say
        raise ValueError(f"{where}: {error}") from error
