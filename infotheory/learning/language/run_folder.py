"""The folder of a fine-tuning: who may write into it, and where it goes on."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from infotheory._atomic import replaced, reserved
from infotheory._validation import refusal

__all__ = ["kept", "last_checkpoint"]

RUN = "run.json"


@contextmanager
def kept(
    folder: str | os.PathLike[str] | None, run: dict[str, Any], resume: bool
) -> Iterator[Path]:
    """Give the folder of a run, kept to it; one that goes away with the run where there is none."""
    with ExitStack() as stack:
        if folder is None:
            yield Path(stack.enter_context(tempfile.TemporaryDirectory()))
            return
        place = Path(folder).expanduser().resolve()
        if place.exists() and not place.is_dir():
            raise refusal("folder", "a folder", f"{str(place)!r}, a file")
        place.mkdir(parents=True, exist_ok=True)
        if int(os.environ.get("RANK", "0")) == 0:  # of several processes the first one decides
            if not stack.enter_context(reserved(place / RUN)):
                raise refusal(
                    "folder",
                    "free",
                    f"{str(place)!r}, into which another process is writing a run",
                    "Wait for it, or choose another folder.",
                )
            _begin(place / RUN, json.loads(json.dumps(run)), resume)
        yield place


def _begin(path: Path, run: dict[str, Any], resume: bool) -> None:
    """Write down what a run is, or refuse another than the one that is there."""
    if not path.exists():
        with replaced(path) as draft:
            draft.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
        return
    place = repr(str(path.parent))
    if not resume:
        raise refusal(
            "folder",
            "without a run",
            f"{place}, which has one",
            "Go on with it by resume=True, or choose another folder.",
        )
    before = json.loads(path.read_text(encoding="utf-8"))
    for name, value in run.items():
        if before.get(name) != value:
            was, now = _difference(before.get(name), value)
            raise refusal(
                "folder",
                f"that of a run with the same {name}, {now}",
                f"{place} with {was}",
                "Go on with what the run began with, or choose another folder.",
            )


def _difference(was: Any, now: Any) -> tuple[str, str]:
    """Return what differs, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        return tuple(  # type: ignore[return-value]
            ", ".join(f"{name}={each.get(name)!r}" for name in names) for each in (was, now)
        )
    return str(was), str(now)


def last_checkpoint(place: Path, resume: bool) -> str | None:
    """Return the last checkpoint that is whole: of one cut off, a file is missing."""
    if not resume:
        return None
    steps = sorted(
        int(entry.name.rpartition("-")[2])
        for entry in place.glob("checkpoint-*")
        if entry.name.rpartition("-")[2].isdecimal() and _is_whole(entry)
    )
    return str(place / f"checkpoint-{steps[-1]}") if steps else None


def _is_whole(checkpoint: Path) -> bool:
    """Tell whether the state of the trainer, which is written last, is there in full."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
