"""The one place where compiler flags are set.

Every kernel is compiled with the same flags, each for a measured reason:

``error_model="numpy"``
    Division by zero gives ``inf`` or ``nan`` as in numpy; the default would raise.
``fastmath=False``
    Fast arithmetic assumes that no ``nan`` occurs and silently removes the checks for it.
``nogil=True``
    One long call a core may run in plain threads.
``cache=True``
    Compiling takes seconds and would be paid in every process. Numba keeps its cache beside the
    source files, or in ``NUMBA_CACHE_DIR``, or in the user's cache folder; where none of them
    can be written, the kernel is compiled in memory instead.

The cache of a kernel is keyed by the file that holds it, not by the files it calls into. Whoever
edits kernels must therefore work with a fresh ``NUMBA_CACHE_DIR`` or without the cache:
``INFOTHEORY_KERNEL_CACHE=0`` turns it off. ``NUMBA_DISABLE_JIT=1``, numba's own switch, leaves
every kernel the plain Python function it was written as.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

__all__ = ["JIT_ENABLED", "kernel"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

JIT_ENABLED: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
"""False in a process started with ``NUMBA_DISABLE_JIT=1``, where loops run in plain Python."""

_CACHE_ON_DISK = os.environ.get("INFOTHEORY_KERNEL_CACHE", "1") != "0"


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a loop over arrays with the flags of this package.

    Parameters
    ----------
    function : callable
        A function in the subset of Python that numba compiles.

    Returns
    -------
    callable
        The compiled function, of the same signature; `function` itself where
        ``NUMBA_DISABLE_JIT=1`` is set.

    Examples
    --------
    >>> from infotheory._jit import kernel
    >>> @kernel
    ... def ratio(a, b):
    ...     return a / b
    >>> from infotheory._jit import JIT_ENABLED
    >>> ratio(1.0, 0.0) if JIT_ENABLED else float("inf")
    inf
    """
    try:
        compiled = _compile(function, cache=_CACHE_ON_DISK)
    except RuntimeError:
        # Numba found no folder that it could write to: a read-only installation, or a function
        # typed at a prompt. It compiles lazily, so nothing else can have failed here.
        compiled = _compile(function, cache=False)
    return cast("Callable[_P, _R]", compiled)


def _compile(function: Callable[_P, _R], *, cache: bool) -> object:
    return numba.njit(function, cache=cache, error_model="numpy", fastmath=False, nogil=True)
