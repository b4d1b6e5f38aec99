"""Warnings of several measurements that belong to one call: each is given once, by that call."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from infotheory.exceptions import InfotheoryWarning

__all__ = ["Warned", "collected", "tell"]

Warned = dict[tuple[type[Warning], str], None]
"""Kinds and texts of warnings, each once, in the order in which they first came."""


@contextmanager
def collected() -> Iterator[Warned]:
    """Collect the warnings given inside, which a user's filters then have not seen yet."""
    found: Warned = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InfotheoryWarning)
        yield found
    found.update({(item.category, str(item.message)): None for item in caught})


def tell(found: Warned, about: str = "") -> None:
    """Give the collected warnings, saying what they are about, at the line that called the package.

    A function of the package may have been called by another one, so the line is looked for.
    """
    package = __name__.partition(".")[0]
    stacklevel, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        stacklevel, frame = stacklevel + 1, frame.f_back
    for category, text in found:
        warnings.warn(f"{about}: {text}" if about else text, category, stacklevel=stacklevel)
