"""Docstrings are complete, and the code shown to readers runs."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

import infotheory
from infotheory._jit import JIT_ENABLED

# Part of the test extra, but the wheel is tested with the barest tools.
get_doc_object = pytest.importorskip("numpydoc.docscrape").get_doc_object
validate = pytest.importorskip("numpydoc.validate").validate

# Rooms whose public names are documented to the full standard.
NUMERIC_ROOMS = (
    "infotheory.classifiers",
    "infotheory.estimators",
    "infotheory.measures",
    "infotheory.sources",
)
PUBLIC_ROOMS = (
    "infotheory",
    *NUMERIC_ROOMS,
    "infotheory.cli",
    "infotheory.evaluation",
    "infotheory.exceptions",
    "infotheory.learning",
    "infotheory.learning.data",
    "infotheory.learning.engine",
    "infotheory.learning.functional",
    "infotheory.learning.language",
    "infotheory.learning.losses",
    "infotheory.learning.networks",
    "infotheory.learning.recipes",
    "infotheory.learning.robustness",
    "infotheory.learning.trainers",
    "infotheory.models",
    "infotheory.plotting",
    "infotheory.references",
)

# Of numpydoc's checks: a summary of one line that ends with a period; known sections, in order;
# the parameters of the signature, each described. Types are in the annotations.
FORM = frozenset({"GL01", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10", "SS01", "SS03", "SS06"})
PARAMETERS = frozenset({"PR02", "PR03", "PR07", "PR10"})
METHOD_CHECKS = FORM | PARAMETERS
FUNCTION_CHECKS = METHOD_CHECKS | {"PR01", "RT01"}

REPOSITORY = Path(infotheory.__file__).parent.parent
READING = ("README.md", "docs/start.md", "docs/choosing-an-estimator.md")


def _public_objects(rooms: tuple[str, ...]) -> dict[str, object]:
    """Everything public and documented, by its dotted name, methods of classes included."""
    found: dict[str, object] = {}
    for room in rooms:
        module = importlib.import_module(room)
        for name in module.__all__:
            value = getattr(module, name)
            if not (inspect.isclass(value) or inspect.isroutine(value)):
                continue
            found[f"{room}.{name}"] = value
            if inspect.isclass(value):
                own = {key: item for key, item in vars(value).items() if not key.startswith("_")}
                found |= {
                    f"{room}.{name}.{key}": item
                    for key, item in own.items()
                    if inspect.isroutine(item) or isinstance(item, classmethod | staticmethod)
                }
    return found


def _faults(name: str, value: object) -> list[tuple[str, str]]:
    is_function = inspect.isfunction(value) and name.rpartition(".")[0] in PUBLIC_ROOMS
    checks = FUNCTION_CHECKS if is_function else METHOD_CHECKS
    return [fault for fault in validate(name)["errors"] if fault[0] in checks]


@pytest.mark.parametrize(("name", "value"), _public_objects(PUBLIC_ROOMS).items())
def test_docstrings_are_complete(name: str, value: object) -> None:
    assert _faults(name, value) == []


def _dataclasses() -> list[type]:
    return [
        value
        for value in _public_objects(PUBLIC_ROOMS).values()
        if inspect.isclass(value) and dataclasses.is_dataclass(value)
    ]


@pytest.mark.parametrize("kind", dict.fromkeys(_dataclasses()))
def test_fields_are_described(kind: type) -> None:
    described = {
        name.strip() for item in get_doc_object(kind)["Attributes"] for name in item.name.split(",")
    }
    fields = {field.name for field in dataclasses.fields(kind)}
    assert {name for name in fields if not name.startswith("_")} <= described


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, value in _public_objects(NUMERIC_ROOMS).items()
        if inspect.isfunction(value) and name.count(".") == 2
    ],
)
def test_numeric_functions_state_refusals_formula_source_and_an_example(name: str) -> None:
    room, _, function = name.rpartition(".")
    doc = get_doc_object(getattr(importlib.import_module(room), function))
    missing = [
        section
        for section in ("Returns", "Raises", "Notes", "References", "Examples")
        if not doc[section]
    ]
    assert missing == []


def test_an_incomplete_docstring_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(x: int) -> int:
        """Return x"""
        return x

    monkeypatch.setattr(infotheory, "bare", bare, raising=False)
    assert {fault[0] for fault in _faults("infotheory.bare", bare)} == {"PR01", "RT01", "SS03"}


def _python_blocks(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.repository
@pytest.mark.parametrize("page", READING)
def test_code_shown_to_readers_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page == "README.md" and not JIT_ENABLED:
        pytest.skip("takes minutes in plain Python")
    monkeypatch.chdir(tmp_path)  # a block may save a file
    blocks = _python_blocks(REPOSITORY / page)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:  # later blocks go on from earlier ones, as a reader does
        exec(compile(block, page, "exec"), names)  # noqa: S102


@pytest.mark.repository
def test_the_readme_begins_with_the_two_commands() -> None:
    opening = (REPOSITORY / "README.md").read_text(encoding="utf-8")[:1200]
    assert "make demo" in opening
    assert "make test" in opening
