"""Build the site: sphinx-build -W docs build/docs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import infotheory
from infotheory.references import REFERENCES

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
EXECUTED = HERE.parent / "build" / "notebooks"  # left there by the notebook tests

project = "infotheory"
author = "The infotheory developers"
copyright = author
version = release = infotheory.__version__

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "_generated"]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Notebooks are executed by the tests; the site only shows what came out.
nb_execution_mode = "off"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Members are listed by autodoc; numpydoc would list them a second time.
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"infotheory {release}"


def _cell_sources(path: Path) -> list[str]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def _bring_notebooks(folder: Path) -> None:
    """Copy the notebooks in; executed, where the tests have left the same notebook executed."""
    target = HERE / "_notebooks"
    shutil.rmtree(target, ignore_errors=True)
    entries = []
    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        name = path.relative_to(NOTEBOOKS)
        if ".ipynb_checkpoints" in name.parts:
            continue
        done = EXECUTED / name
        fresh = done.is_file() and _cell_sources(done) == _cell_sources(path)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(done if fresh else path, target / name)
        entries.append(f"_notebooks/{name.with_suffix('').as_posix()}")
    # A list of pages that may be empty: Sphinx warns of a pattern that matches nothing.
    lines = ["```{toctree}", ":maxdepth: 1", "", *entries, "```", ""]
    (folder / "notebooks.md").write_text("\n".join(lines), encoding="utf-8")


def _write_help(folder: Path) -> None:
    """Keep what each command says of itself, in a fixed width."""
    for verb in ("ncmi", "entropy", "mi", "spectrum", "train", "verify", "demo"):
        done = subprocess.run(
            [sys.executable, "-m", "infotheory", verb, "--help"],
            env=os.environ | {"COLUMNS": "88", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        (folder / f"help_{verb}.txt").write_text(done.stdout, encoding="utf-8")


def _write_bibliography(folder: Path) -> None:
    rows = [f"`{key}`\n: {entry}\n" for key, entry in sorted(REFERENCES.items())]
    (folder / "bibliography.md").write_text("\n".join(rows), encoding="utf-8")


_generated = HERE / "_generated"
_generated.mkdir(exist_ok=True)
_bring_notebooks(_generated)
_write_help(_generated)
_write_bibliography(_generated)
