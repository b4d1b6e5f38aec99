"""What every verb says and writes: notes, cells of tables, documents, figures."""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from infotheory._atomic import replaced

if TYPE_CHECKING:
    import argparse

    from matplotlib.figure import Figure

__all__ = [
    "cell",
    "check",
    "finite",
    "non_finite",
    "note",
    "note_warnings",
    "output_problem",
    "silent",
    "write_figure",
    "write_json",
    "write_rows",
]


def note(text: str) -> None:
    """Print a line on standard error, above the progress bar if there is one."""
    tqdm.write(f"note: {text}", file=sys.stderr)


def note_warnings(found: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Print warnings on standard error, each text once with the names of those it is about."""
    names: dict[str, list[str]] = {}
    for name, texts in found:
        for text in texts:
            names.setdefault(text, []).append(name)
    for text, about in names.items():
        print(f"note: {', '.join(about)}: {text}", file=sys.stderr)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Say nothing for a while: of several processes one speaks."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def cell(value: float, width: int, form: str) -> str:
    """Fixed decimals, as far as they show the value and fit."""
    if form[-1] == "f" and (0 < abs(value) < 1e-4 or 1e5 <= abs(value) < math.inf):
        form = ".3e"
    return f"{value:{width}{form}}"


def finite(value: Any) -> Any:
    """Replace what JSON cannot hold by None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def non_finite(values: Mapping[str, Any]) -> dict[str, str]:
    """Name the values that JSON cannot hold, and say what they were."""
    return {k: str(v) for k, v in values.items() if isinstance(v, float) and not math.isfinite(v)}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    r"""Write strict JSON; the file appears when it is complete.

    A byte that is no UTF-8 becomes the escape of half a surrogate pair, ``\udcff`` say, which
    Python reads back as it was.
    """
    with replaced(path) as draft:
        draft.write_text(
            json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n",
            encoding="utf-8",
            errors="backslashreplace",
        )


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a line a row as CSV; infinite values read ``inf``, undefined ones are empty."""
    import pandas as pd

    with replaced(path) as draft:
        pd.DataFrame(rows).to_csv(draft, index=False)


def write_figure(path: Path, size: tuple[float, float], draw: Callable[[Figure], object]) -> None:
    """Draw into a figure of this size in inches; the ending of the file selects the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    with replaced(path) as draft:
        figure.savefig(draft, format=path.suffix[1:], dpi=150)


def check(
    parser: argparse.ArgumentParser,
    written: Iterable[tuple[Path | None, str]],
    read: Iterable[Path],
) -> None:
    """End the program where something could not be written, or would take another's place.

    Parameters
    ----------
    parser : ArgumentParser
        Says so.
    written : iterable of (Path or None, str)
        Files to write, with their content as for :func:`output_problem`.
    read : iterable of Path
        Files to read.
    """
    used = {path.resolve(): "is read" for path in read}
    for path, content in written:
        if path is None:
            continue
        problem = output_problem(path, content)
        if problem is not None:
            parser.error(problem)
        place = path.resolve()
        if place in used:
            parser.error(f"{path}: would be overwritten, and {used[place]}")
        if not path.is_char_device():
            used[place] = "is written for another option"


def output_problem(path: Path, content: str = "") -> str | None:
    """Say why nothing could be written there, before any work is done; None if all is well.

    The content may be a ``"figure"``, or a ``"state"``, which alone takes the place of another.
    """
    if not path.parent.is_dir():
        return f"{path}: there is no folder {path.parent}"
    if path.is_dir():
        return f"{path}: this is a folder"
    if content != "state" and path.exists():
        from infotheory.evaluation.states import is_state

        if is_state(path):
            return f"{path}: would be overwritten, and is a saved state"
    return _figure_problem(path) if content == "figure" else None


def _figure_problem(path: Path) -> str | None:
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        from infotheory.plotting import FIGURES_NEED

        return FIGURES_NEED
    formats = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix[1:].lower() in formats:
        return None
    return f"{path}: a figure's name must end in one of {', '.join(formats)}"
