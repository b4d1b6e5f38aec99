"""The package keeps its layers, loads nothing heavy, and never unpickles."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import infotheory

PACKAGE = Path(infotheory.__file__).parent

# From the bottom up. A room is a module or subpackage directly under the package; it may import
# only rooms of the layers before its own. A new room is added here, or the test fails.
LAYERS = (
    ("_typing", "exceptions", "references", "_jit", "_atomic"),
    ("_validation", "_results", "_kernels"),
    ("_simplex",),
    ("measures",),
    ("sources",),
    ("estimators", "classifiers", "spectrum"),
    ("plotting",),
    ("files", "testing"),
    ("models",),
    ("learning",),
    ("evaluation",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

# The room of torch has layers of its own: its files and subpackages, from the bottom up.
LEARNING = (
    ("functional", "networks"),
    ("losses", "batches", "gathering"),
    ("metrics", "_torchmetrics", "_lightning", "callbacks"),
    ("data",),
    ("engine", "robustness", "eigen_cam"),
    ("trainers", "language"),
    ("recipes",),
)
LEARNING_LEVEL = {part: level for level, parts in enumerate(LEARNING) for part in parts}

# The lowest layers are numeric: numpy beside the standard library, and numba where loops live.
NUMERIC_ROOMS = frozenset(LAYERS[0] + LAYERS[1] + LAYERS[2])
NUMBA_ROOMS = frozenset({"_jit", "_kernels"})
COMPILER = frozenset({"numba", "llvmlite"})

# Rooms with results that draw themselves.
DRAWN = frozenset({"classifiers", "estimators", "spectrum"})

HEAVY = ("torch", "pandas", "seaborn", "matplotlib")


class Import(NamedTuple):
    target: str  # dotted name of the imported module
    line: int
    inside_function: bool


def _module_name(path: Path, package: Path) -> str:
    parts = [package.name, *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.AST, modules: frozenset[str], inside: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, inside)
        elif isinstance(node, ast.ImportFrom):
            # Relative imports are banned by the linter, so `module` is always there.
            assert node.level == 0
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(full if full in modules else node.module, node.lineno, inside)
        else:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(node, modules, inside or function)


def _foreign_fault(room: str, library: str) -> str | None:
    if room in NUMERIC_ROOMS and library not in {*sys.stdlib_module_names, "numpy", *COMPILER}:
        return f"layer {LEVEL[room]} uses only numpy, not {library}"
    if room not in NUMBA_ROOMS and library in COMPILER:
        return f"{library} is used in _jit and _kernels only"
    return None


def _learning_fault(part: str, target: str) -> str | None:
    """Say what is wrong where one part of the room of torch imports another."""
    if part == target or not part:
        return None
    unknown = next((each for each in (part, target) if each not in LEARNING_LEVEL), None)
    if unknown is not None:
        return f"learning.{unknown} has no layer"
    upwards = LEARNING_LEVEL[target] > LEARNING_LEVEL[part]
    return f"learning.{part} imports learning.{target}, which is above it" if upwards else None


def _fault(module: str, found: Import, package: str) -> str | None:
    """Say what is wrong with one import, or give None."""
    room, _, rest = module.removeprefix(f"{package}.").partition(".")
    top, *inner = found.target.split(".")
    if top != package:
        return _foreign_fault(room, top)
    if not inner:
        return None if room == "cli" else "only the command line uses the package as a whole"
    target = inner[0]
    fault = None
    if target not in LEVEL:
        fault = f"{target} has no layer"
    elif target == room:
        # Shared loops live in files with an underscore; a variant may use its plain twin.
        sibling = inner[1] if len(inner) > 1 else "_"
        if room == "_kernels" and rest and not (sibling[0] == "_" or rest.startswith(sibling)):
            fault = f"kernel {rest} imports kernel {sibling}"
        if room == "learning" and len(inner) > 1:
            fault = _learning_fault(rest.partition(".")[0], inner[1])
    elif target == "plotting" and room in DRAWN and found.inside_function:
        pass
    elif LEVEL[target] >= LEVEL[room]:
        fault = f"layer {LEVEL[room]} ({room}) imports layer {LEVEL[target]} ({target})"
    return fault


def violations(package: Path) -> list[str]:
    paths = {_module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    modules = frozenset(paths)
    found = []
    for module, path in paths.items():
        if module == package.name:
            continue  # the lazy front door; its own test is below
        room = module.split(".")[1]
        if room not in LEVEL:
            found.append(f"{module}: has no layer")
            continue
        for item in _imports(ast.parse(path.read_text(encoding="utf-8")), modules):
            fault = _fault(module, item, package.name)
            if fault is not None:
                found.append(f"{module}:{item.line}: {fault}")
    return found


def test_imports_point_downwards() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("path", "code", "fault"),
    [
        ("_validation.py", "from fake import classifiers", "layer 1 (_validation) imports layer 5"),
        ("_validation.py", "import fake.plotting", "layer 1 (_validation) imports layer 6"),
        ("exceptions.py", "def f():\n    from fake._jit import kernel", "layer 0 (exceptions)"),
        ("_validation.py", "import fake", "only the command line"),
        ("_validation.py", "import scipy.special", "layer 1 uses only numpy, not scipy"),
        ("_validation.py", "import numba", "numba is used in _jit and _kernels only"),
        ("_kernels/one.py", "from fake._kernels.two import g", "kernel one imports kernel two"),
        ("_kernels/one.py", "from fake._kernels import two", "kernel one imports kernel two"),
        ("_kernels/one.py", "from fake._validation import g", "layer 1 (_kernels) imports layer 1"),
        ("classifiers/report.py", "import numba", "numba is used in _jit and _kernels only"),
        ("classifiers/report.py", "from fake.plotting import plane", "layer 5 (classifiers)"),
        ("classifiers/report.py", "import fake.nowhere", "nowhere has no layer"),
        ("helpers.py", "", "has no layer"),
        ("learning/losses/one.py", "import fake.learning.engine.loop", "engine, which is above it"),
        ("learning/functional/one.py", "import fake.learning.losses", "losses, which is above it"),
        ("learning/odd.py", "import fake.learning.losses", "learning.odd has no layer"),
    ],
)
def test_a_violation_would_be_found(tmp_path: Path, path: str, code: str, fault: str) -> None:
    package = tmp_path / "fake"
    files = ("__init__.py", "classifiers/__init__.py", "plotting.py", "_kernels/two.py")
    for name in files:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    assert violations(package) == []
    (package / path).parent.mkdir(parents=True, exist_ok=True)
    (package / path).write_text(code, encoding="utf-8")
    (found,) = violations(package)
    assert fault in found


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("_kernels/one.py", "import numpy\nimport numba\nfrom fake._kernels._loops import g"),
        ("_kernels/one_vector.py", "from fake._kernels.one import g"),
        ("classifiers/report.py", "def plot():\n    from fake.plotting import plane"),
        ("cli/demo.py", "import fake\nfrom fake.classifiers import ncmi\nimport sklearn"),
    ],
)
def test_what_is_allowed_is_not_refused(tmp_path: Path, path: str, code: str) -> None:
    package = tmp_path / "fake"
    (package / path).parent.mkdir(parents=True)
    (package / path).write_text(code, encoding="utf-8")
    assert violations(package) == []


# ------------------------------------------------------------------------- nothing heavy is loaded

MEASURE = """
import numpy as np
report = infotheory.measure_classifier(np.eye(3)[[0, 1, 2, 0]] + 0.5, np.array([0, 1, 2, 1]))
assert 0.0 < report.ncmi == infotheory.ncmi(np.eye(3)[[0, 1, 2, 0]] + 0.5, np.array([0, 1, 2, 1]))
"""


def _run_with_stubs(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` where importing a heavy library raises, installed or not."""
    for name in HEAVY:
        # Nothing that might be caught on the way: the process ends here and now.
        end = f"import os\nos.write(2, b'{name} was loaded')\nos._exit(1)\n"
        (folder / f"{name}.py").write_text(end, encoding="utf-8")
    inherited = os.environ.get("PYTHONPATH")
    search = os.pathsep.join([str(folder), *([inherited] if inherited else [])])
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": search},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", HEAVY)
def test_the_stubs_do_raise(tmp_path: Path, name: str) -> None:
    done = _run_with_stubs(tmp_path, f"import {name}")
    assert done.returncode == 1
    assert f"{name} was loaded" in done.stderr


def test_importing_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, infotheory\n"
        "assert set(infotheory.__all__) <= set(dir(infotheory))\n"
        "assert not {'numba', 'scipy'} & set(sys.modules)"
    )
    done = _run_with_stubs(tmp_path, code)
    assert done.returncode == 0, done.stderr


def test_every_public_name_loads_nothing_heavy(tmp_path: Path) -> None:
    done = _run_with_stubs(tmp_path, "from infotheory import *")
    assert done.returncode == 0, done.stderr


def test_measuring_loads_nothing_heavy(tmp_path: Path) -> None:
    done = _run_with_stubs(tmp_path, f"import infotheory\n{MEASURE}")
    assert done.returncode == 0, done.stderr


def test_the_command_line_starts_without_anything_heavy(tmp_path: Path) -> None:
    done = _run_with_stubs(tmp_path, "from infotheory.cli import main; main(['--help'])")
    assert done.returncode == 0, done.stderr
    assert "ncmi" in done.stdout


# ------------------------------------------------------------------------------------ front doors


def test_the_front_door_names_what_it_exports() -> None:
    assert infotheory.__all__ == sorted(infotheory.__all__)
    assert set(infotheory._HOMES) == set(infotheory.__all__)
    for name in infotheory.__all__:
        assert getattr(infotheory, name) is not None


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'infotheory' has no attribute 'nonsense'"):
        _ = infotheory.nonsense


def _public_modules() -> list[str]:
    names = (_module_name(path, PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))
    return [name for name in names if not any(part.startswith("_") for part in name.split("."))]


@pytest.mark.parametrize("name", _public_modules())
def test_public_modules_say_what_they_export(name: str) -> None:
    if name.startswith("infotheory.learning"):
        pytest.importorskip("torch", reason="infotheory.learning needs torch")
    module = importlib.import_module(name)
    assert module.__doc__
    assert all(hasattr(module, item) for item in module.__all__)


# --------------------------------------------------------------------------------------- unpickling

UNPICKLERS = frozenset({"pickle", "cPickle", "shelve", "marshal", "joblib", "dill", "cloudpickle"})


def _unpickling(source: str) -> list[int]:
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named = {(node.module or "").split(".")[0]}
        else:
            named = set()
        allows = (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        )
        if named & UNPICKLERS or allows:
            lines.append(node.lineno)
    return lines


def test_nothing_is_ever_unpickled() -> None:
    found = {
        path.name: _unpickling(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_unpickling_would_be_found() -> None:
    source = "import pickle\nfrom joblib import load\nnp.load(f, allow_pickle=True)\nimport numpy\n"
    assert _unpickling(source) == [1, 2, 3]
    assert _unpickling("np.load(f, allow_pickle=False)") == []
