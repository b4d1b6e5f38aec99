"""Types of arguments that say what they must be."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from decimal import Decimal

__all__ = [
    "alphabet",
    "base",
    "count",
    "fraction",
    "level",
    "number",
    "positive",
    "repeats",
    "seed",
    "whole",
]


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


def whole(low: int, high: int) -> Callable[[str], int]:
    """Make a type of whole numbers in a range, none of which is rounded."""

    def parse_whole(text: str) -> int:
        try:
            value = Decimal(text)
            if low <= value <= high and value == int(value):
                return int(value)
        except ArithmeticError:  # no number at all, or nan
            pass
        raise argparse.ArgumentTypeError(
            f"must be a whole number from {low} to {high}; got {text!r}"
        )

    return parse_whole


positive = number("a positive number", lambda value: 1e-30 <= value <= 1e30)
fraction = number("a number in [0, 1)", lambda value: 0 <= value < 1)
base = number("a number above 1", lambda value: 1 < value < math.inf)
level = number("a number between 0 and 1", lambda value: 0 < value < 1)
count = whole(1, 10**8)
alphabet = whole(1, 2**63 - 1)  # as the library
repeats = whole(0, 10**8)
seed = whole(0, 2**53)
