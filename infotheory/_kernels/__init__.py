"""Compiled loops: numpy, numba and ``_jit`` only, behind the façades of the package."""
