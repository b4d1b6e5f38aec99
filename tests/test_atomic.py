"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infotheory import _atomic
from infotheory._atomic import replaced, reserved


def write(path: Path, text: str) -> None:
    with replaced(path) as draft:
        draft.write_text(text, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_and_a_replaced_one(tmp_path: Path) -> None:
    path = tmp_path / "result"
    for text in ("first", "second"):
        write(path, text)
        assert path.read_text(encoding="utf-8") == text
        assert names(tmp_path) == ["result"]


def test_the_old_file_is_there_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "result"
    write(path, "old")
    with replaced(path) as draft:
        assert draft.parent == path.parent  # a rename between file systems would copy
        draft.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("failure", [OSError(28, "full"), KeyboardInterrupt()])
def test_a_failing_writer_leaves_the_old_file_and_no_draft(
    tmp_path: Path, failure: BaseException
) -> None:
    path = tmp_path / "result"
    write(path, "old")

    def fail() -> None:
        with replaced(path) as draft:
            draft.write_text("half", encoding="utf-8")
            raise failure

    with pytest.raises(type(failure)):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["result"]


def test_a_link_and_a_mode_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "result", tmp_path / "link"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    write(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to(tmp_path: Path) -> None:
    device = Path(os.devnull)
    with replaced(device) as draft:
        assert draft == device.resolve()


def test_the_content_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result"
    events: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.replace

    def recorded_sync(descriptor: int) -> None:
        # Which file a descriptor means is asked of the system, by its inode.
        inode = os.fstat(descriptor).st_ino
        (name,) = (p.name for p in (tmp_path, *tmp_path.iterdir()) if p.stat().st_ino == inode)
        events.append(("sync", "draft" if name.endswith(".part") else name))
        sync(descriptor)

    def recorded_rename(self: Path, target: Path) -> Path:
        events.append(("rename", target.name))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(Path, "replace", recorded_rename)
    write(path, "text")
    assert events == [("sync", "draft"), ("rename", "result"), ("sync", tmp_path.name)]


def test_a_folder_that_cannot_be_synchronised_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def refusing(descriptor: int) -> None:
        if os.fstat(descriptor).st_mode & 0o040000:
            raise OSError(22, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refusing)
    write(tmp_path / "result", "text")
    assert names(tmp_path) == ["result"]


KILLED = """
import os, pathlib, signal, sys
from infotheory._atomic import replaced, reserved
with replaced(pathlib.Path(sys.argv[1])) as draft:
    draft.write_text("half")
    print(draft, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="asks whether a process is running, the POSIX way")
def test_the_draft_of_a_killed_writer_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "result"
    write(path, "old")
    command = [sys.executable, "-c", KILLED, str(path), "killed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    draft = Path(done.stdout.strip())
    assert draft.exists()
    assert path.read_text(encoding="utf-8") == "old"
    similar = [f"{draft.name}.kept", draft.name.replace(".result.", ".results."), ".result.x.part"]
    for name in similar:  # not drafts of this file
        (tmp_path / name).touch()
    write(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == sorted(["result", *similar])


def test_the_draft_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), "waits"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        draft = Path(other.stdout.readline().strip())
        write(path, "mine")
        assert draft.exists()
        other.stdin.close()  # lets it end its block
    assert other.returncode == 0
    assert path.read_text(encoding="utf-8") == "half"
    assert names(tmp_path) == ["result"]


def test_where_processes_cannot_be_asked_for_drafts_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result"
    abandoned = tmp_path / f"{_atomic._prefix(path)}{2**22 + 1}.part"  # beyond what Linux gives out
    abandoned.touch()
    monkeypatch.setattr(_atomic, "_is_running", lambda process: True)
    write(path, "text")
    assert abandoned.exists()
    monkeypatch.undo()
    write(path, "text")
    assert not abandoned.exists()


def test_odd_process_numbers_count_as_running() -> None:
    assert _atomic._is_running(os.getpid())
    assert _atomic._is_running(10**30)  # more than the system can hold


RESERVING = """
import pathlib, sys
from infotheory._atomic import reserved
with reserved(pathlib.Path(sys.argv[1])) as free:
    print(free, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="locks files the POSIX way")
def test_a_reservation_ends_with_the_process_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with subprocess.Popen(
        [sys.executable, "-c", RESERVING, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with reserved(path) as free:
            assert not free
        assert names(tmp_path) == [".result.lock"]  # still that of the other
        other.kill()
    assert names(tmp_path) == [".result.lock"]
    with reserved(path) as free:
        assert free
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="locks files the POSIX way")
def test_a_lock_that_is_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last owner ends between the opening and the locking of the file."""
    import fcntl

    lock, path = tmp_path / ".result.lock", tmp_path / "result"
    flock, removed = fcntl.flock, iter([True])

    def late(descriptor: int, operation: int) -> None:
        if next(removed, False):
            lock.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with reserved(path) as free:
        assert free
        with reserved(path) as again:
            assert not again
    assert names(tmp_path) == []


def test_where_there_are_no_locks_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with reserved(tmp_path / "result") as first, reserved(tmp_path / "result") as second:
        assert first
        assert second
    assert names(tmp_path) == []
