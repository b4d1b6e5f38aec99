"""What is installed is what the sources hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import infotheory

PACKAGE = Path(infotheory.__file__).parent


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_version_has_one_source() -> None:
    assert metadata.version("infotheory-toolkit") == infotheory.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", infotheory.__version__)


def test_annotations_are_announced() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_wheel_holds_the_whole_package() -> None:
    sources = os.environ.get("INFOTHEORY_SOURCES")
    if not sources:
        pytest.skip("INFOTHEORY_SOURCES is not set: the sources are not compared with a wheel")
    assert PACKAGE.is_relative_to(sys.prefix)
    assert _files(PACKAGE) == _files(Path(sources))


def test_both_ways_to_the_command_line() -> None:
    script = Path(sys.executable).with_name("infotheory")
    for command in ([sys.executable, "-m", "infotheory"], [str(script)]):
        done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("usage: infotheory")


@pytest.mark.repository
def test_the_citation_names_this_version() -> None:
    citation = (PACKAGE.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {infotheory.__version__}\n" in citation
