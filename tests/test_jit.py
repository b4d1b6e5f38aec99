from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from infotheory import _jit
from infotheory._jit import JIT_ENABLED, kernel

needs_jit = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set")

MODULE = """
from infotheory._jit import kernel

@kernel
def total(x):
    s = 0.0
    for i in range(x.size):
        s += x[i]
    return s

@kernel
def one_beyond(x):
    return x[x.size]
"""


def _run(path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` beside the module above, in a process of its own."""
    (path / "loops.py").write_text(MODULE, encoding="utf-8")
    switches = ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK", "INFOTHEORY_KERNEL_CACHE")
    inherited = {key: value for key, value in os.environ.items() if key not in switches}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=path,
        env=inherited | {"NUMBA_CACHE_DIR": str(path / "cache")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


SUM = "import numpy, loops; print(loops.total(numpy.ones(3)))"


def test_a_kernel_keeps_its_name_and_docstring() -> None:
    @kernel
    def half(x: float) -> float:
        """Halve."""
        return x / 2.0

    assert half.__name__ == "half"
    assert half.__doc__ == "Halve."
    assert half(3.0) == 1.5


@needs_jit
def test_division_by_zero_follows_numpy() -> None:
    @kernel
    def ratio(a: float, b: float) -> float:
        return a / b

    assert ratio(1.0, 0.0) == math.inf
    assert math.isnan(ratio(0.0, 0.0))


def test_nan_is_seen() -> None:
    @kernel
    def nans(x: np.ndarray) -> int:
        count = 0
        for value in x:
            if math.isnan(value):
                count += 1
        return count

    assert nans(np.array([math.nan, 1.0, math.nan])) == 2


@needs_jit
def test_the_flags() -> None:
    options = kernel(lambda x: x).targetoptions  # type: ignore[attr-defined]
    assert options["nogil"] is True
    assert options["fastmath"] is False
    assert options["error_model"] == "numpy"


def test_kernels_are_cached_on_disk(tmp_path: Path) -> None:
    done = _run(tmp_path, SUM)
    assert (done.returncode, done.stdout) == (0, "3.0\n"), done.stderr
    assert list((tmp_path / "cache").rglob("*.nbc"))


def test_the_switch_turns_the_disk_cache_off(tmp_path: Path) -> None:
    done = _run(tmp_path, SUM, INFOTHEORY_KERNEL_CACHE="0")
    assert (done.returncode, done.stdout) == (0, "3.0\n"), done.stderr
    assert not list(tmp_path.rglob("*.nbc"))


def test_without_a_place_for_the_cache_kernels_still_compile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compile_ = _jit._compile
    tried = []

    def nowhere_to_write(function: object, *, cache: bool) -> object:
        tried.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_(function, cache=cache)

    monkeypatch.setattr(_jit, "_compile", nowhere_to_write)
    monkeypatch.setattr(_jit, "_CACHE_ON_DISK", True)
    double = kernel(lambda x: 2.0 * x)
    assert double(4.0) == 8.0
    assert tried == [True, False]


def test_a_function_without_a_file_compiles(tmp_path: Path) -> None:
    # Numba finds no source file to key the cache by, and refuses to cache.
    code = "from infotheory._jit import kernel; print(kernel(eval('lambda x: 2.0 * x'))(4.0))"
    done = _run(tmp_path, code)
    assert (done.returncode, done.stdout) == (0, "8.0\n"), done.stderr


def test_disabled_jit_leaves_the_function_alone(tmp_path: Path) -> None:
    code = (
        "from infotheory._jit import JIT_ENABLED, kernel\n"
        "f = lambda x: x\n"
        "print(JIT_ENABLED, kernel(f) is f)"
    )
    assert _run(tmp_path, code, NUMBA_DISABLE_JIT="1").stdout == "False True\n"
    assert _run(tmp_path, code).stdout == "True False\n"


def test_the_bounds_lane_sees_a_read_beyond_the_end(tmp_path: Path) -> None:
    code = "import numpy, loops; loops.one_beyond(numpy.ones(3))"
    done = _run(tmp_path, code, NUMBA_BOUNDSCHECK="1")
    assert done.returncode == 1
    assert "IndexError" in done.stderr
