"""Files that are replaced whole: whoever reads one meets the old content or the new, never a part.

This holds where the writer is killed, and where the power fails: the content is on the disk before
it gets its name.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["replaced", "reserved"]


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a draft beside `path` that takes its place once it has been written.

    A link keeps pointing to its file, a file keeps its mode, and a pipe or device is written to.
    Where the block raises, the draft is removed and the old file stays. Where the process is
    killed, the draft is left behind, and the next writer of the same file removes it.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        yield path
        return
    _remove_abandoned(path)
    draft = path.with_name(f"{_prefix(path)}{os.getpid()}.part")
    try:
        yield draft
        _to_disk(draft)
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not every system can do this with a folder
        _to_disk(path.parent)


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[bool]:
    """Keep `path` to this process for a while; give False where another process has it.

    The lock is on an empty file beside it, as `path` itself is replaced. It ends with the block or
    with the process; the file that a killed process leaves is taken over by the next one. Where
    the system or the folder knows no locks, there is none.
    """
    path = path.resolve()
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = _locked(lock)
    except BlockingIOError:
        yield False
        return
    except (ImportError, OSError):
        yield True
        return
    try:
        yield True
    finally:
        # Removed while it is locked: whoever has opened it meanwhile sees that it has gone.
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(lock: Path) -> int:
    """Open and lock a file, which is there under its name from then on."""
    import fcntl  # not on every system

    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError):  # its last owner has removed it just now
                if os.path.samestat(os.fstat(descriptor), lock.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _prefix(path: Path) -> str:
    # A process number means nothing on another machine that shares the folder.
    machine = zlib.crc32(platform.node().encode())
    return f".{path.name}.{machine:08x}-"


def _remove_abandoned(path: Path) -> None:
    prefix, ending = _prefix(path), ".part"
    with contextlib.suppress(PermissionError):  # a folder may be writable and not readable
        for entry in path.parent.iterdir():
            process = entry.name[len(prefix) : -len(ending)]
            if entry.name != f"{prefix}{process}{ending}" or not process.isdecimal():
                continue
            if not _is_running(int(process)):
                entry.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere there is no harmless way to ask
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
