"""Types of arguments that say what they must be."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

__all__ = ["base", "count", "fraction", "level", "number", "positive", "seed", "whole"]


def number(requirement: str, accept: Callable[[float], bool]) -> Callable[[str], float]:
    """Make a type of numbers with a requirement."""

    def parse_number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not accept(value):
            raise argparse.ArgumentTypeError(f"must be {requirement}; got {text!r}")
        return value

    return parse_number


def whole(requirement: str, low: int, high: int) -> Callable[[str], int]:
    """Make a type of whole numbers in a range."""
    parse = number(requirement, lambda value: low <= value <= high and value % 1 == 0)
    return lambda text: int(parse(text))


positive = number("a positive number", lambda value: 1e-30 <= value <= 1e30)
fraction = number("a number in [0, 1)", lambda value: 0 <= value < 1)
base = number("a number above 1", lambda value: 1 < value < math.inf)
level = number("a number between 0 and 1", lambda value: 0 < value < 1)
count = whole("a whole number of at least 1", 1, 10**8)
seed = whole("a whole number of at least 0", 0, 2**53)
