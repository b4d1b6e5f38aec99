"""Information theory for trained classifiers: concentration, separation, NCMI.

Nothing heavy is loaded by ``import infotheory``: every public name is imported from its home
when it is first used, so that scripts which only read ``infotheory.__version__`` or ask for
``--help`` start at once, and no learning or plotting framework is ever loaded by measuring.

Examples
--------
>>> import infotheory
>>> outputs = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]
>>> infotheory.ncmi(outputs, [0, 0, 1, 1], kind="probs")  # equal rows in each class
0.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infotheory import classifiers
    from infotheory.classifiers import (
        NCMIAccumulator,
        NCMIReport,
        compare_classifiers,
        measure_classifier,
        ncmi,
        sample_size_for_width,
    )
    from infotheory.references import cite

__version__ = "0.1.0"

__all__ = [
    "NCMIAccumulator",
    "NCMIReport",
    "cite",
    "classifiers",
    "compare_classifiers",
    "measure_classifier",
    "ncmi",
    "sample_size_for_width",
]

# Where each public name lives; a name that maps to None is itself a subpackage.
_HOMES = {
    "NCMIAccumulator": "infotheory.classifiers",
    "NCMIReport": "infotheory.classifiers",
    "cite": "infotheory.references",
    "classifiers": None,
    "compare_classifiers": "infotheory.classifiers",
    "measure_classifier": "infotheory.classifiers",
    "ncmi": "infotheory.classifiers",
    "sample_size_for_width": "infotheory.classifiers",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    value = (
        import_module(f"{__name__}.{name}") if home is None else getattr(import_module(home), name)
    )
    globals()[name] = value  # the next access is an ordinary attribute
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
