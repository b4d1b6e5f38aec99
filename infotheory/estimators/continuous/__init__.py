"""Estimates from samples with a density: formulas, and how certain they are."""

__all__: list[str] = []
