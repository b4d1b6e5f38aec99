"""Every notebook runs from top to bottom, and is committed without outputs.

With ``INFOTHEORY_NOTEBOOK_OUT`` set, the executed notebooks are left in that folder: the site shows
them, so that no notebook is executed twice.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
NotebookClient = pytest.importorskip("nbclient").NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(
    path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)

pytestmark = [
    pytest.mark.repository,
    pytest.mark.parametrize(
        "path", PATHS, ids=lambda path: path.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    ),
]


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def _code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOTHEORY_NOTEBOOK_FAST", "1")
    # Figures go into the notebook, whatever the tests around it draw with.
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = _read(path)
    variable = notebook.metadata.get("infotheory", {}).get("needs")
    if variable is not None and not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: the data of this notebook are not at hand")
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    out = os.environ.get("INFOTHEORY_NOTEBOOK_OUT")
    if out:
        target = Path(out) / path.relative_to(NOTEBOOKS)
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)


def test_it_is_committed_without_outputs(path: Path) -> None:
    for cell in _code_cells(_read(path)):
        assert cell.outputs == []
        assert cell.execution_count is None


def test_it_is_short_and_ends_with_its_claims(path: Path) -> None:
    notebook = _read(path)
    nbformat.validate(notebook)
    assert len(notebook.cells) <= 15
    assert "assert" in _code_cells(notebook)[-1].source
