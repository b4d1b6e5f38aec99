"""Tools to test bounds and estimates with: counterexamples, exact laws, strategies for hypothesis.

``strategies`` alone needs hypothesis, which ``pip install 'infotheory-toolkit[verify]'`` brings
along, and is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from infotheory.testing.comparison import assert_brackets
from infotheory.testing.drawing import draw_channel, draw_joint, draw_pmf
from infotheory.testing.enumeration import EnumeratedLaw, enumerated_law, types_of
from infotheory.testing.hunting import TOPICS, Finding, Hunt, findings_of, hunt

if TYPE_CHECKING:
    from infotheory.testing import strategies

__all__ = [
    "TOPICS",
    "EnumeratedLaw",
    "Finding",
    "Hunt",
    "assert_brackets",
    "draw_channel",
    "draw_joint",
    "draw_pmf",
    "enumerated_law",
    "findings_of",
    "hunt",
    "strategies",
    "types_of",
]


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module("infotheory.testing.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
