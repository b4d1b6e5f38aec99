"""Slow, obvious, double-precision references that import nothing from the library."""
