"""Distances to nearest neighbours, and how many points lie within them: exact, for any data."""

__all__: list[str] = []
